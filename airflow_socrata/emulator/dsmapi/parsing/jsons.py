"""GeoJSON, and JSON as an array of objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_socrata.emulator.dsmapi.parsing.memory import feature_layer
from airflow_socrata.emulator.dsmapi.parsing.model import ParsedFile, UnparsableFile

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_socrata.emulator.dsmapi.parsing.options import ParseOptions

_WGS84 = ("CRS84", ":4326")


def parse_geojson(path: Path, options: ParseOptions) -> ParsedFile:
    """Return the one layer of a GeoJSON file.

    :raises UnparsableFile: no GeoJSON features, or geometries of several kinds.
    """
    return _features(_read(path), options)


def parse_json(path: Path, options: ParseOptions) -> ParsedFile:
    """Return the one layer of a JSON file: an array of objects, or GeoJSON.

    :raises UnparsableFile: it is neither.
    """
    value = _read(path)
    if isinstance(value, dict) and value.get("type") in {"FeatureCollection", "Feature"}:
        return _features(value, options)
    if not isinstance(value, list):
        raise UnparsableFile("The file is JSON, but no array of objects")
    for number, each in enumerate(value):
        if not isinstance(each, dict):
            raise UnparsableFile(f"Element {number} of the array is no object")
    layer = feature_layer(None, ((None, each) for each in value), options)
    return ParsedFile("json", (layer,))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise UnparsableFile(f"The file is not JSON: {error}") from None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _features(value: Any, options: ParseOptions) -> ParsedFile:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "Feature":
        value = {"features": [value]}
    elif kind != "FeatureCollection":
        raise UnparsableFile("The file is JSON, but no GeoJSON collection of features")
    system = json.dumps(value.get("crs") or "CRS84")
    if not any(name in system for name in _WGS84):
        raise UnparsableFile(f"The emulator reads geometries in WGS84 only, not in {system}")
    features = value.get("features")
    if not isinstance(features, list):
        raise UnparsableFile("The collection has no array of features")
    found = []
    for number, feature in enumerate(features):
        properties = feature.get("properties") or {} if isinstance(feature, dict) else None
        if not isinstance(properties, dict) or not isinstance(feature.get("geometry"), dict | None):
            raise UnparsableFile(f"Feature {number} is no GeoJSON feature")
        found.append((feature.get("geometry"), properties))
    return ParsedFile("geojson", (feature_layer(None, found, options),))
