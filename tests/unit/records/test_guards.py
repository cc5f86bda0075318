"""What is certain to go wrong is refused, with the line and the column; nothing else is."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.records.samples import SCHEMA, csv_rows, load, small_blocks, text_schema

from airflow_socrata.records import (
    BatchLimits,
    FileFormat,
    FileSource,
    Guards,
    RecordsError,
    SchemaError,
    batches,
)

NUMBERED = replace(SCHEMA, row_identifier="seats")
LOOSE = Guards(row_by_row=False)


def refused(text: str, **how: object) -> str:
    with pytest.raises(RecordsError) as caught:
        load(text, **how)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith("events.csv")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty"]),
        ("\ufeff", ["empty"]),
        ("\n\r\n\n", ["blank lines only"]),
        ("id,name\n", ["line 1", "header and no rows"]),
        ("id,name", ["header and no rows"]),
        ("id,name\n\n\n", ["header and no rows"]),
        ("id,name,id\na,b,c\n", ["line 1", "column 'id'", "twice"]),
        ("id,name\na,b\nc\nd,e\n", ["line 3:", "1 cells", "header has 2"]),
        ('id,name\na,"b\nb"\nc,d,e\n', ["line 4:", "3 cells"]),
        ('id,name\na,b\nc,"d\ne,f\n', ["line 3:", "never closed"]),
        ('id,name\na,b\nc,"d"e\ne,f\n', ["line 3:", "after its closing quote"]),
        ('id,"name\na,b\n', ["line 1:", "header"]),
        ("id,name\na,b\n,c\n", ["line 3", "column 'id'", "blank"]),
        ('id,name\na,b\n" ",c\n', ["line 3", "column 'id'", "blank"]),
        ("id,name\na,b\nb,c\na,d\n", ["line 4", "column 'id'", "'a'", "line 2", "same batch"]),
        ('id,name\n"a,1",b\nb,c\n"a,1",d\n', ["line 4", "'a,1'", "line 2"]),
        ("id,seats\na,1\nb,NaN\n", ["line 3", "column 'seats'", "'NaN'"]),
        ("id,seats\na,1\nb,-Infinity\n", ["line 3", "'-Infinity'"]),
        ("id,seats\na,inf\n", ["line 2", "'inf'"]),
        ("id,starts_at\na,2026-01-31T12:00:00Z\n", ["line 2", "column 'starts_at'", "time zone"]),
        ("id,starts_at\na,2026-01-31T12:00:00.000+01:00\n", ["time zone"]),
        ("id,starts_at\na,2026-01-31 12:00:00 -0500\n", ["time zone"]),
        ("id,starts_at\na,2026-01-31-05:00\n", ["time zone"]),
        ("id,starts_at\na,01/31/2026-05:00\n", ["time zone"]),
        ("id,starts_at\na,01/31/2026 12:00:00 PM UTC\n", ["time zone"]),
        ("id,starts_at\na,01/31/2026 12:00:00 PM -05:00\n", ["time zone"]),
        ("id,:deleted\na,true\nb,True\n", ["line 3", "column ':deleted'", "'True'"]),
        ("id,:deleted\na,1\n", ["line 2", "':deleted'"]),
    ],
)
@pytest.mark.parametrize("block", [7, 2**18])
def test_bad_input_is_refused_with_its_place(text: str, words: list[str], block: int) -> None:
    with small_blocks(block):
        message = refused(text)
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    "text",
    [
        "id,starts_at\na,2026-01-31T12:00:00.000\n",
        "id,starts_at\na,2026-01-31\n",
        "id,starts_at\na,2026-01-31 12:00:00\n",
        "id,starts_at\na,01/31/2026 12:00:00 AM\n",
        "id,starts_at\na,1/31/2026\n",
        "id,starts_at\na,\n",
        "id,starts_at\na,January 31st\n",
        "id,filed_at\na,2026-01-31T12:00:00Z\n",
        "id,seats\na,1e3\n",
        'id,seats\na,"1,000"\n',
        "id,seats\na,\n",
        "id,name\na,NaN\n",
        "id,name\na,Infinity\n",
        "id,name\nA,x\na,y\n",
        "id,name\na,x\nb,y\na,x\n",
        'id,name\na,x\n"a","x"\n',
        "id,:deleted\na,true\nb,false\nc,\n",
    ],
)
def test_what_the_portal_may_take_passes(text: str) -> None:
    assert csv_rows(load(text))


def test_one_identifier_in_two_batches_is_an_update_of_an_update() -> None:
    loaded = load("id,name\na,x\nb,y\na,z\n", limits=BatchLimits(rows=2))
    assert [batch.rows for batch in loaded] == [2, 1]
    assert "line 5" in refused("id,name\na,x\nb,y\na,z\na,y\n", limits=BatchLimits(rows=2))


def test_numbers_are_one_identifier_by_value() -> None:
    assert "column 'seats'" in refused("seats,name\n1,x\n2,y\n1.0,z\n", schema=NUMBERED)
    assert "column 'seats'" in refused("seats,name\n1,x\n2,y\n01,z\n", schema=NUMBERED)
    assert len(csv_rows(load("id,name\n1,x\n1.0,y\n"))) == 2


def test_null_marks_are_null_to_the_guards_too() -> None:
    assert "blank" in refused("id,name\nNA,x\n", null_marks=("NA",))
    assert len(load("id,seats\na,NaN\n", null_marks=("NaN",))) == 1


def test_deletes_are_counted_and_need_only_the_identifier() -> None:
    text = 'id,name,:deleted\na,,true\nb,x,\nc,,"true"\nd,y,false\n'
    for guards in (Guards(), LOOSE):
        (batch,) = load(text, guards=guards)
        assert (batch.rows, batch.deletes) == (4, 2)
    assert "':deleted'" in refused("id,:deleted\na,yes\n", guards=LOOSE)


def test_without_a_row_identifier_the_message_says_what_would_happen() -> None:
    schema = text_schema("id", "name")
    with pytest.raises(SchemaError, match="every row sent would be added as a new one"):
        load("id,name\na,b\n", schema)
    assert load("id,name\na,b\na,c\n", schema, guards=Guards(require_row_identifier=False))


def test_row_by_row_guards_can_be_turned_off_and_rows_stay_whole() -> None:
    text = 'id,seats\n,NaN\na,"1\n2"\na,3\n'
    loaded = load(text, guards=LOOSE, limits=BatchLimits(rows=2))
    assert [batch.rows for batch in loaded] == [2, 1]
    assert "never closed" in refused('id,name\na,"b\n', guards=LOOSE)
    assert "twice" in refused("id,id\na,b\n", guards=LOOSE)


class Endless:
    """A file that never ends, and counts what is read of it."""

    def __init__(self, start: bytes, then: bytes) -> None:
        self.read_bytes = 0
        self._start = start
        self._then = then

    def open(self, mode: str) -> Endless:
        return self

    def read(self, size: int) -> bytes:
        data = (b"" if self.read_bytes else self._start) + self._then * (size // len(self._then))
        self.read_bytes += len(data)
        return data

    def __enter__(self) -> Endless:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_a_quote_that_is_never_closed_is_found_without_reading_the_whole_file() -> None:
    file = Endless(b'id,name\na,"b\n', b"c,d\n")
    with (
        mock.patch("airflow_socrata.records.csv_scanner.MAX_RECORD_BYTES", 2**20),
        pytest.raises(RecordsError, match=r"line 2: .* does not end within .* never closed"),
    ):
        list(batches(FileSource(file, FileFormat("csv")), SCHEMA))
    assert file.read_bytes < 2**23


def test_a_quote_inside_an_unquoted_cell_does_not_swallow_what_follows() -> None:
    file = Endless(b'id,name\na,5" pipe\n', b"c,d\n")
    loaded = batches(FileSource(file, FileFormat("csv")), SCHEMA, compress=False)
    first = next(loaded)
    loaded.close()
    assert first.data.startswith(b'id,name\na,"5"" pipe"\nc,d\n')
    assert file.read_bytes < 2**20


def test_all_is_said_before_a_row_goes_where_only_the_header_is_wrong() -> None:
    assert "line 1, column 'nme'" in refused("id,nme\na,b\n")
    assert "line 3, column 'nme'" in refused("\n\nid,nme\na,b\n")


DATE = st.sampled_from([
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-01-31T12:00:00.123",
    "1/2/2026 12:00 AM",
    "2026-01-31 12:00 PM",
    "",
    "soon",
    "2026-1",
    "--:-",
])
ZONE = st.sampled_from([
    "",
    "",
    "",
    "",
    "Z",
    "z",
    " Z",
    "+00:00",
    "-05",
    " -0500",
    "-05:00",
    " UTC",
    "\n-05:00",
    " Asia/Tokyo",
    "PM",
])
NUMBER = st.sampled_from(["", "1", "01", "1.0", "2", "-3", "1e3", "nan", " NaN ", "+inf", "banana", "$1"])
KEY = st.one_of(NUMBER, st.sampled_from(["a", "b", "A", " ", "a,b", 'a"b', "a\nb", "\u00e9", "\xa0"]))


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(KEY, NUMBER, st.builds(str.__add__, DATE, ZONE)), min_size=1, max_size=4),
    quoted=st.sampled_from(["all", "some"]),
    numbered=st.booleans(),
    limit=st.integers(1, 4),
)
@example(rows=[("a", "1", "01/02/2026-05:00")], quoted="all", numbered=False, limit=1)
@example(rows=[("a", "1", "2026-01-31 12:00 PM -05:00")], quoted="some", numbered=False, limit=1)
def test_columns_at_once_find_what_rows_one_by_one_find(
    rows: list[tuple[str, str, str]], quoted: str, numbered: bool, limit: int
) -> None:
    def cell(value: str) -> str:
        special = quoted == "all" or any(character in value for character in ',"\n')
        return '"' + value.replace('"', '""') + '"' if special else value

    text = "id,seats,starts_at\n" + "".join(",".join(map(cell, row)) + "\n" for row in rows)
    schema = NUMBERED if numbered else SCHEMA

    def outcome() -> object:
        try:
            return [batch.data for batch in load(text, schema, limits=BatchLimits(rows=limit))]
        except RecordsError as error:
            return str(error)

    fast = outcome()
    with mock.patch("airflow_socrata.records.csv_batches.split_columns", return_value=None):
        assert outcome() == fast
