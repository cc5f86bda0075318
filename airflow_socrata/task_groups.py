"""The composition: create, your tasks, publish, wait, verify, and the rollback, in a handful of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TaskGroup

from airflow_socrata.callbacks import (
    OpendatasoftRollbackCallback,
    SocrataRollbackCallback,
    add_failure_callback,
)
from airflow_socrata.drafts import DraftTasks, RestorePointTasks, RevisionTasks, WorkingCopyTasks
from airflow_socrata.operators.socrata import SocrataVerifyOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from airflow_socrata.publication.choices import Action, DraftMethod, OnLimit, Permission


class PublicationGroup(TaskGroup):
    """Base of the compositions of both vendors: not used by itself.

    :param group_id: id of the task group.
    :param drafts: makes the tasks around the draft.
    """

    def __init__(self, group_id: str, drafts: DraftTasks, **kwargs: Any) -> None:
        super().__init__(group_id=group_id, **kwargs)
        self._drafts = drafts
        self._create: Any = None

    def __enter__(self) -> Self:
        """Open the block."""
        super().__enter__()
        self._create = self._drafts.create()
        return self

    def _handle(self, kind: type[DraftTasks], name: str) -> Any:
        if not isinstance(self._drafts, kind):
            raise TypeError(
                f"This publication has no {name}: its method opens a {self._drafts.draft}, so pass"
                f" .{self._drafts.draft} to the tasks of the block"
            )
        if self._create is None:
            raise RuntimeError(
                f"The {name} is known inside the block only: with {type(self).__name__}(...) as p: ..."
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

    def _close(self, create: Any) -> None:
        drafts = self._drafts
        work = [task for task in self._tasks() if task.task_id != create.task_id]
        inside = {task.task_id for task in work}
        for task in work:
            if not task.upstream_task_ids & (inside | {create.task_id}):
                create >> task
        filled = [task.output for task in work if drafts.fills(task)]
        publish = drafts.publish(filled or create.output)
        for task in work:
            if not task.downstream_task_ids & inside:
                task >> publish
        self._end(create, work, publish, drafts.wait(publish.output))

    def _end(self, create: Any, work: Sequence[Any], publish: Any, wait: Any) -> None:
        """Add what comes behind the sensor."""
        raise NotImplementedError

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


class SocrataPublication(PublicationGroup):
    """All of it is published, or nothing changes.

    Opens a draft (a working copy or a revision) before the tasks of its block and, when they have succeeded,
    publishes it, waits and verifies what the public sees. When anything fails, is killed, times out or is
    marked failed, the draft is discarded and the run is red.

    :param group_id: id of the task group.
    :param dataset: 4x4 of the published dataset. (templated)
    :param method: ``copy`` (a working copy, for upserts), ``copySchema`` (one without rows, for a replace) or
        ``revision`` (files that the portal parses and transforms).
    :param socrata_conn_id: the Airflow connection. (templated)
    :param existing_copy: what to do with a person's open working copy: ``fail``, ``discard`` or ``adopt``; a
        revision only knows ``fail`` and ``ignore``.
    :param action: of a revision: ``update``, ``replace`` or ``delete``.
    :param config: of a revision: name of a saved import config, instead of ``action``. (templated)
    :param metadata: of a revision: metadata to change, by the portal's own keys. (templated)
    :param permission: of a revision: ``public`` or ``private``; left out, the audience stays.
    :param allow_older_run: publish although a newer run of this DAG has published already.
    :param allow_empty: publish a draft without rows.
    :param on_approval: where a steward must approve: ``wait``, ``submit`` (the sensor waits) or ``fail``.
    :param rollback_on_approval: ``leave`` or ``withdraw`` a draft that waits for approval at rollback.
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
        method: DraftMethod = "copy",
        socrata_conn_id: str = "socrata_default",
        existing_copy: str = "fail",
        action: Action = "update",
        config: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        permission: Permission | None = None,
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
        portal: dict[str, Any] = {"socrata_conn_id": socrata_conn_id}
        waiting = {"timeout": timeout, "poll_interval": poll_interval, "deferrable": deferrable, **portal}
        publishing = {
            "allow_empty": allow_empty,
            "allow_older_run": allow_older_run,
            "on_approval": on_approval,
        }
        drafts: DraftTasks
        if method == "revision":
            opening = {"action": action, "config": config, "metadata": metadata, "permission": permission}
            drafts = RevisionTasks(dataset, existing_copy, waiting, publishing, opening)
        else:
            drafts = WorkingCopyTasks(dataset, existing_copy, waiting, publishing, method)
            drafts.refuse(action=action, config=config, metadata=metadata, permission=permission)
        super().__init__(group_id, drafts, **kwargs)
        self._rollback_on_approval = rollback_on_approval
        self._discard_retries = discard_retries

    @property
    def working_copy(self) -> Any:
        """The handle of the working copy, for the tasks of the block."""
        return self._handle(WorkingCopyTasks, "working_copy")

    @property
    def revision(self) -> Any:
        """The handle of the revision, for the tasks of the block."""
        return self._handle(RevisionTasks, "revision")

    def _end(self, create: Any, work: Sequence[Any], publish: Any, wait: Any) -> None:
        drafts = self._drafts
        verify = SocrataVerifyOperator(task_id="verify", **{drafts.draft: wait.output}, **drafts.waiting)
        self._add_rollback(create, [*work, publish, wait], publish, verify)

    def _add_rollback(self, create: Any, before: Sequence[Any], publish: Any, verify: Any) -> None:
        """Add the teardown, and the callback for what no teardown sees.

        The teardown fails the run, since a failed cleanup must be seen; the leaf behind publish keeps it from
        hiding the failures before it.
        """
        discard = self._drafts.discard(
            opened_by=create.task_id,
            publish_task_id=publish.task_id,
            leaf_task_id=verify.task_id,
            on_approval=self._rollback_on_approval,
            retries=self._discard_retries,
        )
        for task in before:
            task >> discard
        discard.as_teardown(setups=create, on_failure_fail_dagrun=True)
        add_failure_callback(create.dag, SocrataRollbackCallback(create.task_id, self._rollback_on_approval))


