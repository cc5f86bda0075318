"""The points of the flow that uploads a file and publishes the dataset at which processes are killed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from kill_harness.flow import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class OpendatasoftPoint:
    """One point.

    :param task: the task that is killed there.
    :param gates: the requests at which the flow is stopped on its way; the last one is the point.
    :param release: when the request at which the process was killed goes on its way: at once, or when
        somebody has looked at the portal since.
    :param outcome: how the first processing ends, with its arguments.
    :param faults: kind, method, path and arguments.
    :param padding: columns by which the file is larger than what fits between client and portal.
    :param tried_again: whether a run with retries ends green and new.
    :param deferrable: whether the point is there in runs whose waits are the triggerer's too.
    """

    task: str
    gates: tuple[Gate, ...]
    release: Literal["at once", "after a look"] = "at once"
    outcome: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Mapping[str, Any], ...] = ()
    padding: int = 0
    tried_again: bool = True
    deferrable: bool = True


_DATASET = "/datasets/{dataset}"
_FILES = _DATASET + "/resources/files/$"
_RESOURCE = _DATASET + "/resources/{resource}/$"
_PUBLISH = _DATASET + "/publish/$"
_RESTORE = _DATASET + "/versions/[^/]+/restore/$"

UPLOADED = Gate("POST", _FILES, "after_commit")
CHANGED = Gate("PUT", _RESOURCE, "after_commit")
ORDERED = Gate("POST", _PUBLISH, "after_commit")
LOOK = Gate("GET", _DATASET + "/status/$")
SLOW = {"outcome": "slow", "seconds": 5.0}
#: The processing of the new file goes wrong.
FAILS = {"outcome": "error"}

OPENDATASOFT_POINTS: dict[str, OpendatasoftPoint] = {
    "while the old file is kept": OpendatasoftPoint(
        "create_restore_point", (Gate("GET", _DATASET + "/resources/files/[^/]+/download/$"),)
    ),
    "upload, within the file": OpendatasoftPoint("load", (Gate("POST", _FILES, "body"),), padding=12),
    "upload, before its reply": OpendatasoftPoint("load", (UPLOADED,)),
    "resource, before the portal acts": OpendatasoftPoint("load", (Gate("PUT", _RESOURCE),)),
    "resource, before its reply": OpendatasoftPoint("load", (CHANGED,)),
    "between resource and publish": OpendatasoftPoint("publish", (CHANGED, LOOK)),
    "publish that lands late": OpendatasoftPoint(
        "publish", (Gate("POST", _PUBLISH),), release="after a look"
    ),
    "publish, before its reply": OpendatasoftPoint("publish", (ORDERED,)),
    "while the portal processes": OpendatasoftPoint(
        "publish", (ORDERED, LOOK), outcome=SLOW, deferrable=False
    ),
    "verify of a dataset": OpendatasoftPoint(
        "verify", (ORDERED, Gate("GET", "/catalog/datasets/{dataset_id}(/records)?$"))
    ),
    "rollback, before the version is restored": OpendatasoftPoint(
        "roll_back", (ORDERED, Gate("POST", _RESTORE)), outcome=FAILS, tried_again=False
    ),
    "rollback, before the reply to its publish": OpendatasoftPoint(
        "roll_back", (ORDERED, ORDERED), outcome=FAILS, tried_again=False
    ),
}
