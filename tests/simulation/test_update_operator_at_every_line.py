"""``SocrataUpdateDatasetOperator`` dies before or after every call and every record, and is tried again.

The operator's own code runs; only its publisher is one that can die. A try that dies begins anew from
``execute()``, also if it had been deferred; a triggerer that dies runs the trigger again.
"""

from __future__ import annotations

import random
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from portal_harness.dying import NEW, OLD, OPERATION, Death, Killed, World

from airflow_socrata.client import PortalError
from airflow_socrata.emulator import Emulator
from airflow_socrata.operators.socrata import SocrataUpdateDatasetOperator
from airflow_socrata.publication.operation import Phase
from airflow_socrata.publication.rollback import roll_back
from airflow_socrata.publication.waits import run_steps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_socrata.publication.publisher import Publisher

SIDES = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
WAITS = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
#: An append doubles its rows when it is published twice.
APPENDED = sorted((row["id"], row["v"]) for row in OLD + NEW)


@pytest.fixture(scope="module")
def portal() -> Iterator[Emulator]:
    with Emulator(preferred_chunk_size=30, parse_looks=1, transform_looks=1, apply_looks=2) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "changes.csv"
    path.write_text("id,v\n" + "".join(f"{row['id']},{row['v']}\n" for row in NEW))
    return path


@dataclass
class UpdateWorld(World):
    """A dataset without a row identifier, and the task that appends to it."""

    shared_time: ClassVar[bool] = True

    def open(self) -> list[int]:
        return [known["seq"] for known in self.portal.admin.revisions(self.dataset) if known["open"]]

    def applied(self) -> int:
        jobs = [job for known in self.portal.admin.revisions(self.dataset) for job in known["task_sets"]]
        return [job["status"] for job in jobs].count("successful")


class Operator(SocrataUpdateDatasetOperator):
    """The operator with a publisher that can die."""

    mortal: Publisher

    @contextmanager
    def publisher(self, context: Any) -> Iterator[Publisher]:
        yield self.mortal


def attempt(world: UpdateWorld, file: Path, death: Death, *, deferrable: bool) -> Any:
    """One try of the task, its deferrals included."""
    operator = Operator(
        task_id=OPERATION.task_id,
        dataset=world.dataset,
        source=str(file),
        parallelism=1,
        timeout=60.0,
        poll_interval=1.0,
        deferrable=deferrable,
    )
    publisher = operator.mortal = world.publisher(death)
    operator.deadline = lambda: publisher.clock.time() + 60.0  # type: ignore[method-assign]
    instance = SimpleNamespace(
        dag_id=OPERATION.dag_id,
        run_id=OPERATION.run_id,
        task_id=OPERATION.task_id,
        map_index=-1,
        xcom_push=lambda **_: None,
    )
    context: Any = {"ti": instance}
    try:
        return operator.execute(context)
    except TaskDeferred as deferral:
        waits = deferral
    while True:
        trigger: Any = waits.trigger
        trigger.patience = lambda: publisher.patience(60.0)
        try:
            run_steps(publisher.session, trigger.steps())
        except Killed:
            # Another triggerer takes it over, from its arguments alone.
            death.dead = False
            _, arguments = trigger.serialize()
            trigger = type(trigger)(**arguments)
            trigger.patience = lambda: publisher.patience(60.0)
            run_steps(publisher.session, trigger.steps())
        try:
            method = getattr(operator, waits.method_name)
            return method(context, {"status": "success", "data": trigger.carried})
        except TaskDeferred as deferral:
            waits = deferral


def moments(portal: Emulator, file: Path, *, deferrable: bool) -> int:
    world, death = UpdateWorld(portal, keyed=False), Death(-1, after=False)
    result = attempt(world, file, death, deferrable=deferrable)
    assert (result["rows_before"], result["rows_after"]) == (len(OLD), len(OLD + NEW))
    assert world.public_rows() == APPENDED
    assert_noted(world)
    return death.count


