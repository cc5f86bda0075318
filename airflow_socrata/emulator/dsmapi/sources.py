"""Sources: create, read, attach to a revision, read anew with other options, load, download."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.calls import (
    body_of,
    named_dataset,
    named_revision,
    object_in,
    require_open,
    revision_of,
    source_of,
)
from airflow_socrata.emulator.dsmapi.envelopes import source_json
from airflow_socrata.emulator.dsmapi.errors import invalid, malformed
from airflow_socrata.emulator.dsmapi.fetching import fetch
from airflow_socrata.emulator.dsmapi.ingesting import follow_view, ingest, load_view, offer_defaults
from airflow_socrata.emulator.dsmapi.model import Source, Upload
from airflow_socrata.emulator.dsmapi.parsing import ParseOptions
from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.model import Revision

_NEEDED = {
    "upload": ("filename",),
    "url": ("url",),
    "view": ("fourfour",),
    "connection_agent": ("agent_uid", "namespace"),
}


def create_in_revision(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /revision/{4x4}/{seq}/source``."""
    revision = revision_of(portal, exchange)
    require_open(portal, revision)
    return Reply.of(source_json(_create(portal, exchange, revision)), 201)


def create(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /source``: a source that belongs to no revision yet, unless the body names one."""
    portal.publisher(exchange)
    body = body_of(exchange)
    named = "fourfour" in body or body.get("revision") is not None
    revision = _revision_in(portal, exchange, body) if named else None
    return Reply.of(source_json(_create(portal, exchange, revision)), 201)


def _create(portal: Portal, exchange: Exchange, revision: Revision | None) -> Source:
    user = portal.publisher(exchange)
    body = body_of(exchange)
    kind = object_in(body, "source_type")
    if kind.get("type") not in _NEEDED:
        raise invalid(f"Unknown source type {kind.get('type')}", details={"source_type": "is invalid"})
    for key in _NEEDED[kind["type"]]:
        if not isinstance(kind.get(key), str) or not kind[key]:
            raise invalid(f"{key} can't be blank", details={key: "can't be blank"})
    options = options_of(object_in(body, "parse_options"), _preset(portal, revision))
    source = Source(portal.desk.number(), dict(kind), options, user.id, portal.clock.now())
    if kind["type"] == "view":
        source.kind["loaded"] = False
        source.view = portal.view(kind["fourfour"], exchange.user)
    _take_in(portal, source, revision)
    if kind["type"] == "view":
        follow_view(portal, source)
    elif kind["type"] == "url":
        fetch(portal, source, exchange)
    elif kind["type"] == "connection_agent":
        source.failed_at = portal.clock.now()
        source.failure = {
            "message": f"The agent {kind['agent_uid']} is not connected",
            "key": "agent_not_connected",
        }
    return source


def _take_in(portal: Portal, source: Source, revision: Revision | None) -> None:
    with portal.desk.lock:
        portal.desk.sources[source.id] = source
        source.revision = revision
        if revision is not None:
            revision.sources.append(source)
            revision.updated_at = portal.clock.now()


def _preset(portal: Portal, revision: Revision | None) -> dict[str, Any]:
    config = portal.desk.configs.get(revision.config or "") if revision is not None else None
    return dataclasses.asdict(config.options) if config is not None else {}


def options_of(given: dict[str, Any], preset: dict[str, Any] | None = None) -> ParseOptions:
    """Return parse options made of what was sent, over what is preset.

    :raises PortalError: 422 for an option that makes no sense.
    """
    merged = (preset or {}) | {key: value for key, value in given.items() if value is not None}
    if isinstance(merged.get("parse_source"), str):
        # Clients send the words, too.
        merged["parse_source"] = merged["parse_source"].lower() != "false"
    try:
        return ParseOptions.from_json(merged)
    except (ValueError, TypeError) as error:
        raise invalid(str(error), details={"parse_options": str(error)}) from None


def listing(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /revision/{4x4}/{seq}/source``, newest first."""
    revision = revision_of(portal, exchange)
    return Reply.of([source_json(each, look=True) for each in reversed(revision.sources)])


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /source/{id}``."""
    return Reply.of(source_json(source_of(portal, exchange), look=True))


def add_to_revision(portal: Portal, exchange: Exchange) -> Reply:
    """``PATCH /source/{id}``: attach to a revision, named in an object or flat."""
    source = source_of(portal, exchange)
    revision = _revision_in(portal, exchange, body_of(exchange))
    with portal.desk.lock:
        # Several revisions may share a source: each layer of a file can go to a dataset of its own.
        if source not in revision.sources:
            revision.sources.append(source)
        source.revision = revision
        revision.updated_at = portal.clock.now()
        if not source.options.parse_source and source.finished_at is not None:
            revision.blob_id = source.id
        offer_defaults(portal, source, source.schemas)
    return Reply.of(source_json(source), 202)


def _revision_in(portal: Portal, exchange: Exchange, body: dict[str, Any]) -> Revision:
    """Return the open revision that a body names, in an object of its own or flat."""
    named = object_in(body, "revision") or body
    view_id, seq = named.get("fourfour"), named.get("revision_seq")
    if not isinstance(view_id, str) or isinstance(seq, bool) or not str(seq).isdigit():
        raise malformed("A source is attached to a revision by fourfour and revision_seq")
    view = named_dataset(portal, exchange, view_id)
    revision = named_revision(portal, view.id, int(str(seq)))
    require_open(portal, revision)
    return revision


def change_options(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /source/{id}/options``: a new source, with the same bytes read anew; the old one stays."""
    old = source_of(portal, exchange)
    require_open(portal, old.revision)
    body = body_of(exchange)
    # What is not sent stays as it was.
    options = options_of(object_in(body, "parse_options"), dataclasses.asdict(old.options))
    source = Source(
        portal.desk.number(),
        dict(old.kind),
        options,
        portal.publisher(exchange).id,
        portal.clock.now(),
        content_type=old.content_type,
        view=old.view,
    )
    _take_in(portal, source, old.revision)
    if old.upload is not None and old.upload.committed:
        path = portal.desk.new_file()
        shutil.copyfile(old.upload.path, path)
        source.upload = Upload(path, old.upload.content_type, committed=True)
        ingest(portal, source, exchange)
    elif source.view is not None:
        follow_view(portal, source)
    return Reply.of(source_json(source), 201)


def load(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /source/{id}/load``: fetch the rows of a view source."""
    source = source_of(portal, exchange)
    require_open(portal, source.revision)
    if source.view is None:
        raise malformed(f"Source {source.id} is a {source.kind['type']} source; only views are loaded")
    load_view(portal, source)
    return Reply.of(source_json(source))
