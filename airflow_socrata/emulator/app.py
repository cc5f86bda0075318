"""The ASGI application: routes, sign-in, faults, and the headers of every reply."""

from __future__ import annotations

import gzip
import json
import logging
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_socrata.emulator.clock import http_date
from airflow_socrata.emulator.dsmapi import progress, routes
from airflow_socrata.emulator.dsmapi.errors import refused, translated
from airflow_socrata.emulator.dsmapi.links import BASE
from airflow_socrata.emulator.edge import (
    access,
    approvals,
    archives,
    catalog,
    columns,
    exports,
    files,
    legacy_rows,
    metadata,
    publication,
    reading,
    rows,
    soda3,
    users,
    views,
)
from airflow_socrata.emulator.edge.admin import ORDERS, BadOrder
from airflow_socrata.emulator.edge.mischief import after, before, internal
from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply
from airflow_socrata.emulator.errors import PortalError, core_error
from airflow_socrata.emulator.imports import services as imports
from airflow_socrata.emulator.mischief import Broken
from airflow_socrata.emulator.sign_in import api_keys, oauth
from airflow_socrata.emulator.sign_in.callers import who_calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from airflow_socrata.emulator.connections import Connections

log = logging.getLogger(__name__)

_SECRET_HEADERS = frozenset({"authorization", "x-app-token", "cookie", "x-csrf-token"})
_SECRET_PARAMETER = re.compile("app_token|secret|^code$")

# (path, method, service); {view_id} may carry a suffix.
TABLE: tuple[tuple[str, str, Callable[[Portal, Exchange], Reply]], ...] = (
    ("/api/views", "GET", views.search),
    ("/api/views", "POST", views.create),
    ("/api/views.json", "GET", views.search),
    ("/api/views.json", "POST", views.create),
    ("/api/views/{view_id}", "GET", views.read),
    ("/api/views/{view_id}", "PUT", views.update),
    ("/api/views/{view_id}", "DELETE", views.delete),
    ("/api/views/{view_id}/columns", "GET", columns.list_columns),
    ("/api/views/{view_id}/columns.json", "GET", columns.list_columns),
    ("/api/views/{view_id}/columns", "POST", columns.add_columns),
    ("/api/views/{view_id}/columns.json", "POST", columns.add_columns),
    ("/api/views/{view_id}/columns/{column}", "PUT", columns.change_column),
    ("/api/views/{view_id}/columns/{column}", "DELETE", columns.drop_column),
    ("/api/views/{view_id}/publication", "POST", publication.publication),
    ("/api/views/{view_id}/publication.json", "POST", publication.publication),
    ("/api/views/{view_id}/publication", "GET", publication.poll),
    ("/api/views/{view_id}/publication.json", "GET", publication.poll),
    ("/api/views/{view_id}/replication.json", "GET", publication.replication),
    ("/api/views/{view_id}/replication", "GET", publication.replication),
    ("/api/views/{view_id}/files/{file_id}", "GET", files.download),
    *exports.TABLE,
    ("/api/assets", "POST", files.upload),
    ("/api/assets/{file_id}", "GET", files.download),
    ("/api/views/{view_id}", "POST", files.replace_file),
    *imports.TABLE,
    ("/api/geocoding/{view_id}", "GET", publication.geocoding),
    ("/api/migrations/{view_id}", "GET", publication.migrations),
    ("/api/users/current", "GET", users.current),
    ("/api/users/current.json", "GET", users.current),
    ("/api/users/{user_id}", "GET", users.read),
    *catalog.TABLE,
    *soda3.TABLE,
    *legacy_rows.TABLE,
    *(
        (prefix + path, method, service)
        for prefix in ("/resource", "/id", "/api/id")
        for path, method, service in (
            ("/{view_id}", "GET", reading.read),
            ("/{view_id}", "POST", rows.upsert),
            ("/{view_id}", "PUT", rows.replace),
            ("/{view_id}", "DELETE", rows.truncate),
            ("/{view_id}/{row}", "GET", reading.read_row),
            ("/{view_id}/{row}", "POST", rows.post_row),
            ("/{view_id}/{row}", "PUT", rows.put_row),
            ("/{view_id}/{row}", "DELETE", rows.delete_row),
        )
    ),
    *access.TABLE,
    *approvals.TABLE,
    *archives.TABLE,
    *routes.TABLE,
    *metadata.TABLE,
    *files.TABLE,
    *oauth.TABLE,
    *api_keys.TABLE,
)


def _endpoint(
    portal: Portal, service: Callable[[Portal, Exchange], Reply], limiter: anyio.CapacityLimiter
) -> Any:
    def serve(exchange: Exchange) -> Reply:
        try:
            portal.jobs.tick()
            progress.tick(portal)
            exchange.user = who_calls(portal, exchange)
            return service(portal, exchange)
        except PortalError as error:
            return _reply_of(error)
        except Exception:
            log.exception("the emulator failed at %s %s", exchange.method, exchange.path)
            return internal()

    async def endpoint(request: Request) -> Response:
        exchange: Exchange = request.scope["emulator.exchange"]
        exchange.parts = request.path_params
        reply = await to_thread.run_sync(serve, exchange, limiter=limiter)
        return Response(reply.body, reply.status, reply.headers, media_type=reply.content_type or None)

    return endpoint


def _routes(portal: Portal, limiter: anyio.CapacityLimiter) -> list[Route]:
    grouped: dict[str, dict[str, Any]] = {}
    for path, method, service in TABLE:
        grouped.setdefault(path, {})[method] = _endpoint(portal, service, limiter)

    def choose(methods: dict[str, Any]) -> Any:
        async def endpoint(request: Request) -> Response:
            chosen = methods.get(request.method)
            if chosen is None:
                raise core_error(405, "method_not_allowed", f"{request.method} is not supported here")
            response: Response = await chosen(request)
            return response

        return endpoint

    every = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    return [Route(path, choose(methods), methods=every) for path, methods in grouped.items()]


