"""What hangs on a dataset beside its records: attachments, alternative exports, feedbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft.automation.pages import page
from airflow_socrata.emulator.opendatasoft.automation.resources import sent
from airflow_socrata.emulator.opendatasoft.changing import dataset_of, keep_file, seconds_time
from airflow_socrata.emulator.opendatasoft.errors import Reply, invalid, not_found
from airflow_socrata.emulator.opendatasoft.forms import fields_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.opendatasoft.model import StoredFile
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

    Service = Callable[[Portal, Exchange], Reply]
    Known = dict[str, tuple[dict[str, Any], StoredFile]]

EXPORTS = "alternative_exports"
_REQUIRED = ["This field is required."]


def listing(kind: str) -> Service:
    """Return the service of ``GET /datasets/{uid}/attachments|alternative_exports/``."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        found = [shown for shown, _ in dataset_of(portal, exchange).extras[kind].values()]
        return page(exchange, found if kind == EXPORTS else [_attachment(shown) for shown in found])

    return service


def add_attachment(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /datasets/{uid}/attachments/``."""
    return Reply.of(_attachment(add_extra(portal, exchange, "attachments", "at")), 201)


def _attachment(shown: dict[str, Any]) -> dict[str, Any]:
    """Return an attachment as this API shows it; the Management API shows more."""
    return {name: shown[name] for name in ("uid", "filename", "mimetype", "created_at")}


def add_extra(portal: Portal, exchange: Exchange, kind: str, prefix: str) -> dict[str, Any]:
    """Keep the file that a request brings, as an attachment or alternative export; in both APIs."""
    dataset = dataset_of(portal, exchange)
    file, uid = keep_file(portal, exchange, {}), portal.new_uid(prefix)
    shown = {
        "uid": uid,
        "title": file.filename,
        "filename": file.filename,
        "mimetype": file.mimetype,
        "url": f"{exchange.origin}{exchange.path.rstrip('/')}/{uid}/download/",
        "created_at": seconds_time(portal.clock.now()),
    }
    dataset.extras[kind][uid] = (shown, file)
    return shown


def add_export(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /datasets/{uid}/alternative_exports/``: a form with title, type and the file."""
    dataset, given = dataset_of(portal, exchange), fields_of(exchange)
    wrong = {name: _REQUIRED for name in ("title", "type") if not given.get(name)}
    if given.get("type") not in {None, "", "uploaded_file"}:
        wrong["type"] = [f"{given['type']} is not uploaded_file."]
    if wrong:
        raise invalid(wrong)
    file, uid = keep_file(portal, exchange, {}), portal.new_uid("ae")
    now = seconds_time(portal.clock.now())
    shown = {
        "uid": uid,
        "title": given["title"],
        "description": given.get("description", ""),
        "mimetype": file.mimetype,
        "type": "uploaded_file",
        "filename": file.filename,
        "created_at": now,
        "updated_at": now,
    }
    dataset.extras[EXPORTS][uid] = (shown, file)
    return Reply.of(shown, 201)


def _one(portal: Portal, exchange: Exchange, kind: str) -> tuple[Known, str]:
    known, uid = dataset_of(portal, exchange).extras[kind], exchange.parts["part"]
    if uid not in known:
        raise not_found()
    return known, uid


def read(kind: str) -> Service:
    """Return the service of reading one."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        known, uid = _one(portal, exchange, kind)
        return Reply.of(known[uid][0] if kind == EXPORTS else _attachment(known[uid][0]))

    return service


def delete(kind: str) -> Service:
    """Return the service of deleting one."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        known, uid = _one(portal, exchange, kind)
        del known[uid]
        return Reply.empty()

    return service


def change_export(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /datasets/{uid}/alternative_exports/{part}/``: title and description; the file stays."""
    known, uid = _one(portal, exchange, EXPORTS)
    body = exchange.object()
    wrong = {name: _REQUIRED for name in ("title", "type") if not isinstance(body.get(name), str)}
    if wrong:
        raise invalid(wrong)
    shown = known[uid][0]
    shown |= {"title": body["title"], "description": str(body.get("description", shown["description"]))}
    shown["updated_at"] = seconds_time(portal.clock.now())
    return Reply.of(shown)


def download(kind: str) -> Service:
    """Return the service of downloading one, in both APIs."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        known, uid = _one(portal, exchange, kind)
        file = known[uid][1]
        return sent(file, file.mimetype)

    return service


def feedbacks(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/feedbacks/``: those on a record, or archived, or not, where that is asked for."""
    found = list(dataset_of(portal, exchange).feedbacks.values())
    record, archived = exchange.first("record_id"), exchange.first("is_archived")
    if record is not None:
        found = [one for one in found if one["record_id"] == record]
    if archived is not None:
        found = [one for one in found if one["is_archived"] == (archived.lower() == "true")]
    return page(exchange, found)


def feedback(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/feedbacks/{part}/`` and ``POST …/archive/``."""
    known, uid = dataset_of(portal, exchange).feedbacks, exchange.parts["part"]
    if uid not in known:
        raise not_found()
    if exchange.method == "POST":
        known[uid]["is_archived"] = True
    return Reply.of(known[uid])
