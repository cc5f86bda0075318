"""Carries out the faults that do not belong to one service: before a request is done, and after."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from airflow_socrata.emulator.dsmapi.errors import refused
from airflow_socrata.emulator.dsmapi.revisions import close_named
from airflow_socrata.emulator.edge.accounts import USERS
from airflow_socrata.emulator.edge.jobs import Job
from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply
from airflow_socrata.emulator.edge.publication import open_copy
from airflow_socrata.emulator.errors import PortalError, core_error, locked, soda_error
from airflow_socrata.emulator.mischief import GATEWAYS, gateway, held, page, reset, retry_after, spoiled

if TYPE_CHECKING:
    from collections.abc import Callable

    import anyio
    from starlette.requests import Request

    from airflow_socrata.emulator.connections import Line
    from airflow_socrata.emulator.faults import Fault
    from airflow_socrata.emulator.store.model import View

# Calls that begin jobs by themselves.
_WITH_JOBS = ("/publication", "/imports2", "/imports2/")


async def before(
    portal: Portal, exchange: Exchange, request: Request, line: Line, limiter: anyio.CapacityLimiter
) -> bytes:
    """Read the request's body and do what the faults want before anything is done.

    :raises Broken: the connection was broken.
    :raises PortalError: a fault answers instead of the portal.
    """
    if exchange.fault("reset_before"):
        raise reset(line)
    body = await _body(exchange, request, line)
    for fault in exchange.faults:
        if await held(portal.holds, fault, "before", limiter):
            continue
        if fault.kind == "person_copy" and not fault.args["after"]:
            await to_thread.run_sync(_person_copies, portal, exchange, fault, limiter=limiter)
        elif fault.kind == "pending_geocoding":
            _geocode(portal, exchange, fault)
        elif fault.kind == "revision_closed":
            close_named(portal, exchange.path)
        elif fault.kind in _REPLIES and not fault.args.get("after_commit"):
            raise PortalError(_as_error(_REPLIES[fault.kind](portal, exchange, fault)))
    return body


async def _body(exchange: Exchange, request: Request, line: Line) -> bytes:
    cut = exchange.fault("reset_request")
    if cut is None:
        return await request.body()
    seen = 0
    async for part in request.stream():
        seen += len(part)
        if seen >= cut.args["after_bytes"]:
            break
    raise reset(line)


async def after(
    portal: Portal, exchange: Exchange, reply: Reply, line: Line, limiter: anyio.CapacityLimiter
) -> Reply:
    """Do what the faults want when the request is done.

    :raises Broken: the connection was broken.
    """
    for fault in exchange.faults:
        if await held(portal.holds, fault, "after_commit", limiter):
            continue
        body = spoiled(fault, line)
        if body is not None:
            reply = Reply(200, body)
        elif fault.kind == "person_copy" and fault.args["after"]:
            await to_thread.run_sync(_person_copies, portal, exchange, fault, limiter=limiter)
        elif fault.kind in _REPLIES and fault.args.get("after_commit"):
            reply = _REPLIES[fault.kind](portal, exchange, fault)
        elif fault.kind == "accepted" and not exchange.path.partition(".")[0].endswith(_WITH_JOBS):
            reply = _plain_accepted(portal, exchange, fault)
    return reply


def _view_of(portal: Portal, exchange: Exchange) -> View | None:
    for part in exchange.path.split("/"):
        view = portal.store.find(part.partition(".")[0])
        if view is not None:
            return view
    return None


def _person_copies(portal: Portal, exchange: Exchange, fault: Fault) -> None:
    view = _view_of(portal, exchange)
    source = view.dataset.published if view is not None else None
    if source is not None and source.dataset.unpublished is None:
        open_copy(portal, source, USERS[fault.args["user"]], fault.args["method"])


def _geocode(portal: Portal, exchange: Exchange, fault: Fault) -> None:
    view = _view_of(portal, exchange)
    if view is not None:
        view.dataset.pending_geocoding = {"total": fault.args["total"], "view": fault.args["view"]}
        view.dataset.pending_step = fault.args["step"]


def _as_error(reply: Reply) -> Any:
    from airflow_socrata.emulator.errors import ErrorReply

    return ErrorReply(reply.status, reply.body, reply.content_type, reply.headers)


def _of(error: PortalError) -> Reply:
    return Reply(error.reply.status, error.reply.body, error.reply.content_type, dict(error.reply.headers))


def _throttled(portal: Portal, exchange: Exchange, fault: Fault) -> Reply:
    reply = _of(soda_error(429, "too-many-requests", "Too many requests"))
    reply.headers |= retry_after(portal.clock.now(), fault)
    return reply


def _locked(portal: Portal, exchange: Exchange, fault: Fault) -> Reply:
    view = _view_of(portal, exchange)
    return _of(locked(view.id if view is not None else ""))


def internal(*_: object) -> Reply:
    """Return the web server's 500."""
    body = {"error": True, "message": "Internal error", "status": 500}
    return Reply(500, json.dumps(body).encode(), headers={"X-Error-Message": "Internal error"})


def _internal_error(portal: Portal, exchange: Exchange, fault: Fault) -> Reply:
    tag = str(uuid.uuid4())
    return _of(soda_error(500, "internal-error", f"Internal error: {tag}", {"tag": tag}))


def _out_of_sync(portal: Portal, exchange: Exchange, fault: Fault) -> Reply:
    return _of(soda_error(500, "schema-out-of-sync", "The schema is out of sync"))


def _gateway(portal: Portal, exchange: Exchange, fault: Fault) -> Reply:
    return Reply(*gateway(fault.kind), "text/html")


def _unavailable(portal: Portal, exchange: Exchange, fault: Fault) -> Reply:
    return Reply(503, b"", "", retry_after(portal.clock.now(), fault))


def _error(portal: Portal, exchange: Exchange, fault: Fault) -> Reply:
    status, code, message = fault.args["status"], fault.args["code"], fault.args["message"]
    family = fault.args["family"]
    if family == "core":
        return _of(core_error(status, code, message))
    if family == "soda":
        return _of(soda_error(status, code, message))
    if family == "dsmapi":
        return _of(refused(status, code, message))
    if family == "html":
        return Reply(status, page(message.encode()), "text/html")
    return Reply(status, b"", "")


def _plain_accepted(portal: Portal, exchange: Exchange, fault: Fault) -> Reply:
    view = _view_of(portal, exchange)
    if view is None:
        raise core_error(404, "not_found", "Not found")
    job = Job(
        "other",
        view.id,
        0,
        exchange.path,
        lambda: view,
        form=fault.args["form"],
        retry_after=fault.args["retry_after"],
    )
    portal.jobs.add(job)
    body, headers = job.accepted(exchange.request_id)
    reply = Reply.of(body, 202)
    reply.headers |= headers
    return reply


_REPLIES: dict[str, Callable[[Portal, Exchange, Fault], Reply]] = {
    "throttled": _throttled,
    "locked": _locked,
    "internal": internal,
    "internal_error": _internal_error,
    "out_of_sync": _out_of_sync,
    **dict.fromkeys(GATEWAYS, _gateway),
    "unavailable": _unavailable,
    "error": _error,
}
