"""The calls for columns: against the emulator, on both back ends, and what else a portal may answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client import (
    Call,
    CallKind,
    Column,
    ConfigurationError,
    InvalidRequest,
    MalformedReply,
    NotFound,
    PermissionDenied,
    PortalFault,
    PortalSession,
    Reply,
    ReplyLost,
    View,
    columns,
    views,
)
from airflow_socrata.client.column_definitions import ColumnDefinition
from airflow_socrata.client.messages import Headers, UnreadableReply

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator import Emulator

DOCS = Path(__file__).parents[3] / "docs" / "columns.md"
NEW = ColumnDefinition("opened", "calendar_date", "Opened", "Since when", {"view": "date"}, position=2)


@pytest.fixture(params=["new", "old"])
def draft(emulator: Emulator, client: PortalSession, request: pytest.FixtureRequest) -> str:
    """The working copy of a dataset with one row."""
    kinds = [["id", "text"], ["note", "text"], ["size", "number"]]
    made = emulator.admin.create_dataset(
        "road-2222",
        "Roads",
        kinds,
        "id",
        [{"id": "a", "note": "n", "size": 1}],
        backend=request.param,
        metadata={"rowLabel": "Road"},
    )
    opened = client.send(views.open_copy(made["id"], "copy"))
    assert isinstance(opened, View)
    return opened.id


def names(client: PortalSession, view_id: str) -> list[str]:
    return [column.field_name for column in client.send(columns.list_columns(view_id))]


def test_a_column_comes_changes_and_goes(client: PortalSession, draft: str) -> None:
    made = client.send(columns.add_column(draft, NEW))
    assert ColumnDefinition.of(made) == NEW
    assert names(client, draft) == ["id", "opened", "note", "size"]
    changes = {"name": "Since", "fieldName": "since", "description": "", "format": {"view": "date_time"}}
    changed = client.send(columns.change_column(draft, made, {**changes, "width": 120, "position": 4}))
    assert (changed.name, changed.field_name, changed.description) == ("Since", "since", "")
    assert (changed.id, changed.format, changed.position) == (made.id, {"view": "date_time"}, 4)
    client.send(columns.change_column(draft, "since", {"name": "From"}))
    client.send(columns.drop_column(draft, changed))
    client.send(columns.drop_column(draft, "note"))
    assert names(client, draft) == ["id", "size"]


def test_several_columns_come_in_one_call(client: PortalSession, draft: str) -> None:
    pair = [ColumnDefinition("a", "text"), ColumnDefinition("b", "point")]
    made = client.send(columns.add_columns(draft, pair))
    assert [(column.field_name, column.data_type_name) for column in made] == [("a", "text"), ("b", "point")]
    assert names(client, draft) == ["id", "note", "size", "a", "b"]


def test_columns_are_put_in_order(client: PortalSession, draft: str) -> None:
    view = client.send(views.read_view(draft))
    ordered = client.send(columns.order_columns(view, ["size", "id", "note"]))
    assert [column.field_name for column in ordered.columns] == ["size", "id", "note"]
    assert names(client, draft) == ["size", "id", "note"]


def test_the_row_identifier_is_set_and_taken_away(
    emulator: Emulator, client: PortalSession, draft: str
) -> None:
    emulator.admin.settings(row_identifier_takes="auto")
    view = client.send(views.read_view(draft))
    by_id = view.new_backend is False
    view = client.send(columns.set_row_identifier(view, "note", by_id=by_id))
    assert view.row_identifier == "note"
    view = client.send(columns.set_row_identifier(view, None))
    assert view.row_identifier is None
    assert view.raw["metadata"]["rowLabel"] == "Road", "other metadata stay"
    with pytest.raises(NotFound, match=r"column-not-found.*request id"):
        client.send(columns.set_row_identifier(view, "note", by_id=not by_id))


def test_what_the_portal_refuses(
    emulator: Emulator, client: PortalSession, draft: str, sign_in: Callable[..., PortalSession]
) -> None:
    with pytest.raises(InvalidRequest, match=r"soda.column.cannot-delete-row-identifier.*request id"):
        client.send(columns.drop_column(draft, "id"))
    with pytest.raises(NotFound, match="it has no such column"):
        client.send(columns.drop_column(draft, "gone"))
    with pytest.raises(InvalidRequest, match="Duplicate field name"):
        client.send(columns.add_column(draft, ColumnDefinition("note", "text")))
    with pytest.raises(InvalidRequest, match="Unknown data type: nummer"):
        client.send(columns.add_column(draft, ColumnDefinition("a", "nummer")))
    with pytest.raises(InvalidRequest, match="unpublished"):
        client.send(columns.add_column("road-2222", NEW))
    with pytest.raises(PermissionDenied):
        sign_in("viewer").send(columns.add_column(draft, NEW))
    assert names(client, draft) == ["id", "note", "size"]


@pytest.mark.parametrize(
    ("fault", "more", "error"),
    [
        ("lost_reply", {}, ReplyLost),
        ("internal", {"after_commit": True}, PortalFault),
        ("not_json", {}, MalformedReply),
    ],
)
def test_a_column_is_never_added_twice_unasked(
    emulator: Emulator,
    client: PortalSession,
    draft: str,
    fault: str,
    more: dict[str, Any],
    error: type[Exception],
) -> None:
    emulator.admin.add_fault(fault, "POST", "/columns", **more)
    with pytest.raises(error) as failed:
        client.send(columns.add_column(draft, NEW))
    assert failed.value.landing == "unknown"  # type: ignore[attr-defined]
    assert names(client, draft) == ["id", "opened", "note", "size"]


@pytest.mark.parametrize(("fault", "more"), [("throttled", {"retry_after": 7}), ("locked", {})])
def test_what_was_not_carried_out_is_sent_again(
    emulator: Emulator, client: PortalSession, draft: str, fault: str, more: dict[str, Any]
) -> None:
    emulator.admin.add_fault(fault, "POST", "/columns", **more)
    emulator.admin.add_fault("lost_reply", "PUT", "/columns/")
    client.send(columns.add_column(draft, NEW))
    changed = client.send(columns.change_column(draft, "opened", {"name": "Since"}))
    assert changed.name == "Since"


def test_the_example_in_the_docs_runs(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.create_dataset("abcd-1234", "Airports", ["icao"], "icao", [{"icao": "BIRK"}])
    code = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)[-1]
    exec(compile(code, str(DOCS), "exec"), {"settings": client.settings})
    assert names(client, "abcd-1234") == ["icao", "elevation"]


COLUMN = Column(7, "Note", "note", "text", 1)


@pytest.mark.parametrize(
    ("call", "kind", "method", "path"),
    [
        (columns.list_columns("abcd-1234"), CallKind.READ, "GET", "/columns.json"),
        (columns.add_column("abcd-1234", NEW), CallKind.PART, "POST", "/columns.json"),
        (columns.add_columns("abcd-1234", [NEW]), CallKind.PART, "POST", "/columns.json"),
        (columns.change_column("abcd-1234", COLUMN, {"name": "x"}), CallKind.METADATA, "PUT", "/columns/7"),
        (columns.drop_column("abcd-1234", COLUMN), CallKind.PART, "DELETE", "/columns/7"),
        (columns.drop_column("abcd-1234", "note"), CallKind.PART, "DELETE", "/columns/note"),
    ],
)
def test_requests(call: Call[Any], kind: CallKind, method: str, path: str) -> None:
    assert (call.kind, call.method, call.path) == (kind, method, f"/api/views/abcd-1234{path}")


def test_what_goes_out() -> None:
    sent = json.loads(bytes(columns.add_columns("abcd-1234", [NEW]).body or b""))  # type: ignore[arg-type]
    assert sent["columns"][0] == {
        "name": "Opened",
        "fieldName": "opened",
        "dataTypeName": "calendar_date",
        "description": "Since when",
        "format": {"view": "date"},
        "position": 2,
    }
    view = View.from_json({"id": "abcd-1234", "columns": [{"id": 7, "fieldName": "note"}]})
    for by_id, wanted in ((True, 7), (False, "note")):
        call = columns.set_row_identifier(view, "note", by_id=by_id)
        assert json.loads(bytes(call.body or b"")) == {"metadata": {"rowIdentifier": wanted}}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "make",
    [
        lambda: columns.list_columns("road"),
        lambda: columns.add_columns("abcd-1234", []),
        lambda: columns.change_column("abcd-1234", "note", {}),
        lambda: columns.change_column("abcd-1234", "note", {"dataTypeName": "number"}),
        lambda: columns.drop_column("abcd-1234", "../../users"),
        lambda: columns.drop_column("abcd-1234", ""),
        lambda: columns.order_columns(View.from_json({"id": "abcd-1234"}), ["a"]),
        lambda: columns.set_row_identifier(View.from_json({"id": "abcd-1234"}), "a"),
    ],
)
def test_nonsense_is_never_sent(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()


@pytest.mark.parametrize(
    "body", [{"error": True, "message": "no"}, {"columns": []}, ["a"], [{"name": "A"}], None]
)
def test_columns_that_are_none(body: Any) -> None:
    answer = Reply(200, Headers({}), json.dumps(body).encode())
    with pytest.raises(UnreadableReply):
        columns.list_columns("abcd-1234").parse(answer)


def test_a_delete_may_answer_with_nothing() -> None:
    assert columns.drop_column("abcd-1234", "note").parse(Reply(200, Headers({}), b"")) is None  # type: ignore[func-returns-value]
