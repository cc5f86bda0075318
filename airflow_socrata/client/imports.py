"""Calls of the import API (``imports2``): scan a file, import it, append or replace rows, and files as such.

A file is sent once, with a scan; the portal keeps it under a file id, which the import then names. What takes
longer is answered with a ticket (:class:`~airflow_socrata.client.models.Accepted`), which
:func:`~airflow_socrata.client.views.follow` looks at. An import that was sent may have begun: none is sent
again without a look at the portal.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.import_models import Scan, ScannedColumn, ShapeLayer, ShapeScan
from airflow_socrata.client.messages import FORM_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.models import Accepted, View
from airflow_socrata.client.multipart import upload_headers
from airflow_socrata.client.parsing import integer, mapping, object_of, objects, text
from airflow_socrata.client.views import accepted_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_socrata.client.import_models import Blueprint
    from airflow_socrata.client.multipart import Multipart
    from airflow_socrata.client.translations import Translation

_PATH = "/api/imports2.json"


def scan(file: Multipart) -> Call[Scan | Accepted]:
    """Send a table (csv, tsv, xls, xlsx) and let the portal look at it.

    May be sent again: only the file id of the last reply is used.
    """
    return _upload("scan", file, _parse_scan, f"scan {file.filename}")


def scan_shapes(file: Multipart) -> Call[ShapeScan | Accepted]:
    """Send a file of shapes (zipped shapefile, kml, kmz, geojson) and let the portal look at it."""
    return _upload("scanShape", file, _parse_shape_scan, f"scan {file.filename}")


def scan_url(url: str, *, save_under: str | None = None) -> Call[Scan | Accepted]:
    """Let the portal fetch a table by itself and look at it.

    :param save_under: 4x4 of the draft that the file is for.
    """
    params = (("method", "scanUrl"),)
    if save_under is not None:
        params = (*params, ("saveUnderViewUid", check_dataset_id(save_under)))  # type: ignore[assignment]
    return Call(
        CallKind.FILE,
        "POST",
        _PATH,
        _parse_scan,
        "scan a file by its address",
        params=params,
        headers=FORM_TYPE,
        body=urlencode({"url": url}).encode(),
    )


def import_table(
    file_id: str,
    filename: str,
    *,
    blueprint: Blueprint | None = None,
    translation: Translation | None = None,
    new_backend: bool | None = None,
    deleted_at: str | None = None,
    locale: str | None = None,
) -> Call[View | Accepted]:
    """Make a new dataset of a scanned table. It is unpublished.

    :param filename: with its extension, by which the portal knows the format.
    :param blueprint: None: the portal's own suggestions.
    :param new_backend: None: the portal decides.
    :param deleted_at: ISO 8601 time at which the portal throws the dataset away.
    :param locale: of its names, e.g. ``en``.
    """
    fields = {"name": filename, "fileId": file_id}
    if blueprint is not None:
        fields["blueprint"] = json.dumps(blueprint.to_json())
    if translation is not None:
        fields["translation"] = translation.source
    params = _options(new_backend, deleted_at, locale)
    return _import(CallKind.DATASET, params, fields, f"import {filename}")


def import_shapes(
    file_id: str, filename: str, layers: Sequence[ShapeLayer], *, new_backend: bool | None = None
) -> Call[View | Accepted]:
    """Make a new dataset of a scanned file of shapes. It is unpublished."""
    fields = {"name": filename, "fileId": file_id, "blueprint": _layers(layers)}
    params = (("method", "shapefile"), *_options(new_backend, None, None))
    return _import(CallKind.DATASET, params, fields, f"import {filename}")


def append_rows(
    working_copy: str, file_id: str, filename: str, *, skip: int, translation: Translation | None = None
) -> Call[View | Accepted]:
    """Add the rows of a scanned table to an unpublished view.

    :param skip: rows above the data.
    :param translation: None: the columns of the file are those of the view, in their order.
    """
    return _rows("append", working_copy, file_id, filename, skip, translation)


def replace_rows(
    working_copy: str, file_id: str, filename: str, *, skip: int, translation: Translation | None = None
) -> Call[View | Accepted]:
    """Replace the rows of an unpublished view by those of a scanned table."""
    return _rows("replace", working_copy, file_id, filename, skip, translation)


def replace_shapes(
    working_copy: str, file_id: str, filename: str, layers: Sequence[ShapeLayer]
) -> Call[View | Accepted]:
    """Replace the rows of an unpublished view by those of a scanned file of shapes."""
    params = (("method", "replaceShapefile"), ("viewUid", check_dataset_id(working_copy)))
    fields = {"name": filename, "fileId": file_id, "blueprint": _layers(layers)}
    return _import(CallKind.ROWS_UNKEYED, params, fields, f"replace rows of {working_copy}")


def create_file_view(file: Multipart) -> Call[View]:
    """Make a view that is nothing but a file. Its name is the file's until it gets another."""
    return _upload("blob", file, _parse_view, f"create a view of {file.filename}", kind=CallKind.DATASET)


