"""The rollback of last resort: a DAG's callback, for runs that time out or whose first task died."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_socrata.conflicts import own_version
from airflow_socrata.publication.choices import OnApproval

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

own_version()  # names the old plugin at once

log = logging.getLogger(__name__)

#: Map indexes are asked for until so many in a row have no intent.
MISSES = 3


@dataclass(frozen=True)
class RollbackCallback:
    """Base of the callbacks: not used by itself. Rolls back what a task of a run that failed has opened.

    :param opened_by: task id of the task that opens.
    """

    opened_by: str

    def conn_id_of(self, key: str) -> str | None:
        """Return the connection that an operation was recorded with; ``None`` if nothing is on record."""
        raise NotImplementedError

    def roll_back(self, conn_id: str, key: str) -> str:
        """Roll an operation back, and tell what was done."""
        raise NotImplementedError

    def __call__(self, context: Context) -> None:
        """Roll back every publication of the run that this task has opened; never raises."""
        from airflow_socrata.publication.operation import Operation

        dag_id, run_id = _run_of(context)
        index, misses = -1, 0
        while misses < MISSES:
            key = Operation(dag_id, run_id, self.opened_by, index).key
            conn_id = self.conn_id_of(key)
            if conn_id is None:
                misses += index >= 0
            else:
                misses = 0
                self._roll_back(conn_id, key)
            index += 1

    def _roll_back(self, conn_id: str, key: str) -> None:
        try:
            log.info("Rollback by the DAG's callback: %s.", self.roll_back(conn_id, key))
        except Exception:
            log.exception(
                "The DAG's callback could not roll back; the next run, or the hygiene operator, will."
            )


@dataclass(frozen=True)
class SocrataRollbackCallback(RollbackCallback):
    """Roll back a publication when its run has failed: for ``DAG(on_failure_callback=...)``.

    At ``dagrun_timeout`` Airflow skips every task that is left, the teardown included, and runs only this.

    :param opened_by: task id of the task that opens the working copy.
    :param on_approval: ``leave`` or ``withdraw`` a working copy that waits for approval.
    :param patience: seconds for calls that may be in flight; Airflow ends a callback after about 50.
    """

    on_approval: str = "leave"
    patience: float = 25.0

    def conn_id_of(self, key: str) -> str | None:
        """Return the connection that an operation was recorded with."""
        from airflow_socrata.publication.operation import Intent
        from airflow_socrata.runtime import VariableIntents

        intent = VariableIntents(Intent.from_json).load(key)
        return None if intent is None else intent.conn_id

    def roll_back(self, conn_id: str, key: str) -> str:
        """Roll an operation back."""
        from airflow_socrata.client import PortalSession, RetryBudget, SystemClock
        from airflow_socrata.hooks.socrata import SocrataHook
        from airflow_socrata.publication.operation import Intent
        from airflow_socrata.publication.publisher import Publisher
        from airflow_socrata.publication.rollback import forget_if_over, roll_back
        from airflow_socrata.runtime import NoRuns, VariableIntents

        intents = VariableIntents(Intent.from_json)
        budget = RetryBudget(seconds=self.patience / 2)
        with PortalSession(SocrataHook(conn_id).settings(), budget=budget, log=log) as session:
            publisher = Publisher(session, intents, NoRuns(), SystemClock(), log.info, conn_id, poll=1.0)
            done = roll_back(
                publisher,
                key,
                patience=self.patience,
                job_patience=self.patience,
                on_approval=OnApproval(self.on_approval),
            )
            forget_if_over(publisher, key, done)
            return done.did


@dataclass(frozen=True)
class OpendatasoftRollbackCallback(RollbackCallback):
    """Roll back a publication when its run has failed: for ``DAG(on_failure_callback=...)``.

    Airflow ends a callback after about 50 seconds. Where the portal needs longer to process the former
    records, the record stays, and the next run goes on with the rollback.

    :param opened_by: task id of the task that notes the restore point.
    :param patience: seconds for calls that may be in flight, for rest, and for the processing, each.
    """

    patience: float = 20.0

    def conn_id_of(self, key: str) -> str | None:
        """Return the connection that an operation was recorded with."""
        from airflow_socrata.publication.opendatasoft.intent import ChangeIntent
        from airflow_socrata.runtime import VariableIntents

        intent = VariableIntents(ChangeIntent.from_json).load(key)
        return None if intent is None else intent.conn_id

    def roll_back(self, conn_id: str, key: str) -> str:
        """Roll an operation back."""
        from airflow_socrata.client import PortalSession, RetryBudget, SystemClock
        from airflow_socrata.hooks.opendatasoft import OpendatasoftHook
        from airflow_socrata.publication.opendatasoft import rollback
        from airflow_socrata.publication.opendatasoft.intent import ChangeIntent
        from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher
        from airflow_socrata.runtime import NoRuns, VariableIntents, kept_place

        hook = OpendatasoftHook(conn_id)
        budget = RetryBudget(seconds=self.patience / 2)
        with PortalSession(hook.settings(), budget=budget, log=log) as session:
            publisher = DatasetPublisher(
                session,
                hook.dialect(),
                VariableIntents(ChangeIntent.from_json),
                NoRuns(),
                SystemClock(),
                log.info,
                conn_id,
                poll=1.0,
                place=kept_place,
            )
            done = rollback.roll_back(publisher, key, patience=self.patience, job_patience=self.patience)
            rollback.forget_if_over(publisher, key, done)
            return done.did


def _run_of(context: Context) -> tuple[str, str]:
    """Return the DAG and run of a callback's context, which has few keys in Airflow 3 and others in 2."""
    values: Any = context
    dag_id = values["dag"].dag_id
    run = values.get("dag_run")
    return dag_id, values.get("run_id") or run.run_id


def add_failure_callback(dag: Any, callback: RollbackCallback) -> None:
    """Add a callback to those that a DAG runs when a run of it fails; the user's own stay, and stay first."""
    present = dag.on_failure_callback
    if present is None:
        callbacks = []
    elif isinstance(present, list | tuple):
        callbacks = list(present)
    else:
        callbacks = [present]
    if callback not in callbacks:
        dag.on_failure_callback = [*callbacks, callback]
    dag.has_on_failure_callback = True
