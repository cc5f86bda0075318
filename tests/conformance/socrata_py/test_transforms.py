"""Output schemas: columns, transforms, errors, row identifiers."""

from __future__ import annotations

import csv
import io

import pytest
from conformance.socrata_py.steps import apply, expressions, upload
from socrata.http import UnexpectedResponseException
from socrata.resource import ResourceFailedException

READINGS = b"id,taken,celsius,note\n1,2026-05-01,20,fine\n2,2026-05-02,warm,fine\n3,2026-05-03,-5,cold\n"


@pytest.fixture
def revision(socrata):
    return socrata.new({"name": "Readings"})


@pytest.fixture
def schema(revision):
    return upload(revision, READINGS)


def test_types_are_guessed(schema):
    assert expressions(schema) == {
        "id": "to_number(`id`)",
        "taken": "to_floating_timestamp(`taken`)",
        "celsius": "`celsius`",
        "note": "`note`",
    }
    types = {
        column["field_name"]: column["transform"]["output_soql_type"]
        for column in schema.attributes["output_columns"]
    }
    assert types == {"id": "number", "taken": "calendar_date", "celsius": "text", "note": "text"}
    assert [column["position"] for column in schema.attributes["output_columns"]] == [1, 2, 3, 4]
    assert schema.attributes["error_count"] == 0
    assert not schema.any_errors()
    assert not schema.any_failed()


def test_add_a_column(revision, schema, portal):
    wider = (
        schema
        .change_column_transform("celsius")
        .to("to_number(`celsius`)")
        .add_column(
            "fahrenheit", "Degrees (Fahrenheit)", "(to_number(`celsius`) * (9 / 5)) + 32", "from celsius"
        )
        .run()
        .wait_for_finish(sleeptime=0)
    )
    assert wider.attributes["id"] > schema.attributes["id"]
    assert list(expressions(wider)) == ["id", "taken", "celsius", "note", "fahrenheit"]
    assert revision.show().attributes["output_schema_id"] == wider.attributes["id"]
    apply(revision, wider)
    rows = portal.rows(revision.view_id(), **{"$order": "id"})
    assert [row.get("fahrenheit") and float(row["fahrenheit"]) for row in rows] == [68, None, 23]
    [column] = [
        each for each in portal.view(revision.view_id())["columns"] if each["fieldName"] == "fahrenheit"
    ]
    assert (column["name"], column["description"]) == ("Degrees (Fahrenheit)", "from celsius")


def test_change_drop_and_rename(revision, schema, portal):
    changed = (
        schema
        .change_column_metadata("note", "display_name")
        .to("Remark")
        .change_column_metadata("note", "field_name")
        .to("remark")
        .change_column_transform("remark")
        .to("upper(`note`)")
        .change_column_metadata("id", "description")
        .to("Number of the reading")
        .drop_column("celsius")
        .run()
        .wait_for_finish(sleeptime=0)
    )
    assert expressions(changed) == {
        "id": "to_number(`id`)",
        "taken": "to_floating_timestamp(`taken`)",
        "remark": "upper(`note`)",
    }
    apply(revision, changed)
    rows = portal.rows(revision.view_id(), **{"$order": "id"})
    assert rows[0] == {"id": "1", "taken": "2026-05-01T00:00:00.000", "remark": "FINE"}
    columns = {column["fieldName"]: column for column in portal.view(revision.view_id())["columns"]}
    assert (columns["remark"]["name"], columns["id"]["description"]) == ("Remark", "Number of the reading")


def test_positions_follow(schema):
    moved = schema.change_column_metadata("note", "position").to(0).run()
    assert list(expressions(moved)) == ["note", "id", "taken", "celsius"]


def test_sort(schema):
    ordered = (
        schema
        .set_sort_by()
        .on("taken", ascending=False)
        .on("id")
        .end_sort()
        .run()
        .wait_for_finish(sleeptime=0)
    )
    assert ordered.attributes["sort_bys"] == [
        {"field_name": "taken", "ascending": False},
        {"field_name": "id", "ascending": True},
    ]
    without = ordered.drop_column("taken").run()
    assert without.attributes["sort_bys"] == [{"field_name": "id", "ascending": True}]


