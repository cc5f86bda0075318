"""The DAG in docs/throttling.md runs, on a portal that throttles."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from airflow_harness.versions import AIRFLOW_3_3

DOCS = Path(__file__).parents[2] / "docs" / "throttling.md"


@pytest.mark.skipif(not AIRFLOW_3_3, reason="retry policies came with Airflow 3.3")
def test_it_runs_on_a_portal_that_throttles(portal: Any, run_dag: Any, clock: Any) -> None:
    for dataset in ("stop-2222", "road-3333"):
        portal.admin.create_dataset(dataset, f"All of {dataset}", ["key"], "key")
    portal.admin.settings(rate_limit=1, rate_window_seconds=30.0, rate_limit_reply="seconds")
    found = re.search(r"<!-- a test runs this -->\n```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    namespace: dict[str, Any] = {"__name__": "throttling_example"}
    exec(compile(found[1], str(DOCS), "exec"), namespace)
    run = run_dag(namespace["names_of_datasets"]())
    assert run.state == "success", run.states
    assert {run.task(f"name_of[{n}]").return_value for n in (0, 1)} == {
        "All of stop-2222",
        "All of road-3333",
    }
    assert [task.tries for task in run.tasks.values()] == [1, 1], "a short pause is waited for in the task"
    assert any(20 < pause <= 30 for pause in clock.pauses)
