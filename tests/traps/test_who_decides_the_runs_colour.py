"""Trap: a teardown hides the failures before it, and a failed teardown alone leaves the run green."""

from __future__ import annotations

from typing import Any

import pytest
from portal_harness.publications import assert_published, errors, upsert

CREATE, LOAD, PUBLISH = "p.create_working_copy", "p.load", "p.publish"
WAIT, VERIFY, DISCARD = "p.wait", "p.verify", "p.discard_working_copy"


@pytest.mark.parametrize(
    ("failing", "fault"),
    [
        (CREATE, {"method": "POST", "path": "/publication", "skip": 0}),
        (LOAD, {"method": "POST", "path": "/resource/", "skip": 0}),
        (PUBLISH, {"method": "POST", "path": "/publication", "skip": 1}),
    ],
)
def test_a_task_before_the_teardown_fails(
    dataset: Any, publish_dag: Any, run_dag: Any, failing: str, fault: dict[str, Any]
) -> None:
    dataset.portal.admin.add_fault("error", times=1, **fault)
    run = run_dag(publish_dag(dataset, upsert()))
    assert run.states[failing] == "failed"
    assert run.state == "failed"


def test_only_the_check_after_publish_fails(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    def forbid(context: Any) -> None:
        dataset.portal.admin.add_fault("error", "GET", "/resource/", status=403, times=None)

    dag = publish_dag(dataset, upsert())
    dag.get_task(WAIT).on_success_callback = [forbid]
    run = run_dag(dag)
    assert run.states[DISCARD] == "success"
    assert run.states[VERIFY] == "failed"
    assert run.state == "failed"
    assert dataset.rows() == dataset.after_changes(), "it is live, and the run says that it was not checked"


def test_only_the_teardown_fails(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    def break_connection(context: Any) -> None:
        dataset.portal.admin.add_fault("error", "GET", "/api/views/", status=403, times=None)

    dag = publish_dag(dataset, upsert([{"event_id": " "}]), discard_retries=0)
    dag.get_task(LOAD).on_failure_callback = [break_connection]
    run = run_dag(dag)
    assert run.states[DISCARD] == "failed"
    assert run.state == "failed"


def test_all_work_is_skipped(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    """A skipped load skips publish and verify: without the teardown's own check the run would be green."""
    from airflow.providers.common.compat.sdk import AirflowSkipException

    def rows() -> Any:
        raise AirflowSkipException("no file today")

    before = dataset.rows()
    run = run_dag(publish_dag(dataset, upsert(rows)))
    assert run.states[PUBLISH] == "skipped"
    assert run.state == "failed"
    assert "the data did not go live" in errors(run, DISCARD)[-1]
    assert dataset.rows() == before
    assert dataset.copies() == []


def test_everything_succeeds(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    assert_published(run_dag(publish_dag(dataset, upsert())), dataset, dataset.after_changes())


def test_a_failed_task_of_the_user_behind_the_group_keeps_the_run_red(dataset: Any, run_dag: Any) -> None:
    from airflow.providers.common.compat.sdk import DAG, BaseOperator
    from portal_harness.publications import START

    from airflow_socrata.task_groups import SocrataPublication

    class Fails(BaseOperator):
        def execute(self, context: Any) -> None:
            raise RuntimeError("the user's own task")

    with DAG("behind", schedule=None, start_date=START) as dag:
        with SocrataPublication("p", dataset=dataset.id) as publication:
            upsert()(publication)
        publication >> Fails(task_id="after")
    run = run_dag(dag)
    assert run.state == "failed"
    assert dataset.rows() == dataset.after_changes()
