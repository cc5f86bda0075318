"""A person opens a working copy of the very dataset while a run is killed: theirs is never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kill_harness.dag_files import Dag
from kill_harness.flow import Gate
from kill_harness.points import MADE
from kill_harness.revision_points import CREATE
from kill_harness.stories import Plot, plot

if TYPE_CHECKING:
    from kill_harness.flow import Flow
    from kill_harness.stories import Story

COPY = Gate("POST", "/api/views/{dataset}/publication")
PERSON_IS_FIRST = {"kind": "person_copy", "method": "POST", "path": "/api/views/{dataset}/publication"}


def copy_call_that_gets_the_persons(flow: Flow) -> None:
    """A person is a moment faster: the portal answers our copy call with theirs."""
    flow.add_fault(**PERSON_IS_FIRST)
    flow.start(MADE)
    flow.note_person()
    flow.kill("create_working_copy", "task")
    flow.let_go()


def copy_call_that_joins_the_persons_late(flow: Flow) -> None:
    """A person opens a copy after the kill, and our copy call lands after that."""
    flow.start(COPY)
    flow.kill("create_working_copy", "task and supervisor")
    flow.person_opens()
    flow.let_go()


def load_whose_fresh_copy_is_the_persons(flow: Flow) -> None:
    """A killed load trades its working copy for a fresh one; a person opens theirs in between."""
    flow.start(MADE, Gate("POST", "/resource/{copy}", skip=1))
    flow.add_fault(**PERSON_IS_FIRST)
    flow.kill("load", "task")
    flow.reach(MADE)
    flow.note_person()
    flow.let_go()


STORIES = [
    plot(Dag("upsert", retries))(act)
    for act in (copy_call_that_gets_the_persons, copy_call_that_joins_the_persons_late)
    for retries in (0, 2)
] + [plot(Dag("replace", 2))(load_whose_fresh_copy_is_the_persons)]


@pytest.mark.kill_point
@pytest.mark.parametrize("scenario", STORIES, ids=lambda scenario: f"{scenario}-{scenario.dag.retries}")
def test_the_persons_copy_stays(story: Story, scenario: Plot) -> None:
    assert story.flow.person, "the story has checked that this copy is as it was"
    assert (story.state, story.flow.public()) == ("failed", "old")


@plot(Dag(name="late"))
def copy_that_lands_when_all_is_over(flow: Flow) -> None:
    """The portal carries out the copy call after the last rollback; the next run is a clean one."""
    flow.start(COPY)
    flow.kill("create_working_copy", "task")
    flow.wait_terminal()
    flow.wait_callback()
    flow.let_go()
    flow.wait_draft()
    flow.start_again()


@plot(Dag("appending revision", name="late"))
def revision_that_is_made_when_all_is_over(flow: Flow) -> None:
    """The portal carries out the create call after the last rollback; the next run is a clean one."""
    flow.start(CREATE)
    flow.kill("create_revision", "task")
    flow.wait_terminal()
    flow.wait_callback()
    flow.let_go()
    flow.wait_draft()
    flow.start_again()


@pytest.mark.kill_point
@pytest.mark.parametrize(
    "scenario", [copy_that_lands_when_all_is_over, revision_that_is_made_when_all_is_over], ids=str
)
def test_the_next_run_removes_what_was_left(story: Story, scenario: Plot) -> None:
    assert (story.state, story.flow.public()) == ("success", "new")
    assert any("a new one is opened" in line for line in story.log)
