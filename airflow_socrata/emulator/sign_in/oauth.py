"""The OAuth 2 server flow, and the login form before it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.errors import ErrorReply, PortalError
from airflow_socrata.emulator.sign_in.callers import (
    CSRF_COOKIE,
    SESSION_COOKIES,
    browser_session,
    same,
    user_of,
)
from airflow_socrata.emulator.sign_in.desk import Grant
from airflow_socrata.emulator.sign_in.pages import allow_page, error_page, login_page, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.sign_in.desk import App

_AUTHORIZE = ("client_id", "response_type", "redirect_uri", "state")


def login(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /login``: the form."""
    del portal
    return login_page(exchange.first("return_to") or "/")


def authenticate(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /authenticate``: sign a browser in with cookies."""
    form = _form(exchange)
    user = user_of(form.get("username", ""), form.get("password", ""))
    return_to = form.get("return_to", "")
    if user is None:
        return login_page(return_to, "Invalid username or password")
    cookie, session = portal.sign_ins.open_session(user)
    flags = "; Path=/; SameSite=Lax" + ("; Secure" if exchange.secure else "")
    exchange.cookies += [f"{name}={cookie}; HttpOnly{flags}" for name in SESSION_COOKIES]
    exchange.cookies.append(f"{CSRF_COOKIE}={session.csrf_token}{flags}")
    # A path of this portal alone: the form must not send a browser that is signed in elsewhere.
    if return_to.startswith("/") and not return_to.startswith(("//", "/\\")):
        return Reply(303, headers={"Location": return_to}, content_type="")
    return page("Signed in", "<p>You are signed in.</p>")


def ask(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /oauth/authorize``: ask the person, once signed in, whether the application may."""
    given = {name: value for name in _AUTHORIZE if (value := exchange.first(name)) is not None}
    app = _app_of(portal, given)
    if isinstance(app, str):
        return error_page(app)
    session = browser_session(portal, exchange)
    if session is None:
        return_to = f"{exchange.path}?{urlencode(exchange.query)}"
        return Reply(302, headers={"Location": f"/login?{urlencode({'return_to': return_to})}"})
    if given.get("response_type") != "code":
        return _back(given, error="unsupported_response_type")
    return allow_page(app, session.user, session.csrf_token, given)


def decide(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /oauth/authorize``: the person has pressed Allow or Deny."""
    form = _form(exchange)
    session = browser_session(portal, exchange)
    if session is None:
        return login_page("/", "Your session has ended")
    if not same(form.get("authenticity_token", ""), session.csrf_token):
        return error_page("This form is not the portal's own")
    app = _app_of(portal, form)
    if isinstance(app, str):
        return error_page(app)
    if form.get("choice") != "allow":
        return _back(form, error="access_denied")
    grant = Grant(session.user, app.client_id, form["redirect_uri"], portal.clock.now())
    return _back(form, code=portal.sign_ins.issue_code(grant))


def _app_of(portal: Portal, given: dict[str, str]) -> App | str:
    """Return the application that asks, or what is wrong: no browser is sent to an unchecked address."""
    app = portal.sign_ins.apps.get(given.get("client_id", ""))
    if app is None:
        return "No application has this client_id"
    redirect_uri = given.get("redirect_uri", "")
    try:
        scheme = urlsplit(redirect_uri).scheme
    except ValueError:
        scheme = ""
    if scheme != "https":
        return "The redirect_uri must be an absolute https address"
    if not redirect_uri.startswith(app.callback_prefix):
        return "The redirect_uri does not start with the application's callback prefix"
    return app


def _back(given: dict[str, str], **more: str) -> Reply:
    """Send the browser back to the application; a query of the redirect URI is kept."""
    uri = given["redirect_uri"]
    state = {"state": given["state"]} if "state" in given else {}
    mark = "&" if urlsplit(uri).query else "?"
    return Reply(302, headers={"Location": f"{uri}{mark}{urlencode(more | state)}"})


def exchange_code(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /oauth/access_token``: an access token for a code, once."""
    where = portal.switches.token_request
    query = dict(exchange.query) if where != "body" else {}
    given = query | (_form(exchange) if where != "query" else {})
    missing = [name for name in ("client_id", "client_secret", "code", "redirect_uri") if not given.get(name)]
    if missing:
        raise _oauth_error(400, "invalid_request", f"Missing parameter: {missing[0]}")
    if given.get("grant_type") != "authorization_code":
        raise _oauth_error(400, "unsupported_grant_type", "grant_type must be authorization_code")
    app = portal.sign_ins.apps.get(given["client_id"])
    if app is None or not same(app.secret, given["client_secret"]):
        raise _oauth_error(401, "invalid_client", "Unknown client or wrong client secret")
    grant = portal.sign_ins.spend_code(given["code"])
    now = portal.clock.now()
    if grant is None or now - grant.since >= portal.switches.code_seconds:
        raise _oauth_error(400, "invalid_grant", "The code is unknown, used or expired")
    if grant.client_id != app.client_id:
        raise _oauth_error(400, "invalid_grant", "The code was issued to another application")
    if grant.redirect_uri != given["redirect_uri"]:
        raise _oauth_error(400, "invalid_grant", "The redirect_uri is not the one that the code was sent to")
    token = portal.sign_ins.issue_token(Grant(grant.user, app.client_id, grant.redirect_uri, now))
    reply = Reply.of({"access_token": token})
    reply.headers["Cache-Control"] = "no-store"
    return reply


def _oauth_error(status: int, code: str, words: str) -> PortalError:
    reply = Reply.of({"error": code, "error_description": words})
    return PortalError(ErrorReply(status, reply.body))


def _form(exchange: Exchange) -> dict[str, str]:
    """Return the fields of a form, or of a JSON object, as some clients send it."""
    body = exchange.json()
    if isinstance(body, dict):
        return {str(name): value for name, value in body.items() if isinstance(value, str)}
    try:
        return dict(parse_qsl(exchange.body.decode(), keep_blank_values=True))
    except UnicodeDecodeError:
        return {}


TABLE: tuple[tuple[str, str, Callable[[Portal, Exchange], Reply]], ...] = (
    ("/login", "GET", login),
    ("/authenticate", "POST", authenticate),
    ("/oauth/authorize", "GET", ask),
    ("/oauth/authorize", "POST", decide),
    ("/oauth/access_token", "POST", exchange_code),
)
