"""One portal for the contract's walks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.walk import WALKS, Recorder

from airflow_socrata.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.checks import Exchange


@pytest.fixture(scope="session")
def contract_portal() -> Iterator[Emulator]:
    with Emulator() as portal:
        yield portal


@pytest.fixture(scope="session")
def exchanges(contract_portal: Emulator) -> list[Exchange]:
    """Every exchange of the walks."""
    contract_portal.admin.reset()
    recorder = Recorder(contract_portal)
    for walk in WALKS:
        walk(recorder)
    return recorder.seen
