"""The DAG's callback rolls back what no task does any more; it asks the portal and the records, not XCom."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from portal_harness.publications import (
    assert_published,
    assert_unchanged,
    publishing_dag,
    records,
    upsert,
)

from airflow_socrata.callbacks import SocrataRollbackCallback

CREATE = "p.create_working_copy"


def called_in(task_id: str, publish_dag: Any, dataset: Any, run_dag: Any, load: Any, **options: Any) -> Any:
    """Run the DAG, and its rollback callback once a task of it has ended, as the DAG processor would."""
    dag = publish_dag(dataset, load, **options)
    callback = next(each for each in dag.on_failure_callback if isinstance(each, SocrataRollbackCallback))

    def ended(context: Any) -> None:
        run = SimpleNamespace(run_id=context["run_id"])
        callback({"dag": SimpleNamespace(dag_id=dag.dag_id), "dag_run": run})  # type: ignore[typeddict-item]

    task = dag.get_task(task_id)
    task.on_success_callback = [ended]
    return run_dag(dag)


def test_it_discards_an_open_working_copy(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()
    run = called_in(CREATE, publish_dag, dataset, run_dag, upsert())
    assert_unchanged(run, dataset, before)
    assert run.task("p.load").state == "failed", "its working copy was rolled back meanwhile"


def test_it_leaves_a_published_dataset_alone(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    run = called_in("p.publish", publish_dag, dataset, run_dag, upsert())
    assert_published(run, dataset, dataset.after_changes())


def test_it_does_nothing_without_a_record(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    run = called_in("p.verify", publish_dag, dataset, run_dag, upsert())
    assert_published(run, dataset, dataset.after_changes())
    assert dataset.calls("DELETE") == []


def test_it_never_raises(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    dataset.portal.admin.add_fault("error", "DELETE", times=1, status=403)
    before = dataset.rows()
    run = called_in(CREATE, publish_dag, dataset, run_dag, upsert([{"event_id": " "}]))
    assert_unchanged(run, dataset, before)


def test_each_group_of_a_dag_has_its_own(dataset: Any, portal: Any) -> None:
    dag = publishing_dag("one_group", dataset, upsert())
    (callback,) = dag.on_failure_callback
    assert callback == SocrataRollbackCallback(CREATE, "leave")
    assert records() == {}
