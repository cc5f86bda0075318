"""Fixtures of the Opendatasoft client's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.client.portal_servers import Certificate, FakeClock, RawServer, ScriptedPortal

from airflow_socrata.client import PortalSession, RetryBudget
from airflow_socrata.opendatasoft.automation import AutomationV1
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.management import ManagementV2
from airflow_socrata.opendatasoft.portal import portal_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.client import PortalSettings

API_KEY = "4a" * 28


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def portal() -> Iterator[ScriptedPortal]:
    server = ScriptedPortal()
    yield server
    server.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(portal: ScriptedPortal) -> PortalSettings:
    key = PortalKey(api_key=API_KEY)
    return portal_settings("127.0.0.1", key, port=portal.port, scheme="http", read_timeout=20.0)


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def session(settings: PortalSettings, clock: FakeClock, log: list[str]) -> Iterator[PortalSession]:
    budget = RetryBudget(attempts=3, seconds=300.0)
    with PortalSession(settings, clock=clock, budget=budget, log=log.append, chance=lambda: 0.5) as session:
        yield session


@pytest.fixture
def automation() -> AutomationV1:
    return AutomationV1()


@pytest.fixture
def management() -> ManagementV2:
    return ManagementV2()


@pytest.fixture
def raw_server() -> Any:
    servers: list[RawServer] = []

    def start(talk: Any) -> RawServer:
        servers.append(RawServer(talk))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
