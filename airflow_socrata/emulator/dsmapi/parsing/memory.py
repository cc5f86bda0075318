"""Layers of formats that have to be read whole: their rows are kept."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.parsing.delimited import (
    body_rows,
    guessed_columns,
    header_names,
    heading,
)
from airflow_socrata.emulator.dsmapi.parsing.guessing import TypeGuesser
from airflow_socrata.emulator.dsmapi.parsing.headers import named
from airflow_socrata.emulator.dsmapi.parsing.model import InputColumn, Layer, Row, UnparsableFile
from airflow_socrata.emulator.types import shapes
from airflow_socrata.emulator.types.names import GEOMETRIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_socrata.emulator.dsmapi.parsing.options import ParseOptions

    Geometry = dict[str, Any]
    Feature = tuple[Geometry | None, Mapping[str, Any]]

_KINDS = {shape: kind for kind, shape in GEOMETRIES.items()}
_MULTIPLE = {"Point": "MultiPoint", "LineString": "MultiLineString", "Polygon": "MultiPolygon"}


def cell_text(value: Any) -> str | None:
    """Return a typed value as the text that a CSV file would have for it."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00.000"
    if isinstance(value, time):
        return value.isoformat()
    return shapes.compact(value) if isinstance(value, dict | list) else str(value)


def table_layer(name: str | None, records: Sequence[Sequence[str | None]], options: ParseOptions) -> Layer:
    """Return the layer of a table whose rows are all as wide as its widest.

    :raises UnparsableFile: the table ends before its header does.
    """
    headed = list(heading(records, options))
    names = header_names(headed, options)
    rows = list(body_rows(headed[options.header_count :], len(names), options, None))
    guesser = TypeGuesser(len(names))
    guesser.look_at_all(rows)
    return Layer(name, guessed_columns(names, guesser), lambda: iter(rows), len(rows))


def feature_layer(
    name: str | None,
    features: Iterable[Feature],
    options: ParseOptions,
    *,
    geometry_name: str | None = None,
    multiple: bool = False,
) -> Layer:
    """Return the layer of things with properties and perhaps a geometry.

    :param geometry_name: the geometry's field name; without it the column is called after its type.
    :param multiple: make lines and polygons multilines and multipolygons even where none has parts.
    :raises UnparsableFile: there are none, or their geometries are of several kinds.
    """
    kept = list(features)
    if not kept:
        raise UnparsableFile("The file holds no rows")
    keys = list(dict.fromkeys(key for _, properties in kept for key in properties))
    shape = _common_shape([geometry for geometry, _ in kept if geometry is not None], multiple=multiple)
    cells = [_cells(properties, keys, options) for _, properties in kept]
    guesser = TypeGuesser(len(keys))
    guesser.look_at_all(cells)
    columns = _columns(keys, guesser.kinds, shape and _KINDS[shape], geometry_name)
    rows: list[Row] = list(cells)
    if shape is not None:
        rows = [
            (None if geometry is None else _promoted(geometry, shape), *row)
            for (geometry, _), row in zip(kept, cells, strict=True)
        ]
    if options.remove_empty_rows:
        rows = [row for row in rows if any(row)]
    return Layer(name, columns, lambda: iter(rows), len(rows))


def _cells(
    properties: Mapping[str, Any], keys: Sequence[str], options: ParseOptions
) -> tuple[str | None, ...]:
    texts = [cell_text(properties.get(key)) for key in keys]
    if options.trim_whitespace:
        return tuple([text.strip() or None if text else None for text in texts])
    return tuple(texts)


def _columns(
    keys: Sequence[str], kinds: Sequence[str], geometry: str | None, geometry_name: str | None
) -> tuple[InputColumn, ...]:
    names, types = list(keys), [(kind, "text") for kind in kinds]
    if geometry is not None:
        names, types = [geometry_name or geometry, *names], [(geometry, geometry), *types]
    return tuple(
        InputColumn(field_name, shown, position, guessed, kind)
        for position, ((field_name, shown), (guessed, kind)) in enumerate(
            zip(named(names), types, strict=True), start=1
        )
    )


def _common_shape(geometries: Sequence[Geometry], *, multiple: bool) -> str | None:
    found = {str(geometry.get("type")) for geometry in geometries}
    strange = found - set(_KINDS)
    if strange:
        raise UnparsableFile(f"Geometries of type {', '.join(sorted(strange))} cannot be read")
    for number, geometry in enumerate(geometries, start=1):
        if shapes.geometry(_KINDS[geometry["type"]], geometry) is None:
            raise UnparsableFile(f"Geometry {number} has no proper coordinates")
    if not found:
        return None
    families = {_MULTIPLE.get(shape, shape) for shape in found}
    if len(families) > 1:
        raise UnparsableFile(f"One layer holds geometries of several kinds: {', '.join(sorted(found))}")
    if len(found) > 1 or (multiple and found != {"Point"}):
        return families.pop()
    return found.pop()


def _promoted(geometry: Geometry, shape: str) -> Geometry:
    if geometry["type"] == shape:
        return {"type": shape, "coordinates": geometry["coordinates"]}
    return {"type": shape, "coordinates": [geometry["coordinates"]]}
