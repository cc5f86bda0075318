"""SIGKILL while a file goes to an Opendatasoft portal, under a real scheduler: green and new, or red and old.

While the portal processes, the public may see something else; the docs say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kill_harness.opendatasoft_dags import OpendatasoftDag
from kill_harness.opendatasoft_points import FAILS, LOOK, ORDERED, SLOW
from kill_harness.opendatasoft_scenarios import OpendatasoftScenario, opendatasoft_scenarios
from kill_harness.stories import Plot, plot

if TYPE_CHECKING:
    from kill_harness.opendatasoft_flow import OpendatasoftFlow
    from kill_harness.stories import Story


@pytest.mark.kill_point
@pytest.mark.parametrize("scenario", opendatasoft_scenarios(), ids=str)
def test_green_and_new_or_red_and_old(story: Story, scenario: OpendatasoftScenario) -> None:
    green = scenario.retries > 0 and scenario.kill_point.tried_again
    assert (story.state, story.flow.public()) == (("success", "new") if green else ("failed", "old"))


@plot(OpendatasoftDag())
def a_person_edits_while_the_portal_processes(flow: OpendatasoftFlow) -> None:
    flow.admin.script(flow.dataset, **FAILS)
    flow.start(ORDERED)
    flow.person_edits()
    flow.kill("publish", "task")
    flow.let_go()


@pytest.mark.kill_point
@pytest.mark.parametrize("scenario", [a_person_edits_while_the_portal_processes], ids=str)
def test_the_persons_edit_stays(story: Story, scenario: Plot) -> None:
    """The story has checked that the dataset has the person's title."""
    assert (story.state, story.flow.public()) == ("failed", "old")


@plot(OpendatasoftDag(name="marked"))
def marked_failed_while_the_portal_processes(flow: OpendatasoftFlow) -> None:
    flow.admin.script(flow.dataset, **SLOW | {"seconds": 60.0})
    flow.start(ORDERED, LOOK)
    process = flow.process("publish")
    flow.mark("publish")
    flow.let_go()
    flow.watch_end(process)


@pytest.mark.kill_point
@pytest.mark.parametrize("scenario", [marked_failed_while_the_portal_processes], ids=str)
def test_what_this_run_ordered_is_aborted(story: Story, scenario: Plot) -> None:
    """Airflow tells the process to end, unless that has met the abort at the portal and ended before."""
    told = story.flow.sigterm_at("publish")
    met_the_abort = any("somebody aborted it" in line for line in story.log if " publish: " in line)
    assert told is not None or met_the_abort
    assert story.flow.ended is not None
    assert told is None or 0 <= story.flow.ended - told < 5
    assert any(call["path"].endswith("/abort/") for call in story.flow.calls("POST"))
    assert (story.state, story.flow.public()) == ("failed", "old")
