"""A real Airflow and a portal, for runs whose processes are killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kill_harness.campaign import Campaign
from kill_harness.dag_files import dag_file, dag_id_of
from kill_harness.flow import Bystander

from airflow_socrata.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_harness.cluster import Cluster


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs all."""
    parser.addoption(
        "--all-kill-points",
        action="store_true",
        help="kill processes at every point of the flow, instead of three",
    )


@pytest.fixture(scope="session")
def kill_portal() -> Iterator[Any]:
    """A portal that no other test resets."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def kill_cluster(airflow_cluster: Cluster, kill_portal: Any) -> Cluster:
    """The Airflow with the DAGs and the connection to the portal."""
    airflow_cluster.set_connection("socrata_default", kill_portal.connection)
    for way in ("upsert", "replace"):
        for retries in (0, 2):
            airflow_cluster.put_dag(dag_id_of(way, retries), dag_file(way, retries))
    return airflow_cluster


@pytest.fixture(scope="session")
def bystander(kill_portal: Any) -> Bystander:
    """A person's working copy of another dataset, open all the time."""
    return Bystander.open(kill_portal)


@pytest.fixture(scope="session")
def campaign(
    request: pytest.FixtureRequest, kill_cluster: Cluster, kill_portal: Any, bystander: Bystander
) -> Iterator[Campaign]:
    """All scenarios of the tests that were selected, carried out side by side."""
    scenarios = [
        item.callspec.params["scenario"]
        for item in request.session.items
        if "scenario" in getattr(getattr(item, "callspec", None), "params", {})
    ]
    campaign = Campaign(kill_cluster, kill_portal, scenarios)
    yield campaign
    campaign.stop()
