"""What the hooks of both vendors read from an Airflow connection in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.limiter import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Connection

#: Seconds for which *Test connection* waits at most.
TEST_TIMEOUT = 10.0


def filled_extra(connection: Connection) -> dict[str, Any]:
    """Return the extra fields that are set; one that the form left empty (``null``) counts as not set."""
    return {name: value for name, value in connection.extra_dejson.items() if value not in (None, "")}


def common_settings(connection: Connection, longest_timeout: float | None = None) -> dict[str, Any]:
    """Return the arguments of ``PortalSettings`` that do not depend on the vendor.

    :param longest_timeout: seconds that neither time-out may exceed.
    :raises ConfigurationError: a value cannot be used; the message never holds a secret.
    """
    extra = filled_extra(connection)
    timeouts: dict[str, float] = {}
    for name, default in (("connect_timeout", 5.0), ("read_timeout", 600.0)):
        timeouts[name] = _number(extra, name, default)
        if longest_timeout is not None:
            timeouts[name] = min(timeouts[name], longest_timeout)
    if not connection.host:
        raise ConfigurationError(
            "the connection has no host; put the portal's domain there, such as data.example.gov"
        )
    return {
        "domain": connection.host,
        "port": connection.port or 443,
        "scheme": _scheme(connection),
        "verify": _verify(extra.get("verify", True)),
        "proxy": text(extra, "proxy"),
        "limits": _limits(extra),
        **timeouts,
    }


def _limits(extra: Mapping[str, Any]) -> Limits:
    defaults = Limits()
    concurrent = _number(extra, "concurrent_requests", defaults.concurrent, "a whole number")
    if concurrent != int(concurrent):
        raise ConfigurationError(
            f"the connection's concurrent_requests is {extra['concurrent_requests']!r};"
            " give a whole number above zero"
        )
    rate = "requests_per_second"
    return Limits(
        concurrent=int(concurrent),
        per_second=_number(extra, rate, 10.0, "a number") if rate in extra else defaults.per_second,
        longest_wait=_number(extra, "longest_wait", defaults.longest_wait),
    )


def _scheme(connection: Connection) -> str:
    scheme: str = connection.schema or "https"
    return scheme.lower()


def text(extra: Mapping[str, Any], name: str) -> str | None:
    """Return an extra field as text."""
    value = extra.get(name)
    return None if value is None else str(value)


def _number(extra: Mapping[str, Any], name: str, default: float, what: str = "seconds") -> float:
    value = extra.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"the connection's {name} is {value!r}; give {what}, such as {default:.0f}"
        ) from None
    if not 0 < number < float("inf"):
        raise ConfigurationError(f"the connection's {name} is {value!r}; give {what} above zero")
    return number


def _verify(value: object) -> bool | str:
    if isinstance(value, bool):
        return value
    text = str(value).strip()
    if text.lower() in {"true", "yes", "on", "1"}:
        return True
    if text.lower() in {"false", "no", "off", "0"}:
        return False
    return text