class Application:
    """The portal as an ASGI application."""

    def __init__(self, portal: Portal, connections: Connections) -> None:
        self.portal = portal
        self._connections = connections
        # Held requests sit in threads: more than a test will ever hold.
        self._limiter = anyio.CapacityLimiter(200)
        self._inner = Starlette(routes=_routes(portal, self._limiter))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
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
        except PortalError as error:
            return _json({"error": json.loads(error.reply.body or b"{}").get("message", "refused")}, 400)
        except (BadOrder, ValueError, TypeError, KeyError) as error:
            return _json({"error": f"{name}: {error}"}, 400)
        return _json(result)

    async def _serve(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        portal = self.portal
        path: str = scope["path"]  # decoded as a whole, where that of a URL object keeps %3F and %23
        exchange = Exchange(
            request.method,
            path,
            parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            request.headers,
            b"",
            _request_id(request.headers),
            faults=portal.faults.hits(request.method, path),
            secure=scope["scheme"] == "https",
        )
        entry = self._note(exchange)
        line = self._connections.of(scope)
        try:
            exchange.body = await before(portal, exchange, request, line, self._limiter)
            entry["request_bytes"] = len(exchange.body)
            portal.throttle.check(exchange, portal.switches, portal.clock.now())
            reply = await self._answer(exchange, scope)
            reply = await after(portal, exchange, reply, line, self._limiter)
        except Broken:
            await line.gone(receive)
            return
        except ClientDisconnect:
            # The client went away while it sent: nothing was done, nobody waits for a reply.
            return
        except PortalError as error:
            reply = _reply_of(error)
        entry["status"] = reply.status
        entry["user"] = exchange.user.name if exchange.user else None
        await self._send(exchange, reply, send, line, receive)

    def _note(self, exchange: Exchange) -> dict[str, Any]:
        self.portal.sequence += 1
        entry = {
            "seq": self.portal.sequence,
            "method": exchange.method,
            "path": exchange.path,
            "query": [list(pair) for pair in exchange.query if not _SECRET_PARAMETER.search(pair[0])],
            "status": None,
            "user": None,
            "request_id": exchange.request_id,
            "request_bytes": 0,
            "time": self.portal.clock.now(),
            "headers": {k: v for k, v in exchange.headers.items() if k not in _SECRET_HEADERS},
        }
        self.portal.log.append(entry)
        return entry

    async def _answer(self, exchange: Exchange, scope: Scope) -> Reply:
        """Let the routes answer, and gather what they send."""
        reply = Reply()
        parts: list[bytes] = []

        async def gather(message: Any) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                named = Headers(raw=message["headers"])
                reply.content_type = named.get("content-type", "")
                reply.headers = {
                    k: v for k, v in named.items() if k not in {"content-length", "content-type"}
                }
            else:
                parts.append(message.get("body", b""))

        async def nothing() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        try:
            await self._inner(
                {**scope, "path": _path(exchange), "emulator.exchange": exchange}, nothing, gather
            )
        except PortalError as error:
            return _reply_of(translated(error) if exchange.path.startswith(BASE) else error)
        reply.body = b"".join(parts)
        if reply.status == 404 and not reply.content_type.startswith("application/json"):
            return _reply_of(_nowhere(exchange))
        return reply

    async def _send(self, exchange: Exchange, reply: Reply, send: Send, line: Any, receive: Receive) -> None:
        headers = {
            "Date": http_date(self.portal.clock.now()),
            "Access-Control-Allow-Origin": "*",
            "X-Socrata-RequestId": exchange.request_id,
            "X-Socrata-Region": "emulator",
        }
        headers |= reply.headers
        if reply.content_type:
            headers["Content-Type"] = reply.content_type
        body = reply.body
        if len(body) >= 256 and "gzip" in exchange.headers.get("accept-encoding", ""):
            body = await to_thread.run_sync(lambda: gzip.compress(reply.body, 1), limiter=self._limiter)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        if reply.status != 304:
            headers["Content-Length"] = str(len(body))
        pairs = [*headers.items(), *(("set-cookie", cookie) for cookie in exchange.cookies)]
        raw = [(k.lower().encode("latin-1"), v.encode("latin-1", "replace")) for k, v in pairs]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        slow, cut = exchange.fault("slow"), exchange.fault("reset_reply")
        if cut is not None:
            await send({
                "type": "http.response.body",
                "body": body[: cut.args["after_bytes"]],
                "more_body": True,
            })
            line.reset()
            await line.gone(receive)
            return
        if slow is not None:
            size = slow.args["chunk"]
            for start in range(0, len(body), size):
                await send({
                    "type": "http.response.body",
                    "body": body[start : start + size],
                    "more_body": True,
                })
                await anyio.sleep(slow.args["pause"])
            body = b""
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _reply_of(error: PortalError) -> Reply:
    made = error.reply
    return Reply(made.status, made.body, made.content_type, dict(made.headers))


def _nowhere(exchange: Exchange) -> PortalError:
    if exchange.path.startswith(BASE):
        return refused(404, "not_found", f"There is nothing at {exchange.path}")
    return core_error(404, "not_found", "Not found")


def _path(exchange: Exchange) -> str:
    # The oldest clients leave out /api.
    old = exchange.path.startswith(("/views", "/imports2"))
    return "/api" + exchange.path if old else exchange.path


def _request_id(headers: Headers) -> str:
    given = headers.get("x-socrata-requestid", "")
    return given if 0 < len(given) <= 32 and given.isalnum() else secrets.token_hex(16)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")
