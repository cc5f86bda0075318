"""Files: attachments of a dataset, and views that are nothing but a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.view_json import view_json
from airflow_socrata.emulator.errors import core_error, invalid_request
from airflow_socrata.emulator.imports.forms import file_of

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View


def upload(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/assets`` and ``POST /api/views/{id}/files``: a form, or bytes named by ``X-File-Name``."""
    if "view_id" in exchange.parts:
        portal.view(exchange.part()[0], exchange.user, "update_view")
    else:
        portal.publisher(exchange)
    name, content_type, body = file_of(exchange)
    reply = Reply.of({"id": keep(portal, bytes(body), content_type, name), "nameForOutput": name})
    if exchange.path.endswith(".txt"):
        reply.content_type = "text/plain; charset=utf-8"
    return reply


def lose_file(portal: Portal, order: dict[str, Any]) -> Any:
    """Lose a file that views may still list."""
    portal.files.pop(str(order["file"]), None)
    return {}


def keep(portal: Portal, body: bytes, content_type: str, name: str) -> str:
    """Keep a file and return its id."""
    asset = f"asset-{portal.store.number()}"
    portal.files[asset] = (body, content_type, name)
    return asset


def download(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/{id}/files/{file}`` and ``GET /api/assets/{file}``."""
    if "view_id" in exchange.parts:
        portal.view(exchange.part()[0], exchange.user)
    found = portal.files.get(exchange.parts["file_id"])
    if found is None:
        raise core_error(404, "not_found", "Cannot find file", {"id": exchange.parts["file_id"]})
    body, content_type, name = found
    return Reply(200, body, content_type, {"Content-Disposition": f'attachment; filename="{name}"'})


def replace_file(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/views/{id}.txt?method=replaceBlob``."""
    if exchange.first("method") != "replaceBlob":
        raise core_error(405, "method_not_allowed", "POST is not supported here")
    view = portal.view(exchange.part()[0], exchange.user, "write")
    if "blobId" not in view.fields:
        raise invalid_request("Only a view that is a file can have its file replaced")
    name, content_type, body = file_of(exchange)
    return set_file(portal, exchange, view, name, content_type, bytes(body))


def set_file(
    portal: Portal, exchange: Exchange, view: View, name: str, content_type: str, body: bytes
) -> Reply:
    """Make a view a file, and return it as the recorded reply has it: JSON that calls itself text."""
    view.asset_type = "file"
    view.fields = view.fields | {
        "displayType": "blob",
        "blobId": keep(portal, body, content_type, name),
        "blobFilename": name,
        "blobFileSize": len(body),
        "blobMimeType": content_type,
    }
    view.rows_updated_at = portal.clock.seconds()
    shown = view_json(portal, view, exchange.user)
    return Reply(200, json.dumps(shown).encode(), "text/plain; charset=utf-8")


TABLE = (
    ("/api/views/{view_id}/files", "POST", upload),
    ("/api/views/{view_id}/files.txt", "POST", upload),
)