def assert_noted(world: UpdateWorld, where: str = "") -> None:
    """An append stays on record until the next run: Airflow may not yet know that the task succeeded."""
    assert [intent.phase for intent in world.kept.values()] == [Phase.PUBLISHED], where


def deaths(
    portal: Emulator, file: Path, *, after: bool, deferrable: bool
) -> Iterator[tuple[UpdateWorld, Death, str]]:
    """A world for each moment, in which the task has just died there."""
    last = moments(portal, file, deferrable=deferrable)
    for at in range(last):
        world, death = UpdateWorld(portal, keyed=False), Death(at, after)
        with suppress(Killed):
            attempt(world, file, death, deferrable=deferrable)
        where = f"moment {at}: {death.moments[at]}"
        assert world.public_rows() in (world.old, APPENDED), where
        yield world, death, where


@SIDES
@WAITS
def test_a_retry_publishes_once(portal: Emulator, changes: Path, after: bool, deferrable: bool) -> None:
    for world, _, where in deaths(portal, changes, after=after, deferrable=deferrable):
        attempt(world, changes, Death(-1, after=False), deferrable=deferrable)
        assert world.public_rows() == APPENDED, where
        assert world.applied() == 1, where
        assert world.open() == [], where
        assert_noted(world, where)


@SIDES
def test_the_callback_s_rollback_leaves_old_or_new(portal: Emulator, changes: Path, after: bool) -> None:
    for world, _, where in deaths(portal, changes, after=after, deferrable=False):
        roll_back(world.publisher(), OPERATION.key)
        assert world.public_rows() == (APPENDED if world.applied() else world.old), where
        assert world.open() == [], where


@pytest.mark.parametrize("seed", range(20))
@WAITS
def test_several_deaths_in_a_row(portal: Emulator, changes: Path, seed: int, deferrable: bool) -> None:
    draw = random.Random(seed)
    world, story = UpdateWorld(portal, keyed=False), []
    for _ in range(draw.randint(1, 4)):
        death = Death(draw.randint(0, 45), after=draw.random() < 0.5)
        try:
            attempt(world, changes, death, deferrable=deferrable)
        except Killed:
            story.append(f"{death.moments[-1]} (after: {death.after})")
    attempt(world, changes, Death(-1, after=False), deferrable=deferrable)
    assert world.public_rows() == APPENDED, story
    assert world.applied() == 1, story
    assert world.open() == [], story


@pytest.mark.parametrize("at_apply", [True, False], ids=["while_it_applies", "in_the_check_after"])
def test_a_try_that_fails_after_apply_was_sent_does_not_publish_again(
    portal: Emulator, changes: Path, at_apply: bool
) -> None:
    """Not killed but failed: the task cleans up after itself, and what went live is not published again."""
    world = UpdateWorld(portal, keyed=False)
    path = f"/revision/{world.dataset}/\\d+$" if at_apply else f"/resource/{world.dataset}"
    skip = _calls_before_apply(portal, changes, r"/revision/[^/]+/\d+$" if at_apply else "/resource/")
    portal.admin.add_fault("bad_gateway", "GET", path, skip=skip, times=6)
    try:
        with pytest.raises(PortalError, match="502"):
            attempt(world, changes, Death(-1, after=False), deferrable=False)
        assert [fault["used"] for fault in portal.admin.faults()] == [6]
    finally:
        portal.admin.clear_faults()
    attempt(world, changes, Death(-1, after=False), deferrable=False)
    assert world.applied() == 1
    assert world.public_rows() == APPENDED
    assert world.open() == []


def _calls_before_apply(portal: Emulator, changes: Path, path: str) -> int:
    """How many reads of a path a clean try makes until apply was answered."""
    world = UpdateWorld(portal, keyed=False)
    known = len(portal.admin.requests())
    attempt(world, changes, Death(-1, after=False), deferrable=False)
    calls = portal.admin.requests()[known:]
    sent = next(n for n, call in enumerate(calls) if call["path"].endswith("/apply"))
    reads = [call for call in calls[:sent] if call["method"] == "GET" and re.search(path, call["path"])]
    return len(reads)
