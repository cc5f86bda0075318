"""Columns and types from a bounded sample of a source; what cannot be certain is text."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.emulator.types.reading import from_csv
from airflow_socrata.records import FileFormat, FileSource, RecordsError, RowsSource
from airflow_socrata.records.inference import columns_of_codes, infer_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CELLS = {
    "number": ["1", "-2.5", "0", ".5", "1e5", ""],
    "checkbox": ["true", "false", ""],
    "calendar_date": [
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-02-28 08:15:00.123",
        "12/31/2026 01:02:03 PM",
    ],
    "date": ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+01:00"],
    "point": ["POINT (-122.3 47.6)", "point(1 2)"],
    "location": ["(47.59815, -122.33454)", "(0,0)"],
    "multipolygon": ["MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))"],
}
TEXTS = {
    "a postal code": ["00501", "98101"],
    "words": ["1", "one"],
    "no values": ["", ""],
    "a day that is not there": ["2026-02-30"],
    "the day first": ["31/12/2026"],
    "a day with a zone": ["2026-01-31Z"],
    "with a zone and without": ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00"],
    "other spellings of truth": ["TRUE", "yes"],
    "not a number": ["NaN", "1"],
    "no place on earth": ["(470.1, -122.3)"],
    "thousands": ["1,000"],
    "a number and a date": ["1", "2026-01-31"],
}


def file(path: Path, text: str | bytes, **form: Any) -> FileSource:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return FileSource(str(path), FileFormat(**form))


def kinds(source: Any, **more: Any) -> dict[str, str]:
    return {column.name: column.data_type for column in infer_schema(source, **more).columns}


@pytest.mark.parametrize("kind", CELLS)
def test_types_of_cells_that_the_portal_takes(kind: str, tmp_path: Path) -> None:
    lines = "\n".join(f'"{cell}",x' for cell in CELLS[kind])
    assert kinds(file(tmp_path / "a.csv", f"a,b\n{lines}\n")) == {"a": kind, "b": "text"}
    from_csv(kind, CELLS[kind])  # raises where the portal would refuse one


@pytest.mark.parametrize("cells", TEXTS.values(), ids=TEXTS)
def test_what_is_not_certain_is_text(cells: list[str], tmp_path: Path) -> None:
    lines = "\n".join(f'"{cell}",x' for cell in cells)
    assert kinds(file(tmp_path / "a.csv", f"a,b\n{lines}\n"))["a"] == "text"


def test_formats_of_files(tmp_path: Path) -> None:
    wanted = {"Event id": "number", "at": "calendar_date"}
    rows = [{"Event id": 1, "at": "2026-01-31"}, {"Event id": None, "at": ""}, {"Event id": 2.5}]
    text = "Event id,at\n1,2026-01-31\nNA,\n"
    tabs = text.replace(",", "\t")
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    assert kinds(file(tmp_path / "a.csv", text, null_marks=("NA",))) == wanted
    assert kinds(file(tmp_path / "a.csv.gz", gzip.compress(text.encode()), null_marks=("NA",))) == wanted
    assert kinds(file(tmp_path / "a.tsv", tabs, null_marks=("NA",))) == wanted
    assert kinds(file(tmp_path / "b.csv", text.encode("utf-16"), encoding="utf-16"))["at"] == "calendar_date"
    assert kinds(file(tmp_path / "a.json", json.dumps(rows))) == wanted
    assert kinds(file(tmp_path / "a.jsonl", lines)) == wanted


def test_types_of_json_values(tmp_path: Path) -> None:
    row = {
        "yes": True,
        "digits": "98101",
        "truth": "true",
        "exact": 0.30000000000000004,
        "place": {"type": "Point", "coordinates": [1, 2]},
        "location": {"latitude": "1", "longitude": "2"},
        "link": {"url": "https://example.gov"},
        "other": {"a": 1},
        "list": [1],
    }
    found = kinds(file(tmp_path / "a.json", json.dumps([row])))
    assert list(found.values()) == [
        *("checkbox", "text", "text", "number", "point", "location", "url", "json", "json")
    ]


def test_types_of_python_objects() -> None:
    row = {
        "a": datetime(2026, 1, 1),
        "b": datetime(2026, 1, 1, tzinfo=UTC),
        "c": date(2026, 1, 1),
        "d": Decimal("1.5"),
        "e": float("nan"),
        ":deleted": True,
    }
    source = RowsSource(lambda: iter([row, {"f": {"url": "x"}}, {"f": [1]}]), name="events")
    assert kinds(source) == dict(
        zip("abcdef", ["calendar_date", "date", "calendar_date", "number", "text", "json"], strict=True)
    )
    assert str(infer_schema(source)) == "6 columns by all 3 rows of events"


class Endless:
    """A file of which more than a sample must not be read."""

    def __init__(self, line: bytes) -> None:
        self.line, self.read_bytes = line, 0

    def __str__(self) -> str:
        return "endless.csv"

    def open(self, mode: str) -> Any:
        return self

    def read(self, size: int) -> bytes:
        self.read_bytes += size
        head = b"a,b\n" if self.read_bytes == size else b""
        return head + self.line * (size // len(self.line))

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def test_the_sample_is_bounded_and_said() -> None:
    endless = Endless(b'1,"x\ny"\n')
    schema = infer_schema(FileSource(endless), most_rows=1000)
    assert (schema.rows, schema.whole) == (1000, False)
    assert str(schema) == "2 columns by the first 1,000 rows of endless.csv"
    assert endless.read_bytes < 2**20
    wide = Endless(b"1," + b"x" * 50_000 + b"\n")
    schema = infer_schema(FileSource(wide), most_bytes=2**20)
    assert 20 <= schema.rows <= 22
    assert wide.read_bytes < 2 * 2**20


def test_rows_beyond_the_sample_are_not_asked_for() -> None:
    asked = []

    def rows() -> Iterator[dict[str, int]]:
        for number in range(100):
            asked.append(number)
            yield {"a": number}

    schema = infer_schema(RowsSource(rows), most_rows=10)
    assert (schema.rows, schema.whole, len(asked)) == (10, False, 11)


def test_a_header_alone_has_columns_of_text(tmp_path: Path) -> None:
    schema = infer_schema(file(tmp_path / "a.csv", "a,:deleted,b"))
    assert [(c.name, c.data_type, c.values) for c in schema.columns] == [("a", "text", 0), ("b", "text", 0)]
    assert (schema.rows, schema.whole) == (0, True)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "", "the file is empty"),
        ("a.csv", "a,,b\n1,2,3\n", "column 2 of 3 has no name"),
        ("a.csv", "a,b,a\n", "names this column twice"),
        ("a.csv", "a;b;c\n1;2;3\n", "one column, 'a;b;c': give delimiter=';'"),
        ("a.tsv", "a,b\n1,2\n", "one column, 'a,b': give delimiter=','"),
        ("a.csv", ":id,:version\nrow-1,2\n", "all columns are system fields"),
        ("a.csv", "a,b\n1\n", "line 2: the row has 1 cells"),
        ("a.csv", 'a,b\n1,"x', "never closed"),
        ("a.csv", b"a\n\xff\n", "is not utf-8"),
        ("a.json", "[]", "no rows to take columns from"),
        ("a.json", "{}", "say format='jsonl'"),
        ("a.jsonl", '{"": 1}', "a column has no name"),
        ("a.xlsx", "x", "does not tell the format"),
    ],
)
def test_sources_without_columns(name: str, text: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=words):
        infer_schema(file(tmp_path / name, text))
    with pytest.raises(RecordsError, match="iterable of dicts"):
        infer_schema(RowsSource({"a": 1}))  # type: ignore[arg-type]


def test_a_name_that_holds_another_delimiter(tmp_path: Path) -> None:
    assert list(kinds(file(tmp_path / "a.csv", "a;b\n1\n", delimiter=","))) == ["a;b"]
    assert list(kinds(file(tmp_path / "b.csv", "a;b,c\n1,2\n"))) == ["a;b", "c"]


def test_columns_of_codes(tmp_path: Path) -> None:
    text = "zip,n,neg,at,short\n98101,0,-1,2026-01-31,1\n00501,0.5,-07,01/31/2026\n"
    assert columns_of_codes(file(tmp_path / "a.csv", text)) == {0, 2}
    assert columns_of_codes(file(tmp_path / "a.csv", text), most_rows=1) == frozenset()
    assert columns_of_codes(file(tmp_path / "a.csv", text), most_bytes=8) == frozenset()


def test_a_sample_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        infer_schema(RowsSource([]), most_rows=0)


def test_quotes_where_none_may_be_are_said_with_their_line() -> None:
    class Torn:
        def __str__(self) -> str:
            return "torn.csv"

        def open(self, mode: str) -> Any:
            return io.BytesIO(b'a,b\n1,2\n3,"x"y\n')

    with pytest.raises(RecordsError, match="line 3"):
        infer_schema(FileSource(Torn()))
