"""Rows from JSON text, one at a time: an array of objects, or an object a line."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from airflow_socrata.records.compression import BLOCK_BYTES
from airflow_socrata.records.csv_scanner import MAX_RECORD_BYTES
from airflow_socrata.records.errors import RecordsError
from airflow_socrata.records.reading import decode_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["JsonRow", "NumberText", "read_array", "read_lines"]

_BLANKS = " \t\r\n"

#: A literal cut by the end of a block is shorter than this: ``-Infinity``, or a ``\\u`` escape pair.
_EDGE = 16


class NumberText(str):
    """A number that a float would not give back as it was written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class JsonRow:
    """An object, the text it was read from, and the physical line that starts on."""

    line: int
    values: dict[str, Any]
    text: str


def _number(text: str) -> float | NumberText:
    value = float(text)
    return value if repr(value) == text else NumberText(text)


def _no_constant(name: str) -> Any:
    raise _NotJsonError(f"{name} is not a number that JSON knows; write null")


class _NotJsonError(Exception):
    pass


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_no_constant)


def read_lines(blocks: Iterable[bytes], source: str) -> Iterator[JsonRow]:
    """Read an object a line; blank lines are none.

    :raises RecordsError: a line is not a JSON object
    """
    line = 0
    held = ""
    for text in _texts(blocks, source):
        *lines, held = (held + text).split("\n") if text else (held, "")
        for raw in lines:
            line += 1
            stripped = raw.strip(_BLANKS)
            if not stripped:
                continue
            try:
                values, end = _DECODER.raw_decode(stripped)
            except (ValueError, _NotJsonError, RecursionError) as error:
                raise _not_json(error, source, line) from None
            if end < len(stripped):
                problem = f"more follows the object: {stripped[end : end + 20]!r}; write one object a line"
                raise RecordsError(problem, source=source, line=line)
            yield JsonRow(line, _object(values, source, line), stripped)
        if held.strip(_BLANKS)[:1] not in {"", "{"}:
            hint = (
                "say format='json' if the file is an array" if held.strip(_BLANKS)[0] == "[" else "not a row"
            )
            raise RecordsError(f"a line is a JSON object; {hint}", source=source, line=line + 1)
        _bounded(held, source, line + 1)


def read_array(blocks: Iterable[bytes], source: str) -> Iterator[JsonRow]:
    """Read an array of objects without holding more than one of them and a block of text.

    :raises RecordsError: the text is not a JSON array of objects
    """
    return _ArrayReader(_texts(blocks, source), source).rows()


def _texts(blocks: Iterable[bytes], source: str) -> Iterator[str]:
    """Decode blocks; the last text, and no other, is empty."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, offset = 1, 0
    for block in chain(blocks, (b"",)):
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise decode_error(error, "utf-8", source=source, line=line, offset=offset - pending) from None
        if offset == 0:
            text = text.removeprefix("\ufeff")
        line += block.count(b"\n")
        offset += len(block)
        if text or not block:
            yield text


class _ArrayReader:
    def __init__(self, texts: Iterator[str], source: str) -> None:
        self._texts = texts
        self._source = source
        self._text = ""
        self._at = 0
        self._line = 1

    def rows(self) -> Iterator[JsonRow]:
        opening = self._peek()
        if opening != "[":
            hint = "; say format='jsonl' if it holds an object a line" if opening == "{" else ""
            raise self._error(f"the file is not a JSON array of objects{hint}")
        self._at += 1
        if self._peek() == "]":
            self._at += 1
        else:
            yield from self._members()
        if more := self._peek():
            raise self._error(f"{more!r} follows the end of the array")

    def _members(self) -> Iterator[JsonRow]:
        while True:
            self._peek()
            line = self._line
            values, end = self._value()
            # Reading more moves the text, so where the value starts is known only now.
            text = self._text[self._at : end]
            self._at = end
            self._line += text.count("\n")
            yield JsonRow(line, _object(values, self._source, line), text)
            after = self._peek()
            self._at += 1
            if after == "]":
                return
            if after != ",":
                self._at -= 1
                found = repr(after) if after else "the end of the file"
                raise self._error(f"a comma or the end of the array is missing: found {found}")

    def _value(self) -> tuple[Any, int]:
        while True:
            try:
                return _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string") or error.pos > len(self._text) - _EDGE
                if not (cut and self._more()):
                    line = self._line + self._text.count("\n", self._at, error.pos)
                    raise _not_json(error, self._source, line) from None
            except (ValueError, _NotJsonError, RecursionError) as error:
                raise _not_json(error, self._source, self._line) from None

    def _peek(self) -> str:
        """The next character that is not blank, without taking it; empty at the end."""
        while True:
            rest = self._text
            at, size = self._at, len(rest)
            while at < size and rest[at] in _BLANKS:
                at += 1
            self._line += rest.count("\n", self._at, at)
            self._at = at
            if at < size:
                return rest[at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read at least as much as is held, so that a long row is looked at few times."""
        held = self._text[self._at :]
        _bounded(held, self._source, self._line)
        parts, size = [held], 0
        while size < max(BLOCK_BYTES // 2, len(held), 1):
            text = next(self._texts, "")
            if not text:
                break
            parts.append(text)
            size += len(text)
        self._text, self._at = "".join(parts), 0
        return size > 0

    def _error(self, problem: str) -> RecordsError:
        return RecordsError(problem, source=self._source, line=self._line)


def _bounded(held: str, source: str, line: int) -> None:
    if len(held) > MAX_RECORD_BYTES:
        problem = f"the row that starts here does not end within {MAX_RECORD_BYTES:,} characters"
        raise RecordsError(problem, source=source, line=line)


def _object(values: Any, source: str, line: int) -> dict[str, Any]:
    if isinstance(values, dict):
        return values
    raise RecordsError(f"a row is an object, not {json.dumps(values)[:40]}", source=source, line=line)


def _not_json(error: Exception, source: str, line: int) -> RecordsError:
    if isinstance(error, json.JSONDecodeError):
        problem = f"not JSON: {error.msg} (character {error.colno} of that line)"
    elif isinstance(error, RecursionError):
        problem = "not JSON that can be read: nested too deeply"
    else:
        problem = str(error)
    return RecordsError(problem, source=source, line=line)
