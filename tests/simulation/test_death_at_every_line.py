"""The process dies before or after every call and every record; then it is tried again, or rolled back.

Whatever the line: after a retry the public sees the new rows, after a rollback the old or the new ones, never
a mixture; no working copy of ours is left, and a person's is untouched. Time is turned, not waited for.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from portal_harness.dying import LATER, NEW, OPERATION, Death, Killed, Tasks, World

from airflow_socrata.client import PermissionDenied, View, views
from airflow_socrata.publication import loading, publishing, reopening
from airflow_socrata.publication.loading import Loading
from airflow_socrata.publication.opening import Opening, open_working_copy
from airflow_socrata.publication.publishing import Published, Publishing
from airflow_socrata.publication.rollback import State, roll_back
from airflow_socrata.publication.verifying import verify
from airflow_socrata.records import BatchLimits, Guards, RowsSource

if TYPE_CHECKING:
    from airflow_socrata.emulator import Emulator
    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.publisher import Publisher


class Run(Tasks):
    """Create, load, publish, verify."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.tasks = [
            ("create", self._create),
            ("load", self._load),
            ("publish", self._publish),
            ("verify", self._verify),
        ]

    def _create(self, publisher: Publisher, tried: int) -> Handle:
        method = "copy" if self.world.keyed else "copySchema"
        return open_working_copy(publisher, OPERATION, Opening(self.world.dataset, method, timeout=30))

    def _load(self, publisher: Publisher, tried: int) -> Handle:
        handle: Handle = self.handles["create"]
        how = Loading(
            "load",
            RowsSource(lambda: NEW),
            limits=BatchLimits(rows=2),
            guards=Guards(require_row_identifier=False),
            timeout=30,
        )
        if tried > 1:
            handle = reopening.reopen(publisher, handle, 30)
        if self.world.keyed:
            before = publisher.count(handle.working_copy, 30)
            return handle.with_load(loading.upsert_rows(publisher, handle.working_copy, how, baseline=before))
        return handle.with_load(loading.replace_rows(publisher, handle.working_copy, how, empty=True))

    def _publish(self, publisher: Publisher, tried: int) -> Published:
        done = publishing.start(publisher, [self.handles["load"]], Publishing(timeout=30))
        assert isinstance(done, Published)
        return done

    def _verify(self, publisher: Publisher, tried: int) -> None:
        verify(publisher, self.handles["load"], self.handles["publish"].rows, 30)


def die(world: World, at: int, *, after: bool) -> tuple[Run, Death, bool]:
    run, death = Run(world), Death(at, after)
    try:
        run.go(world.publisher(death))
    except Killed:
        return run, death, True
    return run, death, False


def moments(portal: Emulator, *, keyed: bool) -> int:
    _, death, died = die(World(portal, keyed), -1, after=False)
    assert not died
    return death.count


