"""A real Airflow for tests: scheduler, LocalExecutor, dag processor, triggerer and API server.

Use it where a DAG run inside the test process cannot show the truth: killed processes, time-outs, a person
who marks or clears tasks. Starting takes 15 to 25 seconds on two cores, one task about a second.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from airflow_harness.processes import ProcessGroup, free_port, wait_until
from airflow_harness.rest import Rest, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

HEARTBEAT_TIMEOUT = 20
TERMINAL_RUN = frozenset({"success", "failed"})
TERMINAL_TASK = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
_COMPONENTS = ("scheduler", "dag_processor", "triggerer", "metadatabase")


@dataclass(frozen=True, slots=True)
class TaskProcess:
    """The two processes of a running task: the one that runs ``execute`` and the one that watches it."""

    pid: int
    supervisor_pid: int

    def kill(self) -> None:
        """SIGKILL the task; its supervisor lives and reports the failure at once."""
        os.kill(self.pid, signal.SIGKILL)

    def kill_both(self) -> None:
        """SIGKILL supervisor and task, as a machine that dies; found after the heartbeat time-out."""
        os.kill(self.supervisor_pid, signal.SIGKILL)
        os.kill(self.pid, signal.SIGKILL)


class Cluster:
    """One running Airflow 3; a context manager.

    :param env: additional environment of all its processes, e.g. ``AIRFLOW_CONN_...``.
    :param home: where to put it; a new temporary directory, removed at the end, by default.
    :param port: port of the API server (and the user interface).
    """

    def __init__(
        self, *, env: Mapping[str, str] | None = None, home: Path | None = None, port: int | None = None
    ) -> None:
        self._own_home = home is None
        self.home = home or Path(tempfile.mkdtemp(prefix="airflow-socrata-cluster-"))
        self.dags = self.home / "dags"
        self.dags.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.rest = Rest(self.url)
        self.processes = ProcessGroup(self._environment(env or {}), self.home / "output")

    def __enter__(self) -> Cluster:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        settings = {
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__DAGS_FOLDER": str(self.dags),
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "6",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__DAG_DISCOVERY_SAFE_MODE": "False",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "CORE__TEST_CONNECTION": "Enabled",
            "API__HOST": "127.0.0.1",
            "API__PORT": str(self.port),
            "API__BASE_URL": self.url,
            "API__WORKERS": "1",
            "API__SECRET_KEY": secrets.token_hex(16),
            "API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db",
            "DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "DAG_PROCESSOR__REFRESH_INTERVAL": "1",
            "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
            # A changed file is parsed at once; parsing the others again and again would take a whole core.
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
            "LOGGING__BASE_LOG_FOLDER": str(self.home / "logs"),
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "5",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_TIMEOUT),
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
            "TRIGGERER__JOB_HEARTBEAT_SEC": "2",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        env["AIRFLOW_HOME"] = str(self.home)
        env["NO_PROXY"] = env["no_proxy"] = "*"
        env |= {f"AIRFLOW__{name}": value for name, value in settings.items()}
        return env | dict(more)

    # --- life ---

    def start(self, timeout: float = 120) -> None:
        """Make the database, start all components and wait until they are healthy."""
        airflow = [sys.executable, "-m", "airflow"]
        self.processes.run("migrate", [*airflow, "db", "migrate"])
        serve = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        self.processes.start("api-server", [*airflow, "api-server", *serve])
        self.processes.start("scheduler", [*airflow, "scheduler", "--skip-serve-logs"])
        self.processes.start("dag-processor", [*airflow, "dag-processor"])
        self.processes.start("triggerer", [*airflow, "triggerer", "--skip-serve-logs"])

        def healthy() -> bool:
            self.processes.check()
            health = self.rest.health()
            return health is not None and all(health.get(part) == "healthy" for part in _COMPONENTS)

        wait_until("Airflow is healthy", healthy, timeout)

    def stop(self) -> None:
        """End every process and remove the home if it was ours."""
        self.rest.close()
        self.processes.stop()
        if self._own_home:
            shutil.rmtree(self.home, ignore_errors=True)

    # --- DAGs and runs ---

    def put_dag(self, dag_id: str, source: str | Path, timeout: float = 60) -> None:
        """Install a DAG file (text, or the path of one) that defines ``dag_id``; wait until it is parsed."""
        text = source.read_text() if isinstance(source, Path) else source
        since = time.time()
        path = self.dags / f"{dag_id}.py"
        fresh = path.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(path)

        def parsed() -> bool:
            self.processes.check()
            dag = self.rest.find(f"/dags/{quoted(dag_id)}")
            if dag is None:
                self._raise_import_error(path)
                return False
            return _epoch(dag["last_parsed_time"]) >= since

        wait_until(f"DAG {dag_id} is parsed", parsed, timeout)

    def _raise_import_error(self, path: Path) -> None:
        errors = self.rest.call("GET", "/importErrors")["import_errors"]
        for error in errors:
            if str(error["filename"]).endswith(path.name):
                raise RuntimeError(f"{path.name} cannot be imported:\n{error['stack_trace']}")

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run and return its run id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return str(self.rest.call("POST", f"/dags/{quoted(dag_id)}/dagRuns", body)["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """``queued``, ``running``, ``success`` or ``failed``."""
        return str(self.rest.call("GET", self._run(dag_id, run_id))["state"])

    def wait_run(self, dag_id: str, run_id: str, timeout: float = 120) -> str:
        """Wait until a run is terminal and return its state."""
        state = ""

        def terminal() -> bool:
            nonlocal state
            state = self.run_state(dag_id, run_id)
            return state in TERMINAL_RUN

        self._wait(f"run {run_id} of {dag_id} is terminal", terminal, timeout, dag_id, run_id)
        return state

    def wait_task(
        self, dag_id: str, run_id: str, task_id: str, states: Iterable[str], timeout: float = 60
    ) -> str:
        """Wait until a task is in one of ``states`` and return that state."""
        wanted = frozenset(states)
        state: str | None = None

        def there() -> bool:
            nonlocal state
            state = self.task_states(dag_id, run_id).get(task_id)
            return state in wanted

        self._wait(f"{task_id} is {' or '.join(sorted(wanted))}", there, timeout, dag_id, run_id)
        return str(state)

    def _wait(self, what: str, ready: Any, timeout: float, dag_id: str, run_id: str) -> None:
        try:
            wait_until(what, ready, timeout, pause=0.4)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; tasks: {self.task_states(dag_id, run_id)}") from None

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """Task id (``id[map_index]`` when mapped) to state."""
        return {
            task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]": task[
                "state"
            ]
            for task in self.tasks(dag_id, run_id)
        }

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run as the REST API tells them."""
        reply = self.rest.call("GET", f"{self._run(dag_id, run_id)}/taskInstances", params={"limit": 100})
        return list(reply["task_instances"])

    def events(self, dag_id: str, run_id: str, event: str) -> list[str]:
        """What Airflow's own log of events tells under such a name about a run."""
        query = {"dag_id": dag_id, "run_id": run_id, "event": event}
        reply = self.rest.call("GET", "/eventLogs", params=query)
        return [entry["extra"] or "" for entry in reply["event_logs"]]

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        """One XCom value; ``None`` when there is none."""
        path = f"{self._run(dag_id, run_id)}/taskInstances/{quoted(task_id)}/xcomEntries/{quoted(key)}"
        found = self.rest.find(f"{path}?deserialize=false&stringify=false")
        return None if found is None else found["value"]

    # --- what a person does ---

    def mark_task(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Mark a task ``success`` or ``failed``, as the user interface does."""
        path = f"{self._run(dag_id, run_id)}/taskInstances/{quoted(task_id)}"
        self.rest.call("PATCH", path, {"new_state": state})

    def mark_run(self, dag_id: str, run_id: str, state: str) -> None:
        """Mark a run ``success`` or ``failed``."""
        self.rest.call("PATCH", self._run(dag_id, run_id), {"state": state})

    def clear(
        self,
        dag_id: str,
        run_id: str,
        task_ids: Iterable[str],
        *,
        downstream: bool = False,
        failed: bool = False,
    ) -> list[str]:
        """Clear tasks of a run and return the ids of all that Airflow cleared with them.

        :param downstream: also what follows.
        :param failed: only those that failed.
        """
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": list(task_ids),
            "only_failed": failed,
            "include_downstream": downstream,
            "reset_dag_runs": True,
        }
        reply = self.rest.call("POST", f"/dags/{quoted(dag_id)}/clearTaskInstances", body)
        return sorted({task["task_id"] for task in reply["task_instances"]})

    def set_connection(self, connection_id: str, connection: Mapping[str, Any]) -> None:
        """Write a connection (keys as in the JSON form: ``conn_type``, ``host``, ...) into the database."""
        body: dict[str, Any] = {"connection_id": connection_id, **connection}
        if isinstance(body.get("extra"), dict):
            import json

            body["extra"] = json.dumps(body["extra"])
        if self.rest.find(f"/connections/{quoted(connection_id)}") is not None:
            self.rest.call("DELETE", f"/connections/{quoted(connection_id)}")
        self.rest.call("POST", "/connections", body)

    def set_variable(self, key: str, value: str) -> None:
        """Write an Airflow Variable."""
        if self.rest.find(f"/variables/{quoted(key)}") is not None:
            self.rest.call("DELETE", f"/variables/{quoted(key)}")
        self.rest.call("POST", "/variables", {"key": key, "value": value})

    # --- processes ---

    def task_process(self, dag_id: str, run_id: str, task_id: str, timeout: float = 60) -> TaskProcess:
        """Wait until a task runs, and find its process and its supervisor's."""
        found: TaskProcess | None = None

        def running() -> bool:
            nonlocal found
            for task in self.tasks(dag_id, run_id):
                if task["task_id"] == task_id and task["state"] == "running" and task["pid"]:
                    try:
                        found = TaskProcess(task["pid"], psutil.Process(task["pid"]).ppid())
                    except psutil.NoSuchProcess:
                        return False
                    return True
            return False

        self._wait(f"a process of {task_id}", running, timeout, dag_id, run_id)
        assert found is not None
        if found.supervisor_pid not in {process.pid for process in self.processes.members()}:
            raise RuntimeError(f"process {found.pid} of {task_id} is not a child of this Airflow")
        return found

    def logs(self, dag_id: str, run_id: str, task_id: str) -> str:
        """All log files of a task, one try after the other."""
        folder = self.home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        return "\n".join(path.read_text(errors="replace") for path in sorted(folder.rglob("*.log")))

    def output(self, component: str) -> str:
        """The end of what ``scheduler``, ``dag-processor``, ``triggerer`` or ``api-server`` printed."""
        return self.processes.output(component)

    def _run(self, dag_id: str, run_id: str) -> str:
        return f"/dags/{quoted(dag_id)}/dagRuns/{quoted(run_id)}"


def _epoch(moment: str | None) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp() if moment else 0.0
