"""SIGKILL at every point of the flow, under a real scheduler: all is published, or nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kill_harness.dag_files import Dag
from kill_harness.flow import Gate
from kill_harness.points import MADE, POINTS
from kill_harness.scenarios import Scenario, scenarios
from kill_harness.stories import plot

if TYPE_CHECKING:
    from kill_harness.flow import Flow
    from kill_harness.stories import Plot, Story


@pytest.mark.kill_point
@pytest.mark.parametrize("scenario", scenarios(), ids=str)
def test_all_is_published_or_nothing_changes(story: Story, scenario: Scenario) -> None:
    point = scenario.kill_point
    if scenario.retries and point.tried_again:
        assert (story.state, story.flow.public()) == ("success", "new")
    else:
        assert story.state == "failed"
        assert story.flow.public() in ({"old", "new"} if point.public == "either" else {point.public})


DEFERRABLE = Dag("upsert", 2, name="deferrable", group="deferrable=True,")


@plot(DEFERRABLE)
def publish_of_a_deferrable_run(flow: Flow) -> None:
    point = POINTS["publish that lands in the checks of the next try"]
    flow.start(*point.gates)
    flow.kill("publish", "task")
    assert isinstance(point.release, Gate)
    flow.land_at(point.release)
    flow.let_go()


@plot(DEFERRABLE)
def create_of_a_deferrable_run(flow: Flow) -> None:
    flow.start(MADE)
    flow.kill("create_working_copy", "task and supervisor")
    flow.let_go()


@pytest.mark.kill_point
@pytest.mark.parametrize("scenario", [publish_of_a_deferrable_run, create_of_a_deferrable_run], ids=str)
def test_a_deferrable_run_that_is_tried_again(story: Story, scenario: Plot) -> None:
    assert (story.state, story.flow.public()) == ("success", "new")
