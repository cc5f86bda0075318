"""Portals in a box, for tests and demos: ``with Emulator() as portal: ...``.

``Emulator`` is a Socrata portal, ``OpendatasoftEmulator`` an Opendatasoft one.
They know the portals from outside and nothing of this project's client. Need the extra ``emulator``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.emulator.admin_client import EmulatorAdmin
from airflow_socrata.emulator.opendatasoft import OpendatasoftAdmin

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft import OpendatasoftEmulator
    from airflow_socrata.emulator.server import Emulator

__all__ = ["Emulator", "EmulatorAdmin", "OpendatasoftAdmin", "OpendatasoftEmulator"]


def __getattr__(name: str) -> object:
    # The server needs the extra's packages; orders to an emulator elsewhere do not.
    if name == "Emulator":
        from airflow_socrata.emulator import server

        return server.Emulator
    if name == "OpendatasoftEmulator":
        from airflow_socrata.emulator.opendatasoft import server as opendatasoft_server

        return opendatasoft_server.OpendatasoftEmulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
