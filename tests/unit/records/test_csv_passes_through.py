"""CSV goes through as CSV: the portal reads the rows that Python's own reader reads in the file."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.records.samples import UNKEYED, body, csv_rows, load, small_blocks, text_schema

from airflow_socrata.records import BatchLimits, Guards, RecordsError

CELL = st.text(alphabet='ab ,"\n\r\té\u2013\0', max_size=6)
LIMITS = st.builds(BatchLimits, rows=st.integers(1, 7), bytes=st.integers(1, 300))
BLOCKS = st.integers(1, 80)
TOKENS = [
    "x",
    '"x"',
    '""',
    '"',
    '""""',
    ",",
    ",",
    "\n",
    "\r\n",
    '","',
    '"\n"',
    '"a,\nb"',
    "x,x\n",
    '"x","x"\n',
]
TEXT = st.one_of(
    st.text(alphabet='x,"\n\r', min_size=1, max_size=30),
    st.lists(st.sampled_from(TOKENS), min_size=1, max_size=14).map("".join),
)
LOOSE = Guards(row_by_row=False, require_row_identifier=False)


def _written(rows: list[list[str]], line_end: str, quoting: int, *, final_end: bool) -> str:
    out = io.StringIO()
    # The writer quotes both line end characters only if it writes both.
    csv.writer(out, lineterminator="\r\n", quoting=quoting).writerows(rows)  # type: ignore[call-overload]
    lines = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert lines == rows
    text = "".join(_line(row, quoting) + line_end for row in rows)
    return text if final_end else text.removesuffix(line_end)


def _line(row: list[str], quoting: int) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n", quoting=quoting).writerow(row)  # type: ignore[call-overload]
    return out.getvalue().removesuffix("\r\n")


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=12),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    final_end=st.booleans(),
    row_by_row=st.booleans(),
    limits=LIMITS,
    block=BLOCKS,
    short=st.integers(1, 50),
)
def test_any_cells_any_cut_any_quoting_arrive_unchanged(
    rows: list[list[str]],
    line_end: str,
    quoting: int,
    final_end: bool,
    row_by_row: bool,
    limits: BatchLimits,
    block: int,
    short: int,
) -> None:
    text = _written([["a", "b", "c"], *rows], line_end, quoting, final_end=final_end)
    guards = Guards(row_by_row=row_by_row, require_row_identifier=False)
    with small_blocks(block):
        loaded = load(text, text_schema("a", "b", "c"), guards=guards, limits=limits, at_most=short)
    assert [list(row.values()) for row in csv_rows(loaded)] == rows
    assert all(batch.rows <= limits.rows for batch in loaded)
    assert all(batch.rows == 1 or len(body(batch)) <= limits.bytes for batch in loaded)


@settings(deadline=None)
@given(text=TEXT, limits=LIMITS, block=BLOCKS)
@example(text='x,"\n","x"\n', limits=BatchLimits(), block=80)
@example(text='"x","\n"\n"x","x"\n', limits=BatchLimits(), block=80)
@example(text='x"x,x\n"x","x"\n', limits=BatchLimits(), block=4)
@example(text='x,"x\r\n\r\nx"\r\nx,x\r\n', limits=BatchLimits(), block=4)
@example(text='"",","\n","","\n"', limits=BatchLimits(), block=80)
@example(text='"","""",\n","",""\n', limits=BatchLimits(), block=80)
def test_any_text_is_read_as_pythons_strict_reader_reads_it_or_refused(
    text: str, limits: BatchLimits, block: int
) -> None:
    schema = text_schema("a", "b")
    try:
        expected = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        refused = not expected or any(len(row) != 2 for row in expected)
    except csv.Error:
        refused = True
    with small_blocks(block):
        if refused:
            with pytest.raises(RecordsError):
                load("a,b\n" + text, schema, guards=UNKEYED, limits=limits)
        else:
            rows = csv_rows(load("a,b\n" + text, schema, guards=UNKEYED, limits=limits))
            assert [[row["a"], row["b"]] for row in rows] == expected
            rows = csv_rows(load("a,b\n" + text, schema, guards=LOOSE, limits=limits))
            assert [[row["a"], row["b"]] for row in rows] == expected


@settings(deadline=None)
@given(
    rows=st.lists(
        st.lists(CELL.filter(lambda cell: "\r" not in cell and "\n\n" not in cell), min_size=2, max_size=2),
        min_size=1,
        max_size=12,
    ),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    row_by_row=st.booleans(),
    limits=LIMITS,
    block=BLOCKS,
)
def test_well_formed_rows_are_not_written_anew_wherever_they_are_cut(
    rows: list[list[str]], line_end: str, quoting: int, row_by_row: bool, limits: BatchLimits, block: int
) -> None:
    text = _written(rows, line_end, quoting, final_end=True)
    header = f"a,b{line_end}"
    guards = Guards(row_by_row=row_by_row, require_row_identifier=False)
    with small_blocks(block):
        loaded = load(header + text, text_schema("a", "b"), guards=guards, limits=limits)
    assert b"".join(body(batch).removeprefix(header.encode()) for batch in loaded) == text.encode()


