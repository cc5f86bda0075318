"""The composition: create, your tasks, publish, wait, verify, and the rollback, in a handful of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TaskGroup

from airflow_socrata.callbacks import SocrataRollbackCallback
from airflow_socrata.operators.rows import loads_rows
from airflow_socrata.operators.socrata import (
    SocrataCreateWorkingCopyOperator,
    SocrataDiscardWorkingCopyOperator,
    SocrataPublishOperator,
    SocrataVerifyOperator,
)
from airflow_socrata.sensors.socrata import SocrataPublicationSensor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from airflow_socrata.publication.operation import Method


class SocrataPublication(TaskGroup):
    """All of it is published, or nothing changes.

    Opens a working copy before the tasks of its block and, when they have succeeded, publishes it, waits and
    verifies what the public sees. When anything fails, is killed, times out or is marked failed, the working
    copy is discarded and the run is red.

    :param group_id: id of the task group.
    :param dataset: 4x4 of the published dataset. (templated)
    :param method: ``copy`` (upserts) or ``copySchema`` (a replace).
    :param socrata_conn_id: the Airflow connection. (templated)
    :param existing_copy: what to do with a person's open working copy: ``fail``, ``discard`` or ``adopt``.
    :param allow_older_run: publish although a newer run of this DAG has published already.
    :param allow_empty: publish a working copy without rows.
    :param on_approval: where a steward must approve: ``wait``, ``submit`` (the sensor waits) or ``fail``.
    :param rollback_on_approval: ``leave`` or ``withdraw`` a working copy that waits for approval at rollback.
    :param timeout: seconds for each long wait.
    :param poll_interval: longest pause between two looks at the portal, seconds; the sensor takes twice that.
    :param discard_retries: retries of the rollback task.
    :param deferrable: wait in the triggerer.
    """

    def __init__(
        self,
        group_id: str,
        *,
        dataset: str,
        method: Method = "copy",
        socrata_conn_id: str = "socrata_default",
        existing_copy: str = "fail",
        allow_older_run: bool = False,
        allow_empty: bool = False,
        on_approval: str = "wait",
        rollback_on_approval: str = "leave",
        timeout: float = 3600.0,
        poll_interval: float = 5.0,
        discard_retries: int = 3,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group_id=group_id, **kwargs)
        self._portal: dict[str, Any] = {"socrata_conn_id": socrata_conn_id}
        self._dataset = dataset
        self._method = method
        self._existing_copy = existing_copy
        self._allow_older_run = allow_older_run
        self._allow_empty = allow_empty
        self._on_approval = on_approval
        self._rollback_on_approval = rollback_on_approval
        self._timeout = timeout
        self._poll_interval = poll_interval
        self._discard_retries = discard_retries
        self._deferrable = deferrable
        self._create: SocrataCreateWorkingCopyOperator | None = None

    def __enter__(self) -> SocrataPublication:
        """Open the block."""
        super().__enter__()
        self._create = SocrataCreateWorkingCopyOperator(
            task_id="create_working_copy",
            dataset=self._dataset,
            method=self._method,
            existing_copy=self._existing_copy,
            allow_older_run=self._allow_older_run,
            timeout=self._timeout,
            poll_interval=self._poll_interval,
            deferrable=self._deferrable,
            **self._portal,
        )
        return self

    @property
    def working_copy(self) -> Any:
        """The handle of the working copy, for the tasks of the block."""
        if self._create is None:
            raise RuntimeError(
                "The working copy is known inside the block only: with SocrataPublication(...) as p: ..."
            )
        return self._create.output

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the block: add publish, wait, verify and the rollback behind its tasks."""
        try:
            if kind is None and self._create is not None:
                self._close(self._create)
        finally:
            super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]

    def _close(self, create: SocrataCreateWorkingCopyOperator) -> None:
        work = [task for task in self._tasks() if task.task_id != create.task_id]
        loads = [task for task in work if loads_rows(task)]
        inside = {task.task_id for task in work}
        for task in work:
            if not task.upstream_task_ids & (inside | {create.task_id}):
                create >> task
        publish = SocrataPublishOperator(
            task_id="publish",
            working_copy=[load.output for load in loads] or create.output,
            allow_empty=self._allow_empty,
            allow_older_run=self._allow_older_run,
            on_approval=self._on_approval,
            timeout=self._timeout,
            poll_interval=self._poll_interval,
            deferrable=self._deferrable,
            **self._portal,
        )
        for task in work:
            if not task.downstream_task_ids & inside:
                task >> publish
        wait = SocrataPublicationSensor(
            task_id="wait",
            working_copy=publish.output,
            timeout=self._timeout,
            poke_interval=2 * self._poll_interval,
            deferrable=self._deferrable,
            mode="reschedule",
            **self._portal,
        )
        verify = SocrataVerifyOperator(
            task_id="verify",
            working_copy=wait.output,
            timeout=self._timeout,
            poll_interval=self._poll_interval,
            deferrable=self._deferrable,
            **self._portal,
        )
        self._add_rollback(create, [*work, publish, wait], publish, verify)

    def _add_rollback(
        self, create: SocrataCreateWorkingCopyOperator, before: Sequence[Any], publish: Any, verify: Any
    ) -> None:
        """Add the teardown, and the callback for what no teardown sees.

        The teardown fails the run, since a failed cleanup must be seen; the leaf behind publish keeps it from
        hiding the failures before it.
        """
        discard = SocrataDiscardWorkingCopyOperator(
            task_id="discard_working_copy",
            opened_by=create.task_id,
            publish_task_id=publish.task_id,
            leaf_task_id=verify.task_id,
            on_approval=self._rollback_on_approval,
            retries=self._discard_retries,
            **self._portal,
        )
        for task in before:
            task >> discard
        discard.as_teardown(setups=create, on_failure_fail_dagrun=True)
        add_failure_callback(create.dag, SocrataRollbackCallback(create.task_id, self._rollback_on_approval))

    def _tasks(self) -> list[Any]:
        found: list[Any] = []
        groups: list[Any] = [self]
        while groups:
            for child in groups.pop().children.values():
                if hasattr(child, "children"):
                    groups.append(child)
                else:
                    found.append(child)
        return found


def add_failure_callback(dag: Any, callback: SocrataRollbackCallback) -> None:
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
