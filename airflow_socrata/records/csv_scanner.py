"""Cutting CSV text into pieces of whole records, by counting quotes, without looking at cells."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import TYPE_CHECKING

from airflow_socrata.records.compression import BLOCK_BYTES
from airflow_socrata.records.errors import RecordsError
from airflow_socrata.records.reading import decode_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Protocol

    class CsvReader(Iterator[list[str]], Protocol):
        """What ``csv.reader`` returns."""

        @property
        def line_num(self) -> int:
            """Lines read so far."""


__all__ = [
    "MAX_RECORD_BYTES",
    "Chunk",
    "CsvScanner",
    "Dialect",
    "Header",
    "count_line_ends",
    "quotes_in_place",
    "record_end",
    "well_formed",
]

#: The portal's row server takes no row above this (its source's default), so neither does the reader.
MAX_RECORD_BYTES = 70_000_000

#: Pieces a line above which chunks are no longer split at their quotes in advance.
_MANY_QUOTES = 16

_LINE_END = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are told apart: two ASCII characters (quote None: cells are never quoted)."""

    delimiter: str = ","
    quote: str | None = '"'

    def reader(self, lines: Iterable[str], *, strict: bool = True) -> CsvReader:
        """Python's own CSV reader over lines that keep their ends."""
        if csv.field_size_limit() < MAX_RECORD_BYTES:
            # The limit is the process's; it is only ever raised. Outlines of areas often exceed its 128 KiB.
            csv.field_size_limit(MAX_RECORD_BYTES)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            strict=strict,
        )


