"""CSV and TSV files, their options and their errors."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from airflow_socrata.emulator.dsmapi.parsing import ParseOptions, UnparsableFile, parse_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_socrata.emulator.dsmapi.parsing import ParsedFile

    Parsed = Callable[..., ParsedFile]


def test_a_file_has_columns_types_and_rows(parsed: Parsed) -> None:
    found = parsed("Id,Block Name,On\n1, Main St ,2024-05-01\n2,,2024-05-02T10:00:00\n")
    (layer,) = found.layers
    assert (found.format, found.encoding, layer.name) == ("csv", "utf8", None)
    assert [(c.field_name, c.display_name, c.position, c.guessed_type) for c in layer.columns] == [
        ("id", "Id", 1, "number"),
        ("block_name", "Block Name", 2, "text"),
        ("on", "On", 3, "calendar_date"),
    ]
    assert {c.soql_type for c in layer.columns} == {"text"}
    expected = [("1", "Main St", "2024-05-01"), ("2", None, "2024-05-02T10:00:00")]
    assert list(layer.rows()) == expected
    assert list(layer.rows()) == expected, "rows can be read again"
    assert layer.total_rows == 2


def test_rows_with_too_many_or_too_few_cells_are_listed_and_left_out(parsed: Parsed) -> None:
    (layer,) = parsed("a,b\n1,2\n1\n\n1,2,3\n3,4\n").layers
    assert [(each.offset, each.message) for each in layer.row_errors] == [
        (1, "Expected 2 cells, found 1"),
        (3, "Expected 2 cells, found 3"),
    ]
    assert list(layer.rows()) == [("1", "2"), ("3", "4")]
    assert layer.total_rows == 2


def test_quoted_cells_keep_separators_quotes_and_line_breaks(parsed: Parsed) -> None:
    (layer,) = parsed('a,b\n"x,""y""","1\n2"\n').layers
    assert list(layer.rows()) == [('x,"y"', "1\n2")]
    assert layer.columns[1].guessed_type == "text"


def test_empty_rows_are_kept_when_told(parsed: Parsed) -> None:
    text = "a,b\n1,2\n,\n\n3,4\n"
    assert parsed(text).layers[0].total_rows == 2
    (layer,) = parsed(text, remove_empty_rows=False).layers
    assert list(layer.rows()) == [("1", "2"), (None, None), (None, None), ("3", "4")]
    assert layer.row_errors == ()


def test_empty_rows_before_the_header_are_dropped_as_well(parsed: Parsed) -> None:
    text = "\n , \n  a,b\n\n  1,2\n   "
    (layer,) = parsed(text).layers
    assert [column.field_name for column in layer.columns] == ["a", "b"]
    assert list(layer.rows()) == [("1", "2")]
    (layer,) = parsed("a title\n\na,b\n1,2\n", header_count=2, column_header=2).layers
    assert [column.field_name for column in layer.columns] == ["a", "b"]
    with pytest.raises(UnparsableFile, match="Row 1 should hold the column names and is empty"):
        parsed(text, remove_empty_rows=False)


def test_blanks_are_kept_when_told(parsed: Parsed) -> None:
    assert list(parsed("a,b\n x , \n", trim_whitespace=False).layers[0].rows()) == [(" x ", " ")]
    assert list(parsed("a,b\n x , \n").layers[0].rows()) == [("x", None)]


def test_the_header_stands_where_the_options_say(parsed: Parsed) -> None:
    text = "a title\nA,B\nfirst,second\n1,2\n"
    (layer,) = parsed(text, header_count=3, column_header=2).layers
    assert [column.field_name for column in layer.columns] == ["a", "b"]
    assert list(layer.rows()) == [("1", "2")]


def test_a_file_without_header_gets_numbered_columns(parsed: Parsed) -> None:
    (layer,) = parsed("1,x\n2,y\n", header_count=0).layers
    assert [(c.field_name, c.display_name) for c in layer.columns] == [
        ("column_1", "Column 1"),
        ("column_2", "Column 2"),
    ]
    assert layer.total_rows == 2


