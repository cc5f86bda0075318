"""Fixtures of the client's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from portal_harness.sessions import settings_of
from unit.client.portal_servers import Certificate, FakeClock, RawServer, ScriptedPortal

from airflow_socrata.client import Credentials, PortalSession, PortalSettings, RetryBudget
from airflow_socrata.emulator.pytest_plugin import socrata_emulator, socrata_emulator_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from airflow_socrata.emulator import Emulator

__all__ = ["socrata_emulator", "socrata_emulator_server"]

USER, SECRET, APP_TOKEN = "k3y1d", "s3cr3t-Of-The-Key", "t0k3n-0f-app"
#: Failures of an emulator are made, and over at once.
SWIFT = RetryBudget(attempts=4, base=0.01)


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(user=USER, secret=SECRET, app_token=APP_TOKEN)


@pytest.fixture
def portal() -> Iterator[ScriptedPortal]:
    server = ScriptedPortal()
    yield server
    server.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_portal(certificate: Certificate) -> Iterator[ScriptedPortal]:
    server = ScriptedPortal(certificate)
    yield server
    server.close()


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[socket.socket], None]], RawServer]]:
    servers: list[RawServer] = []

    def start(talk: Callable[[socket.socket], None]) -> RawServer:
        servers.append(RawServer(talk))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(portal: ScriptedPortal, credentials: Credentials) -> PortalSettings:
    return PortalSettings(
        "127.0.0.1", portal.port, "http", credentials, connect_timeout=5.0, read_timeout=20.0
    )


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def session(settings: PortalSettings, clock: FakeClock, log: list[str]) -> Iterator[PortalSession]:
    budget = RetryBudget(attempts=3, seconds=300.0)
    with PortalSession(settings, clock=clock, budget=budget, log=log.append, chance=lambda: 0.5) as session:
        yield session


@pytest.fixture
def emulator(socrata_emulator: Emulator) -> Emulator:
    """An empty portal; where every test of a module wants a dataset, the module puts it there."""
    return socrata_emulator


@pytest.fixture
def sign_in(emulator: Emulator, clock: FakeClock) -> Iterator[Callable[..., PortalSession]]:
    """``sign_in("viewer")``: a session with the emulator as one of its accounts; None is nobody.

    ``sign_in(user=..., secret=...)`` or ``sign_in(app_token=...)``: with these credentials.
    """
    opened: list[PortalSession] = []

    def make(account: str | None = "publisher", **credentials: str) -> PortalSession:
        if account is not None and not credentials:
            credentials = {"user": f"{account}-key", "secret": f"{account}-secret"}
        settings = settings_of(emulator, Credentials(**credentials))
        opened.append(PortalSession(settings, budget=SWIFT, clock=clock))
        return opened[-1]

    yield make
    for session in opened:
        session.close()


@pytest.fixture
def client(sign_in: Callable[..., PortalSession]) -> PortalSession:
    """A session with the emulator as the publisher; pauses take no time."""
    return sign_in()
