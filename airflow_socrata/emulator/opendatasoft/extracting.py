"""Extractors: from the bytes of a resource to rows of cells."""

from __future__ import annotations

import csv
import io
import ipaddress
import json
import urllib.error
import urllib.request
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from airflow_socrata.emulator.dsmapi.parsing import ParseOptions, UnparsableFile, parse_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_socrata.emulator.opendatasoft.model import Dataset
    from airflow_socrata.emulator.opendatasoft.portal import Portal

# extractor -> what the portal calls it
EXTRACTORS = {
    "csvfile": "CSV file",
    "jsonfile": "JSON file",
    "jsonl": "JSON lines file",
    "geojson": "GeoJSON file",
    "xlsfile": "Spreadsheet file",
}
_ALIASES = {
    "json": "jsonfile",
    "jsonlines": "jsonl",
    "jsonlfile": "jsonl",
    "geojsonfile": "geojson",
    "xlsxfile": "xlsfile",
    "csv": "csvfile",
}
_BY_EXTENSION = {
    "csv": "csvfile",
    "tsv": "csvfile",
    "txt": "csvfile",
    "json": "jsonfile",
    "jsonl": "jsonl",
    "geojson": "geojson",
    "xls": "xlsfile",
    "xlsx": "xlsfile",
}
REALTIME = "realtime"


class SourceError(Exception):
    """A source that cannot be read; the text becomes the status's message.

    :param raw: the same with names in braces, which ``params`` fill.
    """

    def __init__(self, raw: str, **params: Any) -> None:
        self.raw, self.params = raw, params
        super().__init__(raw.format(**params))


def guess(name: str) -> str | None:
    """Return the extractor for a file's name."""
    return _BY_EXTENSION.get(name.lower().partition("?")[0].rpartition(".")[2])


def is_realtime(resource: dict[str, Any]) -> bool:
    """Whether records are pushed into a resource."""
    return str(resource.get("type", "")).startswith(REALTIME)


def address_of(resource: dict[str, Any]) -> str | None:
    """Return the address of a resource with an HTTP source."""
    datasource = resource.get("datasource") or resource
    connection = datasource.get("connection") or {}
    origin, relative = connection.get("url"), datasource.get("relative_url") or ""
    if not origin:
        return None
    return str(origin).rstrip("/") + "/" + str(relative).lstrip("/") if relative else str(origin)


def rows_of(
    portal: Portal, dataset: Dataset, resource: dict[str, Any]
) -> tuple[list[str], Iterator[dict[str, Any]]]:
    """Return the names of a resource's columns, and its rows.

    :raises SourceError: it cannot be read.
    """
    path, name = _fetched(portal, dataset, resource)
    kind = str(resource.get("extractor_type") or resource.get("type") or "")
    kind = _ALIASES.get(kind, kind)
    if kind not in EXTRACTORS:
        kind = guess(name) or kind
    params = resource.get("params") or {}
    with _reading(name):
        if kind == "csvfile":
            names, rows = _csv(path, params)
            return names, _guarded(name, rows)
        if kind == "jsonfile":
            return _objects(_json_rows(path, params))
        if kind == "jsonl":
            return _objects([json.loads(line) for line in _text(path, params) if line.strip()])
        if kind == "geojson":
            return _objects(_features(path))
        if kind == "xlsfile":
            return _sheet(path, name, params)
    raise SourceError("No extractor for resource type {type}", type=kind)


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Turn whatever a file does wrong into the source's error."""
    try:
        yield
    except (ValueError, LookupError, csv.Error, UnparsableFile, RecursionError) as error:
        words = " ".join(str(error).split())
        raise SourceError("File {filename} could not be read: {error}", filename=name, error=words) from None


def _guarded(name: str, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    with _reading(name):
        yield from rows


def _fetched(portal: Portal, dataset: Dataset, resource: dict[str, Any]) -> tuple[Path, str]:
    datasource = resource.get("datasource") or {}
    if datasource.get("type") == "uploaded_file":
        uid = str((datasource.get("file") or {}).get("uid"))
        found = portal.file(dataset, uid)
        if found is None:
            raise SourceError("File {file} was not found", file=uid)
        return found.path, found.filename
    if (datasource.get("connection") or {}).get("uid"):
        known = portal.connections.get(datasource["connection"]["uid"])
        if known is None:
            raise SourceError("The connection {uid} was not found", uid=datasource["connection"]["uid"])
        datasource = datasource | {"connection": known}
        resource = resource | {"datasource": datasource}
    url = address_of(resource)
    if url is None:
        raise SourceError("The resource {title} has no source", title=resource.get("title"))
    headers = {str(one.get("name")): str(one.get("value")) for one in datasource.get("headers") or ()}
    return _download(portal, url, headers), urlsplit(url).path.rpartition("/")[2] or "file"


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not _is_local(urljoin(req.full_url, newurl)):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"}:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _download(portal: Portal, url: str, headers: dict[str, str]) -> Path:
    if not _is_local(url):
        # The emulator leaves this machine never.
        raise SourceError("The source {url} could not be reached", url=url)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _StayHere())
    path = portal.new_path()
    try:
        with (
            opener.open(urllib.request.Request(url, headers=headers), timeout=30) as reply,  # noqa: S310
            path.open("wb") as file,
        ):
            while block := reply.read(1 << 20):
                file.write(block)
    except urllib.error.HTTPError as error:
        error.close()
        raise SourceError("The source {url} answered HTTP {status}", url=url, status=error.code) from None
    except (urllib.error.URLError, OSError) as error:
        raise SourceError(
            "The source {url} could not be reached: {error}", url=url, error=str(error)
        ) from None
    return path


