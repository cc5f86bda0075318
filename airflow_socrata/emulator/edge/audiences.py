"""The audience of a view: changed at once, or asked for where the portal has approvers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.errors import core_error
from airflow_socrata.emulator.store.model import UNPUBLISHED

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.accounts import User
    from airflow_socrata.emulator.edge.portal import Portal
    from airflow_socrata.emulator.store.model import View

_WIDTH = {"private": 0, "site": 1, "public": 2}
CHANGE = "change_audience"


def check_scope(portal: Portal, scope: str) -> None:
    """Refuse a scope that this portal does not have.

    :raises PortalError: 400 for ``site`` where that is not enabled.
    """
    if scope == "site" and not portal.switches.site_scope:
        raise core_error(400, None, "Site scope not enabled")


def scope_of(view: View) -> str:
    """Return who sees a view, or will see it once it is published."""
    return (view.pending_scope or view.scope) if view.stage == UNPUBLISHED else view.scope


def is_wider(scope: str, than: str) -> bool:
    """Tell whether more people see a view of one scope than of another."""
    return _WIDTH[scope] > _WIDTH[than]


def set_scope(portal: Portal, view: View, scope: str) -> None:
    """Set who may see a view; on an unpublished one it becomes true with publishing."""
    check_scope(portal, scope)
    if view.stage == UNPUBLISHED:
        view.pending_scope = scope
    else:
        view.scope = scope
    view.modified_at = portal.clock.seconds()


def change(portal: Portal, view: View, scope: str, user: User) -> None:
    """Do what a caller wants: at once, or by a request where more people would see a published view."""
    widens = view.stage != UNPUBLISHED and is_wider(scope, view.scope)
    if not widens or portal.switches.audience_approvals == "none":
        set_scope(portal, view, scope)
    elif portal.switches.audience_request == "made":
        ask(portal, view, scope, user)


def ask(portal: Portal, view: View, scope: str, user: User) -> dict[str, Any]:
    """Submit a view for a wider audience; where approval is automatic, that is all it takes."""
    now = portal.clock.seconds()
    request: dict[str, Any] = {
        "state": "pending",
        "submissionId": portal.store.number(),
        "submissionObject": "public_audience_request" if scope == "public" else "internal_audience_request",
        "submissionOutcome": CHANGE,
        "submittedAt": now,
        "targetAudience": scope,
        "workflowId": 1,
        "submissionDetails": {"permissionType": "READ"},
        "submitter": {"id": user.id, "displayName": user.display_name},
        "recordId": portal.store.number(),
    }
    view.approvals = [*view.approvals, request]
    if portal.switches.audience_approvals != "manual":
        decide(portal, view, request, "approved", automatically=True)
    return request


def asked(view: View, scope: str | None = None) -> dict[str, Any] | None:
    """Return the newest request for an audience, or for any."""
    found = [
        each
        for each in view.approvals
        if each.get("submissionOutcome") == CHANGE and scope in {None, each.get("targetAudience")}
    ]
    return found[-1] if found else None


def decide(
    portal: Portal, view: View, request: dict[str, Any], state: str, *, automatically: bool = False
) -> None:
    """Approve or reject a request; what is approved is done, or will be after some looks."""
    request |= {
        "state": state,
        "reviewedAt": portal.clock.seconds(),
        "reviewedAutomatically": automatically,
    }
    if state != "approved":
        return
    request["looksLeft"] = portal.switches.audience_looks
    request["submissionOutcomeApplication"] = {"failureCount": 0, "status": "in_progress"}
    look(portal, view, request, count=False)


def look(portal: Portal, view: View, request: dict[str, Any], *, count: bool = True) -> None:
    """Let an approved request be carried out when it has been looked at often enough."""
    if "looksLeft" not in request:
        return
    if count:
        request["looksLeft"] -= 1
    if request["looksLeft"] <= 0:
        del request["looksLeft"]
        request["submissionOutcomeApplication"] = {"failureCount": 0, "status": "success"}
        set_scope(portal, view, request["targetAudience"])