def replace_file(view_id: str, file: Multipart) -> Call[View]:
    """Give a view that is a file another file."""
    return Call(
        CallKind.FILE,
        "POST",
        f"/api/views/{check_dataset_id(view_id)}.txt",
        _parse_view,
        f"replace the file of {view_id}",
        params=(("method", "replaceBlob"), ("id", view_id)),
        headers=upload_headers(file),
        body=file,
    )


def set_draft_file(draft: str, file: Multipart) -> Call[View]:
    """Make an unpublished view a file."""
    saved = (("saveUnderViewUid", check_dataset_id(draft)),)
    return _upload("setBlobForDraft", file, _parse_view, f"set the file of {draft}", saved)


def warnings_of(view: View) -> tuple[str, ...]:
    """What the last import into a view warns of, such as rows that it left out; each in one line."""
    found = mapping(view.raw.get("metadata")).get("warnings")
    return tuple(" ".join(str(line).split()) for line in found) if isinstance(found, list) else ()


def _upload(
    method: str,
    file: Multipart,
    parse: Callable[[Reply], Any],
    summary: str,
    params: tuple[tuple[str, str], ...] = (),
    kind: CallKind = CallKind.FILE,
) -> Call[Any]:
    headers = upload_headers(file)
    return Call(kind, "POST", _PATH, parse, summary, (("method", method), *params), headers, file)


def _rows(
    method: str, working_copy: str, file_id: str, filename: str, skip: int, translation: Translation | None
) -> Call[View | Accepted]:
    # The view stands in the address, where the ticket is asked for as well.
    params = (("method", method), ("viewUid", check_dataset_id(working_copy)))
    fields = {"name": filename, "fileId": file_id, "skip": str(skip)}
    if translation is not None:
        fields["translation"] = translation.source
    return _import(CallKind.ROWS_UNKEYED, params, fields, f"{method} rows of {working_copy}")


def _import(
    kind: CallKind, params: tuple[tuple[str, str], ...], fields: Mapping[str, str], summary: str
) -> Call[View | Accepted]:
    # Without async the portal may answer when all is done, and a proxy before it gives up sooner.
    body = urlencode({**fields, "async": "true"}).encode()
    return Call(kind, "POST", _PATH, _parse_import, summary, params, FORM_TYPE, body)


def _options(
    new_backend: bool | None, deleted_at: str | None, locale: str | None
) -> tuple[tuple[str, str], ...]:
    backend = None if new_backend is None else str(new_backend).lower()
    pairs = (("nbe", backend), ("deleted_at", deleted_at), ("locale", locale))
    return tuple((name, value) for name, value in pairs if value is not None)


def _layers(layers: Sequence[ShapeLayer]) -> str:
    if not layers:
        raise ConfigurationError("the file of shapes has no layers to import")
    return json.dumps({"layers": [layer.to_json() for layer in layers]})


def _parse_view(reply: Reply) -> View:
    return View.from_json(object_of(reply, "a view"))


def _parse_import(reply: Reply) -> View | Accepted:
    return accepted_of(reply) or View.from_json(object_of(reply, "a view"))


def _parse_scan(reply: Reply) -> Scan | Accepted:
    accepted = accepted_of(reply)
    if accepted is not None:
        return accepted
    file_id, summary = _scanned(reply)
    columns = tuple(_scanned_column(item) for item in objects(summary.get("columns")))
    if not columns:
        raise UnreadableReply("the scan has no columns")
    sample = summary.get("sample")
    rows = [row for row in sample if isinstance(row, list)] if isinstance(sample, list) else []
    return Scan(
        file_id,
        integer(summary.get("headers")) or 0,
        columns,
        tuple(tuple("" if cell is None else str(cell) for cell in row) for row in rows),
        summary,
    )


def _parse_shape_scan(reply: Reply) -> ShapeScan | Accepted:
    accepted = accepted_of(reply)
    if accepted is not None:
        return accepted
    file_id, summary = _scanned(reply)
    layers = tuple(
        ShapeLayer(
            text(item.get("name")) or "",
            integer(item.get("layerId")),
            text(item.get("referenceSystem")) or "",
        )
        for item in objects(summary.get("layers"))
    )
    return ShapeScan(file_id, layers, summary)


def _scanned(reply: Reply) -> tuple[str, Mapping[str, Any]]:
    body = object_of(reply, "a scan")
    file_id = text(body.get("fileId"))
    if file_id is None:
        raise UnreadableReply("the scan has no fileId")
    return file_id, mapping(body.get("summary"))


def _scanned_column(body: Mapping[str, Any]) -> ScannedColumn:
    kinds = {
        str(name): number
        for name, value in mapping(body.get("types")).items()
        if (number := integer(value)) is not None
    }
    return ScannedColumn(
        text(body.get("name")) or "",
        text(body.get("suggestion")) or "text",
        integer(body.get("processed")),
        kinds,
    )
