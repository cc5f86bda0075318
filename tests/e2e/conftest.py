"""Runs whose processes are killed, on a real Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kill_harness.fixtures import bystander, campaign_of, kill_portal, story

if TYPE_CHECKING:
    import pytest

__all__ = ["bystander", "campaign", "kill_portal", "story"]

campaign = campaign_of(Path(__file__).parent)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs all."""
    parser.addoption(
        "--all-kill-points",
        action="store_true",
        help="kill processes at every point of the flow, instead of three",
    )
