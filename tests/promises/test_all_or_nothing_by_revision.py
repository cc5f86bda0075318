"""A run by revision publishes all of its file, or leaves the dataset as it was and no revision open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow_harness.versions import AIRFLOW_3
from portal_harness.publications import errors, make_dataset, records
from portal_harness.revisions import (
    APPLY,
    CHANGED,
    CREATE,
    DISCARD,
    FIELDS,
    LOAD,
    REVISIONS,
    after_upsert,
    assert_applied,
    assert_not_applied,
    changes,
    jobs,
    old_rows,
    open_revisions,
    revise,
    update_dag,
    write_csv,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["changes", "revise"]

BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
SLOW = {"parse_looks": 5, "transform_looks": 4, "total_rows_null_looks": 3, "apply_looks": 8}


@BOTH
def test_an_upsert_is_published_whole(dataset: Any, changes: Path, revise: Any, deferrable: bool) -> None:
    dataset.portal.admin.settings(**SLOW)
    run = revise(dataset, changes, deferrable=deferrable)
    assert_applied(run, dataset, after_upsert())
    assert run.task("p.verify").return_value["rows_before"] == 20


@BOTH
def test_a_replace_is_published_whole(dataset: Any, tmp_path: Path, revise: Any, deferrable: bool) -> None:
    dataset.portal.admin.settings(**SLOW)
    rows = [{"event_id": f"n{n}", "street": "Háaleitisbraut", "lanes": str(n)} for n in range(1, 8)]
    run = revise(dataset, write_csv(tmp_path / "all.csv", rows), action="replace", deferrable=deferrable)
    assert_applied(run, dataset, rows)


@BOTH
def test_deletes_are_published_whole(dataset: Any, tmp_path: Path, revise: Any, deferrable: bool) -> None:
    file = write_csv(tmp_path / "gone.csv", [{"event_id": f"e{n}"} for n in range(1, 6)], ["event_id"])
    run = revise(dataset, file, action="delete", deferrable=deferrable)
    assert_applied(run, dataset, old_rows()[5:])


def test_an_append_is_published_whole(unkeyed: Any, changes: Path, revise: Any) -> None:
    run = revise(unkeyed, changes)
    assert_applied(run, unkeyed, old_rows() + CHANGED)


@BOTH
def test_a_file_of_many_chunks_is_published_whole(
    dataset: Any, tmp_path: Path, revise: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(preferred_chunk_size=1000)
    rows = [{"event_id": f"n{n}", "street": "Háaleitisbraut", "lanes": str(n)} for n in range(1, 1001)]
    run = revise(dataset, write_csv(tmp_path / "all.csv", rows), action="replace", deferrable=deferrable)
    assert_applied(run, dataset, rows)
    assert len(dataset.calls("POST", "/chunk/")) > 20


@BOTH
def test_an_update_in_one_task_is_published_whole(
    dataset: Any, changes: Path, run_dag: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(**SLOW)
    run = run_dag(update_dag("update_in_one_task", dataset, changes, deferrable=deferrable))
    assert_applied(run, dataset, after_upsert())
    assert run.task("update").return_value["rows_before"] == 20


@BOTH
def test_nobody_sees_a_row_before_the_apply_has_ended(
    dataset: Any, changes: Path, revise: Any, clock: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(**SLOW)
    seen: list[tuple[bool, Any]] = []
    for number in range(1, 40):
        clock.at_pause(lambda: seen.append(("successful" in jobs(dataset), dataset.rows())), number)
    run = revise(dataset, changes, deferrable=deferrable)
    assert_applied(run, dataset, after_upsert())
    assert len(seen) >= 6
    assert all(rows == (after_upsert() if ended else old_rows()) for ended, rows in seen)


#: Each call of the flow, by the order in which it comes: (method, path, how many go through first).
CALLS = {
    "read": ("GET", r"/api/views/[a-z0-9-]+\.json$", 0),
    "open_revisions": ("GET", REVISIONS + r"[a-z0-9-]+$", 0),
    "sign_in": ("GET", r"/api/users/current", 0),
    "count": ("GET", r"/resource/", 0),
    "all_revisions": ("GET", REVISIONS + r"[a-z0-9-]+$", 1),
    "create": ("POST", REVISIONS + r"[a-z0-9-]+$", 0),
    "read_before_upload": ("GET", REVISIONS + r"[a-z0-9-]+/\d+$", 0),
    "source": ("POST", REVISIONS + r"[a-z0-9-]+/\d+/source$", 0),
    "initiate": ("POST", r"/initiate$", 0),
    "second_chunk": ("POST", r"/chunk/\d+/\d+$", 1),
    "commit": ("POST", r"/commit$", 0),
    "source_after_commit": ("GET", r"/source/\d+$", 0),
    "source_again": ("GET", r"/source/\d+$", 1),
    "output_schema": ("GET", r"/output/\d+$", 0),
    "read_before_apply": ("GET", REVISIONS + r"[a-z0-9-]+/\d+$", 1),
    "count_before_apply": ("GET", r"/resource/", 1),
    "read_to_apply": ("GET", REVISIONS + r"[a-z0-9-]+/\d+$", 2),
    "apply": ("PUT", r"/apply$", 0),
    "read_after_apply": ("GET", REVISIONS + r"[a-z0-9-]+/\d+$", 3),
}
EACH_CALL = pytest.mark.parametrize("call", CALLS)


def fail(portal: Any, call: str, kind: str, **more: Any) -> None:
    """Let a call of the flow go wrong."""
    method, path, skip = CALLS[call]
    portal.admin.settings(preferred_chunk_size=40)
    portal.admin.add_fault(kind, method, path, skip=skip, **more)


def assert_all_or_nothing(run: Any, dataset: Any) -> None:
    """Old or new rows, as the portal's own record of the apply says; nothing open."""
    assert dataset.portal.admin.faults()[0]["used"] > 0, "the call never came"
    live = jobs(dataset).count("successful")
    assert dataset.rows() == (after_upsert() if live else old_rows())
    assert live <= 1
    assert open_revisions(dataset) == []
    assert run.state == (
        "success" if run.states.get("p.verify", run.states.get("update")) == "success" else "failed"
    )


