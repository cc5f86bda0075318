"""Turn a reply that is no success into one error: the envelopes of all of the vendor's APIs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import errors as common
from airflow_socrata.client.messages import CallKind
from airflow_socrata.client.parsing import integer, mapping, objects, one_line, text
from airflow_socrata.client.replies import error_facts, redirect_words
from airflow_socrata.client.retry import MAY_HAVE_LANDED, Failure, retry_after_seconds
from airflow_socrata.opendatasoft import errors
from airflow_socrata.opendatasoft.models import epoch
from airflow_socrata.opendatasoft.multipart import PLATFORM_LIMIT_MEGABYTES
from airflow_socrata.opendatasoft.push import LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_socrata.client.messages import Call, Reply

_LONGEST_MESSAGE = 300
_LONGEST_READ = 20_000
_LONGEST_FIELD = 80
_MOST_FIELDS = 20
#: In the year 5138: what is larger is no time in seconds.
_LAST_MOMENT = 10**11
_STATUS_CODES = frozenset({"invalid_dataset_status", "InvalidDatasetStatusPreconditionException"})
_STATUS_WORDS = re.compile(r"dataset status is '([^']*)' but must be one of '([^']*)'")
_STATUS_PATH = re.compile(r"/status(/records_errors)?/?$")
_LIST_PATH = re.compile(r"^/api/(automation/v1\.0|management/v2)/datasets/?$")
_MANAGEMENT = re.compile(r"^/api/(automation/v1\.0|management/v2)/")
_SIGN_IN = (
    "check the API key (or user and password) of the connection; a key belongs to one portal, and may have"
    " been revoked"
)
_ABSENT = "check the dataset's uid; a key sees only the datasets that it may edit"
_LARGE = (
    f"send less at a time; the platform takes {PLATFORM_LIMIT_MEGABYTES} MB in one file and"
    f" {LIMIT_BYTES // 10**6} MB in one push"
)
_RIGHTS = {
    CallKind.DATASET: "create_dataset",
    CallKind.FILE: "edit_dataset",
    CallKind.PART: "edit_dataset",
    CallKind.METADATA: "edit_dataset",
    CallKind.RESTORE: "edit_dataset",
    CallKind.DISCARD: "edit_dataset",
}

_Kind = type[common.PortalError]


@dataclass(frozen=True, slots=True)
class Facts:
    """What an error reply says, whichever envelope it comes in."""

    code: str | None = None
    message: str | None = None
    trace_id: str | None = None
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


def error_from_reply(
    call: Call[Any], reply: Reply, *, now: float, redact: Callable[[str], str]
) -> common.PortalError:
    """Build the error of a reply that is no success.

    :param now: this side's clock, for times in a reply without a Date.
    :param redact: takes secrets out of the portal's words.
    """
    facts = facts_of(reply)
    kind, failure, advice, more = _classify(call, reply.status, facts)
    problem = ""
    if 300 <= reply.status < 400:
        problem, advice = redirect_words(reply)
    if reply.status == 404 and call.if_absent:
        advice = call.if_absent
    message = redact(one_line((_words(facts) or "")[:_LONGEST_READ]))[:_LONGEST_MESSAGE]
    if "fields" in more:
        more["fields"] = {redact(key): tuple(map(redact, words)) for key, words in facts.fields.items()}
    return kind(
        problem,
        summary=call.summary,
        status=reply.status,
        code=redact(one_line(facts.code))[:80] if facts.code else None,
        request_id=facts.trace_id or reply.request_id,
        portal_message=message or None,
        retry_after=_retry_after(reply, facts, now),
        landing="unknown" if failure in MAY_HAVE_LANDED and call.kind is not CallKind.READ else "none",
        failure=failure,
        advice=advice,
        **more,
    )


def facts_of(reply: Reply) -> Facts:
    """Read code, message and fields from any envelope, HTML, text or nothing."""
    try:
        body = json.loads(reply.body) if reply.body.strip() else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        plain = error_facts(reply)
        return Facts(plain.code, plain.message)
    number = integer(body.get("errorcode"))  # Explore's quota, without an underscore
    code = text(body.get("error_key")) or text(body.get("error_code"))
    message = text(body.get("message")) or text(body.get("error")) or text(body.get("detail"))
    return Facts(
        code or (str(number) if number is not None else None),
        message,
        text(body.get("trace_id")),
        _fields(body),
        mapping(body.get("raw_params")),
        body,
    )


def _fields(body: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The messages for each field; the Management API lists whole errors in their place."""
    found: dict[str, tuple[str, ...]] = {}
    for key in ("detail", "fields"):
        _collect(mapping(body.get(key)), "", found)
    for number, one in enumerate(objects(body.get("errors")), 1):
        words = text(one.get("message")) or text(one.get("error_key"))
        if words:
            name = text(mapping(one.get("raw_params")).get("field")) or f"error {number}"
            found[name[:_LONGEST_FIELD]] = (*found.get(name[:_LONGEST_FIELD], ()), one_line(words))
    return dict(list(found.items())[:_MOST_FIELDS])


