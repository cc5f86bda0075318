"""Fixtures for the ``conftest.py`` of each directory whose tests follow runs on a real Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.emulator import Emulator
from kill_harness.campaign import Campaign
from kill_harness.opendatasoft_portal import DatasetBystander, EmulatorProcess
from kill_harness.stories import Bystander

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_harness.cluster import Cluster

    from kill_harness.stories import Story

__all__ = ["bystander", "campaign_of", "dataset_bystander", "kill_portal", "story"]

#: The fixture with who stands by, by vendor of the portal.
BYSTANDERS = {"socrata": "bystander", "opendatasoft": "dataset_bystander"}


@pytest.fixture(scope="session")
def kill_portal() -> Iterator[Any]:
    """A portal that no other test resets; it takes small chunks, and its jobs end after a look or two."""
    with Emulator(preferred_chunk_size=64, parse_looks=1, transform_looks=1) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def bystander(kill_portal: Any) -> Bystander:
    """A person's working copy of another dataset, open all the time."""
    return Bystander.open(kill_portal)


@pytest.fixture(scope="session")
def dataset_bystander() -> Iterator[DatasetBystander]:
    """A person's dataset at an Opendatasoft portal that is a process of its own."""
    with EmulatorProcess() as emulator:
        yield DatasetBystander.open(emulator)


def campaign_of(directory: Path) -> Any:
    """Return the fixture ``campaign`` for a directory of tests.

    It carries out the scenarios of all its tests that were selected, side by side, and starts the
    portals that these need.
    """

    @pytest.fixture(scope="session")
    def campaign(request: pytest.FixtureRequest, airflow_cluster: Cluster) -> Iterator[Campaign]:
        scenarios = [
            item.callspec.params["scenario"]
            for item in request.session.items
            if item.path.is_relative_to(directory)
            and "scenario" in getattr(getattr(item, "callspec", None), "params", {})
        ]
        bystanders = {}
        for vendor in {scenario.vendor for scenario in scenarios}:
            bystanders[vendor] = request.getfixturevalue(BYSTANDERS[vendor])
            airflow_cluster.set_connection(f"{vendor}_default", bystanders[vendor].portal.connection)
        campaign = Campaign(airflow_cluster, bystanders, scenarios)
        yield campaign
        campaign.stop()
        campaign.look_again()

    return campaign


@pytest.fixture
def story(campaign: Campaign, scenario: Any) -> Story:
    """What became of the run of the test's parameter ``scenario``; nobody else was hurt by it."""
    told = campaign.story(scenario)
    told.tell()
    told.flow.check(str(scenario))
    assert told.flow.run_state() == told.state, "the run has changed its mind"
    assert campaign.bystanders[scenario.vendor].is_untouched()
    return told