@EACH_CALL
def test_whatever_call_is_refused_all_or_nothing_is_published(
    dataset: Any, changes: Path, revise: Any, call: str
) -> None:
    fail(dataset.portal, call, "error", times=1)
    run = revise(dataset, changes)
    assert_all_or_nothing(run, dataset)
    if call != "read_after_apply":
        assert_not_applied(run, dataset)


@EACH_CALL
@pytest.mark.parametrize("after_commit", [False, True], ids=["not_done", "done"])
def test_whatever_call_keeps_failing_all_or_nothing_is_published(
    dataset: Any, changes: Path, revise: Any, call: str, after_commit: bool
) -> None:
    fail(dataset.portal, call, "bad_gateway", times=40, after_commit=after_commit)
    run = revise(dataset, changes)
    # As long as the portal answers nobody, nothing can be cleaned up: the run is red, the next one cleans.
    dataset.portal.admin.clear_faults()
    live = jobs(dataset).count("successful")
    assert live <= 1
    assert dataset.rows() == (after_upsert() if live else old_rows())
    if run.state == "success":
        assert live == 1
    following = revise(dataset, changes)
    assert following.state == "success", [errors(following, task) for task in following.states]
    assert dataset.rows() == after_upsert()
    assert open_revisions(dataset) == []
    # What was being applied when the run gave up went live before the next run's rows.
    live = {known["seq"] for known in dataset.portal.admin.revisions(dataset.id) if known["task_sets"]}
    assert jobs(dataset) == ["successful"] * len(live)
    assert len(live) <= 2


@EACH_CALL
def test_whatever_call_is_refused_the_one_task_publishes_all_or_nothing(
    dataset: Any, changes: Path, run_dag: Any, call: str
) -> None:
    fail(dataset.portal, call, "error", times=1)
    run = run_dag(update_dag("refused_in_one_task", dataset, changes))
    assert_all_or_nothing(run, dataset)
    # What went live in a task that failed stays on record, for another try; the DAG's callback forgets it,
    # which the ``dag.test()`` of Airflow 2 runs.
    live_and_red = run.state == "failed" and "successful" in jobs(dataset)
    assert len(records()) == (2 if live_and_red and AIRFLOW_3 else 0)


@EACH_CALL
def test_whatever_call_fails_for_a_try_the_one_task_publishes_once(
    unkeyed: Any, changes: Path, run_dag: Any, call: str
) -> None:
    """Seven failures are one more than a try stands; an append would show a second apply."""
    fail(unkeyed.portal, call, "bad_gateway", times=7)
    run = run_dag(update_dag("again_in_one_task", unkeyed, changes, retries=3))
    assert_applied(run, unkeyed, old_rows() + CHANGED)


# --- what the portal fails at ---


@BOTH
@pytest.mark.parametrize("fault", ["apply_failure", "job_already_failed"])
def test_an_apply_that_fails_changes_nothing(
    dataset: Any, changes: Path, revise: Any, fault: str, deferrable: bool
) -> None:
    dataset.portal.admin.add_fault(fault, times=None, stage="upserting", message="disk on fire")
    run = revise(dataset, changes, deferrable=deferrable)
    assert_not_applied(run, dataset)
    assert jobs(dataset) == ["failure"]
    [error] = errors(run, APPLY)
    assert error.startswith("PublishFailed: ")
    assert "disk on fire" in error
    assert "failure at upserting: disk on fire" in error
    assert run.task("p.wait").state == "upstream_failed"


