"""Functions that the embedded database lacks."""

from __future__ import annotations

import json
import math
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3


class _Sum:
    """An exact sum: the portal adds decimals, not binary fractions."""

    def __init__(self) -> None:
        self.total = Decimal(0)
        self.count = 0

    def step(self, value: Any, /) -> None:
        if value is not None:
            self.total += Decimal(str(value))
            self.count += 1

    def finalize(self) -> str | None:
        return f"{self.total:f}" if self.count else None


class _Average(_Sum):
    def finalize(self) -> str | None:
        return f"{self.total / self.count:f}" if self.count else None


def _point(text: str | None) -> tuple[float, float] | None:
    """Return longitude and latitude of a stored point or location."""
    if text is None:
        return None
    value = json.loads(text)
    if "coordinates" in value:
        return value["coordinates"][0], value["coordinates"][1]
    if "latitude" in value and "longitude" in value:
        return float(value["longitude"]), float(value["latitude"])
    return None


def _within_box(text: str | None, north: float, west: float, south: float, east: float) -> int | None:
    point = _point(text)
    if point is None:
        return None
    return int(west <= point[0] <= east and south <= point[1] <= north)


def _metres(text: str | None, latitude: float, longitude: float) -> float | None:
    point = _point(text)
    if point is None:
        return None
    here, there = math.radians(point[1]), math.radians(latitude)
    half = math.sin((there - here) / 2) ** 2
    half += math.cos(here) * math.cos(there) * math.sin(math.radians(longitude - point[0]) / 2) ** 2
    return 2 * 6371008.8 * math.asin(math.sqrt(half))


def _day_of_week(stamp: str | None) -> int | None:
    # Sunday is 0, as in SoQL.
    return None if stamp is None else date.fromisoformat(stamp[:10]).isoweekday() % 7


def _week_of_year(stamp: str | None) -> int | None:
    return None if stamp is None else date.fromisoformat(stamp[:10]).isocalendar()[1]


def _modulo(left: float | None, right: float | None) -> float | None:
    return None if left is None or not right else math.fmod(left, right)


def _text_function(convert: Any) -> Any:
    return lambda value: None if value is None else convert(str(value))


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the functions and the case rules of SoQL."""
    connection.execute("PRAGMA case_sensitive_like=ON")
    # The stubs want aggregates to return whole numbers; the database takes any value.
    aggregates: dict[str, Any] = {"soql_sum": _Sum, "soql_avg": _Average}
    for name, aggregate in aggregates.items():
        connection.create_aggregate(name, 1, aggregate)
    for name, count, function in (
        ("soql_upper", 1, _text_function(str.upper)),
        ("soql_lower", 1, _text_function(str.lower)),
        ("soql_within_box", 5, _within_box),
        ("soql_metres", 3, _metres),
        ("soql_dow", 1, _day_of_week),
        ("soql_woy", 1, _week_of_year),
        ("soql_mod", 2, _modulo),
        ("soql_floor", 1, lambda value: None if value is None else math.floor(value)),
        ("soql_ceil", 1, lambda value: None if value is None else math.ceil(value)),
    ):
        connection.create_function(name, count, function, deterministic=True)
