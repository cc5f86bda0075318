"""The points of the flow through a working copy at which processes are killed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from kill_harness.flow import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping

#: When the request at which a process was killed goes on its way: at once, when somebody has looked at the
#: portal since, or when the draft was discarded or the run is terminal. A gate: when a later process
#: has come to it; that one goes on when the late request is done.
Release = Literal["at once", "after a look", "after the end"]

#: What the public sees in the end, where the run is not tried again.
Public = Literal["old", "new", "either"]

MADE = Gate("POST", "/api/views/{dataset}/publication", "after_commit")
MARKED = Gate("PUT", "/api/views/{copy}", "after_commit")
PUBLISHED = Gate("POST", "/api/views/{copy}/publication", "after_commit")
#: Ten rows in batches of four.
LAST_BATCH = Gate("POST", "/resource/{copy}", "after_commit", skip=2)


@dataclass(frozen=True, slots=True)
class KillPoint:
    """One point.

    :param task: the task that is killed there.
    :param gates: the requests at which the flow is stopped on its way; the last one is the point.
    :param public: what the public sees without a further try.
    :param release: when the request goes on its way.
    :param faults: kind, method, path and arguments, put in force with the last gate but one.
    :param tried_again: whether a run with retries ends green and new.
    :param needs_retry: whether the point is there only in a run with retries.
    :param deferrable: whether the point is there only in runs whose waits are the triggerer's, or only in
        others; ``None``: in both.
    """

    task: str
    gates: tuple[Gate, ...]
    public: Public = "old"
    release: Release | Gate = "at once"
    faults: tuple[Mapping[str, Any], ...] = ()
    tried_again: bool = True
    needs_retry: bool = False
    deferrable: bool | None = None


BATCH_FAILS = {"kind": "error", "method": "POST", "path": "/resource/{copy}", "skip": 1}
QUEUED = {"kind": "publish_queued", "method": "POST", "path": "/api/views/{copy}/publication"}

POINTS: dict[str, KillPoint] = {
    "the look before the copy": KillPoint("create_working_copy", (Gate("GET", "/api/geocoding/{dataset}"),)),
    "copy call, before the portal acts": KillPoint(
        "create_working_copy", (Gate("POST", "/api/views/{dataset}/publication"),)
    ),
    "copy call that lands late": KillPoint(
        "create_working_copy", (Gate("POST", "/api/views/{dataset}/publication"),), release="after a look"
    ),
    "copy call, before its reply": KillPoint("create_working_copy", (MADE,)),
    "copied, not recorded and not marked": KillPoint(
        "create_working_copy", (MADE, Gate("PUT", "/api/views/{copy}"))
    ),
    "marked": KillPoint("create_working_copy", (MADE, MARKED)),
    "the look before the load": KillPoint("load", (MADE, MARKED, Gate("GET", "/api/views/{copy}"))),
    "batch, before the portal acts": KillPoint("load", (MADE, Gate("POST", "/resource/{copy}", skip=1))),
    "batch, before its commit": KillPoint(
        "load", (MADE, Gate("POST", "/resource/{copy}", "before_commit", skip=1))
    ),
    "batch, after its commit": KillPoint(
        "load", (MADE, Gate("POST", "/resource/{copy}", "after_commit", skip=1))
    ),
    "batch that lands late": KillPoint(
        "load", (MADE, Gate("POST", "/resource/{copy}", skip=1)), release="after a look"
    ),
    "between two batches": KillPoint("load", (MADE, Gate("GET", "/resource/{source}", skip=2))),
    "count check after the load": KillPoint("load", (MADE, LAST_BATCH, Gate("GET", "/resource/{copy}"))),
    "count check before publish": KillPoint(
        "publish", (MADE, LAST_BATCH, Gate("GET", "/resource/{copy}", skip=1))
    ),
    "publish, before the portal acts": KillPoint(
        "publish", (MADE, Gate("POST", "/api/views/{copy}/publication")), public="either"
    ),
    "publish that lands late": KillPoint(
        "publish",
        (MADE, Gate("POST", "/api/views/{copy}/publication")),
        public="new",
        release="after a look",
    ),
    "publish that lands in the checks of the next try": KillPoint(
        "publish",
        (MADE, Gate("POST", "/api/views/{copy}/publication")),
        release=Gate("GET", "/api/geocoding/{copy}"),
        needs_retry=True,
    ),
    "publish that lands after the end": KillPoint(
        "publish", (MADE, Gate("POST", "/api/views/{copy}/publication")), release="after the end"
    ),
    "publish, before its reply": KillPoint("publish", (MADE, PUBLISHED), public="new"),
    "publish that is queued": KillPoint(
        "publish",
        (MADE, Gate("GET", "/api/views/{copy}/publication")),
        public="new",
        release="after a look",
        faults=(QUEUED,),
    ),
    "wait": KillPoint("wait", (MADE, PUBLISHED, Gate("GET", "/api/views/{copy}")), public="new"),
    "verify": KillPoint("verify", (MADE, PUBLISHED, Gate("GET", "/resource/{dataset}")), public="new"),
    "discard, before the portal acts": KillPoint(
        "discard_working_copy",
        (MADE, Gate("DELETE", "/api/views/{copy}")),
        faults=(BATCH_FAILS,),
        tried_again=False,
    ),
    "discard, before its reply": KillPoint(
        "discard_working_copy",
        (MADE, Gate("DELETE", "/api/views/{copy}", "after_commit")),
        faults=(BATCH_FAILS,),
        tried_again=False,
    ),
}
