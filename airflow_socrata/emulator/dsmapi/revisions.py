"""Revisions: create, read, change, discard, plan; and files attached to them."""

from __future__ import annotations

import copy as copying
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from airflow_socrata.emulator.dsmapi.calls import (
    body_of,
    dataset_of,
    named_dataset,
    object_in,
    require_open,
    revision_of,
)
from airflow_socrata.emulator.dsmapi.envelopes import revision_json
from airflow_socrata.emulator.dsmapi.errors import invalid, malformed, missing, refused
from airflow_socrata.emulator.dsmapi.model import Revision
from airflow_socrata.emulator.dsmapi.progress import look_at
from airflow_socrata.emulator.edge.files import keep
from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply
from airflow_socrata.emulator.edge.views import make_view

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.accounts import User
    from airflow_socrata.emulator.store.model import View

ACTIONS = ("update", "replace", "delete")
_PERMISSIONS = (None, "public", "private", "site")
_METADATA: dict[str, Any] = {
    "name": None,
    "description": None,
    "category": None,
    "tags": [],
    "metadata": {},
    "privateMetadata": {},
    "licenseId": None,
    "license": None,
    "attribution": None,
    "attributionLink": None,
}


def create_dataset(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /revision``: a draft dataset and its revision 0; ``deleted_at`` says when the draft goes."""
    user = portal.publisher(exchange)
    body = body_of(exchange)
    metadata = object_in(body, "metadata")
    if not isinstance(metadata.get("name"), str) or not metadata["name"].strip():
        raise invalid("Name can't be blank", details={"name": "can't be blank"})
    goes_at = _deleted_at(exchange)
    with portal.desk.lock:
        # The draft shows what is known of it at once; the rest comes with the first apply.
        view = make_view(portal, user, {"name": metadata["name"]}, new_backend=True)
        view.fields["displayType"] = "draft"
        try:
            revision = add_revision(portal, view, user, body)
        except Exception:
            portal.store.remove(view)
            raise
        if goes_at is not None:
            portal.desk.doomed[view.id] = goes_at
    return Reply.of(revision_json(revision), 201)


def _deleted_at(exchange: Exchange) -> float | None:
    text = exchange.first("deleted_at")
    if not text:
        return None
    try:
        # A plus sign of the zone may have come as a space.
        when = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise malformed(f"deleted_at is no ISO time: {text}") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def create(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /revision/{4x4}``, also by ``{"config": name}``."""
    user = portal.publisher(exchange)
    view = dataset_of(portal, exchange)
    body = body_of(exchange)
    asked = exchange.first("config")
    if asked is not None:
        body = {"config": asked} | body
    revision = add_revision(portal, view, user, body)
    return Reply.of(revision_json(revision), 201)


def add_revision(portal: Portal, view: View, user: User, body: dict[str, Any]) -> Revision:
    """Open a revision of a dataset.

    :raises PortalError: 404 for an unknown config, 422 for a wrong action or metadata.
    """
    desk = portal.desk
    config = None
    action = object_in(body, "action")
    metadata = object_in(body, "metadata")
    if body.get("config") is not None:
        config = desk.configs.get(str(body["config"]))
        if config is None:
            raise missing("config", body["config"])
        action = {"type": config.data_action} | action
        if not portal.switches.config_revision_takes_metadata:
            metadata = {}
    for key in ("output_schema_id", "blob_id"):
        if body.get(key) is not None:
            raise invalid(f"{key} cannot be set when a revision is created", details={key: "is not allowed"})
    kind, permission = _action(action)
    href, attachments = _href(body.get("href")), _attachments(body.get("attachments"))
    if not portal.switches.revision_private_metadata:
        metadata = {key: value for key, value in metadata.items() if key != "privateMetadata"}
    now = portal.clock.now()
    with desk.lock:
        taken = desk.revisions.setdefault(view.id, [])
        revision = Revision(
            id=desk.number(),
            view_id=view.id,
            seq=len(taken),
            metadata=_current_metadata(view) | _metadata(metadata),
            sent=set(metadata),
            action=kind,
            permission=permission,
            user_id=user.id,
            created_at=now,
            updated_at=now,
            config=config.name if config else None,
            href=href,
            attachments=attachments,
        )
        if view.dataset.group in portal.desk.enrolled and body.get("notes") is not None:
            revision.notes = str(body["notes"])
        taken.append(revision)
    return revision


def _action(action: dict[str, Any], kind: str = "update", permission: Any = None) -> tuple[str, str | None]:
    kind = action.get("type", kind)
    permission = action.get("permission", permission)
    if kind not in ACTIONS:
        raise invalid(f"Unknown action {kind}", details={"action": f"must be one of {', '.join(ACTIONS)}"})
    if permission not in _PERMISSIONS:
        raise invalid(f"Unknown permission {permission}", details={"permission": "must be public or private"})
    return kind, permission


def _current_metadata(view: View) -> dict[str, Any]:
    shown = copying.deepcopy(_METADATA)
    shown |= {key: copying.deepcopy(view.fields[key]) for key in _METADATA if key in view.fields}
    shown["metadata"] = copying.deepcopy(view.metadata)
    shown["privateMetadata"] = copying.deepcopy(view.private_metadata)
    return shown


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    details = {}
    if "name" in metadata and (not isinstance(metadata["name"], str) or not metadata["name"].strip()):
        details["name"] = "can't be blank"
    for key in ("metadata", "privateMetadata"):
        if metadata.get(key) is not None and not isinstance(metadata[key], dict):
            details[key] = "must be an object"
    if metadata.get("tags") is not None and not isinstance(metadata["tags"], list):
        details["tags"] = "must be an array"
    if details:
        key, words = next(iter(details.items()))
        raise invalid(f"{key.capitalize()} {words}", details=details)
    return copying.deepcopy(metadata)


def listing(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /revision/{4x4}``, newest first; ``open=true`` or ``false`` shows some."""
    view = dataset_of(portal, exchange)
    found = list(reversed(portal.desk.of_dataset(view.id)))
    wanted = exchange.first("open")
    if wanted in {"true", "false"}:
        found = [each for each in found if each.is_open == (wanted == "true")]
    for each in found:
        look_at(portal, each)
    return Reply.of([revision_json(each) for each in found])


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /revision/{4x4}/{seq}``."""
    revision = revision_of(portal, exchange)
    look_at(portal, revision)
    return Reply.of(revision_json(revision))


def update(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT`` and ``PATCH /revision/{4x4}/{seq}``: both change what they name and nothing else."""
    revision = revision_of(portal, exchange)
    body = body_of(exchange)
    with portal.desk.lock:
        require_open(portal, revision)
        changes = _changes(portal, exchange, revision, body)
        for key, value in changes.items():
            setattr(revision, key, value)
        if "metadata" in body:
            revision.sent |= set(object_in(body, "metadata"))
        revision.updated_at = portal.clock.now()
    return Reply.of(revision_json(revision), 202)


def _changes(portal: Portal, exchange: Exchange, revision: Revision, body: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that a body changes, all checked before one is set."""
    changes: dict[str, Any] = {}
    if body.get("metadata") is not None:
        metadata = _metadata(object_in(body, "metadata"))
        changes["metadata"] = revision.metadata | metadata
    if body.get("action") is not None:
        kind, permission = _action(object_in(body, "action"), revision.action, revision.permission)
        changes |= {"action": kind, "permission": permission}
    if "output_schema_id" in body:
        changes["output_schema_id"] = _own_schema(portal, revision, body["output_schema_id"])
    if "blob_id" in body:
        changes["blob_id"] = _own_source(portal, revision, body["blob_id"])
    if "href" in body:
        changes["href"] = _href(body["href"])
    if "attachments" in body:
        changes["attachments"] = _attachments(body["attachments"])
    if "notes" in body:
        view = named_dataset(portal, exchange, revision.view_id)
        # Outside of archiving there is no changelog that would show them.
        enrolled = view.dataset.group in portal.desk.enrolled
        changes["notes"] = None if body["notes"] is None or not enrolled else str(body["notes"])
    return changes


def _own_schema(portal: Portal, revision: Revision, wanted: Any) -> int | None:
    if wanted is None:
        return None
    schema = portal.desk.output_schemas.get(wanted) if isinstance(wanted, int) else None
    if schema is None or schema.input.source not in revision.sources:
        raise missing("output schema", wanted)
    return schema.id


def _own_source(portal: Portal, revision: Revision, wanted: Any) -> int | None:
    if wanted is None:
        return None
    number = int(wanted) if str(wanted).isdigit() else -1
    if all(source.id != number for source in revision.sources):
        raise missing("source", wanted)
    return number


def _href(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid("href must be an array", details={"href": "must be an array"})
    for entry in value:
        urls = entry.get("urls") if isinstance(entry, dict) else None
        found = list(urls.values()) if isinstance(urls, dict) else [] if urls is None else None
        found = [entry.get("url")] if isinstance(entry, dict) and "url" in entry else found
        for url in found if found is not None else [urls]:
            parts = urlsplit(str(url))
            if parts.scheme not in {"http", "https", "ftp"} or not parts.netloc:
                raise invalid(f"{url} is not a valid URL", "invalid_href", href=[str(url)])
    return value


def _attachments(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise invalid("attachments must be an array of objects", details={"attachments": "is invalid"})
    return value


def discard(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /revision/{4x4}/{seq}``: close it for ever."""
    revision = revision_of(portal, exchange)
    with portal.desk.lock:
        if portal.switches.discard_closed_revision == "refuse" or revision.is_open:
            require_open(portal, revision)
        running = revision.running
        if running is not None:
            raise refused(
                409,
                "apply_in_progress",
                f"Revision {revision.seq} of {revision.view_id} is being applied",
                task_set_id=running.id,
            )
        close(portal, revision)
    return Reply.of(revision_json(revision), 202)


def close(portal: Portal, revision: Revision) -> None:
    """Close a revision without applying it."""
    if revision.is_open:
        revision.closed_at = revision.updated_at = portal.clock.now()
        if revision.submission is not None and revision.submission.state == "pending":
            revision.submission.state = "withdrawn"


def close_named(portal: Portal, path: str) -> None:
    """Close the revision that a path names, by itself or by its source."""
    parts = path.split("/")
    if "revision" in parts:
        view_id, seq = [*parts[parts.index("revision") + 1 :], "", ""][:2]
        revision = portal.desk.revision(view_id, int(seq)) if seq.isdigit() else None
    else:
        number = parts[parts.index("source") + 1] if "source" in parts[:-1] else ""
        source = portal.desk.sources.get(int(number)) if number.isdigit() else None
        revision = source.revision if source is not None else None
    if revision is not None:
        with portal.desk.lock:
            close(portal, revision)


def plan(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/plan``: what applying would do."""
    revision = revision_of(portal, exchange)
    return Reply.of({
        "resource": [{"type": step} for step in steps_of(revision)],
        "links": {},
    })


def steps_of(revision: Revision) -> list[str]:
    """Return the steps of applying a revision, in their order."""
    steps = ["prepare_draft_for_import"]
    if revision.output_schema_id is not None:
        steps.append("set_schema")
    steps.append("apply_metadata")
    if revision.output_schema_id is not None:
        steps.append("upsert_task")
    if revision.permission is not None:
        steps.append("set_permission")
    return [*steps, "set_display_type", "publish", "wait_for_replication"]


def attach(portal: Portal, exchange: Exchange) -> Reply:
    """``POST …/attachment``: keep a file; the revision names it with a later update."""
    revision = revision_of(portal, exchange)
    require_open(portal, revision)
    name = unquote(exchange.headers.get("x-file-name", ""))
    if not name:
        raise malformed("The header X-File-Name names the file")
    content_type = exchange.headers.get("content-type", "application/octet-stream")
    file_id = keep(portal, exchange.body, content_type, name)
    revision.files[file_id] = name
    return Reply.of({"filename": name, "file_id": file_id})


def schedule(portal: Portal, exchange: Exchange) -> Reply:
    """``GET``, ``POST``, ``PUT`` and ``DELETE /schedule/{4x4}``: kept and shown, never run."""
    view = dataset_of(portal, exchange)
    kept = portal.desk.schedules
    if exchange.method in {"POST", "PUT"}:
        kept[view.id] = kept.get(view.id, {"paused": False}) | body_of(exchange)
    elif view.id not in kept:
        raise missing("schedule", view.id)
    shown = kept.pop(view.id) if exchange.method == "DELETE" else kept[view.id]
    own = f"/api/publishing/v1/schedule/{view.id}"
    return Reply.of({"resource": shown, "links": {"show": own}}, 201 if exchange.method == "POST" else 200)
