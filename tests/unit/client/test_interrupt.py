"""interrupt() from a real signal handler in the thread that is blocked, at every stage of a call."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from unit.client.portal_servers import Answer, RawServer

from airflow_socrata.client import (
    Interrupted,
    PortalSession,
    PortalSettings,
    RetryBudget,
    RowBody,
    rows,
    views,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from unit.client.portal_servers import Certificate, ScriptedPortal

    StartServer = Callable[[Callable[[socket.socket], None]], RawServer]

#: The promise is 5 s; measured are a few hundredths.
LIMIT_SECONDS = 1.5
BIG = RowBody(bytes(64 * 2**20), "text/csv", None, rows=1)


@contextlib.contextmanager
def signal_in(seconds: float, session: PortalSession, number: int = signal.SIGALRM) -> Iterator[None]:
    """Let a real signal interrupt ``session`` from a handler in this thread after ``seconds``."""
    handled: list[float] = []

    def handler(*_: object) -> None:
        handled.append(time.monotonic())
        session.interrupt()

    before = signal.signal(number, handler)
    timer = threading.Timer(seconds, signal.pthread_kill, (threading.main_thread().ident, number))
    timer.start()
    try:
        yield
        assert handled, "the call ended before the signal came"
        assert time.monotonic() - handled[0] < LIMIT_SECONDS
    finally:
        timer.cancel()
        timer.join()
        signal.signal(number, before)


def read_for_ever(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def hold(sock: socket.socket) -> None:
    """Keep the connection open and do nothing."""


@pytest.fixture
def patient(settings: PortalSettings) -> PortalSettings:
    return replace(settings, connect_timeout=30.0, read_timeout=60.0)


def tls(settings: PortalSettings, certificate: Certificate) -> PortalSettings:
    return replace(settings, scheme="https", verify=str(certificate.path))


@pytest.mark.parametrize("number", [signal.SIGALRM, signal.SIGTERM])
def test_while_waiting_for_a_reply(raw_server: StartServer, patient: PortalSettings, number: int) -> None:
    server = raw_server(read_for_ever)
    session = PortalSession(replace(patient, port=server.port))
    with signal_in(0.15, session, number), pytest.raises(Interrupted) as interrupted:
        session.send(rows.upsert("abcd-1234", RowBody(b"[]", "application/json"), keyed=True))
    assert interrupted.value.landing == "unknown"


def test_while_waiting_for_a_reply_under_tls(
    raw_server: StartServer, patient: PortalSettings, certificate: Certificate
) -> None:
    def talk(sock: socket.socket) -> None:
        read_for_ever(certificate.server_context().wrap_socket(sock, server_side=True))

    server = raw_server(talk)
    session = PortalSession(tls(replace(patient, port=server.port), certificate))
    with signal_in(0.3, session), pytest.raises(Interrupted) as interrupted:
        session.send(views.publish("abcd-1234"))
    assert interrupted.value.landing == "unknown"


def test_in_the_tls_handshake(
    raw_server: StartServer, patient: PortalSettings, certificate: Certificate
) -> None:
    server = raw_server(hold)
    session = PortalSession(tls(replace(patient, port=server.port), certificate))
    with signal_in(0.15, session), pytest.raises(Interrupted) as interrupted:
        session.send(views.publish("abcd-1234"))
    assert interrupted.value.landing == "none", "no byte of the request was sent"


def test_while_writing(raw_server: StartServer, patient: PortalSettings) -> None:
    server = raw_server(hold)
    session = PortalSession(replace(patient, port=server.port))
    with signal_in(0.2, session), pytest.raises(Interrupted):
        session.send(rows.upsert("abcd-1234", BIG, keyed=True))


def test_while_writing_under_tls(
    raw_server: StartServer, patient: PortalSettings, certificate: Certificate
) -> None:
    secured: list[ssl.SSLSocket] = []

    def talk(sock: socket.socket) -> None:
        secured.append(certificate.server_context().wrap_socket(sock, server_side=True))

    server = raw_server(talk)
    session = PortalSession(tls(replace(patient, port=server.port), certificate))
    with signal_in(0.3, session), pytest.raises(Interrupted):
        session.send(rows.upsert("abcd-1234", BIG, keyed=True))


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
def test_in_the_middle_of_a_reply(portal: ScriptedPortal, patient: PortalSettings, connection: str) -> None:
    """With ``Connection: close`` the connection object has let its socket go before the body is read."""
    portal.answer(Answer(200, "x" * 1000, {"Connection": connection}, how="stall"))
    session = PortalSession(patient)
    with signal_in(0.2, session), pytest.raises(Interrupted):
        session.send(views.read_view("abcd-1234"))
    assert portal.stalled.is_set()


def test_on_a_kept_connection(portal: ScriptedPortal, patient: PortalSettings) -> None:
    portal.answer(Answer(200, '{"id":"abcd-1234"}'), Answer(200, "x" * 1000, how="stall"))
    session = PortalSession(patient)
    session.send(views.read_view("abcd-1234"))
    with signal_in(0.2, session), pytest.raises(Interrupted):
        session.send(views.read_view("abcd-1234"))
    assert portal.requests[0].connection == portal.requests[1].connection


def test_while_connecting(patient: PortalSettings) -> None:
    """A listener with a full queue lets a connection hang, as a firewall does that drops packets."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        session = PortalSession(replace(patient, port=listener.getsockname()[1]))
        with signal_in(0.3, session), pytest.raises(Interrupted) as interrupted:
            session.send(views.publish("abcd-1234"))
    assert interrupted.value.landing == "none"


