"""The emulator as an object: a server in a thread, with ready-made credentials."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft.accounts import key_of
from airflow_socrata.emulator.opendatasoft.admin_client import OpendatasoftAdmin
from airflow_socrata.emulator.opendatasoft.app import Application
from airflow_socrata.emulator.opendatasoft.portal import Portal
from airflow_socrata.emulator.opendatasoft.settings import Switches
from airflow_socrata.emulator.serving import PortalServer

if TYPE_CHECKING:
    from airflow_socrata.emulator.faults import Holds


class OpendatasoftEmulator(PortalServer):
    """An Opendatasoft (Huwise) portal on this machine.

    :param host: address to listen on.
    :param port: port, 0 for a free one.
    :param tls: serve HTTPS with a certificate made for this run; ``ca_file`` is its authority.
    :param seed: makes the generated ids the same in each run.
    :param switches: see ``Switches``; ``OpendatasoftEmulator(record_limit=1000)``.
    :raises ValueError: a switch is unknown or has a wrong value.
    """

    vendor = "Opendatasoft"

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        seed: int | None = None,
        **switches: Any,
    ) -> None:
        chosen = Switches().changed(switches)
        super().__init__(host, port)
        self.portal = Portal(chosen, seed)
        self._listen_for(Application(self.portal, self._connections), tls=tls)
        self.api_key, self.person_key = key_of("publisher"), key_of("person")
        self.editor_key, self.reader_key = key_of("editor"), key_of("reader")
        self.username, self.password = "publisher", "publisher-password"
        self.admin = OpendatasoftAdmin(self.url, self.ca_file)

    @property
    def holds(self) -> Holds:
        """The requests that tests hold."""
        return self.portal.holds

    def _clear(self) -> None:
        self.portal.clear()

    @property
    def connection(self) -> dict[str, Any]:
        """An Airflow connection to it, as ``AIRFLOW_CONN_…`` takes it (written as JSON)."""
        return {
            "conn_type": "opendatasoft",
            "host": self.domain,
            "port": self.port,
            "password": self.api_key,
            "schema": "https" if self.ca_file else "http",
            "extra": {"api": "automation", "verify": self.ca_file or True},
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
            "api_key": self.api_key,
            "editor_key": self.editor_key,
            "username": self.username,
            "password": self.password,
            "ca_file": self.ca_file,
        }
