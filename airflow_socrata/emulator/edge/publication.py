"""The publishing workflow: copy, copySchema, publish; what is pending; what is replicated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge.archives import note
from airflow_socrata.emulator.edge.jobs import COPY, PUBLISH, Job
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.view_json import view_json
from airflow_socrata.emulator.errors import core_error, invalid_request, soda_error, view_missing
from airflow_socrata.emulator.store.model import PUBLISHED, UNPUBLISHED

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.edge.accounts import User
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.faults import Fault
    from airflow_socrata.emulator.store.model import View

_JOB_FAULTS = ("accepted", "publish_queued", "publish_fails")


def publication(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/views/{id}/publication``: publish; with ``method=copy|copySchema`` open a working copy."""
    view_id = exchange.part()[0]
    method = exchange.first("method")
    ticket = exchange.first("ticket")
    if ticket is not None:
        return _poll(portal, exchange, ticket)
    kind = PUBLISH if method is None else COPY
    running = portal.jobs.find(kind, view_id)
    if running is not None:
        portal.jobs.poll(running)
        return answer(portal, exchange, running)
    view = portal.view(view_id, exchange.user, "update_view")
    user = portal.publisher(exchange)
    if kind == COPY:
        return _copy(portal, exchange, view, user, str(method))
    return _publish(portal, exchange, view)


