"""Errors of the publishing service: ``{message, key, params}``."""

from __future__ import annotations

import json
from typing import Any

from airflow_socrata.emulator.errors import ErrorReply, PortalError


def refused(status: int, key: str, message: str, **params: Any) -> PortalError:
    """Return an error as the publishing service writes it."""
    body = {"message": message, "key": key, "params": params}
    return PortalError(ErrorReply(status, json.dumps(body, ensure_ascii=False).encode()))


def missing(what: str, wanted: Any) -> PortalError:
    """Return the 404 of something that is not there."""
    return refused(404, "not_found", f"{what} {wanted} was not found", id=wanted)


def invalid(message: str, key: str = "validation_failed", **params: Any) -> PortalError:
    """Return the 422 of a body that is JSON but does not do."""
    return refused(422, key, message, **params)


def malformed(message: str) -> PortalError:
    """Return the 400 of a body that cannot be read."""
    return refused(400, "bad_request", message)


def translated(error: PortalError) -> PortalError:
    """Return an error of the view services in this service's form; its own as they are."""
    reply = error.reply
    try:
        body = json.loads(reply.body)
    except ValueError:
        return error
    if not isinstance(body, dict) or "key" in body:
        return error
    key = str(body.get("code") or body.get("errorCode") or "forbidden")
    params = body.get("data") or {}
    made = {"message": str(body.get("message", "")), "key": key, "params": params}
    return PortalError(ErrorReply(reply.status, json.dumps(made).encode(), headers=reply.headers))
