"""From what the store keeps to what readers get."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.types import shapes
from airflow_socrata.emulator.types.names import GEOMETRIES, OBJECTS

if TYPE_CHECKING:
    from collections.abc import Callable


def json_writer(kind: str) -> Callable[[Any], Any] | None:
    """Return what turns a stored value into its JSON form, or None when the stored value is that already."""
    if kind == "checkbox":
        return bool
    if kind == "double":
        return _double
    if kind == "json":
        return lambda value: {"json": json.loads(value)}
    if kind in GEOMETRIES or kind in OBJECTS:
        return json.loads
    return None


def csv_writer(kind: str) -> Callable[[Any], str]:
    """Return what turns a stored value into a CSV cell (without quotes)."""
    if kind == "checkbox":
        return lambda value: "true" if value else "false"
    if kind in GEOMETRIES:
        return lambda value: shapes.wkt(json.loads(value))
    if kind == "location":
        return _location
    if kind == "url":
        return _link
    return str


def _double(value: Any) -> Any:
    return value if isinstance(value, str) or math.isfinite(value) else str(value)


def _location(value: str) -> str:
    parts = json.loads(value)
    text = (
        f"({parts['latitude']}, {parts['longitude']})" if "latitude" in parts and "longitude" in parts else ""
    )
    if "human_address" in parts:
        try:
            address = json.loads(parts["human_address"])
        except ValueError:
            address = {}
        lines = [str(address.get(key, "")) for key in ("address", "city", "state", "zip")]
        text = f"{', '.join(line for line in lines if line)} {text}".strip()
    return text


def _link(value: str) -> str:
    parts = json.loads(value)
    url = parts.get("url", "")
    return f"{parts['description']} ({url})" if parts.get("description") else str(url)
