"""Traps that need a real scheduler: time-outs, a person who marks and clears, kills that are not instant.

Each test is named after the trap; its text says what Airflow does, and what keeps the promise all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kill_harness.dag_files import Dag
from kill_harness.flow import Gate
from kill_harness.points import BATCH_FAILS, MADE, QUEUED
from kill_harness.stories import Plot, plot

if TYPE_CHECKING:
    from kill_harness.flow import Flow
    from kill_harness.stories import Story

COPY = Gate("POST", "/api/views/{dataset}/publication")
BATCH = Gate("POST", "/resource/{copy}", skip=1)
PUBLISH = Gate("POST", "/api/views/{copy}/publication")


def told(*plots: Plot) -> pytest.MarkDecorator:
    """Run the test on what became of each plot."""
    return pytest.mark.parametrize("scenario", plots, ids=str)


def messages(story: Story, task: str) -> str:
    """What a task logged."""
    return "\n".join(line for line in story.log if f" {task}: " in line)


# --- time-outs ---


@plot(Dag(name="run_timeout", options="dagrun_timeout=timedelta(seconds=60),"))
def run_times_out(flow: Flow) -> None:
    flow.start(MADE, BATCH)
    flow.wait_terminal()


@told(run_times_out)
def test_dagrun_timeout_skips_the_teardown(story: Story) -> None:
    """At the deadline every task that is left is skipped, the rollback too: the DAG's callback rolls back."""
    assert story.tasks["discard_working_copy"] == "skipped"
    assert (story.state, story.flow.public()) == ("failed", "old")


@plot(Dag(name="task_timeout", load="execution_timeout=timedelta(seconds=5),"))
def load_times_out(flow: Flow) -> None:
    flow.start(MADE, BATCH)
    flow.wait_task("load", "failed")


@told(load_times_out)
def test_execution_timeout_leaves_the_working_copy_to_the_rollback(story: Story) -> None:
    """The time-out is raised in the task, in the middle of a request; the teardown rolls back."""
    assert "AirflowTaskTimeout" in messages(story, "load")
    assert story.tasks["discard_working_copy"] == "success"
    assert (story.state, story.flow.public()) == ("failed", "old")


# --- who decides the run's colour ---


@plot(Dag())
def load_is_marked_failed(flow: Flow) -> None:
    flow.start(MADE, BATCH)
    flow.mark("load")


@plot(Dag())
def create_is_marked_failed(flow: Flow) -> None:
    flow.start(COPY)
    seen = flow.last_request()
    flow.mark("create_working_copy")
    flow.wait_call(seen, "GET")
    flow.let_go()


@plot(Dag())
def create_is_marked_failed_when_copied(flow: Flow) -> None:
    flow.start(MADE)
    flow.mark("create_working_copy")


@told(load_is_marked_failed, create_is_marked_failed, create_is_marked_failed_when_copied)
def test_a_task_that_is_marked_failed(story: Story) -> None:
    """The task goes on for seconds beside its own rollback: it may load into a copy that is gone, at most."""
    assert (story.state, story.flow.public()) == ("failed", "old")


@plot(Dag())
def publish_is_marked_failed(flow: Flow) -> None:
    flow.start(MADE, PUBLISH)
    seen = flow.last_request()
    flow.mark("publish")
    flow.wait_call(seen, "GET")
    flow.let_go()


@told(publish_is_marked_failed)
def test_publish_that_is_marked_failed_in_flight(story: Story) -> None:
    """Deleting the copy beside a publish in flight is the danger: the rollback waits for the call to end."""
    assert not any("was discarded" in line for line in story.log)
    assert (story.state, story.flow.public()) == ("failed", "new")


@plot(Dag(name="deferrable", group="deferrable=True,"))
def deferred_publish_is_marked_failed(flow: Flow) -> None:
    flow.start(MADE)
    flow.add_fault(**QUEUED)
    flow.let_go()
    flow.wait_task("publish", "deferred")
    seen = flow.last_request()
    flow.mark("publish")
    flow.wait_call(seen, "GET")
    flow.admin.finish_jobs(flow.dataset)


