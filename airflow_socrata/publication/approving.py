"""Waiting for a steward who has to approve an audience. Looks with GET only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.client import RequestRefused, approvals, views
from airflow_socrata.client.access import Audience, audience_of
from airflow_socrata.client.approvals import CHANGE_AUDIENCE, ApprovalGuidance, AudienceGuidance
from airflow_socrata.publication.errors import Rejected

if TYPE_CHECKING:
    from airflow_socrata.client import View
    from airflow_socrata.publication.waits import Patience, Steps


@dataclass(frozen=True, slots=True)
class AudienceSighting:
    """How a wish for an audience stands.

    :param is_reached: the dataset has it.
    :param waits: a request for it waits for a steward, or was approved and is being carried out.
    """

    is_reached: bool = False
    waits: bool = False
    was_rejected: bool = False


def asked_for(dataset: str, audience: str, what: str) -> str:
    """Say what has become of a request."""
    return f"The request that {dataset} be seen by the audience {audience} {what}; its audience is unchanged."


def look_at(dataset: str, audience: Audience) -> Steps[AudienceSighting]:
    """Look at the dataset, and at the approvers' queue where it does not have the audience."""
    view = yield views.read_view(dataset)
    if audience_of(view) == audience:
        return AudienceSighting(is_reached=True)
    try:
        told: ApprovalGuidance = yield approvals.guidance(dataset)
        found = told.of(audience)
    except RequestRefused:
        found = _of_view(view, audience)
    if not found.asks_for_audience:
        return AudienceSighting()
    # Approved, and not done when the view was read: it is being done, or it is done by now.
    waits = found.state in {"pending", "approved"}
    return AudienceSighting(waits=waits, was_rejected=found.state == "rejected")


def _of_view(view: View, audience: Audience) -> AudienceGuidance:
    """Read the view's own approvals, for portals that tell this user no guidance."""
    named = "internal" if audience == "site" else "public"
    requests = [
        one
        for one in view.approvals
        if one.outcome == CHANGE_AUDIENCE and (one.submission_object or named).startswith(named)
    ]
    if not requests:
        return AudienceGuidance(None)
    newest = max(requests, key=lambda one: one.submitted_at or 0)
    states = {"pending": "pending", "approved": "approved", "rejected": "rejected"}
    return AudienceGuidance(states.get(newest.state or ""), CHANGE_AUDIENCE)  # type: ignore[arg-type]


def audience_reached(dataset: str, audience: Audience, patience: Patience) -> Steps[None]:
    """Wait until a dataset has an audience that was asked for.

    :raises Rejected: a steward has rejected the request, or it was withdrawn.
    """
    missed = 0
    for pause in patience.pauses(f"approval of the audience {audience} for {dataset}"):
        sighting = yield from look_at(dataset, audience)
        if sighting.is_reached:
            return
        if sighting.was_rejected:
            raise Rejected(asked_for(dataset, audience, "was rejected by a steward"))
        # Carried out between two calls of one look, a request is gone and its outcome not seen yet.
        missed = 0 if sighting.waits else missed + 1
        if missed > 1:
            raise Rejected(asked_for(dataset, audience, "is not there any more: it was withdrawn"))
        yield pause
