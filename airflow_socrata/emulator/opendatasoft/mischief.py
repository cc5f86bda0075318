"""Carries out the faults: before a request is done, and after."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread

from airflow_socrata.emulator.mischief import GATEWAYS, gateway, held, reset, retry_after, spoiled
from airflow_socrata.emulator.opendatasoft import actions, engine
from airflow_socrata.emulator.opendatasoft.changing import seconds_time
from airflow_socrata.emulator.opendatasoft.errors import Refused, Reply, reply_of

if TYPE_CHECKING:
    import anyio
    from starlette.requests import Request

    from airflow_socrata.emulator.connections import Line
    from airflow_socrata.emulator.faults import Fault
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal


async def before(
    portal: Portal, exchange: Exchange, request: Request, line: Line, limiter: anyio.CapacityLimiter
) -> int:
    """Read the request's body and do what the faults want before anything is done; return its size.

    :return: the fault's reply is raised as :class:`Answered`.
    :raises Broken: the connection was broken.
    """
    if exchange.fault("reset_before"):
        raise reset(line)
    size = await _body(portal, exchange, request, line, limiter)
    for fault in exchange.faults:
        if await held(portal.holds, fault, "before", limiter):
            continue
        if fault.kind in {"person_publishes", "person_edits"}:
            await to_thread.run_sync(_person, portal, exchange, fault, limiter=limiter)
        elif not fault.args.get("after_commit"):
            reply = _reply(portal, exchange, fault)
            if reply is not None:
                raise Answered(reply)
    return size


class Answered(Exception):
    """A fault answers instead of the portal."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


async def _body(
    portal: Portal, exchange: Exchange, request: Request, line: Line, limiter: anyio.CapacityLimiter
) -> int:
    waiting = list(exchange.faults)
    cut = exchange.fault("reset_request")
    form = request.headers.get("content-type", "").lower().startswith("multipart/")
    seen, kept = 0, bytearray()
    # A form may bring a large file: it goes to the disk, not into memory.
    with tempfile.NamedTemporaryFile(dir=portal.folder, delete=False) if form else _nothing() as file:
        if file is not None:
            exchange.form = Path(file.name)
        async for part in request.stream():
            seen += len(part)
            if cut is not None and seen >= cut.args["after_bytes"]:
                raise reset(line)
            if file is not None:
                file.write(part)
            else:
                kept += part
            while waiting:
                await held(portal.holds, waiting.pop(), "body", limiter)
    exchange.body = bytes(kept)
    if cut is not None:
        raise reset(line)
    return seen


class _nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _person(portal: Portal, exchange: Exchange, fault: Fault) -> None:
    found = re.search(r"/datasets/(da_[a-z0-9]+)", exchange.path)
    with portal.books:
        dataset = portal.datasets.get(found[1]) if found else None
        if dataset is None:
            return
        engine.tick(portal)
        user = str(fault.args["user"])
        if fault.kind == "person_edits":
            earlier = dataset.config.copy()
            title = {"value": fault.args["value"]}
            dataset.config.metadata.setdefault("default", {})["title"] = title
            portal.note(dataset, user, ("metadata",), earlier)
            return
        try:
            actions.publish(portal, dataset, user)
        except Refused:
            return


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
        elif fault.args.get("after_commit"):
            reply = _reply(portal, exchange, fault) or reply
    return reply


def internal(exchange: Exchange) -> Reply:
    """Return the 500."""
    error = Refused(500, "internal_error", "Internal error.", key="InternalException")
    return reply_of(error, exchange.path)


def _reply(portal: Portal, exchange: Exchange, fault: Fault) -> Reply | None:
    args = fault.args
    if fault.kind == "internal":
        return internal(exchange)
    if fault.kind == "empty_404":
        return Reply(404, b"", "")
    if fault.kind == "error":
        made = Refused(args["status"], args["code"], args["message"].replace("{", "(").replace("}", ")"))
        made.key = args["code"]
        return reply_of(made, exchange.path)
    if fault.kind == "throttled":
        return _throttled(portal, fault)
    if fault.kind == "unavailable":
        return Reply(503, b"", "", retry_after(portal.clock.now(), fault))
    if fault.kind in GATEWAYS:
        return Reply(*gateway(fault.kind), "text/html")
    return None


def _throttled(portal: Portal, fault: Fault) -> Reply:
    reset = seconds_time(portal.clock.now() + fault.args["reset_seconds"])
    body = {
        "errorcode": fault.args["errorcode"],
        "reset_time": reset,
        "limit_time_unit": "day",
        "call_limit": 10000,
        "error": "Too many requests on the domain. Please contact the domain administrator.",
    }
    reply = Reply.of(body, 429)
    reply.headers |= retry_after(portal.clock.now(), fault)
    return reply
