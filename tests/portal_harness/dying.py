"""Processes that die before or after any call or record; the portal and the records outlive them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow_socrata.client import Call, PortalSession
from airflow_socrata.publication.operation import I, Intent, Operation, RememberedIntents, RunState
from airflow_socrata.publication.publisher import Publisher
from portal_harness.sessions import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator import Emulator

T = TypeVar("T")

OLD = [{"id": f"r{n}", "v": "old"} for n in range(6)]
NEW = [{"id": f"r{n}", "v": "new"} for n in range(2, 8)]
OPERATION = Operation("dag", "run", "create", order="2026-01-02T00:00:00+00:00")
LATER = Operation("dag", "run 2", "create", order="2026-01-03T00:00:00+00:00")


class Killed(BaseException):
    """SIGKILL: nothing of the process runs after it."""


class TurnedClock:
    """A clock that a wait turns."""

    def __init__(self, portal: Emulator | None = None) -> None:
        self._portal = portal
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float, stop: Callable[[], bool]) -> None:
        self.now += seconds
        if self._portal is not None:
            self._portal.admin.advance(seconds)


@dataclass
class Death:
    """Kills at one moment: before or after the so-manieth call or record of the process."""

    at: int
    after: bool
    count: int = 0
    dead: bool = False
    moments: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def around(self, what: str, act: Callable[[], T]) -> T:
        """Do something, unless the process dies before; or die when it is done."""
        with self.lock:
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


def immortal() -> Death:
    """A death that never comes."""
    return Death(-1, after=False)


class MortalSession(PortalSession):
    """A session whose process can die at each call."""

    death: Death

    def send(self, call: Call[T], **more: Any) -> T:
        return self.death.around(call.summary, lambda: super(MortalSession, self).send(call, **more))


@dataclass
class MortalIntents(RememberedIntents[I]):
    """Records of one kind whose writer can die at each one; what is written stays."""

    death: Death = field(default_factory=immortal)

    def save(self, intent: I) -> None:
        self._write("record", intent, lambda: super(MortalIntents, self).save(intent))

    def forget(self, intent: I) -> None:
        self._write("forget", intent, lambda: super(MortalIntents, self).forget(intent))

    def _write(self, what: str, intent: I, act: Callable[[], None]) -> None:
        self.death.around(f"{what} {getattr(intent, 'phase', '')}".rstrip(), act)


class EndedRuns:
    """Every other run is over."""

    def state(self, dag_id: str, run_id: str) -> RunState:
        return RunState.ENDED


@dataclass
class World:
    """One dataset, and what outlives a process: the portal and the records."""

    portal: Emulator
    keyed: bool
    backend: str = "new"
    kept: dict[str, Intent] = field(default_factory=dict)
    dataset: str = ""
    #: Whether a pause also turns the portal's clock.
    shared_time: ClassVar[bool] = False

    def __post_init__(self) -> None:
        key = "id" if self.keyed else None
        view = self.portal.admin.create_dataset(
            name="rows", columns=["id", "v"], row_identifier=key, rows=OLD, backend=self.backend
        )
        self.dataset = view["id"]

    def publisher(self, death: Death | None = None) -> Publisher:
        """A process: its session, clock and pen die together."""
        death = death or immortal()
        clock = TurnedClock(self.portal if self.shared_time else None)
        session = MortalSession(settings_of(self.portal), clock=clock)
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


class Tasks:
    """The tasks of a run, one after another; a task that died is tried again."""

    tasks: list[tuple[str, Callable[[Publisher, int], Any]]]

    def __init__(self) -> None:
        self.handles: dict[str, Any] = {}
        self.current = ""

    def go(self, publisher: Publisher, *, first: str = "", tried: int = 1) -> None:
        """Run the tasks from one on; that one for the so-manieth time."""
        first = first or self.tasks[0][0]
        started = False
        for name, task in self.tasks:
            started = started or name == first
            if started:
                self.current = name
                self.handles[name] = task(publisher, tried if name == first else 1)
