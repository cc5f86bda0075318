"""Views: create, read, change, permit, delete, and find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge import access
from airflow_socrata.emulator.edge.columns import describe_columns, new_column, set_identifier
from airflow_socrata.emulator.edge.jobs import PUBLISH
from airflow_socrata.emulator.edge.naming import check_names_free, expiry, find_named, page_of
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.view_json import EDITABLE, view_json
from airflow_socrata.emulator.errors import core_error, invalid_request, view_missing

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.accounts import User
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View


def make_view(
    portal: Portal, user: User, body: dict[str, Any], *, new_backend: bool, view_id: str | None = None
) -> View:
    """Create a dataset from the body of a create call; nothing stays when a part of it is refused.

    :raises PortalError: 400 when the body does not do.
    """
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise invalid_request("You must specify a name")
    check_names_free(portal, body)
    metadata = dict(body.get("metadata") or {})
    wanted = metadata.pop("rowIdentifier", None)
    taken: set[str] = set()
    columns = [new_column(portal, spec, i, taken) for i, spec in enumerate(body.get("columns") or [], 1)]
    fields = {key: body[key] for key in EDITABLE if key in body}
    view = portal.store.create(view_id, fields, columns, None, user.id, new_backend=new_backend)
    view.metadata = metadata
    if fields.get("displayType") == "href":
        view.asset_type = "href"
    view.private_metadata = dict(body.get("privateMetadata") or {})
    if wanted is not None:
        try:
            set_identifier(portal, view, wanted, in_creation=True)
        except Exception:
            portal.store.remove(view)
            raise
    return view


def create(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/views``."""
    user = portal.publisher(exchange)
    body = exchange.json()
    if not isinstance(body, dict):
        raise invalid_request("The body must be a JSON object")
    asked = exchange.first("nbe")
    new_backend = portal.switches.backend == "new" if asked is None else asked == "true"
    deleted_at = expiry(exchange.first("deleted_at"))
    with portal.books:
        view = make_view(portal, user, body, new_backend=new_backend)
        view.deleted_at = deleted_at
    return Reply.of(view_json(portal, view, user))


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/{id}``, also with ``method=getLensPublicationGroup`` or ``getPublicationGroup``."""
    view_id = exchange.part()[0]
    method = exchange.first("method")
    if method in {"getLensPublicationGroup", "getPublicationGroup"}:
        return _group(portal, exchange, view_id)
    view = portal.view(view_id, exchange.user)
    return Reply.of(view_json(portal, view, exchange.user))


def _group(portal: Portal, exchange: Exchange, view_id: str) -> Reply:
    view = portal.view(view_id, exchange.user)
    stage = exchange.first("stage")
    members = [
        view_json(portal, each, exchange.user)
        for each in list(view.dataset.views.values())
        if each.modifying_view_uid is None
        and stage in {None, each.stage}
        and "read" in portal.rights_of(each, exchange.user)
    ]
    if portal.switches.group_form == "single":
        if not members:
            raise view_missing(view_id)
        return Reply.of(members[0])
    return Reply.of(members)


def search(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views``: all, those of ``method=getByIds&ids=…``, or ``method=getByResourceName&name=…``."""
    if exchange.first("method") == "getByResourceName":
        return Reply.of(view_json(portal, find_named(portal, exchange), exchange.user))
    wanted = exchange.all("ids") if exchange.first("method") == "getByIds" else None
    ids = {part for text in wanted for part in text.split(",")} if wanted is not None else None
    views = [
        view_json(portal, view, exchange.user)
        for view in portal.store.views()
        if (ids is None or view.id in ids) and "read" in portal.rights_of(view, exchange.user)
    ]
    return Reply.of(page_of(exchange, views))


def update(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/views/{id}``: given keys replace the view's, all else stays; or ``method=setPermission``."""
    view_id = exchange.part()[0]
    if exchange.first("method") == "setPermission":
        return access.set_permission(portal, exchange)
    if exchange.first("method") == "plagiarize":
        return access.transfer(portal, exchange)
    view = portal.view(view_id, exchange.user, "update_view")
    body = exchange.json()
    if not isinstance(body, dict):
        raise invalid_request("The body must be a JSON object")
    if "name" in body and not str(body["name"] or "").strip():
        raise invalid_request("You must specify a name")
    if exchange.first("validateOnly") == "true" or exchange.first("method") == "validate":
        return Reply.of(view_json(portal, view, exchange.user))
    with portal.books:
        apply_changes(portal, view, body)
    return Reply.of(view_json(portal, view, exchange.user))


def apply_changes(portal: Portal, view: View, body: dict[str, Any]) -> None:
    """Merge the top-level keys of a body into a view."""
    check_names_free(portal, body, view)
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        rest = {key: value for key, value in metadata.items() if key != "rowIdentifier"}
        identifier = view.copy.identifier
        known = (
            {None, identifier.id, str(identifier.id), identifier.field_name} if identifier else {None, "0"}
        )
        if metadata.get("rowIdentifier") not in known:
            with view.dataset.write_lock(portal.switches.write_lock_seconds, view.id):
                set_identifier(portal, view, metadata["rowIdentifier"])
        view.metadata = {key: value for key, value in rest.items() if key not in {"rdfSubject", "rdfClass"}}
    if isinstance(body.get("privateMetadata"), dict):
        view.private_metadata = body["privateMetadata"]
    if isinstance(body.get("columns"), list):
        describe_columns(portal, view, body["columns"])
    view.fields = view.fields | {key: body[key] for key in EDITABLE if key in body}
    view.modified_at = portal.clock.seconds()


def delete(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /api/views/{id}``: discards a working copy, deletes anything else for good; no body."""
    view = portal.view(exchange.part()[0], exchange.user, "delete_view")
    dataset = view.dataset
    with dataset.write_lock(portal.switches.write_lock_seconds, view.id):
        if portal.store.find(view.id) is not view or view not in dataset.views.values():
            raise view_missing(view.id)
        running = portal.jobs.find(PUBLISH, view.id)
        if running is not None and not running.is_done:
            if portal.switches.discard_while_publishing == "refuse" and not running.waits_for_approval:
                raise core_error(409, "conflict", "The dataset is being published")
            portal.jobs.forget(running)
        with portal.books:
            portal.store.remove(view)
            portal.desk.forget(view.id)
    return Reply(200, b"")
