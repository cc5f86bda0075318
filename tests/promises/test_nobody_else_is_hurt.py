"""People's drafts, audience, attachments and metadata stay as they were; runs do not share a draft."""

from __future__ import annotations

from typing import Any

import pytest
from portal_harness.publications import (
    START,
    assert_published,
    assert_unchanged,
    errors,
    make_dataset,
    records,
    upsert,
)

CREATE = "p.create_working_copy"
BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])


def person_opens(dataset: Any, user: str = "person") -> str:
    """A person opens a working copy and works in it; returns its 4x4."""
    copy: str = dataset.portal.admin.open_working_copy_as(user, dataset.id)["id"]
    dataset.portal.admin.write_rows(copy, [{"event_id": "p1", "street": "a person's"}])
    return copy


def assert_refused_for(run: Any, dataset: Any, copy: str, rows: Any) -> None:
    """The run is red and names the person's copy; that and the dataset are as they were."""
    assert run.state == "failed"
    assert run.task(CREATE).tries == 1, "a person's copy does not go away by trying again"
    error = errors(run, CREATE)[0]
    assert copy in error
    assert f"/d/{copy}" in error or "somebody else at the same moment" in error
    assert "existing_copy='discard' or 'adopt'" in error
    assert dataset.rows() == rows
    assert [each["id"] for each in dataset.copies()] == [copy]
    assert records() == {}


@pytest.mark.parametrize("backend", ["new", "old"])
@pytest.mark.parametrize("user", ["person", "publisher"])
@BOTH
def test_a_person_s_copy_stops_the_run_and_stays(
    portal: Any, publish_dag: Any, run_dag: Any, backend: str, user: str, deferrable: bool
) -> None:
    portal.admin.settings(backend=backend)
    dataset = make_dataset(portal)
    before, copy = dataset.rows(), person_opens(dataset, user)
    run = run_dag(publish_dag(dataset, upsert(), retries=2, deferrable=deferrable))
    assert_refused_for(run, dataset, copy, before)
    assert "p1" in {row["event_id"] for row in portal.admin.rows(copy)}


@pytest.mark.parametrize("after", [False, True], ids=["just_before", "just_after_the_look"])
@BOTH
def test_a_person_s_copy_that_appears_meanwhile_is_not_taken_for_ours(
    dataset: Any, publish_dag: Any, run_dag: Any, after: bool, deferrable: bool
) -> None:
    before = dataset.rows()
    if after:
        dataset.portal.admin.add_fault("person_copy", "GET", "/api/geocoding", after=True)
    else:
        dataset.portal.admin.add_fault("person_copy", "POST", "/publication")
    run = run_dag(publish_dag(dataset, upsert(), retries=2, deferrable=deferrable))
    assert_refused_for(run, dataset, dataset.copies()[0]["id"], before)
    assert dataset.calls("DELETE") == []
    assert dataset.calls("PUT") == []


def test_a_person_s_copy_that_appears_while_the_copy_job_runs_is_not_taken_for_ours(
    dataset: Any, publish_dag: Any, run_dag: Any, clock: Any
) -> None:
    before = dataset.rows()
    dataset.portal.admin.add_fault("accepted", "POST", "/publication", calls=1)
    clock.at_pause(lambda: person_opens(dataset))
    run = run_dag(publish_dag(dataset, upsert()))
    assert_refused_for(run, dataset, dataset.copies()[0]["id"], before)


