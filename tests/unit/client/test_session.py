"""The blocking session against real sockets."""

from __future__ import annotations

import base64
import logging
import socket
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from unit.client.conftest import APP_TOKEN, SECRET, USER
from unit.client.portal_servers import Answer, ScriptedPortal, unused_port, zipped

from airflow_socrata.client import (
    Credentials,
    MalformedReply,
    PortalBusy,
    PortalError,
    PortalFault,
    PortalSession,
    PortalUnreachable,
    ReplyLost,
    RequestRefused,
    RetryBudget,
    RowBody,
    rows,
    views,
)

if TYPE_CHECKING:
    from unit.client.portal_servers import FakeClock

    from airflow_socrata.client import PortalSettings

VIEW = '{"id":"abcd-1234","name":"Roads"}'
COUNTS = '{"Rows Created":2,"Rows Updated":0,"Rows Deleted":0,"Errors":0}'
BODY = RowBody(b"key,name\n1,a\n2,b\n", "text/csv", None, rows=2)


def upsert(*, keyed: bool) -> object:
    return rows.upsert("abcd-1234", BODY, keyed=keyed)


def test_request_carries_credentials_and_a_request_id(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(200, VIEW), Answer(200, VIEW))
    session.send(views.read_view("abcd-1234"))
    session.send(views.read_view("abcd-1234"))
    first, second = portal.requests
    assert first.headers["Authorization"] == "Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
    assert first.headers["X-App-Token"] == APP_TOKEN
    assert first.headers["User-Agent"].startswith("airflow-provider-socrata/")
    assert len(first.headers["X-Socrata-RequestId"]) == 32
    assert first.headers["X-Socrata-RequestId"] != second.headers["X-Socrata-RequestId"]
    assert first.headers["Accept-Encoding"] == "gzip"
    assert first.connection == second.connection, "the connection is kept"


