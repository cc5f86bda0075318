"""Operators against the emulator."""

from pathlib import Path

from kill_harness.fixtures import bystander, campaign_of, kill_portal, story
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
    "bystander",
    "clock",
    "dataset",
    "kill_portal",
    "portal",
    "publish_dag",
    "socrata_emulator",
    "socrata_emulator_server",
    "story",
    "unkeyed",
]

campaign = campaign_of(Path(__file__).parent)