def poll(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/publication?ticket=`` and ``GET /api/imports2?ticket=``: how a job stands."""
    ticket = exchange.first("ticket")
    if ticket is None:
        raise core_error(405, "method_not_allowed", "GET is not supported here without a ticket")
    return _poll(portal, exchange, ticket)


def _poll(portal: Portal, exchange: Exchange, ticket: str) -> Reply:
    portal.publisher(exchange)
    job = portal.jobs.by_ticket(ticket)
    if job is None:
        raise core_error(404, "not_found", "Ticket not found", {"ticket": ticket})
    portal.jobs.poll(job)
    return answer(portal, exchange, job)


def answer(portal: Portal, exchange: Exchange, job: Job) -> Reply:
    """Tell how a job stands: its view or error when it has ended, else a 202."""
    if job.is_done:
        job.was_told = True
        if portal.switches.ticket_after_end == "spent":
            portal.jobs.forget(job)
    if job.error is not None:
        raise job.error
    if job.result is not None:
        return Reply.of(view_json(portal, job.result, exchange.user))
    if job.waits_for_approval and portal.switches.approval_reply == "view":
        waiting = portal.store.find(job.view_id)
        if waiting is not None:
            return Reply.of(view_json(portal, waiting, exchange.user))
    body, headers = job.accepted(exchange.request_id)
    reply = Reply.of(body, 202)
    reply.headers |= headers
    return reply


def _copy(portal: Portal, exchange: Exchange, view: View, user: User, method: str) -> Reply:
    _check_method(portal, method)
    if view.modifying_view_uid is not None:
        raise invalid_request(f"Only datasets can be copied; copy {view.modifying_view_uid} instead")
    _check_pending(portal, exchange, view)

    def work() -> View:
        return open_copy(portal, view, user, method)

    return _start(portal, exchange, view, COPY, work)


def _check_method(portal: Portal, method: str) -> None:
    offered = {"both": {"copy", "copySchema"}, "copySchema": {"copySchema"}, "none": set[str]()}
    if method not in offered[portal.switches.copy_methods]:
        raise invalid_request(f"Unsupported method: {method}")


def open_copy(portal: Portal, view: View, user: User, method: str) -> View:
    """Open a working copy, or return the one that is open, as the switch says.

    :raises PortalError: 409 when the view is not published, is locked, or a copy is open and that conflicts.
    """
    dataset = view.dataset
    with dataset.write_lock(portal.switches.write_lock_seconds, view.id):
        if portal.store.find(view.id) is not view:
            raise view_missing(view.id)
        existing = dataset.unpublished
        if view.stage != PUBLISHED or (existing is not None and portal.switches.existing_copy == "conflict"):
            raise _wrong_stage("unpublished" if existing is not None else view.stage, PUBLISHED)
        if existing is not None:
            return existing
        made = portal.store.copy(
            view,
            user.id,
            with_rows=method == "copy",
            keep_private=portal.switches.copy_inherits_private_metadata,
        )
        made.pending_scope = None
        return made


def _wrong_stage(actual: str, expected: str) -> Exception:
    return soda_error(
        409,
        "soda.dataset.incorrect-lifecycle-stage",
        f"Dataset is {actual}, expected {expected}",
        {"actual": actual, "expected": [expected]},
    )


def _check_pending(portal: Portal, exchange: Exchange, view: View) -> None:
    if exchange.fault("feedback"):
        raise soda_error(
            409,
            "soda.dataset.feedback-in-progress",
            "Computed columns are not done yet",
            {"dataset": view.id, "stores": ["geocoding"]},
        )
    if view.dataset.pending_geocoding["view"] > 0:
        raise core_error(
            portal.switches.pending_status, "invalid_request", "Geocoding is still pending for this dataset"
        )


def _publish(portal: Portal, exchange: Exchange, view: View) -> Reply:
    if view.stage != UNPUBLISHED or view.modifying_view_uid is not None:
        raise invalid_request("Only unpublished datasets can be published.")
    _check_pending(portal, exchange, view)

    def work() -> View:
        return publish_now(portal, view)

    if portal.switches.approvals or exchange.fault("approval"):
        return _ask_approval(portal, exchange, view, work)
    return _start(portal, exchange, view, PUBLISH, work)


def publish_now(portal: Portal, view: View) -> View:
    """Publish an unpublished view.

    :raises PortalError: 404 when it is gone, 409 when the dataset is locked.
    """
    dataset = view.dataset
    with dataset.write_lock(portal.switches.write_lock_seconds, view.id):
        if portal.store.find(view.id) is not view:
            raise view_missing(view.id)
        if view.stage != UNPUBLISHED:
            raise invalid_request("Only unpublished datasets can be published.")
        after = portal.switches.working_copy_after_publish
        snapshot = after == "snapshot" or (after == "auto" and not dataset.new_backend)
        with portal.books:
            published = portal.store.publish(view, portal.switches, keep_snapshot=snapshot)
    note(portal, published)
    return published


def _start(portal: Portal, exchange: Exchange, view: View, kind: str, work: Callable[[], View]) -> Reply:
    fault = exchange.fault(*_JOB_FAULTS)
    if fault is None:
        return Reply.of(view_json(portal, work(), exchange.user))
    with portal.books:
        job = portal.jobs.find(kind, view.id)
        if job is None:
            made = job_of(portal, exchange, view.id, view.dataset.group, kind, work, fault)
            job = portal.jobs.add(made)
    portal.jobs.poll(job)
    return answer(portal, exchange, job)


def job_of(
    portal: Portal,
    exchange: Exchange,
    view_id: str,
    group: int,
    kind: str,
    work: Callable[[], View],
    fault: Fault,
) -> Job:
    """Return a job that takes as long, and ends, as a fault says."""
    args = fault.args
    failure = None
    if fault.kind == "publish_fails":
        failure = core_error(args["status"], args["code"], args["message"])
    seconds = args.get("seconds")
    calls = None if fault.kind == "publish_queued" or seconds is not None else args["calls"]
    return Job(
        kind,
        view_id,
        group,
        exchange.path,
        work,
        form=args["form"],
        calls=calls,
        until=None if seconds is None else portal.clock.now() + seconds,
        retry_after=args.get("retry_after"),
        failure=failure,
    )


def _ask_approval(portal: Portal, exchange: Exchange, view: View, work: Callable[[], View]) -> Reply:
    now = portal.clock.seconds()
    request: dict[str, Any] = {
        "state": "pending",
        "submissionId": portal.store.number(),
        "submissionObject": "working_copy",
        "submissionOutcome": "update_published_asset",
        "submissionDetails": {"id": view.id},
        "submittedAt": now,
        "workflowId": 1,
        "submitter": {
            "id": portal.publisher(exchange).id,
            "displayName": portal.publisher(exchange).display_name,
        },
        "recordId": portal.store.number(),
    }
    view.approvals = [*view.approvals, request]
    job = Job(PUBLISH, view.id, view.dataset.group, exchange.path, work, calls=None, waits_for_approval=True)
    portal.jobs.add(job)
    return answer(portal, exchange, job)


def ask_approval(portal: Portal, exchange: Exchange, view: View) -> Reply:
    """Submit a working copy to the approvers; where nobody has to approve, it is published at once."""
    if view.stage != UNPUBLISHED:
        raise invalid_request("Only unpublished datasets can be published.")
    if not portal.switches.approvals:
        return _publish(portal, exchange, view)
    running = portal.jobs.find(PUBLISH, view.id)
    return _publish(portal, exchange, view) if running is None else answer(portal, exchange, running)


def review(portal: Portal, job: Job, outcome: str) -> None:
    """Approve or reject a publish that waits; ``outcome`` is ``approved`` or ``rejected``."""
    view = portal.store.find(job.view_id)
    if view is not None and view.approvals:
        view.approvals[-1] |= {
            "state": outcome,
            "reviewedAt": portal.clock.seconds(),
            "reviewedAutomatically": False,
        }
    job.waits_for_approval = False
    if outcome == "approved":
        portal.jobs.finish(job)
    # Nobody polls an approval by ticket: a later call starts from the view as it then is.
    portal.jobs.forget(job)


def geocoding(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/geocoding/{id}?method=pending``."""
    view = portal.view(exchange.part()[0], exchange.user)
    dataset = view.dataset
    shown = dict(dataset.pending_geocoding)
    if dataset.pending_step:
        dataset.pending_geocoding = {key: max(0, n - dataset.pending_step) for key, n in shown.items()}
    return Reply.of(shown)


def replication(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/{id}/replication``."""
    view = portal.view(exchange.part()[0], exchange.user)
    now = portal.clock.now()
    view.dataset.settle(view, now, poll=True)
    replica = view.replica
    stale = replica is not None and replica.is_stale(now)
    truth = view.dataset.version
    read = replica.copy.version if stale and replica is not None else truth
    secondaries = [{"name": "pg", "version": read}]
    if view.dataset.group in portal.desk.enrolled:
        secondaries.append({"name": "archival", "version": truth})
    return Reply.of({
        "asynchronous_computation_up_to_date": True,
        "read_replication_up_to_date": not stale,
        "truth_data_version": truth,
        "secondary_versions": secondaries,
    })


def migrations(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/migrations/{id}``: 404, no dataset here has a twin."""
    raise core_error(404, "not_found", "Cannot find migration", {"id": exchange.part()[0]})
