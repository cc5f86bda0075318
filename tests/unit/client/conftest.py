"""Fixtures of the client's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.client.portal_servers import Certificate, FakeClock, RawServer, ScriptedPortal

from airflow_socrata.client import Credentials, PortalSession, PortalSettings, RetryBudget

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

USER, SECRET, APP_TOKEN = "k3y1d", "s3cr3t-Of-The-Key", "t0k3n-0f-app"


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
