"""Fixtures for the ``conftest.py`` of each directory that runs operators against the emulator."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.emulator.pytest_plugin import socrata_emulator, socrata_emulator_server
from portal_harness.clock import TurnedClock
from portal_harness.publications import Dataset, forget_records, make_dataset, publishing_dag

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "clock",
    "dataset",
    "portal",
    "publish_dag",
    "socrata_emulator",
    "socrata_emulator_server",
    "unkeyed",
]


@pytest.fixture
def portal(socrata_emulator: Any, airflow_database: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty portal that the default connection leads to, and no records of earlier tests."""
    monkeypatch.setenv("AIRFLOW_CONN_SOCRATA_DEFAULT", socrata_emulator.connection_json)
    forget_records()
    return socrata_emulator


@pytest.fixture(autouse=True)
def clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TurnedClock | None:
    """Pauses take no time in tests that use the portal."""
    if "portal" not in request.fixturenames:
        return None
    turned = TurnedClock(request.getfixturevalue("portal"))
    turned.install(monkeypatch)
    return turned


@pytest.fixture
def dataset(portal: Any) -> Dataset:
    """A public dataset of 20 rows with the row identifier ``event_id``."""
    return make_dataset(portal)


@pytest.fixture
def unkeyed(portal: Any) -> Dataset:
    """The same without a row identifier."""
    return make_dataset(portal, keyed=False)


@pytest.fixture
def publish_dag(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """``publish_dag(dataset, load, **options)``: a DAG whose group ``p`` publishes what ``load(p)`` loads.

    Built twice in one test it is the same DAG; running it again is its next run.
    """
    name = re.sub(r"\W+", "_", request.node.name)
    return functools.partial(publishing_dag, name)
