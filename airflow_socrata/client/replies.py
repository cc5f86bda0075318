"""Turn a reply that is no success into one error: every family of error bodies is understood here."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import errors, publishing_errors
from airflow_socrata.client.messages import CallKind, Reply
from airflow_socrata.client.parsing import mapping, one_line, text
from airflow_socrata.client.retry import MAY_HAVE_LANDED, Failure, retry_after_seconds
from airflow_socrata.client.wire import shown_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_socrata.client.messages import Call

_LONGEST_MESSAGE = 300
_LONGEST_READ = 20_000
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_APP_TOKEN = re.compile(r"app[_ ]?token", re.IGNORECASE)
_SYNCED = re.compile(r"\bsynced dataset\b", re.IGNORECASE)
_COPY_METHOD_UNKNOWN = re.compile(
    r"(unknown|unsupported|unrecognized|invalid|illegal|no such) method"
    r"|(method|copy|copying)\b.{0,60}\b(not|no longer) (be )?"
    r"(supported|allowed|available|offered|implemented|recognized)"
    r"|\bmethod[-_. ]not[-_. ](supported|allowed)",
    re.IGNORECASE,
)
#: 409 codes of the row server and of its store after which the same call may simply be sent again.
_LOCK_CODES = frozenset({
    "soda.dataset.cannot-acquire-write-lock",
    "soda.dataset.feedback-in-progress",
    "soda.collocate-lock-timeout",
    "update.dataset.temporarily-not-writable",
    "update.dataset.feedback-in-progress",
})
#: 404 codes that speak of a dataset, not of an address.
_DATASET_MISSING = re.compile(r"^(soda\.)?(update\.|query\.)?(dataset|view|lens)\.")


@dataclass(frozen=True, slots=True)
class ErrorFacts:
    """What an error reply says, whichever family it belongs to."""

    status: int
    code: str | None = None
    message: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)


def error_facts(reply: Reply) -> ErrorFacts:
    """Read code, message and data from Core, row server, Jetty, publishing API, HTML, text or nothing."""
    headers = reply.headers
    code, message = headers.get("X-Error-Code"), headers.get("X-Error-Message")
    raw = reply.body.decode("utf-8", "replace").lstrip("\ufeff").strip()
    try:
        body = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        return ErrorFacts(reply.status, code or None, message or _words(raw))
    if not isinstance(body, dict):
        return ErrorFacts(reply.status, code or None, message or (body if isinstance(body, str) else None))
    for key in ("code", "errorCode", "key", "error"):  # "error": a code of OAuth, else true
        code = text(body.get(key)) or code
        if text(body.get(key)):
            break
    words = (text(body.get(key)) for key in ("message", "description", "error_description"))
    message = next((found for found in words if found), message)
    data, params = mapping(body.get("data")), mapping(body.get("params"))
    return ErrorFacts(reply.status, code or None, message or None, data, params)


def _words(raw: str) -> str | None:
    """Return the words of an HTML page or the start of a plain text."""
    if "<" not in raw:
        return raw or None
    for pattern in (_TITLE, _HEADING):
        found = pattern.search(raw[:_LONGEST_READ])
        words = html.unescape(_TAG.sub(" ", found.group(1))).strip() if found else ""
        if words:
            return f"an HTML page, {words!r}"
    return "an HTML page"


def error_from_reply(
    call: Call[Any], reply: Reply, *, now: float, redact: Callable[[str], str]
) -> errors.PortalError:
    """Build the error of a reply whose status is no success.

    :param now: this side's clock, for a Retry-After date in a reply without a Date.
    :param redact: takes secrets out of the portal's words.
    """
    facts = error_facts(reply)
    kind, failure, advice = _classify(call, facts)
    problem = ""
    more: dict[str, Any] = {}
    if 300 <= facts.status < 400:
        problem, advice = redirect_words(reply)
    if facts.status == 404 and call.if_absent:
        advice = call.if_absent
    if publishing_errors.is_publishing(call):
        found, words, more = _publishing(call, facts)
        kind, advice = found or kind, None if found else advice
        facts = replace(facts, message=". ".join(word for word in (facts.message, words) if word))
    message = one_line((facts.message or "")[:_LONGEST_READ])
    return kind(
        problem,
        summary=call.summary,
        status=facts.status,
        code=redact(one_line(facts.code))[:80] if facts.code else None,
        request_id=reply.request_id,
        portal_message=redact(message)[:_LONGEST_MESSAGE] or None,
        retry_after=retry_after_seconds(
            reply.headers.get("Retry-After") or reply.headers.get("X-SODA2-Retry-After"), reply.date or now
        ),
        landing="unknown" if failure in MAY_HAVE_LANDED and call.kind is not CallKind.READ else "none",
        failure=failure,
        advice=advice,
        **{key: redact(value) if isinstance(value, str) else value for key, value in more.items()},
    )


_Kind = type[errors.PortalError]
_REVISION_CONFLICT = "look at the revision on the portal: it may be closed, or being applied"
_NO_SCHEMA_COPY = "this portal makes no working copies: publish through the revision API instead"


def _publishing(call: Call[Any], facts: ErrorFacts) -> tuple[_Kind | None, str, dict[str, Any]]:
    """Return what the Dataset Management API adds: class, words behind the message, attributes."""
    status, code, message, params = facts.status, facts.code, facts.message, facts.params
    words = publishing_errors.detail_words(params)
    fault = publishing_errors.transform_fault(call, status, code, message, params)
    if fault is not None:
        where = publishing_errors.fault_words(fault)
        attributes = {"column": fault.column, "expression": fault.expression, "position": fault.position}
        return errors.TransformRefused, "; ".join(word for word in (where, words) if word), attributes
    if publishing_errors.revision_is_closed(status, code, message):
        return errors.RevisionClosed, words, {}
    return None, words, {}


def _classify(call: Call[Any], facts: ErrorFacts) -> tuple[_Kind, Failure, str | None]:
    """Return class, column of the retry table, and advice where the class's own does not fit."""
    status = facts.status
    if call.kind is CallKind.COPY and _copy_not_offered(facts):
        advice = _NO_SCHEMA_COPY if ("method", "copySchema") in call.params else None
        return errors.CopyNotOffered, Failure.REFUSED, advice
    if status >= 500:
        return _classify_fault(facts)
    if status == 429:
        return errors.PortalBusy, Failure.THROTTLED, None
    if status == 408:
        return (
            errors.PortalFault,
            Failure.GATEWAY,
            "the portal ran out of time: ask for less, or try again later",
        )
    if status == 409 and facts.code in _LOCK_CODES:
        return errors.DatasetLocked, Failure.LOCKED, None
    kind, advice = _classify_refusal(facts)
    if kind is errors.Conflict and publishing_errors.is_publishing(call):
        advice = _REVISION_CONFLICT
    return kind, Failure.REFUSED, advice


