"""Calls for schemas, and output columns as they are wanted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.client import publishing_samples as samples
from unit.client.portal_servers import Answer
from unit.client.publishing_samples import SOURCE, SOURCE_LINKS, bare, reply

from airflow_socrata.client import ConfigurationError, MalformedReply, schemas
from airflow_socrata.client.links import Links
from airflow_socrata.client.revision_models import (
    InputSchema,
    OutputColumnSpec,
    OutputSchema,
    RowIdentifierCheck,
    Source,
)

if TYPE_CHECKING:
    from unit.client.portal_servers import ScriptedPortal

    from airflow_socrata.client import PortalSession

INPUT = f"{SOURCE}/schema/15398"


def input_schema() -> InputSchema:
    source = Source.from_json(samples.source(schemas=[samples.input_schema()]), Links(SOURCE_LINKS))
    return source.input_schemas[0]


def output_schema() -> OutputSchema:
    return input_schema().output_schemas[0]


def sent(portal: ScriptedPortal) -> tuple[str, str, Any]:
    seen = portal.requests[-1]
    return seen.method, seen.path, json.loads(seen.body) if seen.body else None


def test_look_at_input(portal: ScriptedPortal, session: PortalSession) -> None:
    """A reply with few links of its own keeps those of the schema that was asked for."""
    portal.answer(reply(samples.input_schema(total_rows=9), {"show": f"{INPUT}?own"}))
    seen = session.send(schemas.look_at_input(input_schema()))
    assert sent(portal)[:2] == ("GET", INPUT)
    assert (seen.total_rows, seen.row_errors) == (9, 0)
    assert seen.links.path("show") == f"{INPUT}?own"
    assert seen.links.path("latest_output") == f"{INPUT}/output/latest"
    assert seen.output_schemas[0].links.path("schema_errors") == f"{INPUT}/errors/77120"


def test_latest_output(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(reply(samples.output_schema(id=77199, completed_at="2026-06-09T18:04:11")))
    latest = session.send(schemas.latest_output(input_schema()))
    assert sent(portal)[:2] == ("GET", f"{INPUT}/output/latest")
    assert latest.is_complete
    assert latest.links.path("rows") == f"{INPUT}/rows/77199"
    assert [column.field_name for column in latest.columns] == ["a", "b"]


def test_look_at_output(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(reply(samples.output_schema(error_count=3, total_rows=4)))
    seen = session.send(schemas.look_at_output(output_schema()))
    assert sent(portal)[:2] == ("GET", f"{INPUT}/output/77120")
    assert (seen.error_count, seen.total_rows, seen.is_complete) == (3, 4, False)
    assert seen.links.path("rows") == f"{INPUT}/rows/77120"


def test_failed_transform_is_found() -> None:
    column = samples.output_column(1, "a", "to_number(`a`)")
    column["transform"] |= {"failed_at": "2026-06-09", "failure_details": {"message": "boom", "type": "oom"}}
    schema = OutputSchema.from_json(samples.output_schema(output_columns=[column]), Links())
    assert [str(failed.transform.failure) for failed in schema.failed_columns] == ["oom: boom"]
    assert not output_schema().failed_columns


def test_create_output(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(502), reply(samples.output_schema(id=77121), status=201))
    columns = schemas.with_expression(output_schema().columns, "b", "upper(`b`)")
    made = session.send(
        schemas.create_output(input_schema(), columns, [{"field_name": "a", "ascending": True}])
    )
    method, path, body = sent(portal)
    assert (method, path) == ("POST", INPUT)
    assert body["sort_bys"] == [{"field_name": "a", "ascending": True}]
    assert body["increment_revision"] is True
    assert body["output_columns"] == [
        {
            "field_name": name,
            "display_name": name.upper(),
            "position": number,
            "description": "",
            "format": {},
            "flags": [],
            "is_primary_key": False,
            "initial_output_column_id": 18130 + number,
            "transform": {"transform_expr": expr},
        }
        for number, name, expr in ((1, "a", "to_number(`a`)"), (2, "b", "upper(`b`)"))
    ]
    assert made.links.path("rows") == f"{INPUT}/rows/77121"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([], "at least one column"),
        ([("a", False), ("a", False)], "two columns have the field name 'a'"),
        ([("a", True), ("b", True)], "only one column can identify rows, not 'a' and 'b'"),
    ],
)
def test_columns_that_cannot_be(columns: list[tuple[str, bool]], words: str) -> None:
    wanted = [OutputColumnSpec(name, name, f"`{name}`", is_primary_key=key) for name, key in columns]
    with pytest.raises(ConfigurationError, match=words):
        schemas.create_output(input_schema(), wanted)


def test_columns_are_changed_without_touching_the_rest() -> None:
    columns = output_schema().columns
    plain = schemas.specs(columns)
    assert [column.expr for column in plain] == ["to_number(`a`)", "`b`"]
    assert [column.initial_output_column_id for column in plain] == [18131, 18132]
    added = schemas.with_column(columns, OutputColumnSpec("c", "C", "`a` || `b`"))
    assert [column.field_name for column in added] == ["a", "b", "c"]
    assert schemas.without_column(added, "b") == (plain[0], added[2])
    keyed = schemas.with_row_identifier(added, "a")
    assert [column.is_primary_key for column in keyed] == [True, False, False]
    assert schemas.with_row_identifier(keyed, None) == added
    renamed = schemas.renamed(columns, "a", to="number", display_name="Number")
    assert (renamed[0].field_name, renamed[0].display_name, renamed[1]) == ("number", "Number", plain[1])
    assert schemas.renamed(columns, "a", display_name="Number")[0].field_name == "a"


def test_column_that_is_not_there_is_told_with_those_near_it() -> None:
    columns = [OutputColumnSpec(name, name, f"`{name}`") for name in ("opened_at", "closed_at", "x")]
    for change in (
        lambda: schemas.with_expression(columns, "open_at", "`x`"),
        lambda: schemas.without_column(columns, "open_at"),
        lambda: schemas.with_row_identifier(columns, "open_at"),
        lambda: schemas.renamed(columns, "open_at", to="y"),
    ):
        with pytest.raises(ConfigurationError, match="no column 'open_at'; near it: 'opened_at'"):
            change()
    with pytest.raises(ConfigurationError, match="a column 'x' already"):
        schemas.with_column(columns, OutputColumnSpec("x", "X", "`x`"))
    with pytest.raises(ConfigurationError, match="a column 'x' already"):
        schemas.renamed(columns, "opened_at", to="x")


def test_transform_is_read_again(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(reply(samples.output_column(1, "a", "to_number(`a`)")["transform"] | {"error_count": 2}))
    seen = session.send(schemas.transform(output_schema(), 20791))
    assert sent(portal)[:2] == ("GET", f"{SOURCE}/transform/20791")
    assert (seen.id, seen.output_type, seen.error_count) == (20791, "number", 2)


@pytest.mark.parametrize(
    ("body", "expected", "words"),
    [
        ({"valid": True}, RowIdentifierCheck(True), "valid"),
        (
            {"valid": False, "reason": "duplicate", "what": "42", "where": 7},
            RowIdentifierCheck(False, "duplicate", "42", 7),
            "duplicate '42' in row 7",
        ),
        (
            {"valid": False, "reason": "null", "what": None, "where": 0},
            RowIdentifierCheck(False, "null", None, 0),
            "null in row 0",
        ),
        ({"resource": {"valid": False}}, RowIdentifierCheck(False), "no reason given"),
    ],
)
def test_row_identifier(
    portal: ScriptedPortal, session: PortalSession, body: Any, expected: RowIdentifierCheck, words: str
) -> None:
    portal.answer(bare(body))
    check = session.send(schemas.validate_row_identifier(output_schema(), 20791))
    assert sent(portal)[:2] == ("GET", f"{SOURCE}/transform/20791/validate_row_identifier")
    assert check == expected
    assert str(check) == words


HEADER = {"output_columns": [{"field_name": "b", "position": 2}, {"field_name": "a", "position": 1}]}
ROWS = [
    {"offset": 0, "row": [{"ok": "1"}, {"ok": None}]},
    {
        "offset": 5,
        "row": [{"error": {"message": "Unable to convert", "inputs": {"a": {"ok": "x"}}}}, {"ok": "y"}],
    },
]


@pytest.mark.parametrize("body", [[HEADER, *ROWS], ROWS])
def test_rows(portal: ScriptedPortal, session: PortalSession, body: Any) -> None:
    portal.answer(bare(body))
    first, second = session.send(schemas.rows(output_schema(), limit=2, offset=10))
    assert sent(portal)[:2] == ("GET", f"{INPUT}/rows/77120?limit=2&offset=10")
    assert (first.values, first.errors) == ({"a": "1", "b": None}, ())
    assert (second.offset, second.values) == (5, {"a": None, "b": "y"})
    assert [(error.column, dict(error.inputs)) for error in second.errors] == [("a", {"a": "x"})]
    assert str(second.errors[0]) == "row 5, a: Unable to convert"


def test_errors_of_one_column(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(bare([HEADER]))
    assert session.send(schemas.errors(output_schema(), column_id=18131)) == ()
    path = f"{INPUT}/errors/77120?limit=500&offset=0&column_id=18131"
    assert sent(portal)[:2] == ("GET", path)


@pytest.mark.parametrize(
    "body",
    [{}, [1], [HEADER, {"offset": 0}], [HEADER, {"offset": 0, "row": [{"ok": "1"}]}], {"error": True}],
)
def test_rows_that_are_none(portal: ScriptedPortal, session: PortalSession, body: Any) -> None:
    portal.default = bare(body)
    with pytest.raises(MalformedReply):
        session.send(schemas.rows(output_schema()))


def test_errors_as_csv(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(200, "a,b\n", {"Content-Type": "text/csv"}))
    assert session.send(schemas.errors_csv(output_schema())) == b"a,b\n"
    assert sent(portal)[:2] == ("GET", f"{INPUT}/errors/77120")
    assert portal.requests[0].headers["Accept"] == "text/csv"


def test_row_errors(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(bare([{"header": 1}, {"offset": 3, "error": {"message": "too many cells"}}, {"offset": 4}]))
    errors = session.send(schemas.row_errors(input_schema()))
    assert sent(portal)[:2] == ("GET", f"{INPUT}/errors?limit=500&offset=0")
    assert [(error.offset, error.message) for error in errors] == [
        (3, "too many cells"),
        (4, "no reason given"),
    ]
