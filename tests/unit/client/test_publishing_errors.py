"""What the Dataset Management API refuses becomes the error that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.client import publishing_samples as samples
from unit.client.publishing_samples import API, REVISION_LINKS, bare

from airflow_socrata.client import (
    Conflict,
    InvalidRequest,
    PermissionDenied,
    PortalFault,
    RevisionClosed,
    TransformRefused,
    revisions,
    schemas,
)
from airflow_socrata.client.links import Links
from airflow_socrata.client.revision_models import InputSchema, OutputColumnSpec, Revision

if TYPE_CHECKING:
    from unit.client.portal_servers import ScriptedPortal

    from airflow_socrata.client import PortalSession

REVISION = Revision.from_json(samples.revision(), Links(REVISION_LINKS))
APPLY = revisions.apply(REVISION)
SCHEMA = InputSchema.from_json(samples.input_schema(), Links({"transform": f"{API}/source/1/schema/2"}))
COLUMNS = [OutputColumnSpec("a", "A", "to_numbr(`a`)"), OutputColumnSpec("b", "B", "`b`")]
OUTPUT = schemas.create_output(SCHEMA, COLUMNS)


@pytest.mark.parametrize(
    ("status", "key", "message"),
    [
        (409, "revision_closed", "This revision cannot be changed"),
        (400, None, "Revision 4 was closed"),
        (422, "x", "The revision has been discarded"),
        (409, None, "revision has already been applied"),
    ],
)
def test_closed_revision(
    portal: ScriptedPortal, session: PortalSession, status: int, key: str | None, message: str
) -> None:
    portal.answer(bare({"message": message, "key": key, "params": {}}, status))
    with pytest.raises(RevisionClosed, match="start with a new revision") as closed:
        session.send(APPLY)
    assert isinstance(closed.value, Conflict)
    assert closed.value.permanent
    assert closed.value.code == key


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (409, "a task set is running", Conflict),
        (403, "the revision is closed to you", PermissionDenied),
        (500, "the revision is closed", PortalFault),
    ],
)
def test_other_refusals_are_not_taken_for_a_closed_revision(
    portal: ScriptedPortal, session: PortalSession, status: int, message: str, expected: type[Exception]
) -> None:
    portal.answer(bare({"message": message}, status))
    with pytest.raises(expected) as refused:
        session.send(APPLY)
    assert type(refused.value) is expected


def test_conflict_advises_to_look_at_the_revision(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(bare({"message": "a task set is running"}, 409))
    with pytest.raises(Conflict, match="look at the revision"):
        session.send(APPLY)


def refusal(**params: Any) -> dict[str, Any]:
    return {"message": "No such function `to_numbr`", "key": "invalid_transform", "params": params}


@pytest.mark.parametrize(
    ("body", "column", "position", "words"),
    [
        (
            refusal(position={"row": 1, "column": 1}, expr="to_numbr(`a`)"),
            "a",
            (1, 1),
            "column 'a', line 1, position 1 of to_numbr(`a`)",
        ),
        (refusal(field_name="a"), "a", None, "column 'a' of to_numbr(`a`)"),
        (refusal(output_column={"field_name": "b"}, line=2, column=8), "b", (2, 8), "column 'b', line 2"),
        (refusal(), None, None, "No such function"),
    ],
)
def test_transform_that_does_not_compile(
    portal: ScriptedPortal,
    session: PortalSession,
    body: dict[str, Any],
    column: str | None,
    position: tuple[int, int] | None,
    words: str,
) -> None:
    portal.answer(bare(body, 422))
    with pytest.raises(TransformRefused) as refused:
        session.send(OUTPUT)
    assert (refused.value.column, refused.value.position) == (column, position)
    assert refused.value.expression == (None if column is None else COLUMNS[column == "b"].expr)
    assert words in str(refused.value)
    assert "correct the transform" in str(refused.value)


def test_column_of_the_only_transform_is_known(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(bare(refusal(), 400))
    with pytest.raises(TransformRefused) as refused:
        session.send(schemas.create_output(SCHEMA, COLUMNS[:1]))
    assert refused.value.column == "a"


def test_other_refusal_of_a_schema_is_not_a_transform(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(bare({"message": "field_name is taken", "key": "validation"}, 422))
    with pytest.raises(InvalidRequest) as refused:
        session.send(OUTPUT)
    assert type(refused.value) is InvalidRequest


def test_details_stand_in_the_line(portal: ScriptedPortal, session: PortalSession) -> None:
    params = {"details": [{"a": "is\nreserved"}], "href": "ftp://x"}
    portal.answer(bare({"message": "Invalid", "key": "bad_columns", "params": params}, 422))
    with pytest.raises(InvalidRequest) as refused:
        session.send(APPLY)
    line = str(refused.value)
    assert "HTTP 422 bad_columns: Invalid. " in line
    assert '{"a": "is\\nreserved"}' in line
    assert "href ftp://x" in line
    assert "\n" not in line


def test_secrets_do_not_show(portal: ScriptedPortal, session: PortalSession) -> None:
    secret = session.settings.credentials.secret
    portal.answer(bare(refusal(field_name=secret, details=secret), 422))
    with pytest.raises(TransformRefused) as refused:
        session.send(OUTPUT)
    assert secret not in str(refused.value)
    assert refused.value.column == "***"
