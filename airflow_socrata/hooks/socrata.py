"""The hook: from an Airflow connection to a signed-in Socrata portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

from airflow_socrata.client import Credentials, PortalError, PortalSession, PortalSettings
from airflow_socrata.client.check import describe_connection, explain_failure
from airflow_socrata.connection_form import (
    SOCRATA_BEHAVIOUR,
    SOCRATA_DEFAULT,
    SOCRATA_FIELDS,
    field_behaviour,
    widgets,
)
from airflow_socrata.hooks.connection import TEST_TIMEOUT, common_settings, filled_extra, text

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_socrata.client.async_session import AsyncPortalSession


class SocrataHook(BaseHook):
    """Sign in to a Socrata portal as an Airflow connection says.

    :param socrata_conn_id: the connection: host = domain, port (443), login = API key id or user name,
        password = API key secret or password; extra: ``app_token``, ``access_token``, ``verify``, ``proxy``,
        ``connect_timeout`` and ``read_timeout`` (seconds), ``concurrent_requests``, ``requests_per_second``
        and ``longest_wait`` (seconds).
    """

    conn_name_attr = "socrata_conn_id"
    default_conn_name = SOCRATA_DEFAULT
    conn_type = "socrata"
    hook_name = "Socrata"

    def __init__(self, socrata_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.socrata_conn_id = socrata_conn_id

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields, for Airflow before 3.2."""
        return widgets(SOCRATA_FIELDS)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form's labels and placeholders, for Airflow before 3.2."""
        return field_behaviour(SOCRATA_BEHAVIOUR)

    def get_conn(self) -> PortalSession:
        """Return a session with the portal; nothing is sent yet.

        :raises ConfigurationError: the connection cannot be used; says why.
        """
        return PortalSession(self.settings(), log=self.log.warning)

    def settings(self) -> PortalSettings:
        """Read the connection, and have Airflow mask its secrets in logs."""
        settings = portal_settings(self.get_connection(self.socrata_conn_id))
        for secret in settings.secrets():
            mask_secret(secret)
        return settings

    async def get_async_conn(self) -> AsyncPortalSession:
        """Return a session for triggers; fetches the connection without blocking the triggerer."""
        from airflow.providers.common.compat.connection import get_async_connection

        from airflow_socrata.client.async_session import AsyncPortalSession

        connection = await get_async_connection(self.socrata_conn_id, hook=self)
        return AsyncPortalSession(portal_settings(connection), log=self.log.warning)

    def test_connection(self) -> tuple[bool, str]:
        """Tell who is signed in on which portal, or in one sentence what is wrong. Never raises."""
        try:
            connection = self.get_connection(self.socrata_conn_id)
            settings = portal_settings(connection, longest_timeout=TEST_TIMEOUT)
            with PortalSession(settings, log=self.log.warning) as session:
                return True, describe_connection(session)
        except PortalError as error:
            return False, explain_failure(error)
        except Exception as error:
            return False, f"The connection could not be read ({type(error).__name__})."


def portal_settings(connection: Connection, *, longest_timeout: float | None = None) -> PortalSettings:
    """Turn an Airflow connection into portal settings.

    A field that the form left empty (``null``) counts as not set.

    :param longest_timeout: seconds that neither time-out may exceed.
    :raises ConfigurationError: a value cannot be used; the message never holds a secret.
    """
    extra = filled_extra(connection)
    return PortalSettings(
        credentials=Credentials(
            user=connection.login or None,
            secret=connection.password or None,
            app_token=text(extra, "app_token"),
            access_token=text(extra, "access_token"),
        ),
        **common_settings(connection, longest_timeout),
    )
