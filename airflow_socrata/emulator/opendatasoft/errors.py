"""Refusals, and the envelopes that the APIs put them into."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

AUTOMATION = "/api/automation/v1.0"
MANAGEMENT = "/api/management/v2"
EXPLORE = "/api/explore/v2.1"
PUSH = "/api/push/1.0"


@dataclass(slots=True)
class Reply:
    """A reply before the edge puts its own headers on."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Reply:
        """Return a JSON reply."""
        return cls(status, json.dumps(value, ensure_ascii=False).encode())

    @classmethod
    def empty(cls, status: int = 204) -> Reply:
        """Return a reply without a body."""
        return cls(status, b"", "")


class Refused(Exception):
    """Raised anywhere in the emulator; the edge puts it into the envelope of the API that was called.

    :param code: the Automation API's ``error_code``.
    :param key: the Management API's ``error_key``.
    :param params: fill ``message``, which then is the raw one.
    :param detail: messages by field.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        key: str | None = None,
        params: dict[str, Any] | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        self.status, self.code, self.raw_message = status, code, message
        self.params = params or {}
        self.message = message.format(**self.params) if self.params else message
        self.key = key or "ODSException"
        self.detail = detail
        super().__init__(f"{status} {self.message}")


def not_found(message: str = "Not found.") -> Refused:
    """Return the 404."""
    return Refused(404, "not_found", message, key="NotFoundException")


def invalid(detail: dict[str, list[str]], message: str = "Invalid input.") -> Refused:
    """Return the 400 of a body with wrong fields."""
    return Refused(
        400, "validation_error", message, key="InvalidManagementAPIRequestException", detail=detail
    )


def bad_request(message: str) -> Refused:
    """Return the 400 of a body that makes no sense."""
    return Refused(400, "bad_request", f"Bad request: {message}")


def wrong_status(current: str, allowed: tuple[str, ...]) -> Refused:
    """Return the 400 of an action that the dataset's status does not allow."""
    return Refused(
        400,
        "invalid_dataset_status",
        "Invalid precondition, dataset status is '{current_status}' but must be one of"
        " '{authorized_origin_status}'",
        key="InvalidDatasetStatusPreconditionException",
        params={"current_status": current, "authorized_origin_status": ", ".join(allowed)},
    )


def reply_of(error: Refused, path: str) -> Reply:
    """Return the refusal in the envelope of the API that the path belongs to."""
    if path.startswith(MANAGEMENT):
        return Reply.of(_management(error), error.status)
    if path.startswith(EXPLORE):
        return Reply.of({"message": error.message, "error_code": error.code}, error.status)
    body: dict[str, Any] = {"error_code": error.code, "message": error.message}
    if error.detail is not None:
        body["detail"] = error.detail
    if error.status >= 500:
        body["trace_id"] = str(uuid.uuid4())
    return Reply.of(body, error.status)


def _management(error: Refused) -> dict[str, Any]:
    body = {
        "status_code": error.status,
        "error_key": error.key,
        "message": error.message,
        "raw_message": error.raw_message,
        "raw_params": error.params,
    }
    if error.detail:
        body |= {
            "error_key": "InvalidManagementAPIRequestException",
            "message": "Invalid management API request",
            "raw_message": "Invalid management API request",
            "errors": [_one(name, words) for name, texts in error.detail.items() for words in texts],
        }
    return body


def _one(name: str, words: str) -> dict[str, Any]:
    return {
        "status_code": 400,
        "error_key": "ODSException",
        "message": words,
        "raw_message": words,
        "raw_params": {"field": name},
    }
