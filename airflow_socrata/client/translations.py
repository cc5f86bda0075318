"""Translations of the import API: read on this side, so that a slip is found before anything is sent.

A translation is the source of an array: one expression for each column of the dataset, over the cells of the
file's row, ``col1`` being the first, e.g. ``[col1, upper(col2), {latitude: col3, longitude: col4}]``. The
portal evaluates it and may know more functions than its documentation tells; what is checked here is the
form: brackets, quotes, operators, and that the columns it names are there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TEXT = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""")
_PATTERN = re.compile(r"/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_OPERATOR = re.compile(r"===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>]")
_COLUMN = re.compile(r"col(\d+)\Z")
#: Nesting above this is no translation that a person wrote.
_DEEPEST = 100


class TranslationError(ConfigurationError):
    """A translation that does not parse; nothing was sent.

    :ivar position: of the sign that is wrong, from 1.
    """

    def __init__(self, problem: str, source: str, place: int) -> None:
        around = " ".join(source[max(0, place - 20) : place + 20].split())
        super().__init__(
            f"the translation does not parse at position {place + 1}, near {around!r}: {problem}"
        )
        self.position = place + 1


@dataclass(frozen=True, slots=True)
class Translation:
    """A translation that parses.

    :param source: as the portal wants it.
    :param outputs: the expressions, one for each column.
    :param columns: numbers of the file's columns that it names, from 1.
    """

    source: str
    outputs: tuple[str, ...]
    columns: frozenset[int]

    def check(self, *, file_columns: int | None, outputs: int | None) -> None:
        """Check that it fits a file and a list of columns.

        :param file_columns: columns of the file; None: not known.
        :param outputs: columns that it has to fill; None: not known.
        :raises ConfigurationError: it does not.
        """
        if 0 in self.columns:
            raise ConfigurationError("the translation names col0: the columns of the file begin with col1")
        beyond = sorted(
            column for column in self.columns if file_columns is not None and column > file_columns
        )
        if beyond:
            raise ConfigurationError(
                f"the translation names col{beyond[0]}, and the file has {file_columns} columns"
            )
        if outputs is not None and len(self.outputs) != outputs:
            raise ConfigurationError(
                f"the translation gives {len(self.outputs)} columns, and {outputs} are to be filled"
            )


def parse_translation(translation: str | Sequence[str]) -> Translation:
    """Read a translation: the source of an array, or its expressions one by one.

    :raises TranslationError: it does not parse; the message tells the position.
    :raises ConfigurationError: an expression is no text.
    """
    if not isinstance(translation, str) and not all(isinstance(each, str) for each in translation):
        raise ConfigurationError(f"a translation is a text, or a list of texts, not {translation!r}")
    source = translation if isinstance(translation, str) else f"[{', '.join(translation)}]"
    reader = _Reader(source)
    outputs = reader.whole()
    if not outputs:
        raise TranslationError("the array is empty, and a dataset has at least one column", source, 0)
    return Translation(source, outputs, frozenset(reader.columns))


def straight_translation(places: Sequence[int | None]) -> Translation:
    """Return the translation that takes cells as they are.

    :param places: for each column of the dataset the number of the file's column, from 1; None: empty.
    """
    return parse_translation(['""' if place is None else f"col{place}" for place in places])


def quoted(text: str) -> str:
    """Return a text as a literal of a translation."""
    return json.dumps(text)


class _Reader:
    """One pass through the source, by recursive descent."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.depth = 0
        self.columns: set[int] = set()

    def whole(self) -> tuple[str, ...]:
        self._need("[", "a translation is an array: it begins with [")
        outputs: list[str] = []
        self._space()
        while not self._take("]"):
            if outputs:
                self._need(",", "expected , or ]")
                self._space()
            start = self.at
            self._expression()
            outputs.append(self.source[start : self.at].strip())
        self._space()
        if self.at < len(self.source):
            raise self._wrong("nothing may follow the array")
        return tuple(outputs)

    def _expression(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._wrong("it is nested too deeply")
        self._operand()
        while self._match(_OPERATOR):
            self._operand()
        if self._take("?"):
            self._expression()
            self._need(":", "expected :")
            self._expression()
        self.depth -= 1

    def _operand(self) -> None:
        while self._take("-") or self._take("!"):
            pass
        self._primary()
        while True:
            if self._take("."):
                if not self._match(_WORD):
                    raise self._wrong("expected a name after the dot")
            elif self._take("("):
                self._listed(")")
            elif self._take("["):
                self._listed("]")
            else:
                return

    def _primary(self) -> None:
        self._space()
        if any(self._match(pattern) for pattern in (_NUMBER, _TEXT, _PATTERN)):
            return
        if self.source[self.at : self.at + 1] in {'"', "'"}:
            raise self._wrong("the text is never closed")
        if self._take("("):
            self._expression()
            self._need(")", "expected )")
        elif self._take("["):
            self._listed("]")
        elif self._take("{"):
            self._object()
        elif word := self._match(_WORD):
            if word == "function":
                self._function()
            elif column := _COLUMN.match(word):
                self.columns.add(int(column[1]))
        else:
            raise self._wrong("expected a column such as col1, a text, a number or a function")

    def _listed(self, end: str) -> None:
        first = True
        while not self._take(end):
            if not first:
                self._need(",", f"expected , or {end}")
            self._expression()
            first = False

    def _object(self) -> None:
        first = True
        while not self._take("}"):
            if not first:
                self._need(",", "expected , or }")
            if not (self._match(_WORD) or self._match(_TEXT)):
                raise self._wrong("expected a name such as latitude")
            self._need(":", "expected :")
            self._expression()
            first = False

    def _function(self) -> None:
        """Take a function written out: its body is the portal's matter, but it must end."""
        self._need("(", "expected (")
        self._listed(")")
        self._need("{", "expected {")
        start, open_braces = self.at, 1
        while open_braces:
            if self._match(_TEXT):
                continue
            sign = self.source[self.at : self.at + 1]
            if not sign:
                self.at = start
                raise self._wrong("the function is never closed")
            open_braces += {"{": 1, "}": -1}.get(sign, 0)
            self.at += 1
        self.columns.update(int(n) for n in re.findall(r"\bcol(\d+)\b", self.source[start : self.at]))

    def _space(self) -> None:
        found = _SPACE.match(self.source, self.at)
        self.at = found.end() if found else self.at

    def _match(self, pattern: re.Pattern[str]) -> str:
        self._space()
        found = pattern.match(self.source, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[0]

    def _take(self, sign: str) -> bool:
        self._space()
        if not self.source.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _need(self, sign: str, problem: str) -> None:
        if not self._take(sign):
            raise self._wrong(problem)

    def _wrong(self, problem: str) -> TranslationError:
        if self.at >= len(self.source):
            problem = f"{problem}, and it ends here"
        return TranslationError(problem, self.source, self.at)
