"""KML, and KMZ as an archive of it: a layer for each folder that holds placemarks."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException, ElementTree

from airflow_socrata.emulator.dsmapi.parsing.archives import unpacked
from airflow_socrata.emulator.dsmapi.parsing.memory import feature_layer
from airflow_socrata.emulator.dsmapi.parsing.model import Layer, ParsedFile, UnparsableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from airflow_socrata.emulator.dsmapi.parsing.options import ParseOptions

_GEOMETRIES = frozenset({"Point", "LineString", "LinearRing", "Polygon", "MultiGeometry"})
_MULTIPLE = {"Point": "MultiPoint", "LineString": "MultiLineString", "Polygon": "MultiPolygon"}


def parse_kml(path: Path, options: ParseOptions) -> ParsedFile:
    """Return the layers of a KML file.

    :raises UnparsableFile: no KML, or no placemarks.
    """
    with path.open("rb") as opened:
        return ParsedFile("kml", _some(list(_layers(opened, options))))


def parse_kmz(path: Path, options: ParseOptions) -> ParsedFile:
    """Return the layers of all KML files in an archive.

    :raises UnparsableFile: no archive, no KML in it, or no placemarks.
    """
    files = unpacked(path, [".kml"])
    if not files:
        raise UnparsableFile("The archive has no KML file")
    layers = [layer for data in files.values() for layer in _layers(io.BytesIO(data), options)]
    return ParsedFile("kmz", _some(layers))


def _some(layers: list[Layer]) -> tuple[Layer, ...]:
    if not layers:
        raise UnparsableFile("The file has no placemarks")
    return tuple(layers)


def _layers(opened: IO[bytes], options: ParseOptions) -> Iterator[Layer]:
    try:
        root = ElementTree.parse(opened).getroot()
    except ParseError as error:
        raise UnparsableFile(f"The file is not XML: {error}") from None
    except DefusedXmlException as error:
        raise UnparsableFile(f"The file holds XML that is not read: {error}") from None
    if root is None or _name(root) != "kml":
        raise UnparsableFile("The file is XML, but no KML")
    for folder in root.iter():
        if _name(folder) in {"kml", "Document", "Folder"}:
            placemarks = [child for child in folder if _name(child) == "Placemark"]
            if placemarks:
                name = _text(folder, "name")
                yield feature_layer(name, (_feature(each) for each in placemarks), options)


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Element, name: str) -> str | None:
    found = next((child for child in element if _name(child) == name), None)
    return found.text if found is not None else None


def _feature(placemark: Element) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    properties: dict[str, Any] = {
        name: _text(placemark, name) for name in ("name", "description") if _text(placemark, name)
    }
    for element in placemark.iter():
        if _name(element) == "Data":
            properties[element.get("name", "")] = _text(element, "value")
        elif _name(element) == "SimpleData":
            properties[element.get("name", "")] = element.text
    geometry = next((child for child in placemark if _name(child) in _GEOMETRIES), None)
    return (None if geometry is None else _geometry(geometry)), properties


def _geometry(element: Element) -> dict[str, Any]:
    kind = _name(element)
    if kind == "MultiGeometry":
        parts = [_geometry(child) for child in element if _name(child) in _GEOMETRIES]
        kinds = {part["type"] for part in parts}
        if len(kinds) != 1 or not kinds <= set(_MULTIPLE):
            raise UnparsableFile("A multi-geometry must have parts, all of one kind")
        return {"type": _MULTIPLE[kinds.pop()], "coordinates": [part["coordinates"] for part in parts]}
    if kind == "Point":
        return {"type": "Point", "coordinates": next(iter(_coordinates(element)), [])}
    if kind != "Polygon":
        return {"type": "LineString", "coordinates": _coordinates(element)}
    rings = {"outerBoundaryIs": [], "innerBoundaryIs": []}  # type: dict[str, list[list[list[float]]]]
    for child in element:
        if _name(child) in rings:
            rings[_name(child)] += [_coordinates(ring) for ring in child if _name(ring) == "LinearRing"]
    return {"type": "Polygon", "coordinates": rings["outerBoundaryIs"] + rings["innerBoundaryIs"]}


def _coordinates(element: Element) -> list[list[float]]:
    # Heights are left off: the portal's geometries are flat.
    text = _text(element, "coordinates") or ""
    try:
        return [[float(number) for number in triple.split(",")[:2]] for triple in text.split()]
    except ValueError:
        raise UnparsableFile(f"{text.strip()[:60]!r} are no coordinates") from None
