"""TLS and proxies against real sockets."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import urllib3
from unit.client.portal_servers import Answer, RawServer

from airflow_socrata.client import (
    ConfigurationError,
    PortalSession,
    PortalSettings,
    PortalUnreachable,
    ReplyLost,
    RetryBudget,
    RowBody,
    rows,
    views,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unit.client.portal_servers import Certificate, FakeClock, ScriptedPortal

    StartServer = Callable[[Callable[[socket.socket], None]], RawServer]

VIEW = Answer(200, '{"id":"abcd-1234"}')
CALL = views.read_view("abcd-1234")
ONCE = RetryBudget(attempts=1)


@pytest.fixture
def secure(settings: PortalSettings, tls_portal: ScriptedPortal, certificate: Certificate) -> PortalSettings:
    return replace(settings, scheme="https", port=tls_portal.port, verify=str(certificate.path))


def test_ca_bundle(tls_portal: ScriptedPortal, secure: PortalSettings) -> None:
    tls_portal.answer(VIEW, VIEW)
    with PortalSession(secure) as session:
        assert session.send(CALL).id == "abcd-1234"
        session.send(CALL)
    assert tls_portal.requests[0].connection == tls_portal.requests[1].connection


def test_untrusted_certificate_is_final(
    tls_portal: ScriptedPortal, secure: PortalSettings, clock: FakeClock
) -> None:
    with (
        PortalSession(replace(secure, verify=True), clock=clock) as session,
        pytest.raises(PortalUnreachable, match="certificate is not trusted") as untrusted,
    ):
        session.send(rows.upsert("abcd-1234", RowBody(b"x", "text/csv"), keyed=False))
    assert (untrusted.value.cause, untrusted.value.landing) == ("certificate", "none")
    assert untrusted.value.permanent
    assert clock.waits == []
    assert tls_portal.requests == []


def test_certificate_of_another_host(tls_portal: ScriptedPortal, secure: PortalSettings) -> None:
    with (
        PortalSession(replace(secure, domain="127.0.0.2"), budget=ONCE) as session,
        pytest.raises(PortalUnreachable) as untrusted,
    ):
        session.send(CALL)
    assert untrusted.value.cause in {"certificate", "refused"}, "some systems have 127.0.0.1 alone"
    assert tls_portal.requests == []


def test_verify_off_says_so_once_and_silences_its_own_warning_alone(
    tls_portal: ScriptedPortal, secure: PortalSettings
) -> None:
    tls_portal.answer(VIEW, VIEW)
    lines: list[str] = []
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with PortalSession(replace(secure, verify=False), log=lines.append) as session:
            session.send(CALL)
            session.send(CALL)
    assert not [
        item for item in caught if issubclass(item.category, urllib3.exceptions.InsecureRequestWarning)
    ]
    assert lines == ["the certificate of 127.0.0.1 is not checked (verify is off)"]
    assert list(warnings.filters) == filters
    assert len(tls_portal.requests) == 2


def test_absent_ca_bundle_is_told_before_anything_is_sent(secure: PortalSettings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        PortalSession(replace(secure, verify=str(tmp_path / "absent.pem")))


def test_plain_http_at_the_port_is_told(portal: ScriptedPortal, secure: PortalSettings) -> None:
    with (
        PortalSession(replace(secure, port=portal.port), budget=ONCE) as session,
        pytest.raises(PortalUnreachable) as failed,
    ):
        session.send(CALL)
    assert failed.value.cause == "not_https"
    assert failed.value.permanent


def test_connection_closed_in_the_handshake_is_proved_not_sent(
    raw_server: StartServer, secure: PortalSettings
) -> None:
    def hang_up(sock: socket.socket) -> None:
        sock.recv(1)
        sock.close()

    server = raw_server(hang_up)
    with (
        PortalSession(replace(secure, port=server.port), budget=ONCE) as session,
        pytest.raises(PortalUnreachable) as failed,
    ):
        session.send(rows.upsert("abcd-1234", RowBody(b"x", "text/csv"), keyed=False))
    assert failed.value.landing == "none"


def test_silent_handshake_ends_with_the_connect_timeout(
    raw_server: StartServer, secure: PortalSettings
) -> None:
    server = raw_server(lambda sock: None)
    quick = replace(secure, port=server.port, connect_timeout=0.1)
    with (
        PortalSession(quick, budget=ONCE) as session,
        pytest.raises(PortalUnreachable, match=r"nothing for 0\.1 s") as failed,
    ):
        session.send(rows.upsert("abcd-1234", RowBody(b"x", "text/csv"), keyed=False))
    assert (failed.value.cause, failed.value.landing) == ("timeout", "none")


def test_silent_portal_ends_with_the_read_timeout(raw_server: StartServer, settings: PortalSettings) -> None:
    server = raw_server(lambda sock: None)
    quick = replace(settings, port=server.port, read_timeout=0.1)
    with (
        PortalSession(quick, budget=ONCE) as session,
        pytest.raises(ReplyLost, match=r"nothing for 0\.1 s") as failed,
    ):
        session.send(rows.upsert("abcd-1234", RowBody(b"x", "text/csv"), keyed=False))
    assert failed.value.landing == "unknown"


class Proxy:
    """A proxy that tunnels to any port of loopback, or refuses."""

    def __init__(self, start: StartServer, refuse: bytes | None = None) -> None:
        self.heads: list[bytes] = []
        self._refuse = refuse
        self.server = start(self._talk)
        self.url = f"http://me:hunter%2F2@127.0.0.1:{self.server.port}"

    def _talk(self, sock: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(4096)
        self.heads.append(head)
        if self._refuse is not None:
            sock.sendall(self._refuse)
            sock.close()
            return
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port)) as target:
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self._pump, args=(target, sock), daemon=True)
            back.start()
            self._pump(sock, target)
            back.join(5)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def test_proxy_tunnels_and_gets_its_password_alone(
    raw_server: StartServer, tls_portal: ScriptedPortal, secure: PortalSettings
) -> None:
    proxy = Proxy(raw_server)
    tls_portal.answer(VIEW)
    with PortalSession(replace(secure, proxy=proxy.url)) as session:
        assert session.send(CALL).id == "abcd-1234"
    head = proxy.heads[0]
    assert head.startswith(b"CONNECT 127.0.0.1:%d" % tls_portal.port)
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:hunter/2") in head
    assert b"X-App-Token" not in head
    assert head.count(b"Authorization") == 1, "the portal's credentials are for the portal"
    assert "Proxy-Authorization" not in tls_portal.requests[0].headers


@pytest.mark.parametrize("status", [b"407 Proxy Authentication Required", b"502 Bad Gateway"])
def test_proxy_that_refuses_is_proved_not_sent(
    raw_server: StartServer, secure: PortalSettings, status: bytes
) -> None:
    proxy = Proxy(raw_server, refuse=b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    with (
        PortalSession(replace(secure, proxy=proxy.url), budget=ONCE) as session,
        pytest.raises(PortalUnreachable, match=status.decode()) as failed,
    ):
        session.send(rows.upsert("abcd-1234", RowBody(b"x", "text/csv"), keyed=False))
    assert (failed.value.cause, failed.value.landing) == ("proxy", "none")
    assert "hunter" not in str(failed.value)


def test_certificate_behind_a_proxy_is_the_portals_fault(
    raw_server: StartServer, secure: PortalSettings
) -> None:
    proxy = Proxy(raw_server)
    with (
        PortalSession(replace(secure, proxy=proxy.url, verify=True), budget=ONCE) as session,
        pytest.raises(PortalUnreachable) as failed,
    ):
        session.send(CALL)
    assert failed.value.cause == "certificate"


def test_proxy_of_the_environment_is_used(
    raw_server: StartServer, secure: PortalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(raw_server, refuse=b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("https_proxy", proxy.url)
    with (
        PortalSession(replace(secure, domain="data.example.gov"), budget=ONCE) as session,
        pytest.raises(PortalUnreachable),
    ):
        session.send(CALL)
    assert proxy.heads[0].startswith(b"CONNECT data.example.gov:")
