"""Types of columns, guessed from all of their cells.

Which rows the portal looks at and how it weighs them is not public; here a type is guessed when every cell
that is not empty fits it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from airflow_socrata.emulator.types import times
from airflow_socrata.emulator.types.names import GEOMETRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

BATCH = 2000

_TRUTHS = frozenset({"true", "false"})
_NUMBER_CELLS = re.compile(r"(?:(?>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?)\n)*+", re.ASCII)
_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"
# The common spellings go through in one match; days 29 to 31 and other spellings take the slower way.
_STAMP_CELLS = re.compile(rf"(?:(?>{_DAY}(?:[T ]{_CLOCK})?)\n)*+", re.ASCII)
_SHAPE_CELL = re.compile(r"\s*(?:SRID=\d+;)?\s*([A-Z]+)\s*\(", re.IGNORECASE)
_SHAPES = {shape.upper(): kind for kind, shape in GEOMETRIES.items()}
_floating = lru_cache(maxsize=10_000)(times.floating)
_fixed = lru_cache(maxsize=10_000)(times.fixed)


def _are_truths(cells: Sequence[str]) -> bool:
    return {cell.lower() for cell in cells} <= _TRUTHS


def _all_match(pattern: re.Pattern[str], cells: Sequence[str]) -> bool:
    joined = "\n".join(cells) + "\n"
    # The count keeps a cell with a line break in it from passing as two cells.
    return joined.count("\n") == len(cells) and pattern.fullmatch(joined) is not None


def _are_numbers(cells: Sequence[str]) -> bool:
    return _all_match(_NUMBER_CELLS, cells)


def _are_floating(cells: Sequence[str]) -> bool:
    return _all_match(_STAMP_CELLS, cells) or all(_floating(cell) is not None for cell in cells)


def _are_fixed(cells: Sequence[str]) -> bool:
    return all(_fixed(cell) is not None for cell in cells)


def _shape_of(cell: str) -> str | None:
    match = _SHAPE_CELL.match(cell)
    return _SHAPES.get(match[1].upper()) if match else None


_TESTS: dict[str, Callable[[Sequence[str]], bool]] = {
    "checkbox": _are_truths,
    "number": _are_numbers,
    "calendar_date": _are_floating,
    "date": _are_fixed,
}
for _kind in GEOMETRIES:
    _TESTS[_kind] = lambda cells, kind=_kind: all(_shape_of(cell) == kind for cell in cells)  # type: ignore[misc]


class TypeGuesser:
    """Looks at rows as they are read and tells each column's type at the end."""

    def __init__(self, width: int) -> None:
        self._kinds: list[str | None] = [None] * width

    def look(self, rows: Sequence[Sequence[str | None]]) -> None:
        """Take a batch of rows into account."""
        for index, column in enumerate(zip(*rows, strict=True)):
            kind = self._kinds[index]
            if kind == "text":
                continue
            cells = [cell for cell in column if cell is not None]
            if cells:
                self._kinds[index] = self._fitting(kind, cells)

    def look_at_all(self, rows: Iterable[Sequence[str | None]]) -> int:
        """Take all rows into account; return how many there were."""
        stream = iter(rows)
        total = 0
        while batch := list(islice(stream, BATCH)):
            self.look(batch)
            total += len(batch)
        return total

    @staticmethod
    def _fitting(kind: str | None, cells: Sequence[str]) -> str:
        if kind is None:
            return next((name for name, fits in _TESTS.items() if fits(cells)), "text")
        if _TESTS[kind](cells):
            return kind
        # Only times widen: those without a zone can be read as times with one.
        return "date" if kind == "calendar_date" and _are_fixed(cells) else "text"

    @property
    def kinds(self) -> list[str]:
        """The guessed types; a column without any value is text."""
        return [kind or "text" for kind in self._kinds]