def _collect(tree: Mapping[str, Any], above: str, found: dict[str, tuple[str, ...]], depth: int = 0) -> None:
    """Flatten nested messages: ``metadata.default.title``."""
    for key, value in list(tree.items())[:_MOST_FIELDS]:
        name = f"{above}{key}"[:_LONGEST_FIELD]
        if isinstance(value, dict) and depth < 5:
            _collect(value, f"{name}.", found, depth + 1)
        else:
            listed = value if isinstance(value, list) else [value]
            found[name] = tuple(one_line(str(word))[:_LONGEST_MESSAGE] for word in listed[:5])


def _words(facts: Facts) -> str | None:
    fields = "; ".join(f"{name}: {', '.join(words)}" for name, words in facts.fields.items())
    return ". ".join(part for part in (facts.message, fields) if part) or None


_Class = tuple[_Kind, Failure, str | None, dict[str, Any]]


def _classify(call: Call[Any], status: int, facts: Facts) -> _Class:
    """Return class, column of the retry table, advice in place of the class's own, and attributes."""
    if status >= 500:
        return (*_fault(status), {})
    if status == 429:
        return (*_throttled(facts), {})
    if status == 408:
        advice = "the portal ran out of time: ask for less, or try again later"
        return common.PortalFault, Failure.GATEWAY, advice, {}
    current, allowed = _statuses(facts)
    if facts.code in _STATUS_CODES or current:
        return errors.InvalidDatasetStatus, Failure.REFUSED, None, {"current": current, "allowed": allowed}
    if status in {404, 405, 410} and _LIST_PATH.match(call.path) and call.method == "GET":
        return errors.ApiNotAnswered, Failure.REFUSED, None, {}
    if status in {400, 422} and (facts.fields or facts.code == "validation_error"):
        return errors.ValidationFailed, Failure.REFUSED, None, {"fields": facts.fields}
    return (*_refusal(call, status), {})


def _fault(status: int) -> tuple[_Kind, Failure, str | None]:
    if status == 503:
        return common.PortalBusy, Failure.UNAVAILABLE, None
    if status in {501, 505}:
        return errors.ApiNotAnswered, Failure.REFUSED, "this portal does not offer the call"
    return common.PortalFault, Failure.INTERNAL if status == 500 else Failure.GATEWAY, None


def _throttled(facts: Facts) -> tuple[_Kind, Failure, str | None]:
    if "reset_time" not in facts.body and "call_limit" not in facts.body:
        return common.PortalBusy, Failure.THROTTLED, None
    until = text(facts.body.get("reset_time"))
    advice = f"try again after {one_line(until)[:40]}, when the quota starts anew" if until else None
    return errors.QuotaUsedUp, Failure.THROTTLED, advice


def _refusal(call: Call[Any], status: int) -> tuple[_Kind, Failure, str | None]:
    known: dict[int, tuple[_Kind, str | None]] = {
        401: (common.SignInFailed, _SIGN_IN),
        403: _denied(call),
        404: (common.NotFound, _ABSENT if _MANAGEMENT.match(call.path) else None),
        409: (common.Conflict, None),
        410: (common.NotFound, None),
        412: (common.Conflict, None),
        413: (common.TooLarge, _LARGE),
    }
    other = common.InvalidRequest if status >= 400 else common.RequestRefused
    kind, advice = known.get(status, (other, None))
    return kind, Failure.REFUSED, advice


def _denied(call: Call[Any]) -> tuple[_Kind, str | None]:
    if not _MANAGEMENT.match(call.path):
        return common.PermissionDenied, "check that the key, and its owner, may explore this dataset"
    if call.kind is CallKind.PUBLISH or _STATUS_PATH.search(call.path):
        return errors.PublishRightMissing, None
    right = _RIGHTS.get(call.kind, "edit_dataset")
    if "/security" in call.path:
        right = "manage_dataset"
    return common.PermissionDenied, f"check that the key, and its owner, have the permission {right}"


def _statuses(facts: Facts) -> tuple[str | None, tuple[str, ...]]:
    """The status that a refusal names, and those that it asks for."""
    said = _STATUS_WORDS.search(facts.message or "")
    current = text(facts.params.get("current_status")) or (said.group(1) if said else None)
    allowed = text(facts.params.get("authorized_origin_status")) or (said.group(2) if said else "")
    names = tuple(name.strip()[:40] for name in allowed.split(",") if name.strip())
    return (current[:40] if current else None), names


def _retry_after(reply: Reply, facts: Facts, now: float) -> float | None:
    """Seconds to wait: Retry-After, else the time when a quota starts anew, in any of its forms."""
    reference = reply.date or now
    asked = retry_after_seconds(reply.headers.get("Retry-After"), reference)
    if asked is not None or reply.status != 429:
        return asked
    moments = [_moment(facts.body.get("reset_time"))]
    for scope in ("X-RateLimit-dataset", "X-RateLimit"):
        if reply.headers.get(f"{scope}-Remaining", "0").strip() == "0":
            moments.append(_moment(reply.headers.get(f"{scope}-Reset")))
    waits = [max(0.0, moment - reference) for moment in moments if moment is not None]
    return max(waits, default=None)


def _moment(value: Any) -> float | None:
    """Epoch seconds of an epoch or of an ISO time; the vendor's words say the one, its replies the other."""
    number = integer(value)
    if number is None:
        return epoch(value)
    return float(number) if 0 <= number < _LAST_MOMENT else None
