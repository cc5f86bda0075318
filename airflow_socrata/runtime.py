"""What the publication room asks of Airflow: where intents are kept, which runs are live, who is asking."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, cast

from airflow.providers.common.compat.sdk import Variable

from airflow_socrata.client import SystemClock
from airflow_socrata.publication.operation import I, Intent, Operation, Recorded, RunState
from airflow_socrata.publication.publisher import Publisher
from airflow_socrata.version_compat import AIRFLOW_V_3_0_PLUS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.client import PortalSession
    from airflow_socrata.opendatasoft.dialect import Dialect
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher, Place

_ABSENT: dict[str, Any] = {"default" if AIRFLOW_V_3_0_PLUS else "default_var": None}
_LIVE = {"queued", "running", "restarting"}


class VariableIntents(Generic[I]):
    """Intents as Airflow Variables: the one store that outlives tries, clears and runs on every version.

    XComs of a task are wiped at each try, and the task state store of Airflow 3.3 belongs to one task, so
    that neither the rollback nor the DAG's callback could read it. Each intent has a Variable of its own,
    which is removed when its operation is over.

    :param read: builds an intent from what its ``to_json`` gave.
    """

    def __init__(self, read: Callable[[Mapping[str, Any]], I]) -> None:
        self._from_json = read

    def load(self, key: str) -> I | None:
        """Return the intent of the operation with this key."""
        text = _read(_intent_name(key))
        return None if text is None else self._from_json(json.loads(text))

    def save(self, intent: I) -> None:
        """Record the intent."""
        key = intent.operation.key
        Variable.set(
            _intent_name(key),
            json.dumps(intent.to_json()),
            description=(
                f"Publication of {intent.dataset} by {intent.operation} in progress; removed when it is over"
            ),
        )
        keys = self.unfinished(intent.domain, intent.dataset)
        if key not in keys:
            self._index(intent, (*keys, key))

    def forget(self, intent: I) -> None:
        """Remove the intent."""
        key = intent.operation.key
        _remove(_intent_name(key))
        rest = tuple(k for k in self.unfinished(intent.domain, intent.dataset) if k != key)
        if rest:
            self._index(intent, rest)
        else:
            _remove(_index_name(intent.domain, intent.dataset))

    def unfinished(self, domain: str, dataset: str) -> tuple[str, ...]:
        """Return the keys of the operations on a dataset that were not forgotten."""
        text = _read(_index_name(domain, dataset))
        return () if text is None else tuple(json.loads(text))

    @staticmethod
    def _index(intent: Recorded, keys: tuple[str, ...]) -> None:
        Variable.set(
            _index_name(intent.domain, intent.dataset),
            json.dumps(sorted(keys)),
            description=f"Publications of {intent.dataset} on {intent.domain} that are not over",
        )


def _intent_name(key: str) -> str:
    return f"airflow_socrata.intent.{key}"


def _index_name(domain: str, dataset: str) -> str:
    name = hashlib.sha256(f"{domain}/{dataset}".encode()).hexdigest()[:32]
    return f"airflow_socrata.open.{name}"


def _read(name: str) -> str | None:
    value: str | None = Variable.get(name, **_ABSENT)
    return value


def _remove(name: str) -> None:
    if _read(name) is not None:
        Variable.delete(name)


class TaskRuns:
    """Tells, from inside a task, whether another DAG run is live."""

    def __init__(self, context: Context) -> None:
        self._ti: Any = context["ti"]

    def state(self, dag_id: str, run_id: str) -> RunState:
        """Return the state of a DAG run; unknown if this Airflow has no such run."""
        state = self._state_3(dag_id, run_id) if AIRFLOW_V_3_0_PLUS else _state_2(dag_id, run_id)
        if state is None:
            return RunState.UNKNOWN
        return RunState.LIVE if state in _LIVE else RunState.ENDED

    def _state_3(self, dag_id: str, run_id: str) -> str | None:
        from airflow.sdk.exceptions import AirflowRuntimeError

        try:
            return str(getattr(found := self._ti.get_dagrun_state(dag_id, run_id), "value", found))
        except AirflowRuntimeError:
            return None


def _state_2(dag_id: str, run_id: str) -> str | None:
    from airflow.models.dagrun import DagRun

    found = DagRun.find(dag_id=dag_id, run_id=run_id)
    return str(getattr(found[0].state, "value", found[0].state)) if found else None


class NoRuns:
    """For callbacks, which cannot ask: every other run may be live."""

    def state(self, dag_id: str, run_id: str) -> RunState:
        """Return that nothing is known."""
        return RunState.UNKNOWN


def task_states(context: Context) -> dict[str, str | None]:
    """Return the states of this run's tasks of this map index, by task id."""
    ti: Any = context["ti"]
    if AIRFLOW_V_3_0_PLUS:
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])
        found: dict[str, str | None] = {
            name: None if state is None else str(getattr(state, "value", state))
            for name, state in states.get(ti.run_id, {}).items()
        }
        return found
    run: Any = context["dag_run"]
    return {
        other.task_id: None if other.state is None else str(other.state) for other in run.get_task_instances()
    }


def operation_of(context: Context, task_id: str | None = None) -> Operation:
    """Return the operation that this task, or another of its run and map index, carries out."""
    ti: Any = context["ti"]
    return Operation(
        ti.dag_id, ti.run_id, task_id or ti.task_id, ti.map_index, run_order(context.get("dag_run"))
    )


def run_order(run: Any) -> str:
    """Return the instant that orders a DAG's runs by the age of their data, ISO 8601 in UTC.

    ``run_after`` where Airflow has it (3.x), else the end of the data interval, else the logical date.
    """
    for name in ("run_after", "data_interval_end", "logical_date"):
        moment = getattr(run, name, None)
        if moment is not None:
            from datetime import UTC

            return str(moment.astimezone(UTC).isoformat(timespec="microseconds"))
    return ""


def publisher_for_task(
    session: PortalSession, context: Context, conn_id: str, log: Callable[[str], None], poll: float
) -> Publisher:
    """Return a publisher for a running task."""
    intents = VariableIntents(Intent.from_json)
    return Publisher(session, intents, TaskRuns(context), SystemClock(), log, conn_id, poll)


def dataset_publisher_for_task(
    session: PortalSession,
    dialect: Dialect,
    context: Context,
    conn_id: str,
    log: Callable[[str], None],
    poll: float,
) -> DatasetPublisher:
    """Return a publisher to an Opendatasoft portal for a running task."""
    from airflow_socrata.publication.opendatasoft.intent import ChangeIntent
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher

    intents = VariableIntents(ChangeIntent.from_json)
    return DatasetPublisher(
        session, dialect, intents, TaskRuns(context), SystemClock(), log, conn_id, poll, kept_place
    )


def kept_place(path: str) -> Place:
    """Find a kept file: a URL goes through ``ObjectStoragePath``, whose text names its connection."""
    if "://" not in path:
        return Path(path)
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    return cast("Place", ObjectStoragePath(path))
