"""Airflow connections out of what was just signed in with: printed, or written where Airflow keeps them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.settings import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_socrata.client.settings import PortalSettings

Form = Literal["json", "uri", "env"]
CONN_TYPE = "socrata"
_CONN_ID = re.compile(r"[A-Za-z0-9_.-]{1,200}")
#: Extra fields that are credentials: those of a former sign-in must not stay.
_SIGNING_IN = frozenset({"app_token", "access_token"})


@dataclass(frozen=True, slots=True)
class PortalConnection:
    """One Airflow connection of type ``socrata``. Secrets do not show in ``repr``.

    :param extra: as the connection's form names them.
    """

    host: str
    port: int
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, settings: PortalSettings, former: Mapping[str, Any] | None = None) -> PortalConnection:
        """Return the connection that leads to ``settings``, with its credentials.

        :param former: extra fields of a connection that it replaces: all but credentials are kept.
        """
        credentials = settings.credentials
        if not isinstance(credentials, Credentials):
            raise ConfigurationError("only connections to Socrata portals can be written")
        extra = {
            "app_token": credentials.app_token,
            "access_token": credentials.access_token,
            "verify": None if settings.verify is True else settings.verify,
            "proxy": settings.proxy,
        }
        return cls(
            settings.domain,
            settings.port,
            credentials.user,
            credentials.secret,
            None if settings.scheme == "https" else settings.scheme,
            without_credentials(former or {})
            | {name: value for name, value in extra.items() if value is not None},
        )

    def text(self, form: Form, conn_id: str) -> str:
        """Return the connection as Airflow reads it.

        :param form: ``json`` and ``uri`` as in an environment variable; ``env`` the whole line for a shell.
        """
        if form == "env":
            return f"export {check_shell_name(conn_id)}={shlex.quote(self.text('json', conn_id))}"
        return self._uri() if form == "uri" else json.dumps(self._fields())

    def _fields(self) -> dict[str, Any]:
        fields = {
            "conn_type": CONN_TYPE,
            "host": self.host,
            "port": self.port,
            "login": self.login,
            "password": self.password,
            "schema": self.schema,
            "extra": dict(self.extra),
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _uri(self) -> str:
        login = ""
        if self.login is not None:
            login = f"{quote(self.login, safe='')}:{quote(self.password or '', safe='')}@"
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        # As JSON: Airflow would make words of what is none, and numbers of words.
        query = f"?{urlencode({'__extra__': json.dumps(self.extra)})}" if self.extra else ""
        return f"{CONN_TYPE}://{login}{host}:{self.port}/{self.schema or ''}{query}"


def without_credentials(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return extra fields without those that sign somebody in."""
    return {name: value for name, value in extra.items() if name not in _SIGNING_IN}


def check_conn_id(conn_id: str) -> str:
    """Return ``conn_id`` if Airflow takes it.

    :raises ConfigurationError: if it does not.
    """
    if not _CONN_ID.fullmatch(conn_id):
        raise ConfigurationError(
            f"{conn_id[:80]!r} is no connection id: letters, digits, - . and _ only, such as socrata_default"
        )
    return conn_id


def check_shell_name(conn_id: str) -> str:
    """Return the environment variable of a connection, if a shell can set it.

    :raises ConfigurationError: it cannot, and would show the whole line, secrets and all, in its error.
    """
    name = f"AIRFLOW_CONN_{check_conn_id(conn_id).upper()}"
    if not name.isidentifier():
        raise ConfigurationError(
            f"no shell can set {name}: choose a --conn-id of letters, digits and _, or --format json"
        )
    return name


def comes_first(conn_id: str) -> str | None:
    """Return the environment variable that hides the connection that Airflow keeps, if there is one."""
    name = f"AIRFLOW_CONN_{conn_id.upper()}"
    return name if os.environ.get(name) else None


def check_writable(conn_id: str, settings: PortalSettings) -> None:
    """Refuse, before anybody signs in, what :func:`write` would refuse afterwards.

    :raises ConfigurationError: no Airflow here, or the connection is of another portal.
    """
    with _stored(check_conn_id(conn_id)) as (_, found):
        _check_same_portal(conn_id, found, settings.domain, settings.port)


def write(conn_id: str, connection: PortalConnection) -> str:
    """Keep the connection in Airflow's database; return ``added`` or ``changed``.

    One that is there already keeps its other extra fields, such as time-outs.

    :raises ConfigurationError: no Airflow here, or the connection is of another portal.
    """
    from airflow.models.connection import Connection

    with _stored(check_conn_id(conn_id)) as (session, found):
        _check_same_portal(conn_id, found, connection.host, connection.port)
        former = {} if found is None else without_credentials(found.extra_dejson)
        row = Connection(
            conn_id=conn_id,
            conn_type=CONN_TYPE,
            description=None if found is None else found.description,
            host=connection.host,
            port=connection.port,
            schema=connection.schema,
            login=connection.login,
            password=connection.password,
            extra=json.dumps(former | dict(connection.extra)),
        )
        if getattr(found, "team_name", None):  # Airflow 3.2 and newer
            row.team_name = found.team_name
        if found is not None:
            # In its place, not changed: a password that is there cannot be taken out of one.
            session.delete(found)
            session.flush()
        session.add(row)
    return "changed" if found is not None else "added"


def stored_connection(conn_id: str) -> Any:
    """Return a connection from where Airflow finds it first: a variable, a secrets backend, its database.

    :raises ConfigurationError: there is none, or no Airflow here.
    """
    _needs_airflow()
    from airflow.models.connection import Connection
    from airflow.providers.common.compat.sdk import AirflowException

    try:
        return Connection.get_connection_from_secrets(check_conn_id(conn_id))
    except AirflowException as error:
        raise ConfigurationError(f"Airflow has no connection {conn_id}: {type(error).__name__}") from None


@contextmanager
def _stored(conn_id: str) -> Iterator[tuple[Any, Any]]:
    """Give a session with Airflow's database, and the connection of this id in it, or None."""
    _needs_airflow()
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_session() as session:
            yield session, session.scalar(select(Connection).where(Connection.conn_id == conn_id))
    except SQLAlchemyError as error:
        raise ConfigurationError(
            f"Airflow's database does not answer ({type(error).__name__}): run this where Airflow's own"
            " commands work, or print the connection in place of --write"
        ) from None


def _needs_airflow() -> None:
    if importlib.util.find_spec("airflow") is None:
        raise ConfigurationError("there is no Airflow in this environment: print the connection instead")


def _check_same_portal(conn_id: str, found: Any, host: str, port: int) -> None:
    if found is None or (found.conn_type == CONN_TYPE and (found.host, found.port or 443) == (host, port)):
        return
    raise ConfigurationError(
        f"connection {conn_id} is there, of type {found.conn_type} for {found.host}: choose another --conn-id"
    )
