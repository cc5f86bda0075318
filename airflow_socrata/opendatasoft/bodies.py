"""JSON of both management APIs: request bodies, pages, and what an item must have."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.messages import Reply, UnreadableReply
from airflow_socrata.client.parsing import integer, shape, text
from airflow_socrata.opendatasoft.models import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_UID = re.compile(r"da_[A-Za-z0-9]+")


def json_body(value: Any) -> bytes:
    """Build a request body.

    :raises ConfigurationError: if it cannot be JSON.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"a value cannot be sent as JSON: {error}") from None


def check_uid(uid: str) -> str:
    """Return ``uid`` if it is a dataset's uid.

    :raises ConfigurationError: if it is none.
    """
    if not (isinstance(uid, str) and _UID.fullmatch(uid)):
        raise ConfigurationError(
            f"{str(uid)[:80]!r} is not a dataset uid such as da_k3v9qz; find the uid by the dataset id first"
        )
    return uid


def is_uid(value: object) -> bool:
    """Tell whether ``value`` looks like a dataset's uid."""
    return isinstance(value, str) and _UID.fullmatch(value) is not None


def piece(value: str) -> str:
    """One piece of a path.

    :raises ConfigurationError: if it would be no piece of its own.
    """
    if not isinstance(value, str) or value in {"", ".", ".."}:
        raise ConfigurationError(f"{value!r} cannot stand in an address")
    return quote(value, safe="")


def object_of(reply: Reply, what: str) -> Mapping[str, Any]:
    """The reply's JSON object.

    :raises UnreadableReply: if it is none, or an error under a 2xx status.
    """
    body = reply.json()
    if not isinstance(body, dict):
        raise UnreadableReply(f"expected {what}, got {shape(body)}")
    _refuse_error(body)
    return body


def items_of(reply: Reply, key: str, what: str) -> tuple[tuple[Mapping[str, Any], ...], int | None]:
    """The objects of a list and the total, whether it comes in an envelope or bare.

    :param key: where they stand in the envelope.
    :raises UnreadableReply: if it is no list.
    """
    body = reply.json()
    total: int | None = None
    if isinstance(body, dict):
        _refuse_error(body)
        total = integer(body.get("total_count", body.get("nhits")))
        body = body.get(key)
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise UnreadableReply(f"expected a list of {what}, got {shape(body)}")
    return tuple(body), len(body) if total is None else total


def page_of(reply: Reply, key: str, what: str, read: Callable[[Mapping[str, Any]], T]) -> Page[T]:
    """Read a list; see :func:`items_of`."""
    items, total = items_of(reply, key, what)
    return Page(tuple(read(item) for item in items), total)


def needed(body: Mapping[str, Any], key: str, what: str) -> str:
    """A string that ``body`` must have.

    :raises UnreadableReply: if it lacks it.
    """
    value = text(body.get(key))
    if value is None:
        raise UnreadableReply(f"{what} lacks {key}: {shape(dict(body))}")
    return value


def nothing(reply: Reply) -> None:
    """Any 2xx will do."""


def _refuse_error(body: Mapping[str, Any]) -> None:
    """Raise if ``body`` is an error although the status was 2xx."""
    if text(body.get("error_key")) or (text(body.get("error_code")) and "message" in body):
        raise UnreadableReply(f"the reply is an error: {text(body.get('message')) or 'no message'}")
