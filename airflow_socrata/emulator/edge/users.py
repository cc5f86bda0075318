"""Who is signed in, and the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.clock import iso_utc
from airflow_socrata.emulator.edge.accounts import USERS, user_by_id
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.errors import core_error, login_needed

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View


def current(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/users/current``."""
    del portal
    if exchange.user is None:
        raise login_needed()
    return Reply.of(exchange.user.full())


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/users/{id}``."""
    del portal
    if exchange.user is None:
        raise login_needed()
    user_id = exchange.part("user_id")[0]
    if user_id not in {user.id for user in USERS.values()}:
        raise core_error(404, "not_found", "Cannot find user", {"id": user_id})
    return Reply.of(user_by_id(user_id).short())


def catalog(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/catalog/v1``: the published datasets that the caller may see."""
    wanted = {part for text in exchange.all("ids") for part in text.split(",")}
    query = (exchange.first("q") or "").lower()
    found = [
        view
        for view in portal.store.views()
        if view.stage == "published"
        and "read" in portal.rights_of(view, exchange.user)
        and (not wanted or view.id in wanted)
        and query in str(view.fields.get("name", "")).lower()
    ]
    offset, limit = int(exchange.first("offset") or 0), int(exchange.first("limit") or 100)
    domain = exchange.headers.get("host", "localhost")
    results = [_entry(view, domain) for view in found[offset : offset + limit]]
    return Reply.of({"results": results, "resultSetSize": len(found), "timings": {}, "warnings": []})


def _entry(view: View, domain: str) -> dict[str, Any]:
    columns = view.copy.columns
    return {
        "resource": {
            "id": view.id,
            "name": view.fields["name"],
            "description": view.fields.get("description", ""),
            "type": view.asset_type,
            "createdAt": iso_utc(view.created_at),
            "updatedAt": iso_utc(max(view.modified_at, view.rows_updated_at)),
            "columns_name": [column.name for column in columns],
            "columns_field_name": [column.field_name for column in columns],
            "columns_datatype": [column.kind for column in columns],
        },
        "classification": {"categories": [], "tags": view.fields.get("tags") or []},
        "metadata": {"domain": domain},
        "permalink": f"https://{domain}/d/{view.id}",
        "link": f"https://{domain}/d/{view.id}",
        "owner": {"id": view.owner, "display_name": user_by_id(view.owner).display_name},
    }
