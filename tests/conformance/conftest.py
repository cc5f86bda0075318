"""The emulator from outside: plain HTTP calls, and sodapy unmodified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_socrata.emulator import Emulator
from airflow_socrata.emulator.pytest_plugin import socrata_emulator, socrata_emulator_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.emulator.admin_client import EmulatorAdmin

__all__ = ["socrata_emulator", "socrata_emulator_server"]


class Api:
    """Calls to one portal as one account."""

    def __init__(self, url: str, user: tuple[str, str] | None) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = user

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=30, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self("GET", path, **more)

    def post(self, path: str, **more: Any) -> requests.Response:
        return self("POST", path, **more)

    def put(self, path: str, **more: Any) -> requests.Response:
        return self("PUT", path, **more)

    def delete(self, path: str, **more: Any) -> requests.Response:
        return self("DELETE", path, **more)

    def open_copy(self, dataset: str, method: str = "copy") -> str:
        reply = self.post(f"/api/views/{dataset}/publication.json?method={method}")
        assert reply.status_code == 200, reply.text
        return reply.json()["id"]

    def publish(self, dataset: str) -> requests.Response:
        return self.post(f"/api/views/{dataset}/publication.json")

    def upsert(self, dataset: str, rows: Any) -> requests.Response:
        return self.post(f"/resource/{dataset}.json", json=rows)

    def rows(self, dataset: str, **params: Any) -> Any:
        reply = self.get(f"/resource/{dataset}.json", params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def count(self, dataset: str) -> int:
        return int(self.rows(dataset, **{"$select": "count(*)"})[0]["count"])


@pytest.fixture
def portal(socrata_emulator: Emulator) -> Emulator:
    return socrata_emulator


@pytest.fixture
def admin(portal: Emulator) -> EmulatorAdmin:
    return portal.admin


@pytest.fixture
def api(portal: Emulator) -> Api:
    return Api(portal.url, (portal.username, portal.password))


@pytest.fixture
def anonymous(portal: Emulator) -> Api:
    return Api(portal.url, None)


@pytest.fixture
def viewer(portal: Emulator) -> Api:
    return Api(portal.url, ("viewer-key", "viewer-secret"))


@pytest.fixture
def stops(admin: EmulatorAdmin) -> str:
    """A small published dataset with a row identifier."""
    columns = [["stop_id", "text"], ["name", "text"], ["riders", "number"]]
    rows = [
        {"stop_id": "a", "name": "Alder", "riders": 10},
        {"stop_id": "b", "name": "Birch", "riders": "20.50"},
        {"stop_id": "c", "name": "Çedar"},
    ]
    return admin.create_dataset("stop-2222", "Stops", columns, "stop_id", rows)["id"]


@pytest.fixture(scope="session")
def tls_server() -> Iterator[Emulator]:
    with Emulator(tls=True) as server:
        yield server


@pytest.fixture
def tls_portal(tls_server: Emulator) -> Emulator:
    tls_server.admin.reset()
    return tls_server
