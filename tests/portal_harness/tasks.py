"""DAGs of one task, and how they ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from portal_harness.publications import START, errors

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["green", "red", "run_task"]


@pytest.fixture
def run_task(request: pytest.FixtureRequest, run_dag: Callable[..., Any]) -> Callable[..., Any]:
    """``run_task(operator, **arguments)`` runs a DAG of one task, named ``task``, and tells how it ended.

    The operator is a class, or what stands between ``Socrata`` and ``Operator`` in its name.
    """
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators import socrata

    name = re.sub(r"\W+", "_", request.node.name)

    def run(operator: Any, /, **arguments: Any) -> Any:
        found = getattr(socrata, f"Socrata{operator}Operator") if isinstance(operator, str) else operator
        with DAG(name, schedule=None, start_date=START) as dag:
            found(**({"task_id": "task", "retries": 0} | arguments))
        return run_dag(dag)

    return run


def green(run: Any) -> Any:
    """What the task of a green run returned."""
    assert run.state == "success", errors(run, "task")
    return run.task("task").return_value


def red(run: Any) -> str:
    """The one error of the task of a red run that was not tried again."""
    assert run.state == "failed", run.states
    (error,) = errors(run, "task")
    assert error.startswith("AirflowFailException: ")
    assert "\n" not in error
    return error