def _text(path: Path, params: dict[str, Any]) -> io.TextIOWrapper:
    encoding = str(params.get("encoding") or "utf-8")
    if encoding.lower() in {"utf-8", "utf8"}:
        encoding = "utf-8-sig"
    return io.TextIOWrapper(path.open("rb"), encoding=encoding, newline="")


def _csv(path: Path, params: dict[str, Any]) -> tuple[list[str], Iterator[dict[str, Any]]]:
    separator = str(params.get("separator") or ";").replace("\\t", "\t")
    if len(separator) != 1:
        raise ValueError(f"the separator must be one character, not {separator!r}")
    escape = params.get("escapechar") or None
    csv.field_size_limit(max(csv.field_size_limit(), 64 << 20))

    def records() -> Iterator[list[str]]:
        with _text(path, params) as opened:
            yield from csv.reader(
                opened,
                delimiter=separator,
                doublequote=params.get("doublequote", True) is not False,
                escapechar=str(escape) if escape else None,
            )

    skipped = max(int(params.get("first_row_no") or 1) - 1, 0)
    headed = params.get("headers_first_row", True) is not False
    stream = (record for record in islice(records(), skipped, None) if record)
    first = next(stream, None)
    if first is None:
        raise ValueError("the file is empty")
    names = [cell.strip() or f"column_{number}" for number, cell in enumerate(first, 1)]
    if not headed:
        names = [f"column_{number}" for number in range(1, len(first) + 1)]

    def rows() -> Iterator[dict[str, Any]]:
        if not headed:
            yield dict(zip(names, first, strict=False))
        for number, record in enumerate(stream, 2):
            if len(record) > len(names):
                raise SourceError(
                    "Row {row} has {found} cells, the header has {expected}",
                    row=number,
                    found=len(record),
                    expected=len(names),
                )
            yield dict(zip(names, record, strict=False))

    return names, rows()


def _json_rows(path: Path, params: dict[str, Any]) -> list[Any]:
    with _text(path, params) as opened:
        value = json.load(opened)
    root = params.get("json_root") or params.get("root")
    for step in str(root).split(".") if root else ():
        value = value[step]
    if isinstance(value, dict) and value.get("type") == "FeatureCollection":
        return _features(path)
    if isinstance(value, dict):
        value = next((one for one in value.values() if isinstance(one, list)), [value])
    if not isinstance(value, list):
        raise ValueError("the file holds no array of objects")
    return value


def _features(path: Path) -> list[dict[str, Any]]:
    value = json.loads(path.read_bytes())
    if not isinstance(value, dict) or not isinstance(value.get("features"), list):
        raise ValueError("the file holds no GeoJSON features")
    rows = []
    for feature in value["features"]:
        geometry = feature.get("geometry")
        row: dict[str, Any] = {"geo_shape": {"type": "Feature", "geometry": geometry, "properties": {}}}
        if geometry and geometry.get("type") == "Point":
            lon, lat = geometry["coordinates"][:2]
            row["geo_point_2d"] = {"lon": lon, "lat": lat}
        if geometry is None:
            row = {"geo_shape": None}
        rows.append(row | dict(feature.get("properties") or {}))
    return rows


def _objects(rows: list[Any]) -> tuple[list[str], Iterator[dict[str, Any]]]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise ValueError(f"element {number} is no object")
    return list(dict.fromkeys(name for row in rows for name in row)), iter(rows)


def _sheet(path: Path, name: str, params: dict[str, Any]) -> tuple[list[str], Iterator[dict[str, Any]]]:
    headed = params.get("headers_first_row", True) is not False
    options = ParseOptions(header_count=int(headed), column_header=int(headed))
    layer = parse_file(path, name, None, options).layers[0]
    names = [column.display_name for column in layer.columns]
    return names, (dict(zip(names, row, strict=True)) for row in layer.rows())
