"""The language of translations: from its text to a function of a row's cells.

What the vendor documents is here, and what its own page for imports writes: columns ``col1``, ``col2``, and
so on; texts and numbers; ``+``; ``title``, ``upper``, ``lower``; ``replace(x, /re/, y)``, which may also be
written ``(x).replace(/re/g, y)``; locations as ``{latitude: col1, longitude: col2}``, with or without
``JSON.stringify``. The portal's own is a whole scripting language; what is not here is refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Cells = Sequence[str]
#: One output: from the cells of a row to a text, a number or a location.
Expression = Callable[[Cells], Any]

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*|\.\d+)|(?P<word>[A-Za-z_$][\w$]*)"""
    r"""|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<pattern>/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)|(?P<sign>[\[\](){},:.+]))"""
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_DEEPEST = 100


class BadTranslation(Exception):
    """A translation that does not parse, or asks for what is not offered.

    :param place: of the sign that is wrong, from 0.
    """

    def __init__(self, problem: str, place: int) -> None:
        super().__init__(f"Translation: {problem} at character {place + 1}")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


def compile_translation(source: str, width: int | None) -> list[Expression]:
    """Return the outputs of a translation.

    :param width: columns of the file; None: not checked.
    :raises BadTranslation: it does not parse, or names a column that the file lacks.
    """
    return _Parser(_tokens(source), len(source), width).outputs()


def _tokens(source: str) -> list[_Token]:
    found, place = [], 0
    while source[place:].strip():
        match = _TOKEN.match(source, place)
        if match is None or match.lastgroup is None:
            place += len(source[place:]) - len(source[place:].lstrip())
            raise BadTranslation(f"unexpected {source[place]!r}", place)
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        place = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[_Token], end: int, width: int | None) -> None:
        self._tokens = tokens
        self._at = 0
        self._end = end
        self._width = width
        self._depth = 0

    def outputs(self) -> list[Expression]:
        self._need("[")
        made: list[Expression] = []
        while not self._take("]"):
            if made:
                self._need(",")
            made.append(self._expression())
        if self._at < len(self._tokens):
            raise self._wrong("nothing may follow the array")
        if not made:
            raise BadTranslation("the array is empty", 0)
        return made

    def _expression(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong("nested too deeply")
        made = self._postfix()
        while self._take("+"):
            made = _sum(made, self._postfix())
        self._depth -= 1
        return made

    def _postfix(self) -> Expression:
        made = self._primary()
        while self._take("."):
            name = self._next("word", "a method")
            if name.text != "replace":
                raise BadTranslation(f"there is no method {name.text}", name.place)
            self._need("(")
            made = self._replacing(made)
        return made

    def _primary(self) -> Expression:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token is None:
            raise self._wrong("expected an expression")
        self._at += 1
        if token.kind == "number":
            number = float(token.text) if "." in token.text else int(token.text)
            return lambda cells: number
        if token.kind == "text":
            text = _unescaped(token.text)
            return lambda cells: text
        if token.kind == "word":
            return self._named(token)
        if token.text == "(":
            made = self._expression()
            self._need(")")
            return made
        if token.text == "{":
            return self._location()
        raise BadTranslation(f"unexpected {token.text!r}", token.place)

    def _named(self, token: _Token) -> Expression:
        column = re.fullmatch(r"col(\d+)", token.text)
        if column:
            return self._column(int(column[1]), token.place)
        if token.text == "JSON":
            self._need(".")
            if self._next("word", "stringify").text != "stringify":
                raise BadTranslation("JSON has stringify and nothing else", token.place)
            self._need("(")
            inner = self._expression()
            self._need(")")
            return lambda cells: json.dumps(inner(cells))
        if token.text == "replace":
            self._need("(")
            value = self._expression()
            self._need(",")
            return self._replacing(value)
        if token.text not in _FUNCTIONS:
            raise BadTranslation(f"there is no function {token.text}", token.place)
        change = _FUNCTIONS[token.text]
        self._need("(")
        value = self._expression()
        self._need(")")
        return lambda cells: change(text_of(value(cells)))

    def _column(self, number: int, place: int) -> Expression:
        if number == 0 or (self._width is not None and number > self._width):
            raise BadTranslation(f"the file has no col{number}", place)
        return lambda cells: cells[number - 1]

    def _replacing(self, value: Expression) -> Expression:
        """Read the rest of a replace, from its pattern on."""
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token is None or token.kind not in {"pattern", "text"}:
            raise self._wrong("expected what to replace")
        self._at += 1
        pattern, count = _pattern_of(token)
        self._need(",")
        by = self._expression()
        self._need(")")
        return lambda cells: pattern.sub(_replacement(text_of(by(cells))), text_of(value(cells)), count=count)

    def _location(self) -> Expression:
        parts: dict[str, Expression] = {}
        while not self._take("}"):
            if parts:
                self._need(",")
            token = self._tokens[self._at] if self._at < len(self._tokens) else None
            if token is None or token.kind not in {"word", "text"}:
                raise self._wrong("expected a name")
            self._at += 1
            self._need(":")
            parts[_unescaped(token.text) if token.kind == "text" else token.text] = self._expression()
        return lambda cells: {name: part(cells) for name, part in parts.items()}

    def _next(self, kind: str, what: str) -> _Token:
        if self._at >= len(self._tokens) or self._tokens[self._at].kind != kind:
            raise self._wrong(f"expected {what}")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, sign: str) -> bool:
        if self._at >= len(self._tokens):
            return False
        token = self._tokens[self._at]
        taken = token.kind == "sign" and token.text == sign
        self._at += taken
        return taken

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise self._wrong(f"expected {sign}")

    def _wrong(self, problem: str) -> BadTranslation:
        place = self._tokens[self._at].place if self._at < len(self._tokens) else self._end
        return BadTranslation(problem, place)


