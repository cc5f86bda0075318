"""Faults on demand: which request they meet, and what they do to it."""

from __future__ import annotations

import itertools
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# kind -> (arguments with their defaults, what it does). The docs print this table.
KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "accepted": (
        {"form": "ticket", "calls": 1, "seconds": None, "retry_after": None},
        "A copy or publish is answered 202 for `calls` calls (or `seconds` of portal time), then"
        " done. `form`: `ticket`, `details`, `status`, `location`. On other calls: done at once, the reply is"
        " the 202.",
    ),
    "publish_queued": (
        {"form": "ticket"},
        "A copy or publish stays queued (202) until `finish_jobs()`.",
    ),
    "publish_fails": (
        {
            "form": "ticket",
            "calls": 1,
            "status": 500,
            "code": "internal_error",
            "message": "Publication failed",
        },
        "A copy or publish is answered 202 for `calls` calls, then with this error; nothing changed.",
    ),
    "approval": ({}, "A publish waits for an approval, until `approve()` or `reject()`."),
    "pending_geocoding": (
        {"view": 5, "total": 5, "step": 0},
        "Geocoding is pending from now on; each look takes `step` off (0: `pending_geocoding(…, view=0)`"
        " ends it).",
    ),
    "feedback": ({}, "409 `soda.dataset.feedback-in-progress`: computed columns are not done."),
    "lost_reply": ({}, "The request is done, then the connection is closed without a reply."),
    "reset_before": ({}, "The connection is reset before anything is done."),
    "reset_request": (
        {"after_bytes": 1000},
        "The connection is reset after so many bytes of the request body; nothing is done.",
    ),
    "reset_reply": (
        {"after_bytes": 10},
        "The request is done; the connection is reset after so many bytes of the reply's body.",
    ),
    "throttled": (
        {"retry_after": None, "after_commit": False},
        "429; `retry_after`: None, seconds, or `date` for an HTTP date 2 s ahead.",
    ),
    "locked": ({"after_commit": False}, "409 `soda.dataset.cannot-acquire-write-lock`."),
    "internal": ({"after_commit": False}, "500 as the web server words it, with `X-Error-Message`."),
    "internal_error": (
        {"after_commit": False},
        "500 `internal-error` with a tag, as the row service words it.",
    ),
    "out_of_sync": ({}, "500 `schema-out-of-sync`: nothing was done, send again."),
    "bad_gateway": ({"after_commit": False}, "502 with a page of HTML."),
    "unavailable": ({"retry_after": None, "after_commit": False}, "503 with an empty body."),
    "gateway_timeout": ({"after_commit": False}, "504 with a page of HTML."),
    "error": (
        {
            "status": 400,
            "code": "invalid_request",
            "message": "Invalid request",
            "family": "core",
            "after_commit": False,
        },
        "Any error; `family`: `core`, `soda`, `dsmapi`, `html`, `empty`.",
    ),
    "empty_json": ({}, "The request is done; the reply is 200 with a JSON content type and no body."),
    "not_json": ({}, "The request is done; the reply is 200 with a JSON content type and a page of HTML."),
    "row_errors": (
        {"rows": 1},
        "So many rows of a batch (the first ones) fail; they are counted in Errors at 200.",
    ),
    "replica_lag": (
        {"seconds": None, "polls": None},
        "After this write reads are stale: for `seconds`, for so many `polls`, or until `replicate()`.",
    ),
    "person_copy": (
        {"user": "person", "method": "copy", "after": False},
        "A person opens a working copy of the dataset just before (or after) this request.",
    ),
    "parse_failure": (
        {"message": "The file could not be parsed", "key": "unparsable_file"},
        "The source whose bytes this request brings (bytes, commit, options) fails to parse.",
    ),
    "transform_failure": (
        {"message": "The transform failed"},
        "The output schema that this request makes has a failed transform (an internal error, not a data"
        " error): on a new output schema, or on the request that brings a source's bytes.",
    ),
    "apply_failure": (
        {"stage": "upserting", "message": "Internal error"},
        "The task set that this apply starts ends in failure; the dataset is as it was, the revision open.",
    ),
    "job_already_failed": (
        {"stage": "upserting", "message": "Internal error"},
        "The task set that this apply starts has failed already in the reply.",
    ),
    "stuck_upserting": ({}, "The task set that this apply starts stays at upserting until `finish_apply()`."),
    "revision_closed": (
        {},
        "Somebody discards the revision that the path names, or whose source it names, just before this"
        " request.",
    ),
    "slow": ({"chunk": 64, "pause": 0.05}, "The reply's body trickles: `chunk` bytes, then `pause` seconds."),
    "hold": (
        {"point": "before", "hold_id": ""},
        "The request blocks at `before`, `before_commit` (row writes: lock held, nothing kept yet) or"
        " `after_commit` until `release(hold_id)`.",
    ),
}


