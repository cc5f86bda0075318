"""Columns as somebody wants them: what is wrong is said before anything is sent."""

from __future__ import annotations

import pytest

from airflow_socrata.client import ConfigurationError
from airflow_socrata.client.column_definitions import (
    ColumnDefinition,
    check_definitions,
    check_row_identifier,
    field_name_of,
)
from airflow_socrata.client.models import Column

ID = {"field_name": "id", "data_type": "number"}


def test_a_definition_as_a_person_writes_it_and_as_the_portal_wants_it() -> None:
    written = {
        "field_name": "at",
        "data_type": "floating_timestamp",
        "name": "At",
        "format": {"view": "date"},
    }
    (made, other) = check_definitions([written, ColumnDefinition("id", "number", description="key")])
    assert made.to_json() == {
        "name": "At",
        "fieldName": "at",
        "dataTypeName": "calendar_date",
        "format": {"view": "date"},
        "position": 1,
    }
    assert other.to_json()["name"] == "id"
    assert other.to_json()["description"] == "key"
    assert ColumnDefinition.from_json(made.to_definition()) == made


def test_positions_order_the_columns_and_are_numbered_anew() -> None:
    wanted = [ID, {"field_name": "b", "data_type": "text", "position": 7}, {**ID, "field_name": "c"}]
    assert [(c.field_name, c.position) for c in check_definitions(wanted)] == [("id", 1), ("c", 2), ("b", 3)]


def test_a_definition_of_a_column_that_a_dataset_has() -> None:
    body = {"id": 7, "name": "When", "fieldName": "at", "dataTypeName": "fixed_timestamp", "position": 3}
    column = Column.from_json({**body, "description": "d", "format": {"a": "b"}})
    assert ColumnDefinition.of(column) == ColumnDefinition("at", "date", "When", "d", {"a": "b"}, 3)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([], "at least one"),
        ([{**ID, "data_type": "numbr"}], "no type 'numbr'; did you mean 'number'?"),
        ([{**ID, "data_type": "Text"}], "did you mean 'text'?"),
        ([ID, {**ID, "data_type": "text"}], "two columns have the field name 'id'"),
        ([{**ID, "field_name": "Event Id"}], "such as event_id"),
        ([{**ID, "field_name": ":id"}], "is no field name"),
        ([{**ID, "field_name": "2020"}], "such as _2020"),
        ([{**ID, "datatype": "text"}], "no key 'datatype'; did you mean 'data_type'?"),
        ([{"field_name": "id"}], "lacks the text data_type"),
        ([{**ID, "field_name": "id\n"}], "'id\\n' is no field name"),
        ([{**ID, "position": "1"}], "position of column 'id'"),
        ([{**ID, "position": 0}], "position of column 'id' is a number from 1"),
        ([{**ID, "format": "x"}], "format of column 'id'"),
        (["id"], "a column is an object"),
        ("[{}]", "columns are a list of objects, not '[{}]'"),
        (ID, "columns are a list of objects"),
        (5, "columns are a list of objects"),
    ],
)
def test_what_is_wrong_is_named(columns: object, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_definitions(columns)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("identifier", "words"),
    [("ide", "did you mean 'id'?"), ("place", "of type point, which cannot be the row identifier")],
)
def test_what_cannot_identify_rows(identifier: str, words: str) -> None:
    columns = check_definitions([ID, {"field_name": "place", "data_type": "point"}])
    check_row_identifier(columns, "id")
    check_row_identifier(columns, None)
    with pytest.raises(ConfigurationError, match=words.replace("?", r"\?")):
        check_row_identifier(columns, identifier)


def test_field_names_of_headers() -> None:
    names = ["Event id", "2020", "Größe (m²)", "***"]
    assert [field_name_of(name) for name in names] == ["event_id", "_2020", "gr_e_m", "column"]