def text_of(value: Any) -> str:
    """Return a value as the scripting language writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _sum(left: Expression, right: Expression) -> Expression:
    def added(cells: Cells) -> Any:
        first, second = left(cells), right(cells)
        if isinstance(first, int | float) and isinstance(second, int | float):
            return first + second
        return text_of(first) + text_of(second)

    return added


def _title(text: str) -> str:
    return re.sub(r"\S+", lambda word: word[0][:1].upper() + word[0][1:].lower(), text)


_FUNCTIONS: dict[str, Callable[[str], str]] = {"title": _title, "upper": str.upper, "lower": str.lower}


def _unescaped(literal: str) -> str:
    def sign(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPED.get(code, code)

    return _ESCAPE.sub(sign, literal[1:-1])


def _pattern_of(token: _Token) -> tuple[re.Pattern[str], int]:
    """Return a regular expression, and how often it is replaced: 0 is every time."""
    if token.kind == "text":
        return re.compile(re.escape(_unescaped(token.text))), 1
    body, _, flags = token.text[1:].rpartition("/")
    if set(flags) - set("gim"):
        raise BadTranslation(f"the flags {flags} are not offered", token.place)
    options = (re.IGNORECASE if "i" in flags else 0) | (re.MULTILINE if "m" in flags else 0)
    try:
        made = re.compile(
            body.replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!"), options
        )
    except re.error as error:
        raise BadTranslation(f"the pattern does not compile ({error})", token.place) from None
    return made, 0 if "g" in flags else 1


def _replacement(text: str) -> Callable[[re.Match[str]], str]:
    def made(match: re.Match[str]) -> str:
        def part(reference: re.Match[str]) -> str:
            if reference[1] in {"$", "&"}:
                return "$" if reference[1] == "$" else match[0]
            number = int(reference[1])
            return reference[0] if number > len(match.groups()) else match[number] or ""

        return re.sub(r"\$(\$|&|[1-9])", part, text)

    return made
