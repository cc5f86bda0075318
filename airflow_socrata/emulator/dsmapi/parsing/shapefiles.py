"""Shape files in a zip archive: a layer for each."""

from __future__ import annotations

import io
import json
import re
import struct
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import shapefile  # type: ignore[import-untyped]

from airflow_socrata.emulator.dsmapi.parsing.archives import unpacked
from airflow_socrata.emulator.dsmapi.parsing.memory import feature_layer
from airflow_socrata.emulator.dsmapi.parsing.model import Layer, ParsedFile, UnparsableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_socrata.emulator.dsmapi.parsing.options import ParseOptions

_NEEDED = (".shp", ".shx", ".dbf", ".prj")
# Longitude and latitude on these differ by less than two metres.
_WGS84 = re.compile(
    r"\s*GEOGCS\[\"[^\"]*(?:WGS[_ ]?(?:19)?84|NAD[_ ]?(?:19)?83|North_American_1983|CRS ?84)", re.I
)
_PROJECTION = re.compile(r"\"([^\"]*)\"")


def parse_shapefile(path: Path, options: ParseOptions) -> ParsedFile:
    """Return the layers of an archive of shape files.

    :raises UnparsableFile: no archive, a part is missing, or coordinates in another system than WGS84.
    """
    files = {
        name.lower(): (name, data)
        for name, data in unpacked(path, [*_NEEDED, ".cpg"]).items()
        if not name.startswith("__MACOSX")
    }
    stems = [name[:-4] for name in files if name.endswith(".shp")]
    if not stems:
        raise UnparsableFile("The archive has no shape file")
    return ParsedFile("shapefile", tuple(_layer(files, stem, options) for stem in stems))


def _layer(files: dict[str, tuple[str, bytes]], stem: str, options: ParseOptions) -> Layer:
    missing = [ending for ending in _NEEDED if stem + ending not in files]
    name = PurePosixPath(files[stem + ".shp"][0]).stem
    if missing:
        raise UnparsableFile(f"The shape file {name} lacks its {' and '.join(missing)}")
    parts = {ending: files[stem + ending][1] for ending in _NEEDED}
    projection = parts[".prj"].decode("latin-1")
    if not _WGS84.match(projection):
        found = _PROJECTION.search(projection)
        shown = found[1] if found else projection[:60]
        raise UnparsableFile(f"The emulator reads shape files in WGS84 only; {name} is in {shown!r}")
    try:
        features = list(_features(parts))
    except (shapefile.ShapefileException, struct.error, ValueError, LookupError, TypeError) as error:
        raise UnparsableFile(f"The shape file {name} is damaged: {error}") from None
    stated = _codec(files.get(stem + ".cpg", ("", b""))[1].decode("latin-1"))
    texts = _decoded([properties for _, properties in features], options.encoding or stated, name)
    shaped = zip((geometry for geometry, _ in features), texts, strict=True)
    return feature_layer(name, shaped, options, geometry_name="the_geom", multiple=True)


def _decoded(rows: list[dict[str, Any]], stated: str | None, name: str) -> list[dict[str, Any]]:
    """Return rows whose texts were read as Latin-1 with the texts that were meant."""
    for encoding in (stated,) if stated else ("utf-8", "windows-1252", "iso-8859-1"):
        try:
            return [
                {
                    _meant(key, encoding): _meant(value, encoding) if isinstance(value, str) else value
                    for key, value in row.items()
                }
                for row in rows
            ]
        except (UnicodeDecodeError, LookupError):
            continue
    raise UnparsableFile(f"The texts of the shape file {name} are not {stated}")


def _meant(text: str, encoding: str) -> str:
    return text.encode("latin-1").decode(encoding)


def _codec(stated: str) -> str | None:
    """Return the codec that a .cpg file names: ``UTF-8``, ``1252`` or ``ANSI 1252``."""
    name = stated.strip().removeprefix("ANSI ").strip()
    return f"windows-{name}" if name.isdigit() and name.startswith("12") else name or None


def _features(parts: dict[str, bytes]) -> Iterator[tuple[dict[str, Any] | None, dict[str, Any]]]:
    streams = {ending[1:]: io.BytesIO(parts[ending]) for ending in (".shp", ".shx", ".dbf")}
    # Latin-1 gives every byte a character, so that the encoding can be chosen afterwards.
    with shapefile.Reader(**streams, encoding="latin-1") as reader:
        for each in reader.iterShapeRecords():
            yield _geometry(each.shape), each.record.as_dict(date_strings=False)


def _geometry(shape: Any) -> dict[str, Any] | None:
    if shape.shapeType == shapefile.NULL:
        return None
    # The round trip makes lists of the tuples, as in every other GeoJSON object.
    flat: dict[str, Any] = json.loads(json.dumps(shape.__geo_interface__))
    return {"type": flat["type"], "coordinates": _without_heights(flat["coordinates"])}


def _without_heights(coordinates: Any) -> Any:
    if coordinates and not isinstance(coordinates[0], list):
        return coordinates[:2]
    return [_without_heights(each) for each in coordinates]
