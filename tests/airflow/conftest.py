"""Operators against the emulator."""

from portal_harness.connections import tls_portal, tls_server
from portal_harness.fixtures import (
    clock,
    dataset,
    portal,
    publish_dag,
    socrata_emulator,
    socrata_emulator_server,
    unkeyed,
)
from portal_harness.opendatasoft_fixtures import (
    opendatasoft,
    opendatasoft_emulator,
    opendatasoft_emulator_server,
    use,
)
from portal_harness.tasks import run_task

__all__ = [
    "clock",
    "dataset",
    "opendatasoft",
    "opendatasoft_emulator",
    "opendatasoft_emulator_server",
    "portal",
    "publish_dag",
    "run_task",
    "socrata_emulator",
    "socrata_emulator_server",
    "tls_portal",
    "tls_server",
    "unkeyed",
    "use",
]
