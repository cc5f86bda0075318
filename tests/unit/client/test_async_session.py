"""The asynchronous session: the same decisions over httpx."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from unit.client.conftest import APP_TOKEN, SECRET
from unit.client.portal_servers import Answer, RawServer, unused_port, zipped

from airflow_socrata.client import (
    Accepted,
    MalformedReply,
    PortalBusy,
    PortalError,
    PortalUnreachable,
    ReplyLost,
    RequestRefused,
    RetryBudget,
    RowBody,
    rows,
    views,
)
from airflow_socrata.client.async_session import AsyncPortalSession

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from unit.client.portal_servers import Certificate, FakeClock, ScriptedPortal

    from airflow_socrata.client import Call, PortalSettings

    StartServer = Callable[[Callable[[socket.socket], None]], RawServer]

VIEW = Answer(200, '{"id":"abcd-1234","name":"Roads"}')
COUNTS = Answer(200, '{"Rows Created":1}')
CALL = views.read_view("abcd-1234")
BODY = RowBody(b"key\n1\n", "text/csv")


def send(settings: PortalSettings, clock: FakeClock, *calls: Call[Any], attempts: int = 3) -> list[Any]:
    """Send ``calls`` one after another in an event loop of their own."""

    async def sleep(seconds: float) -> None:
        clock.sleep(seconds, lambda: False)

    async def main() -> list[Any]:
        async with AsyncPortalSession(
            settings,
            budget=RetryBudget(attempts=attempts),
            now=clock.time,
            sleep=sleep,
            chance=lambda: 1.0,
            log=lambda line: None,
        ) as session:
            return [await session.send(call) for call in calls]

    return asyncio.run(main())


def test_sends_what_the_blocking_session_sends(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock, session: Any
) -> None:
    portal.answer(VIEW, zipped('{"id":"abcd-1234"}'), VIEW)
    found = send(settings, clock, CALL, CALL)
    session.send(CALL)
    assert [view.id for view in found] == ["abcd-1234", "abcd-1234"]
    first, second, blocking = portal.requests
    assert first.connection == second.connection
    for name in ("Authorization", "X-App-Token", "User-Agent", "Accept", "Accept-Encoding", "Host"):
        assert first.headers[name] == blocking.headers[name]
    assert len(first.headers["X-Socrata-RequestId"]) == 32
    assert (first.method, first.path) == (blocking.method, blocking.path)


def test_queries_are_written_alike(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock, session: Any
) -> None:
    call = rows.count("abcd-1234", "name = 'Zoë & co. +100% /a?b=#c~'")
    portal.default = Answer(200, '[{"count":"7"}]')
    assert send(settings, clock, call)[0].rows == session.send(call).rows == 7
    first, second = portal.requests
    assert first.path == second.path
    query = dict(parse_qsl(urlsplit(first.path).query, strict_parsing=True))
    assert query == {"$select": "count(*)", "$where": "name = 'Zoë & co. +100% /a?b=#c~'"}


def test_follows_the_202_contract(portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock) -> None:
    publish = views.publish("wk2c-9xyz")
    portal.answer(Answer(202, '{"ticket":"t1"}'), VIEW)
    (accepted,) = send(settings, clock, publish)
    assert isinstance(accepted, Accepted)
    look, _ = views.follow(publish, accepted)
    (view,) = send(settings, clock, look)
    assert view.name == "Roads"
    assert [(seen.method, seen.path) for seen in portal.requests] == [
        ("POST", "/api/views/wk2c-9xyz/publication.json"),
        ("GET", "/api/views/wk2c-9xyz/publication.json?ticket=t1"),
    ]


@pytest.mark.parametrize("how", ["drop", "reset", "half"])
def test_lost_reply(portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock, how: str) -> None:
    portal.answer(Answer(200, COUNTS.body, how=how), COUNTS)
    (counts,) = send(settings, clock, rows.upsert("abcd-1234", BODY, keyed=True))
    assert counts.repeated
    portal.answer(Answer(200, COUNTS.body, how=how))
    with pytest.raises(ReplyLost) as lost:
        send(settings, clock, rows.upsert("abcd-1234", BODY, keyed=False))
    assert lost.value.landing == "unknown"
    assert len(portal.requests) == 3


def test_refused_connection_is_proved_not_sent(settings: PortalSettings, clock: FakeClock) -> None:
    with pytest.raises(PortalUnreachable) as failed:
        send(replace(settings, port=unused_port()), clock, rows.upsert("abcd-1234", BODY, keyed=False))
    assert (failed.value.cause, failed.value.landing) == ("refused", "none")
    assert clock.waits == [1.0, 2.0]


def test_throttling(portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock) -> None:
    portal.answer(Answer(429, "", {"Retry-After": "11"}), VIEW)
    send(settings, clock, CALL)
    assert clock.waits == [11.0]
    portal.default = Answer(503)
    with pytest.raises(PortalBusy):
        send(settings, clock, CALL, attempts=2)


def test_redirects(portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock) -> None:
    portal.answer(Answer(302, "", {"Location": "/here"}), VIEW)
    send(settings, clock, CALL)
    assert portal.requests[-1].path == "/here"
    portal.answer(Answer(302, "", {"Location": "https://other.example.org/"}))
    with pytest.raises(RequestRefused, match=r"other\.example\.org"):
        send(settings, clock, CALL)


def test_unreadable_replies(portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock) -> None:
    portal.default = Answer(200, "<html>")
    with pytest.raises(MalformedReply):
        send(settings, clock, CALL)
    portal.default = Answer(200, b"no gzip", {"Content-Encoding": "gzip"})
    with pytest.raises(ReplyLost):
        send(settings, clock, CALL)


def test_silent_portal(raw_server: StartServer, settings: PortalSettings, clock: FakeClock) -> None:
    server = raw_server(lambda sock: None)
    with pytest.raises(ReplyLost, match=r"nothing for 0\.1 s"):
        send(replace(settings, port=server.port, read_timeout=0.1), clock, CALL, attempts=1)


def test_tls(
    tls_portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock, certificate: Certificate
) -> None:
    secure = replace(settings, scheme="https", port=tls_portal.port, verify=str(certificate.path))
    tls_portal.default = VIEW
    send(secure, clock, CALL)
    send(replace(secure, verify=False), clock, CALL)
    with pytest.raises(PortalUnreachable) as untrusted:
        send(replace(secure, verify=True), clock, CALL)
    assert untrusted.value.cause == "certificate"
    assert untrusted.value.permanent
    assert clock.waits == []


def test_plain_http_at_the_port(portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock) -> None:
    with pytest.raises(PortalUnreachable) as failed:
        send(replace(settings, scheme="https"), clock, CALL)
    assert failed.value.cause == "not_https"


def test_refusing_proxy(raw_server: StartServer, settings: PortalSettings, clock: FakeClock) -> None:
    def refuse(sock: socket.socket) -> None:
        sock.recv(4096)
        sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    server = raw_server(refuse)
    through = replace(settings, scheme="https", proxy=f"http://me:hunter2@127.0.0.1:{server.port}")
    with pytest.raises(PortalUnreachable) as failed:
        send(through, clock, CALL, attempts=1)
    assert failed.value.cause == "proxy"
    assert "hunter2" not in "".join(traceback.format_exception(failed.value))


def test_no_cookies(portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock) -> None:
    portal.answer(replace(VIEW, headers={"Set-Cookie": "_core_session_id=abc"}), VIEW)
    send(settings, clock, CALL, CALL)
    assert "Cookie" not in portal.requests[1].headers


def test_no_secret_is_shown(portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock) -> None:
    echo = f'{{"error":true,"message":"no {SECRET} {APP_TOKEN}"}}'
    for answer in (Answer(403, echo), Answer(200, echo), Answer(500, echo), Answer(how="drop")):
        portal.default = answer
        with pytest.raises(PortalError) as failed:
            send(settings, clock, CALL)
        text = "".join(traceback.format_exception(failed.value))
        assert SECRET not in text
        assert APP_TOKEN not in text


def test_cancelling_stops_a_call(raw_server: StartServer, settings: PortalSettings) -> None:
    server = raw_server(lambda sock: None)

    async def main() -> None:
        async with AsyncPortalSession(replace(settings, port=server.port)) as session:
            task = asyncio.create_task(session.send(CALL))
            await asyncio.to_thread(server.accepted.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 5)

    asyncio.run(main())
    assert server.accepted.is_set()


def test_sleep_is_passed_in(settings: PortalSettings) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def main() -> None:
        async with AsyncPortalSession(settings, sleep=sleep) as session:
            await session.sleep(4.0)

    asyncio.run(main())
    assert slept == [4.0]
