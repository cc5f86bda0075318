"""SIGKILL at every point of the flow, under a real scheduler: all is published, or nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kill_harness.points import POINTS, Scenario, scenarios

if TYPE_CHECKING:
    from kill_harness.flow import Story


@pytest.mark.kill_point
@pytest.mark.parametrize("scenario", scenarios(), ids=str)
def test_all_is_published_or_nothing_changes(story: Story, scenario: Scenario) -> None:
    point = POINTS[scenario.point]
    if scenario.retries and point.tried_again:
        assert (story.state, story.flow.public()) == ("success", "new")
    else:
        assert story.state == "failed"
        assert story.flow.public() in ({"old", "new"} if point.public == "either" else {point.public})