def test_while_resolving_the_host_name(patient: PortalSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """getaddrinfo cannot be interrupted, so it runs in a thread that is left behind."""
    released = threading.Event()

    def blocked(*_: object, **__: object) -> list[object]:
        released.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", blocked)
    session = PortalSession(replace(patient, domain="portal.localhost"))
    try:
        with signal_in(0.15, session), pytest.raises(Interrupted) as interrupted:
            session.send(views.publish("abcd-1234"))
    finally:
        released.set()
    assert interrupted.value.landing == "none"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_while_a_proxy_keeps_silent(
    raw_server: StartServer, patient: PortalSettings, certificate: Certificate, scheme: str
) -> None:
    proxy = raw_server(read_for_ever)
    session = PortalSession(
        replace(
            patient,
            scheme=scheme,
            proxy=f"http://127.0.0.1:{proxy.port}",
            verify=str(certificate.path),
        )
    )
    with signal_in(0.2, session), pytest.raises(Interrupted):
        session.send(views.publish("abcd-1234"))


def test_between_two_tries(portal: ScriptedPortal, patient: PortalSettings) -> None:
    portal.default = Answer(429, "", {"Retry-After": "60"})
    session = PortalSession(patient, budget=RetryBudget(attempts=5))
    with signal_in(0.2, session), pytest.raises(Interrupted) as interrupted:
        session.send(views.publish("abcd-1234"))
    assert interrupted.value.landing == "none"
    assert len(portal.requests) == 1


def test_while_waiting_between_two_looks(patient: PortalSettings) -> None:
    session = PortalSession(patient)
    with signal_in(0.1, session), pytest.raises(Interrupted):
        session.sleep(60)


def test_in_a_repeated_action(portal: ScriptedPortal, patient: PortalSettings) -> None:
    portal.default = Answer(429, "", {"Retry-After": "60"})
    session = PortalSession(patient)
    with signal_in(0.2, session), pytest.raises(Interrupted):
        session.repeat(lambda: session.send(views.discard("abcd-1234")))
    assert len(portal.requests) == 1


def test_from_another_thread(raw_server: StartServer, patient: PortalSettings) -> None:
    received = threading.Event()

    def talk(sock: socket.socket) -> None:
        sock.recv(65536)
        received.set()
        read_for_ever(sock)

    server = raw_server(talk)
    session = PortalSession(replace(patient, port=server.port))
    failed: list[BaseException] = []

    def send() -> None:
        try:
            session.send(views.read_view("abcd-1234"))
        except Interrupted as error:
            failed.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    assert received.wait(10)
    session.interrupt()
    thread.join(LIMIT_SECONDS)
    assert not thread.is_alive()
    assert len(failed) == 1


def test_later_calls_are_not_sent(portal: ScriptedPortal, patient: PortalSettings) -> None:
    session = PortalSession(patient)
    session.interrupt()
    with pytest.raises(Interrupted, match="read view abcd-1234: stopped by this side"):
        session.send(views.read_view("abcd-1234"))
    assert portal.requests == []


def test_an_exception_of_the_handler_passes_through(raw_server: StartServer, patient: PortalSettings) -> None:
    """Airflow's own handler calls on_kill and then raises."""
    server = raw_server(read_for_ever)
    session = PortalSession(replace(patient, port=server.port))

    class Terminated(BaseException):
        pass

    def handler(*_: object) -> None:
        session.interrupt()
        raise Terminated

    before = signal.signal(signal.SIGALRM, handler)
    timer = threading.Timer(0.15, signal.pthread_kill, (threading.main_thread().ident, signal.SIGALRM))
    timer.start()
    try:
        with pytest.raises(Terminated):
            session.send(views.read_view("abcd-1234"))
    finally:
        timer.join()
        signal.signal(signal.SIGALRM, before)
