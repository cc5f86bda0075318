"""Calls for approvals: where a draft, or a wish to be seen by more people, stands with the approvers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.links import check_number
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply
from airflow_socrata.client.parsing import integer, mapping, no_error, object_of, objects, text

if TYPE_CHECKING:
    from collections.abc import Mapping

ApprovalState = Literal["not_submitted", "pending", "approved", "rejected"]

_STATES: dict[str, ApprovalState] = {
    "pending": "pending",
    "rejected": "rejected",
    "approved": "approved",
    "submittable": "not_submitted",
    "unsubmittable": "not_submitted",
}
_RECORD = re.compile(r"/approvals/(\d+)")
_START = "startWorkflowSubmission"
#: What a submission is about: another audience, or the next version of what the audience sees.
CHANGE_AUDIENCE = "change_audience"


@dataclass(frozen=True, slots=True)
class Submission:
    """What the portal wants to be sent when an asset is submitted to the approvers.

    :param expected_state: ``approved`` where that happens by itself, else ``pending``.
    :param params: query of the call.
    :param body: its JSON.
    """

    expected_state: str | None
    params: tuple[tuple[str, str], ...] = (("method", _START),)
    body: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, part: Mapping[str, Any]) -> Submission | None:
        """Read a submission guidance: the first of its queues; None if there is no such guidance."""
        queues = objects(part.get("queueOptions"))
        body = mapping(part.get("submission"))
        if not queues or not body:
            return None
        query = parse_qsl(urlsplit(text(queues[0].get("submissionUrl")) or "").query)
        params = tuple(pair for pair in query if pair[0] != "method")
        return cls(text(queues[0].get("expectedState")), (("method", _START), *params), body)


@dataclass(frozen=True, slots=True)
class AudienceGuidance:
    """Where an asset stands with the approvers of one audience.

    :param state: None where the portal does not tell.
    :param outcome: what a submission is to bring about: ``change_audience`` or ``update_published_asset``.
    :param in_progress: it was approved, and what was approved is being done.
    :param submission_id: what withdrawing is sent to, while it is pending or rejected.
    :param record_id: what an approver's decision is sent to, while it is pending.
    :param to_change_audience: how to ask for this audience.
    """

    state: ApprovalState | None
    outcome: str | None = None
    in_progress: bool = False
    submission_id: int | None = None
    record_id: int | None = None
    to_change_audience: Submission | None = None

    @property
    def asks_for_audience(self) -> bool:
        """Whether it was submitted for this audience, and not for a new version."""
        return self.state in {"pending", "rejected", "approved"} and self.outcome == CHANGE_AUDIENCE

    @classmethod
    def from_json(cls, part: Mapping[str, Any]) -> AudienceGuidance:
        """Read the guidance on one audience."""
        withdraw = _RECORD.search(text(part.get("withdrawUrl")) or "")
        update = _RECORD.search(text(part.get("updateUrl")) or "")
        return cls(
            state=_STATES.get(_state(part)),
            outcome=text(part.get("currentOutcome")),
            in_progress=part.get("currentOutcomeStatus") == "in_progress",
            submission_id=integer(withdraw.group(1)) if withdraw else None,
            record_id=integer(update.group(1)) if update else None,
            to_change_audience=Submission.from_json(mapping(part.get("toChangeAudience"))),
        )


@dataclass(frozen=True, slots=True)
class ApprovalGuidance:
    """What the portal says about one asset and its approvers.

    :param state: None where the portal does not tell.
    :param record_id: what an approver's decision is sent to, while it is pending.
    :param in_progress: it was approved, and what was approved is being done.
    """

    state: ApprovalState | None
    record_id: int | None = None
    in_progress: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def of(self, audience: str) -> AudienceGuidance:
        """Return what is said about one audience: ``public``, or ``site`` (internal)."""
        part = self.raw.get("internal" if audience == "site" else "public")
        return AudienceGuidance.from_json(mapping(part))

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> ApprovalGuidance:
        """Read the guidance on both audiences, public and internal: what still waits counts first."""
        parts = [mapping(body.get("public")), mapping(body.get("internal")), body]
        told = [(_STATES[state], part) for part in parts if (state := _state(part)) in _STATES]
        for wanted in dict.fromkeys(_STATES.values()):
            for state, part in told:
                if state == wanted:
                    found = _RECORD.search(text(part.get("updateUrl")) or "")
                    in_progress = part.get("currentOutcomeStatus") == "in_progress"
                    return cls(state, integer(found.group(1)) if found else None, in_progress, body)
        return cls(None, raw=body)


def guidance(dataset_id: str, revision_seq: int | None = None) -> Call[ApprovalGuidance]:
    """Ask where a dataset, or one of its revisions, stands with the approvers.

    :param revision_seq: the number of a revision.
    """
    params: tuple[tuple[str, str], ...] = (("method", "guidance_v2"),)
    what = dataset_id
    if revision_seq is not None:
        number = check_number(revision_seq, "revision", least=0)
        params = (*params, ("assetId", f"{dataset_id}:{number}"))
        what = f"revision {number} of {dataset_id}"
    return Call(
        CallKind.READ,
        "GET",
        f"/api/views/{check_dataset_id(dataset_id)}/approvals",
        _parse_guidance,
        f"approval of {what}",
        params=params,
    )


def submit(dataset_id: str, submission: Submission) -> Call[None]:
    """Submit an asset to the approvers, as the guidance says.

    A call that may have been carried out is not sent again before somebody has looked at the guidance.
    """
    return Call(
        CallKind.PART,
        "POST",
        f"/api/views/{check_dataset_id(dataset_id)}/approvals",
        no_error,
        f"submit {dataset_id} for approval",
        params=submission.params,
        headers=JSON_TYPE,
        body=json.dumps(dict(submission.body)).encode(),
    )


def withdraw(dataset_id: str, submission_id: int) -> Call[None]:
    """Take a submission that is pending or rejected back from the approvers."""
    number = check_number(submission_id, "submission", least=0)
    return Call(
        CallKind.PART,
        "DELETE",
        f"/api/views/{check_dataset_id(dataset_id)}/approvals/{number}",
        no_error,
        f"withdraw submission {number} of {dataset_id}",
        params=(("method", "cancelWorkflowSubmission"),),
    )


def review(
    dataset_id: str, record_id: int, state: Literal["approved", "rejected"], notes: str | None = None
) -> Call[None]:
    """Approve or reject a submission, as an approver.

    :param record_id: that of the guidance.
    :raises ConfigurationError: the state is neither.
    """
    if state not in {"approved", "rejected"}:
        raise ConfigurationError(f"state {state!r} is unknown: use approved or rejected")
    number = check_number(record_id, "record", least=0)
    return Call(
        CallKind.PART,
        "PUT",
        f"/api/views/{check_dataset_id(dataset_id)}/approvals/{number}",
        no_error,
        f"{state} record {number} of {dataset_id}",
        headers=JSON_TYPE,
        body=json.dumps({"state": state} | ({} if notes is None else {"notes": notes})).encode(),
    )


def _state(part: Mapping[str, Any]) -> str:
    return (text(part.get("currentState")) or "").lower()


def _parse_guidance(reply: Reply) -> ApprovalGuidance:
    return ApprovalGuidance.from_json(object_of(reply, "an approval guidance"))