@told(deferred_publish_is_marked_failed)
def test_a_deferred_publish_that_is_marked_failed(story: Story) -> None:
    """The portal goes on with a job that it has accepted: the rollback waits for its end, the run is red."""
    assert (story.state, story.flow.public()) == ("failed", "new")


@plot(Dag())
def run_is_marked_failed_during_the_load(flow: Flow) -> None:
    flow.start(MADE, BATCH)
    flow.mark_run()


@plot(Dag())
def run_is_marked_failed_during_the_copy(flow: Flow) -> None:
    flow.start(MADE)
    flow.mark_run()


@told(run_is_marked_failed_during_the_load, run_is_marked_failed_during_the_copy)
def test_a_run_that_is_marked_failed(story: Story) -> None:
    """The teardown runs and decides the run's state anew: green, if the rollback did not tell the truth."""
    assert (story.state, story.flow.public()) == ("failed", "old")


@plot(Dag(name="fail_fast", options="fail_fast=True,"))
def load_fails_fast(flow: Flow) -> None:
    flow.start(MADE)
    flow.add_fault(**BATCH_FAILS)
    flow.let_go()


@told(load_fails_fast)
def test_fail_fast_skips_what_would_fail_the_run(story: Story) -> None:
    """What follows is skipped, not failed, and the teardown alone decides: green, if it did not tell."""
    assert (story.state, story.flow.public()) == ("failed", "old")


# --- clearing ---


@plot(Dag())
def load_is_cleared(flow: Flow) -> None:
    flow.start(MADE)
    flow.let_go()
    assert flow.wait_terminal() == "success"
    cleared = flow.clear("load", downstream=True)
    assert {"create_working_copy", "load", "publish", "discard_working_copy"} <= set(cleared)


@told(load_is_cleared)
def test_clearing_a_load_clears_its_setup_and_teardown(story: Story) -> None:
    """The whole publication runs again, on a fresh working copy."""
    assert (story.state, story.flow.public()) == ("success", "new")
    opened = [line for line in story.log if " create_working_copy: Working copy" in line]
    assert len(opened) == 2


@plot(Dag())
def only_publish_is_cleared(flow: Flow) -> None:
    flow.start(MADE)
    flow.let_go()
    assert flow.wait_terminal() == "success"
    flow.clear("publish")


@told(only_publish_is_cleared)
def test_clearing_only_publish_would_publish_an_empty_copy(story: Story) -> None:
    """The setup runs again and the load does not: Publish refuses a copy other than the loaded one."""
    assert story.tasks["publish"] == "failed"
    assert "the load did not. Clear the load tasks too" in messages(story, "publish")
    assert (story.state, story.flow.public()) == ("failed", "new")


@plot(Dag())
def only_failed_is_cleared(flow: Flow) -> None:
    flow.start(MADE)
    flow.add_fault(**BATCH_FAILS)
    flow.let_go()
    assert flow.wait_terminal() == "failed"
    cleared = flow.clear("load", "publish", "wait", "verify", failed=True)
    assert "create_working_copy" not in cleared


@told(only_failed_is_cleared)
def test_clearing_only_failed_tasks_finds_the_copy_gone(story: Story) -> None:
    """The setup does not run again: the load fails at once and says what to clear; it never opens a copy."""
    told = messages(story, "load")
    assert "Clear the task that opens it (roads.create_working_copy), with its downstream tasks" in told
    assert (story.state, story.flow.public()) == ("failed", "old")


@plot(Dag())
def create_is_cleared_in_the_run(flow: Flow) -> None:
    flow.start(MADE, BATCH)
    flow.clear("create_working_copy", downstream=True)
    flow.let_go()


@plot(Dag())
def load_is_cleared_in_the_run(flow: Flow) -> None:
    flow.start(MADE, BATCH)
    flow.clear("load", downstream=True)
    flow.let_go()


@told(create_is_cleared_in_the_run, load_is_cleared_in_the_run)
def test_clearing_in_the_middle_of_the_run_opens_a_second_copy(story: Story) -> None:
    """Create finds the copy that it has opened before, and discards it first: none is orphaned."""
    assert (story.state, story.flow.public()) == ("success", "new")