def _classify_fault(facts: ErrorFacts) -> tuple[_Kind, Failure, str | None]:
    if facts.status == 503 or facts.data.get("code") == "update.read-only-mode":
        return errors.PortalBusy, Failure.UNAVAILABLE, None
    if facts.status in {501, 505}:
        return errors.InvalidRequest, Failure.REFUSED, "this portal does not offer the call"
    if facts.status != 500:
        return errors.PortalFault, Failure.GATEWAY, None
    if facts.code == "schema-out-of-sync":
        return errors.PortalFault, Failure.SCHEMA_OUT_OF_SYNC, None
    return errors.PortalFault, Failure.INTERNAL, None


def _classify_refusal(facts: ErrorFacts) -> tuple[_Kind, str | None]:
    status, message, code = facts.status, facts.message or "", (facts.code or "").lower()
    if status == 401 or code.startswith("api_key.invalid"):
        return errors.SignInFailed, None
    if status == 403:
        if _APP_TOKEN.search(message):
            return errors.UnknownAppToken, None
        if _SYNCED.search(message):
            return errors.SyncedDataset, None
        if code == "authentication_required" or "must be logged in" in message.lower():
            return errors.NobodySignedIn, None
        return errors.PermissionDenied, None
    by_status: dict[int, _Kind] = {
        404: errors.NotFound,
        410: errors.NotFound,
        409: errors.Conflict,
        412: errors.Conflict,
        413: errors.TooLarge,
    }
    kind = by_status.get(status, errors.InvalidRequest if status >= 400 else errors.RequestRefused)
    return kind, None


def _copy_not_offered(facts: ErrorFacts) -> bool:
    """Tell whether the portal lacks the call: an address or a method it does not know, not a dataset."""
    if facts.status in {405, 501}:
        return True
    if facts.status == 404:
        names_dataset = "id" in facts.data or "dataset" in facts.data or "view" in facts.data
        return not names_dataset and not _DATASET_MISSING.match(facts.code or "")
    if facts.status == 400:
        return bool(_COPY_METHOD_UNKNOWN.search(f"{facts.code or ''} {facts.message or ''}"))
    return False


def redirect_words(reply: Reply) -> tuple[str, str]:
    """Return what is wrong with a redirect that is not followed, and what to do."""
    location = reply.headers.get("Location")
    if not location:
        return "a redirect without a target", "check the domain of the connection"
    origin = shown_origin(location, reply.url)
    return (
        f"the portal redirects to {origin}, and credentials are never sent to another host or address",
        "set the domain of the connection to the host that answers",
    )
