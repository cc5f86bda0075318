"""Who may see a view and who may change it: audience, users, teams, grants, owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge import audiences
from airflow_socrata.emulator.edge.accounts import TEAMS, USERS
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.view_json import offered_levels, permissions_json, view_json
from airflow_socrata.emulator.errors import core_error, invalid_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View

_SCOPES = {
    "public.read": "public",
    "public.add": "public",
    "public": "public",
    "private": "private",
    "site": "site",
}
_OWNER = ("current_owner", "all")


def set_permission(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/views/{id}?method=setPermission``, the value in the query or as a JSON string."""
    view = portal.view(exchange.part()[0], exchange.user, "grant")
    asked = exchange.first("value")
    if asked is None:
        body = exchange.json()
        asked = body if isinstance(body, str) else None
    if asked not in _SCOPES:
        raise invalid_request(f"Unknown permission: {asked}")
    with portal.books:
        audiences.check_scope(portal, _SCOPES[asked])
        audiences.change(portal, view, _SCOPES[asked], portal.publisher(exchange))
    return Reply(200, b"")


def read_permissions(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/{id}/permissions``."""
    view = portal.view(exchange.part()[0], exchange.user, "grant")
    return Reply.of(permissions_json(portal, view))


def put_permissions(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/views/{id}/permissions``: the scope, the users, or both; all of it, or nothing."""
    view = portal.view(exchange.part()[0], exchange.user, "grant")
    body = exchange.json()
    if not isinstance(body, dict):
        raise invalid_request("The body must be a JSON object")
    scope, listed = body.get("scope"), body.get("users")
    with portal.books:
        if scope is not None:
            if scope not in {"public", "private", "site"}:
                raise invalid_request(f"Unknown scope: {scope}")
            audiences.check_scope(portal, scope)
        users = None if listed is None else _users(portal, listed)
        if users is not None:
            owner = next(who for who, level in users.items() if level == _OWNER)
            if owner != view.owner:
                portal.view(view.id, exchange.user, "transfer_ownership")
            _share(view, owner, {who: level for who, level in users.items() if who != owner})
        if scope is not None and scope != audiences.scope_of(view):
            audiences.change(portal, view, scope, portal.publisher(exchange))
        view.modified_at = portal.clock.seconds()
    return Reply.of(permissions_json(portal, view))


def _users(portal: Portal, listed: Any) -> dict[str, tuple[str, str]]:
    """Read who gets which level, by 4x4, or by address where there is no account."""
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise invalid_request("users must be an array of objects")
    users: dict[str, tuple[str, str]] = {}
    for entry in listed:
        who = _who(portal, entry)
        users[who] = _level(portal, entry, who)
    owners = [who for who, level in users.items() if level == _OWNER]
    if len(owners) != 1:
        raise invalid_request(f"There must be exactly one current_owner, not {len(owners)}")
    if owners[0] not in {user.id for user in USERS.values()}:
        raise invalid_request("The current_owner must be a user with an account")
    return users


def _who(portal: Portal, entry: dict[str, Any]) -> str:
    email, user_id = entry.get("email"), entry.get("id")
    if email is not None:
        found = next((u.id for u in USERS.values() if u.email.casefold() == str(email).casefold()), None)
        if found is None and not portal.switches.email_shares:
            raise core_error(404, "not_found", f"Cannot find user with email {email}")
        return found or str(email)
    if user_id not in {user.id for user in USERS.values()} | set(TEAMS):
        raise core_error(404, "not_found", f"Cannot find user with id {user_id}", {"id": user_id})
    return str(user_id)


def _level(portal: Portal, entry: dict[str, Any], who: str) -> tuple[str, str]:
    levels = entry.get("accessLevels")
    if not isinstance(levels, list) or len(levels) != 1 or not isinstance(levels[0], dict):
        raise invalid_request(f"{who} must have exactly one access level")
    level = (str(levels[0].get("name")), str(levels[0].get("version")))
    if level != _OWNER and level not in offered_levels(portal):
        raise invalid_request(f"Unknown access level: {level[0]} ({level[1]})")
    return level


def _share(view: View, owner: str, shares: dict[str, tuple[str, str]]) -> None:
    """Set owner and shares of a dataset: they belong to all of its copies."""
    for each in view.dataset.views.values():
        each.owner, each.shares = owner, dict(shares)


def transfer(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/views/{id}?method=plagiarize&userId=``: another owner."""
    view = portal.view(exchange.part()[0], exchange.user, "transfer_ownership")
    with portal.books:
        _transfer(view, _account(exchange.first("userId")))
    return Reply.of(view_json(portal, view, exchange.user))


def transfer_many(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/views?method=bulkTransferOwnership``: another owner of all, or of none."""
    if exchange.first("method") != "bulkTransferOwnership":
        raise invalid_request(f"Unknown method: {exchange.first('method')}")
    body = exchange.json()
    if not isinstance(body, dict) or not isinstance(body.get("viewUids"), list):
        raise invalid_request("The body must name userUid and viewUids")
    owner = _account(body.get("userUid"))
    views = [portal.view(str(each), exchange.user, "transfer_ownership") for each in body["viewUids"]]
    with portal.books:
        for view in views:
            _transfer(view, owner)
    return Reply.of({})


def _account(user_id: Any) -> str:
    if user_id not in {user.id for user in USERS.values()}:
        raise core_error(404, "not_found", f"Cannot find user with id {user_id}", {"id": user_id})
    return str(user_id)


def _transfer(view: View, owner: str) -> None:
    _share(view, owner, {who: level for who, level in view.shares.items() if who != owner})


def add_grant(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/views/{id}/grants``: ``{"type", "userId" | "userEmail" | "flags": ["public"]}``."""
    view = portal.view(exchange.part()[0], exchange.user, "grant")
    grant = _grant(exchange)
    with portal.books:
        if "public" in (grant.get("flags") or []):
            audiences.change(portal, view, "public", portal.publisher(exchange))
        else:
            who = _granted(portal, grant)
            level = (str(grant.get("type") or "viewer"), "all")
            if level not in offered_levels(portal):
                raise invalid_request(f"Unknown grant type: {level[0]}")
            _share(view, view.owner, {**view.shares, who: level})
    return Reply.of(grant)


def remove_grant(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/views/{id}/grants?method=delete``; also ``…/grants/i`` as an older client has it."""
    if exchange.first("method") != "delete":
        raise invalid_request(f"Unknown method: {exchange.first('method')}")
    view = portal.view(exchange.part()[0], exchange.user, "grant")
    grant = _grant(exchange)
    with portal.books:
        if "public" in (grant.get("flags") or []):
            audiences.change(portal, view, "private", portal.publisher(exchange))
        else:
            who = _granted(portal, grant)
            if who not in view.shares:
                raise core_error(404, "not_found", "Cannot find grant")
            _share(view, view.owner, {each: level for each, level in view.shares.items() if each != who})
    return Reply.of(grant)


def _grant(exchange: Exchange) -> dict[str, Any]:
    body = exchange.json()
    if not isinstance(body, dict):
        raise invalid_request("The body must be a JSON object")
    return body


def _granted(portal: Portal, grant: dict[str, Any]) -> str:
    named = {"id": grant.get("userId")} | (
        {"email": grant["userEmail"]} if grant.get("userEmail") is not None else {}
    )
    return _who(portal, named)


TABLE: tuple[tuple[str, str, Callable[[Portal, Exchange], Reply]], ...] = (
    ("/api/views", "PUT", transfer_many),
    ("/api/views.json", "PUT", transfer_many),
    ("/api/views/{view_id}/permissions", "GET", read_permissions),
    ("/api/views/{view_id}/permissions", "PUT", put_permissions),
    ("/api/views/{view_id}/grants", "POST", add_grant),
    ("/api/views/{view_id}/grants", "PUT", remove_grant),
    ("/api/views/{view_id}/grants/i", "PUT", remove_grant),
)
