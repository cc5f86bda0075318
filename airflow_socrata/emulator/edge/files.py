"""Attachments: up, and down again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.errors import core_error

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal


def upload(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/assets``: raw bytes, named by ``X-File-Name``."""
    portal.publisher(exchange)
    name = unquote(exchange.headers.get("x-file-name", "file"))
    asset = f"asset-{portal.store.number()}"
    content_type = exchange.headers.get("content-type", "application/octet-stream")
    portal.files[asset] = (exchange.body, content_type, name)
    return Reply.of({"id": asset, "nameForOutput": name})


def download(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/{id}/files/{file}`` and ``GET /api/assets/{file}``."""
    if "view_id" in exchange.parts:
        portal.view(exchange.part()[0], exchange.user)
    found = portal.files.get(exchange.parts["file_id"])
    if found is None:
        raise core_error(404, "not_found", "Cannot find file", {"id": exchange.parts["file_id"]})
    body, content_type, name = found
    return Reply(200, body, content_type, {"Content-Disposition": f'attachment; filename="{name}"'})