@pytest.mark.parametrize("keyed", [True, False], ids=["upsert", "replace"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_retry_ends_as_one_clean_run(portal: Emulator, keyed: bool, after: bool) -> None:
    for at in range(moments(portal, keyed=keyed)):
        world = World(portal, keyed)
        run, death, died = die(world, at, after=after)
        where = f"moment {at}: {death.moments[-1]}, task {run.current}"
        assert died, where
        assert world.public_rows() in (world.old, world.new), where
        run.go(world.publisher(), first=run.current, tried=2)
        assert world.public_rows() == world.new, where
        assert world.drafts() == [], where


@pytest.mark.parametrize("keyed", [True, False], ids=["upsert", "replace"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_rollback_leaves_old_or_new_and_nothing_else(portal: Emulator, keyed: bool, after: bool) -> None:
    for at in range(moments(portal, keyed=keyed)):
        world = World(portal, keyed)
        run, death, died = die(world, at, after=after)
        where = f"moment {at}: {death.moments[-1]}, task {run.current}"
        assert died, where
        done = roll_back(world.publisher(), OPERATION.key)
        assert world.public_rows() == (world.new if done.went_live else world.old), where
        assert world.drafts() == [], where
        assert roll_back(world.publisher(), OPERATION.key).is_clean, where


@pytest.mark.parametrize("backend", ["new", "old"])
@pytest.mark.parametrize("seed", range(40))
def test_any_deaths_then_a_retry_or_a_rollback(portal: Emulator, seed: int, backend: str) -> None:
    """Several deaths in a row, at moments drawn from the seed; every failure is replayed by its seed."""
    draw = random.Random(seed)
    world = World(portal, keyed=draw.random() < 0.5, backend=backend)
    run, story = Run(world), []
    first, tried = "create", 1
    for _ in range(draw.randint(1, 4)):
        death = Death(draw.randint(0, 25), after=draw.random() < 0.5)
        try:
            run.go(world.publisher(death), first=first, tried=tried)
        except Killed:
            story.append(f"{run.current}: {death.moments[-1]} (after: {death.after})")
            first, tried = run.current, 2
            continue
        break
    assert world.public_rows() in (world.old, world.new), story
    if draw.random() < 0.5:
        run.go(world.publisher(), first=first, tried=tried)
        assert world.public_rows() == world.new, story
    else:
        done = roll_back(world.publisher(), OPERATION.key)
        assert world.public_rows() == (world.new if done.went_live else world.old), story
    assert world.drafts() == [], story


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_rollback_may_die_as_well(portal: Emulator, after: bool) -> None:
    world = World(portal, keyed=True)
    opened = Run(world)
    opened.handles["create"] = opened._create(world.publisher(), 1)
    for at in range(20):
        death = Death(at, after)
        try:
            roll_back(world.publisher(death), OPERATION.key)
        except Killed:
            assert world.public_rows() == world.old
            continue
        break
    assert world.drafts() == []
    assert world.public_rows() == world.old


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_next_run_clears_what_a_dead_one_left(portal: Emulator, after: bool) -> None:
    for at in range(moments(portal, keyed=True)):
        world = World(portal, keyed=True)
        run, death, _ = die(world, at, after=after)
        where = f"moment {at}: {death.moments[-1]}, task {run.current}"
        handle = open_working_copy(world.publisher(), LATER, Opening(world.dataset, timeout=30))
        assert [copy["id"] for copy in world.drafts()] == [handle.working_copy], where
        roll_back(world.publisher(), LATER.key)
        assert world.drafts() == [], where
        assert world.public_rows() in (world.old, world.new), where


def test_a_persons_copy_is_never_touched(portal: Emulator) -> None:
    for at in range(moments(portal, keyed=True)):
        world = World(portal, keyed=True)
        run, death, _ = die(world, at, after=True)
        roll_back(world.publisher(), OPERATION.key)
        theirs = portal.admin.open_working_copy_as("person", world.dataset)
        roll_back(world.publisher(), OPERATION.key)
        where = f"moment {at}: {death.moments[-1]}, task {run.current}"
        assert [copy["id"] for copy in world.drafts()] == [theirs["id"]], where


def test_a_copy_call_that_lands_after_the_rollback_is_cleared_by_the_next_run(portal: Emulator) -> None:
    world = World(portal, keyed=True)
    _, death, _ = die(world, 8, after=False)
    assert death.moments[-1] == f"copy {world.dataset}"
    assert roll_back(world.publisher(), OPERATION.key).state is State.MAYBE_OPENING
    late = world.publisher().send(views.open_copy(world.dataset, "copy"))
    handle = open_working_copy(world.publisher(), LATER, Opening(world.dataset, timeout=30))
    assert isinstance(late, View)
    assert [copy["id"] for copy in world.drafts()] == [handle.working_copy] != [late.id]


def test_a_refused_mark_leaves_no_working_copy(portal: Emulator) -> None:
    world = World(portal, keyed=True)
    refuse = {"status": 403, "code": "permission_denied", "message": "You may not edit metadata"}
    portal.admin.add_fault("error", "PUT", "/api/views/", **refuse)
    with pytest.raises(PermissionDenied, match="You may not edit metadata"):
        open_working_copy(world.publisher(), OPERATION, Opening(world.dataset, timeout=30))
    assert world.drafts() == []
    assert world.kept == {}
