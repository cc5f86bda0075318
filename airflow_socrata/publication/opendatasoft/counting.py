"""Counting the data rows of a file while it goes by, and the names of its columns."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    class Counter(Protocol):
        """Counts the rows of a file that it is fed in blocks, from the beginning."""

        def feed(self, block: bytes) -> None:
            """Take the next bytes."""

        @property
        def rows(self) -> int | None:
            """Data rows so far; ``None`` where the file does not look as it should."""


#: Wrappers that unpack: they say that they can seek, and unpack everything to do so.
_PACKED = {"gzip", "bz2", "lzma"}
_SEPARATORS = ",;\t|"
_TOKENS = re.compile(rb'["\\{}\[\]]')
_HEAD_BYTES = 64 * 2**10


class CsvCounter:
    """Counts the records of a CSV file, blank lines apart; a line break within quotes ends none.

    :param params: of the extractor.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        has_head = params.get("headers_first_row", True) is not False
        separator = str(params.get("separator") or ";").replace("\\t", "\t").encode()
        #: What a quote may follow that opens a cell: one that closes a cell may be the first of a pair.
        self._openers = frozenset({b"", b"\n", b"\r", b'"', b"\xbf", separator})
        self._before = max(int(params.get("first_row_no") or 1) - 1, 0) + has_head
        self._last = b""
        self._quoted = self._stray = False
        self._filled = False  # whether the record under way has anything in it
        self._records = 0

    def feed(self, block: bytes) -> None:
        """Take the next bytes."""
        for number, piece in enumerate(block.split(b'"')):
            if number:
                self._stray = self._stray or (not self._quoted and self._last not in self._openers)
                self._quoted = not self._quoted
                self._filled = True
                self._last = b'"'
            if self._quoted or not piece:
                continue
            self._last = piece[-1:]
            lines = piece.replace(b"\r", b"").split(b"\n")
            self._filled = self._filled or bool(lines[0])
            if len(lines) == 1:
                continue
            self._records += self._filled + sum(map(bool, lines[1:-1]))
            self._filled = bool(lines[-1])

    @property
    def rows(self) -> int | None:
        """Data rows so far; not told where a quote stands within a cell: readers differ about these."""
        if self._quoted or self._stray:
            return None
        return max(self._records + self._filled - self._before, 0)


class LineCounter:
    """Counts the lines of a JSON lines file, blank ones apart."""

    def __init__(self) -> None:
        self._filled = False
        self._lines = 0

    def feed(self, block: bytes) -> None:
        """Take the next bytes."""
        lines = block.split(b"\n")
        for number, line in enumerate(lines):
            if number:
                self._lines += self._filled
                self._filled = False
            self._filled = self._filled or bool(line.strip())

    @property
    def rows(self) -> int | None:
        """Rows so far."""
        return self._lines + self._filled


class ObjectCounter:
    """Counts the objects at one depth of a JSON file: 1 in an array of records, 2 in GeoJSON's features."""

    def __init__(self, depth: int) -> None:
        self._wanted = depth
        self._depth = self._rows = 0
        self._text = self._escaped = False
        self._outermost = b""

    def feed(self, block: bytes) -> None:
        """Take the next bytes."""
        escaped_at = 0 if self._escaped else -1
        self._escaped = False
        for token in _TOKENS.finditer(block):
            sign, place = token[0], token.start()
            if self._text:
                if place == escaped_at:
                    continue
                if sign == b"\\":
                    escaped_at = place + 1
                    self._escaped = escaped_at == len(block)
                elif sign == b'"':
                    self._text = False
            elif sign == b'"':
                self._text = True
            elif sign in b"{[":
                self._outermost = self._outermost or sign
                self._rows += sign == b"{" and self._depth == self._wanted
                self._depth += 1
            else:
                self._depth -= 1

    @property
    def rows(self) -> int | None:
        """Rows so far; not told of a file whose outermost part is of another kind."""
        is_right = self._outermost == (b"[" if self._wanted == 1 else b"{")
        return self._rows if is_right and not self._depth else None


def counter_for(type: str, params: Mapping[str, Any]) -> Counter | None:
    """Return what counts the rows of files of an extractor; ``None`` where nothing does."""
    encoding = str(params.get("encoding") or "utf-8").lower()
    if encoding.startswith(("utf-16", "utf16", "utf-32", "utf32")):
        return None
    if type == "csvfile" and not params.get("escapechar") and params.get("doublequote") is not False:
        return CsvCounter(params)
    if type.startswith("jsonl"):
        return LineCounter()
    if type.startswith("geojson"):
        return ObjectCounter(2)
    return ObjectCounter(1) if type == "jsonfile" and not params else None


class CountedFile:
    """A file in binary mode that counts its rows while it is read from its beginning.

    :param file: open for reading.
    :param counter: for each reading, a fresh one; ``None`` where nothing can be counted.
    """

    def __init__(self, file: Any, type: str, params: Mapping[str, Any]) -> None:
        self._file, self._type, self._params = file, type, params
        self._counter = counter_for(type, params)
        self.size = 0

    @property
    def rows(self) -> int | None:
        """Data rows, once it was read to its end."""
        return None if self._counter is None else self._counter.rows

    def read(self, size: int = -1) -> bytes:
        """Read and count."""
        block: bytes = self._file.read(size)
        if not isinstance(block, bytes):
            return block
        if self._counter is not None and block:
            self._counter.feed(block)
        self.size += len(block)
        return block

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go elsewhere; what is read next counts from the beginning."""
        self._counter = counter_for(self._type, self._params)
        self.size = 0
        return int(self._file.seek(offset, whence))

    def seekable(self) -> bool:
        """Tell whether it can be read twice without unpacking it."""
        if type(self._file).__module__ in _PACKED or not hasattr(self._file, "seek"):
            return False
        return bool(self._file.seekable()) if hasattr(self._file, "seekable") else True

    def __getattr__(self, name: str) -> Any:
        if name == "readinto":  # reads would go by uncounted
            raise AttributeError(name)
        return getattr(self._file, name)


def head_of(file: Any) -> bytes:
    """Return the beginning of a file."""
    block: bytes = file.read(_HEAD_BYTES)
    return block


def guess_separator(head: bytes) -> str:
    """Return the separator that the first line of a CSV file has most of; a comma if it has none."""
    first = head.lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace")
    plain = re.sub(r'"[^"]*"', "", first)
    return max(_SEPARATORS, key=plain.count)


def columns_of(head: bytes, params: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the names of a CSV file's columns; ``None`` where the file does not name them."""
    if params.get("headers_first_row") is False:
        return None
    text = head.decode(_encoding(params), "replace")
    separator = str(params.get("separator") or ";").replace("\\t", "\t")
    if len(separator) != 1:
        return None
    records = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    skipped = max(int(params.get("first_row_no") or 1) - 1, 0)
    try:
        filled = (record for number, record in enumerate(records) if number >= skipped and record)
        return tuple(cell.strip() for cell in next(filled, []))
    except csv.Error:
        return None


def _encoding(params: Mapping[str, Any]) -> str:
    import codecs

    name = str(params.get("encoding") or "utf-8")
    try:
        return "utf-8-sig" if codecs.lookup(name).name == "utf-8" else name
    except LookupError:
        return "utf-8-sig"
