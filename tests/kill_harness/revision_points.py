"""The points of the flow through a revision at which processes are killed."""

from __future__ import annotations

from dataclasses import replace

from kill_harness.flow import Gate
from kill_harness.points import KillPoint

_REVISION = "/revision/{dataset}/{revision}"
_CHUNK = r"/source/{upload}/chunk/\d+/\d+$"
_COMMIT = r"/source/{upload}/chunk/\d+/\d+/commit$"

CREATE = Gate("POST", "/revision/{dataset}$")
CREATED = Gate("POST", "/revision/{dataset}$", "after_commit")
SOURCE = Gate("POST", _REVISION + "/source$", "after_commit")
#: The file has five chunks, four of which are under way at a time.
CHUNK = Gate("POST", _CHUNK, skip=2)
COMMITTED = Gate("POST", _COMMIT, "after_commit")
SHAPED = Gate("POST", r"/source/{upload}/schema/\d+$", "after_commit")
APPLY = Gate("PUT", _REVISION + "/apply$")
APPLIED = Gate("PUT", _REVISION + "/apply$", "after_commit")
LOOK = Gate("GET", _REVISION + "$")
DISCARD = Gate("DELETE", _REVISION + "$")

#: On the way to the upload, and to apply: from gate to gate, so that the numbers in the paths are known.
UPLOAD = (CREATED, SOURCE)
READY = (*UPLOAD, SHAPED)

APPLY_REFUSED = {"kind": "error", "method": "PUT", "path": "/revision/{dataset}/.*/apply$"}
APPLY_FAILS = {"kind": "apply_failure", "method": "PUT", "path": "/revision/{dataset}/.*/apply$"}
STUCK = {"kind": "stuck_upserting", "method": "PUT", "path": "/revision/{dataset}/.*/apply$"}

REVISION_POINTS: dict[str, KillPoint] = {
    "the look before the revision": KillPoint("create_revision", (Gate("GET", "/revision/{dataset}$"),)),
    "create call, before the portal acts": KillPoint("create_revision", (CREATE,)),
    "create call that lands late": KillPoint("create_revision", (CREATE,), release="after a look"),
    "create call, before its reply": KillPoint("create_revision", (CREATED,)),
    "revision on record": KillPoint("load", (CREATED, LOOK)),
    "source made, before its reply": KillPoint("load", UPLOAD),
    "chunk, before the portal acts": KillPoint("load", (*UPLOAD, CHUNK)),
    "chunk, before its reply": KillPoint("load", (*UPLOAD, Gate("POST", _CHUNK, "after_commit", skip=2))),
    "chunk that lands late": KillPoint("load", (*UPLOAD, CHUNK), release="after a look"),
    "chunks committed, before the portal acts": KillPoint("load", (*UPLOAD, Gate("POST", _COMMIT))),
    "chunks committed, before the reply": KillPoint("load", (*UPLOAD, COMMITTED)),
    "while the portal parses": KillPoint("load", (*UPLOAD, COMMITTED, Gate("GET", "/source/{upload}$"))),
    "transforms changed, before the reply": KillPoint("load", READY),
    "while the portal transforms": KillPoint(
        "load", (*READY, Gate("GET", r"/source/{upload}/schema/\d+/output/\d+$")), deferrable=False
    ),
    "the look before apply": KillPoint("apply", (*READY, LOOK)),
    "apply, before the portal acts": KillPoint("apply", (*READY, APPLY), public="either"),
    "apply that lands late": KillPoint("apply", (*READY, APPLY), public="new", release="after a look"),
    "apply that lands in the checks of the next try": KillPoint(
        "apply", (*READY, APPLY), release=Gate("GET", r"/api/views/{dataset}\.json"), needs_retry=True
    ),
    "apply that lands after the end": KillPoint("apply", (*READY, APPLY), release="after the end"),
    "apply, before its reply": KillPoint("apply", (*READY, APPLIED), public="new"),
    "while the portal applies": KillPoint("apply", (*READY, APPLIED, LOOK), public="new"),
    "applied, when the triggerer has seen it": KillPoint(
        "apply", (*READY, APPLIED, replace(LOOK, skip=2)), public="new", deferrable=True
    ),
    "apply that failed is sent again, before its reply": KillPoint(
        "apply", (*READY, APPLIED, APPLIED), faults=(APPLY_FAILS,), needs_retry=True
    ),
    "while the portal is stuck applying": KillPoint(
        "apply", (*READY, APPLIED, LOOK), public="new", release="after a look", faults=(STUCK,)
    ),
    "verify of a revision": KillPoint(
        "verify", (*READY, APPLIED, Gate("GET", "/resource/{dataset}")), public="new"
    ),
    "discard of a revision, before the portal acts": KillPoint(
        "discard_revision", (*UPLOAD, DISCARD), faults=(APPLY_REFUSED,), tried_again=False
    ),
    "discard of a revision, before its reply": KillPoint(
        "discard_revision",
        (*UPLOAD, Gate("DELETE", _REVISION + "$", "after_commit")),
        faults=(APPLY_REFUSED,),
        tried_again=False,
    ),
}
