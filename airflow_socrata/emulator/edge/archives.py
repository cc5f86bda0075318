"""The archive of a dataset that is enrolled: its versions, and a file of each that was asked for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.clock import iso_utc
from airflow_socrata.emulator.dsmapi import archiving
from airflow_socrata.emulator.edge.exports import display_names
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.reading import SYSTEM_NEW, TYPES, run, table_bytes, writers
from airflow_socrata.emulator.errors import core_error, invalid_request
from airflow_socrata.emulator.soql.compiling import Compiler
from airflow_socrata.emulator.soql.parsing import Query
from airflow_socrata.emulator.store.model import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import Copy, View


@dataclass(slots=True)
class Version:
    """One version in the archive; ``looks`` is None until its file was asked for."""

    number: int
    start: int
    created_at: float
    copy: Copy
    visible: bool = True
    looks: int | None = None


def note(portal: Portal, view: View) -> None:
    """Keep the rows of a dataset as they are, if it is enrolled and they are new."""
    dataset, published = view.dataset, view.dataset.published
    if dataset.group not in portal.desk.enrolled or published is None:
        return
    kept = portal.archives.setdefault(dataset.group, {})
    with dataset.write_lock(portal.switches.write_lock_seconds, view.id):
        number = published.copy.version
        if number not in kept:
            start = max(kept, default=number - 1)
            kept[number] = Version(number, start, portal.clock.now(), dataset.freeze(published.copy))


def post(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/archival?id=&method=enroll``."""
    reply = archiving.enroll(portal, exchange)
    found = portal.store.find(exchange.first("id") or "")
    if found is not None:
        note(portal, found)
    return reply


def get(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/archival?id=`` lists the versions, newest first; ``method=status&version=``: the file's."""
    view = portal.view(exchange.first("id") or "", exchange.user)
    note(portal, view)
    if exchange.first("method") == "status":
        return Reply.of(_status(_version(portal, view, exchange), view))
    if exchange.first("method") is not None:
        raise invalid_request(f"Unknown method: {exchange.first('method')}")
    listed = [
        {
            "version": each.number,
            "startVersion": each.start,
            "createdAt": iso_utc(each.created_at),
            "visible": each.visible,
        }
        for each in sorted(_kept(portal, view).values(), key=lambda each: -each.number)
    ]
    before, limit = exchange.first("beforeDate"), exchange.first("limit")
    if before is not None:
        listed = [each for each in listed if str(each["createdAt"]) < before]
    return Reply.of(listed[: int(limit)] if limit is not None and limit.isdigit() else listed)


def _kept(portal: Portal, view: View) -> dict[int, Version]:
    return portal.archives.get(view.dataset.group, {})


def _version(portal: Portal, view: View, exchange: Exchange) -> Version:
    asked = exchange.first("version") or ""
    found = _kept(portal, view).get(int(asked)) if asked.isdigit() else None
    if found is None:
        raise core_error(404, "not_found", f"Cannot find version {asked} in the archive", {"id": view.id})
    return found


def _status(version: Version, view: View) -> dict[str, Any]:
    name = f"emulator.{view.dataset.group}"
    shown: dict[str, Any] = {"status": "not_started", "dataset": name, "version": version.number}
    if version.looks is None:
        return shown
    if version.looks > 0:
        version.looks -= 1
        return shown | {"status": "in_progress"}
    place = f"compressed/materializations/v3/{name}/{version.number}"
    places = {"rowLocation": f"{place}/rows", "columnLocation": f"{place}/columns"}
    return shown | {"status": "done", **places, "refSize": version.copy.rows, "gzipped": True}


def put(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/archival?id=&version=``: ``method=createArchive``, or ``setVisibility&visible=``."""
    view = portal.view(exchange.first("id") or "", exchange.user, "update_view")
    note(portal, view)
    version = _version(portal, view, exchange)
    match exchange.first("method"):
        case "createArchive":
            if version.looks is None:
                version.looks = portal.switches.archive_looks
        case "setVisibility":
            if exchange.first("visible") not in {"true", "false"}:
                raise invalid_request("visible must be true or false")
            version.visible = exchange.first("visible") == "true"
        case method:
            raise invalid_request(f"Unknown method: {method}")
    return Reply.of({})


def export(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/archival.csv?id=&version=&method=export``: the file, once it was made."""
    view = portal.view(exchange.first("id") or "", exchange.user)
    version = _version(portal, view, exchange)
    if exchange.first("method") != "export" or version.looks != 0:
        raise core_error(404, "not_found", f"Version {version.number} has no file", {"id": view.id})
    shown = dataclasses.replace(view, copy=version.copy, replica=None, stage=PUBLISHED)
    compiled = Compiler(version.copy, view.dataset.row_ids, SYSTEM_NEW).compile(Query())
    made = writers(shown, compiled, plain_ids=False, as_csv=True)
    body = table_bytes(display_names(version.copy, compiled), run(shown, compiled), made, ",")
    return Reply(200, body, TYPES["csv"])


TABLE: tuple[tuple[str, str, Callable[[Portal, Exchange], Reply]], ...] = (
    ("/api/archival", "POST", post),
    ("/api/archival.json", "POST", post),
    ("/api/archival", "GET", get),
    ("/api/archival", "PUT", put),
    ("/api/archival.csv", "GET", export),
)
