"""Which type of column a value goes into, as far as one value can tell."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from numbers import Number
from typing import Any

from airflow_socrata.records.json_rows import NumberText

__all__ = ["TypeGuess", "is_code", "type_of_cell", "type_of_value"]

#: A leading zero says that the digits are a name, such as a postal code, and not a quantity.
_NUMBER = re.compile(r"-?(?:(?:0|[1-9]\d*)(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_CODE = re.compile(r"-?0\d+(?:\.\d*)?", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ]([012]\d:[0-5]\d(?::[0-5]\d)?)(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_AMERICAN = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?: \d{1,2}:[0-5]\d(?::[0-5]\d)?(?: ?[AaPp][Mm])?)?", re.ASCII
)
_GEOMETRIES = {
    "Point": "point",
    "MultiPoint": "multipoint",
    "LineString": "line",
    "MultiLineString": "multiline",
    "Polygon": "polygon",
    "MultiPolygon": "multipolygon",
}
_WKT = {name.upper(): kind for name, kind in _GEOMETRIES.items()}
_SHAPE = re.compile(r"\s*([A-Za-z]+)\s*\([-+\d.,()eE\s]+\)\s*", re.ASCII)
#: As portals write places in CSV: latitude first.
_PLACE = re.compile(r"\(\s*(-?\d{1,3}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)\s*\)", re.ASCII)
_LOCATION = frozenset({"latitude", "longitude", "human_address", "needs_recoding"})


@lru_cache(maxsize=20_000)
def type_of_cell(cell: str) -> str:
    """Return the type of a cell of text, which is not empty; ``text`` where nothing else is certain."""
    first = cell[:1]
    if first in "-.0123456789":
        if _NUMBER.fullmatch(cell):
            return "number"
        return _moment(cell)
    if cell in {"true", "false"}:
        return "checkbox"
    if first == "(":
        place = _PLACE.fullmatch(cell)
        found = place is not None and abs(float(place[1])) <= 90 and abs(float(place[2])) <= 180
        return "location" if found else "text"
    shape = _SHAPE.fullmatch(cell)
    return _WKT.get(shape[1].upper(), "text") if shape else "text"


def is_code(cell: str) -> bool:
    """Whether a cell holds digits with a leading zero, which a number would lose."""
    return _CODE.fullmatch(cell) is not None


def _moment(cell: str) -> str:
    match = _ISO.fullmatch(cell)
    if match is not None:
        day, clock, zone = match.groups()
        if zone is not None and clock is None:
            return "text"
        found = _is_moment(f"{day}T{clock or '00:00'}")
        return ("date" if zone else "calendar_date") if found else "text"
    match = _AMERICAN.fullmatch(cell)
    if match is not None:
        month, day, year = match.groups()
        return "calendar_date" if _is_moment(f"{year}-{int(month):02}-{int(day):02}") else "text"
    return "text"


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def type_of_value(value: Any) -> str:
    """Return the type of a JSON value or of a Python object, which is not None.

    Digits in a JSON string are text: whoever wrote them could have written a number.
    """
    if isinstance(value, bool):
        return "checkbox"
    if isinstance(value, NumberText):
        return "number"
    if isinstance(value, str):
        kind = type_of_cell(value)
        return "text" if kind in {"number", "checkbox"} else kind
    if isinstance(value, Number):
        return "number" if _is_finite(value) else "text"
    if isinstance(value, datetime):
        return "calendar_date" if value.tzinfo is None else "date"
    if isinstance(value, date):
        return "calendar_date"
    if isinstance(value, Mapping):
        return _type_of_object(value)
    return "json" if isinstance(value, list | tuple) else "text"


def _is_finite(value: Number) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite()
    return not isinstance(value, complex) and math.isfinite(value)  # type: ignore[arg-type]


def _type_of_object(value: Mapping[str, Any]) -> str:
    keys = set(value)
    if "coordinates" in keys and value.get("type") in _GEOMETRIES:
        return _GEOMETRIES[str(value["type"])]
    if keys and keys <= _LOCATION:
        return "location"
    return "url" if "url" in keys and keys <= {"url", "description"} else "json"


class TypeGuess:
    """The type of a column, from the values seen so far.

    :ivar values: how many there were; blank ones do not count.
    """

    __slots__ = ("_kind", "values")

    def __init__(self) -> None:
        self._kind: str | None = None
        self.values = 0

    def see(self, kind: str) -> None:
        """Take the type of one more value."""
        self.values += 1
        if self._kind is None:
            self._kind = kind
        elif self._kind != kind:
            objects = {"json", "location", "url", *_GEOMETRIES.values()}
            self._kind = "json" if {self._kind, kind} <= objects else "text"

    @property
    def is_settled(self) -> bool:
        """Whether no further value can change it."""
        return self._kind == "text"

    @property
    def kind(self) -> str:
        """The type that all values go into; text where there were none."""
        return self._kind or "text"
