"""The sensor looks with GET only, and tells published, gone and rejected apart."""

from __future__ import annotations

from typing import Any

import pytest
from portal_harness.publications import START, errors, publishing_dag, upsert

BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])


def submitted(dataset: Any, run_dag: Any, meddle: Any, deferrable: bool, **options: Any) -> Any:
    """A run whose publish ends as submitted; ``meddle()`` happens before the sensor looks."""
    dataset.portal.admin.settings(approvals=True)
    dag = publishing_dag(
        f"submitted_{deferrable}", dataset, upsert(), on_approval="submit", deferrable=deferrable, **options
    )
    dag.get_task("p.publish").on_success_callback = [lambda context: meddle()]
    return run_dag(dag)


@BOTH
def test_it_succeeds_once_the_copy_is_live(dataset: Any, run_dag: Any, deferrable: bool) -> None:
    run = submitted(dataset, run_dag, lambda: dataset.portal.admin.approve(dataset.id), deferrable)
    assert run.state == "success", run.states
    assert run.task("p.wait").return_value["outcome"] == "published"


@BOTH
def test_it_fails_at_once_on_a_rejected_copy(dataset: Any, run_dag: Any, deferrable: bool) -> None:
    run = submitted(dataset, run_dag, lambda: dataset.portal.admin.reject(dataset.id), deferrable)
    assert run.state == "failed"
    (error,) = errors(run, "p.wait")
    assert error.startswith("AirflowFailException: ")
    assert "rejected by a steward" in error
    assert dataset.copies() == []


@BOTH
def test_it_sends_nothing_but_get(dataset: Any, run_dag: Any, deferrable: bool) -> None:
    seen: list[int] = []

    def approve() -> None:
        seen.append(len(dataset.portal.admin.requests()))
        dataset.portal.admin.approve(dataset.id)

    submitted(dataset, run_dag, approve, deferrable)
    later = dataset.portal.admin.requests()[seen[0] :]
    assert later
    assert {call["method"] for call in later} == {"GET"}


def test_it_refuses_what_is_no_handle(portal: Any, run_dag: Any) -> None:
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.sensors.socrata import SocrataPublicationSensor

    with DAG("sensor_alone", schedule=None, start_date=START) as dag:
        SocrataPublicationSensor(task_id="wait", working_copy={"dataset": "abcd-1234"}, timeout=5)
    run = run_dag(dag)
    assert run.state == "failed"
    assert "no handle of a working copy" in errors(run, "wait")[0]


def test_an_error_that_passes_is_looked_past(dataset: Any, run_dag: Any) -> None:
    def trouble() -> None:
        dataset.portal.admin.approve(dataset.id)
        dataset.portal.admin.add_fault("bad_gateway", "GET", times=3)

    run = submitted(dataset, run_dag, trouble, deferrable=False)
    assert run.state == "success", errors(run, "p.wait")
