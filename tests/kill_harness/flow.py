"""One run of a DAG on a dataset of its own: stopped at exact points, killed, and watched by the public."""

from __future__ import annotations

import functools
import json
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import psutil
from airflow_harness.cluster import TERMINAL_RUN, TERMINAL_TASK
from airflow_harness.processes import wait_until
from airflow_harness.rest import RestError

from airflow_socrata.publication.operation import Operation
from kill_harness.dag_files import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_harness.cluster import Cluster, TaskProcess

    from kill_harness.dag_files import AnyDag

Victims = Literal["task", "task and supervisor"]

#: One order after the other: with a database of SQLite Airflow answers 500 to who comes second.
_ORDERING = threading.Lock()


def _insist(what: str, act: Callable[[], object]) -> None:
    """Give Airflow an order; again, if its database was busy."""

    def done() -> bool:
        try:
            with _ORDERING:
                act()
        except RestError as error:
            if "HTTP 500" in str(error):
                return False
            if "HTTP 409" not in str(error):  # it was carried out although the answer was 500
                raise
        return True

    wait_until(what, done, 60, pause=1)


@dataclass(frozen=True, slots=True)
class Gate:
    """A request of the flow at which it is stopped.

    :param method: HTTP method.
    :param path: of the request, with the names of ``Flow.names`` in braces.
    :param point: ``before``, ``before_commit`` or ``after_commit``.
    :param skip: so many such requests go through first.
    """

    method: str
    path: str
    point: str = "before"
    skip: int = 0


