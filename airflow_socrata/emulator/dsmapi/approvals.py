"""Approvals of revisions: what state one is in, and reviewing it (the approvals service of the view side)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.applying import start, submit_revision
from airflow_socrata.emulator.dsmapi.calls import body_of
from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply
from airflow_socrata.emulator.errors import core_error, invalid_request

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.model import Revision, Submission
    from airflow_socrata.emulator.store.model import View


def guidance(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/{4x4}/approvals?method=guidance_v2&assetId={4x4:seq}``."""
    view_id = exchange.part()[0]
    portal.view(view_id, exchange.user)
    if exchange.first("method") not in {"guidance_v2", "guidance"}:
        raise invalid_request(f"Unknown method: {exchange.first('method')}")
    asset = exchange.first("assetId") or view_id
    named, _, seq = asset.partition(":")
    revision = portal.desk.revision(view_id, int(seq)) if named == view_id and seq.isdigit() else None
    if revision is None:
        raise invalid_request(f"Unknown asset: {asset}")
    shown = _guidance(portal, view_id, revision)
    return Reply.of({"public": shown, "internal": {"currentState": "unsubmittable"}})


def _guidance(portal: Portal, view_id: str, revision: Revision) -> dict[str, Any]:
    path = f"/api/views/{view_id}/approvals"
    submission = revision.submission
    if submission is None or submission.state == "withdrawn":
        if not revision.is_open:
            return {"currentState": "unsubmittable"}
        return {
            "currentState": "submittable",
            "toPublishAndChangeAudience": {
                "queueOptions": [
                    {
                        "workflowId": 1,
                        "displayName": "Default",
                        "submissionUrl": f"{path}?method=startWorkflowSubmission",
                        "expectedState": "pending" if portal.switches.approvals else "approved",
                    }
                ],
                "submission": {
                    "object": "revision",
                    "outcome": "update_published_asset",
                    "details": {"id": str(revision.seq)},
                },
            },
        }
    shown: dict[str, Any] = {
        "currentState": submission.state,
        "currentOutcome": "update_published_asset",
    }
    if submission.state == "approved" and revision.running is not None:
        shown["currentOutcomeStatus"] = "in_progress"
    if submission.state in {"pending", "rejected"}:
        shown["withdrawUrl"] = f"{path}/{submission.id}?method=cancelWorkflowSubmission"
    if submission.state == "pending":
        shown["updateUrl"] = f"{path}/{submission.record_id}"
    return shown


def submit(portal: Portal, view: View, seq: str, user_id: str, request_id: str) -> Reply:
    """Submit a revision as the guidance says; where nobody has to approve, it is applied at once."""
    revision = portal.desk.revision(view.id, int(seq)) if seq.isdigit() else None
    if revision is None:
        raise invalid_request(f"Unknown revision: {seq}")
    with portal.desk.lock:
        submission = submit_revision(portal, revision, user_id, request_id)
    if not portal.switches.approvals:
        review(portal, revision, "approved")
    return Reply.of({"id": submission.id, "state": submission.state})


def review_call(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/views/{4x4}/approvals/{record}`` with ``{"state": "approved"|"rejected", "notes"}``."""
    view_id = exchange.part()[0]
    portal.view(view_id, exchange.user, "update_view")
    body = body_of(exchange)
    revision, submission = _find(portal, view_id, exchange.parts["record"], "record_id")
    if body.get("state") not in {"approved", "rejected"}:
        raise invalid_request(f"Unknown state: {body.get('state')}")
    if submission.state != "pending":
        raise invalid_request(f"The submission is {submission.state}")
    submission.notes = body.get("notes")
    review(portal, revision, body["state"])
    return Reply.of({"id": submission.record_id, "state": submission.state, "notes": submission.notes})


def withdraw(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /api/views/{4x4}/approvals/{submission}?method=cancelWorkflowSubmission``."""
    view_id = exchange.part()[0]
    portal.view(view_id, exchange.user, "update_view")
    _, submission = _find(portal, view_id, exchange.parts["record"], "id")
    if submission.state not in {"pending", "rejected"}:
        raise invalid_request(f"The submission is {submission.state}")
    submission.state = "withdrawn"
    return Reply.of({"id": submission.id, "state": submission.state})


def _find(portal: Portal, view_id: str, text: str, name: str) -> tuple[Revision, Submission]:
    for revision in portal.desk.of_dataset(view_id):
        submission = revision.submission
        if submission is not None and str(getattr(submission, name)) == text:
            return revision, submission
    raise core_error(404, "not_found", f"Cannot find submission {text}", {"id": text})


def review(portal: Portal, revision: Revision, state: str) -> None:
    """Approve or reject a revision that waits; an approved one is applied as it was submitted."""
    submission = revision.submission
    if submission is None:
        return
    with portal.desk.lock:
        submission.state = state
        if state == "approved" and revision.is_open:
            revision.output_schema_id = submission.output_schema_id
            start(portal, revision, submission.user_id, submission.request_id)


def waiting(portal: Portal, view_id: str) -> Revision | None:
    """Return the revision of a dataset that waits for approval."""
    for revision in portal.desk.of_dataset(view_id):
        if revision.submission is not None and revision.submission.state == "pending" and revision.is_open:
            return revision
    return None
