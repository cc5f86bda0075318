"""Fixtures of the whole suite. Airflow's environment is set here, before anything can import Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow_harness import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_harness.cluster import Cluster
    from airflow_harness.dags import DagOutcome

AIRFLOW_HOME = environment.prepare()
#: Needs an environment of its own: `make huwise`.
collect_ignore = ["huwise"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, keep those that share something expensive in one of them."""
    for item in items:
        if {"airflow_cluster", "campaign"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("cluster"))
        elif item.path.parent.name == "packaging":
            item.add_marker(pytest.mark.xdist_group("packaging"))


def pytest_unconfigure() -> None:
    """Remove the session's Airflow home."""
    environment.remove(AIRFLOW_HOME)


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """Home of the Airflow inside this test process."""
    return AIRFLOW_HOME


@pytest.fixture(scope="session")
def airflow_database(airflow_home: Path) -> Path:
    """A migrated metadata database; takes about 5 s, once in a session."""
    from airflow.utils.db import initdb

    initdb()
    return airflow_home / "airflow.db"


@pytest.fixture
def run_dag(airflow_database: Path) -> Callable[..., DagOutcome]:
    """``run_dag(dag, conf=None)`` runs a DAG in this process; see :func:`airflow_harness.dags.run_dag`."""
    from airflow_harness import dags

    return dags.run_dag


@pytest.fixture(scope="session")
def airflow_cluster() -> Iterator[Cluster]:
    """A real Airflow (3.x) for the whole session; started by the first test that asks for it."""
    from airflow_harness.cluster import Cluster

    with Cluster() as cluster:
        yield cluster
