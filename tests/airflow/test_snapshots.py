"""The operator that deletes the snapshots which the old back end leaves behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import requests
from portal_harness.publications import START, errors, make_dataset

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def clean(request: pytest.FixtureRequest, run_dag: Callable[..., Any], portal: Any) -> Callable[..., Any]:
    """``clean(dataset, keep=1)`` runs a DAG of one task, named ``task``."""
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators.socrata import SocrataDeleteSnapshotsOperator

    name = re.sub(r"\W+", "_", request.node.name)

    def run(dataset: str, keep: Any) -> Any:
        with DAG(name, schedule=None, start_date=START) as dag:
            SocrataDeleteSnapshotsOperator(task_id="task", dataset=dataset, keep=keep)
        return run_dag(dag)

    return run


@pytest.fixture
def published(portal: Any) -> tuple[Any, list[str]]:
    """A dataset of the old back end that was published four times, and its snapshots, the newest first."""
    dataset = make_dataset(portal, backend="old")
    made = []
    for _ in range(3):
        portal.admin.advance(60)
        copy = portal.admin.open_working_copy_as("person", dataset.id)["id"]
        url = f"{portal.url}/api/views/{copy}/publication.json"
        requests.post(url, auth=("person-key", "person-secret"), timeout=30).raise_for_status()
        made.insert(0, copy)
    return dataset, made


def stages(dataset: Any) -> dict[str, str]:
    return {copy["id"]: copy["stage"] for copy in dataset.portal.admin.state(dataset.id)["copies"]}


@pytest.mark.parametrize("fault", [None, "lost_reply", "internal_error"])
def test_the_newest_stay(published: Any, clean: Any, fault: str | None) -> None:
    dataset, (newest, *old) = published
    rows = dataset.rows()
    if fault is not None:
        dataset.portal.admin.add_fault(fault, "DELETE", times=2)
    run = clean(dataset.id, keep=1)
    assert run.state == "success", errors(run, "task")
    assert run.task("task").return_value == {"dataset": dataset.id, "kept": [newest], "deleted": old}
    assert stages(dataset) == {dataset.id: "published", newest: "snapshotted"}
    assert clean(dataset.id, keep=1).task("task").return_value["deleted"] == []
    assert dataset.rows() == rows


def test_what_is_no_snapshot_stays(published: Any, clean: Any) -> None:
    dataset, snapshots = published
    copy = dataset.portal.admin.open_working_copy_as("person", dataset.id)["id"]
    before = stages(dataset)
    run = clean(snapshots[0], keep=0)
    assert "give the id of a published dataset" in errors(run, "task")[0]
    run = clean(dataset.id, keep=-1)
    assert "number of snapshots to keep" in errors(run, "task")[0]
    assert stages(dataset) == before
    assert clean(dataset.id, keep=0).state == "success"
    assert stages(dataset) == {dataset.id: "published", copy: "unpublished"}


def test_the_new_back_end_has_none(dataset: Any, clean: Any) -> None:
    run = clean(dataset.id, keep=0)
    assert run.task("task").return_value == {"dataset": dataset.id, "kept": [], "deleted": []}