_APPLY = re.compile(r"^PUT .*/revision/[^/]+/\d+/apply$")
_BYTES = r"/source/\d+(?:/chunk/\d+/\d+/commit)?$"
# Faults that make sense on some calls only: others are neither hit nor counted.
_CONCERNED = {
    "apply_failure": _APPLY,
    "job_already_failed": _APPLY,
    "stuck_upserting": _APPLY,
    "parse_failure": re.compile(rf"^POST .*(?:{_BYTES}|/source/\d+/options$)"),
    "transform_failure": re.compile(rf"^POST .*(?:{_BYTES}|/source/\d+/schema/\d+$)"),
    "revision_closed": re.compile(r"/(?:revision/[^/]+|source)/\d+"),
}


@dataclass(slots=True)
class Fault:
    """One rule: requests that match, and what happens to some of them."""

    id: str
    kind: str
    method: str | None
    path: re.Pattern[str]
    times: int | None
    skip: int
    every: int
    args: dict[str, Any]
    seen: int = 0
    used: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as plain data."""
        return {
            "id": self.id,
            "kind": self.kind,
            "method": self.method,
            "path": self.path.pattern,
            "times": self.times,
            "skip": self.skip,
            "every": self.every,
            "args": self.args,
            "seen": self.seen,
            "used": self.used,
        }


@dataclass(slots=True)
class Faults:
    """The rules in force.

    :param kinds: what may be asked for: kind -> (arguments with their defaults, what it does).
    :param concerned: kinds that make sense on some calls only: others are neither hit nor counted.
    """

    kinds: Mapping[str, tuple[dict[str, Any], str]] = field(default_factory=lambda: KINDS)
    concerned: Mapping[str, re.Pattern[str]] = field(default_factory=lambda: _CONCERNED)
    _rules: list[Fault] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self,
        kind: str,
        method: str | None = None,
        path: str = "",
        times: int | None = 1,
        skip: int = 0,
        every: int = 1,
        **args: Any,
    ) -> Fault:
        """Add a rule.

        :param method: HTTP method, or None for all.
        :param path: regular expression, searched for in the request's path.
        :param times: how many requests it hits, None for no end.
        :param skip: how many matching requests go through first.
        :param every: of the matching requests after those, only each so-manieth is hit.
        :raises ValueError: the kind or an argument is unknown.
        """
        if kind not in self.kinds:
            raise ValueError(f"no fault kind {kind!r}; the kinds are {', '.join(self.kinds)}")
        unknown = set(args) - set(self.kinds[kind][0])
        if unknown:
            raise ValueError(f"fault {kind} takes {sorted(self.kinds[kind][0])}, not {sorted(unknown)}")
        try:
            pattern = re.compile(path)
        except re.error as error:
            raise ValueError(f"fault path {path!r} is no regular expression: {error}") from None
        if every < 1:
            raise ValueError(f"fault every={every}: 1 or more")
        identity = f"fault-{next(self._numbers)}"
        filled = self.kinds[kind][0] | args
        if kind == "hold":
            filled["hold_id"] = filled["hold_id"] or identity
        fault = Fault(identity, kind, method.upper() if method else None, pattern, times, skip, every, filled)
        with self._lock:
            self._rules.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[Fault]:
        """Return the rules in force."""
        return list(self._rules)

    def hits(self, method: str, path: str) -> list[Fault]:
        """Return the rules that hit this request, and count it for each that matches."""
        hit = []
        with self._lock:
            for fault in self._rules:
                if fault.method not in {None, method} or not fault.path.search(path):
                    continue
                concerned = self.concerned.get(fault.kind)
                if concerned is not None and not concerned.search(f"{method} {path}"):
                    continue
                fault.seen += 1
                if fault.seen <= fault.skip or (fault.seen - fault.skip - 1) % fault.every:
                    continue
                if fault.times is not None and fault.used >= fault.times:
                    continue
                fault.used += 1
                hit.append(fault)
        return hit


class Holds:
    """Requests that wait for a test to let them go."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._held: dict[str, int] = {}
        self._released: set[str] = set()
        self._open = True

    def hold(self, hold_id: str) -> None:
        """Block until the hold is released."""
        with self._condition:
            self._held[hold_id] = self._held.get(hold_id, 0) + 1
            self._condition.notify_all()
            self._condition.wait_for(lambda: hold_id in self._released or not self._open)
            self._held[hold_id] -= 1

    def release(self, hold_id: str) -> None:
        """Let the requests of a hold go, those that come later too."""
        with self._condition:
            self._released.add(hold_id)
            self._condition.notify_all()

    def release_all(self) -> None:
        """Let everything go, now and from now on."""
        with self._condition:
            self._open = False
            self._condition.notify_all()

    def reset(self) -> None:
        """Let go of what waits, and hold anew what comes."""
        with self._condition:
            self._released |= set(self._held)
            self._condition.notify_all()
            self._condition.wait_for(lambda: not any(self._held.values()), timeout=5)
            self._held.clear()
            self._released.clear()

    def wait_held(self, hold_id: str, timeout: float) -> bool:
        """Wait until a request is held there; False when none came within ``timeout`` seconds."""
        with self._condition:
            return self._condition.wait_for(lambda: self._held.get(hold_id, 0) > 0, timeout=timeout)
