"""A call as bytes for one portal: address, headers, request id. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client.messages import Body, Call, ReplySink
    from airflow_socrata.client.settings import PortalSettings

#: Path that every call of the Dataset Management API starts with.
PUBLISHING = "/api/publishing/v1"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One HTTP request, ready to send. Its headers hold credentials and do not show in ``repr``.

    :param secret_query: what follows the query of ``url`` on the wire and nowhere else.
    :param into: takes the body of a success in place of memory.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: Body | None = field(repr=False)
    request_id: str | None
    secret_query: str = field(default="", repr=False)
    into: ReplySink | None = field(default=None, repr=False)


def outgoing(call: Call[Any], settings: PortalSettings, request_id: str) -> Outgoing:
    """Build the request of ``call``.

    :param request_id: at most 32 characters; the portal keeps it in its logs.
    """
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": settings.user_agent,
        **settings.credentials.headers(),
        **dict(call.headers),
    }
    known_by = settings.vendor.request_id_header
    if known_by:
        headers.setdefault(known_by, request_id)
    url = settings.base_url + call.path
    if call.params:
        url += ("&" if "?" in url else "?") + urlencode(call.params, quote_via=quote)
    return Outgoing(
        method=call.method,
        url=url,
        headers=headers,
        body=call.body,
        request_id=request_id if known_by else None,
        secret_query=urlencode(call.secret_params, quote_via=quote),
        into=call.into,
    )


def path_on_portal(location: str, asked: str) -> str | None:
    """Path and query of a ``Location``, or None if it names another host than the one asked.

    Scheme and port are not looked at, since a portal behind a TLS terminator may name its inner ones; the
    path is only ever asked for at the portal's own address.
    """
    try:
        target = urlsplit(urljoin(asked, location.strip()))
        same_host = (target.hostname or "").lower() == (urlsplit(asked).hostname or "").lower()
    except ValueError:
        return None
    if not same_host or target.scheme not in {"http", "https"}:
        return None
    path = quote(target.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(target.query, safe="/?%:@!$&'()*+,;=~-._")
    return f"{path}?{query}" if query else path


def same_origin(location: str, asked: str) -> bool:
    """Tell whether a ``Location`` names the scheme, host and port that were asked."""
    try:
        return _origin(urljoin(asked, location.strip())) == _origin(asked)
    except ValueError:
        return False


def shown_origin(location: str, asked: str) -> str:
    """Return scheme, host and port that a ``Location`` names, never its user, password or query."""
    try:
        scheme, host, port = _origin(urljoin(asked, location.strip()))
    except ValueError:
        return "an unreadable address"
    shown = f"{scheme}://{host[:100] or '(no host)'}"
    return shown if port in {None, _DEFAULT_PORTS.get(scheme)} else f"{shown}:{port}"


_DEFAULT_PORTS = {"http": 80, "https": 443}


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme)
