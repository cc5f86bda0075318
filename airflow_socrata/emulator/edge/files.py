"""Files: attachments of a dataset, and views that are nothing but a file."""

from __future__ import annotations

import json
from email import message_from_bytes
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.view_json import view_json
from airflow_socrata.emulator.edge.views import make_view
from airflow_socrata.emulator.errors import core_error, invalid_request

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View


def upload(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/assets`` and ``POST /api/views/{id}/files``: a form, or bytes named by ``X-File-Name``."""
    if "view_id" in exchange.parts:
        portal.view(exchange.part()[0], exchange.user, "update_view")
    else:
        portal.publisher(exchange)
    content_type = exchange.headers.get("content-type", "application/octet-stream")
    if content_type.startswith("multipart/"):
        name, content_type, body = _uploaded(exchange)
    else:
        name, body = unquote(exchange.headers.get("x-file-name", "file")), exchange.body
    reply = Reply.of({"id": keep(portal, body, content_type, name), "nameForOutput": name})
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


def import_file(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/imports2?method=blob``: a view that is a file; other imports are not there."""
    if exchange.first("method") != "blob":
        raise invalid_request("This emulator imports files as they are (method=blob), nothing else")
    user = portal.publisher(exchange)
    name, content_type, body = _uploaded(exchange)
    view = make_view(portal, user, {"name": name}, new_backend=True)
    _set_file(portal, view, name, content_type, body)
    return _as_text(portal, exchange, view)


def replace_file(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/views/{id}.txt?method=replaceBlob``."""
    if exchange.first("method") != "replaceBlob":
        raise core_error(405, "method_not_allowed", "POST is not supported here")
    view = portal.view(exchange.part()[0], exchange.user, "write")
    if "blobId" not in view.fields:
        raise invalid_request("Only a view that is a file can have its file replaced")
    _set_file(portal, view, *_uploaded(exchange))
    return _as_text(portal, exchange, view)


def _set_file(portal: Portal, view: View, name: str, content_type: str, body: bytes) -> None:
    view.asset_type = "file"
    view.fields = view.fields | {
        "displayType": "blob",
        "blobId": keep(portal, body, content_type, name),
        "blobFilename": name,
        "blobFileSize": len(body),
        "blobMimeType": content_type,
    }
    view.rows_updated_at = portal.clock.seconds()


def _as_text(portal: Portal, exchange: Exchange, view: View) -> Reply:
    # The recorded reply says text/plain.
    return Reply(
        200, json.dumps(view_json(portal, view, exchange.user)).encode(), "text/plain; charset=utf-8"
    )


def _uploaded(exchange: Exchange) -> tuple[str, str, bytes]:
    """Return name, type and bytes of the form's file.

    :raises PortalError: 400 when there is none.
    """
    head = f"Content-Type: {exchange.headers.get('content-type', '')}\r\n\r\n".encode("latin-1")
    message = message_from_bytes(head + exchange.body)
    for part in message.walk():
        name, body = part.get_filename(), part.get_payload(decode=True)
        if name and isinstance(body, bytes):
            guessed = "application/octet-stream"
            return name, part.get_content_type() if "content-type" in part else guessed, body
    raise invalid_request("The form has no file")


TABLE = (
    ("/api/views/{view_id}/files", "POST", upload),
    ("/api/views/{view_id}/files.txt", "POST", upload),
)
