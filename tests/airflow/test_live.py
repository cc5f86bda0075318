"""``live=True`` writes straight to the published dataset: outside the promise, with every guard."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from portal_harness.publications import CHANGES, START, errors, make_dataset, records


def live_dag(dataset: str, rows: Any = CHANGES, **options: Any) -> Any:
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators.socrata import SocrataUpsertOperator

    with DAG("live", schedule=None, start_date=START) as dag:
        SocrataUpsertOperator(task_id="load", dataset=dataset, live=True, rows=lambda: rows, **options)
    return dag


@pytest.mark.parametrize("backend", ["new", "old"])
def test_rows_go_live_at_once(portal: Any, run_dag: Any, backend: str) -> None:
    portal.admin.settings(backend=backend)
    dataset = make_dataset(portal)
    run = run_dag(live_dag(dataset.id))
    assert run.state == "success", errors(run, "load")
    assert dataset.rows() == dataset.after_changes()
    assert dataset.calls("POST", "/publication") == []
    assert run.task("load").return_value["live"] is True
    assert run.task("load").return_value["load"]["created"] == 1
    assert records() == {}


def test_it_says_that_it_stands_outside_the_promise(
    dataset: Any, run_dag: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.WARNING):
        run_dag(live_dag(dataset.id))
    assert "outside the promise" in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([{"event_id": " "}], "blank"),
        ([{"event_id": "e1", "colour": "red"}], "colour"),
        ([{"event_id": "e1", "lanes": float("inf")}], "lanes"),
    ],
)
def test_every_guard_stands(dataset: Any, run_dag: Any, rows: Any, word: str) -> None:
    before = dataset.rows()
    run = run_dag(live_dag(dataset.id, rows))
    assert run.state == "failed"
    assert word in errors(run, "load")[0]
    assert dataset.rows() == before


def test_refused_rows_fail_the_task(dataset: Any, run_dag: Any) -> None:
    dataset.portal.admin.add_fault("row_errors", "POST", "/resource/", rows=1)
    run = run_dag(live_dag(dataset.id))
    assert run.state == "failed"
    assert "max_row_errors=0" in errors(run, "load")[0]


def test_a_dataset_without_a_row_identifier_is_refused(unkeyed: Any, run_dag: Any) -> None:
    before = unkeyed.rows()
    run = run_dag(live_dag(unkeyed.id))
    assert run.state == "failed"
    assert "require_row_identifier=False" in errors(run, "load")[0]
    assert unkeyed.rows() == before


def test_a_lost_batch_without_row_identifiers_is_not_sent_again(unkeyed: Any, run_dag: Any) -> None:
    unkeyed.portal.admin.add_fault("lost_reply", "POST", "/resource/")
    rows = [{"event_id": "n1", "lanes": 1}]
    run = run_dag(live_dag(unkeyed.id, rows, require_row_identifier=False))
    assert run.state == "failed"
    assert "may have carried it out" in errors(run, "load")[0]
    assert [row["event_id"] for row in unkeyed.rows()].count("n1") == 1


@pytest.mark.parametrize("kind", ["filter", "draft", "mirror", "read_only"])
def test_what_takes_no_rows_is_refused(dataset: Any, portal: Any, run_dag: Any, kind: str) -> None:
    target = dataset.id
    if kind == "filter":
        target = portal.admin.create_derived(dataset.id)["id"]
    elif kind == "draft":
        target = make_dataset(portal, published=False).id
    elif kind == "mirror":
        target = make_dataset(portal, synced=True).id
    else:
        portal.admin.set_rights(dataset.id, "publisher", ["read"])
    run = run_dag(live_dag(target))
    assert run.state == "failed"
    (error,) = errors(run, "load")
    assert error.startswith("AirflowFailException: ")
    assert target in error
    assert dataset.calls("POST", "/resource/") == [] or kind == "mirror"


def test_a_working_copy_is_no_argument_of_a_live_upsert(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    from portal_harness.publications import assert_unchanged, upsert

    before = dataset.rows()
    run = run_dag(publish_dag(dataset, upsert(live=True, dataset=dataset.id)))
    assert_unchanged(run, dataset, before)
    assert "live=True writes to a published dataset" in errors(run, "p.load")[0]