@dataclass(slots=True)
class Flow(ABC):
    """One run; what differs between portals is abstract.

    :param cluster: the Airflow.
    :param portal: the emulator.
    :param dag: the DAG.
    """

    cluster: Cluster
    portal: Any
    dag: AnyDag
    dataset: str = ""
    run_id: str = ""
    seen: set[str] = field(default_factory=set)
    ended: float | None = None
    keeps_record: bool = False
    _held: str | None = None

    # --- what differs between portals ---

    @abstractmethod
    def prepare(self) -> None:
        """Install the DAG; make a dataset of the run's own, and the source that it reads."""

    @abstractmethod
    def conf(self) -> dict[str, str]:
        """The configuration of the run."""

    @abstractmethod
    def names(self) -> Mapping[str, object]:
        """What stands in the paths of this flow's requests, by what a gate calls it."""

    @abstractmethod
    def note_names(self) -> None:
        """Find out what the run has made at the portal; it is held."""

    @abstractmethod
    def marks(self) -> set[str]:
        """What tells the paths of requests about the dataset or its drafts from others."""

    @abstractmethod
    def seen_now(self) -> str:
        """What the public sees: ``old`` or ``new``; anything else is told in full."""

    @abstractmethod
    def left(self) -> list[Any]:
        """What is left of the run at the portal."""

    @abstractmethod
    def check(self, name: str) -> None:
        """Check that nothing of the run is left and that nobody was hurt."""

    @property
    def admin(self) -> Any:
        """Orders to the emulator."""
        return self.portal.admin

    @property
    def dag_id(self) -> str:
        """Its DAG's id."""
        return self.dag.id

    def task(self, name: str) -> str:
        """Full task id."""
        return f"{GROUP}.{name}"

    # --- the run ---

    def start(self, *gates: Gate) -> None:
        """Start a run and let it come to the last gate, by way of the others; it is held there.

        Each gate is armed while the run is held at the one before it, so that no request slips through.
        """
        first = [self._arm(gate) for gate in gates[:1]]
        self._trigger(f"on_{self.dataset}")
        for hold in first:
            self._stop_at(hold)
        self.reach(*gates[1:])

    def start_again(self) -> None:
        """Start the DAG's next run on the dataset."""
        self._trigger(f"again_on_{self.dataset}")

    def _trigger(self, run_id: str) -> None:
        self.run_id = run_id
        body = {"dag_run_id": self.run_id, "logical_date": None, "conf": self.conf()}
        start = functools.partial(self.cluster.rest.call, "POST", f"/dags/{self.dag_id}/dagRuns", body)
        _insist(f"a run of {self.dag_id} is started", start)

    def reach(self, *gates: Gate) -> None:
        """Let a run that is held come to the last gate, by way of the others, and hold it there."""
        for gate in gates:
            hold = self._arm(gate)
            self.let_go()
            self._stop_at(hold)

    def add_fault(self, kind: str, method: str, path: str, **more: Any) -> None:
        """Let requests of this flow go wrong; the path is that of a gate."""
        self.admin.add_fault(kind, method, self._path(path), **more)

    def _arm(self, gate: Gate) -> str:
        hold: str = self.admin.hold(gate.method, self._path(gate.path), gate.point, skip=gate.skip)
        return hold

    def _path(self, path: str) -> str:
        return path.format(**self.names())

    def _stop_at(self, hold: str) -> None:
        try:
            self.admin.wait_held(hold, 150)
        except TimeoutError as error:
            raise TimeoutError("\n".join([f"{error}; tasks: {self.states()}", *self.log()])) from None
        self._held = hold
        self.note_names()

    def land_at(self, gate: Gate) -> None:
        """Hold a later process at a gate, and let the request that is held land meanwhile."""
        hold, late = self._held, self._unanswered()
        self._stop_at(self._arm(gate))
        self.admin.release(hold)
        wait_until("the late request is answered", lambda: not late & self._unanswered(), 30)

    def let_go(self) -> None:
        """Let the held request go on its way."""
        if self._held is not None:
            self.admin.release(self._held)
            self._held = None

    def process(self, task: str) -> TaskProcess:
        """The processes of a running task."""
        try:
            return self.cluster.task_process(self.dag_id, self.run_id, self.task(task))
        except TimeoutError as error:
            raise TimeoutError("\n".join([str(error), *self.log()])) from None

    def kill(self, task: str, victims: Victims) -> None:
        """SIGKILL a task, or the task and its supervisor."""
        process = self.process(task)
        if victims == "task":
            process.kill()
        else:
            process.kill_both()

    def calls(self, method: str, after: int = 0) -> list[dict[str, Any]]:
        """The requests with this method about the dataset or its drafts, since request ``after``."""
        return [call for call in self._requests(after) if call["method"] == method]

    def _requests(self, after: int = 0) -> list[dict[str, Any]]:
        marks = self.marks()
        return [
            call for call in self.admin.requests(after) if any(mark in f"{call['path']}/" for mark in marks)
        ]

    def _unanswered(self) -> set[int]:
        return {call["seq"] for call in self._requests() if call["status"] is None}

    def last_request(self) -> int:
        """Number of the last request that the portal has seen."""
        return max((call["seq"] for call in self.admin.requests()), default=0)

    def wait_call(self, after: int, method: str, *, or_end: bool = False, timeout: float = 180) -> None:
        """Wait until the portal has answered such a call about this dataset since request ``after``.

        :param or_end: or until the run is terminal.
        """

        def came() -> bool:
            self.look()
            if or_end and self.run_state() in TERMINAL_RUN:
                return True
            return any(call["status"] is not None for call in self.calls(method, after))

        wait_until(f"a {method} about {self.dataset}", came, timeout, pause=0.5)

    def wait_callback(self) -> None:
        """Wait until the callback of the DAG has rolled back; the DAG has no other run."""
        log = (
            self.cluster.home / "logs" / "dag_processor" / "latest" / "dags-folder" / f"{self.dag_id}.py.log"
        )

        def done() -> bool:
            return log.exists() and "Rollback by the DAG's callback" in log.read_text()

        wait_until("the callback of the DAG has ended", done, 120)

    def watch_end(self, process: TaskProcess) -> None:
        """Wait until a task's process is gone, and note when that was."""

        def gone() -> bool:
            try:
                return psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
            except psutil.NoSuchProcess:
                return True

        wait_until(f"process {process.pid} is gone", gone, 60, pause=0.05)
        self.ended = time.time()

    def sigterm_at(self, task: str) -> float | None:
        """When Airflow sent SIGTERM to a task, epoch seconds; None if the task has ended before."""
        for line in self.cluster.logs(self.dag_id, self.run_id, self.task(task)).splitlines():
            if "Terminating process" in line:
                return datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
        return None

    # --- what a person does ---

    def mark(self, task: str, state: str = "failed") -> None:
        """Mark a task."""
        mark = functools.partial(self.cluster.mark_task, self.dag_id, self.run_id, self.task(task), state)
        _insist(f"{task} is marked {state}", mark)

    def mark_run(self, state: str = "failed") -> None:
        """Mark the run."""
        mark = functools.partial(self.cluster.mark_run, self.dag_id, self.run_id, state)
        _insist(f"the run is marked {state}", mark)

    def clear(self, *tasks: str, **more: Any) -> list[str]:
        """Clear tasks; return what Airflow cleared with them."""
        names = [self.task(task) for task in tasks]
        cleared: list[str] = []

        def clear() -> None:
            cleared.extend(self.cluster.clear(self.dag_id, self.run_id, names, **more))

        _insist(f"{', '.join(tasks)} cleared", clear)
        return [name.removeprefix(f"{GROUP}.") for name in cleared]

    def wait_task(self, task: str, *states: str) -> None:
        """Wait until a task is in one of these states."""
        self.cluster.wait_task(self.dag_id, self.run_id, self.task(task), states, timeout=150)

    # --- what the public sees ---

    def look(self) -> None:
        """Look at what the public sees once."""
        self.seen.add(self.seen_now())

    def public(self) -> str:
        """``old`` or ``new``; anything else is told in full."""
        now = self.seen_now()
        self.seen.add(now)
        return now

    def wait_terminal(self, timeout: float = 240) -> str:
        """Wait until the run and its tasks are terminal, looking at the public rows; return its state."""
        state = ""

        def terminal() -> bool:
            nonlocal state
            self.look()
            state = self.run_state()
            # A run that is marked failed is terminal before its tasks are.
            return state in TERMINAL_RUN and set(self.states().values()) <= TERMINAL_TASK

        try:
            wait_until(f"run {self.run_id} of {self.dag_id} is terminal", terminal, timeout, pause=0.7)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; tasks: {self.states()}") from None
        return state

    def wait_clean(self, timeout: float = 60) -> float:
        """Wait until nothing is left at the portal or on record; return how many seconds that took."""
        since = time.monotonic()

        def clean() -> bool:
            self.look()
            return not self.left() and (self.keeps_record or self.record() is None)

        try:
            wait_until("", clean, timeout, pause=0.5)
        except TimeoutError:
            told = [f"{timeout:g} s after the run there are {self.left()} and {self.record()}", *self.log()]
            raise AssertionError("\n".join(told)) from None
        return time.monotonic() - since

    def run_state(self) -> str:
        """State of the run."""
        return self.cluster.run_state(self.dag_id, self.run_id)

    def states(self) -> dict[str, str | None]:
        """States of the run's tasks, by their names in the group."""
        found = self.cluster.task_states(self.dag_id, self.run_id)
        return {task.removeprefix(f"{GROUP}."): state for task, state in found.items()}

    def was_failed_by_airflow(self) -> bool:
        """Whether the scheduler took the end of a deferred task's first process for the end of the task.

        A busy one sees that end when the task goes on already, and fails the task while it runs.
        """
        told = self.cluster.events(self.dag_id, self.run_id, "state mismatch")
        return any("finished with state success" in each for each in told)

    def log(self) -> list[str]:
        """What its tasks logged, oldest first, without what Airflow logs at every task."""
        lines = []
        for task in self.states():
            for text in self.cluster.logs(self.dag_id, self.run_id, self.task(task)).splitlines():
                entry = json.loads(text) if text.startswith("{") else {"event": text}
                errors = [f"{e['exc_type']}: {e['exc_value']}" for e in entry.get("error_detail") or ()]
                if errors or str(entry.get("logger", "")).startswith((
                    "airflow_socrata",
                    "airflow.task.operators",
                )):
                    told = " | ".join([entry["event"], *errors])
                    lines.append(f"{entry.get('timestamp', '')[11:23]} {task}: {told}")
        return sorted(lines)

    def record(self) -> dict[str, Any] | None:
        """What Airflow has on record of this run's operation."""
        key = Operation(self.dag_id, self.run_id, self.task(self.dag.opens)).key
        return self.cluster.rest.find(f"/variables/airflow_socrata.intent.{key}")
