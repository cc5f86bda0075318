"""SIGKILL at every point of the flow, under a real scheduler: all is published, or nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kill_harness.points import POINTS, Scenario, scenarios

if TYPE_CHECKING:
    from kill_harness.campaign import Campaign
    from kill_harness.flow import Bystander

#: What runs without ``--all-kill-points``.
FEW = [
    Scenario("copied, not recorded and not marked", "replace", "task and supervisor"),
    Scenario("batch, after its commit", "replace", "task", retries=2),
    Scenario("publish, before the portal acts", "upsert", "task"),
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take the few, or all."""
    if "scenario" in metafunc.fixturenames:
        whole = metafunc.config.getoption("--all-kill-points", default=False)
        found = scenarios() if whole else FEW
        metafunc.parametrize("scenario", found, ids=str)


@pytest.mark.kill_point
def test_all_is_published_or_nothing_changes(
    campaign: Campaign, bystander: Bystander, scenario: Scenario
) -> None:
    point = POINTS[scenario.point]
    story = campaign.story(scenario)
    flow = story.flow
    print(f"{story.seconds:.0f} s, {story.state}, clean after {story.clean_after:.1f} s, {dict(story.tasks)}")
    print(*story.log, sep="\n")
    if scenario.retries and point.tried_again:
        assert (story.state, flow.public()) == ("success", "new"), story.tasks
    else:
        assert story.state == "failed", story.tasks
        assert flow.public() in ({"old", "new"} if point.public == "either" else {point.public})
    assert flow.seen <= {"old", "new"}, "the public saw rows of a run that had not gone live"
    assert flow.copies() == []
    assert flow.record() is None
    assert bystander.is_untouched()
