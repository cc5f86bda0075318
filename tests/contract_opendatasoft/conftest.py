"""One portal for the contract's walks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract_opendatasoft.client_walk import Sender, Walk, walk_all
from contract_opendatasoft.walk import automation_walk, management_walk

from airflow_socrata.emulator import OpendatasoftEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_opendatasoft.checks import Exchange


@pytest.fixture(scope="session")
def contract_portal() -> Iterator[OpendatasoftEmulator]:
    with OpendatasoftEmulator() as portal:
        yield portal


@pytest.fixture(scope="session")
def walks(contract_portal: OpendatasoftEmulator) -> dict[str, Walk]:
    """The client's walks, by dialect."""
    found = {}
    for name in ("automation", "management"):
        contract_portal.admin.reset()
        with Sender(contract_portal) as send:
            found[name] = walk_all(send, name)
    return found


@pytest.fixture(scope="session")
def sent(walks: dict[str, Walk]) -> list[Exchange]:
    """Every exchange of the client."""
    return [seen for walk in walks.values() for seen in walk.send.seen]


@pytest.fixture(scope="session")
def exchanges(contract_portal: OpendatasoftEmulator, sent: list[Exchange]) -> list[Exchange]:
    """Every exchange of the client, and of what it does not call."""
    found = list(sent)
    for walk in (automation_walk, management_walk):
        contract_portal.admin.reset()
        found += walk(contract_portal)
    return found
