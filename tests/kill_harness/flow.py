"""One run of the DAG on a dataset of its own: stopped at exact points, killed, and watched by the public."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from airflow_harness.cluster import TERMINAL_RUN
from airflow_harness.processes import wait_until
from portal_harness.publications import COLUMNS, OLD_ROWS

from airflow_socrata.publication.operation import Operation
from kill_harness.dag_files import GROUP, Way, dag_id_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_harness.cluster import Cluster, TaskProcess

Victims = Literal["task", "task and supervisor"]

#: What the source shows: five events changed, four new, one over.
SOURCE_ROWS = [
    *({"event_id": f"e{n}", "street": "Háaleitisbraut", "lanes": 90 + n} for n in range(1, 6)),
    {"event_id": "e6", "over": "yes"},
    *({"event_id": f"n{n}", "street": "Laugavegur", "lanes": n} for n in range(1, 5)),
]

Rows = list[tuple[str, str, str]]


def comparable(rows: Iterable[dict[str, Any]]) -> Rows:
    """Rows as sorted text, so that a row that is there twice shows."""
    return sorted((row["event_id"], row["street"], str(row["lanes"])) for row in rows)


def new_rows(way: Way) -> Rows:
    """What the public sees when the run has gone live."""
    fresh = {row["event_id"]: row for row in SOURCE_ROWS if "over" not in row}
    if way == "replace":
        return comparable(fresh.values())
    kept = {row["event_id"]: row for row in OLD_ROWS if row["event_id"] != "e6"}
    return comparable((kept | fresh).values())


@dataclass(frozen=True, slots=True)
class Gate:
    """A request of the flow at which it is stopped.

    :param method: HTTP method.
    :param path: of the request; ``{dataset}``, ``{copy}`` and ``{source}`` stand for 4x4s.
    :param point: ``before``, ``before_commit`` or ``after_commit``.
    :param skip: so many such requests go through first.
    """

    method: str
    path: str
    point: str = "before"
    skip: int = 0


@dataclass(slots=True)
class Flow:
    """One run.

    :param cluster: the Airflow.
    :param portal: the emulator.
    :param way: upsert by row identifier into a copy, or replace without row identifiers.
    :param retries: of each task.
    """

    cluster: Cluster
    portal: Any
    way: Way
    retries: int = 0
    dataset: str = ""
    source: str = ""
    run_id: str = ""
    copy: str = ""
    old: Rows = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    _held: str | None = None

    @property
    def admin(self) -> Any:
        """Orders to the emulator."""
        return self.portal.admin

    @property
    def dag_id(self) -> str:
        """The DAG."""
        return dag_id_of(self.way, self.retries)

    def task(self, name: str) -> str:
        """Full task id."""
        return f"{GROUP}.{name}"

    # --- the run ---

    def prepare(self) -> None:
        """Make a dataset of the flow's own and the source that it reads."""
        key = "event_id" if self.way == "upsert" else None
        self.dataset = self.admin.create_dataset(
            name="Road events", columns=COLUMNS, row_identifier=key, rows=OLD_ROWS
        )["id"]
        more = [*COLUMNS, {"name": "Over", "fieldName": "over", "dataTypeName": "text"}]
        self.source = self.admin.create_dataset(name="Source", columns=more, rows=SOURCE_ROWS)["id"]
        self.old = comparable(self.admin.rows(self.dataset))

    def start(self) -> None:
        """Start a run."""
        conf = {"dataset": self.dataset, "source": f"{self.portal.url}/resource/{self.source}.json"}
        self.run_id = self.cluster.trigger(self.dag_id, conf)

    def reach(self, *gates: Gate, timeout: float = 120) -> None:
        """Let the run come to the last gate, by way of the others, and hold it there.

        The first must be armed before the request that it names; each of the others is armed while the flow
        is held at the one before it, so that no request slips through.
        """
        for gate in gates:
            hold = self.arm(gate)
            self.let_go()
            self.admin.wait_held(hold, timeout)
            self._held = hold
            self.copy = next((copy["id"] for copy in self.copies()), self.copy)

    def arm(self, gate: Gate) -> str:
        """Add a hold and return its id."""
        path = gate.path.format(dataset=self.dataset, copy=self.copy, source=self.source)
        hold: str = self.admin.hold(gate.method, path, gate.point, skip=gate.skip)
        return hold

    def let_go(self) -> None:
        """Let the held request go on its way."""
        if self._held is not None:
            self.admin.release(self._held)
            self._held = None

    def process(self, task: str) -> TaskProcess:
        """The processes of a running task."""
        return self.cluster.task_process(self.dag_id, self.run_id, self.task(task))

    def kill(self, task: str, victims: Victims) -> None:
        """SIGKILL a task, or the task and its supervisor."""
        process = self.process(task)
        if victims == "task":
            process.kill()
        else:
            process.kill_both()

    # --- what the public, and the portal's owner, see ---

    def look(self) -> None:
        """Look at the public rows once."""
        rows = comparable(self.admin.rows(self.dataset))
        if rows == self.old:
            self.seen.add("old")
        elif rows == new_rows(self.way):
            self.seen.add("new")
        else:
            self.seen.add(f"mixed: {rows}")

    def public(self) -> str:
        """``old`` or ``new``; anything else is told in full."""
        before, self.seen = self.seen, set()
        self.look()
        (now,) = self.seen
        self.seen |= before
        return now

    def copies(self) -> list[dict[str, Any]]:
        """The open working copies of the dataset."""
        return [
            copy for copy in self.admin.state(self.dataset)["copies"] if copy["stage"] == "unpublished"
        ]

    def wait_terminal(self, timeout: float = 240) -> str:
        """Wait until the run is terminal, looking at the public rows all the time; return its state."""
        state = ""

        def terminal() -> bool:
            nonlocal state
            self.look()
            state = self.cluster.run_state(self.dag_id, self.run_id)
            return state in TERMINAL_RUN

        try:
            wait_until(f"run {self.run_id} of {self.dag_id} is terminal", terminal, timeout, pause=0.7)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; tasks: {self.states()}") from None
        return state

    def wait_clean(self, timeout: float = 60) -> float:
        """Wait until no working copy is open; return how many seconds that took."""
        since = time.monotonic()

        def clean() -> bool:
            self.look()
            return not self.copies()

        wait_until(f"no working copy of {self.dataset} is open", clean, timeout, pause=0.5)
        return time.monotonic() - since

    def states(self) -> dict[str, str | None]:
        """States of the run's tasks, by their names in the group."""
        found = self.cluster.task_states(self.dag_id, self.run_id)
        return {task.removeprefix(f"{GROUP}."): state for task, state in found.items()}

    def record(self) -> dict[str, Any] | None:
        """What Airflow has on record of this run's operation."""
        key = Operation(self.dag_id, self.run_id, self.task("create_working_copy")).key
        return self.cluster.rest.find(f"/variables/airflow_socrata.intent.{key}")
