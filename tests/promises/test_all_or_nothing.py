"""A run publishes all of its data, or leaves the public dataset as it was and no working copy behind."""

from __future__ import annotations

from typing import Any

from airflow_socrata.operators.socrata import SocrataReplaceOperator, SocrataUpsertOperator

NEW_ROWS = [{"event_id": "e1", "lanes": 99}, {"event_id": "e21", "street": "Háaleitisbraut", "lanes": 2}]


def test_an_upsert_is_published_whole(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    dag = publish_dag(
        dataset,
        lambda p: SocrataUpsertOperator(
            task_id="upsert", working_copy=p.working_copy, rows=lambda: [*NEW_ROWS, {"event_id": "e2", ":deleted": True}]
        ),
    )
    run = run_dag(dag)
    assert run.state == "success", run.states
    assert run.task("publication.verify").return_value["rows_after"] == 20
    rows = {row["event_id"]: row for row in dataset.rows()}
    assert rows["e1"] == {"event_id": "e1", "street": "Óðinsgata", "lanes": "99"}
    assert "e2" not in rows
    assert rows["e21"]["street"] == "Háaleitisbraut"
    assert dataset.copies() == []


def test_a_replace_is_published_whole(unkeyed: Any, publish_dag: Any, run_dag: Any) -> None:
    dag = publish_dag(
        unkeyed,
        lambda p: SocrataReplaceOperator(task_id="replace", working_copy=p.working_copy, rows=lambda: NEW_ROWS),
        method="copySchema",
    )
    run = run_dag(dag)
    assert run.state == "success", run.states
    assert [row["event_id"] for row in unkeyed.rows()] == ["e1", "e21"]
    assert unkeyed.copies() == []


def test_a_load_that_raises_changes_nothing(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()

    def rows() -> Any:
        yield NEW_ROWS[0]
        raise RuntimeError("the source broke")

    dag = publish_dag(
        dataset, lambda p: SocrataUpsertOperator(task_id="upsert", working_copy=p.working_copy, rows=rows)
    )
    run = run_dag(dag)
    assert run.state == "failed"
    assert dataset.rows() == before
    assert dataset.copies() == []
