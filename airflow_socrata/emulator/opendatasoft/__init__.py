"""An Opendatasoft (Huwise) portal in a box: ``with OpendatasoftEmulator() as portal: ...``.

It knows the portal from outside and nothing of this project's client. Needs the extra ``emulator``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.emulator.opendatasoft.admin_client import OpendatasoftAdmin

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft.server import OpendatasoftEmulator

__all__ = ["OpendatasoftAdmin", "OpendatasoftEmulator"]


def __getattr__(name: str) -> object:
    # The server needs the extra's packages; orders to an emulator elsewhere do not.
    if name == "OpendatasoftEmulator":
        from airflow_socrata.emulator.opendatasoft import server

        return server.OpendatasoftEmulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
