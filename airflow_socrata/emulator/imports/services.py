"""The calls of the import API."""

from __future__ import annotations

import json
import urllib.parse
import uuid
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.fetching import fetched
from airflow_socrata.emulator.edge import files, publication
from airflow_socrata.emulator.edge.jobs import Job
from airflow_socrata.emulator.edge.naming import expiry
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.view_json import view_json
from airflow_socrata.emulator.edge.views import make_view
from airflow_socrata.emulator.errors import PortalError, core_error, invalid_request
from airflow_socrata.emulator.imports import forms, scanning
from airflow_socrata.emulator.imports.keeping import ScanJob
from airflow_socrata.emulator.imports.language import BadTranslation, compile_translation
from airflow_socrata.emulator.imports.loading import load
from airflow_socrata.emulator.store.model import UNPUBLISHED
from airflow_socrata.emulator.types import canonical_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.dsmapi.parsing import Layer
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.imports.keeping import KeptFile
    from airflow_socrata.emulator.imports.language import Expression
    from airflow_socrata.emulator.store.model import View

IMPORT = "import"


def post(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/imports2``: what ``method`` says, in the query or the form; without it a new dataset."""
    portal.publisher(exchange)
    fields = forms.fields_of(exchange)
    method = fields.get("method") or "import"
    if method not in _METHODS:
        raise invalid_request(f"Unknown method: {method}")
    return _METHODS[method](portal, exchange, fields)


def poll(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/imports2?ticket=``: how an import or a scan stands."""
    portal.publisher(exchange)
    ticket = exchange.first("ticket") or ""
    scan = portal.kept.scans.get(ticket)
    if scan is None:
        return publication.poll(portal, exchange)
    scan.looks -= 1
    if scan.looks > 0:
        return _scanning(ticket)
    del portal.kept.scans[ticket]
    return Reply.of(scan.result)


# --- scans ---


def _scan(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> Reply:
    name, kind, body = forms.file_of(exchange)
    return _scanned(portal, exchange, name, kind, body, shapes=False)


def _scan_shape(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> Reply:
    name, kind, body = forms.file_of(exchange)
    return _scanned(portal, exchange, name, kind, body, shapes=True)


def _scan_url(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> Reply:
    url = fields.get("url", "")
    body, kind = fetched(portal, url)
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rpartition("/")[2]) or "file.csv"
    return _scanned(portal, exchange, name, kind, memoryview(body), shapes=False)


def _scanned(
    portal: Portal, exchange: Exchange, name: str, kind: str, body: memoryview, *, shapes: bool
) -> Reply:
    file_id = portal.kept.keep(name, kind, body)
    file = portal.kept.file(file_id)
    if shapes:
        summary = scanning.shape_summary_of(file)
    else:
        summary = scanning.summary_of(file, portal.switches.scan_types)
    result = {"fileId": file_id, "summary": summary}
    fault = exchange.fault("accepted")
    looks = fault.args["calls"] if fault is not None else portal.switches.scan_looks
    if not looks:
        return Reply.of(result)
    ticket = str(uuid.uuid4())
    portal.kept.scans[ticket] = ScanJob(result, looks)
    return _scanning(ticket)


def _scanning(ticket: str) -> Reply:
    body = {"code": "accepted", "error": False, "ticket": ticket, "details": {"message": "Scanning file..."}}
    return Reply.of(body, 202)


# --- imports ---


def _import(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> Reply:
    file, name = _file(portal, fields)
    blueprint = _blueprint(fields)
    skip = _skip(blueprint)
    layer = scanning.parsed_table(file, name, skip)
    outputs = _outputs(fields, layer)
    columns = _columns(blueprint, layer, outputs)
    title = str((blueprint or {}).get("name") or name)

    def work() -> View:
        return _made(portal, exchange, {"name": title, "columns": columns}, layer, outputs)

    return _start(portal, exchange, None, work)


def _append(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> Reply:
    return _rows(portal, exchange, fields, truncate=False)


def _replace(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> Reply:
    return _rows(portal, exchange, fields, truncate=True)


def _rows(portal: Portal, exchange: Exchange, fields: dict[str, str], *, truncate: bool) -> Reply:
    view = _target(portal, exchange, fields)
    file, name = _file(portal, fields)
    layer = scanning.parsed_table(file, name, _skip(fields))
    outputs = _outputs(fields, layer)

    def work() -> View:
        load(portal, exchange, view, layer, outputs, truncate=truncate)
        return view

    return _start(portal, exchange, view, work)


def _shapefile(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> Reply:
    file, name = _file(portal, fields)
    layer, title = _layer(fields, scanning.layers_of(file, name), name)
    columns = [
        {"name": each.display_name, "fieldName": each.field_name, "dataTypeName": each.guessed_type}
        for each in layer.columns
    ]

    def work() -> View:
        return _made(portal, exchange, {"name": title, "columns": columns}, layer, None)

    return _start(portal, exchange, None, work)


def _replace_shapefile(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> Reply:
    view = _target(portal, exchange, fields)
    file, name = _file(portal, fields)
    layer, _ = _layer(fields, scanning.layers_of(file, name), name)
    places = {each.field_name: each.position - 1 for each in layer.columns}
    lacking = [column.field_name for column in view.copy.columns if column.field_name not in places]
    if lacking:
        raise invalid_request(f"The layer has no column {lacking[0]}")
    order = [places[column.field_name] for column in view.copy.columns]

    def work() -> View:
        load(portal, exchange, view, layer, None, order, truncate=True)
        return view

    return _start(portal, exchange, view, work)


def _made(
    portal: Portal,
    exchange: Exchange,
    body: dict[str, Any],
    layer: Layer,
    outputs: list[Expression] | None,
) -> View:
    """Create a dataset and load it; nothing stays when it cannot be loaded."""
    asked = exchange.first("nbe")
    new_backend = portal.switches.backend == "new" if asked is None else asked == "true"
    deleted_at = expiry(exchange.first("deleted_at"))
    view = make_view(portal, portal.publisher(exchange), body, new_backend=new_backend)
    try:
        load(portal, exchange, view, layer, outputs, truncate=False)
    except PortalError:
        portal.store.remove(view)
        raise
    view.deleted_at = deleted_at
    return view


def _start(portal: Portal, exchange: Exchange, view: View | None, work: Callable[[], View]) -> Reply:
    """Do an import at once, or answer with a ticket."""
    looks = portal.switches.import_looks
    fault = exchange.fault("accepted", "publish_queued", "publish_fails")
    if fault is None and not looks:
        return Reply.of(view_json(portal, work(), exchange.user))
    view_id, group = (view.id, view.dataset.group) if view is not None else ("", 0)
    if fault is not None:
        job = publication.job_of(portal, exchange, view_id, group, IMPORT, work, fault)
    else:
        job = Job(IMPORT, view_id, group, exchange.path, work, form="details", calls=looks)
    portal.jobs.add(job)
    portal.jobs.poll(job)
    return publication.answer(portal, exchange, job)


def _target(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> View:
    view = portal.view(fields.get("viewUid", ""), exchange.user, "write")
    if view.stage != UNPUBLISHED or view.modifying_view_uid is not None:
        raise core_error(
            portal.switches.import_published_status,
            "invalid_request",
            "Only unpublished datasets can be imported into",
        )
    return view


def _file(portal: Portal, fields: dict[str, str]) -> tuple[KeptFile, str]:
    name = fields.get("name", "").strip()
    if not name:
        raise invalid_request("You must specify a name")
    return portal.kept.take(fields.get("fileId"), again=portal.switches.file_id_again), name


def _outputs(fields: dict[str, str], layer: Layer) -> list[Expression] | None:
    source = fields.get("translation", "").strip()
    if not source:
        return None
    try:
        return compile_translation(source, len(layer.columns))
    except BadTranslation as error:
        raise invalid_request(str(error)) from None


def _blueprint(fields: dict[str, str]) -> dict[str, Any] | None:
    source = fields.get("blueprint", "").strip()
    if not source:
        return None
    try:
        body = json.loads(source)
    except ValueError:
        raise invalid_request("The blueprint is no JSON") from None
    if not isinstance(body, dict):
        raise invalid_request("The blueprint must be an object")
    return body


def _skip(fields: dict[str, Any] | None) -> int:
    text = str((fields or {}).get("skip", 1)).strip()
    if not (text.isascii() and text.isdigit()):
        raise invalid_request(f"skip must be a number: {text}")
    return int(text)


def _columns(
    blueprint: dict[str, Any] | None, layer: Layer, outputs: list[Expression] | None
) -> list[dict[str, Any]]:
    """Return the columns of a new dataset: the blueprint's, or as the file seems to have them."""
    given = len(layer.columns) if outputs is None else len(outputs)
    if blueprint is None:
        if outputs is not None:
            raise invalid_request("A translation needs a blueprint")
        return [{"name": each.display_name, "dataTypeName": each.guessed_type} for each in layer.columns]
    specs = blueprint.get("columns")
    if not isinstance(specs, list) or not specs:
        raise invalid_request("The blueprint has no columns")
    for spec in specs:
        if not isinstance(spec, dict) or not str(spec.get("name") or "").strip() or "datatype" not in spec:
            raise invalid_request("A column of the blueprint needs name and datatype")
        if canonical_type(str(spec["datatype"])) is None:
            raise invalid_request(f"Unknown data type: {spec['datatype']}")
    if len(specs) != given:
        what = "file has" if outputs is None else "translation gives"
        raise invalid_request(f"The blueprint has {len(specs)} columns, the {what} {given}")
    return [{"name": spec["name"], "dataTypeName": spec["datatype"]} for spec in specs]


def _layer(fields: dict[str, str], layers: tuple[Layer, ...], name: str) -> tuple[Layer, str]:
    """Return the layer that a blueprint chooses, and what it calls it."""
    chosen = (_blueprint(fields) or {}).get("layers")
    if not isinstance(chosen, list) or not chosen:
        chosen = [{"layerId": 0}]
    if len(chosen) != 1:
        raise invalid_request("This emulator imports one layer at a time")
    number = int(chosen[0].get("layerId") or 0)
    if not 0 <= number < len(layers):
        raise invalid_request(f"The file has no layer {number}")
    return layers[number], str(chosen[0].get("name") or layers[number].name or name)


# --- files as such ---


def _blob(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> Reply:
    name, kind, body = forms.file_of(exchange)
    view = make_view(portal, portal.publisher(exchange), {"name": name}, new_backend=True)
    return files.set_file(portal, exchange, view, name, kind, bytes(body))


def _draft_blob(portal: Portal, exchange: Exchange, fields: dict[str, str]) -> Reply:
    view = portal.view(fields.get("saveUnderViewUid", ""), exchange.user, "write")
    if view.stage != UNPUBLISHED:
        raise invalid_request("Only an unpublished view can become a file")
    name, kind, body = forms.file_of(exchange)
    return files.set_file(portal, exchange, view, name, kind, bytes(body))


_METHODS: dict[str, Callable[[Portal, Exchange, dict[str, str]], Reply]] = {
    "scan": _scan,
    "scanShape": _scan_shape,
    "scanUrl": _scan_url,
    "import": _import,
    "append": _append,
    "replace": _replace,
    "shapefile": _shapefile,
    "replaceShapefile": _replace_shapefile,
    "blob": _blob,
    "setBlobForDraft": _draft_blob,
}

TABLE: tuple[tuple[str, str, Callable[[Portal, Exchange], Reply]], ...] = (
    ("/api/imports2", "POST", post),
    ("/api/imports2/", "POST", post),
    ("/api/imports2.json", "POST", post),
    ("/api/imports2", "GET", poll),
    ("/api/imports2.json", "GET", poll),
)
