"""The extra links lead to the dataset and the working copy, also when the task has failed."""

from __future__ import annotations

from typing import Any

import pytest
from portal_harness.publications import errors, upsert


def link(run: Any, task_id: str, name: str) -> str:
    """What a person gets who clicks the link."""
    from airflow.models.taskinstancekey import TaskInstanceKey
    from airflow_harness.versions import AIRFLOW_3

    from airflow_socrata.links.socrata import SocrataDatasetLink, SocrataWorkingCopyLink

    found = {each.name: each for each in (SocrataDatasetLink(), SocrataWorkingCopyLink())}[name]
    key = TaskInstanceKey(run.dag_id, task_id, run.run_id, 1, -1)
    if not AIRFLOW_3:
        return found.get_link(None, ti_key=key)  # type: ignore[arg-type]
    # Airflow 3 asks for the link in the task itself and keeps it as an XCom.
    return str(run.task(task_id).xcoms[f"_link_{type(found).__name__}"])


TASKS = ["p.create_working_copy", "p.load", "p.publish", "p.wait"]


@pytest.mark.parametrize("task_id", TASKS)
def test_a_task_leads_to_the_dataset_and_the_working_copy(
    dataset: Any, publish_dag: Any, run_dag: Any, task_id: str
) -> None:
    run = run_dag(publish_dag(dataset, upsert()))
    copy = run.task("p.create_working_copy").return_value["working_copy"]
    assert link(run, task_id, "Dataset on the portal") == f"{dataset.portal.url}/d/{dataset.id}"
    assert link(run, task_id, "Working copy on the portal") == f"{dataset.portal.url}/d/{copy}"


def test_a_failed_load_leads_there_as_well(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    run = run_dag(publish_dag(dataset, upsert([{"event_id": " "}])))
    assert errors(run, "p.load")
    assert run.task("p.load").xcoms["socrata_links"]["dataset"] == f"{dataset.portal.url}/d/{dataset.id}"
    assert "working_copy" in run.task("p.load").xcoms["socrata_links"]


def test_xcoms_are_small_and_plain(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    import json

    run = run_dag(
        publish_dag(dataset, upsert([{"event_id": f"n{n}", "street": "x" * 99} for n in range(500)]))
    )
    assert run.state == "success"
    for task in run.tasks.values():
        for key, value in task.xcoms.items():
            assert len(json.dumps(value)) < 4000, (task.task_id, key)
            assert "x" * 99 not in json.dumps(value)
