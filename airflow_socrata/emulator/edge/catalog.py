"""The catalog: published datasets, from an index that may lag behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.clock import iso_utc
from airflow_socrata.emulator.edge.accounts import user_by_id
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.errors import core_error

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View

_FURTHEST = 10_000


def catalog(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/catalog/v1``: the published datasets that the caller may see."""
    offset, limit = _number(exchange, "offset", 0), _number(exchange, "limit", 100)
    if offset + limit > _FURTHEST:
        raise core_error(400, "invalid_request", f"offset and limit end after {_FURTHEST}")
    domain = exchange.headers.get("host", "localhost")
    domains = _words(exchange, "domains")
    here = not domains or domain in domains or domain.partition(":")[0] in domains
    found = [view for view in portal.store.views() if here and _is_found(portal, exchange, view)]
    found.sort(key=lambda view: (str(view.fields.get("name", "")).lower(), view.id))
    results = [_entry(view, domain) for view in found[offset : offset + limit]]
    return Reply.of({"results": results, "resultSetSize": len(found), "timings": {}, "warnings": []})


def _number(exchange: Exchange, name: str, default: int) -> int:
    text = exchange.first(name)
    if text is None:
        return default
    if not text.isdigit():
        raise core_error(400, "invalid_request", f"{name} is no whole number: {text}")
    return int(text)


def _words(exchange: Exchange, name: str) -> set[str]:
    return {part.strip() for text in exchange.all(name) for part in text.split(",") if part.strip()}


def _is_found(portal: Portal, exchange: Exchange, view: View) -> bool:
    published = view.publication_date or view.created_at
    if view.stage != "published" or portal.clock.now() < published + portal.switches.catalog_lag_seconds:
        return False
    ids, only = _words(exchange, "ids"), _words(exchange, "only")
    words = (exchange.first("q") or "").lower()
    text = f"{view.fields.get('name', '')} {view.fields.get('description', '')}".lower()
    return (
        "read" in portal.rights_of(view, exchange.user)
        and (not ids or view.id in ids)
        and (not only or view.asset_type in {each.removesuffix("s") for each in only})
        and words in text
    )


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


TABLE = (("/api/catalog/v1", "GET", catalog),)
