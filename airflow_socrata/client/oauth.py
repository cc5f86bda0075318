"""OAuth 2, the server flow: from a person's *Allow* in a browser to an access token.

A portal knows no refresh token: when an access token is no good any more, a person signs in again.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from airflow_socrata.client.errors import ConfigurationError, InvalidRequest, RequestRefused, SignInFailed
from airflow_socrata.client.messages import FORM_TYPE, Call, CallKind, UnreadableReply
from airflow_socrata.client.parsing import object_of, one_line, text
from airflow_socrata.client.session import PortalSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from urllib.parse import SplitResult

    from airflow_socrata.client.messages import Reply
    from airflow_socrata.client.settings import PortalSettings

_TOKEN = re.compile(r"[\x21-\x7e]+")
_RESERVED = frozenset({"code", "state", "error", "error_description"})
_CODE_IS_SPENT = (
    "sign in again: a code is good once, for some minutes, for the application and the redirect URI that it"
    " was issued for"
)


class AuthorizationFailed(RequestRefused):
    """The portal sent the browser back without a code."""

    default_advice = "sign in again, and press Allow on the portal's page"


class StateDiffers(AuthorizationFailed):
    """What came back does not belong to this sign-in: another one is under way, or somebody made it up."""

    default_advice = "sign in again, and follow the newest address only"


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """A registered application. Its secret does not show in ``repr``.

    :param client_id: the application's app token.
    :param client_secret: its secret token.
    :param redirect_uri: ``https`` address that starts with the callback prefix it was registered with.
    :raises ConfigurationError: if one of them cannot be used.
    """

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str

    def __post_init__(self) -> None:
        for name in ("client_id", "client_secret"):
            if not _TOKEN.fullmatch(getattr(self, name)):
                raise ConfigurationError(
                    f"the {name.replace('_', ' ')} is empty or contains a blank, a line end or a non-ASCII"
                    " character"
                )
        _check_redirect_uri(self.redirect_uri)


def _check_redirect_uri(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not _TOKEN.fullmatch(uri) or parts.fragment or "@" in parts.netloc:
        raise ConfigurationError(
            f"redirect URI {uri[:200]!r} cannot be used: give an absolute https address without a fragment,"
            " such as https://localhost:8910/callback"
        )
    reserved = _RESERVED & {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if reserved:
        raise ConfigurationError(
            f"redirect URI {uri[:200]!r} has a parameter {min(reserved)}, which the portal adds itself"
        )


def new_state() -> str:
    """Return a fresh value that ties what comes back to one sign-in."""
    return secrets.token_urlsafe(24)


def authorize_url(settings: PortalSettings, app: OAuthApp, state: str) -> str:
    """Return the address at which a person allows the application to act for them."""
    query = {
        "client_id": app.client_id,
        "response_type": "code",
        "redirect_uri": app.redirect_uri,
        "state": state,
    }
    return f"{settings.base_url}/oauth/authorize?{urlencode(query)}"


def code_from_callback(address: str, app: OAuthApp, state: str) -> str:
    """Return the code in the address that the portal sent the browser to.

    :param address: the whole address, as the browser shows it.
    :raises ConfigurationError: it is not the application's redirect URI.
    :raises StateDiffers: it belongs to another sign-in.
    :raises AuthorizationFailed: the person, or the portal, said no.
    """
    try:
        given = urlsplit(address.strip())
        same_place = _place(given) == _place(urlsplit(app.redirect_uri))
    except ValueError:
        same_place = False
    if not same_place:
        raise ConfigurationError(
            f"this is not an address that begins with {app.redirect_uri}: copy the whole address that the"
            " browser shows after Allow"
        )
    told = dict(parse_qsl(given.query, keep_blank_values=True))
    if not hmac.compare_digest(told.get("state", "").encode(), state.encode()):
        raise StateDiffers("what came back belongs to another sign-in (its state differs)", summary="sign in")
    if "error" in told:
        words = one_line(told.get("error_description") or told["error"])[:200]
        raise AuthorizationFailed(f"the portal did not allow it: {words}", summary="sign in")
    if not told.get("code"):
        raise AuthorizationFailed("the portal sent no code", summary="sign in")
    return told["code"]


def _place(parts: SplitResult) -> tuple[str, str | None, int, str]:
    return parts.scheme, parts.hostname, parts.port or 443, parts.path or "/"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What signs in from now on, until somebody revokes it or the portal lets it expire."""

    value: str = field(repr=False)


def token_call(app: OAuthApp, code: str, *, in_query: bool = False) -> Call[AccessToken]:
    """Exchange a code for an access token.

    :param in_query: send the parameters in the address, as the vendor's documentation shows it, in place of a
        form; they are added below everything that logs addresses.
    """
    parameters = (
        ("client_id", app.client_id),
        ("client_secret", app.client_secret),
        ("grant_type", "authorization_code"),
        ("redirect_uri", app.redirect_uri),
        ("code", code),
    )
    return Call(
        CallKind.SIGN_IN,
        "POST",
        "/oauth/access_token",
        _parse_token,
        "exchange the code for an access token",
        headers=() if in_query else FORM_TYPE,
        body=b"" if in_query else urlencode(parameters).encode(),
        secret_params=parameters if in_query else (),
    )


def exchange_code(
    settings: PortalSettings,
    app: OAuthApp,
    code: str,
    *,
    open_session: Callable[[PortalSettings], PortalSession] = PortalSession,
) -> AccessToken:
    """Exchange a code for an access token; needs no credentials but the application's.

    Sent as a form first; a portal that does not find the parameters there gets them in the address.

    :raises SignInFailed: the portal does not know the application, or its secret is wrong.
    :raises InvalidRequest: the code is spent, expired, or was issued for something else.
    """
    with open_session(replace(settings, credentials=_AppSecrets(app, code))) as session:
        try:
            return session.send(token_call(app, code))
        except (InvalidRequest, SignInFailed) as error:
            if error.code == "invalid_grant":
                error.advice = _CODE_IS_SPENT
                raise
        try:
            return session.send(token_call(app, code, in_query=True))
        except InvalidRequest as error:
            if error.code == "invalid_grant":
                error.advice = _CODE_IS_SPENT
            raise


@dataclass(frozen=True, slots=True)
class _AppSecrets:
    """Credentials of a session that nobody is signed in with: what must not be shown, and no header."""

    app: OAuthApp
    code: str = field(repr=False)

    @property
    def signs_in(self) -> bool:
        return False

    @property
    def if_refused(self) -> str:
        return "check the application's client id and client secret"

    def headers(self) -> Mapping[str, str]:
        return {}

    def secrets(self) -> Iterator[str]:
        yield self.app.client_secret
        yield self.code


def _parse_token(reply: Reply) -> AccessToken:
    token = text(object_of(reply, "an access token").get("access_token"))
    if token is None or not _TOKEN.fullmatch(token):
        raise UnreadableReply("the reply has no access_token that can be sent in a header")
    return AccessToken(token)