def test_bytes_are_not_touched_where_they_need_not_be() -> None:
    rows = 'a1,"x, ""y""\nz", 2 ,"2026-01-31",\na2,,,,""\n'
    (batch,) = load("id,name,seats,starts_at,filed_at\n" + rows)
    assert batch.data == b"id,name,seats,starts_at,filed_at\n" + rows.encode()
    assert (batch.content_type, batch.content_encoding) == ("text/csv", None)


def test_a_quoted_line_end_never_splits_a_batch() -> None:
    text = "id,name\n" + "".join(f'{n},"first\nsecond, ""third""\n"\n' for n in range(10))
    loaded = load(text, limits=BatchLimits(rows=3))
    assert [batch.rows for batch in loaded] == [3, 3, 3, 1]
    assert [(batch.first_row, batch.last_row) for batch in loaded] == [(1, 3), (4, 6), (7, 9), (10, 10)]
    assert [batch.number for batch in loaded] == [1, 2, 3, 4]
    assert {row["name"] for row in csv_rows(loaded)} == {'first\nsecond, "third"\n'}


def test_batches_are_full() -> None:
    text = "id,name\n" + "".join(f"{n},row {n}\n" for n in range(25_000))
    assert [batch.rows for batch in load(text)] == [10_000, 10_000, 5_000]
    loaded = load(text, limits=BatchLimits(bytes=10_000))
    assert all(9_900 < len(batch.data) <= 10_000 for batch in loaded[:-1])


def test_a_row_larger_than_the_limit_goes_alone() -> None:
    loaded = load(f"id,name\na,x\nb,{'y' * 500}\nc,x\n", limits=BatchLimits(bytes=100))
    assert [batch.rows for batch in loaded] == [1, 1, 1]


def test_blank_lines_are_no_rows() -> None:
    loaded = load("\n\nid,name\n\na,x\n\r\n\nb,y\n\n\n", limits=BatchLimits(rows=1))
    assert [batch.data for batch in loaded] == [b"id,name\na,x\n", b"id,name\nb,y\n"]


@pytest.mark.parametrize("guards", [UNKEYED, LOOSE])
def test_a_blank_line_of_a_single_column_is_no_row_and_a_quoted_empty_cell_is_one(guards: Guards) -> None:
    loaded = load('a\nx\n\n""\n\ny\n', text_schema("a"), guards=guards)
    assert [row["a"] for row in csv_rows(loaded)] == ["x", "", "y"]
    loaded = load("a\nx\n\ny\n", text_schema("a"), guards=guards)
    assert loaded[0].data == b"a\nx\ny\n"


def test_the_mapping_changes_the_header_only() -> None:
    (batch,) = load('Event id,Name of event\na,"x, y"\n', columns={"Event id": "id", "Name of event": "name"})
    assert batch.data == b'id,name\na,"x, y"\n'


def test_columns_left_out_are_left_out_of_every_row() -> None:
    guards = Guards(extra_columns="ignore")
    (batch,) = load('note,id,name,memo\n"n,1",a,"x, y",m\n,b,,\n', guards=guards)
    assert batch.data == b'id,name\na,"x, y"\nb,\n'


def test_tabs_other_quotes_and_other_delimiters_become_csv() -> None:
    (batch,) = load('id\tname\na\tx, y\nb\t"p\tq"\n', name="events.tsv")
    assert csv_rows([batch]) == [{"id": "a", "name": "x, y"}, {"id": "b", "name": "p\tq"}]
    (batch,) = load("id;name\na;'x;\"y'\n", delimiter=";", quote="'")
    assert csv_rows([batch]) == [{"id": "a", "name": 'x;"y'}]
    (batch,) = load('id,name\na,"x\nb,5" pipe\n', quote=None)
    assert csv_rows([batch]) == [{"id": "a", "name": '"x'}, {"id": "b", "name": '5" pipe'}]


def test_null_marks_become_empty_cells() -> None:
    text = 'id,name,seats\na,NULL,1\nb,"NULL",n/a\nc,NULLABLE,\n'
    rows = csv_rows(load(text, null_marks=("NULL", "n/a")))
    assert [(row["name"], row["seats"]) for row in rows] == [("", "1"), ("", ""), ("NULLABLE", "")]


def test_a_quote_inside_an_unquoted_cell_is_a_character_and_is_sent_quoted() -> None:
    loaded = load('id,name\na,5" pipe\nb,"x, y"\nc,6" pipe\n', limits=BatchLimits(rows=2))
    assert [row["name"] for row in csv_rows(loaded)] == ['5" pipe', "x, y", '6" pipe']
    assert b'"5"" pipe"' in loaded[0].data


def test_a_digest_is_of_the_body_whether_packed_or_not() -> None:
    text = "id,name\n" + "".join(f"{n},row {n}\n" for n in range(2000))
    (plain,), (packed,) = load(text), load(text, compress=True)
    assert packed.content_encoding == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert body(packed) == plain.data
    assert packed.digest == plain.digest
    assert plain.digest != load(text.replace("7", "8"), guards=LOOSE)[0].digest


def test_cells_beyond_the_readers_usual_limit_pass() -> None:
    outline = "MULTIPOLYGON ((" + "-122.33 47.59," * 30_000 + '"",))'
    (batch,) = load(f'id,name\na,"{outline}"\n')
    assert csv_rows([batch])[0]["name"] == outline.replace('""', '"')
