"""socrata-py 1.2.0, unmodified, against the emulator over HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.socrata_py.steps import Portal
from socrata import Socrata
from socrata.authorization import Authorization

if TYPE_CHECKING:
    from socrata.views import View

    from airflow_socrata.emulator import Emulator

STOPS = "stop-2222"


@pytest.fixture
def portal(tls_portal: Emulator, monkeypatch: pytest.MonkeyPatch) -> Portal:
    """The portal as seen without socrata-py; its certificate is known to `requests` from here on."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls_portal.ca_file))
    monkeypatch.setenv("NO_PROXY", "localhost")
    return Portal(tls_portal)


@pytest.fixture
def socrata(portal: Portal) -> Socrata:
    emulator = portal.emulator
    return Socrata(Authorization(portal.domain, emulator.username, emulator.password))


@pytest.fixture
def stops(portal: Portal) -> str:
    """A small published dataset with a row identifier."""
    columns = [["stop_id", "text"], ["name", "text"], ["riders", "number"]]
    rows = [
        {"stop_id": "a", "name": "Alder", "riders": 10},
        {"stop_id": "b", "name": "Birch", "riders": 20},
    ]
    portal.admin.create_dataset(STOPS, "Stops", columns, "stop_id", rows)
    return STOPS


@pytest.fixture
def view(socrata: Socrata, stops: str) -> View:
    return socrata.views.lookup(stops)
