"""A portal for the tests of the publication room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from portal_harness.changes import World

from airflow_socrata.emulator.opendatasoft import OpendatasoftEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="package")
def portal() -> Iterator[OpendatasoftEmulator]:
    with OpendatasoftEmulator() as emulator:
        yield emulator


@pytest.fixture
def world(portal: OpendatasoftEmulator, tmp_path: Path) -> World:
    """A published dataset of four records from an uploaded file, at rest for a while."""
    return World(portal, tmp_path)
