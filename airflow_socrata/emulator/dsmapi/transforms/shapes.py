"""Geometries, locations and urls."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.transforms.errors import CellError, unconvertible
from airflow_socrata.emulator.types import shapes
from airflow_socrata.emulator.types.shapes import compact

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

_PLACE = re.compile(
    r"^(?P<address>[^,\n]*?)\s*[,\n]\s*(?P<city>[^,\n]+?)\s*,\s*(?P<state>[A-Za-z]{2})[,\s]*"
    r"(?P<zip>\d{5}(?:-\d{4})?)?\s*(?:\(\s*(?P<latitude>[-+.\d]+)\s*,\s*(?P<longitude>[-+.\d]+)\s*\))?\s*$"
)
_FLAT_POINT = re.compile(
    r"\s*POINT\s*\(\s*([-+]?\d{1,3}(?:\.\d*)?)\s+([-+]?\d{1,3}(?:\.\d*)?)\s*\)\s*", re.IGNORECASE | re.ASCII
)
_POINT = re.compile(r"\(\s*([-+]?\d+(?:\.\d*)?)\s*,\s*([-+]?\d+(?:\.\d*)?)\s*\)\s*$")


def reader(kind: str) -> Callable[[str], dict[str, Any]]:
    """Return what reads a geometry from its well-known text."""

    def read(text: str) -> dict[str, Any]:
        flat = _FLAT_POINT.fullmatch(text) if kind == "point" else None
        if flat is not None:
            # Files have millions of these: they do not go through JSON.
            x, y = float(flat[1]), float(flat[2])
            _check_point(x, y)
            return {"type": "Point", "coordinates": [x, y]}
        try:
            found = shapes.geometry(kind, text)
        except RecursionError:
            found = None
        if found is None:
            raise unconvertible(text, "text", kind)
        made: dict[str, Any] = json.loads(found)
        if kind == "point":
            _check_point(*made["coordinates"][:2])
        return made

    return read


def make_point(latitude: Decimal, longitude: Decimal) -> dict[str, Any]:
    """Return a point.

    :raises CellError: not on the globe.
    """
    y, x = float(latitude), float(longitude)
    _check_point(x, y)
    return {"type": "Point", "coordinates": [x, y]}


def _check_point(x: float, y: float) -> None:
    if not (-90 <= y <= 90 and -180 <= x <= 180):
        raise CellError(f"No point has latitude {y:g} and longitude {x:g}", "invalid_point")


def parse_point(text: str) -> dict[str, Any]:
    """Return the point at the end of an address: ``(latitude, longitude)``.

    :raises CellError: there is none.
    """
    match = _POINT.search(text)
    if match is None:
        raise CellError(f'Unable to parse an address from "{text}"', "address_parse_failed", value=text)
    x, y = float(match[2]), float(match[1])
    _check_point(x, y)
    return {"type": "Point", "coordinates": [x, y]}


def latitude(point: dict[str, Any]) -> float:
    """Return a point's latitude."""
    return float(point["coordinates"][1])


def longitude(point: dict[str, Any]) -> float:
    """Return a point's longitude."""
    return float(point["coordinates"][0])


def make_location(
    address: str | None,
    city: str | None,
    state: str | None,
    postcode: str | None,
    point: dict[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Return a location of an address, with its point when there is one; null when all is null."""
    parts = {"address": address, "city": city, "state": state, "zip": postcode}
    made: dict[str, Any] = {} if point is None else _coordinates(latitude(point), longitude(point))
    if any(value is not None for value in parts.values()):
        made["human_address"] = compact({key: value or "" for key, value in parts.items()})
    return made or None


def location_of_point(point: dict[str, Any]) -> dict[str, Any]:
    """Return a location without an address."""
    return _coordinates(latitude(point), longitude(point))


def _coordinates(y: float, x: float) -> dict[str, str]:
    return {"latitude": repr(y), "longitude": repr(x)}


def to_location(text: str) -> dict[str, Any]:
    """Return the location of a United States address, or of ``(latitude, longitude)``.

    :raises CellError: it is neither.
    """
    match = _PLACE.match(text)
    if match is None:
        found = shapes.location(text)
        if found is None:
            raise unconvertible(text, "text", "location")
        whole: dict[str, Any] = json.loads(found)
        return whole
    made: dict[str, Any] = {}
    if match["latitude"]:
        made = {"latitude": match["latitude"], "longitude": match["longitude"]}
    parts = {name: match[name] or "" for name in ("address", "city", "state", "zip")}
    return made | {"human_address": compact(parts)}


def location_part(name: str) -> Callable[[dict[str, Any]], str | None]:
    """Return what reads one part of a location's address."""

    def read(location: dict[str, Any]) -> str | None:
        try:
            found = json.loads(location.get("human_address", "{}")).get(name)
        except (ValueError, AttributeError):
            return None
        return str(found) if found else None

    return read


def location_point(location: dict[str, Any]) -> dict[str, Any] | None:
    """Return a location's point, null when it has none."""
    if "latitude" not in location or "longitude" not in location:
        return None
    x, y = float(location["longitude"]), float(location["latitude"])
    return {"type": "Point", "coordinates": [x, y]}


def to_url(text: str) -> dict[str, Any]:
    """Return the url of a text: ``description (url)`` or the url alone."""
    made: dict[str, Any] = json.loads(str(shapes.link(text)))
    return made


def make_url(url: str, description: str) -> dict[str, Any]:
    """Return a url with its description."""
    return {"url": url, "description": description}


def is_within(point: dict[str, Any], area: dict[str, Any]) -> bool:
    """Tell whether a point lies in one of the polygons, and in none of its holes."""
    x, y = point["coordinates"][:2]
    return any(
        _in_ring(x, y, rings[0]) and not any(_in_ring(x, y, hole) for hole in rings[1:])
        for rings in area["coordinates"]
    )


def ensure_within(point: dict[str, Any], area: dict[str, Any]) -> dict[str, Any]:
    """Return the point.

    :raises CellError: it does not lie in the polygons.
    """
    if is_within(point, area):
        return point
    raise CellError(f"The point {shapes.wkt(point)} is not within the multipolygon", "not_within")


def _in_ring(x: float, y: float, ring: list[list[float]]) -> bool:
    inside = False
    for (x1, y1, *_), (x2, y2, *_) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
