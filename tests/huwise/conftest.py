"""huwise-utils-py, unmodified, and a portal on this machine, which it reaches over TLS."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from huwise_utils_py import HuwiseConfig, HuwiseDataset

from airflow_socrata.emulator import OpendatasoftEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPS = [{"id": 1, "name": "Alder"}, {"id": 2, "name": "Birch"}]


@pytest.fixture(scope="session")
def server() -> Iterator[OpendatasoftEmulator]:
    with OpendatasoftEmulator(tls=True) as emulator:
        yield emulator


@pytest.fixture
def portal(server: OpendatasoftEmulator, monkeypatch: pytest.MonkeyPatch) -> OpendatasoftEmulator:
    """A fresh portal, named where the library looks for one. While the library sleeps, time goes on."""
    server.admin.reset()
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
    monkeypatch.setenv("NO_PROXY", server.domain)
    monkeypatch.setenv("HUWISE_API_KEY", server.api_key)
    monkeypatch.setenv("HUWISE_DOMAIN", f"{server.domain}:{server.port}")
    time = SimpleNamespace(sleep=server.admin.advance)
    for module in ("dataset", "http"):
        monkeypatch.setattr(f"huwise_utils_py.{module}.time", time)
    return server


@pytest.fixture
def config(portal: OpendatasoftEmulator) -> HuwiseConfig:
    return HuwiseConfig.from_env()


@pytest.fixture
def stops(portal: OpendatasoftEmulator) -> HuwiseDataset:
    """A published dataset of two records."""
    metadata = {"default": {"keyword": ["tram"]}, "custom": {"steward": "Ann"}}
    portal.admin.create_dataset("stops", "Stops", STOPS, metadata=metadata)
    return HuwiseDataset.from_id("stops")


def exchanges(portal: OpendatasoftEmulator) -> list[tuple[str, str, int]]:
    """Method, path below the API and status of each request so far."""
    base = "/api/automation/v1.0"
    return [(one["method"], one["path"].removeprefix(base), one["status"]) for one in portal.admin.requests()]
