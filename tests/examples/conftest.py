"""Operators against the emulator."""

from portal_harness.fixtures import (
    clock,
    dataset,
    portal,
    publish_dag,
    socrata_emulator,
    socrata_emulator_server,
    unkeyed,
)

__all__ = [
    "clock",
    "dataset",
    "portal",
    "publish_dag",
    "socrata_emulator",
    "socrata_emulator_server",
    "unkeyed",
]
