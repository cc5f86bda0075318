"""Replies that are errors, in the two shapes of a portal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """A status with a ready body."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


class PortalError(Exception):
    """Raised anywhere in the emulator; the edge turns it into the reply it carries."""

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(f"{reply.status} {reply.body[:200]!r}")
        self.reply = reply


def core_error(
    status: int, code: str | None, message: str, data: dict[str, Any] | None = None, **headers: str
) -> PortalError:
    """Return an error as the view services write it: ``{code, error, message, data}``."""
    body: dict[str, Any] = {} if code is None else {"code": code}
    body |= {"error": True, "message": message}
    if data is not None:
        body["data"] = data
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if code is not None:
        named |= {"X-Error-Code": code, "X-Error-Message": message.encode("ascii", "replace").decode()}
    return PortalError(ErrorReply(status, json.dumps(body).encode(), headers=named))


def soda_error(
    status: int, code: str, message: str, data: dict[str, Any] | None = None, **headers: str
) -> PortalError:
    """Return an error as the row services write it: ``{message, errorCode, data}``."""
    body = {"message": message, "errorCode": code, "data": data or {}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return PortalError(ErrorReply(status, json.dumps(body).encode(), headers=named))


def view_missing(view_id: str) -> PortalError:
    """Return the 404 of ``/api/views``."""
    return core_error(404, "not_found", "Not found", {"id": view_id})


def dataset_missing(view_id: str) -> PortalError:
    """Return the 404 of ``/resource``."""
    return core_error(404, "dataset.missing", "Not found", {"id": view_id})


def login_needed() -> PortalError:
    """Return the 403 for a call without credentials that needs some."""
    return core_error(403, None, "You must be logged in to access this resource")


def permission_denied(message: str = "You do not have permission to perform this action") -> PortalError:
    """Return the 403 for a caller without the right."""
    return core_error(403, "permission_denied", message)


def locked(view_id: str) -> PortalError:
    """Return the 409 of a dataset that somebody else is writing."""
    return soda_error(
        409,
        "soda.dataset.cannot-acquire-write-lock",
        f"Cannot acquire the write lock of dataset {view_id}",
        {"dataset": view_id},
    )


def invalid_request(message: str) -> PortalError:
    """Return the 400 of the view services."""
    return core_error(400, "invalid_request", message)
