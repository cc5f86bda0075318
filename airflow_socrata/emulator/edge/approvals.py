"""The approvers' queue: guidance, submit, review, withdraw, for audiences, working copies and revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi import approvals as of_revisions
from airflow_socrata.emulator.edge import audiences
from airflow_socrata.emulator.edge.jobs import PUBLISH
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.publication import ask_approval, review
from airflow_socrata.emulator.errors import core_error, invalid_request
from airflow_socrata.emulator.store.model import UNPUBLISHED

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.edge.jobs import Job
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View

_DRAFT = "update_published_asset"


def guidance(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/{id}/approvals?method=guidance_v2``; ``assetId={4x4:seq}`` asks about a revision."""
    if ":" in (exchange.first("assetId") or ""):
        return of_revisions.guidance(portal, exchange)
    view = portal.view(exchange.part()[0], exchange.user)
    if exchange.first("method") not in {"guidance_v2", "guidance"}:
        raise invalid_request(f"Unknown method: {exchange.first('method')}")
    if exchange.first("assetId") not in {None, view.id}:
        raise invalid_request(f"Unknown asset: {exchange.first('assetId')}")
    with portal.books:
        shown = {"public": _part(portal, view, "public"), "internal": _part(portal, view, "site")}
    return Reply.of(shown)


def _part(portal: Portal, view: View, audience: str) -> dict[str, Any]:
    path = f"/api/views/{view.id}/approvals"
    if audience == "site" and not portal.switches.site_scope:
        return {"currentState": "unsubmittable"}
    request = audiences.asked(view, audience) or _draft_request(view, audience)
    if request is not None:
        audiences.look(portal, view, request)
        if request["state"] != "approved" or not _can_ask(view, audience) or "looksLeft" in request:
            return _submitted(request, path)
    if view.stage == UNPUBLISHED and view.is_working_copy:
        draft = {"object": "working_copy", "outcome": _DRAFT, "details": {"id": view.id}}
        return _submittable(portal.switches.approvals, path, "toPublishAndChangeAudience", draft)
    if not _can_ask(view, audience):
        return {"currentState": "unsubmittable"}
    name = "public" if audience == "public" else "internal"
    wish = {"object": f"{name}_audience_request", "outcome": audiences.CHANGE}
    return _submittable(
        portal.switches.audience_approvals == "manual", path, "toChangeAudience", wish, audience
    )


def _draft_request(view: View, audience: str) -> dict[str, Any] | None:
    found = [each for each in view.approvals if each.get("submissionOutcome") == _DRAFT]
    return found[-1] if found and audience == "public" and view.stage == UNPUBLISHED else None


def _can_ask(view: View, audience: str) -> bool:
    return view.stage != UNPUBLISHED and audiences.is_wider(audience, view.scope)


def _submitted(request: dict[str, Any], path: str) -> dict[str, Any]:
    shown = {"currentState": request["state"], "currentOutcome": request["submissionOutcome"]}
    if "looksLeft" in request:
        shown["currentOutcomeStatus"] = "in_progress"
    if request["state"] in {"pending", "rejected"}:
        shown["withdrawUrl"] = f"{path}/{request['submissionId']}?method=cancelWorkflowSubmission"
    if request["state"] == "pending":
        shown["updateUrl"] = f"{path}/{request['recordId']}"
    return shown


def _submittable(
    waits: bool, path: str, name: str, submission: dict[str, Any], audience: str = "public"
) -> dict[str, Any]:
    queue = {
        "workflowId": 1 if audience == "public" else 2,
        "displayName": "Default",
        "submissionUrl": f"{path}?method=startWorkflowSubmission",
        "expectedState": "pending" if waits else "approved",
    }
    return {"currentState": "submittable", name: {"queueOptions": [queue], "submission": submission}}


