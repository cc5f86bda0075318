"""Calls for approvals: where a draft stands in the queue of the domain's approvers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.links import check_number
from airflow_socrata.client.messages import Call, CallKind, Reply
from airflow_socrata.client.parsing import integer, mapping, object_of, text

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


def _state(part: Mapping[str, Any]) -> str:
    return (text(part.get("currentState")) or "").lower()


def _parse_guidance(reply: Reply) -> ApprovalGuidance:
    return ApprovalGuidance.from_json(object_of(reply, "an approval guidance"))
