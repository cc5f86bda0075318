"""Fixtures of the whole suite. Airflow's environment is set here, before anything can import Airflow."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from airflow_harness import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_harness.cluster import Cluster
    from airflow_harness.dags import DagOutcome

AIRFLOW_HOME = environment.prepare()
#: They need environments of their own: `make huwise`, `make browser`.
collect_ignore = ["huwise", "browser"]


#: Tests that start the processes of a real Airflow, by the beginning of their names.
OF_A_SCHEDULER = ("tests/e2e", "tests/harness/test_cluster.py", "tests/traps/test_under_a_scheduler.py")
#: Tests that share something expensive: where tests run in several processes, those of a group stay in one.
GROUPS = dict.fromkeys(OF_A_SCHEDULER, "cluster") | {"tests/packaging/": "packaging"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs all kill points."""
    parser.addoption(
        "--all-kill-points",
        action="store_true",
        help="with -m scheduler: kill processes at every point of the flow, instead of a few",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what starts a scheduler, unless a marker is asked for: `make e2e` does."""
    root = config.rootpath
    slow = [i for i in items if i.path.relative_to(root).as_posix().startswith(OF_A_SCHEDULER)]
    for item in slow:
        item.add_marker("scheduler")
    if not config.getoption("-m"):
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Group by name: the marks for that of pytest-xdist 3.8 do not reach its scheduler with pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling

    class Grouped(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((group for start, group in GROUPS.items() if nodeid.startswith(start)), nodeid)

    return Grouped(config, log)


def pytest_unconfigure() -> None:
    """Remove the session's Airflow home."""
    environment.remove(AIRFLOW_HOME)


@pytest.fixture(autouse=True)
def _no_pause_of_another_test() -> None:
    """A port, and the portal's time, come again in later tests: a pause must not last until then."""
    limiter = sys.modules.get("airflow_socrata.client.limiter")
    if limiter is not None:
        limiter.forget_limiters()


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
