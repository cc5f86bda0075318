"""The oldest row calls (SODA 1): datasets of the old back end alone. The replies are unrecorded."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge.exports import meta_values
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.reading import no_row, stored_row
from airflow_socrata.emulator.edge.rows import writable, write
from airflow_socrata.emulator.errors import PortalError, core_error, invalid_request
from airflow_socrata.emulator.store.writing import WriteOptions

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View

#: What these calls name the fields of the system.
_SHOWN_AS = (
    "_id",
    "_uuid",
    "_position",
    "_created_at",
    "_created_meta",
    "_updated_at",
    "_updated_meta",
    "_meta",
)
_ROWS = re.compile(r"(?:/api)?/views/([a-z0-9]{4}-[a-z0-9]{4})/rows(?:/(\d+))?(?:\.json)?")


def add(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /views/{id}/rows.json``."""
    return Reply.of(_add(portal, exchange, _view(portal, exchange), exchange.json()))


def change(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /views/{id}/rows/{sid}.json``."""
    view = _view(portal, exchange)
    return Reply.of(_change(portal, exchange, view, _sid(exchange), exchange.json()))


def delete(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /views/{id}/rows/{sid}.json``: the reply is empty."""
    _delete(portal, exchange, _view(portal, exchange), _sid(exchange))
    return Reply(200, b"")


def batches(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /batches``: row requests, one after another; each tells how it went."""
    body = exchange.json()
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list):
        raise invalid_request("An object with requests was expected")
    return Reply.of([_one(portal, exchange, item) for item in requests])


def _one(portal: Portal, exchange: Exchange, item: Any) -> dict[str, Any]:
    try:
        return {"response": json.dumps(_dispatched(portal, exchange, item))}
    except PortalError as error:
        words = json.loads(error.reply.body or b"{}").get("message", "refused")
        return {"error": True, "errorMessage": words}


def _dispatched(portal: Portal, exchange: Exchange, item: Any) -> dict[str, Any]:
    found = _ROWS.fullmatch(str(item.get("url", ""))) if isinstance(item, dict) else None
    if found is None:
        raise invalid_request("Only row requests can be in a batch")
    method, body = item.get("requestType"), item.get("body")
    exchange.parts = {"view_id": found[1]}
    view = _view(portal, exchange)
    try:
        row = json.loads(body) if isinstance(body, str) else body
    except ValueError:
        raise invalid_request("A body in the batch is no JSON") from None
    if method == "POST" and found[2] is None:
        return _add(portal, exchange, view, row)
    if method == "PUT" and found[2]:
        return _change(portal, exchange, view, int(found[2]), row)
    if method == "DELETE" and found[2]:
        _delete(portal, exchange, view, int(found[2]))
        return {}
    raise core_error(405, "method_not_allowed", f"{method} is not supported here")


def _view(portal: Portal, exchange: Exchange) -> View:
    view = writable(portal, exchange)
    if view.dataset.new_backend:
        raise invalid_request("These row calls are for datasets of the old back end")
    return view


def _sid(exchange: Exchange) -> int:
    text = exchange.parts["row"].removesuffix(".json")
    if not text.isdigit():
        raise no_row(text)
    return int(text)


def _add(portal: Portal, exchange: Exchange, view: View, row: Any) -> dict[str, Any]:
    outcome = write(
        portal, exchange, view, [_named(view, row)], WriteOptions(tolerated=frozenset(), reports=True)
    )
    identifier = view.copy.identifier
    stored = stored_row(portal, view, outcome.reports[0]["id"], by_sid=identifier is None, truth=True)
    return _shown(view, stored or {})


def _change(portal: Portal, exchange: Exchange, view: View, sid: int, row: Any) -> dict[str, Any]:
    known = _known(portal, view, sid)
    options = WriteOptions(tolerated=frozenset(), reports=True)
    write(portal, exchange, view, [_named(view, row) | _key(view, known, sid)], options)
    return _shown(view, _known(portal, view, sid))


def _delete(portal: Portal, exchange: Exchange, view: View, sid: int) -> None:
    key = _key(view, _known(portal, view, sid), sid)
    options = WriteOptions(tolerated=frozenset(), reports=True)
    write(portal, exchange, view, [key | {":deleted": True}], options)


def _known(portal: Portal, view: View, sid: int) -> dict[str, Any]:
    found = stored_row(portal, view, sid, by_sid=True, truth=True)
    if found is None:
        raise no_row(str(sid))
    return found


def _key(view: View, row: dict[str, Any], sid: int) -> dict[str, Any]:
    identifier = view.copy.identifier
    return {":id": sid} if identifier is None else {identifier.field_name: row.get(identifier.field_name)}


def _named(view: View, row: Any) -> dict[str, Any]:
    """Return a row keyed by field name; these calls also take column ids and display names."""
    if isinstance(row, dict) and isinstance(row.get("data"), dict):
        row = row["data"]
    if not isinstance(row, dict):
        raise invalid_request("An object was expected")
    names = {str(column.id): column.field_name for column in view.copy.columns}
    names |= {column.name: column.field_name for column in view.copy.columns}
    named: dict[str, Any] = row
    return {names.get(key, key): value for key, value in named.items() if not key.startswith(("_", ":"))}


def _shown(view: View, row: dict[str, Any]) -> dict[str, Any]:
    ids: dict[str, str] = {column.field_name: str(column.id) for column in view.copy.columns}
    named: dict[str, Any] = dict(zip(_SHOWN_AS, meta_values(row), strict=True))
    return named | {ids[name]: value for name, value in row.items() if name in ids}


TABLE = (
    ("/api/views/{view_id}/rows.{suffix}", "POST", add),
    ("/api/views/{view_id}/rows/{row}", "PUT", change),
    ("/api/views/{view_id}/rows/{row}", "DELETE", delete),
    ("/batches", "POST", batches),
)
