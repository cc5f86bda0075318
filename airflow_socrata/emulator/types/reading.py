"""From what publishers send to what the store keeps, a column at a time.

Whole columns are checked with one regular expression where that is possible: the emulator has to take tens
of thousands of rows a second, which calls per cell would not allow.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.types import shapes, times
from airflow_socrata.emulator.types.names import GEOMETRIES, NUMBERS, TEXTS, BadValue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Stored = str | int | float | None

_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
# Cells that are kept as they come; days 29 to 31 take the slower way, where the month is looked at.
_NUMBER_CELLS = re.compile(r"(?:(?>-?(?:0|[1-9]\d{0,17})(?:\.\d{1,18})?)?\n)*+", re.ASCII)
_STAMP_CELLS = re.compile(rf"(?:(?>{_DAY}T{_CLOCK}\.\d{{3}})?\n)*+", re.ASCII)
_UTC_CELLS = re.compile(rf"(?:(?>{_DAY}T{_CLOCK}\.\d{{3}}Z)?\n)*+", re.ASCII)
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,18})?", re.ASCII)
_NUMERIC = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_CHECKED = {"": None, "true": 1, "false": 0}
_NOT_FINITE = {"Infinity", "-Infinity", "NaN"}


def from_csv(kind: str, cells: Sequence[str]) -> list[Stored]:
    """Return the stored values of CSV cells; an empty cell is null.

    :raises BadValue: a cell does not fit; carries its index.
    """
    if kind in TEXTS:
        return [cell or None for cell in cells]
    if kind in NUMBERS:
        if _all_match(_NUMBER_CELLS, cells):
            return [cell or None for cell in cells]
        return _each(kind, cells, number, {"": None})
    if kind in {"calendar_date", "date"}:
        pattern = _STAMP_CELLS if kind == "calendar_date" else _UTC_CELLS
        if _all_match(pattern, cells):
            return [cell or None for cell in cells]
        return _each(kind, cells, times.floating if kind == "calendar_date" else times.fixed, {"": None})
    if kind == "checkbox":
        try:
            return [_CHECKED[cell] for cell in cells]
        except KeyError:
            return _each(kind, cells, lambda cell: _CHECKED.get(cell.lower()), {"": None})
    if kind in {"location", "url", "phone", "document"}:
        return [_lenient(kind, cell) if cell else None for cell in cells]
    return _each(kind, cells, _strict(kind), {"": None})


def from_json(kind: str, values: Sequence[Any]) -> list[Stored]:
    """Return the stored values of JSON values.

    :raises BadValue: a value does not fit; carries its index.
    """
    if kind in TEXTS:
        if all(type(value) is str or value is None for value in values):
            return list(values)
        return [_text(index, value) for index, value in enumerate(values)]
    if kind == "json":
        return [None if value is None else _json_object(index, value) for index, value in enumerate(values)]
    if kind in {"location", "url", "phone", "document"}:
        return [None if value is None else _lenient(kind, value) for value in values]
    return _each(kind, values, _strict(kind), {})


def number(value: Any) -> str | None:
    """Return a number's plain text with its scale kept; exponents only where the scale is beyond 20."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        value = repr(value)
    if not isinstance(value, str):
        return None
    if _PLAIN_NUMBER.fullmatch(value):
        return value
    if not _NUMERIC.fullmatch(value):
        return None
    try:
        exact = Decimal(value)
    except InvalidOperation:
        return None
    exponent = exact.as_tuple().exponent
    if isinstance(exponent, int) and abs(exponent) > 20:
        return str(exact)
    return f"{exact:f}"


def identity(kind: str, values: Sequence[Stored]) -> Sequence[Stored]:
    """Return the values as row identifiers compare: numbers by value (1 = 1.0), all else as it is."""
    if kind not in NUMBERS:
        return values
    return [
        value
        if value is None
        or not isinstance(value, str)
        or ("." not in value and "E" not in value and value != "-0")
        else _by_value(value)
        for value in values
    ]


def _by_value(text: str) -> str:
    exact = Decimal(text)
    if exact == 0:
        return "0"
    plain = f"{exact:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _all_match(pattern: re.Pattern[str], cells: Sequence[str]) -> bool:
    joined = "\n".join(cells) + "\n"
    # The count keeps a cell with a line break in it from passing as two cells.
    return joined.count("\n") == len(cells) and pattern.fullmatch(joined) is not None


def _each(
    kind: str, values: Sequence[Any], convert: Callable[[Any], Stored], known: dict[str, Stored]
) -> list[Stored]:
    kept: list[Stored] = []
    for index, value in enumerate(values):
        if value is None:
            kept.append(None)
            continue
        is_text = isinstance(value, str)
        if is_text and value in known:
            kept.append(known[value])
            continue
        stored = convert(value)
        if stored is None:
            raise BadValue(index, kind, value)
        if is_text and len(known) < 10_000:
            known[value] = stored
        kept.append(stored)
    return kept


def _text(index: int, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue(index, "text", value)
    return str(value)


def _strict(kind: str) -> Callable[[Any], Stored]:
    if kind in NUMBERS:
        return number
    if kind in GEOMETRIES:
        return lambda value: shapes.geometry(kind, value)
    return _STRICT[kind]


def _of_text(convert: Callable[[str], Stored]) -> Callable[[Any], Stored]:
    return lambda value: convert(value) if isinstance(value, str) else None


def _double(value: Any) -> Stored:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and value in _NOT_FINITE:
        return value
    if isinstance(value, str) and not _NUMERIC.fullmatch(value):
        return None
    result = float(value)
    return result if math.isfinite(result) else None


def _checkbox(value: Any) -> Stored:
    return int(value) if isinstance(value, bool) else None


def _json_cell(value: str) -> Stored:
    try:
        return shapes.compact(json.loads(value))
    except ValueError:
        return None


def _json_object(index: int, value: Any) -> str:
    if not isinstance(value, dict) or "json" not in value:
        raise BadValue(index, "json", value)
    return shapes.compact(value["json"])


def _lenient(kind: str, value: Any) -> Stored:
    return _LENIENT[kind](value)


_STRICT: dict[str, Callable[[Any], Stored]] = {
    "double": _double,
    "checkbox": _checkbox,
    "calendar_date": _of_text(times.floating),
    "date": _of_text(times.fixed),
    "datestamp": _of_text(times.day),
    "time": _of_text(times.time_of_day),
    "json": _of_text(_json_cell),
}
_LENIENT: dict[str, Callable[[Any], str | None]] = {
    "location": shapes.location,
    "url": shapes.link,
    "phone": shapes.phone,
    "document": shapes.document,
}
