"""CSV and TSV: read from the file row by row, never held whole."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from airflow_socrata.emulator.dsmapi.parsing.encodings import codec_of, encoding_of
from airflow_socrata.emulator.dsmapi.parsing.guessing import TypeGuesser
from airflow_socrata.emulator.dsmapi.parsing.headers import named
from airflow_socrata.emulator.dsmapi.parsing.model import (
    InputColumn,
    Layer,
    ParsedFile,
    RowError,
    UnparsableFile,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from airflow_socrata.emulator.dsmapi.parsing.options import ParseOptions

# A cell may hold a whole country's outline.
_LONGEST_CELL = 64 << 20


Record = TypeVar("Record", bound="Sequence[str | None]")


@dataclass(frozen=True, slots=True)
class _Table:
    path: Path
    encoding: str
    separator: str
    options: ParseOptions
    width: int = 0

    def records(self) -> Iterator[list[str]]:
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
        quote = self.options.quote_char
        with self.path.open(encoding=codec_of(self.encoding), newline="") as opened:
            reader = csv.reader(
                opened,
                delimiter=self.separator,
                quotechar=quote or None,
                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
                strict=True,
            )
            try:
                yield from reader
            except csv.Error as error:
                raise UnparsableFile(f"Line {reader.line_num} cannot be read: {error}") from None

    def rows(self, row_errors: list[RowError] | None = None) -> Iterator[tuple[str | None, ...]]:
        records = heading(self.records(), self.options)
        for _ in range(self.options.header_count):
            next(records, None)
        yield from body_rows(records, self.width, self.options, row_errors)


def parse_delimited(path: Path, options: ParseOptions, separator: str) -> ParsedFile:
    """Return the one layer of a CSV or TSV file.

    :raises UnparsableFile: no text, no header, or quotes that do not close.
    """
    encoding = encoding_of(path, options.encoding)
    table = _Table(path, encoding, separator, options)
    names = header_names(heading(table.records(), options), options)
    table = _Table(path, encoding, separator, options, len(names))
    guesser = TypeGuesser(len(names))
    row_errors: list[RowError] = []
    total = guesser.look_at_all(table.rows(row_errors))
    layer = Layer(None, guessed_columns(names, guesser), table.rows, total, tuple(row_errors))
    return ParsedFile("tsv" if separator == "\t" else "csv", (layer,), encoding)


def heading(records: Iterable[Record], options: ParseOptions) -> Iterator[Record]:
    """Return the records; empty ones in or before the header are left out where empty rows are not wanted."""
    stream = iter(records)
    wanted = options.header_count if options.remove_empty_rows else 0
    while wanted:
        record = next(stream, None)
        if record is None:
            return
        if any(cell and cell.strip() for cell in record):
            wanted -= 1
            yield record
    yield from stream


def header_names(records: Iterable[Sequence[str | None]], options: ParseOptions) -> list[str | None]:
    """Return the names in the header, or as many blanks as the first row has cells when there is none.

    :raises UnparsableFile: the file ends before its header does.
    """
    wanted = min(options.column_header, options.header_count)
    for number, record in enumerate(records, start=1):
        if wanted == 0 and any(cell and cell.strip() for cell in record):
            return [None] * len(record)
        if number == wanted:
            if not any(cell and cell.strip() for cell in record):
                raise UnparsableFile(f"Row {number} should hold the column names and is empty")
            return list(record)
    raise UnparsableFile("The file ends before its header does")


def body_rows(
    records: Iterable[Sequence[str | None]],
    width: int,
    options: ParseOptions,
    row_errors: list[RowError] | None,
) -> Iterator[tuple[str | None, ...]]:
    """Return the rows of a table as the parse options want them; rows of another width are left out."""
    trim, keep_empty = options.trim_whitespace, not options.remove_empty_rows
    for offset, record in enumerate(records):
        if trim:
            row = tuple([cell.strip() or None if cell else None for cell in record])
        else:
            row = tuple([cell or None for cell in record])
        if len(row) != width:
            # A blank line has no cells at all: that is an empty row, not a short one.
            if row:
                if row_errors is not None and (keep_empty or any(row)):
                    row_errors.append(RowError(offset, f"Expected {width} cells, found {len(row)}"))
                continue
            row = (None,) * width
        if keep_empty or any(row):
            yield row


def guessed_columns(names: Sequence[str | None], guesser: TypeGuesser) -> tuple[InputColumn, ...]:
    """Return the columns with their guessed types."""
    return tuple(
        InputColumn(field_name, shown, position, kind)
        for position, ((field_name, shown), kind) in enumerate(
            zip(named(names), guesser.kinds, strict=True), start=1
        )
    )