@BOTH
@pytest.mark.parametrize("fault", ["apply_failure", "job_already_failed"])
def test_an_apply_that_failed_once_is_sent_again_by_the_next_try(
    unkeyed: Any, changes: Path, revise: Any, fault: str, deferrable: bool
) -> None:
    unkeyed.portal.admin.add_fault(fault)
    run = revise(unkeyed, changes, deferrable=deferrable, retries=1)
    assert_applied(run, unkeyed, old_rows() + CHANGED)
    assert jobs(unkeyed) == ["failure", "successful"]
    assert run.task(APPLY).tries == 2


@BOTH
@pytest.mark.parametrize("fault", ["apply_failure", "job_already_failed"])
def test_in_one_task_an_apply_that_failed_once_is_tried_again(
    unkeyed: Any, changes: Path, run_dag: Any, fault: str, deferrable: bool
) -> None:
    unkeyed.portal.admin.add_fault(fault)
    dag = update_dag("apply_fails_in_one_task", unkeyed, changes, deferrable=deferrable, retries=1)
    assert_applied(run_dag(dag), unkeyed, old_rows() + CHANGED)
    assert jobs(unkeyed) == ["failure", "successful"]


@BOTH
def test_an_apply_that_is_stuck_fails_at_its_time_out_and_rollback_says_so(
    dataset: Any, changes: Path, revise: Any, deferrable: bool
) -> None:
    admin = dataset.portal.admin
    admin.add_fault("stuck_upserting")
    run = revise(dataset, changes, deferrable=deferrable)
    assert run.state == "failed"
    assert "WaitTimeout" in errors(run, APPLY)[0]
    assert run.task(DISCARD).state == "failed"
    assert "revision 0" in errors(run, DISCARD)[0]
    assert dataset.rows() == old_rows()
    assert len(dataset.calls("DELETE")) == 0, "a revision that is being applied is not discarded"
    [stuck] = open_revisions(dataset)
    # It is let go: the public sees all of it, and the next run finds its own way.
    assert admin.finish_apply(dataset.id, stuck) == "successful"
    assert dataset.rows() == after_upsert()
    following = revise(dataset, changes, deferrable=deferrable)
    assert_applied(following, dataset, after_upsert(), times=2)


def test_a_stuck_apply_that_fails_in_the_end_is_cleared_by_the_next_run(
    dataset: Any, changes: Path, revise: Any
) -> None:
    admin = dataset.portal.admin
    admin.add_fault("stuck_upserting")
    revise(dataset, changes)
    [stuck] = open_revisions(dataset)
    assert admin.finish_apply(dataset.id, stuck, "gave up") == "failure"
    assert_applied(revise(dataset, changes), dataset, after_upsert())


def test_the_next_run_beside_a_stuck_apply_says_what_is_in_the_way(
    dataset: Any, changes: Path, revise: Any
) -> None:
    dataset.portal.admin.add_fault("stuck_upserting")
    revise(dataset, changes)
    following = revise(dataset, changes)
    assert following.state == "failed"
    assert "revision 0 of" in errors(following, CREATE)[0]
    assert "is applying" in errors(following, CREATE)[0]
    assert open_revisions(dataset) == [0]
    assert dataset.rows() == old_rows()


#: Where somebody closes the revision just before a call: (method, path, the task that notices).
CLOSED_AT = {
    "before_the_source": ("POST", r"/source$", LOAD),
    "before_a_chunk": ("POST", r"/chunk/\d+/\d+$", LOAD),
    "before_the_commit": ("POST", r"/commit$", None),
    "before_the_last_look_at_the_source": ("GET", r"/output/\d+$", None),
    "before_the_apply": ("PUT", r"/apply$", APPLY),
}


@BOTH
@pytest.mark.parametrize("where", CLOSED_AT)
def test_a_revision_that_somebody_closes_changes_nothing(
    dataset: Any, changes: Path, revise: Any, where: str, deferrable: bool
) -> None:
    method, path, task = CLOSED_AT[where]
    dataset.portal.admin.add_fault("revision_closed", method, path)
    run = revise(dataset, changes, deferrable=deferrable, retries=2)
    assert_not_applied(run, dataset)
    failed = [name for name in (LOAD, APPLY) if run.task(name).state == "failed"]
    assert task is None or failed == [task]
    assert run.task(failed[0]).tries == 1, "another try would meet the same closed revision"
    words = errors(run, failed[0])[0]
    assert "closed" in words.lower()
    assert dataset.calls("DELETE") == [], "the rollback has nothing to close"


