"""CSV row by row, by Python's own reader: the slower way, which says what a row is and where it stands."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from airflow_socrata.records.csv_scanner import count_line_ends
from airflow_socrata.records.errors import RecordsError
from airflow_socrata.records.reading import decode_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_socrata.records.csv_scanner import Dialect

__all__ = ["Record", "RowWriter", "lines_of", "read_records"]


@dataclass(frozen=True, slots=True)
class Record:
    """A row: the physical line it starts on, and its cells."""

    line: int
    cells: list[str]


def read_records(lines: Iterable[str], dialect: Dialect, *, source: str, line: int) -> Iterator[Record]:
    """Read rows; blank lines are none.

    :param lines: lines with their ends
    :param line: physical line of the first
    :raises RecordsError: a quote is never closed, or a cell goes on after its closing quote
    """
    reader = dialect.reader(lines)
    start = line
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _not_csv(error, source, start) from None
        if cells:
            yield Record(start, cells)
        start = line + reader.line_num


def _not_csv(error: csv.Error, source: str, line: int) -> RecordsError:
    reason = str(error)
    if "unexpected end of data" in reason:
        problem = "a quote opened in the record that starts here is never closed"
    elif "expected after" in reason:
        problem = "a cell goes on after its closing quote; inside a cell, quotes must be doubled"
    elif "field limit" in reason:
        problem = "a cell of the record that starts here is endless; look for a quote that is never closed"
    else:
        problem = f"the record that starts here is not CSV: {reason}"
    return RecordsError(problem, source=source, line=line)


def lines_of(blocks: Iterable[bytes], *, source: str, line: int, offset: int) -> Iterator[str]:
    """Give the lines of a text that comes in blocks.

    :param line: physical line of the first
    :param offset: byte of the text it starts at
    :raises RecordsError: the text is not UTF-8
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    held = ""
    for block in chain(filter(None, blocks), (b"",)):
        pending = len(decoder.getstate()[0])
        try:
            text = held + decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise decode_error(error, "utf-8", source=source, line=line, offset=offset - pending) from None
        offset += len(block)
        line += count_line_ends(block)
        *lines, held = list(io.StringIO(text, newline="")) or [""]
        # The last line may go on in the next block, and a carriage return may get its line feed there.
        yield from lines
    if held:
        yield held


class RowWriter:
    """Writes rows of CSV, one line each, quoting only what must be."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        # The writer of Python 3.11 quotes a carriage return only where its line end holds one.
        self._writer = csv.writer(self, lineterminator="\r\n")

    def write(self, line: str) -> int:
        """Take what the CSV writer writes, a row at a time."""
        self._lines.append(line)
        return len(line)

    def row(self, cells: Sequence[str], line_end: bytes = b"\n") -> bytes:
        """Give one row's bytes."""
        self._writer.writerow(cells)
        return self._lines.pop()[:-2].encode() + line_end
