"""Cells: which type they fit, and what they are in it."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# What a number or a time begins with.
_BEGINNINGS = frozenset("0123456789+-.")
_INT = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
_DOUBLE = re.compile(r"[+-]?(?:0|[1-9]\d*)?(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
_POINT = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*[,;]\s*(-?\d+(?:\.\d+)?)\s*")


def guessed(cells: Sequence[Any]) -> str:
    """Return the narrowest type that all cells fit; text where there are none."""
    found: set[str] = set()
    for cell in cells:
        if cell is not None and cell != "":
            found.add(_kind(cell))
            # One text makes the whole column text.
            if "text" in found:
                return "text"
    if not found:
        return "text"
    if len(found) == 1:
        return found.pop()
    if found == {"int", "double"}:
        return "double"
    if found == {"date", "datetime"}:
        return "datetime"
    return "text"


def _kind(cell: Any) -> str:
    if isinstance(cell, bool):
        return "text"
    if isinstance(cell, int):
        return "int"
    if isinstance(cell, float):
        return "double"
    if isinstance(cell, dict):
        return "geo_point_2d" if {"lon", "lat"} <= set(cell) else "geo_shape" if "type" in cell else "text"
    if isinstance(cell, str):
        text = cell.strip()
        if text[:1] not in _BEGINNINGS:
            return "text"
        if _INT.fullmatch(text):
            return "int"
        if text and text[-1].isdigit() and _DOUBLE.fullmatch(text):
            return "double"
        if _DATE.fullmatch(text) and _moment(text) is not None:
            return "date"
        if _MOMENT.fullmatch(text) and _moment(text) is not None:
            return "datetime"
    return "text"


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def convert(cell: Any, kind: str) -> Any:
    """Return a cell as a value of a type.

    :raises ValueError: it is none.
    """
    if cell is None or cell == "":
        return None
    return _CONVERT[kind](cell)


def _text(cell: Any) -> Any:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell if isinstance(cell, str | list | dict) else str(cell)


def _int(cell: Any) -> int:
    if isinstance(cell, float) and not cell.is_integer():
        raise ValueError(cell)
    return int(cell)


def _double(cell: Any) -> float:
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(cell)
    return value


def _date(cell: Any) -> str:
    return date.fromisoformat(str(cell).strip()[:10]).isoformat()


def _datetime(cell: Any) -> str:
    found = _moment(str(cell))
    if found is None:
        raise ValueError(cell)
    return found.isoformat()


def _point(cell: Any) -> dict[str, float]:
    if isinstance(cell, dict) and {"lon", "lat"} <= set(cell):
        return {"lon": float(cell["lon"]), "lat": float(cell["lat"])}
    if isinstance(cell, list) and len(cell) == 2:
        return {"lon": float(cell[1]), "lat": float(cell[0])}
    match = _POINT.fullmatch(str(cell))
    if match is None:
        raise ValueError(cell)
    return {"lon": float(match[2]), "lat": float(match[1])}


def _shape(cell: Any) -> dict[str, Any]:
    if isinstance(cell, dict) and "type" in cell:
        if cell["type"] == "Feature":
            return cell
        return {"type": "Feature", "geometry": cell, "properties": {}}
    raise ValueError(cell)


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "int": _int,
    "double": _double,
    "date": _date,
    "datetime": _datetime,
    "geo_point_2d": _point,
    "geo_shape": _shape,
    "file": lambda cell: cell,
}
