"""Why a connection could not be made, in words without secrets, from the exceptions of any HTTP library."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import PortalUnreachable, ReplyLost
from airflow_socrata.client.messages import CallKind
from airflow_socrata.client.retry import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.client.messages import Call
    from airflow_socrata.client.settings import PortalSettings

_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})


@dataclass(frozen=True, slots=True)
class Loss:
    """A sending that brought no reply.

    :param sent: whether a byte of the request may have reached the portal.
    :param cause: as in :class:`PortalUnreachable`.
    :param words: why, without secrets.
    """

    sent: bool
    cause: str
    words: str

    @classmethod
    def of(cls, error: BaseException, *, sent: bool) -> Loss:
        """Read the exceptions behind ``error``."""
        cause, words = _reason(error)
        return cls(sent=sent, cause=cause, words=words)


def error_from_loss(
    call: Call[Any], loss: Loss, settings: PortalSettings, request_id: str | None
) -> PortalUnreachable | ReplyLost:
    """Build the error of a sending that brought no reply."""
    words = settings.redact(loss.words)
    if loss.cause == "timeout":
        seconds = settings.read_timeout if loss.sent else settings.connect_timeout
        words = f"nothing for {seconds:g} s"
    if loss.sent:
        return ReplyLost(
            f"no whole reply came from {settings.domain}: {words}",
            summary=call.summary,
            request_id=request_id,
            landing="none" if call.kind is CallKind.READ else "unknown",
            failure=Failure.REPLY_LOST,
        )
    through = "through the proxy " if loss.cause == "proxy" else ""
    error = PortalUnreachable(
        f"cannot connect {through}to {settings.domain} port {settings.port}: {words}",
        cause=loss.cause,
        summary=call.summary,
        failure=Failure.NOT_SENT,
        advice=_ADVICE.get(loss.cause),
    )
    if error.permanent:
        error.failure = Failure.REFUSED
    return error


_ADVICE = {
    "dns": "check the domain",
    "certificate": "check the domain, or give the CA bundle of this portal in verify",
    "not_https": "check the port: a portal is spoken to over https",
    "proxy": "check the proxy of the connection",
}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Walk an exception, its causes, contexts, and what HTTP libraries keep in args or reason."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < 50:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            inner.extend(current.exceptions)
        waiting.extend(item for item in inner if isinstance(item, BaseException))


def _reason(error: BaseException) -> tuple[str, str]:
    """Return cause and words; a failure between this side and its proxy is the proxy's."""
    chain = list(_chain(error))
    cause, words = _reason_of(chain)
    through_proxy = cause != "certificate" and any(type(item).__name__ == "ProxyError" for item in chain)
    return ("proxy" if through_proxy else cause), words


def _reason_of(chain: list[BaseException]) -> tuple[str, str]:
    for current in chain:
        found = _tls_reason(current)
        if found is not None:
            return found
    for current in chain:
        if isinstance(current, socket.gaierror):
            return "dns", f"the host name does not resolve ({current.strerror})"
        if isinstance(current, OSError) and str(current).startswith("Tunnel connection failed"):
            return "proxy", str(current)
    for current in chain:
        if (
            isinstance(current, ConnectionRefusedError)
            or getattr(current, "errno", None) == errno.ECONNREFUSED
        ):
            return "refused", "connection refused"
    if any(isinstance(item, TimeoutError) or "Timeout" in type(item).__name__ for item in chain):
        return "timeout", "timed out"
    for current in reversed(chain):
        if isinstance(current, OSError) and current.strerror:
            return "network", current.strerror
    names = {type(item).__name__ for item in chain}
    if names & {"RemoteDisconnected", "RemoteProtocolError", "IncompleteRead"}:
        return "network", "the connection was closed before the reply was whole"
    return "network", type(chain[-1]).__name__


def _tls_reason(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate", f"the certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLWantReadError):
        if error.reason in _NOT_TLS:
            return "not_https", "what answers there does not speak https"
        if error.reason:
            return "tls", f"TLS failed ({error.reason})"
    return None
