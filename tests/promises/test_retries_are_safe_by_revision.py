"""Any task of a publication by revision may run again, at any moment; one revision is applied, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import errors, records
from portal_harness.revisions import (
    APPLY,
    CHANGED,
    CREATE,
    DISCARD,
    LOAD,
    REVISIONS,
    after_upsert,
    assert_applied,
    assert_not_applied,
    changes,
    jobs,
    old_rows,
    revise,
    update_dag,
    write_csv,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["changes", "revise"]

#: What can go wrong with one call: name -> kind of fault and its arguments.
FAULTS: dict[str, dict[str, Any]] = {
    "lost_reply": {"kind": "lost_reply"},
    "reset_before": {"kind": "reset_before"},
    "reset_in_the_reply": {"kind": "reset_reply", "after_bytes": 5},
    "429": {"kind": "throttled"},
    "429_retry_after_seconds": {"kind": "throttled", "retry_after": 7},
    "500": {"kind": "internal"},
    "502_html": {"kind": "bad_gateway"},
    "502_html_done": {"kind": "bad_gateway", "after_commit": True},
    "503": {"kind": "unavailable"},
    "504_done": {"kind": "gateway_timeout", "after_commit": True},
    "200_without_a_body": {"kind": "empty_json"},
    "200_with_a_page": {"kind": "not_json"},
}
#: The writing calls of a publication by revision: name -> method, path.
STEPS = {
    "create": ("POST", REVISIONS + r"[a-z0-9-]+$"),
    "source": ("POST", r"/source$"),
    "initiate": ("POST", r"/initiate$"),
    "chunk": ("POST", r"/chunk/\d+/\d+$"),
    "commit": ("POST", r"/commit$"),
    "apply": ("PUT", r"/apply$"),
}
APPENDED = old_rows() + CHANGED


def hit(portal: Any, step: str, fault: str, times: int = 1) -> None:
    """Let a call of the flow go wrong, so many times."""
    method, path = STEPS[step]
    portal.admin.settings(preferred_chunk_size=40)
    # Two chunks are under way at a time, each with a budget of its own.
    times = 12 if step == "chunk" and times > 1 else times
    portal.admin.add_fault(method=method, path=path, times=times, **FAULTS[fault])


def was_hit(portal: Any) -> bool:
    """Whether the fault has happened at all."""
    return all(fault["used"] for fault in portal.admin.faults())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", STEPS)
def test_a_call_that_goes_wrong_once(unkeyed: Any, changes: Path, revise: Any, step: str, fault: str) -> None:
    """An append: a second apply, or a second revision that is applied, would double its rows."""
    hit(unkeyed.portal, step, fault)
    run = revise(unkeyed, changes)
    assert was_hit(unkeyed.portal)
    assert_applied(run, unkeyed, APPENDED)


@pytest.mark.parametrize("fault", ["502_html", "502_html_done", "429", "lost_reply"])
@pytest.mark.parametrize("step", STEPS)
def test_a_task_that_fails_and_is_tried_again(
    unkeyed: Any, changes: Path, revise: Any, step: str, fault: str
) -> None:
    # Six attempts are the retry budget of one call: the seventh belongs to the task's second try.
    hit(unkeyed.portal, step, fault, times=7)
    assert_applied(revise(unkeyed, changes, retries=2), unkeyed, APPENDED)


@pytest.mark.parametrize("fault", ["502_html_done", "429", "lost_reply"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
def test_in_one_task_a_try_that_fails_is_made_again(
    unkeyed: Any, changes: Path, run_dag: Any, step: str, fault: str, deferrable: bool
) -> None:
    hit(unkeyed.portal, step, fault, times=7)
    dag = update_dag("tried_again_in_one_task", unkeyed, changes, retries=2, deferrable=deferrable)
    assert_applied(run_dag(dag), unkeyed, APPENDED)


def test_the_next_run_appends_anew_and_forgets_the_record_of_the_run_before(
    unkeyed: Any, changes: Path, run_dag: Any
) -> None:
    dag = update_dag("appends_every_day", unkeyed, changes)
    assert_applied(run_dag(dag), unkeyed, APPENDED)
    before = records()
    assert_applied(run_dag(dag), unkeyed, APPENDED + CHANGED, times=2)
    assert set(records()) != set(before)


def test_where_the_portal_drops_the_mark_of_a_create_a_lost_reply_is_still_proved(
    unkeyed: Any, changes: Path, revise: Any
) -> None:
    unkeyed.portal.admin.settings(revision_private_metadata=False)
    hit(unkeyed.portal, "create", "lost_reply")
    assert_applied(revise(unkeyed, changes), unkeyed, APPENDED)
    assert len(unkeyed.portal.admin.revisions(unkeyed.id)) == 1


def test_a_lost_reply_to_create_does_not_make_a_second_revision(
    unkeyed: Any, changes: Path, revise: Any
) -> None:
    hit(unkeyed.portal, "create", "lost_reply")
    assert_applied(revise(unkeyed, changes), unkeyed, APPENDED)
    assert len(unkeyed.portal.admin.revisions(unkeyed.id)) == 1


@pytest.mark.parametrize("looks", [0, 1, 6])
@pytest.mark.parametrize("fault", ["lost_reply", "502_html_done", "200_without_a_body", "reset_in_the_reply"])
def test_a_lost_reply_to_apply_does_not_apply_twice(
    unkeyed: Any, changes: Path, revise: Any, fault: str, looks: int
) -> None:
    unkeyed.portal.admin.settings(apply_looks=looks)
    hit(unkeyed.portal, "apply", fault)
    assert_applied(revise(unkeyed, changes), unkeyed, APPENDED)
    assert jobs(unkeyed) == ["successful"]


@pytest.mark.parametrize("fault", ["lost_reply", "502_html_done", "reset_in_the_reply"])
def test_a_lost_reply_to_an_apply_that_waits_for_a_steward_is_proved(
    unkeyed: Any, changes: Path, revise: Any, fault: str, clock: Any
) -> None:
    unkeyed.portal.admin.settings(approvals=True)
    hit(unkeyed.portal, "apply", fault)
    clock.at_pause(lambda: unkeyed.portal.admin.approve(unkeyed.id), 3)
    assert_applied(revise(unkeyed, changes), unkeyed, APPENDED)


@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
def test_looks_that_fail_while_it_applies_change_nothing(
    unkeyed: Any, changes: Path, revise: Any, deferrable: bool
) -> None:
    unkeyed.portal.admin.settings(apply_looks=6, parse_looks=3)
    for path in (REVISIONS, "/source/", "/output/"):
        unkeyed.portal.admin.add_fault("bad_gateway", "GET", path, times=None, every=2)
    assert_applied(revise(unkeyed, changes, deferrable=deferrable), unkeyed, APPENDED)


def test_a_new_try_of_the_upload_begins_a_source_of_its_own(dataset: Any, changes: Path, revise: Any) -> None:
    hit(dataset.portal, "chunk", "502_html", times=7)
    assert_applied(revise(dataset, changes, retries=1), dataset, after_upsert())
    [revision] = dataset.portal.admin.revisions(dataset.id)
    assert [source["finished"] for source in revision["sources"]].count(True) == 1
    assert len(revision["sources"]) == 2


@pytest.mark.parametrize("fault", ["lost_reply", "502_html_done", "429", "500"])
def test_a_discard_that_goes_wrong_is_done_in_the_end(
    dataset: Any, tmp_path: Path, revise: Any, fault: str
) -> None:
    dataset.portal.admin.add_fault(method="DELETE", path=REVISIONS, **FAULTS[fault])
    file = write_csv(tmp_path / "wrong.csv", [{"event_id": "e1", "lanes": "many"}])
    run = revise(dataset, file)
    assert_not_applied(run, dataset)
    assert run.task(DISCARD).state == "success"


def test_a_discard_that_keeps_failing_is_tried_again(dataset: Any, tmp_path: Path, revise: Any) -> None:
    dataset.portal.admin.add_fault("bad_gateway", "DELETE", REVISIONS, times=7)
    file = write_csv(tmp_path / "wrong.csv", [{"event_id": "e1", "lanes": "many"}])
    run = revise(dataset, file)
    assert_not_applied(run, dataset)
    assert run.task(DISCARD).tries == 2


@pytest.mark.parametrize("task", [CREATE, LOAD])
def test_a_permanent_refusal_is_not_tried_again(dataset: Any, changes: Path, revise: Any, task: str) -> None:
    dataset.portal.admin.add_fault("error", "POST", STEPS["create" if task == CREATE else "source"][1])
    run = revise(dataset, changes, retries=5)
    assert_not_applied(run, dataset)
    assert run.task(task).tries == 1
    assert errors(run, task)[0].startswith("AirflowFailException: ")


def test_what_the_portal_asks_to_wait_is_waited(dataset: Any, changes: Path, revise: Any, clock: Any) -> None:
    hit(dataset.portal, "apply", "429_retry_after_seconds")
    assert_applied(revise(dataset, changes), dataset, after_upsert())
    assert max(clock.pauses) == pytest.approx(7, abs=1)


def test_the_same_run_twice_is_the_same_data(dataset: Any, changes: Path, revise: Any) -> None:
    assert_applied(revise(dataset, changes), dataset, after_upsert())
    second = revise(dataset, changes)
    assert_applied(second, dataset, after_upsert(), times=2)
    assert second.task(APPLY).return_value["revision"] == 1
