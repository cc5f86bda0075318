"""Task sets on their way: each look at one moves it on, the last one does the work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.model import FAILURE, INITIALIZING, RUNNING, SUCCESSFUL
from airflow_socrata.emulator.dsmapi.work import ApplyFailed, apply_to_dataset

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.model import Revision, TaskSet
    from airflow_socrata.emulator.edge.portal import Portal

_UPSERTING = RUNNING.index("upserting")


def log_line(portal: Portal, task_set: TaskSet, stage: str, details: dict[str, Any] | None = None) -> None:
    """Put a line at the front of a task set's log."""
    time = datetime.fromtimestamp(portal.clock.now(), UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    task_set.log = [{"stage": stage, "time": time, "details": details}, *task_set.log]
    task_set.updated_at = portal.clock.now()


def look_at(portal: Portal, revision: Revision) -> None:
    """Move the running task set of a revision on by one look."""
    with portal.desk.lock:
        task_set = revision.running
        if task_set is None or task_set.is_claimed:
            return
        if task_set.stuck:
            _show(portal, revision, task_set, _UPSERTING)
            return
        task_set.passed += 1
        if task_set.passed <= task_set.looks:
            _show(portal, revision, task_set, _stage(task_set))
            return
    finish(portal, revision)


def _stage(task_set: TaskSet) -> int:
    """Return the stage that a look sees: one look sees the rows come in, three see each stage."""
    if task_set.looks < len(RUNNING):
        return min(_UPSERTING + task_set.passed - 1, len(RUNNING) - 1)
    return (task_set.passed - 1) * len(RUNNING) // task_set.looks


def _show(portal: Portal, revision: Revision, task_set: TaskSet, stage: int) -> None:
    """Show a stage that comes before the end, with the log lines that lead there."""
    if task_set.status == INITIALIZING:
        log_line(portal, task_set, "started")
    task_set.status = RUNNING[stage]
    schema = portal.desk.output_schemas.get(task_set.output_schema_id or -1)
    if schema is None or stage < _UPSERTING:
        return
    if all(line["stage"] != "columns_created" for line in task_set.log):
        log_line(portal, task_set, "columns_created", {"created": len(schema.columns)})
    share = 1.0 if stage > _UPSERTING else task_set.passed / (task_set.looks + 1)
    log_line(portal, task_set, "rows_upserted", {"count": int(schema.input.total_rows * min(1.0, share))})


def finish(portal: Portal, revision: Revision) -> None:
    """Do the work of the running task set now; public rows change all at once, or not at all."""
    with portal.desk.lock:
        task_set = revision.running
        if task_set is None or task_set.is_claimed:
            return
        task_set.is_claimed = True
        if task_set.status == INITIALIZING:
            log_line(portal, task_set, "started")
    try:
        if task_set.failure is not None:
            raise ApplyFailed(*task_set.failure)
        counts = apply_to_dataset(portal, revision, task_set)
    except ApplyFailed as error:
        fail(portal, task_set, error.stage, error.message)
        return
    except Exception as error:
        fail(portal, task_set, "upserting", f"Internal error: {error}")
        raise
    with portal.desk.lock:
        if counts is not None:
            if all(line["stage"] != "columns_created" for line in task_set.log):
                log_line(portal, task_set, "columns_created", {"created": counts.columns})
            log_line(portal, task_set, "rows_upserted", {"count": counts.rows})
            told = counts.told if portal.switches.apply_log_counts else None
            log_line(portal, task_set, "upsert_complete", told)
        log_line(portal, task_set, "dataset_published")
        log_line(portal, task_set, "finished")
        task_set.status = SUCCESSFUL
        now = portal.clock.now()
        task_set.finished_at = task_set.updated_at = now
        revision.closed_at = revision.updated_at = now


def fail(portal: Portal, task_set: TaskSet, stage: str, message: str) -> None:
    """End a task set badly; the revision stays open."""
    with portal.desk.lock:
        log_line(portal, task_set, "failure", {"stage": stage, "message": message})
        task_set.status = FAILURE
        task_set.finished_at = task_set.updated_at = portal.clock.now()


def finish_all(portal: Portal, view_id: str | None) -> int:
    """End the task sets that are under way and not stuck, of one dataset or of all; return how many."""
    done = 0
    for revision in portal.desk.all_revisions():
        task_set = revision.running
        if task_set is None or task_set.stuck or view_id not in {None, revision.view_id}:
            continue
        finish(portal, revision)
        done += 1
    return done


def tick(portal: Portal) -> None:
    """Do what only waited for the portal's time: task sets, and drafts that go."""
    desk, now = portal.desk, portal.clock.now()
    for view_id, goes_at in list(desk.doomed.items()):
        if now < goes_at:
            continue
        desk.doomed.pop(view_id, None)
        view = portal.store.find(view_id)
        if view is not None and view.stage == "unpublished" and not view.is_working_copy:
            portal.store.remove(view)
            desk.forget(view_id)
    if not portal.switches.apply_seconds:
        return
    for revision in desk.all_revisions():
        task_set = revision.running
        due = task_set is not None and task_set.until is not None and now >= task_set.until
        if due and task_set is not None and not task_set.stuck:
            finish(portal, revision)
