"""Who is signed in, and the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.emulator.edge.accounts import USERS, user_by_id
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.errors import core_error, login_needed

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal


def current(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/users/current``."""
    del portal
    if exchange.user is None:
        raise login_needed()
    return Reply.of(exchange.user.full())


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/users/{id}``."""
    del portal
    if exchange.user is None:
        raise login_needed()
    user_id = exchange.part("user_id")[0]
    if user_id not in {user.id for user in USERS.values()}:
        raise core_error(404, "not_found", "Cannot find user", {"id": user_id})
    return Reply.of(user_by_id(user_id).short())