def test_rows_and_errors(revision, schema, portal):
    typed = schema.change_column_transform("celsius").to("to_number(`celsius`)").run()
    assert typed.any_errors()
    assert typed.attributes["error_count"] == 1
    assert not typed.any_failed()
    rows = typed.rows()
    assert [row["id"]["ok"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["celsius"] == {"ok": "20"}
    assert [row["id"]["ok"] for row in typed.rows(offset=1, limit=1)] == ["2"]
    [bad] = typed.schema_errors()
    assert bad["celsius"]["error"]["inputs"] == {"celsius": {"ok": "warm"}}
    assert "warm" in bad["celsius"]["error"]["message"]
    assert typed.schema_errors(offset=1) == []
    assert schema.schema_errors() == []
    # The bad cell comes in as null; the row is not lost.
    apply(revision, typed)
    found = portal.rows(revision.view_id(), **{"$order": "id"})
    assert [row.get("celsius") for row in found] == ["20", None, "-5"]


def test_errors_as_csv(schema):
    typed = schema.change_column_transform("celsius").to("to_number(`celsius`)").run()
    reply = typed.wait_for_finish(sleeptime=0).schema_errors_csv()
    assert reply.headers["Content-Type"].startswith("text/csv")
    header, *rows = csv.reader(io.StringIO(reply.text))
    assert len(rows) == 1
    assert {"id", "taken", "celsius", "note"} <= set(header)
    assert any("warm" in cell for cell in rows[0])


def test_a_transform_that_does_not_compile(schema):
    with pytest.raises(UnexpectedResponseException) as refused:
        schema.change_column_transform("celsius").to("to_numbr(`celsius`)").run()
    assert 400 <= refused.value.status < 500
    assert "to_numbr" in refused.value.body["message"]
    assert refused.value.body["params"]
    with pytest.raises(UnexpectedResponseException) as refused:
        schema.add_column("x", "X", "to_number(`no_such_column`)").run()
    assert "no_such_column" in refused.value.body["message"]


def test_a_transform_that_fails(schema, portal):
    portal.admin.settings(transform_looks=1)
    portal.admin.add_fault("transform_failure", "POST", r"/schema/\d+$")
    failing = schema.change_column_transform("celsius").to("to_number(`celsius`)").run()
    with pytest.raises(ResourceFailedException):
        failing.wait_for_finish(sleeptime=0)
    [transform] = [
        column["transform"]
        for column in failing.attributes["output_columns"]
        if column["transform"]["failed_at"]
    ]
    assert transform["failure_details"]["message"]
    assert failing.any_failed()


def test_row_identifier(revision, schema, portal):
    assert schema.validate_row_id("id") is True
    assert schema.validate_row_id("note") is False
    assert schema.validate_row_id("no_such_column") is False
    keyed = schema.set_row_id("id").wait_for_finish(sleeptime=0)
    assert [
        column["field_name"] for column in keyed.attributes["output_columns"] if column["is_primary_key"]
    ] == ["id"]
    apply(revision, keyed)
    view = portal.view(revision.view_id())
    [column] = [each for each in view["columns"] if each["id"] == view["rowIdentifierColumnId"]]
    assert column["fieldName"] == "id"
    # From now on the same file changes nothing.
    again = portal.admin.state(revision.view_id())["rows"]
    assert again == 3


def test_why_a_column_is_no_row_identifier(schema, portal):
    [note] = [column for column in schema.attributes["output_columns"] if column["field_name"] == "note"]
    path = schema.validate_row_id_uri.format(transform_id=note["transform"]["id"])
    verdict = portal.call("GET", path).json()
    assert verdict == {"valid": False, "reason": "duplicate", "what": "fine", "where": verdict["where"]}
    assert isinstance(verdict["where"], int)


def test_nulls_are_no_row_identifier(socrata):
    revision = socrata.new({"name": "Gaps"})
    assert upload(revision, b"a,b\n1,x\n,y\n").validate_row_id("a") is False


def test_rows_with_too_many_or_too_few_cells(revision):
    source = revision.create_upload("readings.csv").csv(b"a,b\n1,2\n3\n4,5,6\n7,8\n")
    source.wait_for_finish(sleeptime=0)
    schema = source.get_latest_input_schema()
    assert schema.attributes["num_row_errors"] == 2
    assert schema.attributes["total_rows"] == 2
    rows = schema.get_latest_output_schema().wait_for_finish(sleeptime=0).rows()
    assert [(row["a"]["ok"], row["b"]["ok"]) for row in rows] == [("1", "2"), ("7", "8")]


def test_transforms_of_the_last_apply_are_kept(socrata, revision, schema):
    """Without being told, the next file goes through what the owner set up."""
    named = (
        schema
        .change_column_transform("note")
        .to("upper(`note`)")
        .drop_column("celsius")
        .add_column("twice", "Twice", "to_number(`id`) * 2")
        .run()
        .wait_for_finish(sleeptime=0)
    )
    apply(revision, named)
    following = socrata.views.lookup(revision.view_id()).revisions.create_replace_revision()
    assert expressions(upload(following, READINGS)) == expressions(named)
