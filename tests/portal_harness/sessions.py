"""Settings of the client that lead to an emulated portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.client import Credentials, PortalSettings

if TYPE_CHECKING:
    from airflow_socrata.emulator import Emulator


def settings_of(portal: Emulator, credentials: Credentials | None = None, **more: Any) -> PortalSettings:
    """As the publisher, unless told otherwise; ``Credentials()`` is nobody."""
    signed_in = credentials or Credentials(portal.username, portal.password)
    return PortalSettings(portal.domain, portal.port, "http", signed_in, **more)
