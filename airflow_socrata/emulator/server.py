"""The emulator as an object: a server in a thread, with ready-made credentials."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.admin_client import EmulatorAdmin
from airflow_socrata.emulator.app import Application
from airflow_socrata.emulator.edge.accounts import APP_TOKEN, USERS
from airflow_socrata.emulator.edge.portal import Portal
from airflow_socrata.emulator.serving import PortalServer
from airflow_socrata.emulator.settings import Switches

if TYPE_CHECKING:
    from airflow_socrata.emulator.faults import Holds


class Emulator(PortalServer):
    """A Socrata portal on this machine.

    :param host: address to listen on.
    :param port: port, 0 for a free one.
    :param tls: serve HTTPS with a certificate made for this run; ``ca_file`` is its authority.
    :param seed: makes the generated ids the same in each run.
    :param switches: see ``Switches``; ``Emulator(backend="old")``.
    :raises ValueError: a switch is unknown or has a wrong value.
    """

    vendor = "Socrata"

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        seed: int | None = None,
        **switches: Any,
    ) -> None:
        self.portal = Portal(Switches().changed(switches), seed)
        super().__init__(host, port)
        self._listen_for(Application(self.portal, self._connections), tls=tls)
        user = USERS["publisher"]
        self.username, self.password, self.app_token = user.key_id, user.key_secret, APP_TOKEN
        self.access_token = user.access_token
        self.admin = EmulatorAdmin(self.url, self.ca_file)

    @property
    def holds(self) -> Holds:
        """The requests that tests hold."""
        return self.portal.holds

    def _clear(self) -> None:
        self.portal.desk.clear()
        self.portal.kept.clear()
        self.portal.store.close()

    @property
    def connection(self) -> dict[str, Any]:
        """An Airflow connection to it, as ``AIRFLOW_CONN_…`` takes it (written as JSON)."""
        return {
            "conn_type": "socrata",
            "host": self.domain,
            "port": self.port,
            "login": self.username,
            "password": self.password,
            "schema": "https" if self.ca_file else "http",
            "extra": {"app_token": self.app_token, "verify": self.ca_file or True},
        }

    @property
    def connection_json(self) -> str:
        """``connection`` as text."""
        return json.dumps(self.connection)

    @property
    def facts(self) -> dict[str, Any]:
        """What a client has to know."""
        return {
            "url": self.url,
            "domain": self.domain,
            "username": self.username,
            "password": self.password,
            "app_token": self.app_token,
            "ca_file": self.ca_file,
        }