class OpendatasoftPublication(PublicationGroup):
    """All of it is published and counted, or the former records are published again.

    Notes a restore point before the tasks of its block; when they have succeeded, publishes the dataset,
    waits until the portal has processed it, and counts what the public sees. When anything fails, is killed,
    times out or is marked failed, the dataset is restored, and published again where the portal may have
    processed it since. An Opendatasoft portal has no drafts: the public may see the in-between.

    :param group_id: id of the task group.
    :param dataset: dataset id or uid. (templated)
    :param keep: path or URL of a folder for a copy of the former records; ``None``: only what the portal
        keeps itself can be gone back to. (templated)
    :param keep_conn_id: Airflow connection for that URL.
    :param opendatasoft_conn_id: the Airflow connection. (templated)
    :param expected_records: ``file`` (as many as the uploaded file has rows), a number, or ``None``: any but
        none. (templated)
    :param allow_empty: no records will do.
    :param allow_older_run: publish although a newer run of this DAG has published already.
    :param on_limit: where the portal stops at its record limit: ``fail``, or ``accept`` the part it took.
    :param timeout: seconds for each long wait.
    :param poll_interval: longest pause between two looks at the portal, seconds; the sensor takes twice that.
    :param rollback_retries: retries of the rollback task.
    :param deferrable: wait in the triggerer.
    """

    def __init__(
        self,
        group_id: str,
        *,
        dataset: str,
        keep: Any = None,
        keep_conn_id: str | None = None,
        opendatasoft_conn_id: str = "opendatasoft_default",
        expected_records: Any = "file",
        allow_empty: bool = False,
        allow_older_run: bool = False,
        on_limit: OnLimit = "fail",
        timeout: float = 3600.0,
        poll_interval: float = 5.0,
        rollback_retries: int = 3,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        waiting = {
            "timeout": timeout,
            "poll_interval": poll_interval,
            "deferrable": deferrable,
            "opendatasoft_conn_id": opendatasoft_conn_id,
        }
        self._restore_points = RestorePointTasks(
            dataset,
            waiting,
            {"on_limit": on_limit},
            {"keep": keep, "keep_conn_id": keep_conn_id, "allow_older_run": allow_older_run},
            {"expected_records": expected_records, "allow_empty": allow_empty},
        )
        super().__init__(group_id, self._restore_points, **kwargs)
        self._rollback_retries = rollback_retries

    @property
    def restore_point(self) -> Any:
        """The handle of the restore point, for the tasks of the block."""
        return self._handle(RestorePointTasks, "restore_point")

    def _end(self, create: Any, work: Sequence[Any], publish: Any, wait: Any) -> None:
        """Add verify, its leaf, and the teardown, which needs to know what verify has found."""
        tasks = self._restore_points
        verify = tasks.verify(wait.output)
        report = tasks.report(verify.output)
        roll_back = tasks.discard(
            opened_by=create.task_id,
            publish_task_id=verify.task_id,
            leaf_task_id=report.task_id,
            retries=self._rollback_retries,
        )
        for task in (*work, publish, wait, verify):
            task >> roll_back
        roll_back.as_teardown(setups=create, on_failure_fail_dagrun=True)
        add_failure_callback(create.dag, OpendatasoftRollbackCallback(create.task_id))
