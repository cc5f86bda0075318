"""The process dies before or after every call and every record; then it is tried again, or rolled back.

There is no draft on these portals, so the public may see the new records before they are verified; but at
rest, after a retry, a rollback or the next run, it sees the old or the new ones, and never anything else.
Time is turned, not waited for.
"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.changes import LATER, Run, World, roll_back_and_forget
from portal_harness.dying import Death, Killed

from airflow_socrata.emulator.opendatasoft import OpendatasoftEmulator
from airflow_socrata.publication.opendatasoft.opening import Opening, open_restore_point

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def portal() -> Iterator[OpendatasoftEmulator]:
    with OpendatasoftEmulator() as emulator:
        yield emulator


def die(world: World, at: int, *, after: bool) -> tuple[Run, Death, bool]:
    run, death = Run(world), Death(at, after)
    try:
        run.go(world.publisher(death))
    except Killed:
        return run, death, True
    return run, death, False


def deaths(
    portal: OpendatasoftEmulator, folder: Path, *, after: bool, **more: Any
) -> Iterator[tuple[World, Run, str]]:
    """Die at each moment in turn, each time in a new world; how many there are depends on the pauses."""
    for at in itertools.count():
        world = World(portal, folder, **more)
        run, death, died = die(world, at, after=after)
        if not died:
            assert at > 25
            return
        yield world, run, f"moment {at}: {death.moments[-1]}, task {run.current}"


def clean_run(portal: OpendatasoftEmulator, folder: Path, **more: Any) -> tuple[World, Death]:
    world = World(portal, folder, **more)
    _, death, died = die(world, -1, after=False)
    assert not died
    return world, death


@pytest.mark.parametrize(
    ("api", "published"), [("automation", True), ("management", False)], ids=["published", "unpublished"]
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_retry_ends_as_one_clean_run(
    portal: OpendatasoftEmulator, tmp_path: Path, after: bool, published: bool, api: str
) -> None:
    more: dict[str, Any] = {"published": published, "api": api}
    for world, run, where in deaths(portal, tmp_path, after=after, **more):
        run.go(world.publisher(), first=run.current, tried=2)
        assert world.records() == world.new, where
        state = world.state()
        assert state["published"], where
        assert [one["title"] for one in state["resources"]] == ["stops"], where
        assert roll_back_and_forget(world).went_live, where
        assert world.kept == {}, where
        assert world.records() == world.new, where


@pytest.mark.parametrize(
    ("api", "published"), [("automation", True), ("management", False)], ids=["published", "unpublished"]
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_rollback_leaves_old_or_new_and_nothing_else(
    portal: OpendatasoftEmulator, tmp_path: Path, after: bool, published: bool, api: str
) -> None:
    more: dict[str, Any] = {"published": published, "api": api}
    for world, _, where in deaths(portal, tmp_path, after=after, **more):
        done = roll_back_and_forget(world)
        assert done.is_clean, where
        if done.went_live:
            assert world.records() == world.new, where
        else:
            world.check_old((where, done))
            assert world.source() == "stops.csv", (where, done)
        assert world.kept == {}, where


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_next_run_brings_back_what_a_dead_one_left(
    portal: OpendatasoftEmulator, tmp_path: Path, after: bool
) -> None:
    for world, _, where in deaths(portal, tmp_path, after=after):
        verified = "verified" in [one["phase"] for one in world.kept.values()]
        handle = open_restore_point(world.publisher(), LATER, Opening("stops", tmp_path, timeout=300))
        assert list(world.kept) == [LATER.key], where
        assert handle.baseline.records == len(world.new if verified else world.old), where
        assert world.records() == (world.new if verified else world.old), where
        roll_back_and_forget(world, operation=LATER)
        assert world.kept == {}, where
        assert world.records() == (world.new if verified else world.old), where


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("to", ["upload", "publish"])
def test_a_rollback_may_die_as_well(
    portal: OpendatasoftEmulator, tmp_path: Path, after: bool, to: str
) -> None:
    for at in range(60):
        world = World(portal, tmp_path)
        run = Run(world)
        for name, task in run.tasks[: 2 if to == "upload" else 3]:
            run.handles[name] = task(world.publisher(), 1)
        death = Death(at, after)
        try:
            roll_back_and_forget(world, death)
        except Killed:
            where = f"moment {at}: {death.moments[-1]}"
            assert roll_back_and_forget(world).is_clean, where
            world.check_old(where)
            assert world.source() == "stops.csv", where
            assert world.kept == {}, where
            continue
        break
    else:
        raise AssertionError("the rollback has no end")
    world.check_old("no death")


@pytest.mark.parametrize("kind", ["lost_reply", "unavailable"])
def test_one_reply_is_lost(portal: OpendatasoftEmulator, tmp_path: Path, kind: str) -> None:
    """Whichever request fails once, the run ends as if nothing had happened; so does its rollback."""
    for skip in range(clean_run(portal, tmp_path)[1].count):
        world = World(portal, tmp_path)
        portal.admin.add_fault(kind, None, "^/api/", skip=skip)
        run = Run(world)
        run.go(world.publisher())
        assert world.records() == world.new, skip
        portal.admin.clear_faults()


@pytest.mark.parametrize("kind", ["lost_reply"])
def test_one_reply_of_a_rollback_is_lost(portal: OpendatasoftEmulator, tmp_path: Path, kind: str) -> None:
    for skip in range(25):
        world = World(portal, tmp_path)
        run = Run(world)
        for name, task in run.tasks[:3]:
            run.handles[name] = task(world.publisher(), 1)
        portal.admin.add_fault(kind, None, "^/api/", skip=skip)
        assert roll_back_and_forget(world).is_clean, skip
        portal.admin.clear_faults()
        world.check_old(skip)
        assert world.source() == "stops.csv", skip


SWITCHES = [
    {},
    {"hidden_looks": 2},
    {"processing_shows": "half"},
    {"read_configuration": "queued"},
    {"writes_while_busy": "refuse"},
    {"republish_deletes": True, "save_version": True},
    {"same_name_upload": "suffix", "explore_lag_seconds": 5.0},
    {"versions_kept": 2},
    {"versions_order": "newest_first", "changes_order": "oldest_first"},
    {"queued_seconds": 20.0, "processing_seconds": 30.0},
]


@pytest.mark.parametrize("seed", range(40))
def test_any_deaths_and_faults_then_a_retry_a_rollback_or_the_next_run(
    portal: OpendatasoftEmulator, tmp_path: Path, seed: int
) -> None:
    """Several deaths in a row among faults, at moments drawn from the seed, which replays every failure."""
    draw = random.Random(seed)
    switches = draw.choice(SWITCHES)
    world = World(
        portal,
        tmp_path,
        api=draw.choice(["automation", "management"]),
        published=draw.random() < 0.7,
        switches=switches,
    )
    run, story = Run(world), [str(switches)]
    first, tried = "note", 1
    for _ in range(draw.randint(1, 4)):
        if draw.random() < 0.5:
            kind, skip = draw.choice(["lost_reply", "unavailable", "bad_gateway"]), draw.randint(0, 20)
            portal.admin.add_fault(kind, None, "^/api/", skip=skip)
            story.append(f"{kind} after {skip}")
        if draw.random() < 0.3:
            outcome = draw.choice(["error", "limit", "slow"])
            portal.admin.script("stops", outcome)
            story.append(outcome)
        death = Death(draw.randint(0, 30), after=draw.random() < 0.5)
        try:
            run.go(world.publisher(death), first=first, tried=tried)
        except Killed:
            story.append(f"{run.current}: {death.moments[-1]} (after: {death.after})")
            first, tried = run.current, 2
            continue
        except Exception as error:
            story.append(f"{run.current}: {error}")
            first, tried = run.current, 2
            continue
        break
    portal.admin.clear_faults()
    portal.admin.script("stops", "success")  # what is left of outcomes comes before this one
    fate = draw.choice(["retry", "rollback", "next run"])
    story.append(fate)
    verified = any(one["phase"] == "verified" for one in world.kept.values())
    if fate == "retry":
        for _ in range(4):
            try:
                run.go(world.publisher(), first=first, tried=tried)
            except Exception as error:
                story.append(f"{run.current}: {error}")
                first = run.current
                continue
            break
        assert world.records() == world.new, story
    elif fate == "rollback":
        for _ in range(4):
            done = roll_back_and_forget(world)
            if done.is_clean:
                break
            story.append(done.did)
        if done.went_live:
            assert world.records() == world.new, story
        else:
            world.check_old(story)
    else:
        open_restore_point(world.publisher(), LATER, Opening("stops", tmp_path, timeout=300))
        assert world.records() == (world.new if verified else world.old), story
        roll_back_and_forget(world, operation=LATER)
    assert world.kept == {} or fate == "retry", story


def test_a_persons_edit_is_never_undone(portal: OpendatasoftEmulator, tmp_path: Path) -> None:
    """A person edits the title just before any of this run's requests; no rollback takes that back."""
    for skip in range(clean_run(portal, tmp_path)[1].count - 8):
        world = World(portal, tmp_path)
        portal.admin.add_fault("person_edits", None, f"/datasets/{world.dataset}/", skip=skip)
        run = Run(world)
        for name, task in run.tasks[:3]:
            run.handles[name] = task(world.publisher(), 1)
        edited = world.state()["title"] == "A person's title"
        done = roll_back_and_forget(world)
        assert done.is_clean, skip
        world.check_old((skip, done))
        assert world.source() == "stops.csv", (skip, done)
        assert not edited or world.state()["title"] == "A person's title", (skip, done)
        portal.admin.clear_faults()


def test_a_person_publishes_at_any_moment(portal: OpendatasoftEmulator, tmp_path: Path) -> None:
    for skip in range(0, clean_run(portal, tmp_path)[1].count - 8, 2):
        world = World(portal, tmp_path)
        portal.admin.add_fault("person_publishes", None, f"/datasets/{world.dataset}/", skip=skip)
        run = Run(world)
        run.go(world.publisher())
        assert world.records() == world.new, skip
        portal.admin.clear_faults()
        world = World(portal, tmp_path)
        portal.admin.add_fault("person_publishes", None, f"/datasets/{world.dataset}/", skip=skip)
        run = Run(world)
        for name, task in run.tasks[:2]:
            run.handles[name] = task(world.publisher(), 1)
        assert roll_back_and_forget(world).is_clean, skip
        world.check_old(skip)
        portal.admin.clear_faults()
