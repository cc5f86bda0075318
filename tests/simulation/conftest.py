"""The portal that outlives the processes which die."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from portal_harness.imports import CSV

from airflow_socrata.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def portal() -> Iterator[Emulator]:
    """One for a module; keeps what tests leave in it."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of three rows to be imported."""
    path = tmp_path / "new.csv"
    path.write_text(CSV)
    return path
