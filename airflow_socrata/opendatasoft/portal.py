"""Opendatasoft portals for the session: settings, links, and errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.settings import PortalSettings
from airflow_socrata.opendatasoft.refusals import error_from_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.client.errors import PortalError
    from airflow_socrata.client.messages import Call, Reply
    from airflow_socrata.opendatasoft.credentials import PortalKey


@dataclass(frozen=True, slots=True)
class Opendatasoft:
    """Portals of Opendatasoft, now called Huwise; a :class:`airflow_socrata.client.vendor.Vendor`."""

    name: str = "Opendatasoft"
    request_id_header: str | None = None

    def read_error(
        self, call: Call[Any], reply: Reply, *, now: float, redact: Callable[[str], str]
    ) -> PortalError:
        """Turn a reply that is no success into an error."""
        return error_from_reply(call, reply, now=now, redact=redact)

    def dataset_link(self, base_url: str, dataset_id: str) -> str:
        """The page of a dataset, for people."""
        return f"{base_url}/explore/dataset/{dataset_id}/"


OPENDATASOFT = Opendatasoft()


def portal_settings(domain: str, credentials: PortalKey, **more: Any) -> PortalSettings:
    """Make the settings of a session.

    :param more: as for :class:`~airflow_socrata.client.settings.PortalSettings`: port, scheme, verify, …
    :raises ConfigurationError: if a value cannot be used.
    """
    return PortalSettings(domain, credentials=credentials, vendor=OPENDATASOFT, **more)
