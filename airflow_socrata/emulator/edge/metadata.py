"""The Metadata API: what a dataset says about itself, checked before it is changed."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge.licenses import LICENSES, license_of
from airflow_socrata.emulator.edge.metadata_rules import (
    TEXTS,
    Issue,
    Issues,
    MetadataRules,
    check,
    merged,
)
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.errors import core_error, invalid_request

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.accounts import User
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View

_HELP = "GET and PATCH /api/views/metadata/v1/{uuid}, GET /api/views/metadata/v1; validateOnly, strict"


def list_all(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/metadata/v1``: the public datasets, page by page; or ``method=help``."""
    if exchange.first("method") == "help" or exchange.first("help") is not None:
        return Reply(200, _HELP.encode(), "text/plain; charset=utf-8")
    found = [
        view for view in portal.store.views() if view.scope == "public" and view.publication_date is not None
    ]
    limit, page = _number(exchange, "limit", len(found)), _number(exchange, "page", 1)
    start = (page - 1) * limit
    shown = [metadata_json(portal, view, exchange) for view in found[start : start + limit]]
    return Reply.of(shown)


def _number(exchange: Exchange, name: str, default: int) -> int:
    given = exchange.first(name)
    if given is None:
        return default
    if not given.isdigit() or int(given) < 1:
        raise invalid_request(f"{name} must be a positive number")
    return int(given)


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/metadata/v1/{id}``."""
    view = portal.view(exchange.part()[0], exchange.user)
    return Reply.of(metadata_json(portal, view, exchange))


def change(portal: Portal, exchange: Exchange) -> Reply:
    """``PATCH /api/views/metadata/v1/{id}``, with ``validateOnly`` and ``strict``."""
    view = portal.view(exchange.part()[0], exchange.user, "update_view")
    body = exchange.json()
    if not isinstance(body, dict):
        raise invalid_request("The body must be a JSON object")
    strict = exchange.first("strict") == "true"
    with portal.books:
        issues = check(portal.metadata_rules, portal.switches, metadata_json(portal, view, exchange), body)
        if exchange.first("validateOnly") == "true":
            # On a copy of the view, which nobody else sees: what would be.
            trial = copy.copy(view)
            if not issues.errors:
                _apply(trial, body)
            return _verdict(portal, metadata_json(portal, trial, exchange), issues)
        if issues.stop(strict=strict):
            raise _refused(portal, issues, strict=strict)
        _apply(view, body)
        view.modified_at = portal.clock.seconds()
    return Reply.of(metadata_json(portal, view, exchange))


def _verdict(portal: Portal, metadata: dict[str, Any], issues: Issues) -> Reply:
    found = _told(portal, issues)
    if portal.switches.metadata_verdict_form == "wrapped":
        return Reply.of({"metadata": metadata} | found)
    return Reply.of(metadata | found)


def _refused(portal: Portal, issues: Issues, *, strict: bool) -> Exception:
    stopping = [*issues.errors, *(issues.warnings if strict else [])]
    message = "; ".join(each.message for each in stopping)
    return core_error(400, "invalid_request", message, _told(portal, issues))


def _told(portal: Portal, issues: Issues) -> dict[str, list[Any]]:
    def tell(each: Issue) -> Any:
        if portal.switches.metadata_issue_form == "strings":
            return each.message
        return {"field": each.field, "message": each.message}

    return {"errors": [*map(tell, issues.errors)], "warnings": [*map(tell, issues.warnings)]}


def _apply(view: View, body: dict[str, Any]) -> None:
    fields = dict(view.fields)
    for key in (*TEXTS, "tags"):
        if key in body and key != "license":
            fields[key] = body[key]
    if "license" in body:
        found = license_of(body["license"] or "")
        fields["licenseId"] = found.id if found else None
        fields["license"] = found.shown() if found else None
    view.fields = {key: value for key, value in fields.items() if value is not None}
    if "customFields" in body:
        sets = merged(view.metadata.get("custom_fields"), body, "customFields")
        view.metadata = _with_sets(view.metadata, sets)
    if "privateCustomFields" in body:
        sets = merged(view.private_metadata.get("custom_fields"), body, "privateCustomFields")
        view.private_metadata = _with_sets(view.private_metadata, sets)


def _with_sets(metadata: dict[str, Any], sets: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in metadata.items() if key != "custom_fields"}
    return rest | ({"custom_fields": sets} if sets else {})


def metadata_json(portal: Portal, view: View, exchange: Exchange) -> dict[str, Any]:
    """Return the metadata of a view as this caller sees them."""
    domain = exchange.headers.get("host", "localhost")
    fields = view.fields
    shown: dict[str, Any] = {
        "id": view.id,
        "name": fields.get("name"),
        "attribution": fields.get("attribution"),
        "attributionLink": fields.get("attributionLink"),
        "category": fields.get("category"),
        "createdAt": _iso(view.created_at),
        "dataUpdatedAt": _iso(view.rows_updated_at),
        "dataUri": f"https://{domain}/resource/{view.id}",
        "description": fields.get("description"),
        "domain": domain,
        "externalId": fields.get("externalId"),
        "hideFromCatalog": fields.get("hideFromCatalog") is True,
        "hideFromDataJson": fields.get("hideFromDataJson") is True,
        "license": _license(portal, fields.get("licenseId")),
        "metadataUpdatedAt": _iso(view.modified_at),
        "provenance": str(fields.get("provenance") or "official").upper(),
        "updatedAt": _iso(max(view.modified_at, view.rows_updated_at)),
        "webUri": f"https://{domain}/d/{view.id}",
        "customFields": view.metadata.get("custom_fields") or None,
        "tags": fields.get("tags") or None,
    }
    if _may_change(portal, view, exchange.user):
        shown["privateCustomFields"] = view.private_metadata.get("custom_fields") or None
    return shown


def _may_change(portal: Portal, view: View, user: User | None) -> bool:
    return "update_view" in portal.rights_of(view, user)


def _license(portal: Portal, license_id: str | None) -> str | None:
    found = LICENSES.get(license_id or "")
    return license_id if found is None or portal.switches.metadata_license_form == "id" else found.name


def _iso(epoch: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(epoch))


def metadata_rules(portal: Portal, order: dict[str, Any]) -> Any:
    """Set the domain's categories and custom fields."""
    portal.metadata_rules = MetadataRules.of(order)
    return {}


TABLE = (
    ("/api/views/metadata/v1", "GET", list_all),
    ("/api/views/metadata/v1.json", "GET", list_all),
    ("/api/views/metadata/v1/{view_id}", "GET", read),
    ("/api/views/metadata/v1/{view_id}", "PATCH", change),
)