def submit(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/views/{id}/approvals?method=startWorkflowSubmission`` with what the guidance says."""
    view = portal.view(exchange.part()[0], exchange.user, "update_view")
    user = portal.publisher(exchange)
    body = exchange.json()
    if exchange.first("method") != "startWorkflowSubmission" or not isinstance(body, dict):
        raise invalid_request("The method is startWorkflowSubmission, with a JSON object")
    named, details = body.get("object"), body.get("details")
    if named == "revision":
        return of_revisions.submit(portal, view, str((details or {}).get("id")), user.id, exchange.request_id)
    if named == "working_copy":
        draft = portal.view(str((details or {}).get("id")), exchange.user, "update_view")
        return ask_approval(portal, exchange, draft)
    audience = {"public_audience_request": "public", "internal_audience_request": "site"}.get(str(named))
    if audience is None or body.get("outcome") != audiences.CHANGE:
        raise invalid_request(f"Unknown submission: {named}")
    with portal.books:
        audiences.check_scope(portal, audience)
        standing = audiences.asked(view, audience)
        if not _can_ask(view, audience) or (standing and standing["state"] in {"pending", "rejected"}):
            raise invalid_request(f"{view.id} cannot be submitted for {audience}")
        request = audiences.ask(portal, view, audience, user)
    return Reply.of({"id": request["submissionId"], "state": request["state"]})


def review_call(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/views/{id}/approvals/{record}`` with ``{"state": "approved"|"rejected", "notes"}``."""
    view = portal.view(exchange.part()[0], exchange.user, "update_view")
    request = _find(view, exchange.parts["record"], "recordId")
    if request is None:
        return of_revisions.review_call(portal, exchange)
    body = exchange.json()
    state = body.get("state") if isinstance(body, dict) else None
    if state not in {"approved", "rejected"}:
        raise invalid_request(f"Unknown state: {state}")
    if request["state"] != "pending":
        raise invalid_request(f"The submission is {request['state']}")
    _decide(portal, view, request, state)
    return Reply.of({"id": request["recordId"], "state": request["state"], "notes": body.get("notes")})


def _decide(portal: Portal, view: View, request: dict[str, Any], state: str) -> None:
    if request["submissionOutcome"] == audiences.CHANGE:
        with portal.books:
            audiences.decide(portal, view, request, state)
        return
    job = _job(portal, view)
    if job is None:
        raise core_error(404, "not_found", "Nothing waits for approval")
    review(portal, job, state)


def _job(portal: Portal, view: View) -> Job | None:
    jobs = portal.jobs.of(view.dataset.group)
    return next((job for job in jobs if job.kind == PUBLISH and job.waits_for_approval), None)


def withdraw(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /api/views/{id}/approvals/{submission}?method=cancelWorkflowSubmission``."""
    view = portal.view(exchange.part()[0], exchange.user, "update_view")
    request = _find(view, exchange.parts["record"], "submissionId")
    if request is None:
        return of_revisions.withdraw(portal, exchange)
    if request["state"] not in {"pending", "rejected"}:
        raise invalid_request(f"The submission is {request['state']}")
    with portal.books:
        view.approvals = [each for each in view.approvals if each is not request]
        job = _job(portal, view) if request["submissionOutcome"] == _DRAFT else None
        if job is not None:
            portal.jobs.forget(job)
    return Reply.of({"id": request["submissionId"], "state": "withdrawn"})


def _find(view: View, text: str, name: str) -> dict[str, Any] | None:
    return next((each for each in view.approvals if str(each.get(name)) == text), None)


def decide_waiting(portal: Portal, view: View, state: str) -> bool:
    """Approve or reject the request for an audience that waits; False if there is none."""
    request = audiences.asked(view)
    if request is None or request["state"] != "pending":
        return False
    with portal.books:
        audiences.decide(portal, view, request, state)
    return True


TABLE: tuple[tuple[str, str, Callable[[Portal, Exchange], Reply]], ...] = (
    ("/api/views/{view_id}/approvals", "GET", guidance),
    ("/api/views/{view_id}/approvals", "POST", submit),
    ("/api/views/{view_id}/approvals/{record}", "PUT", review_call),
    ("/api/views/{view_id}/approvals/{record}", "DELETE", withdraw),
)
