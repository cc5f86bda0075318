"""Fixtures: put ``pytest_plugins = ["airflow_socrata.emulator.pytest_plugin"]`` into your ``conftest.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_socrata.emulator.opendatasoft.server import OpendatasoftEmulator
from airflow_socrata.emulator.server import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def socrata_emulator_server() -> Iterator[Emulator]:
    """One emulator for the whole test run; keeps what tests leave in it."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def socrata_emulator(socrata_emulator_server: Emulator) -> Iterator[Emulator]:
    """A fresh portal for each test, on one server for the whole run."""
    socrata_emulator_server.admin.reset()
    yield socrata_emulator_server
    # What a test held is let go, so that no request of it outlives the test.
    socrata_emulator_server.admin.reset()


@pytest.fixture(scope="session")
def opendatasoft_emulator_server() -> Iterator[OpendatasoftEmulator]:
    """One Opendatasoft emulator for the whole test run; keeps what tests leave in it."""
    with OpendatasoftEmulator() as emulator:
        yield emulator


@pytest.fixture
def opendatasoft_emulator(
    opendatasoft_emulator_server: OpendatasoftEmulator,
) -> Iterator[OpendatasoftEmulator]:
    """A fresh Opendatasoft portal for each test, on one server for the whole run."""
    opendatasoft_emulator_server.admin.reset()
    yield opendatasoft_emulator_server
    # What a test held is let go, so that no request of it outlives the test.
    opendatasoft_emulator_server.admin.reset()
