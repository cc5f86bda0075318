"""Faults that are the same at the portals of all vendors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import to_thread

from airflow_socrata.emulator.clock import http_date

if TYPE_CHECKING:
    import anyio

    from airflow_socrata.emulator.connections import Line
    from airflow_socrata.emulator.faults import Fault, Holds

_PAGE = b"<html><head><title>%s</title></head><body><h1>%s</h1><hr>nginx</body></html>\n"
#: What a proxy answers instead of the portal, as a page.
GATEWAYS = {"bad_gateway": (502, b"Bad Gateway"), "gateway_timeout": (504, b"Gateway Time-out")}


class Broken(Exception):
    """The connection was broken on purpose; there is no reply."""


def reset(line: Line) -> Broken:
    """Reset the connection; returns what is to be raised then."""
    line.reset()
    return Broken()


async def held(holds: Holds, fault: Fault, point: str, limiter: anyio.CapacityLimiter) -> bool:
    """Block at this point until the request is released, if the fault wants that; returns whether it did."""
    if fault.kind != "hold" or fault.args["point"] != point:
        return False
    await to_thread.run_sync(holds.hold, fault.args["hold_id"], limiter=limiter)
    return True


def page(title: bytes, heading: bytes | None = None) -> bytes:
    """Return a page of HTML as proxies make them."""
    return _PAGE % (title, title if heading is None else heading)


def gateway(kind: str) -> tuple[int, bytes]:
    """Return status and page of a proxy's answer."""
    status, title = GATEWAYS[kind]
    return status, page(b"%d %s" % (status, title))


def spoiled(fault: Fault, line: Line) -> bytes | None:
    """Return the body that stands in for that of a request that is done; None: the fault leaves it.

    :raises Broken: the reply is lost.
    """
    if fault.kind == "lost_reply":
        line.close()
        raise Broken
    if fault.kind == "empty_json":
        return b""
    return page(b"Service", b"Please wait") if fault.kind == "not_json" else None


def retry_after(now: float, fault: Fault) -> dict[str, str]:
    """Return the header that tells when to come again: in seconds, or as a date two seconds ahead."""
    wait = fault.args["retry_after"]
    if wait is None:
        return {}
    return {"Retry-After": http_date(now + 2) if wait == "date" else str(wait)}
