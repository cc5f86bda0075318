"""Whose a working copy is, is proved: by its mark, or by what was recorded before it was asked for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from portal_harness.publications import assert_published, assert_unchanged, errors, records, upsert

from airflow_socrata.publication import opening

if TYPE_CHECKING:
    import pytest

CREATE = "p.create_working_copy"


def intents() -> list[dict[str, Any]]:
    """The recorded intents."""
    return [value for name, value in records().items() if name.startswith("airflow_socrata.intent.")]


def records_at(portal: Any, method: str, path: str, act: Any, **more: Any) -> Any:
    """What is on record while a request is held before it is carried out."""
    hold = portal.admin.hold(method, path, **more)
    found: list[Any] = []

    def look() -> None:
        try:
            portal.admin.wait_held(hold, 60)
            found.extend(intents())
        finally:
            portal.admin.release(hold)

    watcher = threading.Thread(target=look)
    watcher.start()
    act()
    watcher.join(60)
    return found


def test_the_intent_is_recorded_before_the_copy_is_asked_for(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    runs: list[Any] = []
    found = records_at(
        dataset.portal, "POST", "/publication", lambda: runs.append(run_dag(publish_dag(dataset, upsert())))
    )
    assert_published(runs[0], dataset, dataset.after_changes())
    (intent,) = found
    assert intent["phase"] == "intended"
    assert intent["dataset"] == dataset.id
    assert intent["working_copy"] is None
    assert intent["open_before"] == []
    assert intent["acting_user"] == "pub3-user"
    assert intent["operation"]["run_id"] == runs[0].run_id
    assert intent["operation"]["task_id"] == CREATE
    assert intent["baseline"]["rows"] == 20


def test_the_copy_is_recorded_before_it_is_marked(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    found = records_at(dataset.portal, "PUT", "/api/views/", lambda: run_dag(publish_dag(dataset, upsert())))
    (marking,) = dataset.calls("PUT", "/api/views/")
    assert marking["path"] == f"/api/views/{found[0]['working_copy']}.json"


def test_publishing_is_recorded_before_publish_is_sent(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    found = records_at(
        dataset.portal, "POST", "/publication", lambda: run_dag(publish_dag(dataset, upsert())), skip=1
    )
    assert found[0]["phase"] == "publishing"
    assert found[0]["expected_rows"] == 20


def test_the_mark_names_the_copy_itself(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    run = run_dag(publish_dag(dataset, upsert()))
    mark = dataset.view()["privateMetadata"]["airflow_socrata"]
    assert mark["working_copy"] == run.task(CREATE).return_value["working_copy"]
    assert mark["run_id"] == run.run_id


def die_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first try dies after the copy was made and before it is recorded; nothing is cleaned up."""
    take_over, clean_up = opening.take_over, opening.clean_up
    deaths: list[int] = []

    def dying(*args: Any) -> Any:
        deaths.append(1)
        if len(deaths) == 1:
            raise RuntimeError("killed")
        return take_over(*args)

    def survived(publisher: Any, intent: Any, error: BaseException) -> None:
        if str(error) != "killed":
            clean_up(publisher, intent, error)

    monkeypatch.setattr(opening, "take_over", dying)
    monkeypatch.setattr(opening, "clean_up", survived)


def test_an_unmarked_copy_that_the_intent_proves_is_adopted(
    dataset: Any, publish_dag: Any, run_dag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_once(monkeypatch)
    run = run_dag(publish_dag(dataset, upsert(), retries=1))
    assert_published(run, dataset, dataset.after_changes())
    assert run.task(CREATE).tries == 2
    assert len(dataset.calls("POST", "method=copy")) == 1


def test_an_unmarked_copy_that_the_intent_does_not_prove_is_refused(
    dataset: Any, publish_dag: Any, run_dag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another account made the copy that the first try got to see: the intent names the acting user.
    die_once(monkeypatch)
    monkeypatch.setattr(opening, "check_made_for", lambda intent, copy: None)
    dataset.portal.admin.add_fault("person_copy", "POST", "/publication")
    before = dataset.rows()
    run = run_dag(publish_dag(dataset, upsert(), retries=1))
    (copy,) = dataset.copies()
    assert run.state == "failed"
    assert copy["id"] in errors(run, CREATE)[-1]
    assert "a person's" in errors(run, CREATE)[-1]
    assert dataset.rows() == before


def test_a_copy_that_a_dead_create_left_is_discarded_by_the_next_run(
    dataset: Any, publish_dag: Any, run_dag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        die_once(patch)
        dag = publish_dag(dataset, upsert())
        dag.on_failure_callback = None  # as when nobody is left to call it
        first = run_dag(dag)
    assert first.state == "failed"
    assert len(dataset.copies()) == 1
    second = run_dag(publish_dag(dataset, upsert()))
    assert second.state == "success", errors(second, CREATE)
    assert dataset.rows() == dataset.after_changes()
    assert dataset.copies() == []


def test_a_copy_that_somebody_unmarked_is_not_published(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    import requests

    def meddle(context: Any) -> None:
        copy = dataset.copies()[0]["id"]
        with requests.Session() as session:
            session.trust_env = False
            session.put(
                f"{dataset.portal.url}/api/views/{copy}.json",
                json={"privateMetadata": {}},
                auth=(dataset.portal.username, dataset.portal.password),
                timeout=30,
            ).raise_for_status()

    before = dataset.rows()
    dag = publish_dag(dataset, upsert())
    dag.get_task("p.load").on_success_callback = [meddle]
    run = run_dag(dag)
    assert_unchanged(run, dataset, before)
    assert "does not carry the mark" in errors(run, "p.publish")[0]
