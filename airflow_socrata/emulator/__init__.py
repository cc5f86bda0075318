"""A Socrata portal in a box, for tests and demos: ``with Emulator() as portal: ...``.

It knows the portal from outside and nothing of this project's client. Needs the extra ``emulator``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.emulator.admin_client import EmulatorAdmin

if TYPE_CHECKING:
    from airflow_socrata.emulator.server import Emulator

__all__ = ["Emulator", "EmulatorAdmin"]


def __getattr__(name: str) -> object:
    # The server needs the extra's packages; orders to an emulator elsewhere do not.
    if name == "Emulator":
        from airflow_socrata.emulator import server

        return server.Emulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
