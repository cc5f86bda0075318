"""Who calls: Basic, OAuth and cookies, and the app token beside them."""

from __future__ import annotations

import base64
import binascii
import hmac
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_socrata.emulator.edge.accounts import USERS
from airflow_socrata.emulator.errors import core_error, permission_denied

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.accounts import User
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.sign_in.desk import BrowserSession

SESSION_COOKIES = ("_core_session_id", "_socrata_session_id")
CSRF_COOKIE = "socrata-csrf-token"
_OVER_HTTPS = "Authenticated requests must be made over a secure (https) connection"


def who_calls(portal: Portal, exchange: Exchange) -> User | None:
    """Return who calls, None for nobody.

    :raises PortalError: 401 for wrong credentials; 403 for an app token that nobody was given, for
        credentials over plain HTTP where that is denied, and for a browser's change without its CSRF token.
    """
    headers = exchange.headers
    app_token = headers.get("x-app-token") or exchange.first("$$app_token") or exchange.first("app_token")
    if app_token is not None and app_token not in portal.sign_ins.apps:
        raise permission_denied("Invalid app_token specified")
    given = headers.get("authorization")
    if given is None:
        return _by_cookie(portal, exchange)
    scheme, _, value = given.partition(" ")
    denied = portal.switches.plain_http == "deny" and not exchange.secure
    if scheme.lower() == "oauth":
        if denied:
            portal.sign_ins.revoke(value.strip())
            raise permission_denied(_OVER_HTTPS)
        return _by_token(portal, value.strip(), app_token)
    if denied:
        raise permission_denied(_OVER_HTTPS)
    user = _by_password(portal, value.strip()) if scheme.lower() == "basic" else None
    if user is None:
        raise core_error(401, portal.switches.wrong_secret_code, "Invalid username or password")
    return user


def _by_token(portal: Portal, token: str, app_token: str | None) -> User | None:
    grant = portal.sign_ins.tokens.get(token)
    seconds = portal.switches.access_token_seconds
    if grant is not None and seconds and portal.clock.now() - grant.since >= seconds:
        portal.sign_ins.revoke(token)
        grant = None
    strange = grant is not None and app_token not in {None, grant.client_id}
    refuse = {"refuse"}
    if grant is not None and not (strange and portal.switches.token_of_another_app in refuse):
        return grant.user
    if portal.switches.bad_token not in refuse:
        return None
    message = "Access token was issued to another application" if strange else "Invalid OAuth access token"
    raise core_error(401, portal.switches.wrong_secret_code, message)


def _by_password(portal: Portal, value: str) -> User | None:
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    key = portal.sign_ins.keys.get(name)
    if key is not None:
        if key.deleted_at is not None or not same(key.secret, secret):
            return None
        portal.sign_ins.note_use(key, portal.clock.now())
        return key.owner
    return user_of(name, secret)


def user_of(email: str, password: str) -> User | None:
    """Return the account with this e-mail address and password."""
    found = (user for user in USERS.values() if user.email == email and same(user.password, password))
    return next(found, None)


def browser_session(portal: Portal, exchange: Exchange) -> BrowserSession | None:
    """Return the session that the cookies of a request belong to."""
    try:
        cookies = SimpleCookie(exchange.headers.get("cookie", ""))
    except CookieError:
        return None
    found = (portal.sign_ins.sessions.get(cookies[name].value) for name in SESSION_COOKIES if name in cookies)
    return next((session for session in found if session is not None), None)


def _by_cookie(portal: Portal, exchange: Exchange) -> User | None:
    session = browser_session(portal, exchange)
    if session is None:
        return None
    # The portal's own forms carry the token in a field, which their services look at.
    if exchange.method != "GET" and not exchange.path.startswith(("/oauth/", "/authenticate")):
        given = exchange.headers.get("x-csrf-token", "")
        if not (same(given, session.csrf_token) or same(unquote(given), session.csrf_token)):
            raise permission_denied("Invalid CSRF token")
    return session.user


def same(one: str, other: str) -> bool:
    """Compare two secrets."""
    return hmac.compare_digest(one.encode(), other.encode())
