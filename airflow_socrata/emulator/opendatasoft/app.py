"""The ASGI application: routes, sign-in, faults, and the headers of every reply."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import anyio
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from airflow_socrata.emulator.clock import http_date
from airflow_socrata.emulator.mischief import Broken
from airflow_socrata.emulator.opendatasoft import engine
from airflow_socrata.emulator.opendatasoft.accounts import require
from airflow_socrata.emulator.opendatasoft.admin import ORDERS
from airflow_socrata.emulator.opendatasoft.automation.routes import ROUTES as AUTOMATION_ROUTES
from airflow_socrata.emulator.opendatasoft.errors import (
    AUTOMATION,
    EXPLORE,
    MANAGEMENT,
    Refused,
    Reply,
    not_found,
    reply_of,
)
from airflow_socrata.emulator.opendatasoft.explore.routes import ROUTES as EXPLORE_ROUTES
from airflow_socrata.emulator.opendatasoft.management.routes import ROUTES as MANAGEMENT_ROUTES
from airflow_socrata.emulator.opendatasoft.mischief import Answered, after, before, internal
from airflow_socrata.emulator.opendatasoft.portal import Exchange
from airflow_socrata.emulator.opendatasoft.push import ROUTES as PUSH_ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from airflow_socrata.emulator.connections import Connections
    from airflow_socrata.emulator.opendatasoft.portal import Portal

    Service = Callable[[Portal, Exchange], Reply]

log = logging.getLogger(__name__)

_SECRET_HEADERS = frozenset({"authorization", "cookie"})
_SECRET_QUERY = frozenset({"apikey", "pushkey"})


def _pattern(path: str) -> re.Pattern[str]:
    # Both forms, with a slash at the end and without, are answered where they are.
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "/?")


_TABLE = [
    (method, _pattern(path), service, right)
    for method, path, service, right in (
        *AUTOMATION_ROUTES,
        *MANAGEMENT_ROUTES,
        *EXPLORE_ROUTES,
        *PUSH_ROUTES,
    )
]


class Application:
    """The portal as an ASGI application."""

    def __init__(self, portal: Portal, connections: Connections) -> None:
        self.portal = portal
        self._connections = connections
        # Held requests sit in threads: more than a test will ever hold.
        self._limiter = anyio.CapacityLimiter(200)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.url.path.startswith("/_emulator"):
            response = await self._order(request)
            await response(scope, receive, send)
            return
        await self._serve(request, scope, receive, send)

    async def _order(self, request: Request) -> Response:
        name = request.url.path.removeprefix("/_emulator").strip("/") or "info"
        if name not in ORDERS:
            return _json({"error": f"no order {name}; the orders are {', '.join(ORDERS)}"}, 404)
        try:
            order = json.loads(await request.body() or b"{}")
            result = await to_thread.run_sync(ORDERS[name], self.portal, order, limiter=self._limiter)
        except Refused as error:
            return _json({"error": error.message}, 400)
        except (ValueError, TypeError, KeyError) as error:
            return _json({"error": f"{name}: {error}"}, 400)
        return _json(result)

    async def _serve(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        portal = self.portal
        raw = scope.get("raw_path") or request.url.path.encode()
        path = raw.decode("latin-1").partition("?")[0]
        exchange = Exchange(
            request.method,
            path,
            parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            request.headers,
            f"{scope['scheme']}://{request.headers.get('host', 'localhost')}",
            faults=portal.faults.hits(request.method, unquote(path)),
        )
        entry = self._note(exchange)
        line = self._connections.of(scope)
        try:
            entry["request_bytes"] = await before(portal, exchange, request, line, self._limiter)
            reply = await to_thread.run_sync(self._answer, exchange, limiter=self._limiter)
            reply = await after(portal, exchange, reply, line, self._limiter)
        except Answered as answered:
            reply = answered.reply
        except Broken:
            await line.gone(receive)
            return
        except ClientDisconnect:
            # The client went away while it sent: nothing was done, nobody waits for a reply.
            return
        finally:
            if exchange.form is not None:
                exchange.form.unlink(missing_ok=True)
        entry["status"] = reply.status
        entry["user"] = exchange.user.name if exchange.user else None
        await self._send(exchange, reply, send, line, receive)

    def _note(self, exchange: Exchange) -> dict[str, Any]:
        self.portal.sequence += 1
        entry = {
            "seq": self.portal.sequence,
            "method": exchange.method,
            "path": exchange.path,
            "query": [list(pair) for pair in exchange.query if pair[0] not in _SECRET_QUERY],
            "status": None,
            "user": None,
            "request_bytes": 0,
            "time": self.portal.clock.now(),
            "headers": {k: v for k, v in exchange.headers.items() if k not in _SECRET_HEADERS},
        }
        self.portal.log.append(entry)
        return entry

    def _answer(self, exchange: Exchange) -> Reply:
        portal = self.portal
        try:
            service, right = self._route(exchange)
            with portal.books:
                engine.tick(portal)
                query = dict(exchange.query)
                if right != "push":
                    exchange.user = portal.accounts.sign_in(
                        exchange.path, exchange.headers, query, portal.switches
                    )
                if right not in {"push", "explore"}:
                    require(exchange.user, right, portal.switches)
                return service(portal, exchange)
        except Refused as error:
            return reply_of(error, exchange.path)
        except Exception:
            log.exception("the emulator failed at %s %s", exchange.method, exchange.path)
            return internal(exchange)

    def _route(self, exchange: Exchange) -> tuple[Service, str | None]:
        switches = self.portal.switches
        absent = (not switches.automation and exchange.path.startswith(AUTOMATION)) or (
            not switches.management and exchange.path.startswith(MANAGEMENT)
        )
        methods = set()
        for method, pattern, service, right in () if absent else _TABLE:
            match = pattern.fullmatch(exchange.path)
            if match is None:
                continue
            if method == exchange.method:
                exchange.parts = {name: unquote(value) for name, value in match.groupdict().items()}
                return service, right
            methods.add(method)
        if methods:
            raise Refused(405, "method_not_allowed", f'Method "{exchange.method}" not allowed.')
        raise not_found()

    async def _send(self, exchange: Exchange, reply: Reply, send: Send, line: Any, receive: Receive) -> None:
        headers = {"Date": http_date(self.portal.clock.now())} | reply.headers
        if exchange.path.startswith(EXPLORE):
            headers |= {
                "X-RateLimit-Limit": "10000000",
                "X-RateLimit-Remaining": "9999959",
                "X-RateLimit-Reset": "2100-01-01 00:00:00+00:00",
            }
        if reply.content_type:
            headers["Content-Type"] = reply.content_type
        body = reply.body
        if reply.status != 204:
            headers["Content-Length"] = str(len(body))
        raw = [(k.lower().encode("latin-1"), v.encode("latin-1", "replace")) for k, v in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        slow, cut = exchange.fault("slow"), exchange.fault("reset_reply")
        if cut is not None:
            part = body[: cut.args["after_bytes"]]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            line.reset()
            await line.gone(receive)
            return
        if slow is not None:
            size = slow.args["chunk"]
            for start in range(0, len(body), size):
                part = body[start : start + size]
                await send({"type": "http.response.body", "body": part, "more_body": True})
                await anyio.sleep(slow.args["pause"])
            body = b""
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")
