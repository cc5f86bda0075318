"""Green means that the portal shows the new data, counted; nothing else is green, not even by accident."""

from __future__ import annotations

from typing import Any

import pytest
from portal_harness.publications import (
    CHANGES,
    OLD_ROWS,
    assert_published,
    assert_unchanged,
    errors,
    records,
    upsert,
)

from airflow_socrata.operators.socrata import SocrataUpsertOperator

BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
FORMS = pytest.mark.parametrize("form", ["ticket", "details", "status", "location"])


@FORMS
@BOTH
def test_a_202_is_followed_to_its_end(
    dataset: Any, publish_dag: Any, run_dag: Any, form: str, deferrable: bool
) -> None:
    dataset.portal.admin.add_fault("accepted", "POST", "/publication", times=None, form=form, calls=3)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_published(run, dataset, dataset.after_changes())


def test_the_run_says_what_was_published(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    run = run_dag(publish_dag(dataset, upsert([*CHANGES, {"event_id": "nobody", ":deleted": True}])))
    load = run.task("p.load").return_value["load"]
    counts = {name: load[name] for name in ("sent", "created", "updated", "deleted", "errors")}
    assert counts == {"sent": 4, "created": 1, "updated": 1, "deleted": 1, "errors": 0}
    assert load["absent_deletes"] == 1
    assert run.task("p.verify").return_value == {
        "dataset": dataset.id,
        "rows_before": 20,
        "rows_after": 20,
        "audience": "public",
        "link": f"{dataset.portal.url}/d/{dataset.id}",
    }


def test_rows_refused_at_200_fail_the_run(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()
    dataset.portal.admin.add_fault("row_errors", "POST", "/resource/", rows=1)
    run = run_dag(publish_dag(dataset, upsert(), retries=1))
    assert_unchanged(run, dataset, before)
    assert "answered 200 but refused 1 rows" in errors(run, "p.load")[0]
    assert "max_row_errors=0" in errors(run, "p.load")[0]


@pytest.mark.parametrize("backend", ["new", "old"])
@pytest.mark.parametrize("summary", ["four", "six", "reports"])
def test_refused_rows_are_counted_in_each_form_of_summary(
    dataset: Any, publish_dag: Any, run_dag: Any, summary: str, backend: str
) -> None:
    before = dataset.rows()
    dataset.portal.admin.settings(summary_form=summary, backend=backend)
    dataset.portal.admin.add_fault("row_errors", "POST", "/resource/", rows=2)
    run = run_dag(publish_dag(dataset, upsert(max_row_errors=1)))
    assert_unchanged(run, dataset, before)
    assert "refused 2 rows" in errors(run, "p.load")[0]


def test_as_many_refused_rows_as_allowed_are_published_without(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    rows = [{"event_id": f"n{n}", "lanes": n} for n in range(5)]
    dataset.portal.admin.add_fault("row_errors", "POST", "/resource/", rows=2)
    run = run_dag(publish_dag(dataset, upsert(rows, max_row_errors=2)))
    assert run.state == "success", errors(run, "p.load")
    assert run.task("p.load").return_value["load"]["errors"] == 2
    assert run.task("p.verify").return_value["rows_after"] == len(OLD_ROWS) + 3 == len(dataset.rows())


@BOTH
def test_stale_replicas_are_waited_for(
    dataset: Any, publish_dag: Any, run_dag: Any, clock: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(replica_lag_seconds=120.0)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_published(run, dataset, dataset.after_changes())
    assert sum(clock.pauses) > 240, "after the load, and after publish"


@BOTH
def test_replicas_that_never_catch_up_are_not_green(
    dataset: Any, publish_dag: Any, run_dag: Any, deferrable: bool
) -> None:
    before = dataset.rows()
    dataset.portal.admin.settings(replica_manual=True)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_unchanged(run, dataset, before)
    assert "deadline passed" in errors(run, "p.load")[0]


@BOTH
def test_pending_geocoding_is_waited_for_before_copy_and_publish(
    dataset: Any, publish_dag: Any, run_dag: Any, deferrable: bool
) -> None:
    dataset.portal.admin.pending_geocoding(dataset.id, view=3, step=1)
    dataset.portal.admin.add_fault("pending_geocoding", "POST", "/resource/", view=4, step=1)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_published(run, dataset, dataset.after_changes())


@BOTH
def test_geocoding_that_never_ends_is_not_green(
    dataset: Any, publish_dag: Any, run_dag: Any, deferrable: bool
) -> None:
    before = dataset.rows()
    dataset.portal.admin.add_fault("pending_geocoding", "POST", "/resource/", view=4)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_unchanged(run, dataset, before)
    assert run.task("p.publish").state == "failed"


@BOTH
def test_a_publish_that_stays_queued_is_not_green(
    dataset: Any, publish_dag: Any, run_dag: Any, deferrable: bool
) -> None:
    before = dataset.rows()
    dataset.portal.admin.add_fault("publish_queued", "POST", "/publication", skip=1)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert run.state == "failed"
    assert "deadline passed" in errors(run, "p.publish")[0]
    # The job may run at any time: nothing is deleted under it, and a person is told.
    assert dataset.rows() == before
    assert len(dataset.copies()) == 1
    assert run.task("p.discard_working_copy").state == "failed"
    assert "accepted its publish" in errors(run, "p.discard_working_copy")[-1]
    assert len(records()) == 2


@BOTH
def test_a_publish_that_leaves_the_queue_during_the_rollback_is_told(
    dataset: Any, publish_dag: Any, run_dag: Any, clock: Any, deferrable: bool
) -> None:
    dataset.portal.admin.add_fault("accepted", "POST", "/publication", skip=1, seconds=1000.0)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    # Publish gave up after 600 s; the rollback waits for the job and finds the data live.
    assert run.state == "failed"
    assert dataset.rows() == dataset.after_changes()
    assert dataset.copies() == []
    assert run.task("p.discard_working_copy").return_value["went_live"] is True
    assert records() == {}


@pytest.mark.parametrize("reply", ["view", "accepted"])
@BOTH
def test_an_approval_is_waited_for(
    dataset: Any, publish_dag: Any, run_dag: Any, clock: Any, reply: str, deferrable: bool
) -> None:
    admin = dataset.portal.admin
    admin.settings(approvals=True, approval_reply=reply)
    clock.at_pause(lambda: admin.approve(dataset.id))
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_published(run, dataset, dataset.after_changes())


@pytest.mark.parametrize("reply", ["view", "accepted"])
@BOTH
def test_an_approval_that_does_not_come_is_not_green(
    dataset: Any, publish_dag: Any, run_dag: Any, reply: str, deferrable: bool
) -> None:
    before = dataset.rows()
    dataset.portal.admin.settings(approvals=True, approval_reply=reply)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert run.state == "failed"
    assert dataset.rows() == before
    # Left for the steward, as rollback_on_approval="leave" says, and reported.
    assert len(dataset.copies()) == 1
    assert "waits for a steward" in errors(run, "p.discard_working_copy")[-1]


@BOTH
def test_a_copy_that_waits_for_approval_is_withdrawn_if_told(
    dataset: Any, publish_dag: Any, run_dag: Any, deferrable: bool
) -> None:
    before = dataset.rows()
    dataset.portal.admin.settings(approvals=True)
    dag = publish_dag(dataset, upsert(), deferrable=deferrable, rollback_on_approval="withdraw")
    assert_unchanged(run_dag(dag), dataset, before)


@BOTH
def test_an_approval_that_must_not_be_needed_fails_at_once(
    dataset: Any, publish_dag: Any, run_dag: Any, clock: Any, deferrable: bool
) -> None:
    before = dataset.rows()
    dataset.portal.admin.settings(approvals=True)
    options = {"on_approval": "fail", "rollback_on_approval": "withdraw", "deferrable": deferrable}
    run = run_dag(publish_dag(dataset, upsert(), **options))
    assert_unchanged(run, dataset, before)
    assert "waits for a steward's approval" in errors(run, "p.publish")[0]
    assert sum(clock.pauses) < 60


@BOTH
def test_a_submitted_copy_is_waited_for_by_the_sensor(
    dataset: Any, publish_dag: Any, run_dag: Any, clock: Any, deferrable: bool
) -> None:
    admin = dataset.portal.admin
    admin.settings(approvals=True)
    # The sensor's first look is the seventh read of the copy; the steward has approved by the next.
    looks: list[int] = []

    def steward(context: Any) -> None:
        looks.append(1)
        admin.approve(dataset.id)

    dag = publish_dag(dataset, upsert(), on_approval="submit", deferrable=deferrable, poll_interval=0.01)
    dag.get_task("p.publish").on_success_callback = [steward]
    run = run_dag(dag)
    assert looks == [1]
    assert run.task("p.publish").return_value["outcome"] == "a steward has yet to approve it"
    assert_published(run, dataset, dataset.after_changes())


@BOTH
def test_a_rejected_copy_is_red_and_gone(
    dataset: Any, publish_dag: Any, run_dag: Any, clock: Any, deferrable: bool
) -> None:
    before = dataset.rows()
    admin = dataset.portal.admin
    admin.settings(approvals=True)
    clock.at_pause(lambda: admin.reject(dataset.id))
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_unchanged(run, dataset, before)
    assert "rejected by a steward" in errors(run, "p.publish")[0]


def test_an_empty_copy_is_not_published(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()
    run = run_dag(publish_dag(dataset, lambda publication: None, method="copySchema"))
    assert_unchanged(run, dataset, before)
    assert "holds no rows and is not published" in errors(run, "p.publish")[0]


def test_an_empty_copy_is_published_if_told(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    dag = publish_dag(dataset, lambda publication: None, method="copySchema", allow_empty=True)
    run = run_dag(dag)
    assert_published(run, dataset, [])


def test_rows_that_somebody_adds_to_the_copy_are_not_published(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    before = dataset.rows()

    def meddle(context: Any) -> None:
        dataset.portal.admin.write_rows(dataset.copies()[0]["id"], [{"event_id": "person"}])

    dag = publish_dag(dataset, upsert())
    dag.get_task("p.load").on_success_callback = [meddle]
    run = run_dag(dag)
    assert_unchanged(run, dataset, before)
    assert "holds 21 rows, but 20 were loaded; nothing is published" in errors(run, "p.publish")[0]


def test_rows_that_go_missing_after_publish_are_told_with_before_and_after(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    def meddle(context: Any) -> None:
        dataset.portal.admin.write_rows(dataset.id, [{"event_id": "e3", ":deleted": True}])

    dag = publish_dag(dataset, upsert())
    dag.get_task("p.publish").on_success_callback = [meddle]
    run = run_dag(dag)
    assert run.state == "failed"
    assert (
        "shows 19 rows after publish; 20 were published, and 20 were there before"
        in (errors(run, "p.verify")[0])
    )


@pytest.mark.parametrize("switch", [True, False], ids=["mark_survives", "mark_does_not_survive"])
@pytest.mark.parametrize("backend", ["new", "old"])
def test_the_proof_needs_no_mark_where_the_portal_does_not_keep_it(
    dataset: Any, publish_dag: Any, run_dag: Any, switch: bool, backend: str
) -> None:
    dataset.portal.admin.settings(backend=backend, private_metadata_survives_publish=switch)
    dataset.portal.admin.advance(100)
    run = run_dag(publish_dag(dataset, upsert()))
    assert_published(run, dataset, dataset.after_changes())


def test_a_copy_that_vanished_without_proof_is_not_green(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    before = dataset.rows()

    def meddle(context: Any) -> None:
        import requests

        admin = dataset.portal
        copy = dataset.copies()[0]["id"]
        with requests.Session() as session:
            session.trust_env = False
            session.delete(
                f"{admin.url}/api/views/{copy}.json", auth=(admin.username, admin.password), timeout=30
            )

    dag = publish_dag(dataset, upsert())
    dag.get_task("p.load").on_success_callback = [meddle]
    run = run_dag(dag)
    assert_unchanged(run, dataset, before)
    assert "is no draft any more, and this run did not publish it" in errors(run, "p.publish")[0]


def test_publish_refuses_the_handle_of_a_run_that_is_over(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    earlier = run_dag(publish_dag(dataset, upsert([{"event_id": "e1", "lanes": 7}]))).task("p.load")
    before = dataset.rows()
    dag = publish_dag(dataset, upsert())
    dag.get_task("p.publish").working_copy = earlier.return_value
    run = run_dag(dag)
    assert_unchanged(run, dataset, before)
    assert "it was published or discarded. Clear the task that opens" in errors(run, "p.publish")[0]


def test_publish_refuses_a_copy_that_is_not_the_one_loaded(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    before = dataset.rows()

    class LoadedAnother(SocrataUpsertOperator):
        """As when the task that opens the copy has run again and the load has not."""

        def execute(self, context: Any) -> Any:
            return super().execute(context) | {"working_copy": "abcd-1234"}

    run = run_dag(
        publish_dag(
            dataset,
            lambda p: LoadedAnother(task_id="load", working_copy=p.working_copy, rows=lambda: CHANGES),
        )
    )
    assert_unchanged(run, dataset, before)
    assert "Rows were loaded into working copy abcd-1234, but" in errors(run, "p.publish")[0]


def test_publish_refuses_what_is_no_handle(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()
    dag = publish_dag(dataset, upsert())
    dag.get_task("p.publish").working_copy = None
    run = run_dag(dag)
    assert_unchanged(run, dataset, before)
    assert "no handle of a working copy" in errors(run, "p.publish")[0]


def test_publish_refuses_loads_into_two_copies(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()
    earlier = run_dag(publish_dag(dataset, upsert([{"event_id": "e1", "lanes": 1}]))).task("p.load")
    dag = publish_dag(dataset, upsert())
    publish = dag.get_task("p.publish")
    publish.working_copy = [*publish.working_copy, earlier.return_value]
    run = run_dag(dag)
    assert_unchanged(run, dataset, before)
    assert "different working copies" in errors(run, "p.publish")[0]
