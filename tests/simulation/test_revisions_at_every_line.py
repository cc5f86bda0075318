"""A publication by revision dies before or after every call and every record; then it goes on, or back.

Whatever the line: after a retry the public sees the rows as one clean run leaves them, and one revision was
applied once; after a rollback the old or the new rows; no revision of ours stays open, and a person's is
untouched. Time is turned, not waited for.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from portal_harness.dying import LATER, NEW, OLD, OPERATION, Death, Killed, Tasks, World

from airflow_socrata.client import revisions as calls
from airflow_socrata.emulator import Emulator
from airflow_socrata.publication.operation import MARK_KEY, Mark, Operation
from airflow_socrata.publication.proof import Outcome
from airflow_socrata.publication.revisions import applying, hygiene, uploading
from airflow_socrata.publication.revisions.applying import Applying
from airflow_socrata.publication.revisions.files import UploadFile
from airflow_socrata.publication.revisions.opening import RevisionOpening, open_revision
from airflow_socrata.publication.revisions.uploading import Uploading
from airflow_socrata.publication.rollback import State, roll_back
from airflow_socrata.publication.verifying import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.revisions.handle import RevisionHandle

#: What is published -> row identifier, action.
KINDS: dict[str, tuple[bool, Any]] = {
    "upsert": (True, "update"),
    "replace": (False, "replace"),
    "append": (False, "update"),
}
SIDES = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
ALL_KINDS = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def portal() -> Iterator[Emulator]:
    # Two chunks, so that a process can die between them.
    with Emulator(preferred_chunk_size=30) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "changes.csv"
    path.write_text("id,v\n" + "".join(f"{row['id']},{row['v']}\n" for row in NEW))
    return path


@dataclass
class RevisionWorld(World):
    """A dataset, and the revisions of it."""

    kind: str = "upsert"
    shared_time: ClassVar[bool] = True

    @classmethod
    def of(cls, portal: Emulator, kind: str) -> RevisionWorld:
        return cls(portal, KINDS[kind][0], kind=kind)

    @property
    def action(self) -> Any:
        return KINDS[self.kind][1]

    @property
    def new(self) -> list[tuple[str, str]]:
        if self.kind == "append":
            return sorted((row["id"], row["v"]) for row in OLD + NEW)
        return super().new

    def revisions(self) -> list[dict[str, Any]]:
        return self.portal.admin.revisions(self.dataset)

    def open(self) -> list[int]:
        return [revision["seq"] for revision in self.revisions() if revision["open"]]

    def applied(self) -> list[int]:
        """The revision of each task set that was successful."""
        return [
            revision["seq"]
            for revision in self.revisions()
            for job in revision["task_sets"]
            if job["status"] == "successful"
        ]


class Run(Tasks):
    """Create, upload, apply, verify."""

    def __init__(self, world: RevisionWorld, file: Path, *, parallelism: int = 1) -> None:
        super().__init__()
        self.world = world
        self.how = Uploading("upload", UploadFile(file), parallelism=parallelism)
        self.operation = OPERATION
        self.tasks = [
            ("create", self._create),
            ("upload", self._upload),
            ("apply", self._apply),
            ("verify", self._verify),
        ]

    def _create(self, publisher: Publisher, tried: int) -> RevisionHandle:
        opening = RevisionOpening(self.world.dataset, self.world.action, timeout=30)
        return open_revision(publisher, self.operation, opening)

    def _upload(self, publisher: Publisher, tried: int) -> RevisionHandle:
        return uploading.upload(publisher, self.handles["create"], self.how, timeout=60)

    def _apply(self, publisher: Publisher, tried: int) -> applying.Applied:
        done = applying.start(publisher, self.handles["upload"], Applying(timeout=30))
        if done.outcome is Outcome.OPEN:
            done = applying.follow(publisher, self.handles["upload"], 60, await_approval=True)
        assert done.outcome is Outcome.PUBLISHED
        return done

    def _verify(self, publisher: Publisher, tried: int) -> None:
        done = self.handles["apply"]
        verify(publisher, done.handle, done.rows, 30)


def die(world: RevisionWorld, file: Path, at: int, *, after: bool) -> tuple[Run, Death, bool]:
    run, death = Run(world, file), Death(at, after)
    try:
        run.go(world.publisher(death))
    except Killed:
        return run, death, True
    return run, death, False


def moments(portal: Emulator, file: Path, kind: str) -> int:
    _, death, died = die(RevisionWorld.of(portal, kind), file, -1, after=False)
    assert not died
    return death.count


def each_death(
    portal: Emulator, file: Path, kind: str, *, after: bool
) -> Iterator[tuple[RevisionWorld, Run, str]]:
    """A world for each moment, in which the run has just died there."""
    for at in range(moments(portal, file, kind)):
        world = RevisionWorld.of(portal, kind)
        run, death, died = die(world, file, at, after=after)
        where = f"moment {at}: {death.moments[-1]}, task {run.current}"
        assert died, where
        assert world.public_rows() in (world.old, world.new), where
        yield world, run, where


@ALL_KINDS
@SIDES
def test_a_retry_ends_as_one_clean_run(portal: Emulator, changes: Path, kind: str, after: bool) -> None:
    for world, run, where in each_death(portal, changes, kind, after=after):
        run.go(world.publisher(), first=run.current, tried=2)
        assert world.public_rows() == world.new, where
        assert world.open() == [], where
        assert len(world.applied()) == 1, where


@ALL_KINDS
@SIDES
def test_a_rollback_leaves_old_or_new_and_nothing_else(
    portal: Emulator, changes: Path, kind: str, after: bool
) -> None:
    for world, _, where in each_death(portal, changes, kind, after=after):
        done = roll_back(world.publisher(), OPERATION.key)
        assert world.public_rows() == (world.new if done.went_live else world.old), where
        assert world.open() == [], where
        assert len(world.applied()) == done.went_live, where
        assert roll_back(world.publisher(), OPERATION.key).is_clean, where


@SIDES
def test_the_whole_run_again_applies_nothing_twice(portal: Emulator, changes: Path, after: bool) -> None:
    """Every task is cleared, also those that had ended: what was applied stays applied once."""
    for world, _, where in each_death(portal, changes, "upsert", after=after):
        again = Run(world, changes)
        again.go(world.publisher())
        assert world.public_rows() == world.new, where
        assert world.open() == [], where
        assert len(set(world.applied())) == len(world.applied()), where


@ALL_KINDS
@SIDES
def test_the_next_run_clears_what_a_dead_one_left(
    portal: Emulator, changes: Path, kind: str, after: bool
) -> None:
    for world, _, where in each_death(portal, changes, kind, after=after):
        before = world.public_rows()
        following = Run(world, changes)
        following.operation = LATER
        handle = following._create(world.publisher(), 1)
        assert world.open() == [handle.revision], where
        went_live = bool(world.applied())
        assert world.public_rows() == (world.new if went_live else world.old), where
        assert before in (world.old, world.public_rows()), where
        following.handles["create"] = handle
        following.go(world.publisher(), first="upload")
        assert world.open() == [], where
        assert len(world.applied()) == 1 + went_live, where
        roll_back(world.publisher(), LATER.key)
        assert world.applied().count(handle.revision) == 1, where


@SIDES
def test_a_persons_revision_is_never_touched(portal: Emulator, changes: Path, after: bool) -> None:
    for at in range(moments(portal, changes, "upsert")):
        world = RevisionWorld.of(portal, "upsert")
        theirs = portal.admin.open_revision_as("person", world.dataset)
        of_our_account = portal.admin.open_revision_as("publisher", world.dataset)
        run, death, _ = die(world, changes, at, after=after)
        late = portal.admin.open_revision_as("person", world.dataset)
        where = f"moment {at}: {death.moments[-1]}, task {run.current}"
        persons = {theirs, of_our_account, late}
        assert persons <= set(world.open()), where
        if at % 2:
            roll_back(world.publisher(), OPERATION.key)
        else:
            run.go(world.publisher(), first=run.current, tried=2)
        assert set(world.open()) == persons, where
        assert portal.admin.revisions(world.dataset)[0]["seq"] >= late, where


@SIDES
def test_a_persons_revision_that_inherited_our_mark_is_never_touched(
    portal: Emulator, changes: Path, after: bool
) -> None:
    """A new revision shows the private metadata of the published view, and with it our last mark."""
    later = Operation("dag", "run 3", "create", order="2026-01-04T00:00:00+00:00")
    for at in range(moments(portal, changes, "upsert")):
        world = RevisionWorld.of(portal, "upsert")
        first = Run(world, changes)
        first.go(world.publisher())
        theirs = portal.admin.open_revision_as("person", world.dataset)
        [shown] = [known for known in world.revisions() if known["seq"] == theirs]
        assert MARK_KEY in shown["metadata"]["privateMetadata"], "inherited from the published view"
        run, death = Run(world, changes), Death(at, after)
        run.operation = LATER
        with contextlib.suppress(Killed):
            run.go(world.publisher(death))
        where = f"moment {at}: {death.moments[-1]}, task {run.current}"
        roll_back(world.publisher(), LATER.key)
        assert world.open() == [theirs], where
        asking = world.publisher()
        asking.clock.sleep(86_400.0, lambda: False)
        assert hygiene.discard_stale(asking, later, [world.dataset], older_than=1.0) == [], where
        handle = open_revision(world.publisher(), later, RevisionOpening(world.dataset, timeout=30))
        assert sorted(world.open()) == [theirs, handle.revision], where


@pytest.mark.parametrize("seed", range(60))
def test_any_deaths_then_a_retry_a_rollback_or_the_next_run(
    portal: Emulator, changes: Path, seed: int
) -> None:
    """Several deaths in a row, at moments drawn from the seed; every failure is replayed by its seed."""
    draw = random.Random(seed)
    world = RevisionWorld.of(portal, draw.choice(list(KINDS)))
    theirs = [portal.admin.open_revision_as("person", world.dataset)] if draw.random() < 0.5 else []
    run, story = Run(world, changes), [world.kind]
    first, tried = "create", 1
    for _ in range(draw.randint(1, 5)):
        death = Death(draw.randint(0, 35), after=draw.random() < 0.5)
        try:
            run.go(world.publisher(death), first=first, tried=tried)
        except Killed:
            story.append(f"{run.current}: {death.moments[-1]} (after: {death.after})")
            first, tried = run.current, 2
            continue
        story.append("ended")
        break
    assert world.public_rows() in (world.old, world.new), story
    end = draw.choice(["rollback", "next run"] + ["retry"] * (story[-1] != "ended"))
    story.append(end)
    if end == "retry":
        run.go(world.publisher(), first=first, tried=tried)
        assert world.public_rows() == world.new, story
        assert len(world.applied()) == 1, story
    elif end == "rollback":
        done = roll_back(world.publisher(), OPERATION.key)
        assert world.public_rows() == (world.new if done.went_live else world.old), story
        assert len(world.applied()) == done.went_live, story
    else:
        handle = open_revision(world.publisher(), LATER, RevisionOpening(world.dataset, timeout=30))
        assert world.open() == [handle.revision, *theirs], story
        roll_back(world.publisher(), LATER.key)
        assert len(world.applied()) <= 1, story
    assert world.public_rows() == (world.new if world.applied() else world.old), story
    assert world.open() == theirs, story


@SIDES
def test_a_rollback_may_die_as_well(portal: Emulator, changes: Path, after: bool) -> None:
    world = RevisionWorld.of(portal, "upsert")
    opened = Run(world, changes)
    opened.handles["create"] = opened._create(world.publisher(), 1)
    opened.handles["upload"] = opened._upload(world.publisher(), 1)
    for at in range(20):
        death = Death(at, after)
        try:
            roll_back(world.publisher(death), OPERATION.key)
        except Killed:
            assert world.public_rows() == world.old
            continue
        break
    else:
        pytest.fail("the rollback never came to its end")
    assert world.open() == []
    assert world.public_rows() == world.old


@SIDES
def test_a_rollback_beside_a_running_apply_may_die_as_well(
    portal: Emulator, changes: Path, after: bool
) -> None:
    for at in range(8):
        world = RevisionWorld.of(portal, "append")
        run = Run(world, changes)
        run.handles["create"] = run._create(world.publisher(), 1)
        run.handles["upload"] = run._upload(world.publisher(), 1)
        portal.admin.settings(apply_looks=6)
        try:
            applying.start(world.publisher(), run.handles["upload"], Applying(timeout=30))
        finally:
            portal.admin.settings(apply_looks=1)
        try:
            roll_back(world.publisher(Death(at, after)), OPERATION.key)
        except Killed:
            assert world.public_rows() in (world.old, world.new)
        done = roll_back(world.publisher(), OPERATION.key)
        assert done.went_live
        assert world.public_rows() == world.new
        assert len(world.applied()) == 1
        assert world.open() == []


def test_a_create_call_that_lands_after_the_rollback_is_cleared_by_the_next_run(
    portal: Emulator, changes: Path
) -> None:
    world = RevisionWorld.of(portal, "upsert")
    at = _moment_of(portal, changes, "revision of")
    _, death, _ = die(world, changes, at, after=False)
    assert roll_back(world.publisher(), OPERATION.key).state is State.MAYBE_OPENING
    late = _send_late(world, OPERATION)
    assert world.open() == [late]
    handle = open_revision(world.publisher(), LATER, RevisionOpening(world.dataset, timeout=30))
    assert world.open() == [handle.revision] != [late], death.moments
    roll_back(world.publisher(), LATER.key)
    assert world.open() == []
    assert world.public_rows() == world.old


def test_a_create_call_that_lands_after_the_rollback_is_cleared_by_the_retry(
    portal: Emulator, changes: Path
) -> None:
    world = RevisionWorld.of(portal, "upsert")
    run, _, _ = die(world, changes, _moment_of(portal, changes, "revision of"), after=False)
    roll_back(world.publisher(), OPERATION.key)
    late = _send_late(world, OPERATION)
    run.go(world.publisher(), first="create", tried=2)
    assert world.open() == []
    assert world.public_rows() == world.new
    assert len(world.applied()) == 1
    assert late not in world.applied()


def test_a_create_call_that_lands_beside_the_revision_of_the_retry_is_cleared_by_the_rollback(
    portal: Emulator, changes: Path
) -> None:
    world = RevisionWorld.of(portal, "upsert")
    run, _, _ = die(world, changes, _moment_of(portal, changes, "revision of"), after=False)
    lost = world.kept[OPERATION.key].names[-1]
    run.go(world.publisher(), first="create", tried=2)
    late = _send_late(world, OPERATION, lost)
    assert world.open() == [late]
    assert roll_back(world.publisher(), OPERATION.key).went_live
    assert world.open() == []
    assert world.public_rows() == world.new
    assert len(world.applied()) == 1


def test_where_a_portal_drops_the_mark_number_user_and_time_tell_ours(
    portal: Emulator, changes: Path
) -> None:
    """The process dies before it can write the mark anew; the next run finds the revision all the same."""
    portal.admin.settings(revision_private_metadata=False)
    try:
        for world, run, where in each_death(portal, changes, "upsert", after=True):
            if run.current != "create":
                break
            handle = open_revision(world.publisher(), LATER, RevisionOpening(world.dataset, timeout=30))
            assert world.open() == [handle.revision], where
    finally:
        portal.admin.settings(revision_private_metadata=True)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_death_among_parallel_chunks(portal: Emulator, tmp_path: Path, after: bool) -> None:
    """Several threads send chunks when the process dies: the next try begins a source of its own."""
    path = tmp_path / "changes.csv"
    path.write_text("id,v\n" + "".join(f"{row['id']},{row['v']}\n" for row in NEW))
    for at in range(9):
        world = RevisionWorld.of(portal, "append")
        run = Run(world, path, parallelism=3)
        run.handles["create"] = run._create(world.publisher(), 1)
        death = Death(at, after)
        with contextlib.suppress(Killed):
            run.go(world.publisher(death), first="upload")
        where = f"moment {at}: {death.moments}"
        assert world.public_rows() in (world.old, world.new), where
        run.go(world.publisher(), first=run.current, tried=2)
        assert world.public_rows() == world.new, where
        assert len(world.applied()) == 1, where
        assert world.open() == [], where


def _moment_of(portal: Emulator, changes: Path, words: str) -> int:
    """The number of the call that asks for the revision."""
    _, death, _ = die(RevisionWorld.of(portal, "upsert"), changes, -1, after=False)
    return next(
        n
        for n, what in enumerate(death.moments)
        if words in what and ("create" in what or "open" in what or "new" in what)
    )


def _send_late(world: RevisionWorld, operation: Operation, name: str = "") -> int:
    """The call of a dead process arrives at the portal after all."""
    mark = Mark(name or world.kept[operation.key].names[-1], operation)
    made = world.publisher().send(
        calls.create(world.dataset, action="update", metadata={"privateMetadata": mark.onto({})})
    )
    return made.seq
