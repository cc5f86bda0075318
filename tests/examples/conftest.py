"""Operators against the emulators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.clock import TurnedClock
from portal_harness.fixtures import (
    clock,
    dataset,
    portal,
    publish_dag,
    socrata_emulator,
    socrata_emulator_server,
    unkeyed,
)
from portal_harness.publications import forget_records

from airflow_socrata.emulator.pytest_plugin import opendatasoft_emulator, opendatasoft_emulator_server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "clock",
    "dataset",
    "opendatasoft_emulator",
    "opendatasoft_emulator_server",
    "portal",
    "publish_dag",
    "socrata_emulator",
    "socrata_emulator_server",
    "unkeyed",
]


@pytest.fixture
def opendatasoft_portal(
    opendatasoft_emulator: Any, airflow_database: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """An empty Opendatasoft portal that the default connection leads to; pauses take no time."""
    monkeypatch.setenv("AIRFLOW_CONN_OPENDATASOFT_DEFAULT", opendatasoft_emulator.connection_json)
    forget_records()
    TurnedClock(opendatasoft_emulator).install(monkeypatch)
    return opendatasoft_emulator