def test_field_names_are_made_unique_and_plain(parsed: Parsed) -> None:
    (layer,) = parsed("Größe (m²),a b,A-B,2024,,!\n1,2,3,4,5,6\n").layers
    assert [c.field_name for c in layer.columns] == [
        "gr_e_m",
        "a_b",
        "a_b_1",
        "_2024",
        "column_5",
        "column_6",
    ]


def test_separator_and_quote_are_options(parsed: Parsed) -> None:
    (layer,) = parsed("a;b\n'x;y';2\n", column_separator=";", quote_char="'").layers
    assert list(layer.rows()) == [("x;y", "2")]
    (layer,) = parsed('a,b\n"x,2\n', quote_char="").layers
    assert list(layer.rows()) == [('"x', "2")]


def test_tabs_separate_a_tsv_file(parsed: Parsed) -> None:
    for name, kind in (("x.tsv", None), ("x.csv", "text/tab-separated-values; charset=utf-8")):
        found = parsed("a\tb\n1,5\t2\n", name, kind)
        assert found.format == "tsv"
        assert list(found.layers[0].rows()) == [("1,5", "2")]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("a\nü\n".encode(), "utf8"),
        (b"\xef\xbb\xbf" + "a\nü\n".encode(), "utf8"),
        ("a\nü\n".encode("utf-16"), "utf16"),
        ("a\nü\n".encode("windows-1252"), "windows-1252"),
    ],
)
def test_encodings_are_guessed(parsed: Parsed, data: bytes, encoding: str) -> None:
    found = parsed(data)
    assert found.encoding == encoding
    assert found.layers[0].columns[0].field_name == "a"
    assert list(found.layers[0].rows()) == [("ü",)]


def test_an_encoding_that_is_given_is_held_to(parsed: Parsed) -> None:
    data = "a\nü\n".encode("windows-1252")
    assert list(parsed(data, encoding="windows-1250").layers[0].rows()) == [("ü",)]
    with pytest.raises(UnparsableFile, match=r"not utf8: .* near byte 2"):
        parsed(data, encoding="utf8")
    with pytest.raises(UnparsableFile, match="no encoding 'utf99'"):
        parsed(data, encoding="utf99")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 and so on", "binary"),
        (b"a,b\n\x00\x01,2\n", "zero bytes"),
        (b'a,b\n"1,2\n', "Line 2 cannot be read"),
        (b'a,b\n"1"x,2\n', "Line 2 cannot be read"),
        (b"\n\n", "ends before its header does"),
    ],
)
def test_what_is_no_csv_is_refused(parsed: Parsed, data: bytes, says: str) -> None:
    with pytest.raises(UnparsableFile, match=says) as caught:
        parsed(data, "x.csv", "text/csv")
    assert caught.value.key == "unparsable_file"
    assert "\n" not in caught.value.message


def test_a_header_alone_is_a_file_without_rows(parsed: Parsed) -> None:
    (layer,) = parsed("a,b\n").layers
    assert (layer.total_rows, [c.guessed_type for c in layer.columns]) == (0, ["text", "text"])


def test_options_read_what_clients_send() -> None:
    options = ParseOptions.from_json({"parse_source": "false", "header_count": "2", "encoding": None, "x": 1})
    assert (options.parse_source, options.header_count, options.encoding) == (False, 2, None)
    assert ParseOptions.from_json(None) == ParseOptions()
    assert ParseOptions().to_json() == {
        "encoding": "utf8",
        "header_count": 1,
        "column_header": 1,
        "column_separator": ",",
        "quote_char": '"',
        "parse_source": True,
        "trim_whitespace": True,
        "remove_empty_rows": True,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("header_count", -1),
        ("header_count", True),
        ("column_header", "x"),
        ("parse_source", "perhaps"),
        ("column_separator", ",,"),
        ("quote_char", "''"),
        ("encoding", 8),
    ],
)
def test_options_that_are_none_are_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        ParseOptions.from_json({name: value})


def test_a_file_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("w") as opened:
        opened.write("a,b,c\n")
        for _ in range(20_000):
            opened.write(f"{'x' * 300},{'y' * 300},{'z' * 300}\n")
    tracemalloc.start()
    try:
        (layer,) = parse_file(path, "x.csv", "text/csv", ParseOptions()).layers
        assert sum(1 for _ in layer.rows()) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 3
