"""Faults on demand: the kinds for this portal. Outcomes of processing are scripts, see ``engine``."""

from __future__ import annotations

import re
from typing import Any

# kind -> (arguments with their defaults, what it does). The docs print this table.
KINDS: dict[str, tuple[dict[str, Any], str]] = {
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
    "internal": ({"after_commit": False}, "500 in the API's envelope."),
    "bad_gateway": ({"after_commit": False}, "502 with a page of HTML."),
    "unavailable": ({"after_commit": False, "retry_after": None}, "503 with an empty body."),
    "gateway_timeout": ({"after_commit": False}, "504 with a page of HTML."),
    "throttled": (
        {"after_commit": False, "errorcode": 10002, "reset_seconds": 2, "retry_after": None},
        "429 with the quota body (`errorcode`, `reset_time` so many seconds ahead).",
    ),
    "empty_404": ({"after_commit": False}, "404 without a body."),
    "error": (
        {"after_commit": False, "status": 400, "code": "bad_request", "message": "Bad request"},
        "Any error in the API's envelope.",
    ),
    "empty_json": ({}, "The request is done; the reply is 200 with a JSON content type and no body."),
    "not_json": ({}, "The request is done; the reply is 200 with a JSON content type and a page of HTML."),
    "slow": ({"chunk": 64, "pause": 0.05}, "The reply's body trickles: `chunk` bytes, then `pause` seconds."),
    "hold": (
        {"point": "before", "hold_id": ""},
        "The request blocks within its `body`, `before` it is done, or `after_commit`, until"
        " `release(hold_id)`.",
    ),
    "person_publishes": (
        {"user": "person"},
        "A person publishes the dataset that the path names, just before this request, if its status allows.",
    ),
    "person_edits": (
        {"user": "person", "value": "A person's title"},
        "A person changes the title of the dataset that the path names, just before this request.",
    ),
}
_ON_DATASET = re.compile(r"/datasets/da_[a-z0-9]+")
# Faults that make sense on some calls only: others are neither hit nor counted.
CONCERNED = {"person_publishes": _ON_DATASET, "person_edits": _ON_DATASET}
