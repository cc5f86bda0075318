"""Answer "does this connection work?" in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import errors
from airflow_socrata.client.parsing import one_line
from airflow_socrata.client.retry import RetryBudget
from airflow_socrata.client.settings import SIGN_IN_AGAIN
from airflow_socrata.client.views import current_user

if TYPE_CHECKING:
    from airflow_socrata.client.session import PortalSession

#: Somebody waits for the answer: one more try after a short wait, no more.
_SHORT = RetryBudget(attempts=2, seconds=3.0)
_UNREACHABLE = {
    "dns": "The host name does not resolve: check the domain of the connection.",
    "certificate": (
        "The certificate of the portal is not trusted: check the domain, "
        "or give the CA bundle of the portal in verify."
    ),
    "not_https": "What answers at this domain and port does not speak https: check the domain and the port.",
    "proxy": "The proxy of the connection does not let the request through: check the proxy.",
}


def describe_connection(session: PortalSession) -> str:
    """Ask the portal who is signed in and say so, e.g. ``Signed in as Ann Example on data.example.gov``.

    :raises PortalError: if nobody is; :func:`explain_failure` makes a sentence of it.
    """
    if not session.settings.credentials.signs_in:
        raise errors.ConfigurationError(
            "the connection has no credentials: give an API key id and secret, "
            "a user name and password, or an OAuth access token"
        )
    user = session.send(current_user(), budget=_SHORT)
    name = user.display_name or user.email or user.id
    return f"Signed in as {session.settings.redact(one_line(name))} on {session.settings.domain}"


def explain_failure(error: errors.PortalError) -> str:
    """Say in one sentence what is wrong with a connection and what to do; never with a secret."""
    if isinstance(error, errors.ConfigurationError):
        return _sentence(error.message)
    if isinstance(error, (errors.SignInFailed, errors.NobodySignedIn)) and error.advice == SIGN_IN_AGAIN:
        return f"The portal does not accept the credentials: {SIGN_IN_AGAIN}."
    if isinstance(error, errors.SignInFailed):
        return "The portal does not accept the credentials: check the API key id and its secret."
    if isinstance(error, errors.UnknownAppToken):
        return "The portal does not know the app token: correct it or leave it empty (an API key is none)."
    if isinstance(error, errors.PermissionDenied):
        return "The portal sees nobody signed in: check the API key id and secret of the connection."
    if isinstance(error, errors.PortalUnreachable):
        return _UNREACHABLE.get(error.cause) or _sentence(error.message)
    if isinstance(error, (errors.NotFound, errors.MalformedReply)):
        return "What answers at this domain is not a Socrata portal: check the domain of the connection."
    return _sentence(error.message)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
