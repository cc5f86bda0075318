"""The pages that a person sees: the login form, and the question whether to allow an application."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from airflow_socrata.emulator.edge.portal import Reply

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.accounts import User
    from airflow_socrata.emulator.sign_in.desk import App

_PAGE = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title></head>"
    "<body><main><h1>{title}</h1>{body}</main></body></html>"
)


def page(title: str, body: str, status: int = 200) -> Reply:
    """Return an HTML page.

    :param body: markup; whatever came from outside must be escaped in it.
    """
    markup = _PAGE.format(title=escape(title), body=body)
    headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}
    return Reply(status, markup.encode(), "text/html; charset=utf-8", headers)


def login_page(return_to: str, problem: str = "") -> Reply:
    """Return the login form.

    :param return_to: path on the portal to go to once signed in.
    """
    told = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    form = (
        '<form method="post" action="/authenticate">'
        f'<input type="hidden" name="return_to" value="{escape(return_to)}">'
        '<label>E-mail <input name="username" autocomplete="username"></label> '
        '<label>Password <input name="password" type="password"></label> '
        '<button type="submit" name="sign_in">Sign in</button></form>'
    )
    return page("Sign in", told + form, 401 if problem else 200)


def allow_page(app: App, user: User, csrf_token: str, hidden: dict[str, str]) -> Reply:
    """Return the question whether an application may act for a user."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in {**hidden, "authenticity_token": csrf_token}.items()
    )
    body = (
        f"<p>{escape(app.name)} wants to act on this site as {escape(user.display_name)}.</p>"
        f'<form method="post" action="/oauth/authorize">{fields}'
        '<button type="submit" name="choice" value="allow">Allow</button> '
        '<button type="submit" name="choice" value="deny">Deny</button></form>'
    )
    return page("Allow access?", body)


def error_page(problem: str) -> Reply:
    """Return the page of a request for authorization that cannot be answered with a redirect."""
    return page("Authorization error", f'<p role="alert">{escape(problem)}</p>', 400)
