"""API keys of the account that is signed in."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.clock import iso_utc
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.errors import core_error, login_needed
from airflow_socrata.emulator.sign_in.desk import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.edge.accounts import User
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.errors import PortalError

_SORTED_BY: dict[str, Callable[[Key], Any]] = {
    "last_used_at": lambda key: key.used_at or 0.0,
    "created_at": lambda key: key.created_at,
    "deleted_at": lambda key: key.deleted_at or 0.0,
    "name": lambda key: key.name,
}
_MOST = 100


def list_keys(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/api_keys``: the caller's keys, a page at a time."""
    user = _caller(exchange)
    limit = exchange.first("limit") or "10"
    if not limit.isdigit() or not 0 < int(limit) <= _MOST:
        raise _refused("INVALID_PAGE_SIZE", f"limit must be 1 to {_MOST}")
    column = exchange.first("sortBy") or "created_at"
    if column not in _SORTED_BY:
        raise _refused("INVALID_SORT_COLUMN", f"sortBy must be one of {', '.join(_SORTED_BY)}")
    wanted = exchange.first("nameSearch") or ""
    with_deleted = exchange.first("includeDeleted") == "true"
    with portal.sign_ins.lock:
        keys = [key for key in portal.sign_ins.keys.values() if key.owner.id == user.id]
    keys = [key for key in keys if with_deleted or key.deleted_at is None]
    keys = [key for key in keys if wanted in key.name or wanted == key.id]
    keys.sort(key=_SORTED_BY[column], reverse=exchange.first("sortOrder") == "desc")
    seek = exchange.first("seek")
    if seek is not None:
        places = [place for place, key in enumerate(keys) if key.id == seek]
        keys = keys[places[0] + 1 :] if places else []
    return Reply.of([_key_json(key) for key in keys[: int(limit)]])


def create_key(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/api_keys``: a new key; its secret is told in this reply alone."""
    user, switches = _caller(exchange), portal.switches
    body = exchange.json()
    name = body.get("keyName") if isinstance(body, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise _refused("MISSING_FIELD", "keyName is missing")
    if not user.publisher:
        raise _refused("INSUFFICIENT_RIGHTS", "You may not create API keys")
    if len(name) > switches.api_key_name_length:
        raise _refused("NAME_TOO_LONG", f"keyName must have at most {switches.api_key_name_length} signs")
    with portal.sign_ins.lock:
        live = [
            key for key in portal.sign_ins.keys.values() if key.owner.id == user.id and key.deleted_at is None
        ]
        if any(key.name == name for key in live):
            raise _refused("API_KEY.NAME_TAKEN", f"You have a key named {name} already")
        if len(live) >= switches.api_key_limit:
            raise _refused("TOKEN_LIMIT_REACHED", "You have too many API keys")
        key = Key(secrets.token_hex(12), secrets.token_hex(25), name, user, portal.clock.now())
        portal.sign_ins.keys[key.id] = key
    return Reply.of(_key_json(key) | {"keySecret": key.secret})


def read_key(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/api_keys/{keyId}``."""
    return Reply.of(_key_json(_key_of(portal, exchange)))


def delete_key(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /api/api_keys/{keyId}``: it signs nobody in from now on."""
    with portal.sign_ins.lock:
        key = _key_of(portal, exchange)
        if key.deleted_at is not None:
            raise _refused("TOKEN_DELETED", f"API key {key.id} was deleted")
        key = replace(key, deleted_at=portal.clock.now())
        portal.sign_ins.keys[key.id] = key
    return Reply.of(_key_json(key))


def _caller(exchange: Exchange) -> User:
    if exchange.user is None:
        raise login_needed()
    return exchange.user


def _key_of(portal: Portal, exchange: Exchange) -> Key:
    user, key_id = _caller(exchange), exchange.parts["key_id"]
    key = portal.sign_ins.keys.get(key_id)
    if key is None or key.owner.id != user.id:
        raise core_error(404, "API_KEY.NOT_FOUND", f"No API key {key_id}")
    return key


def _refused(code: str, message: str) -> PortalError:
    return core_error(400, f"API_KEY.{code}", message)


def _key_json(key: Key) -> dict[str, Any]:
    told: dict[str, Any] = {
        "keyName": key.name,
        "keyId": key.id,
        "owner": {"id": key.owner.id, "displayName": key.owner.display_name, "email": key.owner.email},
    }
    for name, moment in (
        ("created", key.created_at),
        ("lastUsed", key.used_at),
        ("deleted", key.deleted_at),
    ):
        if moment is not None:
            told |= {f"{name}At": int(moment), f"{name}AtTimestamp": iso_utc(moment)}
    return told


TABLE: tuple[tuple[str, str, Callable[[Portal, Exchange], Reply]], ...] = (
    ("/api/api_keys", "GET", list_keys),
    ("/api/api_keys", "POST", create_key),
    ("/api/api_keys/{key_id}", "GET", read_key),
    ("/api/api_keys/{key_id}", "DELETE", delete_key),
)
