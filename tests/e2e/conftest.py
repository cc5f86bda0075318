"""Runs whose processes are killed, on a real Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kill_harness.fixtures import bystander, campaign_of, dataset_bystander, kill_portal, story
from kill_harness.opendatasoft_scenarios import FEW_OPENDATASOFT, opendatasoft_scenarios
from kill_harness.scenarios import FEW, scenarios

if TYPE_CHECKING:
    import pytest

__all__ = ["bystander", "campaign", "dataset_bystander", "kill_portal", "story"]

campaign = campaign_of(Path(__file__).parent)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave all but a few kill points out, unless told."""
    if config.getoption("--all-kill-points"):
        return
    known = {*scenarios(), *opendatasoft_scenarios()}
    assert {*FEW, *FEW_OPENDATASOFT} <= known, "a kill point of the few has another name now"
    ours = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    left_out = [item for item in ours if item.get_closest_marker("kill_point") and not _is_of_the_few(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_of_the_few(item: pytest.Item) -> bool:
    return getattr(item, "callspec").params["scenario"] in {*FEW, *FEW_OPENDATASOFT}  # noqa: B009 - functions alone have it
