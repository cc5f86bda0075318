"""What both sessions take from outside the settings: the environment's proxy, and the CA bundle's file."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib import request

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.settings import check_proxy, is_loopback

if TYPE_CHECKING:
    from airflow_socrata.client.settings import PortalSettings


def proxy_for(settings: PortalSettings) -> str | None:
    """Return the proxy to use: the one of the settings, else the environment's, never that for loopback.

    :raises ConfigurationError: if the environment's proxy cannot be used.
    """
    if settings.proxy is not None:
        return settings.proxy
    if is_loopback(settings.domain) or _bypassed(settings.domain):
        return None
    proxies = request.getproxies_environment()
    proxy = proxies.get(settings.scheme) or proxies.get("all")
    if not proxy:
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    check_proxy(proxy)
    return proxy


def check_ca_bundle(verify: bool | str) -> None:
    """Load a CA bundle for trial.

    :raises ConfigurationError: if it is absent or holds no certificates.
    """
    if isinstance(verify, bool):
        return
    path = Path(verify)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if path.is_dir():
            context.load_verify_locations(capath=verify)
        else:
            context.load_verify_locations(cafile=verify)
    except (OSError, ValueError) as error:
        reason = "does not exist" if not path.exists() else "holds no certificates that can be read"
        raise ConfigurationError(f"the CA bundle {verify!r} {reason}") from error


def _bypassed(host: str) -> bool:
    """Tell whether the environment's ``no_proxy`` names ``host``."""
    return bool(request.proxy_bypass_environment(host))  # type: ignore[attr-defined]  # unknown to typeshed
