"""Operators that open and discard working copies."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_socrata.links.socrata import SocrataDatasetLink, SocrataWorkingCopyLink
from airflow_socrata.operators.base import SocrataOperator, check_run_is_true, default_deferrable, one_of
from airflow_socrata.publication.choices import IN_FLIGHT, ExistingCopy, Method, OnApproval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context


class SocrataCreateWorkingCopyOperator(SocrataOperator):
    """Open a working copy of a published dataset.

    Records its intent first, marks the copy as this run's, and adopts or discards what an earlier try has
    left. A person's working copy and that of another live run are refused.

    :param dataset: 4x4 of the published dataset. (templated)
    :param method: ``copy`` (schema and rows, for upserts) or ``copySchema`` (no rows, for a replace).
    :param existing_copy: what to do with a person's open working copy: ``fail``, ``discard`` or ``adopt``.
    :param allow_older_run: publish although a newer run of this DAG has published already.
    :param timeout: seconds for the copy job, and for geocoding and replicas before it, each.
    :param deferrable: wait for the copy job in the triggerer.
    :return: the handle: ids, baseline counts and links.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "dataset")
    operator_extra_links = (SocrataDatasetLink(), SocrataWorkingCopyLink())

    def __init__(
        self,
        *,
        dataset: str,
        method: Method = "copy",
        existing_copy: str = "fail",
        allow_older_run: bool = False,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.method: Method = one_of("method", method, get_args(Method))
        self.existing_copy = one_of("existing_copy", existing_copy, tuple(ExistingCopy))
        self.allow_older_run = allow_older_run
        self.deferrable = default_deferrable() if deferrable is None else deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Open the working copy."""
        from airflow_socrata.client import View
        from airflow_socrata.publication.opening import (
            Opening,
            ask_for_copy,
            check_made_for,
            clean_up,
            open_working_copy,
            prepare,
            take_over,
        )
        from airflow_socrata.runtime import operation_of
        from airflow_socrata.triggers.socrata import COPIED, SocrataWaitTrigger

        operation = operation_of(context)
        opening = Opening(
            self.dataset, self.method, ExistingCopy(self.existing_copy), self.allow_older_run, self.timeout
        )
        with self.publisher(context) as publisher:
            self.push_links(context, {"dataset": publisher.link(self.dataset)})
            if not self.deferrable:
                handle = open_working_copy(publisher, operation, opening)
                self.push_links(context, handle.links)
                return handle.to_xcom()
            prepared = prepare(publisher, operation, opening)
            try:
                answer = prepared.adopted or ask_for_copy(publisher, prepared.intent)
                if isinstance(answer, View):
                    if prepared.adopted is None:
                        check_made_for(prepared.intent, answer)
                    handle = take_over(publisher, prepared.intent, answer)
                    self.push_links(context, handle.links)
                    return handle.to_xcom()
            except BaseException as error:
                clean_up(publisher, prepared.intent, error)
                raise
        self.defer(
            trigger=SocrataWaitTrigger(
                self.socrata_conn_id,
                COPIED,
                self.dataset,
                self.deadline(),
                method=self.method,
                accepted=asdict(answer),
                poll_interval=self.poll_interval,
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout + 60),
        )
        raise AssertionError("unreachable: defer() raises")

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Record and mark the copy that the portal has made meanwhile."""
        from airflow_socrata.client import views
        from airflow_socrata.publication.errors import HandleMismatch
        from airflow_socrata.publication.opening import check_made_for, clean_up, take_over
        from airflow_socrata.runtime import operation_of
        from airflow_socrata.triggers.base import WaitEvent

        operation = operation_of(context)
        with self.publisher(context) as publisher:
            intent = publisher.intents.load(operation.key)
            if intent is None:
                raise HandleMismatch(
                    f"The intent of {operation} is gone: this run was rolled back while it waited."
                )
            try:
                waited = WaitEvent.checked(event)
                copy = publisher.send(views.read_view(str(waited.data["working_copy"])))
                check_made_for(intent, copy)
                handle = take_over(publisher, intent, copy)
            except BaseException as error:
                clean_up(publisher, intent, error)
                raise
            self.push_links(context, handle.links)
            return handle.to_xcom()


class SocrataDiscardWorkingCopyOperator(SocrataOperator):
    """Roll a publication back: the portal decides what is left to do, see the table of rollback states.

    Meant as the teardown of the task that opens the working copy. It never deletes anything but an
    unpublished working copy of this run, and fails the run if the data did not go live.

    :param opened_by: task id of the task that opens the working copy. (templated)
    :param publish_task_id: the publish task, if this task shall fail the run when publish did not succeed.
    :param leaf_task_id: a task behind publish; when it has failed already, this task need not.
    :param on_approval: ``leave`` or ``withdraw`` a working copy that waits for a steward's approval.
    :param patience: seconds for a copy or publish call that may still be in flight.
    :param job_patience: seconds for a publish job that the portal has accepted.
    :return: what was found and done.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "opened_by")
    ui_color = "#f5e3d6"

    def __init__(
        self,
        *,
        opened_by: str,
        publish_task_id: str | None = None,
        leaf_task_id: str | None = None,
        on_approval: str = "leave",
        patience: float = IN_FLIGHT,
        job_patience: float = 900.0,
        poll_interval: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poll_interval=poll_interval, **kwargs)
        self.opened_by = opened_by
        self.publish_task_id = publish_task_id
        self.leaf_task_id = leaf_task_id
        self.on_approval = one_of("on_approval", on_approval, tuple(OnApproval))
        self.patience = patience
        self.job_patience = job_patience

    def execute(self, context: Context) -> dict[str, Any]:
        """Roll back, then make sure that the run tells the truth."""
        from airflow_socrata.publication.rollback import forget_if_over, roll_back
        from airflow_socrata.runtime import operation_of

        operation = operation_of(context, self.opened_by)
        with self.publisher(context) as publisher:
            done = roll_back(
                publisher,
                operation.key,
                patience=self.patience,
                job_patience=self.job_patience,
                on_approval=OnApproval(self.on_approval),
            )
            self.log.info("Rollback of %s: %s.", operation, done.did)
            forget_if_over(publisher, operation.key, done)
        if not done.is_clean:
            raise AirflowFailException(f"Not rolled back: {done.did}.")
        check_run_is_true(context, done.did, self.publish_task_id, self.leaf_task_id)
        return {"state": done.state.name.lower(), "did": done.did, "went_live": done.went_live}


class SocrataDiscardStaleWorkingCopiesOperator(SocrataOperator):
    """Discard working copies that runs of this package have left: the last net, for a DAG of its own.

    Touches only copies that carry their own mark, are older than told, and whose run is over or unknown here.

    :param datasets: 4x4s of the published datasets to look at. (templated)
    :param older_than: a copy must be older than this.
    :return: the 4x4s of the discarded copies.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "datasets")
    ui_color = "#f5e3d6"

    def __init__(
        self, *, datasets: Sequence[str], older_than: timedelta = timedelta(days=1), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.older_than = older_than

    def execute(self, context: Context) -> list[str]:
        """Look at each dataset and discard what is stale."""
        from airflow_socrata.publication import hygiene

        with self.publisher(context) as publisher:
            return hygiene.discard_stale(publisher, list(self.datasets), self.older_than.total_seconds())
