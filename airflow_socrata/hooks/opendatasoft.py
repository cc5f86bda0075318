"""The hook: from an Airflow connection to a signed-in Opendatasoft (Huwise) portal."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

from airflow_socrata.client import PortalError, PortalSession
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.connection_form import (
    OPENDATASOFT_BEHAVIOUR,
    OPENDATASOFT_DEFAULT,
    OPENDATASOFT_FIELDS,
    field_behaviour,
    widgets,
)
from airflow_socrata.hooks.connection import TEST_TIMEOUT, common_settings, filled_extra, text
from airflow_socrata.opendatasoft.check import describe_connection, explain_failure
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.dialect import dialect_named
from airflow_socrata.opendatasoft.portal import portal_settings

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_socrata.client import PortalSettings
    from airflow_socrata.client.async_session import AsyncPortalSession
    from airflow_socrata.opendatasoft.dialect import Dialect

#: The management API that is spoken unless the connection's ``api`` says otherwise.
DEFAULT_API = "automation"


class OpendatasoftHook(BaseHook):
    """Sign in to an Opendatasoft portal as an Airflow connection says.

    :param opendatasoft_conn_id: the connection: host = domain, port (443), password = API key; or login =
        user name and password = password; extra: ``api`` (``automation``, the default, is the Automation API
        v1.0; ``management`` is the Management API v2), ``verify``, ``proxy``, ``connect_timeout`` and
        ``read_timeout`` (seconds), ``concurrent_requests``, ``requests_per_second`` and ``longest_wait``
        (seconds).
    """

    conn_name_attr = "opendatasoft_conn_id"
    default_conn_name = OPENDATASOFT_DEFAULT
    conn_type = "opendatasoft"
    hook_name = "Opendatasoft"

    def __init__(self, opendatasoft_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.opendatasoft_conn_id = opendatasoft_conn_id

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields, for Airflow before 3.2."""
        return widgets(OPENDATASOFT_FIELDS)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form's labels and placeholders, for Airflow before 3.2."""
        return field_behaviour(OPENDATASOFT_BEHAVIOUR)

    @cached_property
    def _connection(self) -> Connection:
        """The connection, asked for once: a task needs settings and API of it."""
        return self.get_connection(self.opendatasoft_conn_id)

    def get_conn(self) -> PortalSession:
        """Return a session with the portal; nothing is sent yet.

        :raises ConfigurationError: the connection cannot be used; says why.
        """
        return PortalSession(self.settings(), log=self.log.warning)

    def settings(self) -> PortalSettings:
        """Read the connection, and have Airflow mask its secrets in logs."""
        settings = _settings(self._connection)
        for secret in settings.secrets():
            mask_secret(secret)
        return settings

    def dialect(self) -> Dialect:
        """Return the management API that the connection names.

        :raises ConfigurationError: there is no such API.
        """
        return _dialect(self._connection)

    async def get_async_conn(self) -> tuple[AsyncPortalSession, Dialect]:
        """Return a session and the API, for triggers; does not block the triggerer."""
        from airflow.providers.common.compat.connection import get_async_connection

        from airflow_socrata.client.async_session import AsyncPortalSession

        connection = await get_async_connection(self.opendatasoft_conn_id, hook=self)
        session = AsyncPortalSession(_settings(connection), log=self.log.warning)
        return session, _dialect(connection)

    def test_connection(self) -> tuple[bool, str]:
        """Tell what may be edited on which portal, or in one sentence what is wrong. Never raises."""
        dialect = dialect_named(DEFAULT_API)
        try:
            connection = self.get_connection(self.opendatasoft_conn_id)
            dialect = _dialect(connection)
            settings = _settings(connection, longest_timeout=TEST_TIMEOUT)
            with PortalSession(settings, log=self.log.warning) as session:
                return True, describe_connection(session, dialect)
        except PortalError as error:
            return False, explain_failure(error, dialect)
        except Exception as error:
            return False, f"The connection could not be read ({type(error).__name__})."


def _dialect(connection: Connection) -> Dialect:
    return dialect_named((text(filled_extra(connection), "api") or DEFAULT_API).strip().lower())


def _settings(connection: Connection, *, longest_timeout: float | None = None) -> PortalSettings:
    """Turn an Airflow connection into portal settings.

    :raises ConfigurationError: a value cannot be used; the message never holds a secret.
    """
    common = common_settings(connection, longest_timeout)
    if connection.login:
        key = PortalKey(user=connection.login, password=connection.password or None)
    else:
        key = PortalKey(api_key=connection.password or None)
    if not key.signs_in:
        raise ConfigurationError("the connection has no API key; put it into the password field")
    return portal_settings(common.pop("domain"), key, **common)
