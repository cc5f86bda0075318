"""Reading JSON values that a portal may send in several forms, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.client.messages import Reply, UnreadableReply

if TYPE_CHECKING:
    from collections.abc import Mapping


def object_of(reply: Reply, what: str) -> dict[str, Any]:
    """The reply's JSON object.

    :param what: what it should be, for the error, e.g. ``a view``.
    :raises UnreadableReply: if the reply is no JSON object, or an error object under a 2xx status.
    """
    body = reply.json()
    if not isinstance(body, dict):
        raise UnreadableReply(f"expected {what}, got {shape(body)}")
    refuse_error_object(body)
    return body


def nothing(reply: Reply) -> None:
    """Take any 2xx: there is nothing to read, or a sink has it."""


def no_error(reply: Reply) -> None:
    """Take any 2xx, whatever a portal answers with it, that is no error object.

    :raises UnreadableReply: it is one.
    """
    if reply.body.strip().startswith(b"{"):
        object_of(reply, "an object")


def refuse_error_object(body: Mapping[str, Any]) -> None:
    """Raise if ``body`` is an error although the status was 2xx."""
    if body.get("error") is True:
        raise UnreadableReply(f"the reply is an error object: {text(body.get('message')) or 'no message'}")


def shape(value: Any) -> str:
    """What a JSON value is, in words, without its content."""
    if isinstance(value, dict):
        return "an object with the keys " + (", ".join(sorted(map(str, value))[:8]) or "(none)")
    if isinstance(value, list):
        return f"an array of {len(value)}"
    return "null" if value is None else f"a {type(value).__name__}"


def one_line(words: str) -> str:
    """Return a portal's words on one line, without control characters that a terminal would obey."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())


def text(value: Any) -> str | None:
    """A non-empty string, or None."""
    return value if isinstance(value, str) and value else None


def integer(value: Any) -> int | None:
    """An integer that may come as a string, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    return None


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object; anything else becomes an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> tuple[Mapping[str, Any], ...]:
    """The objects of a JSON array; anything else becomes none."""
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def strings(value: Any) -> frozenset[str]:
    """The strings of a JSON array; anything else becomes none."""
    return (
        frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
    )
