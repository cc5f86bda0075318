"""JSON arrays, JSON lines, and dicts that somebody yields."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.records.samples import SCHEMA, UNKEYED, body, json_rows, load, small_blocks, text_schema

from airflow_socrata.records import BatchLimits, Guards, RecordsError, RowsSource, batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.records import Batch

VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
ROW = st.fixed_dictionaries({}, optional={"a": VALUE, "b": VALUE})


def rows_from(rows: Any, **how: Any) -> list[Batch]:
    return list(batches(RowsSource(rows), SCHEMA, compress=False, **how))


def refused(text: bytes | str, name: str = "events.json", **how: Any) -> str:
    with pytest.raises(RecordsError) as caught:
        load(text, name=name, **how)
    message = str(caught.value)
    assert message.startswith(name)
    assert "\n" not in message
    return message


@settings(deadline=None)
@given(
    rows=st.lists(ROW, min_size=1, max_size=8),
    lines=st.booleans(),
    indent=st.sampled_from([None, 0, 3]),
    ascii_only=st.booleans(),
    block=st.integers(1, 60),
    limits=st.builds(BatchLimits, rows=st.integers(1, 5), bytes=st.integers(1, 200)),
)
def test_any_rows_arrive_whatever_the_layout_and_the_cut(
    rows: list[dict[str, Any]],
    lines: bool,
    indent: int | None,
    ascii_only: bool,
    block: int,
    limits: BatchLimits,
) -> None:
    if lines:
        text = "\r\n\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    else:
        text = json.dumps(rows, indent=indent, ensure_ascii=ascii_only) + "\n"
    name = "events.jsonl" if lines else "events.json"
    with small_blocks(block):
        loaded = load(text, text_schema("a", "b"), name=name, limits=limits, guards=UNKEYED, at_most=block)
    assert json_rows(loaded) == rows
    assert all(batch.rows <= limits.rows for batch in loaded)
    assert all(batch.rows == 1 or len(body(batch)) <= limits.bytes for batch in loaded)
    assert {batch.content_type for batch in loaded} == {"application/json"}


def test_brackets_and_commas_count_towards_the_limit() -> None:
    text = '{"id":"a"}\n{"id":"b"}\n'
    assert [batch.rows for batch in load(text, name="a.jsonl", limits=BatchLimits(bytes=24))] == [2]
    assert [batch.rows for batch in load(text, name="a.jsonl", limits=BatchLimits(bytes=23))] == [1, 1]


def test_a_row_goes_as_it_was_written() -> None:
    row = '{"id": "a",  "seats": 1000010100.00000000, "name": "caf\\u00e9"}'
    (batch,) = load(f"[{row}]", name="events.json")
    assert batch.data == f"[{row}]".encode()


def test_renamed_rows_keep_their_numbers_to_the_last_digit() -> None:
    text = '[{"Key": "a", "seats": 0.10000000000000000001, "name": {"x": [1.50, 2]}, "note": 1}]'
    guards = Guards(extra_columns="ignore")
    (batch,) = load(text, name="events.json", columns={"Key": "id"}, guards=guards)
    assert batch.data == b'[{"id":"a","seats":"0.10000000000000000001","name":{"x":[1.5,2]}}]'


def test_absent_is_left_alone_and_null_clears() -> None:
    text = '{"id":"a","name":null}\n{"id":"b"}\n{"id":"c","name":"NULL"}\n'
    rows = json_rows(load(text, name="events.jsonl", null_marks=("NULL",)))
    assert rows == [{"id": "a", "name": None}, {"id": "b"}, {"id": "c", "name": None}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty"]),
        ("[]", ["no rows"]),
        ("  \n ", ["not a JSON array"]),
        ('{"id":"a"}\n{"id":"b"}', ["line 1", "not a JSON array", "format='jsonl'"]),
        ('"text"', ["not a JSON array"]),
        ('[{"id":"a"},\n{"id":"b"}', ["line 2", "end of the file"]),
        ('[{"id":"a"},\n{"id":"b" "c"}]', ["line 2", "not JSON"]),
        ('[{"id":"a"}\n{"id":"b"}]', ["line 2", "comma"]),
        ('[{"id":"a"}]\n[]', ["line 2", "follows the end"]),
        ('[{"id":"a"},\n["b"]]', ["line 2", "a row is an object"]),
        ('[{"id":"a"},\n{"id":"b","seats":NaN}]', ["line 2", "NaN"]),
        ('[{"id":"a"},\n{"id":"b","seats":-Infinity}]', ["line 2", "-Infinity"]),
        ('[{"id":"a"},\n{"id":"b","seats":"NaN"}]', ["line 2", "column 'seats'"]),
        ('[{"id":"a"},\n{"id":"b","seets":1}]', ["line 2", "column 'seets'", "nearest: 'seats'"]),
        ('[{"id":"a"},\n{"name":"b"}]', ["line 2", "row identifier 'id'"]),
        ('[{"id":"a"},\n{"id":null}]', ["line 2", "column 'id'", "blank"]),
        ('[{"id":"a"},\n{"id":" "}]', ["line 2", "column 'id'", "blank"]),
        ('[{"id":"a"},\n{"id":"a","name":"x"}]', ["line 2", "column 'id'", "'a'", "line 1"]),
        ('[\n{"id":"a","starts_at":"2026-01-31T00:00:00Z"}]', ["line 2", "column 'starts_at'", "time zone"]),
        ('[{"id":"a",":deleted":"true"}]', ["line 1", "':deleted'", "literal"]),
        ('[{"id":"a",":deleted":1}]', ["':deleted'"]),
        ('[{"id":"a","name":"x\ny"}]', ["not JSON"]),
    ],
)
@pytest.mark.parametrize("block", [9, 2**18])
def test_bad_json_is_refused_with_its_line(text: str, words: list[str], block: int) -> None:
    with small_blocks(block):
        message = refused(text)
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"id":"a"}\n\n{"id":"b"', ["line 3", "not JSON"]),
        ('{"id":"a"}\n{"id":"b"}{"id":"c"}\n', ["line 2", "one object a line"]),
        ('[{"id":"a"}]\n', ["line 1", "a row is an object"]),
        ('{"id":"a"}\n[{"id":"b"}', ["line 2", "format='json'"]),
        ("\n\n", ["no rows"]),
    ],
)
def test_bad_json_lines_are_refused_with_their_line(text: str, words: list[str]) -> None:
    message = refused(text, name="events.jsonl")
    assert all(word in message for word in words), message


def test_a_mistake_early_in_a_long_array_is_found_without_reading_on() -> None:
    read = []

    class Watched:
        def open(self, mode: str) -> Any:
            return self

        def read(self, size: int) -> bytes:
            read.append(size)
            return (b'[{"id":"a" x},' if len(read) == 1 else b" ") + b'{"id":"b"},' * (size // 11)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    from airflow_socrata.records import FileFormat, FileSource

    with pytest.raises(RecordsError, match="line 1: not JSON"):
        list(batches(FileSource(Watched(), FileFormat("json")), SCHEMA))
    assert len(read) < 4


def test_dicts_may_come_from_a_callable_or_an_iterable() -> None:
    def produce() -> Iterator[dict[str, str]]:
        yield {"id": "a"}
        yield {"id": "b"}

    for given_rows in (produce, produce(), [{"id": "a"}, {"id": "b"}]):
        loaded = rows_from(given_rows, limits=BatchLimits(rows=1))
        assert [batch.data for batch in loaded] == [b'[{"id":"a"}]', b'[{"id":"b"}]']


def test_pythons_own_values_take_the_portals_forms() -> None:
    row = {
        "id": UUID(int=1),
        "name": "caf\u00e9",
        "seats": Decimal("1.50"),
        "starts_at": datetime(2026, 1, 31, 12, 0, 0, 5000),
        "filed_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
    }
    (batch,) = rows_from([row])
    assert json_rows([batch]) == [
        {
            "id": "00000000-0000-0000-0000-000000000001",
            "name": "caf\u00e9",
            "seats": "1.50",
            "starts_at": "2026-01-31T12:00:00.005000",
            "filed_at": "2026-01-31T12:00:00+00:00",
        }
    ]
    (batch,) = rows_from([{"id": 1, "starts_at": date(2026, 1, 31), "seats": True}])
    assert batch.data == b'[{"id":1,"starts_at":"2026-01-31","seats":true}]'


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "b", "seats": float("nan")}, ["column 'seats'", "nan"]),
        ({"id": "b", "seats": Decimal("Infinity")}, ["column 'seats'", "Infinity"]),
        ({"id": "b", "name": {"x": [float("inf")]}}, ["column 'name'"]),
        ({"id": "b", "name": object()}, ["column 'name'", "object"]),
        ({"id": "b", "name": {1, 2}}, ["column 'name'", "set"]),
        ({"id": "b", "name": "\ud800"}, ["column 'name'"]),
        ({"id": "b", "starts_at": datetime(2026, 1, 31, tzinfo=UTC)}, ["column 'starts_at'", "time zone"]),
        ({"id": "b", 7: "x"}, ["column names", "7"]),
        ({"id": "b", "nme": "x"}, ["column 'nme'", "'name'"]),
        ({"id": "a", "name": "other"}, ["column 'id'", "'a'", "row 1"]),
        (["id"], ["a row is a dict, not list"]),
    ],
)
def test_bad_dicts_are_refused_with_the_number_of_the_row(row: Any, words: list[str]) -> None:
    with pytest.raises(RecordsError) as caught:
        rows_from([{"id": "a"}, row])
    message = str(caught.value)
    assert message.startswith("rows, row 2")
    assert all(word in message for word in words), message


def test_what_is_no_rows_at_all_is_refused() -> None:
    for given_rows, words in ((lambda: None, "not NoneType"), ({"id": "a"}, "not dict"), ([], "no rows")):
        with pytest.raises(RecordsError, match=words):
            rows_from(given_rows)


def test_the_same_row_twice_is_fine_and_numbers_are_one_identifier_by_value() -> None:
    assert rows_from([{"id": "a", "name": "x"}, {"name": "x", "id": "a"}])
    assert rows_from([{"id": 1, "name": "x"}, {"id": 1.0, "name": "y"}])
    assert rows_from([{"id": "a", "name": "x"}, {"id": "a", "name": "y"}], limits=BatchLimits(rows=1))


def test_deletes_are_counted() -> None:
    loaded = rows_from([
        {"id": "a", ":deleted": True},
        {"id": "b", ":deleted": False},
        {"id": "c", ":deleted": None},
    ])
    assert [(batch.rows, batch.deletes) for batch in loaded] == [(3, 1)]


def test_a_generator_is_closed_when_the_load_stops_early() -> None:
    closed = []

    def produce() -> Iterator[dict[str, str]]:
        try:
            while True:
                yield {"id": "a"}
        finally:
            closed.append(True)

    loaded = batches(RowsSource(produce), SCHEMA)
    next(loaded)
    loaded.close()
    assert closed == [True]
