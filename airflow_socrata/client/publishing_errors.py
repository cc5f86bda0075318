"""What the Dataset Management API refuses: closed revisions, transforms that do not compile, and details."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.messages import CallKind
from airflow_socrata.client.parsing import integer, mapping, objects, text
from airflow_socrata.client.wire import PUBLISHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client.messages import Call

_CLOSED_KEY = re.compile(r"closed|discarded|already_applied")
_CLOSED = re.compile(
    r"\brevision\b.{0,60}\b(closed|discarded|already (been )?applied)\b|\bclosed revision\b",
    re.IGNORECASE,
)
_COMPILE = re.compile(
    r"compil|pars(e|ing) error|syntax|transform|expression|type[ _-]?mismatch"
    r"|(no such|unknown|undefined) (function|column|type)",
    re.IGNORECASE,
)
_LONGEST_DETAILS = 200


@dataclass(frozen=True, slots=True)
class TransformFault:
    """Which transform was refused and where, as far as the portal tells."""

    column: str | None
    expression: str | None
    position: tuple[int | None, int | None] | None


def is_publishing(call: Call[Any]) -> bool:
    """Tell whether a call goes to the Dataset Management API."""
    return call.path.startswith(PUBLISHING + "/")


def revision_is_closed(status: int, code: str | None, message: str | None) -> bool:
    """Tell whether a refusal says that the revision is closed. The status for it is not documented."""
    if status in {401, 403} or not 400 <= status < 500:
        return False
    return bool(_CLOSED_KEY.search((code or "").lower()) or _CLOSED.search(message or ""))


def transform_fault(
    call: Call[Any], status: int, code: str | None, message: str | None, params: Mapping[str, Any]
) -> TransformFault | None:
    """Read a refusal to compile a transform; None if the refusal is about something else.

    The column is taken from the request where the portal names only the expression.
    """
    if call.kind is not CallKind.SCHEMA or status not in {400, 422}:
        return None
    position = _position(params)
    expression = _text_of(params, "expr", "transform_expr", "expression")
    if position is None and expression is None and not _COMPILE.search(f"{code or ''} {message or ''}"):
        return None
    column = _text_of(params, "field_name", "column", "output_column")
    sent = _sent_columns(call)
    if column is None and expression is not None:
        column = next((name for name, expr in sent.items() if expr == expression), None)
    if column is None and len(sent) == 1:
        column = next(iter(sent))
    if expression is None and column is not None:
        expression = sent.get(column)
    return TransformFault(column, expression, position)


def fault_words(fault: TransformFault) -> str:
    """Say where a transform is wrong."""
    where = [f"column {fault.column!r}"] if fault.column else []
    line, column = fault.position or (None, None)
    if line is not None:
        where.append(f"line {line}")
    if column is not None:
        where.append(f"position {column}")
    words = ", ".join(where)
    return f"{words} of {fault.expression}" if fault.expression and words else words or fault.expression or ""


def detail_words(params: Mapping[str, Any]) -> str:
    """Return ``params.details`` and ``params.href``, where the portal says what exactly is wrong."""
    words = []
    for key in ("details", "href"):
        value = params.get(key)
        if value not in (None, "", [], {}):
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            words.append(shown if key == "details" else f"{key} {shown}")
    return "; ".join(words)[:_LONGEST_DETAILS]


def _position(params: Mapping[str, Any]) -> tuple[int | None, int | None] | None:
    place = mapping(params.get("position")) or params
    line, column = integer(place.get("row", place.get("line"))), integer(place.get("column"))
    return None if line is None and column is None else (line, column)


def _text_of(params: Mapping[str, Any], *keys: str) -> str | None:
    for key in keys:
        value = params.get(key)
        found = text(value) or text(mapping(value).get("field_name"))
        if found:
            return found
    return None


def _sent_columns(call: Call[Any]) -> dict[str, str]:
    """Field name and expression of the columns in a request for an output schema."""
    try:
        body = json.loads(bytes(call.body) if isinstance(call.body, (bytes, memoryview)) else b"")
    except ValueError:
        return {}
    return {
        str(column.get("field_name")): str(mapping(column.get("transform")).get("transform_expr"))
        for column in objects(mapping(body).get("output_columns"))
    }
