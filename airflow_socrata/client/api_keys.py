"""API keys of the signed-in user: list, make, read, delete. A key's secret is told once, when it is made."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError, Conflict, NotFound, PortalError
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, UnreadableReply
from airflow_socrata.client.parsing import mapping, object_of, shape, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_socrata.client.messages import Reply
    from airflow_socrata.client.session import PortalSession

_PATH = "/api/api_keys"
_PAGE = 100
_KEY_ID = re.compile(r"[A-Za-z0-9_.~-]+")
_DELETED = "API_KEY.TOKEN_DELETED"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, without its secret. Times are ISO 8601, as the portal writes them; None: never.

    :param last_used_at: noted once a day at most.
    """

    id: str
    name: str
    created_at: str | None = None
    last_used_at: str | None = None
    deleted_at: str | None = None
    owner: str | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> ApiKey:
        """Read a key.

        :raises UnreadableReply: if it has no id.
        """
        key_id = text(body.get("keyId"))
        if key_id is None:
            raise UnreadableReply("an API key without keyId")
        owner = mapping(body.get("owner"))
        return cls(
            key_id,
            text(body.get("keyName")) or "",
            _moment(body, "createdAt"),
            _moment(body, "lastUsedAt"),
            _moment(body, "deletedAt"),
            text(owner.get("email")) or text(owner.get("id")),
        )


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made, with its secret: nobody can read it again."""

    key: ApiKey
    secret: str = field(repr=False)


def keys_page(
    *, after: str | None = None, name: str | None = None, include_deleted: bool = False
) -> Call[tuple[ApiKey, ...]]:
    """Read the keys of the signed-in user, up to 100.

    :param after: id of the last key of the page before.
    :param name: part of the names, or a whole key id.
    """
    params = [("limit", str(_PAGE)), ("sortBy", "created_at"), ("sortOrder", "asc")]
    if after is not None:
        params.append(("seek", _checked(after)))
    if name is not None:
        params.append(("nameSearch", name))
    if include_deleted:
        params.append(("includeDeleted", "true"))
    return Call(CallKind.READ, "GET", _PATH, _parse_page, "list the API keys", params=tuple(params))


def read_key(key_id: str) -> Call[ApiKey]:
    """Read one key of the signed-in user."""
    return Call(CallKind.READ, "GET", f"{_PATH}/{_checked(key_id)}", _parse_key, f"read API key {key_id}")


def create_key(name: str) -> Call[NewApiKey]:
    """Make a key. After a lost reply its secret is lost too: :func:`make_key` deals with that."""
    return Call(
        CallKind.KEY,
        "POST",
        _PATH,
        _parse_new,
        f"make the API key {name!r}",
        headers=JSON_TYPE,
        body=json.dumps({"keyName": check_key_name(name)}).encode(),
    )


def delete_key(key_id: str) -> Call[ApiKey]:
    """Delete a key: it signs nobody in from then on. :func:`remove_key` proves it."""
    path = f"{_PATH}/{_checked(key_id)}"
    return Call(CallKind.KEY, "DELETE", path, _parse_key, f"delete API key {key_id}")


def all_keys(
    session: PortalSession, *, name: str | None = None, include_deleted: bool = False
) -> Iterator[ApiKey]:
    """Yield the keys of the signed-in user, page by page."""
    seen: set[str] = set()
    after: str | None = None
    while True:
        page = session.send(keys_page(after=after, name=name, include_deleted=include_deleted))
        fresh = [key for key in page if key.id not in seen]
        yield from fresh
        # A portal that does not know how to seek would send the first page for ever.
        if len(page) < _PAGE or not fresh:
            return
        seen |= {key.id for key in fresh}
        after = page[-1].id


def make_key(session: PortalSession, name: str) -> NewApiKey:
    """Make a key of a name that no key has yet.

    A key whose secret was lost with the reply is deleted, and another one made.

    :raises Conflict: there is a key of this name.
    :raises RequestRefused: the portal makes none: the name is too long, there are too many, no right to.
    """
    check_key_name(name)
    if _named(session, name):
        raise Conflict(
            "there is an API key of this name",
            summary=f"make the API key {name!r}",
            advice="choose another name, or delete that key first",
        )
    uncertain = False

    def attempt() -> NewApiKey:
        nonlocal uncertain
        if uncertain:
            for key in _named(session, name):
                remove_key(session, key.id)
        try:
            return session.send(create_key(name))
        except PortalError as error:
            uncertain = error.landing == "unknown"
            if uncertain:
                error.advice = f"list the API keys, and delete one named {name!r}: its secret is not known"
            raise

    return session.repeat(attempt)


def remove_key(session: PortalSession, key_id: str) -> None:
    """Delete a key, and prove it where the reply is lost; a key that is deleted already is fine.

    :raises NotFound: the user has no such key.
    """
    sent = False

    def attempt() -> None:
        nonlocal sent
        try:
            session.send(delete_key(key_id))
        except NotFound:
            if not sent:
                raise
        except PortalError as error:
            if error.code == _DELETED:
                return
            sent = sent or error.landing == "unknown"
            raise

    session.repeat(attempt)


def check_key_name(name: str) -> str:
    """Return ``name`` if a key may be called so.

    :raises ConfigurationError: it is blank or has a control character.
    """
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ConfigurationError(f"{name!r} is no name for an API key: give a word or two, such as 'airflow'")
    return name


def _named(session: PortalSession, name: str) -> list[ApiKey]:
    return [key for key in all_keys(session, name=name) if key.name == name and key.deleted_at is None]


def _checked(key_id: str) -> str:
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise ConfigurationError(f"{str(key_id)[:80]!r} is no API key id: letters, digits, - . _ and ~ only")
    return key_id


def _moment(body: Mapping[str, Any], name: str) -> str | None:
    # The vendor's documentation spells one of them TimeStamp.
    return text(body.get(f"{name}Timestamp")) or text(body.get(f"{name}TimeStamp"))


def _parse_key(reply: Reply) -> ApiKey:
    return ApiKey.from_json(object_of(reply, "an API key"))


def _parse_new(reply: Reply) -> NewApiKey:
    body = object_of(reply, "an API key")
    secret = text(body.get("keySecret"))
    if secret is None:
        raise UnreadableReply("a new API key without keySecret")
    return NewApiKey(ApiKey.from_json(body), secret)


def _parse_page(reply: Reply) -> tuple[ApiKey, ...]:
    body = reply.json()
    if not isinstance(body, list):
        raise UnreadableReply(f"expected a list of API keys, got {shape(body)}")
    return tuple(ApiKey.from_json(item) for item in body if isinstance(item, dict))
