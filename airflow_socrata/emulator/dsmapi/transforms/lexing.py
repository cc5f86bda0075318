"""From the text of an expression to tokens."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from airflow_socrata.emulator.dsmapi.transforms.errors import CompileError

_TOKENS = re.compile(
    r"""
    (?P<blank>\s+)
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<text>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")
  | (?P<quoted>`[^`]*`)
  | (?P<name>[^\W\d]\w*)
  | (?P<sign>\|\||::|==|!=|<>|<=|>=|[-+*/%^=<>(),.\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression; ``text`` is the value of a text, the bare name of a quoted name."""

    kind: str
    text: str
    place: int

    @property
    def shown(self) -> str:
        """How messages call it."""
        return "the end of the expression" if self.kind == "end" else repr(self.text)


def tokenize(expr: str) -> list[Token]:
    """Return the tokens of an expression, with an end token.

    :raises CompileError: a character that starts nothing, or a quote that is not closed.
    """
    tokens, place = [], 0
    while place < len(expr):
        match = _TOKENS.match(expr, place)
        if match is None:
            raise CompileError(f"Unexpected {expr[place]!r}", expr, place)
        kind = str(match.lastgroup)
        if kind != "blank":
            tokens.append(Token(kind, _value(kind, match[0], expr, place), place))
        place = match.end()
    return [*tokens, Token("end", "", len(expr.rstrip()))]


def _value(kind: str, text: str, expr: str, place: int) -> str:
    if kind == "quoted":
        return text[1:-1]
    if kind != "text":
        return text
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        raise CompileError(f"{text} has an escape that is none", expr, place) from None
