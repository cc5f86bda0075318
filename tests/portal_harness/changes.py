"""A dataset on an Opendatasoft portal, and a run that changes it; processes die, portal and records stay."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import RetryBudget
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.dialect import dialect_named
from airflow_socrata.opendatasoft.portal import portal_settings
from airflow_socrata.publication.opendatasoft import publishing
from airflow_socrata.publication.opendatasoft.intent import ChangeIntent
from airflow_socrata.publication.opendatasoft.opening import Opening, open_restore_point
from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher
from airflow_socrata.publication.opendatasoft.publishing import Publishing
from airflow_socrata.publication.opendatasoft.rollback import forget_if_over, roll_back
from airflow_socrata.publication.opendatasoft.uploading import ResourceSettings, upload
from airflow_socrata.publication.opendatasoft.verifying import verify
from airflow_socrata.publication.operation import Operation, RememberedIntents
from portal_harness.dying import Death, EndedRuns, MortalSession, Tasks, TurnedClock, immortal

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_socrata.emulator.opendatasoft import OpendatasoftEmulator
    from airflow_socrata.publication.opendatasoft.handle import DatasetHandle

OLD = [{"id": n, "v": "old"} for n in range(4)]
NEW = [{"id": n, "v": "new"} for n in range(2, 8)]
OPERATION = Operation("dag", "run", "note", order="2026-01-02T00:00:00+00:00")
LATER = Operation("dag", "run 2", "note", order="2026-01-03T00:00:00+00:00")
SWIFT = RetryBudget(attempts=3, base=0.01)
CSV = "id,v\n" + "".join(f"{row['id']},{row['v']}\n" for row in NEW)


class MortalRecords(RememberedIntents[ChangeIntent]):
    """Records whose writer can die at each one; what is written stays, as JSON."""

    def __init__(self, kept: dict[str, dict[str, Any]], death: Death) -> None:
        self.written, self.death = kept, death

    def load(self, key: str) -> ChangeIntent | None:
        found = self.written.get(key)
        return None if found is None else ChangeIntent.from_json(found)

    def save(self, intent: ChangeIntent) -> None:
        def write() -> None:
            self.written[intent.operation.key] = intent.to_json()

        self.death.around(f"record {intent.phase}", write)

    def forget(self, intent: ChangeIntent) -> None:
        self.death.around("forget", lambda: self.written.pop(intent.operation.key, None))

    def unfinished(self, domain: str, dataset: str) -> tuple[str, ...]:
        return tuple(key for key, one in self.written.items() if one["dataset"] == dataset)


class File:
    """A file that opens itself."""

    def __init__(self, text: str = CSV) -> None:
        self.text = text

    def open(self, mode: str) -> Any:
        assert mode == "rb"
        return io.BytesIO(self.text.encode())


@dataclass
class World:
    """One dataset, and what outlives a process: the portal and the records."""

    portal: OpendatasoftEmulator
    folder: Path
    api: str = "automation"
    published: bool = True
    switches: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    dataset: str = ""

    def __post_init__(self) -> None:
        self.portal.admin.reset()
        self.portal.admin.settings(**self.switches)
        made = self.portal.admin.create_dataset(
            "stops", "Stops", OLD, published=self.published, resource_title="stops"
        )
        self.dataset = made["uid"]
        self.portal.admin.advance(10)

    def publisher(self, death: Death | None = None, *, api_key: str | None = None) -> DatasetPublisher:
        """A process: its session, clock and pen die together."""
        death = death or immortal()
        key = PortalKey(api_key=api_key or self.portal.api_key)
        settings = portal_settings(self.portal.domain, key, port=self.portal.port, scheme="http")
        clock = TurnedClock(self.portal)
        session = MortalSession(settings, clock=clock, budget=SWIFT)
        session.death = death
        records = MortalRecords(self.kept, death)
        return DatasetPublisher(
            session, dialect_named(self.api), records, EndedRuns(), clock, self.log.append, poll=1.0
        )

    def records(self) -> list[tuple[str, str]]:
        self.portal.admin.run_queue()
        return sorted((str(row["id"]), row["v"]) for row in self.portal.admin.records(self.dataset))

    def state(self) -> dict[str, Any]:
        return self.portal.admin.state(self.dataset)

    def source(self) -> str:
        """Uid of the file that the one resource takes its records from."""
        (resource,) = self.state()["resources"]
        return str(resource["datasource"]["file"]["uid"])

    @property
    def old(self) -> list[tuple[str, str]]:
        return sorted((str(row["id"]), str(row["v"])) for row in OLD) if self.published else []

    @property
    def new(self) -> list[tuple[str, str]]:
        return sorted((str(row["id"]), str(row["v"])) for row in NEW)

    def check_old(self, where: object) -> None:
        """The dataset is what it was: its records, its audience and the source of its resource."""
        assert self.records() == self.old, where
        state = self.state()
        assert state["published"] == self.published, where
        assert [one["title"] for one in state["resources"]] == ["stops"], where


class Run(Tasks):
    """Note, upload, publish, verify."""

    def __init__(self, world: World, text: str = CSV) -> None:
        super().__init__()
        self.world, self.text = world, text
        self.tasks = [
            ("note", self._note),
            ("upload", self._upload),
            ("publish", self._publish),
            ("verify", self._verify),
        ]

    def to(self, last: str) -> Run:
        """Run the tasks up to one."""
        for name, task in self.tasks:
            self.handles[name] = task(self.world.publisher(), 1)
            if name == last:
                break
        return self

    def _note(self, publisher: Any, tried: int) -> DatasetHandle:
        opening = Opening("stops", self.world.folder, timeout=300)
        return open_restore_point(publisher, OPERATION, opening)

    def _upload(self, publisher: Any, tried: int) -> DatasetHandle:
        settings = ResourceSettings(title="stops")
        return upload(publisher, self.handles["note"], File(self.text), "stops.csv", settings, 300)

    def _publish(self, publisher: Any, tried: int) -> Any:
        how = Publishing(timeout=300)
        ordered = publishing.order(publisher, self.handles["upload"], how)
        again = publishing.Ordered.from_json(ordered.to_json())
        return publishing.finish(publisher, self.handles["upload"], again, how)

    def _verify(self, publisher: Any, tried: int) -> None:
        handle = type(self.handles["upload"]).from_xcom(self.handles["upload"].to_xcom())
        verify(publisher, handle, timeout=60)


def roll_back_and_forget(world: World, death: Death | None = None, operation: Operation = OPERATION) -> Any:
    publisher = world.publisher(death)
    done = roll_back(publisher, operation.key)
    forget_if_over(publisher, operation.key, done)
    return done
