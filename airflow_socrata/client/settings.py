"""Where a portal is and how to sign in there."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.limiter import Limits
from airflow_socrata.client.vendor import SOCRATA, SigningIn, Vendor
from airflow_socrata.conflicts import own_version

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
_USER_AGENT = re.compile(r"[\x20-\x7e]+")
#: What to do about an access token that is no good any more.
SIGN_IN_AGAIN = (
    "the OAuth access token is expired, revoked or of another application than the app token:"
    " sign in again with python -m airflow_socrata.sign_in"
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to sign in. Secrets do not show in ``repr``.

    :param user: API key id, or user name.
    :param secret: API key secret, or password.
    :param app_token: sent as ``X-App-Token``; identifies the application, signs nobody in.
    :param access_token: OAuth 2, sent as ``Authorization: OAuth <token>``; excludes user and secret.
    :raises ConfigurationError: if they contradict each other or cannot be sent.
    """

    user: str | None = None
    secret: str | None = field(default=None, repr=False)
    app_token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("user", "secret", "app_token", "access_token"):
            if not getattr(self, name):
                object.__setattr__(self, name, None)  # a blank form field means none
        if self.access_token and (self.user or self.secret):
            raise ConfigurationError("give either a user and secret or an OAuth access token, not both")
        if (self.user is None) != (self.secret is None):
            missing = "secret (or password)" if self.secret is None else "API key id (or user name)"
            raise ConfigurationError(f"the {missing} is missing: both are needed to sign in")
        if self.user and ":" in self.user:
            raise ConfigurationError("the API key id (or user name) must not contain a colon")
        for name in ("app_token", "access_token"):
            value = getattr(self, name)
            if value is not None and not _HEADER_SAFE.fullmatch(value):
                raise ConfigurationError(
                    f"the {name.replace('_', ' ')} contains a blank, a line end or a non-ASCII character"
                )

    @property
    def signs_in(self) -> bool:
        """Whether there is anything to sign in with; an app token is not."""
        return self.user is not None or self.access_token is not None

    @property
    def if_refused(self) -> str:
        """What to do where the portal does not accept them; empty: what the error says."""
        return SIGN_IN_AGAIN if self.access_token else ""

    def headers(self) -> dict[str, str]:
        """The headers that carry the credentials."""
        headers: dict[str, str] = {}
        if self.user is not None:
            headers["Authorization"] = f"Basic {self._basic()}"
        elif self.access_token:
            headers["Authorization"] = f"OAuth {self.access_token}"
        if self.app_token:
            headers["X-App-Token"] = self.app_token
        return headers

    def secrets(self) -> Iterator[str]:
        """All strings that must never be shown."""
        for value in (self.secret, self.app_token, self.access_token):
            if value:
                yield value
        if self.user is not None:
            yield self._basic()

    def _basic(self) -> str:
        return base64.b64encode(f"{self.user}:{self.secret}".encode()).decode("ascii")


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """One portal, as one user.

    :param domain: host name of the portal, e.g. ``data.example.gov``; no scheme, no path.
    :param scheme: ``https``; ``http`` for loopback hosts only.
    :param verify: check the portal's certificate: True, False, or the path of a CA bundle.
    :param proxy: URL of an HTTP(S) proxy; may hold a password, so it is never shown. None: the environment's.
    :param connect_timeout: seconds until a connection must stand, TLS included.
    :param read_timeout: seconds without a byte of the reply; an upsert answers only when it is done.
    :param vendor: whose portal it is.
    :param limits: what this process allows itself there.
    :raises ConfigurationError: if a value cannot be used.
    """

    domain: str
    port: int = 443
    scheme: str = "https"
    credentials: SigningIn = field(default_factory=Credentials)
    verify: bool | str = True
    proxy: str | None = field(default=None, repr=False)
    connect_timeout: float = 5.0
    read_timeout: float = 600.0
    user_agent: str = f"airflow-provider-socrata/{own_version()}"
    vendor: Vendor = SOCRATA
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not is_host(self.domain):
            raise ConfigurationError(
                f"{_shown(self.domain)} is not a domain: give the host name alone, such as data.example.gov"
            )
        if self.scheme not in {"https", "http"}:
            raise ConfigurationError(f"scheme {_shown(self.scheme)} is unknown: use https")
        if self.scheme == "http" and not is_loopback(self.domain):
            raise ConfigurationError(
                f"plain http to {self.domain} is refused: portals speak https (http: loopback only)"
            )
        if not (isinstance(self.port, int) and 0 < self.port < 65536):
            raise ConfigurationError(f"port {_shown(self.port)} is not a port number")
        if not (self.connect_timeout > 0 and self.read_timeout > 0):
            raise ConfigurationError("connect_timeout and read_timeout must be above 0 seconds")
        if not _USER_AGENT.fullmatch(self.user_agent):
            raise ConfigurationError("user_agent must be printable ASCII")
        if self.proxy is not None:
            check_proxy(self.proxy)

    @property
    def base_url(self) -> str:
        """Scheme, host and port, without a path."""
        host = f"[{self.domain}]" if ":" in self.domain else self.domain
        default = 443 if self.scheme == "https" else 80
        return f"{self.scheme}://{host}" if self.port == default else f"{self.scheme}://{host}:{self.port}"

    def dataset_link(self, dataset_id: str) -> str:
        """The page of a dataset, for people."""
        return self.vendor.dataset_link(self.base_url, dataset_id)

    def redact(self, text: str) -> str:
        """Replace every secret of these settings in ``text`` by ``***``."""
        for secret in sorted(self.secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def secrets(self) -> Iterator[str]:
        """All strings that must never be shown, as they are and as they stand in a URL."""
        for secret in self.credentials.secrets():
            yield secret
            yield quote(secret, safe="")
        if self.proxy:
            yield self.proxy
            password = urlsplit(self.proxy).password
            if password:
                yield password
                yield unquote(password)


def is_host(value: object) -> bool:
    """Tell whether ``value`` is a host name or an IP address and nothing more."""
    if not isinstance(value, str) or not value or len(value) > 253:
        return False
    if ":" in value:
        return _address(value) is not None
    return _HOST.fullmatch(value) is not None


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine: localhost, *.localhost, 127.0.0.0/8 or ::1."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def check_proxy(proxy: str) -> None:
    """Check a proxy URL without ever showing it.

    :raises ConfigurationError: if it is no ``http://`` or ``https://`` URL with a host.
    """
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in {"http", "https"} and is_host(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not _HEADER_SAFE.fullmatch(proxy):
        raise ConfigurationError(
            "the proxy must be a URL like http://proxy.example.gov:3128 (not shown: it may hold a password)"
        )


def _address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None


def _shown(value: object) -> str:
    """A wrong value for an error: short, and without the user:password@ that a pasted URL may hold."""
    text = re.sub(r"//[^/@]*@", "//***@", str(value))
    return repr(text[:80])
