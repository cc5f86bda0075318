"""One row: what is refused before anything is sent, what is sent, and how values are compared."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_socrata.client import View
from airflow_socrata.publication.errors import RowRefused
from airflow_socrata.publication.operation import Operation
from airflow_socrata.publication.row_inserts import InsertIntent, alike
from airflow_socrata.publication.row_values import equals, holds, literal, same_value
from airflow_socrata.publication.single_rows import checked_row, with_nulls
from airflow_socrata.records import RecordsError

COLUMNS = [
    ("id", "number"),
    ("name", "text"),
    ("open", "checkbox"),
    ("seen", "calendar_date"),
    ("place", "point"),
    (":@computed_region_ab12_cd34", "number"),
]


def view(row_identifier: str | None = "id", columns: Any = COLUMNS) -> View:
    body: dict[str, Any] = {
        "id": "abcd-1234",
        "columns": [
            {"id": n, "fieldName": name, "name": name.title(), "dataTypeName": kind}
            for n, (name, kind) in enumerate(columns, 1)
        ],
    }
    return View.from_json(body | ({"metadata": {"rowIdentifier": row_identifier}} if row_identifier else {}))


WRONG = [
    ({"id": 3, "nam": 4}, RecordsError, "the dataset has no such field"),
    ({"id": "three"}, RowRefused, "is a number, not 'three'"),
    ({"id": float("nan"), "name": "a"}, RowRefused, "is a number, not 'nan'"),
    ({"id": 3, "open": "yes"}, RowRefused, "is true or false"),
    ({"name": "a"}, RowRefused, "lacks a value of the row identifier 'id'"),
    ({"id": None, "name": "a"}, RowRefused, "lacks a value of the row identifier 'id'"),
    ({"id": [3], "name": "a"}, RowRefused, "row identifier 'id' of abcd-1234 is one value"),
    ({"id": "1e999999999", "name": "a"}, RowRefused, "is a number, not '1e999999999'"),
    ({"id": 3, 4: "a"}, RowRefused, "field names are text"),
    ({"id": 3, ":deleted": True}, RowRefused, "SocrataDeleteRowOperator"),
    ({":id": "row-aaaa.bbbb.cccc"}, RowRefused, "no field of the dataset"),
    ({}, RowRefused, "no field of the dataset"),
    ("[1]", RowRefused, "not list"),
    ("{", RowRefused, "no JSON"),
    (None, RowRefused, "not NoneType"),
]


@pytest.mark.parametrize(("row", "error", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_a_row_that_does_not_fit(row: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        checked_row(view(), row)


def test_what_was_read_can_be_sent_back() -> None:
    read = {
        ":id": "row-aaaa.bbbb.cccc",
        ":version": "rv-aaaa.bbbb.cccc",
        ":created_at": "2026-01-01T00:00:00.000Z",
        ":updated_at": "2026-01-01T00:00:00.000Z",
        ":@computed_region_ab12_cd34": "12",
        "id": "3",
        "name": "a",
    }
    assert checked_row(view(), read) == {":version": "rv-aaaa.bbbb.cccc", "id": "3", "name": "a"}
    unkeyed = checked_row(view(None), read)
    assert unkeyed[":id"] == "row-aaaa.bbbb.cccc"


def test_values_stay_exact() -> None:
    text = '{"id": 12345678901234567890.12, "place": {"type": "Point", "coordinates": [1.10, 0.1]}}'
    sent = checked_row(view(), text)
    assert str(sent["id"]) == "12345678901234567890.12"
    assert sent["place"] == {"type": "Point", "coordinates": [1.1, 0.1]}
    given = {"id": Decimal("1.10"), "seen": datetime(2026, 1, 2, 3, 4), "open": False}
    sent = checked_row(view(), given)
    assert (str(sent["id"]), sent["seen"][:16], sent["open"]) == ("1.10", "2026-01-02T03:04", False)
    assert json.dumps(sent)


def test_a_replacing_row_has_every_column_that_a_person_fills() -> None:
    row = with_nulls(view(), {"id": 3, ":version": "rv-1"})
    assert row == {"id": 3, "name": None, "open": None, "seen": None, "place": None, ":version": "rv-1"}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", "it's", "'it''s'"),
        ("number", "1e3", "1000"),
        ("number", 7, "7"),
        ("checkbox", True, "true"),
        ("calendar_date", "2026-01-02", "'2026-01-02'"),
        ("row_identifier", "row-aaaa.bbbb.cccc", "'row-aaaa.bbbb.cccc'"),
    ],
)
def test_literals(kind: str, value: object, expected: str) -> None:
    assert literal(kind, value, "value") == expected


@pytest.mark.parametrize(
    ("kind", "sent", "stored", "same"),
    [
        ("number", 1, "1.00", True),
        ("number", "2", "3", False),
        ("number", None, None, True),
        ("text", "a", None, False),
        ("text", 5, "5", True),
        ("calendar_date", "2026-01-02", "2026-01-02T00:00:00.000", True),
        ("date", datetime(2026, 1, 2, 1, tzinfo=UTC), "2026-01-02T01:00:00.000Z", True),
        ("calendar_date", "yesterday", "2026-01-02T00:00:00.000", False),
        ("checkbox", True, True, True),
        ("point", {"type": "Point", "coordinates": [1, 2]}, {"type": "Point", "coordinates": [1, 2]}, True),
        ("point", "POINT (1 2)", {"type": "Point", "coordinates": [1, 2]}, False),
    ],
)
def test_same_values(kind: str, sent: Any, stored: Any, same: bool) -> None:
    assert same_value(kind, sent, stored) is same


def test_a_stored_row_holds_what_was_sent() -> None:
    stored = {":version": "rv-2", "id": "3", "name": "a"}
    assert holds(stored, {"id": 3, "name": "a", "seen": None, ":version": "rv-1"}, view())
    assert not holds(stored, {"id": 3, "name": "b"}, view())


def test_conditions() -> None:
    assert equals(view(), "name", "it's", "value") == "`name` = 'it''s'"
    assert equals(view(None), ":id", "row-aaaa.bbbb.cccc", "id") == ":id = 'row-aaaa.bbbb.cccc'"
    assert equals(view(None), ":id", "12", "id") == ":id = 12", "rows of the old back end are counted"


def test_rows_alike() -> None:
    where = alike(view(None), {"name": "it's", "id": 3, "place": {"type": "Point", "coordinates": [1, 2]}})
    assert where == "`id` = 3 and `name` = 'it''s' and `open` is null and `seen` is null"
    with pytest.raises(RowRefused, match="no value that can be looked up"):
        alike(view(None), {"place": {"type": "Point", "coordinates": [1, 2]}})


def test_the_record_of_an_insert_holds_no_value() -> None:
    intent = InsertIntent(
        Operation("dag", "run", "task"), "abcd-1234 rows", "data.example.gov", "ab12", 2, 5.0
    )
    assert InsertIntent.from_json(json.loads(json.dumps(intent.to_json()))) == intent
