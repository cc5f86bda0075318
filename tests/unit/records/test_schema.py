"""Columns of a source against the dataset's, before the first row goes."""

from __future__ import annotations

import pickle

import pytest
from unit.records.samples import SCHEMA, text_schema

from airflow_socrata.records import DatasetSchema, RecordsError, SchemaError, compare

FIELDS = ["id", "name", "seats", "starts_at", "filed_at"]


def refused(names: list[str], **how: object) -> str:
    with pytest.raises(SchemaError) as caught:
        compare(names, SCHEMA, source="events.csv", line=1, **how)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith("events.csv, line 1")
    assert "\n" not in message
    assert caught.value.permanent
    return message


def test_field_names_fill_their_fields() -> None:
    plan = compare(["seats", "id", ":deleted"], SCHEMA)
    assert plan.fields == ("seats", "id", ":deleted")
    assert plan.missing == ("name", "starts_at", "filed_at")
    assert plan.ignored == ()


def test_the_mapping_renames_and_the_rest_keeps_its_name() -> None:
    plan = compare(["Key", "name"], SCHEMA, {"Key": "id"})
    assert plan.fields == ("id", "name")
    assert plan.position("id") == 0
    assert plan.position("seats") is None


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["id", "Name of event"], ["column 'Name of event'", "display name of field 'name'", "columns={"]),
        (["id", "Starts_At"], ["'Starts_At'", "case or punctuation", "'starts_at'"]),
        (["id", "starts at"], ["'starts at'", "case or punctuation", "'starts_at'"]),
        (["id", "seets"], ["no such field", "nearest: 'seats'"]),
        (["id", "zzzzzz"], ["no such field;"]),
        (["id", ":@computed_region_ab12_cd34"], ["platform computes"]),
        (["id", "name", "id"], ["column 'id'", "twice"]),
        (["id", ""], ["column 2 of 2 has no name"]),
        (["name"], ["row identifier 'id'"]),
        (["Id", "name"], ["'Id'", "'id'"]),
    ],
)
def test_what_does_not_fit_is_named_with_its_remedy(names: list[str], words: list[str]) -> None:
    message = refused(names)
    assert all(word in message for word in words), message


def test_a_row_identifier_under_its_display_name_is_recognised_even_among_ignored_columns() -> None:
    message = refused(["Event id", "name"], extra_columns="ignore")
    assert "columns={'Event id': 'id'}" in message


def test_the_mapping_is_checked_on_both_sides() -> None:
    assert "no such column (nearest: 'key')" in refused(["key", "name"], columns={"kee": "id"})
    assert "no field of the dataset (nearest: 'seats')" in refused(["id", "n"], columns={"n": "seat"})
    message = refused(["id", "name", "title"], columns={"title": "name"})
    assert "fills field 'name', which column 'name' fills already" in message


def test_extra_columns_are_left_out_when_told_so() -> None:
    plan = compare(["id", "note", ":@computed_region_ab12_cd34"], SCHEMA, extra_columns="ignore")
    assert plan.fields == ("id", None, None)
    assert plan.ignored == ("note", ":@computed_region_ab12_cd34")


def test_columns_without_a_name_are_left_out_when_told_so_and_may_be_mapped() -> None:
    assert compare(["", "id", ""], SCHEMA, extra_columns="ignore").fields == (None, "id", None)
    assert compare(["", "name"], SCHEMA, {"": "id"}).fields == ("id", "name")


def test_system_fields_may_be_sent() -> None:
    fields = ("id", ":id", ":deleted", ":version", ":created_at", ":updated_at")
    assert compare(fields, SCHEMA).fields == fields


def test_a_dataset_without_row_identifier_needs_none() -> None:
    assert compare(["a"], text_schema("a", "b")).missing == ("b",)


def test_a_mapping_may_name_what_single_rows_leave_out() -> None:
    plan = compare(["id"], SCHEMA, {"Title": "name"}, all_columns=False)
    assert plan.fields == ("id",)


def test_errors_survive_pickling() -> None:
    error = RecordsError("is wrong", source="a.csv", line=3, column="b")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.line, copy.column) == ("a.csv, line 3, column 'b': is wrong", 3, "b")


def test_a_dataset_with_no_columns_takes_none() -> None:
    with pytest.raises(SchemaError, match="no such field"):
        compare(["a"], DatasetSchema(()))
