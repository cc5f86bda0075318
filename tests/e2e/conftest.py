"""A real Airflow and a portal, for runs whose processes are killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kill_harness.dag_files import dag_file, dag_id_of

from airflow_socrata.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_harness.cluster import Cluster


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
