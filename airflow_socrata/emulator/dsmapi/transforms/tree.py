"""Expressions as trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Literal:
    """A value spelled out. ``place`` counts characters from 0, as everywhere in a tree."""

    value: str | Decimal | bool | None
    place: int


@dataclass(frozen=True, slots=True)
class Column:
    """An input column by its field name."""

    name: str
    place: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator with its arguments; operators that are words are spelled ``#IS_NULL``."""

    name: str
    arguments: tuple[Node, ...]
    place: int


Node = Literal | Column | Call