def test_a_person_s_copy_is_discarded_if_told(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    person_opens(dataset)
    run = run_dag(publish_dag(dataset, upsert(), existing_copy="discard"))
    assert_published(run, dataset, dataset.after_changes())


def test_a_person_s_copy_is_adopted_if_told(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    person_opens(dataset)
    run = run_dag(publish_dag(dataset, upsert(), existing_copy="adopt"))
    assert run.state == "success", errors(run, CREATE)
    assert {"p1", "e21"} < set(dataset.ids())
    assert dataset.copies() == []


def test_a_copy_that_inherits_our_mark_is_still_a_person_s(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    run_dag(publish_dag(dataset, upsert()))
    before, copy = dataset.rows(), person_opens(dataset)
    assert "airflow_socrata" in dataset.view(copy)["privateMetadata"], "inherited from the published view"
    run = run_dag(publish_dag(dataset, upsert(), retries=1))
    assert_refused_for(run, dataset, copy, before)


def test_rows_do_not_go_live_straight_past_a_person_s_copy(dataset: Any, run_dag: Any) -> None:
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators.socrata import SocrataUpsertOperator

    before, copy = dataset.rows(), person_opens(dataset)
    with DAG("live_past_a_copy", schedule=None, start_date=START) as dag:
        SocrataUpsertOperator(
            task_id="load", dataset=dataset.id, live=True, rows=lambda: [{"event_id": "e1", "lanes": 5}]
        )
    run = run_dag(dag)
    assert run.state == "failed"
    assert copy in errors(run, "load")[0]
    assert dataset.rows() == before


# --- other runs ---


def leave_a_copy(dataset: Any, publish_dag: Any, run_dag: Any) -> tuple[str, Any]:
    """A run that could not roll back: its working copy stays. Returns its 4x4 and the run."""
    dataset.portal.admin.add_fault("error", "DELETE", "/api/views/", times=None, status=403)
    run = run_dag(publish_dag(dataset, upsert([{"event_id": " "}]), discard_retries=0))
    dataset.portal.admin.clear_faults()
    assert run.state == "failed"
    assert run.task("p.discard_working_copy").state == "failed"
    return dataset.copies()[0]["id"], run


def set_run_state(run: Any, state: str) -> None:
    """Let Airflow take the run for one in another state."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        changed = update(DagRun).where(DagRun.run_id == run.run_id).values(state=state)
        session.execute(changed.execution_options(synchronize_session=False))


@BOTH
def test_what_an_ended_run_left_is_removed_by_the_next(
    dataset: Any, publish_dag: Any, run_dag: Any, deferrable: bool
) -> None:
    leave_a_copy(dataset, publish_dag, run_dag)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_published(run, dataset, dataset.after_changes())


@pytest.mark.parametrize("state", ["running", "queued"])
def test_the_copy_of_a_live_run_is_refused(dataset: Any, publish_dag: Any, run_dag: Any, state: str) -> None:
    before = dataset.rows()
    copy, other = leave_a_copy(dataset, publish_dag, run_dag)
    set_run_state(other, state)
    run = run_dag(publish_dag(dataset, upsert()))
    set_run_state(other, "failed")
    assert run.state == "failed"
    assert "max_active_runs=1" in errors(run, CREATE)[0]
    assert other.run_id in errors(run, CREATE)[0]
    assert [each["id"] for each in dataset.copies()] == [copy]
    assert dataset.rows() == before


def test_the_copy_of_another_dag_is_refused(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    from portal_harness.publications import publishing_dag

    copy, _ = leave_a_copy(dataset, publish_dag, run_dag)
    run = run_dag(publishing_dag("another_dag", dataset, upsert()))
    assert run.state == "failed"
    assert "SocrataDiscardStaleWorkingCopiesOperator" in errors(run, CREATE)[0]
    assert [each["id"] for each in dataset.copies()] == [copy]


def hygiene_dag(dataset: Any, **options: Any) -> Any:
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators.socrata import SocrataDiscardStaleWorkingCopiesOperator

    with DAG("hygiene", schedule=None, start_date=START) as dag:
        SocrataDiscardStaleWorkingCopiesOperator(task_id="clean", datasets=[dataset.id], **options)
    return dag


def test_hygiene_discards_what_runs_have_left_once_it_is_old(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    copy, _ = leave_a_copy(dataset, publish_dag, run_dag)
    assert run_dag(hygiene_dag(dataset)).task("clean").return_value == []
    assert [each["id"] for each in dataset.copies()] == [copy]
    dataset.portal.admin.advance(86_500)
    assert run_dag(hygiene_dag(dataset)).task("clean").return_value == [copy]
    assert dataset.copies() == []
    assert records() == {}


def test_hygiene_leaves_live_runs_and_people_alone(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    from datetime import timedelta

    copy, other = leave_a_copy(dataset, publish_dag, run_dag)
    set_run_state(other, "running")
    assert run_dag(hygiene_dag(dataset, older_than=timedelta(0))).task("clean").return_value == []
    set_run_state(other, "failed")
    assert run_dag(hygiene_dag(dataset, older_than=timedelta(0))).task("clean").return_value == [copy]
    person = person_opens(dataset)
    assert run_dag(hygiene_dag(dataset, older_than=timedelta(0))).task("clean").return_value == []
    assert [each["id"] for each in dataset.copies()] == [person]


def let_a_newer_run_publish(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    """The dataset carries the mark of a run whose data are those of the year 2099."""
    import requests

    run_dag(publish_dag(dataset, upsert([{"event_id": "e1", "lanes": 7}])))
    private = dataset.view()["privateMetadata"]
    private["airflow_socrata"] |= {"order": "2099-01-01T00:00:00.000000+00:00", "run_id": "newer"}
    with requests.Session() as session:
        session.trust_env = False
        reply = session.put(
            f"{dataset.portal.url}/api/views/{dataset.id}.json",
            json={"privateMetadata": private},
            auth=(dataset.portal.username, dataset.portal.password),
            timeout=30,
        )
        assert reply.status_code == 200


def test_an_older_run_does_not_publish_over_a_newer_one(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    let_a_newer_run_publish(dataset, publish_dag, run_dag)
    before = dataset.rows()
    run = run_dag(publish_dag(dataset, upsert(), retries=2))
    assert_unchanged(run, dataset, before)
    assert "its rows would replace newer ones. Pass allow_older_run=True" in errors(run, CREATE)[0]
    assert run.task(CREATE).tries == 1


def test_a_newer_run_that_publishes_meanwhile_stops_the_older_one(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    def newer(context: Any) -> None:
        import requests

        copy = dataset.copies()[0]["id"]
        mark = dataset.view(copy)["privateMetadata"]["airflow_socrata"]
        mark |= {"order": "2099-01-01T00:00:00.000000+00:00", "run_id": "newer", "working_copy": "gone-gone"}
        with requests.Session() as session:
            session.trust_env = False
            session.put(
                f"{dataset.portal.url}/api/views/{dataset.id}.json",
                json={"privateMetadata": {"airflow_socrata": mark}},
                auth=(dataset.portal.username, dataset.portal.password),
                timeout=30,
            ).raise_for_status()

    before = dataset.rows()
    dag = publish_dag(dataset, upsert())
    dag.get_task("p.load").on_success_callback = [newer]
    run = run_dag(dag)
    assert_unchanged(run, dataset, before)
    assert "allow_older_run=True" in errors(run, "p.publish")[0]


def test_an_older_run_publishes_if_told(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    let_a_newer_run_publish(dataset, publish_dag, run_dag)
    run = run_dag(publish_dag(dataset, upsert(), allow_older_run=True))
    assert_published(run, dataset, dataset.after_changes())


# --- audience, attachments, metadata ---


def face(dataset: Any) -> dict[str, Any]:
    """The dataset without what every publish moves: dates, statistics and our mark."""
    view = dataset.view()
    moved = {"rowsUpdatedAt", "rowsUpdatedBy", "viewLastModified", "publicationDate", "tableId", "oid"}
    found = {name: value for name, value in view.items() if name not in moved}
    found["privateMetadata"].pop("airflow_socrata", None)
    found["columns"] = [
        {name: column[name] for name in ("name", "fieldName", "dataTypeName", "position", "description")}
        for column in found["columns"]
    ]
    found["rowIdentifierColumnId"] = "row identifier" if "rowIdentifierColumnId" in found else None
    found["metadata"].pop("rowIdentifier", None)
    return found


@pytest.mark.parametrize("permission", ["public", "private"])
@pytest.mark.parametrize("outcome", ["published", "rolled_back"])
def test_metadata_attachments_and_audience_stay(
    portal: Any, publish_dag: Any, run_dag: Any, permission: str, outcome: str
) -> None:
    dataset = make_dataset(
        portal,
        permission=permission,
        fields={"description": "Where roads are dug up", "tags": ["roads"], "attribution": "Public Works"},
        metadata={"custom_fields": {"Publishing": {"Frequency": "Daily"}}},
        private_metadata={"contactEmail": "roads@example.gov"},
    )
    portal.admin.add_file(dataset.id, "Key to the columns.txt", "lanes: how many are closed")
    before = face(dataset)
    run = run_dag(publish_dag(dataset, upsert() if outcome == "published" else upsert([{"event_id": " "}])))
    assert run.state == ("success" if outcome == "published" else "failed")
    assert face(dataset) == before
    assert [call for call in dataset.calls("PUT") if "ermission" in str(call)] == []


def test_an_audience_that_changed_meanwhile_is_told(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    def meddle(context: Any) -> None:
        import requests

        with requests.Session() as session:
            session.trust_env = False
            session.put(
                f"{dataset.portal.url}/api/views/{dataset.id}.json?method=setPermission&value=private",
                auth=(dataset.portal.username, dataset.portal.password),
                timeout=30,
            ).raise_for_status()

    dag = publish_dag(dataset, upsert())
    dag.get_task("p.publish").on_success_callback = [meddle]
    run = run_dag(dag)
    assert run.state == "failed"
    assert "was public before this run and is private now" in errors(run, "p.verify")[0]
