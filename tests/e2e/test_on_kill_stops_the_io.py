"""A task that is marked failed stops its input and output within 5 s of SIGTERM, and deletes nothing.

Airflow sends SIGTERM at the task's next heartbeat, and SIGKILL 5 s later; until then the task goes on beside
its own rollback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kill_harness.dag_files import Dag
from kill_harness.flow import Gate
from kill_harness.points import MADE, PUBLISHED, QUEUED
from kill_harness.revision_points import APPLIED, CHUNK, READY, UPLOAD
from kill_harness.stories import Plot, plot

if TYPE_CHECKING:
    from kill_harness.flow import Flow
    from kill_harness.stories import Story


def mark_and_watch(flow: Flow, task: str) -> None:
    """Mark a held task failed; its request is held until its process is gone."""
    process = flow.process(task)
    flow.mark(task)
    flow.watch_end(process)
    flow.let_go()


@plot(Dag())
def create_working_copy(flow: Flow) -> None:
    flow.start(MADE)
    mark_and_watch(flow, "create_working_copy")


@plot(Dag())
def load(flow: Flow) -> None:
    flow.start(MADE, Gate("POST", "/resource/{copy}", skip=1))
    mark_and_watch(flow, "load")


@plot(Dag("replace"))
def load_without_row_identifier(flow: Flow) -> None:
    flow.start(MADE, Gate("POST", "/resource/{copy}", skip=1))
    mark_and_watch(flow, "load")


@plot(Dag())
def publish(flow: Flow) -> None:
    flow.start(MADE, PUBLISHED)
    mark_and_watch(flow, "publish")


@plot(Dag())
def publish_that_waits_for_its_job(flow: Flow) -> None:
    flow.start(MADE)
    flow.add_fault(**QUEUED)
    flow.reach(Gate("GET", "/api/views/{copy}/publication"))
    flow.let_go()
    process = flow.process("publish")
    flow.mark("publish")
    flow.watch_end(process)
    flow.admin.finish_jobs(flow.dataset)


@plot(Dag("updating revision"))
def upload_in_chunks(flow: Flow) -> None:
    flow.start(*UPLOAD, CHUNK)
    mark_and_watch(flow, "load")


@plot(Dag("appending revision"))
def apply(flow: Flow) -> None:
    flow.start(*READY, APPLIED)
    mark_and_watch(flow, "apply")


@plot(Dag())
def wait(flow: Flow) -> None:
    flow.start(MADE, PUBLISHED, Gate("GET", "/api/views/{copy}"))
    mark_and_watch(flow, "wait")


PLOTS = {
    create_working_copy: "create_working_copy",
    load: "load",
    load_without_row_identifier: "load",
    publish: "publish",
    publish_that_waits_for_its_job: "publish",
    wait: "wait",
    upload_in_chunks: "load",
    apply: "apply",
}


@pytest.mark.parametrize("scenario", PLOTS, ids=str)
def test_a_killed_task_stops_and_deletes_nothing(story: Story, scenario: Plot) -> None:
    task = PLOTS[scenario]
    told = story.flow.sigterm_at(task)
    ended = story.flow.ended
    assert told is not None, f"Airflow has not terminated {task}"
    assert ended is not None
    print(f"ended {ended - told:.2f} s after SIGTERM")
    assert 0 <= ended - told < 5
    assert not any("discarded" in line for line in story.log if f" {task}: " in line)
    went_live = task in {"publish", "wait", "apply"}
    assert (story.state, story.flow.public()) == ("failed", "new" if went_live else "old")
