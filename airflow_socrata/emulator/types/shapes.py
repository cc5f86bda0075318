"""Geometries, locations and other values with parts: to the JSON text that the store keeps."""

from __future__ import annotations

import json
import re
from typing import Any

from airflow_socrata.emulator.types.names import GEOMETRIES

_WKT = re.compile(r"^\s*(?:SRID=\d+;)?\s*([A-Z]+)\s*(\(.*\))\s*$", re.IGNORECASE | re.DOTALL)
_WKT_NAMES = {name.upper(): name for name in GEOMETRIES.values()}
_DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PAIR = re.compile(rf"({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER})?")
_LAT_LON = re.compile(rf"^(.*)\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\)\s*$", re.DOTALL)
_LINK = re.compile(r"^(.*?)\s*\(([^()]*)\)\s*$", re.DOTALL)


def compact(value: Any) -> str:
    """Return JSON without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def geometry(kind: str, value: Any) -> str | None:
    """Return the GeoJSON text of a geometry given as GeoJSON object or WKT text; None when it is none."""
    name = GEOMETRIES[kind]
    if isinstance(value, str):
        shape = _from_wkt(name, value)
    elif isinstance(value, dict) and value.get("type") == name:
        shape = value.get("coordinates")
    else:
        return None
    if not _well_formed(shape, _DEPTHS[name]):
        return None
    return compact({"type": name, "coordinates": shape})


def _well_formed(shape: Any, depth: int) -> bool:
    if not isinstance(shape, list):
        return False
    if depth:
        return bool(shape) and all(_well_formed(part, depth - 1) for part in shape)
    return len(shape) in {2, 3} and all(isinstance(n, int | float) and not isinstance(n, bool) for n in shape)


def _from_wkt(name: str, text: str) -> Any:
    match = _WKT.match(text)
    if not match or _WKT_NAMES.get(match[1].upper()) != name:
        return None
    body = match[2]
    if name == "MultiPoint":
        # Both spellings are in use: MULTIPOINT (1 2, 3 4) and MULTIPOINT ((1 2), (3 4)).
        body = "(" + body.replace("(", "").replace(")", "") + ")"
    pairs = _PAIR.sub(lambda pair: f"[{float(pair[1])!r},{float(pair[2])!r}]", body)
    try:
        shape = json.loads(pairs.replace("(", "[").replace(")", "]"))
    except ValueError:
        return None
    return shape[0] if name == "Point" and len(shape) == 1 else shape


def wkt(value: dict[str, Any]) -> str:
    """Return the WKT text of a GeoJSON object, as CSV replies carry it."""
    return f"{value['type'].upper()} ({_wkt_body(value['coordinates'])})"


def _wkt_body(shape: Any) -> str:
    if not isinstance(shape[0], list):
        return " ".join(f"{number:g}" if number == int(number) else repr(number) for number in shape)
    deeper = isinstance(shape[0][0], list)
    return ", ".join(f"({_wkt_body(part)})" if deeper else _wkt_body(part) for part in shape)


def location(value: Any) -> str | None:
    """Return the text of a location; what cannot be read is null, silently, as on the portal."""
    if isinstance(value, str):
        match = _LAT_LON.match(value)
        if not match:
            return None
        parts = {"latitude": match[2], "longitude": match[3]}
        address = match[1].strip().strip(",").strip()
        if address:
            parts["human_address"] = compact({"address": address, "city": "", "state": "", "zip": ""})
        return compact(parts)
    if not isinstance(value, dict):
        return None
    kept: dict[str, str] = {}
    for key in ("latitude", "longitude"):
        part = value.get(key)
        if isinstance(part, int | float | str) and not isinstance(part, bool):
            try:
                float(part)
            except ValueError:
                return None
            kept[key] = str(part)
    address_part = value.get("human_address")
    if address_part is not None:
        kept["human_address"] = address_part if isinstance(address_part, str) else compact(address_part)
    return compact(kept) if kept else None


def link(value: Any) -> str | None:
    """Return the text of a url value given as object or as ``description (url)``."""
    if isinstance(value, str):
        match = _LINK.match(value)
        return compact({"url": match[2], "description": match[1]} if match and match[1] else {"url": value})
    return _chosen(value, ("url", "description"))


def phone(value: Any) -> str | None:
    """Return the text of a phone value."""
    if isinstance(value, str):
        return compact({"phone_number": value})
    return _chosen(value, ("phone_number", "phone_type"))


def document(value: Any) -> str | None:
    """Return the text of a document value."""
    if isinstance(value, str):
        return compact({"file_id": value})
    return _chosen(value, ("file_id", "content_type", "filename"))


def _chosen(value: Any, keys: tuple[str, ...]) -> str | None:
    if not isinstance(value, dict):
        return None
    kept = {key: value[key] for key in keys if isinstance(value.get(key), str)}
    return compact(kept) if kept else None