@dataclass(frozen=True, slots=True)
class Header:
    """The first record: its names, the line it starts on, and the line end after it."""

    names: tuple[str, ...]
    line: int
    line_end: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole records.

    :param data: bytes, ending in a line end
    :param line: physical line that they start on
    :param offset: byte of the text that they start at
    :param line_ends: line feeds in it, those inside cells too
    :param plain_lines: there is no blank line, and no carriage return but before a line feed
    :param pieces: the data split at its quotes; None: no quotes, or too many for that
    :param torn: quotes do not tell records here: the file ends inside one, or a quote is where none may be
    """

    data: bytes
    line: int
    offset: int
    line_ends: int = 0
    plain_lines: bool = False
    pieces: list[bytes] | None = None
    torn: bool = False


class CsvScanner:
    """Gives the header, then chunks of whole records.

    :param blocks: the text, as UTF-8
    :param source: name for messages
    """

    def __init__(self, blocks: Iterator[bytes], dialect: Dialect, source: str) -> None:
        self._blocks = blocks
        self._dialect = dialect
        self._quote = dialect.quote.encode() if dialect.quote else None
        self._source = source
        self._line = 1
        self._offset = 0
        self._line_end = b"\n"
        self._buffer = next(blocks, b"")
        self._ended = False
        self._many_quotes = False
        if self._buffer.startswith(codecs.BOM_UTF8):
            self._skip(len(codecs.BOM_UTF8))

    def header(self) -> Header:
        """Read the first record that is not a blank line.

        :raises RecordsError: there is none, or it is not CSV
        """
        while not (text := self._buffer.lstrip(b"\r\n")) and self._more():
            pass
        if not text:
            raise RecordsError("the file holds blank lines only", source=self._source)
        self._skip(len(self._buffer) - len(text))
        while not (end := self._first_end()) and not self._stray() and self._more():
            pass
        end = end or len(self._buffer)
        line = self._line
        record = self.decode(Chunk(self._buffer[:end], line, self._offset))
        rows = self._dialect.reader(io.StringIO(record, newline=""))
        try:
            names = next(rows)
        except csv.Error as error:
            raise RecordsError(f"the header is not CSV: {error}", source=self._source, line=line) from None
        taken = record_end(self._buffer, rows.line_num, None)
        raw = self._buffer[: taken or end]
        self._line_end = b"\r\n" if raw.endswith(b"\r\n") else b"\n"
        self._skip(len(raw))
        return Header(tuple(names), line, self._line_end)

    def chunk(self, max_rows: int, max_bytes: int) -> Chunk | None:
        """Give the next records: at most so many, in at most so many bytes unless one alone is larger.

        :raises RecordsError: a record never ends
        """
        if len(self._buffer) < BLOCK_BYTES // 2:
            self._more()
        while True:
            pieces = self._split()
            if end := self._end(max_bytes, pieces):
                break
            if self._ended or self._stray():
                return self._torn()
            self._more()
        chunk = self._examined(end, pieces, max_rows)
        if chunk.pieces is not None and len(chunk.pieces) > _MANY_QUOTES * chunk.line_ends:
            self._many_quotes = True
        self._advance(chunk)
        return chunk

    def rest(self, chunk: Chunk) -> Iterator[bytes]:
        """Give a chunk, and all text after it, uncut: for a reader that finds records in another way."""
        yield chunk.data
        yield self._buffer
        yield from self._blocks

    def decode(self, chunk: Chunk) -> str:
        """Give a chunk's text.

        :raises RecordsError: it is not UTF-8
        """
        try:
            return chunk.data.decode()
        except UnicodeDecodeError as error:
            source, line, offset = self._source, chunk.line, chunk.offset
            raise decode_error(error, "utf-8", source=source, line=line, offset=offset) from None

    def _split(self) -> list[bytes] | None:
        if self._quote is None or self._many_quotes or self._quote not in self._buffer:
            return None
        return self._buffer.split(self._quote)

    def _end(self, max_bytes: int, pieces: list[bytes] | None) -> int:
        """Where the last record that fits ends; failing that, where the first ends; failing that, 0."""
        size = len(self._buffer)
        limit = min(size, max_bytes)
        if self._quote is None:
            quotes = 0
        elif pieces is not None and limit == size:
            quotes = len(pieces) - 1
        else:
            quotes = self._buffer.count(self._quote, 0, limit)
        end = self._last_end(limit, inside=quotes % 2 == 1)
        return end if end or size <= max_bytes else self._first_end()

    def _first_end(self) -> int:
        end = record_end(self._buffer, 1, self._quote)
        # A carriage return at the edge may be half of a CR LF.
        return 0 if end == len(self._buffer) and self._buffer.endswith(b"\r") and not self._ended else end

    def _last_end(self, limit: int, *, inside: bool) -> int:
        buffer, quote = self._buffer, self._quote
        whole = limit == len(buffer) and self._ended
        if whole and not inside:
            return limit
        returns = b"\r" in buffer
        end = limit
        while True:
            at = buffer.rfind(b"\n", 0, end)
            if returns:
                # A carriage return at the edge may be half of a CR LF.
                at = max(at, buffer.rfind(b"\r", 0, end if whole or end < limit else end - 1))
            if at < 0:
                return 0
            if quote is not None and buffer.count(quote, at + 1, end) % 2:
                inside = not inside
            if not inside:
                return at + 1
            end = at

    def _stray(self) -> bool:
        """Whether the text shows a quote where none may be, so that counting quotes leads nowhere."""
        if self._quote is None:
            return False
        pieces = self._buffer.split(self._quote)
        # The last piece may be cut anywhere, so it says nothing.
        return not well_formed([*pieces[: len(pieces) // 2 * 2], b""], self._dialect.delimiter.encode())

    def _torn(self) -> Chunk | None:
        if not self._buffer:
            return None
        line, offset = self._line, self._offset
        return Chunk(self._skip(len(self._buffer)), line, offset, torn=True)

    def _examined(self, end: int, pieces: list[bytes] | None, max_rows: int) -> Chunk:
        """Cut a chunk that ends there, or sooner if it would hold too many rows."""
        data = self._buffer[:end]
        # Reading lines finds their ends twice as fast as splitting or counting does.
        lines = io.BytesIO(data).readlines()
        plain = b"\r" not in data or data.count(b"\r") == data.count(b"\r\n")
        if not plain:
            data = data[: record_end(data, max_rows, self._quote) or end]
            lines = io.BytesIO(data).readlines()
        elif len(lines) > max_rows:
            lines = _first_records(lines, max_rows, self._quote)
            data = data[: sum(map(len, lines))]
        if pieces is not None and self._quote is not None:
            left = self._buffer[len(data) :]
            quotes = left.count(self._quote)
            cut = left.find(self._quote) if quotes else len(left)
            pieces = pieces[: len(pieces) - quotes]
            pieces[-1] = pieces[-1][: len(pieces[-1]) - cut]
        plain = plain and b"\n" not in lines and b"\r\n" not in lines
        return Chunk(data, self._line, self._offset, len(lines), plain, pieces)

    def _advance(self, chunk: Chunk) -> None:
        size = len(chunk.data)
        self._buffer = self._buffer[size:]
        self._offset += size
        self._line += chunk.line_ends if chunk.plain_lines else count_line_ends(chunk.data)

    def _skip(self, size: int) -> bytes:
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        self._offset += size
        self._line += count_line_ends(data)
        return data

    def _more(self) -> bool:
        """Read at least as much as is held, so that a long record is looked at few times."""
        if len(self._buffer) > MAX_RECORD_BYTES:
            problem = (
                f"the record that starts here does not end within {MAX_RECORD_BYTES:,} bytes; "
                "look for a quote that is never closed"
            )
            raise RecordsError(problem, source=self._source, line=self._line)
        blocks = [self._buffer]
        size = 0
        while size < max(BLOCK_BYTES // 2, len(self._buffer), 1):
            block = next(self._blocks, b"")
            if not block:
                if not self._ended and blocks[-1] and not blocks[-1].endswith((b"\n", b"\r")):
                    # So that every record has an end.
                    blocks.append(self._line_end)
                self._ended = True
                break
            blocks.append(block)
            size += len(block)
        self._buffer = b"".join(blocks)
        return size > 0


def count_line_ends(data: bytes) -> int:
    """Count physical lines ended by LF, CR LF, or CR."""
    return data.count(b"\n") + (data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else 0)


def record_end(data: bytes, records: int, quote: bytes | None) -> int:
    """Where the n-th record ends (0: there are fewer)."""
    quotes = previous = 0
    for match in _LINE_END.finditer(data):
        end = match.end()
        if quote is not None:
            quotes += data.count(quote, previous, end)
            previous = end
        if quotes % 2 == 0:
            records -= 1
            if not records:
                return end
    return 0


def _first_records(lines: list[bytes], records: int, quote: bytes | None) -> list[bytes]:
    """Give the lines of so many records, or all lines if there are fewer."""
    if quote is None:
        return lines[:records]
    quotes = accumulate(line.count(quote) for line in lines)
    ends = (index for index, count in enumerate(quotes, 1) if count % 2 == 0)
    return lines[: next(islice(ends, records - 1, None), None)]


def quotes_in_place(chunk: Chunk, dialect: Dialect) -> bool:
    """Whether a chunk's quotes stand only where CSV allows them."""
    if dialect.quote is None:
        return True
    pieces = chunk.data.split(dialect.quote.encode()) if chunk.pieces is None else chunk.pieces
    return well_formed(pieces, dialect.delimiter.encode())


def well_formed(pieces: Sequence[bytes], delimiter: bytes) -> bool:
    """Whether quotes stand only where CSV allows them.

    :param pieces: text split at its quotes: outside, inside, outside, …; so what is outside is empty (a
        doubled quote inside a cell), or begins and ends at a cell's edge
    """
    if len(pieces) % 2 == 0:
        return False
    first, *between, last = pieces[::2] if len(pieces) > 1 else (b"", b"")
    edges = {delimiter[0], *b"\r\n"}
    if (first and first[-1] not in edges) or (last and last[0] not in edges):
        return False
    between = list(filter(None, between))
    return {piece[0] for piece in between} <= edges and {piece[-1] for piece in between} <= edges