@BOTH
def test_in_one_task_a_closed_revision_changes_nothing(
    dataset: Any, changes: Path, run_dag: Any, deferrable: bool
) -> None:
    dataset.portal.admin.add_fault("revision_closed", "PUT", r"/apply$")
    run = run_dag(update_dag("closed_in_one_task", dataset, changes, deferrable=deferrable))
    assert_not_applied(run, dataset)
    assert "closed by somebody else" in errors(run, "update")[0]


@BOTH
def test_a_file_that_the_portal_cannot_read_changes_nothing(
    dataset: Any, changes: Path, revise: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(parse_looks=2)
    dataset.portal.admin.add_fault("parse_failure", message="Row 7 is not UTF-8")
    run = revise(dataset, changes, deferrable=deferrable)
    assert_not_applied(run, dataset)
    assert "could not read changes.csv: " in errors(run, LOAD)[0]
    assert "Row 7 is not UTF-8" in errors(run, LOAD)[0]
    assert dataset.calls("PUT", "/apply") == []


@BOTH
def test_a_transform_that_cannot_run_changes_nothing(
    dataset: Any, changes: Path, revise: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(transform_looks=2)
    dataset.portal.admin.add_fault("transform_failure", message="worker crashed")
    run = revise(dataset, changes, deferrable=deferrable)
    assert_not_applied(run, dataset)
    assert "could not run the transforms" in errors(run, LOAD)[0]
    assert "worker crashed" in errors(run, LOAD)[0]
    assert dataset.calls("PUT", "/apply") == []


@BOTH
@pytest.mark.parametrize("fault", ["parse_failure", "transform_failure", "apply_failure"])
def test_in_one_task_what_the_portal_fails_at_leaves_nothing_open(
    dataset: Any, changes: Path, run_dag: Any, fault: str, deferrable: bool
) -> None:
    dataset.portal.admin.settings(**SLOW)
    dataset.portal.admin.add_fault(fault, message="worker crashed")
    run = run_dag(update_dag("fails_in_one_task", dataset, changes, deferrable=deferrable))
    assert_not_applied(run, dataset)
    assert "worker crashed" in errors(run, "update")[0]


@BOTH
def test_rows_with_errors_change_nothing(dataset: Any, tmp_path: Path, revise: Any, deferrable: bool) -> None:
    rows = [*CHANGED, {"event_id": "e22", "street": "Óðinsgata", "lanes": "many"}]
    run = revise(dataset, write_csv(tmp_path / "wrong.csv", rows), deferrable=deferrable)
    assert_not_applied(run, dataset)
    assert "could not convert 1 rows" in errors(run, LOAD)[0]
    assert "row 3, lanes" in errors(run, LOAD)[0]


def test_a_task_of_the_block_that_fails_after_the_upload_changes_nothing(
    dataset: Any, changes: Path, revise: Any
) -> None:
    from airflow.providers.common.compat.sdk import task
    from portal_harness.publications import upload

    @task
    def check(handle: Any) -> None:
        raise RuntimeError(f"{handle['upload']['rows']} rows are too few")

    def load(publication: Any) -> None:
        check(upload(changes)(publication).output)

    run = revise(dataset, load)
    assert_not_applied(run, dataset)
    assert errors(run, "p.check") == ["RuntimeError: 2 rows are too few"]


def test_a_file_without_rows_does_not_empty_the_dataset(dataset: Any, tmp_path: Path, revise: Any) -> None:
    file = write_csv(tmp_path / "empty.csv", [])
    run = revise(dataset, file, action="replace")
    assert_not_applied(run, dataset)
    assert "has no rows" in errors(run, APPLY)[0]
    assert FIELDS[0] in dataset.rows()[0]


def test_a_file_without_rows_is_published_if_told(dataset: Any, tmp_path: Path, revise: Any) -> None:
    file = write_csv(tmp_path / "empty.csv", [])
    assert_applied(revise(dataset, file, action="replace", allow_empty=True), dataset, [])


def test_every_row_deleted_twice_is_said(dataset: Any, tmp_path: Path, revise: Any) -> None:
    """A delete of a row that is not there: the portal counts it, or not; the outcome is what it shows."""
    file = write_csv(tmp_path / "gone.csv", [{"event_id": "e1"}, {"event_id": "e99"}], ["event_id"])
    run = revise(dataset, file, action="delete")
    assert dataset.rows() == old_rows()[1:]
    assert open_revisions(dataset) == []
    assert run.state in {"success", "failed"}


def test_deletes_need_a_row_identifier(portal: Any, tmp_path: Path, revise: Any) -> None:
    unkeyed = make_dataset(portal, keyed=False)
    file = write_csv(tmp_path / "gone.csv", [{"event_id": "e1"}], ["event_id"])
    run = revise(unkeyed, file, action="delete")
    assert_not_applied(run, unkeyed)
    assert "no row identifier" in errors(run, CREATE)[0]
