"""Taking a chunk apart at once: exactly what the row reader reads, and really at once for usual files."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_socrata.records.csv_columns import count_rows, split_columns
from airflow_socrata.records.csv_scanner import CsvScanner, Dialect

CELL = st.text(alphabet='ab,"\n\0\u00e9', max_size=4)


def chunk_of(text: str, *, split: bool = True) -> Any:
    """The first chunk; ``split`` False: as one that comes after chunks with many quotes."""
    scanner = CsvScanner(iter([b"a,b,c\n" + text.encode()]), Dialect(), "events.csv")
    scanner.header()
    chunk = scanner.chunk(10**6, 10**6)
    return chunk if split or chunk is None else replace(chunk, pieces=None)


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=6),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    split=st.booleans(),
)
def test_cells_are_those_of_the_reader(
    rows: list[list[str]], quoting: int, line_end: str, split: bool
) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator=line_end).writerows(rows)  # type: ignore[call-overload]
    chunk = chunk_of(out.getvalue(), split=split)
    columns = split_columns(chunk, 3)
    assert count_rows(chunk, 3) in {len(rows), None}
    if columns is not None:
        assert columns.rows == len(rows)
        for position in range(3):
            cells = columns.cells(position)
            assert cells is None or [cell.decode() for cell in cells] == [row[position] for row in rows]


USUAL = {
    "no quotes": "1,x,2026-01-31\n2,,\n",
    "no quotes, CR LF": "1,x,2026-01-31\r\n2,,\r\n",
    "all quoted": '"1","x, y","2026-01-31"\n"2","","a\nb"\n',
    "all quoted, CR LF": '"1","x, y","2026-01-31"\r\n"2","","a\r\nb"\r\n',
    "some quoted": '1,"x, ""y""",2026-01-31\n2,"a\nb",\n',
    "text quoted": '1,"x","2026-01-31"\n2,"",""\n',
}


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("layout", USUAL)
def test_usual_layouts_are_taken_apart_at_once(layout: str, split: bool) -> None:
    chunk = chunk_of(USUAL[layout], split=split)
    columns = split_columns(chunk, 3)
    assert columns is not None
    assert columns.rows == count_rows(chunk, 3) == 2
    assert columns.cells(0) == [b"1", b"2"]


@pytest.mark.parametrize(
    "text", ["1,2\n", "1,2,3,4\n", "1,2,3\n1,2\n1,2,3,4\n", '1,2"3,4\n1,"2",3\n', '1,"2"3,4\n', '1, "2",3\n']
)
def test_what_is_not_three_cells_or_not_csv_is_left_to_the_reader(text: str) -> None:
    assert split_columns(chunk_of(text), 3) is None


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        '"a""x","b""x","c""x"\n',
        '"a","\n","b"\n',
        '"a",",","b"\n',
        '"a"",""b","c","d""e""f"\n',
        '"a","""\n""","b"\n"c","d","e"\n',
    ],
)
def test_quotes_that_only_look_like_cell_ends_are_none(text: str, split: bool) -> None:
    columns = split_columns(chunk_of(text, split=split), 3)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert columns is not None
    assert columns.rows == len(rows)
    for position in range(3):
        assert columns.cells(position) in ([row[position].encode() for row in rows], None)


def test_a_hidden_cell_is_not_told() -> None:
    columns = split_columns(chunk_of('"1,5",x,y\n2,x,y\n'), 3)
    assert columns is not None
    assert columns.cells(0) is None
    assert columns.cells(1) == [b"x", b"x"]
