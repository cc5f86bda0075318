"""Run a DAG that a test built, inside the test process, on every Airflow that this package claims."""

from __future__ import annotations

import functools
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from airflow_harness.versions import AIRFLOW_3, AIRFLOW_3_3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_BUNDLE = "dags-folder"


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What became of one task instance.

    :param state: ``success``, ``failed``, ``upstream_failed``, ``skipped``, ... or ``None``.
    :param tries: number of the last try, 1 for a task that ran once.
    :param xcoms: key to value, as another task would pull them.
    :param exceptions: what each failed try raised, in order, as its callbacks were told.
    """

    task_id: str
    map_index: int
    state: str | None
    tries: int
    xcoms: Mapping[str, Any]
    exceptions: Sequence[BaseException | str | None] = ()

    @property
    def return_value(self) -> Any:
        """What the task returned."""
        return self.xcoms.get("return_value")


@dataclass(frozen=True, slots=True)
class DagOutcome:
    """What became of one run.

    :param tasks: task id to outcome; a mapped task instance is listed as ``task_id[map_index]``.
    """

    dag_id: str
    run_id: str
    state: str
    tasks: Mapping[str, TaskOutcome] = field(default_factory=dict)

    @property
    def states(self) -> dict[str, str | None]:
        """Task id to state."""
        return {name: task.state for name, task in self.tasks.items()}

    def task(self, task_id: str) -> TaskOutcome:
        """The outcome of one task; raises ``KeyError`` with the known ids."""
        try:
            return self.tasks[task_id]
        except KeyError:
            raise KeyError(f"no task {task_id!r} in the run; there are {sorted(self.tasks)}") from None


def run_dag(
    dag: Any, *, conf: Mapping[str, Any] | None = None, wait_between_tries: bool = False
) -> DagOutcome:
    """Run ``dag`` once through ``dag.test()`` and tell how it ended.

    Retries, setups and teardowns, DAG-level callbacks and deferrable tasks (their triggers run in this
    process) behave as under a scheduler; a run takes about 0.15 s per task after the first one. What it
    cannot show is a killed process, a time-out of the run, or a person's click: use
    :class:`airflow_harness.cluster.Cluster` for these.

    :param dag: a DAG object; its callbacks and retry delays are changed, so build one per run.
    :param conf: configuration of the run.
    :param wait_between_tries: keep the tasks' own ``retry_delay``; else the next try starts at once.
    """
    raised = _record_exceptions(dag)
    if not wait_between_tries:
        _retry_at_once(dag)
    os.environ.setdefault("NO_PROXY", "*")
    if AIRFLOW_3:
        _serialize(dag)
        _keep_the_api()
    with _exception_in_context():
        run = dag.test(run_conf=dict(conf or {}))
    return _outcome(run.dag_id, run.run_id, raised)


@contextmanager
def _exception_in_context() -> Iterator[None]:
    """Let callbacks see ``context["exception"]``: ``dag.test()`` of 3.1 forgets it."""
    if not AIRFLOW_3 or AIRFLOW_3_3:
        yield
        return
    from airflow.sdk.execution_time import task_runner

    def finalize(ti: Any, state: Any, context: Any, log: Any, error: BaseException | None = None) -> None:
        context["exception"] = error
        original(ti, state, context, log, error)

    original = task_runner.finalize
    task_runner.finalize = finalize
    try:
        yield
    finally:
        task_runner.finalize = original


def _set(task: Any, name: str, value: Any) -> None:
    if name in getattr(task, "partial_kwargs", {}) or not hasattr(task, "execute"):
        task.partial_kwargs[name] = value
    else:
        setattr(task, name, value)


def _retry_at_once(dag: Any) -> None:
    for task in dag.tasks:
        _set(task, "retry_delay", timedelta(0))


def _record_exceptions(dag: Any) -> dict[tuple[str, int], list[Any]]:
    raised: dict[tuple[str, int], list[Any]] = {}

    def record(context: Any) -> None:
        instance = context["ti"]
        raised.setdefault((instance.task_id, instance.map_index), []).append(context.get("exception"))

    for task in dag.tasks:
        for event in ("on_failure_callback", "on_retry_callback"):
            present: Any = getattr(task, event)
            callbacks: list[Callable[[Any], Any]] = (
                [] if not present else list(present) if isinstance(present, (list, tuple)) else [present]
            )
            _set(task, event, [record, *callbacks])
    return raised


def _serialize(dag: Any) -> None:
    """Write ``dag`` to the database: from 3.1 on a run needs a serialized DAG to belong to."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    if AIRFLOW_3_3:
        from airflow.serialization.definitions.dag import SerializedDAG
    else:
        from airflow.serialization.serialized_objects import SerializedDAG

    DagBundlesManager().sync_bundles_to_db()
    lazy = LazyDeserializedDAG.from_dag(dag)
    SerializedDAG.bulk_write_to_db(_BUNDLE, None, [lazy])
    SerializedDagModel.write_dag(lazy, bundle_name=_BUNDLE)


def _keep_the_api() -> None:
    """Build Airflow's in-process API once, as 3.3 does: ``dag.test()`` of 3.1 takes 3 s a task for it."""
    from airflow.sdk.execution_time import supervisor

    if not hasattr(supervisor.in_process_api_server, "cache_info"):
        supervisor.in_process_api_server = functools.lru_cache(maxsize=1)(supervisor.in_process_api_server)


def _outcome(dag_id: str, run_id: str, raised: Mapping[tuple[str, int], list[Any]]) -> DagOutcome:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)).one()
        instances = session.scalars(
            select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
        ).all()
        xcoms = _xcoms(session, dag_id, run_id)
        tasks = {}
        for instance in sorted(instances, key=lambda ti: (ti.task_id, ti.map_index)):
            key = (instance.task_id, instance.map_index)
            name = instance.task_id if instance.map_index < 0 else f"{instance.task_id}[{instance.map_index}]"
            tasks[name] = TaskOutcome(
                task_id=instance.task_id,
                map_index=instance.map_index,
                state=str(instance.state) if instance.state else None,
                tries=instance.try_number,
                xcoms=xcoms.get(key, {}),
                exceptions=tuple(raised.get(key, ())),
            )
        return DagOutcome(dag_id=dag_id, run_id=run_id, state=str(run.state), tasks=tasks)


def _xcoms(session: Any, dag_id: str, run_id: str) -> dict[tuple[str, int], dict[str, Any]]:
    from sqlalchemy import select

    if AIRFLOW_3:
        from airflow.models.xcom import XComModel as Model

        value = Model.deserialize_value
    else:
        from airflow.models.xcom import XCom as Model

        value = attrgetter("value")  # 2.11 deserializes when it loads the row
    values: dict[tuple[str, int], dict[str, Any]] = {}
    for row in session.scalars(select(Model).where(Model.dag_id == dag_id, Model.run_id == run_id)):
        values.setdefault((row.task_id, row.map_index), {})[row.key] = value(row)
    return values
