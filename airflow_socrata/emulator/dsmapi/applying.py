"""Applying a revision: check it, start a task set, or hand it to the approvers."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.calls import body_of, number_in, require_open, revision_of
from airflow_socrata.emulator.dsmapi.envelopes import enveloped, task_set_json
from airflow_socrata.emulator.dsmapi.errors import invalid, missing, refused
from airflow_socrata.emulator.dsmapi.links import task_set_links
from airflow_socrata.emulator.dsmapi.model import Submission, TaskSet
from airflow_socrata.emulator.dsmapi.progress import fail, finish, log_line, look_at
from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.model import OutputSchema, Revision


def apply(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT …/apply``: start a task set; with approvals, a bare object with the key approval_submitted."""
    revision = revision_of(portal, exchange)
    user = portal.publisher(exchange)
    body = body_of(exchange)
    with portal.desk.lock:
        require_open(portal, revision)
        _refuse_beside_others(portal, revision)
        _choose_schema(portal, revision, body)
        _check(portal, revision)
        if portal.switches.approvals or exchange.fault("approval"):
            submit_revision(portal, revision, user.id, exchange.request_id)
            return Reply.of({
                "key": "approval_submitted",
                "message": "The revision was submitted for approval",
                "params": {},
            })
        task_set = start(portal, revision, user.id, exchange.request_id)
        _arm(exchange, task_set)
    failed = exchange.fault("job_already_failed")
    if failed is not None:
        log_line(portal, task_set, "started")
        fail(portal, task_set, failed.args["stage"], failed.args["message"])
    elif task_set.looks == 0 and not task_set.stuck:
        finish(portal, revision)
    return Reply.of(_json(revision, task_set))


def _json(revision: Revision, task_set: TaskSet) -> dict[str, Any]:
    made = task_set_links(revision.view_id, revision.seq, task_set.id)
    return enveloped(task_set_json(task_set), made)


def _refuse_beside_others(portal: Portal, revision: Revision) -> None:
    running = revision.running
    if running is not None:
        raise refused(
            409,
            "apply_in_progress",
            f"Revision {revision.seq} of {revision.view_id} is being applied already",
            task_set_id=running.id,
        )
    view = portal.store.find(revision.view_id)
    copy = view.dataset.unpublished if view is not None and view.dataset.published is not None else None
    if copy is not None and portal.switches.apply_with_open_copy == "refuse":
        raise refused(
            409,
            "working_copy_open",
            f"{revision.view_id} has an open working copy, {copy.id}",
            working_copy=copy.id,
        )


def _choose_schema(portal: Portal, revision: Revision, body: dict[str, Any]) -> None:
    # The vendor's samples send {"resource": {"id": number of the revision}}: that chooses nothing.
    wanted = body.get("output_schema_id")
    if wanted is None:
        return
    schema = portal.desk.output_schemas.get(wanted) if isinstance(wanted, int) else None
    if schema is None or schema.input.source not in revision.sources:
        raise missing("output schema", wanted)
    revision.output_schema_id = schema.id


def _check(portal: Portal, revision: Revision) -> None:
    schema = portal.desk.output_schemas.get(revision.output_schema_id or -1)
    if schema is None:
        if revision.action == "delete":
            raise invalid("A delete revision needs rows that say what to delete", "no_output_schema")
        return
    broken = [each for each in schema.columns if each.transform.failed_at is not None]
    if broken:
        raise invalid(
            f"The transform of column {broken[0].field_name} failed",
            "transform_failed",
            details={each.field_name: "failed" for each in broken},
        )
    if revision.action == "delete" and not _has_identifier(portal, revision, schema):
        raise invalid("Rows can only be deleted by a row identifier, there is none", "no_row_identifier")


def _has_identifier(portal: Portal, revision: Revision, schema: OutputSchema) -> bool:
    view = portal.store.find(revision.view_id)
    identifier = view.copy.identifier if view is not None else None
    return identifier is not None and any(each.field_name == identifier.field_name for each in schema.columns)


def submit_revision(portal: Portal, revision: Revision, user_id: str, request_id: str) -> Submission:
    """Hand a revision to the approvers, once. The caller holds the desk's lock."""
    if revision.submission is None or revision.submission.state != "pending":
        number = portal.desk.number
        revision.submission = Submission(
            number(), number(), "pending", user_id, revision.output_schema_id, request_id
        )
    return revision.submission


def start(portal: Portal, revision: Revision, user_id: str, request_id: str) -> TaskSet:
    """Start a task set of a revision."""
    now, seconds = portal.clock.now(), portal.switches.apply_seconds
    task_set = TaskSet(
        portal.desk.number(),
        str(uuid.uuid4()),
        request_id,
        revision.output_schema_id,
        user_id,
        now,
        now,
        portal.switches.apply_looks,
        until=now + seconds if seconds else None,
    )
    revision.task_sets.append(task_set)
    revision.updated_at = now
    return task_set


def _arm(exchange: Exchange, task_set: TaskSet) -> None:
    failing = exchange.fault("apply_failure")
    if failing is not None:
        task_set.failure = (failing.args["stage"], failing.args["message"])
    if exchange.fault("stuck_upserting"):
        task_set.stuck = True


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/apply/{id}``."""
    revision = revision_of(portal, exchange)
    number = number_in(exchange, "task_set_id", "task set")
    found = next((each for each in revision.task_sets if each.id == number), None)
    if found is None:
        raise missing("task set", number)
    look_at(portal, revision)
    return Reply.of(_json(revision, found), 202)
