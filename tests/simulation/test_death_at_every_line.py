"""The process dies before or after every call and every record; then it is tried again, or rolled back.

Whatever the line: after a retry the public sees the new rows, after a rollback the old or the new ones, never
a mixture; no working copy of ours is left, and a person's is untouched. Time is turned, not waited for.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from airflow_socrata.client import (
    Call,
    Credentials,
    PermissionDenied,
    PortalSession,
    PortalSettings,
    View,
    views,
)
from airflow_socrata.emulator import Emulator
from airflow_socrata.publication import loading, publishing, reopening
from airflow_socrata.publication.loading import Loading
from airflow_socrata.publication.opening import Opening, open_working_copy
from airflow_socrata.publication.operation import Intent, Operation, RememberedIntents, RunState
from airflow_socrata.publication.publisher import Publisher
from airflow_socrata.publication.publishing import Published, Publishing
from airflow_socrata.publication.rollback import State, roll_back
from airflow_socrata.publication.verifying import verify
from airflow_socrata.records import BatchLimits, Guards, RowsSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_socrata.publication.handle import Handle

T = TypeVar("T")

OLD = [{"id": f"r{n}", "v": "old"} for n in range(6)]
NEW = [{"id": f"r{n}", "v": "new"} for n in range(2, 8)]
OPERATION = Operation("dag", "run", "create", order="2026-01-02T00:00:00+00:00")


class Killed(BaseException):
    """SIGKILL: nothing of the process runs after it."""


class TurnedClock:
    """A clock that a wait turns."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float, stop: Callable[[], bool]) -> None:
        self.now += seconds


@dataclass
class Death:
    """Kills at one moment: before or after the so-manieth call or record of the process."""

    at: int
    after: bool
    count: int = 0
    dead: bool = False
    moments: list[str] = field(default_factory=list)

    def around(self, what: str, act: Callable[[], T]) -> T:
        """Do something, unless the process dies before; or die when it is done."""
        if self.dead:
            raise Killed
        mine = self.count == self.at
        self.count += 1
        self.moments.append(what)
        if mine and not self.after:
            self.dead = True
            raise Killed
        result = act()
        if mine:
            self.dead = True
            raise Killed
        return result


class MortalSession(PortalSession):
    """A session whose process can die at each call."""

    death: Death

    def send(self, call: Call[T], **more: Any) -> T:
        return self.death.around(call.summary, lambda: super(MortalSession, self).send(call, **more))


@dataclass
class MortalIntents(RememberedIntents):
    """Records whose writer can die at each one; what is written stays."""

    death: Death = field(default_factory=lambda: Death(-1, after=False))

    def save(self, intent: Intent) -> None:
        self.death.around(f"record {intent.phase}", lambda: super(MortalIntents, self).save(intent))


class EndedRuns:
    def state(self, dag_id: str, run_id: str) -> RunState:
        return RunState.ENDED


@pytest.fixture(scope="module")
def portal() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@dataclass
class World:
    """One dataset, and what outlives a process: the portal and the records."""

    portal: Emulator
    keyed: bool
    backend: str = "new"
    kept: dict[str, Intent] = field(default_factory=dict)
    dataset: str = ""

    def __post_init__(self) -> None:
        key = "id" if self.keyed else None
        view = self.portal.admin.create_dataset(
            name="rows", columns=["id", "v"], row_identifier=key, rows=OLD, backend=self.backend
        )
        self.dataset = view["id"]

    def publisher(self, death: Death | None = None) -> Publisher:
        death = death or Death(-1, after=False)
        settings = PortalSettings(
            domain=self.portal.domain,
            port=self.portal.port,
            scheme="http",
            credentials=Credentials(self.portal.username, self.portal.password),
        )
        clock = TurnedClock()
        session = MortalSession(settings, clock=clock)
        session.death = death
        intents = MortalIntents(self.kept, death)
        return Publisher(session, intents, EndedRuns(), clock, lambda line: None, poll=1.0)

    def public_rows(self) -> list[tuple[str, str]]:
        return sorted((row["id"], row["v"]) for row in self.portal.admin.rows(self.dataset))

    def drafts(self) -> list[Any]:
        return [c for c in self.portal.admin.state(self.dataset)["copies"] if c["stage"] == "unpublished"]

    @property
    def old(self) -> list[tuple[str, str]]:
        return sorted((row["id"], row["v"]) for row in OLD)

    @property
    def new(self) -> list[tuple[str, str]]:
        rows = {row["id"]: row["v"] for row in (OLD + NEW if self.keyed else NEW)}
        return sorted(rows.items())


class Run:
    """The tasks of a run, one after another; a task that died is tried again."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.handles: dict[str, Any] = {}
        self.tasks: list[tuple[str, Callable[[Publisher, int], Any]]] = [
            ("create", self._create),
            ("load", self._load),
            ("publish", self._publish),
            ("verify", self._verify),
        ]

    def go(self, publisher: Publisher, *, first: str = "create", tried: int = 1) -> None:
        started = False
        for name, task in self.tasks:
            started = started or name == first
            if started:
                self.current = name
                self.handles[name] = task(publisher, tried if name == first else 1)

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
    later = Operation("dag", "run 2", "create", order="2026-01-03T00:00:00+00:00")
    for at in range(moments(portal, keyed=True)):
        world = World(portal, keyed=True)
        run, death, _ = die(world, at, after=after)
        where = f"moment {at}: {death.moments[-1]}, task {run.current}"
        handle = open_working_copy(world.publisher(), later, Opening(world.dataset, timeout=30))
        assert [copy["id"] for copy in world.drafts()] == [handle.working_copy], where
        roll_back(world.publisher(), later.key)
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
    later = Operation("dag", "run 2", "create", order="2026-01-03T00:00:00+00:00")
    handle = open_working_copy(world.publisher(), later, Opening(world.dataset, timeout=30))
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
