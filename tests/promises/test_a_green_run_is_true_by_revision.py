"""Green means that the public sees the file's rows, counted; nothing that waits or is half done is green."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import errors, records
from portal_harness.revisions import (
    APPLY,
    CHANGED,
    DISCARD,
    LOAD,
    VERIFY,
    WAIT,
    after_upsert,
    assert_applied,
    assert_not_applied,
    changes,
    jobs,
    old_rows,
    open_revisions,
    revise,
    update_dag,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["changes", "revise"]

BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])


# --- approval ---


@BOTH
def test_an_approval_is_waited_for(
    dataset: Any, changes: Path, revise: Any, clock: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(approvals=True)
    seen: list[Any] = []
    clock.at_pause(lambda: seen.append(dataset.rows()), 2)
    clock.at_pause(lambda: dataset.portal.admin.approve(dataset.id), 4)
    run = revise(dataset, changes, deferrable=deferrable)
    assert_applied(run, dataset, after_upsert())
    assert seen == [old_rows()]


def test_a_submitted_revision_is_no_green_run_before_it_is_public(
    dataset: Any, changes: Path, revise: Any, clock: Any
) -> None:
    """``submit``: apply succeeds as submitted, the sensor waits, verify finds the rows public."""
    dataset.portal.admin.settings(approvals=True)
    clock.at_pause(lambda: dataset.portal.admin.approve(dataset.id), 5)
    run = revise(dataset, changes, deferrable=True, on_approval="submit")
    assert_applied(run, dataset, after_upsert())
    assert run.task(APPLY).return_value["outcome"] != run.task(WAIT).return_value["outcome"]


@BOTH
def test_an_approval_that_nobody_wants_to_wait_for_fails(
    dataset: Any, changes: Path, revise: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(approvals=True)
    run = revise(dataset, changes, deferrable=deferrable, on_approval="fail")
    assert run.state == "failed"
    assert "waits for a steward's approval" in errors(run, APPLY)[0]
    assert dataset.rows() == old_rows()
    # Left as rollback_on_approval says by default, and said so.
    assert open_revisions(dataset) == [0]
    assert run.task(DISCARD).state == "failed"
    assert "revision 0" in errors(run, DISCARD)[0]


def test_an_approval_that_nobody_waits_for_is_withdrawn_if_told(
    dataset: Any, changes: Path, revise: Any
) -> None:
    dataset.portal.admin.settings(approvals=True)
    run = revise(dataset, changes, on_approval="fail", rollback_on_approval="withdraw")
    assert_not_applied(run, dataset)


@BOTH
def test_a_rejected_revision_changes_nothing(
    dataset: Any, changes: Path, revise: Any, clock: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(approvals=True)
    clock.at_pause(lambda: dataset.portal.admin.reject(dataset.id), 3)
    run = revise(dataset, changes, deferrable=deferrable, retries=2)
    assert_not_applied(run, dataset)
    assert "rejected revision 0" in errors(run, APPLY)[0]
    assert run.task(APPLY).tries == 1


def test_a_rejected_revision_fails_the_sensor_as_well(
    dataset: Any, changes: Path, revise: Any, clock: Any
) -> None:
    dataset.portal.admin.settings(approvals=True)
    clock.at_pause(lambda: dataset.portal.admin.reject(dataset.id), 3)
    run = revise(dataset, changes, deferrable=True, on_approval="submit")
    assert_not_applied(run, dataset)
    assert "rejected revision 0" in errors(run, WAIT)[0]


@BOTH
def test_in_one_task_an_approval_is_waited_for_or_not(
    dataset: Any, changes: Path, run_dag: Any, clock: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(approvals=True)
    clock.at_pause(lambda: dataset.portal.admin.approve(dataset.id), 4)
    run = run_dag(update_dag("waits_for_a_steward", dataset, changes, deferrable=deferrable))
    assert_applied(run, dataset, after_upsert())


# --- counts ---


@BOTH
@pytest.mark.parametrize("action", ["update", "replace"])
def test_a_file_whose_rows_are_not_counted_for_a_while(
    dataset: Any, changes: Path, revise: Any, action: str, deferrable: bool
) -> None:
    dataset.portal.admin.settings(total_rows_null_looks=4)
    run = revise(dataset, changes, action=action, deferrable=deferrable)
    assert_applied(run, dataset, after_upsert() if action == "update" else CHANGED)
    assert run.task(LOAD).return_value["upload"]["rows"] == 2


@pytest.mark.parametrize("action", ["update", "replace"])
def test_a_portal_that_does_not_tell_what_it_changed(
    dataset: Any, changes: Path, revise: Any, action: str
) -> None:
    dataset.portal.admin.settings(apply_log_counts=False)
    run = revise(dataset, changes, action=action)
    assert_applied(run, dataset, after_upsert() if action == "update" else CHANGED)


@BOTH
def test_replicas_that_lag_are_waited_for(dataset: Any, changes: Path, revise: Any, deferrable: bool) -> None:
    dataset.portal.admin.settings(replica_lag_seconds=40.0)
    assert_applied(revise(dataset, changes, deferrable=deferrable), dataset, after_upsert())


def test_rows_of_somebody_else_between_apply_and_verify_are_no_green_run(
    dataset: Any, changes: Path, revise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_socrata.operators.socrata import SocrataApplyRevisionOperator

    original = SocrataApplyRevisionOperator.execute

    def apply_then_write(self: Any, context: Any) -> Any:
        result = original(self, context)
        dataset.portal.admin.write_rows(dataset.id, [{"event_id": "other", "lanes": 1}])
        return result

    monkeypatch.setattr(SocrataApplyRevisionOperator, "execute", apply_then_write)
    run = revise(dataset, changes)
    assert run.state == "failed"
    assert "22 rows after publish; 21 were published" in errors(run, VERIFY)[0]


# --- who decides ---


def test_a_revision_that_somebody_applied_by_hand_is_found(dataset: Any, changes: Path, revise: Any) -> None:
    """The reply to apply is lost and the job has ended before the next look: nothing is sent again."""
    dataset.portal.admin.settings(apply_looks=0)
    dataset.portal.admin.add_fault("lost_reply", "PUT", r"/apply$")
    assert_applied(revise(dataset, changes), dataset, after_upsert())
    assert len(dataset.calls("PUT", "/apply")) == 1
    assert jobs(dataset) == ["successful"]


@BOTH
def test_clearing_the_apply_alone_afterwards_does_not_apply_again(
    unkeyed: Any, changes: Path, revise: Any, deferrable: bool
) -> None:
    """The sensor fails once after a good apply, and its try finds what is live."""
    unkeyed.portal.admin.settings(apply_looks=3)
    unkeyed.portal.admin.add_fault("bad_gateway", "GET", r"/revision/[^/]+/\d+$", skip=6, times=6)
    run = revise(unkeyed, changes, deferrable=deferrable, retries=2)
    assert_applied(run, unkeyed, old_rows() + CHANGED)
    assert records() == {}
