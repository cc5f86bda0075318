"""Which format a file is in, and who reads it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from airflow_socrata.emulator.dsmapi.parsing.delimited import parse_delimited
from airflow_socrata.emulator.dsmapi.parsing.jsons import parse_geojson, parse_json
from airflow_socrata.emulator.dsmapi.parsing.kml import parse_kml, parse_kmz
from airflow_socrata.emulator.dsmapi.parsing.model import ParsedFile, UnparsableFile
from airflow_socrata.emulator.dsmapi.parsing.shapefiles import parse_shapefile
from airflow_socrata.emulator.dsmapi.parsing.sheets import parse_xls, parse_xlsx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_socrata.emulator.dsmapi.parsing.options import ParseOptions

_BY_TYPE = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/zip": "shapefile",
    "application/vnd.google-earth.kml+xml": "kml",
    "application/vnd.google-earth.kmz": "kmz",
    "application/vnd.geo+json": "geojson",
    "application/geo+json": "geojson",
    "application/json": "json",
}
_BY_EXTENSION = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xls": "xls",
    ".xlsx": "xlsx",
    ".zip": "shapefile",
    ".kml": "kml",
    ".kmz": "kmz",
    ".geojson": "geojson",
    ".json": "json",
}


def format_of(filename: str, content_type: str | None) -> str:
    """Return a file's format: by its content type, or by its extension where that says more.

    :raises UnparsableFile: neither names a format.
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    by_name = _BY_EXTENSION.get(PurePosixPath(filename.lower()).suffix)
    found = _BY_TYPE.get(kind)
    # These two types are families: the name tells which member.
    if found == "json" and by_name == "geojson":
        found = by_name
    if found == "shapefile" and by_name in {"kmz", "xlsx"}:
        found = by_name
    if found or by_name:
        return found or str(by_name)
    raise UnparsableFile(f"{filename!r} with content type {content_type!r} is no format that can be parsed")


def parse_file(path: Path, filename: str, content_type: str | None, options: ParseOptions) -> ParsedFile:
    """Parse a file.

    :param filename: as the publisher named it; its extension guides.
    :raises UnparsableFile: the bytes are not what the type says, or there are none.
    """
    chosen = format_of(filename, content_type)
    if path.stat().st_size == 0:
        raise UnparsableFile("The file is empty")
    return _PARSERS[chosen](path, options)


def _parse_csv(path: Path, options: ParseOptions) -> ParsedFile:
    return parse_delimited(path, options, options.column_separator)


def _parse_tsv(path: Path, options: ParseOptions) -> ParsedFile:
    # A comma is the default of the option, not somebody's choice.
    separator = options.column_separator
    return parse_delimited(path, options, "\t" if separator == "," else separator)


_PARSERS: dict[str, Callable[[Path, ParseOptions], ParsedFile]] = {
    "csv": _parse_csv,
    "tsv": _parse_tsv,
    "xls": parse_xls,
    "xlsx": parse_xlsx,
    "geojson": parse_geojson,
    "json": parse_json,
    "kml": parse_kml,
    "kmz": parse_kmz,
    "shapefile": parse_shapefile,
}