def test_ipv6(settings: PortalSettings, clock: FakeClock) -> None:
    try:
        portal = ScriptedPortal(host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    portal.answer(Answer(200, VIEW))
    with PortalSession(replace(settings, domain="::1", port=portal.port), clock=clock) as session:
        assert session.send(views.read_view("abcd-1234")).id == "abcd-1234"
    assert portal.requests[0].headers["Host"] == f"[::1]:{portal.port}"
    portal.close()


def test_oauth_token_goes_out_as_oauth(portal: ScriptedPortal, settings: PortalSettings) -> None:
    portal.answer(Answer(200, VIEW))
    token = Credentials(access_token="0auth-t0ken")
    with PortalSession(replace(settings, credentials=token)) as session:
        session.send(views.read_view("abcd-1234"))
    assert portal.requests[0].headers["Authorization"] == "OAuth 0auth-t0ken"
    assert "X-App-Token" not in portal.requests[0].headers


def test_rows_go_out_byte_for_byte(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(200, COUNTS))
    packed = RowBody(b"\x1f\x8b packed", "text/csv", "gzip", rows=2)
    counts = session.send(rows.upsert("abcd-1234", packed, keyed=True))
    seen = portal.requests[0]
    assert (seen.method, seen.path, seen.body) == ("POST", "/resource/abcd-1234.json", packed.data)
    assert (seen.headers["Content-Type"], seen.headers["Content-Encoding"]) == ("text/csv", "gzip")
    assert (counts.created, counts.rows, counts.repeated) == (2, 2, False)


def test_gzip_reply_is_unpacked(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(zipped(VIEW))
    assert session.send(views.read_view("abcd-1234")).name == "Roads"


def test_broken_gzip_reply_is_lost_and_read_again(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(200, b"no gzip at all", {"Content-Encoding": "gzip"}), Answer(200, VIEW))
    assert session.send(views.read_view("abcd-1234")).id == "abcd-1234"


@pytest.mark.parametrize("how", ["drop", "reset", "half"])
def test_unkeyed_rows_are_not_sent_again_when_the_reply_is_lost(
    portal: ScriptedPortal, session: PortalSession, how: str
) -> None:
    portal.answer(Answer(200, COUNTS, how=how))
    with pytest.raises(ReplyLost) as lost:
        session.send(rows.upsert("abcd-1234", BODY, keyed=False))
    assert lost.value.landing == "unknown"
    assert len(portal.requests) == 1


@pytest.mark.parametrize("how", ["drop", "reset", "half"])
def test_keyed_rows_are_sent_again_when_the_reply_is_lost(
    portal: ScriptedPortal, session: PortalSession, how: str, log: list[str]
) -> None:
    portal.answer(Answer(200, COUNTS, how=how), Answer(200, COUNTS))
    counts = session.send(rows.upsert("abcd-1234", BODY, keyed=True))
    assert counts.repeated, "the caller is told that the first sending may have landed"
    assert [seen.body for seen in portal.requests] == [BODY.data, BODY.data]
    assert "again in 0.5 s (attempt 2 of 3)" in log[0]


def test_kept_connection_closed_by_the_portal_counts_as_sent(
    portal: ScriptedPortal, session: PortalSession
) -> None:
    """The portal may close an idle connection just as rows go out: it may have read them."""
    portal.answer(Answer(200, VIEW), Answer(how="reset"))
    session.send(views.read_view("abcd-1234"))
    with pytest.raises(ReplyLost):
        session.send(rows.upsert("abcd-1234", BODY, keyed=False))
    assert portal.requests[0].connection == portal.requests[1].connection


def test_refused_connection_is_proved_not_sent(settings: PortalSettings, clock: FakeClock) -> None:
    nobody = replace(settings, port=unused_port())
    with (
        PortalSession(nobody, clock=clock, budget=RetryBudget(attempts=3), chance=lambda: 1.0) as session,
        pytest.raises(PortalUnreachable) as unreachable,
    ):
        session.send(rows.upsert("abcd-1234", BODY, keyed=False))
    assert (unreachable.value.cause, unreachable.value.landing) == ("refused", "none")
    assert clock.waits == [1.0, 2.0], "tried three times, since nothing was sent"


def test_unresolved_host_is_proved_not_sent(
    settings: PortalSettings, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    unknown = replace(settings, domain="portal.localhost")
    with (
        PortalSession(unknown, clock=clock, budget=RetryBudget(attempts=1)) as session,
        pytest.raises(PortalUnreachable) as unreachable,
    ):
        session.send(views.read_view("abcd-1234"))
    assert unreachable.value.cause == "dns"
    assert "cannot connect to portal.localhost" in str(unreachable.value)


def test_retry_after_is_waited_for(portal: ScriptedPortal, session: PortalSession, clock: FakeClock) -> None:
    busy = Answer(429, "", {"Retry-After": "7"})
    dated = Answer(
        503,
        "<html><title>Service unavailable</title></html>",
        {"Retry-After": "Mon, 01 Jan 2024 00:01:30 GMT", "Date": "Mon, 01 Jan 2024 00:01:00 GMT"},
    )
    portal.answer(busy, dated, Answer(200, VIEW))
    session.send(views.read_view("abcd-1234"))
    assert clock.waits == [7.0, 30.0], "a date is measured against the portal's own clock"
    assert len(portal.requests) == 3


def test_a_wait_beyond_the_budget_is_not_begun(
    portal: ScriptedPortal, session: PortalSession, clock: FakeClock
) -> None:
    portal.answer(Answer(429, "", {"Retry-After": "3600"}))
    with pytest.raises(PortalBusy) as busy:
        session.send(views.read_view("abcd-1234"))
    assert busy.value.retry_after == 3600.0
    assert clock.waits == []
    assert len(portal.requests) == 1


def test_budget_of_attempts_ends_with_the_last_error(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(*[Answer(500, '{"error":true,"message":"Internal error","status":500}')] * 3)
    with pytest.raises(PortalFault) as fault:
        session.send(views.read_view("abcd-1234"))
    assert len(portal.requests) == 3
    assert str(fault.value).startswith("read view abcd-1234: HTTP 500: Internal error (request id ")


def test_html_under_200_is_malformed(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(*[Answer(200, "<html>login</html>", {"Content-Type": "text/html"})] * 3)
    with pytest.raises(MalformedReply, match="no JSON"):
        session.send(views.read_view("abcd-1234"))


def test_redirect_to_another_host_is_refused_and_named(
    portal: ScriptedPortal, session: PortalSession
) -> None:
    portal.answer(Answer(301, "", {"Location": "https://user:pw@other.example.org/api/views?x=1"}))
    with pytest.raises(RequestRefused) as refused:
        session.send(views.read_view("abcd-1234"))
    assert "https://other.example.org" in str(refused.value)
    assert "pw" not in str(refused.value)
    assert len(portal.requests) == 1


def test_redirect_to_another_port_of_the_host_is_refused(
    portal: ScriptedPortal, session: PortalSession
) -> None:
    portal.answer(Answer(302, "", {"Location": f"http://127.0.0.1:{unused_port()}/"}))
    with pytest.raises(RequestRefused, match=r"redirects to http://127\.0\.0\.1:\d+"):
        session.send(views.read_view("abcd-1234"))


def test_redirect_within_the_portal_is_followed_for_get(
    portal: ScriptedPortal, session: PortalSession
) -> None:
    portal.answer(Answer(302, "", {"Location": "/api/views/abcd-1234?moved=yes"}), Answer(200, VIEW))
    assert session.send(views.read_view("abcd-1234")).id == "abcd-1234"
    assert portal.requests[1].path == "/api/views/abcd-1234?moved=yes"


def test_endless_redirect_ends(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.default = Answer(302, "", {"Location": "/again"})
    with pytest.raises(RequestRefused):
        session.send(views.read_view("abcd-1234"))
    assert len(portal.requests) == 6


def test_redirect_of_a_write_is_refused(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(307, "", {"Location": "/elsewhere"}))
    with pytest.raises(RequestRefused, match="redirects"):
        session.send(rows.upsert("abcd-1234", BODY, keyed=True))
    assert len(portal.requests) == 1


def test_cookies_are_not_kept(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(200, VIEW, {"Set-Cookie": "_core_session_id=abc"}), Answer(200, VIEW))
    session.send(views.read_view("abcd-1234"))
    session.send(views.read_view("abcd-1234"))
    assert "Cookie" not in portal.requests[1].headers


def test_netrc_is_ignored(
    portal: ScriptedPortal, settings: PortalSettings, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    portal.answer(Answer(200, VIEW))
    with PortalSession(replace(settings, credentials=Credentials())) as session:
        session.send(views.read_view("abcd-1234"))
    assert "Authorization" not in portal.requests[0].headers


def test_no_error_and_no_log_shows_a_secret(
    portal: ScriptedPortal,
    settings: PortalSettings,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Even where the portal itself echoes the credentials."""
    caplog.set_level(logging.DEBUG)
    basic = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
    echo = f'{{"code":"permission_denied","message":"no {SECRET} {APP_TOKEN} Basic {basic}","error":true}}'
    budget = RetryBudget(attempts=2)
    shown: list[str] = []
    for answer in (
        Answer(403, echo),
        Answer(500, echo),
        Answer(200, echo),
        Answer(how="drop"),
        Answer(302, "", {"Location": f"http://{SECRET}@elsewhere.example.org/{APP_TOKEN}"}),
    ):
        portal.default = answer
        with PortalSession(settings, clock=clock, budget=budget) as session:
            with pytest.raises(PortalError) as failed:
                session.send(views.open_copy("abcd-1234", "copy"))
            shown.append("".join(traceback.format_exception(failed.value)))
            shown.append(repr(failed.value) + repr(session.settings))
    text = "\n".join(shown) + caplog.text
    assert "HTTP 403 permission_denied" in text
    for secret in (SECRET, APP_TOKEN, basic):
        assert secret not in text


def test_writes_run_under_the_read_timeout(
    portal: ScriptedPortal, session: PortalSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket's time-out is for a whole body, so the short one for connecting would cut slow uploads off."""
    seen: list[float | None] = []
    transport = session._transport
    add = transport.watch.add

    def watched_add(sock: object) -> None:
        seen.append(sock.gettimeout())  # type: ignore[attr-defined]
        add(sock)  # type: ignore[arg-type]

    monkeypatch.setattr(transport.watch, "add", watched_add)
    portal.answer(Answer(200, COUNTS))
    session.send(rows.upsert("abcd-1234", BODY, keyed=True))
    assert seen[-1] == session.settings.read_timeout


def test_repeat_runs_the_whole_action_again(portal: ScriptedPortal, session: PortalSession) -> None:
    """A discard is never sent twice in a row: each is preceded by a look."""
    portal.answer(Answer(200, VIEW), Answer(503), Answer(200, VIEW), Answer(200, ""))

    def look_and_discard() -> str:
        view = session.send(views.read_view("abcd-1234"))
        session.send(views.discard(view.id))
        return view.name

    assert session.repeat(look_and_discard) == "Roads"
    assert [seen.method for seen in portal.requests] == ["GET", "DELETE", "GET", "DELETE"]


def test_repeat_gives_a_permanent_failure_at_once(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(403, '{"code":"permission_denied","error":true,"message":"no"}'))
    with pytest.raises(RequestRefused):
        session.repeat(lambda: session.send(views.discard("abcd-1234")))
    assert len(portal.requests) == 1


def test_repeat_ends_with_the_budget(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.default = Answer(503)
    with pytest.raises(PortalBusy):
        session.repeat(lambda: session.send(views.discard("abcd-1234")))
    assert len(portal.requests) == 3
