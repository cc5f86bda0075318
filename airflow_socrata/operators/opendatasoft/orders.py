"""Operators that publish, unpublish and abort."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from airflow_socrata.opendatasoft.status import Action
from airflow_socrata.operators.base import failing_for_good, one_of
from airflow_socrata.operators.opendatasoft.base import WaitingOperator, dataset_handle_of
from airflow_socrata.publication.choices import OnLimit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher
    from airflow_socrata.publication.opendatasoft.publishing import Ordered, Publishing

#: Seconds for the abort that a killed task orders.
KILL_PATIENCE = 5.0


class OrderOperator(WaitingOperator):
    """Base of the operators that give an order and wait for its end: not used by itself.

    :param dataset: dataset id or uid. (templated)
    :param timeout: seconds for the dataset to come to rest before, and for the processing, each.
    :return: uid, dataset id, and the status at the end.
    """

    template_fields: Sequence[str] = (*WaitingOperator.template_fields, "dataset")
    action: Action

    def __init__(self, *, dataset: str | None = None, **kwargs: Any) -> None:

        super().__init__(**kwargs)
        self.dataset = dataset
        self._ordered: Ordered | None = None

    def how(self) -> Publishing:
        """Return how long to wait, and what to accept."""
        from airflow_socrata.publication.opendatasoft.publishing import Publishing

        return Publishing(self.timeout)

    def execute(self, context: Context) -> dict[str, Any]:
        """Give the order as soon as the dataset rests, and wait."""
        return self._order(context, may_defer=self.action is not Action.ABORT)

    def execute_at_rest(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Give the order, now that the dataset rests."""
        from airflow_socrata.triggers.base import WaitEvent

        with failing_for_good():
            WaitEvent.checked(event)
        return self._order(context, may_defer=False)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Judge the end."""
        from airflow_socrata.publication.opendatasoft.publishing import Ordered
        from airflow_socrata.triggers.base import WaitEvent

        with self.publisher(context) as publisher:
            ordered = Ordered.from_json(WaitEvent.checked(event).data["ordered"])
            return self.end(publisher, ordered)

    def _order(self, context: Context, *, may_defer: bool) -> dict[str, Any]:
        with self.publisher(context) as publisher:
            ordered = self.give(context, publisher, may_defer=may_defer)
            self._ordered = ordered
            if not self.deferrable or ordered.is_over:
                return self.end(publisher, ordered)
        self.wait_for_end(ordered, {})
        raise AssertionError("unreachable: defer() raises")

    def give(self, context: Context, publisher: DatasetPublisher, *, may_defer: bool) -> Ordered:
        """Give the order."""
        from airflow_socrata.publication.opendatasoft import publishing

        found = self.find(context, publisher, str(self.dataset))
        if may_defer:
            self.wait_for_rest(publisher, found.uid)
        return publishing.act(publisher, found.uid, found.dataset_id, self.action, self.how())

    def end(self, publisher: DatasetPublisher, ordered: Ordered) -> dict[str, Any]:
        """Wait for the end, judge it, and tell."""
        from airflow_socrata.publication.opendatasoft import publishing

        status = publishing.end_of(publisher, ordered, self.how())
        publisher.log(f"{self.action.value} of {ordered.dataset_id} has ended: {status.name}.")
        return {"dataset": ordered.dataset, "dataset_id": ordered.dataset_id, "status": status.name}


class OpendatasoftPublishOperator(OrderOperator):
    """Publish a dataset and wait until the portal has processed it, once in effect however often it is tried.

    Where the dataset is busy it waits and orders then, as what runs may predate the upload. Green means that
    the processing which ended began after the order, and ended well.

    :param restore_point: what the upload returned. (templated)
    :param dataset: instead: dataset id or uid of a dataset that is published without a restore point; what
        goes wrong then is not rolled back. (templated)
    :param on_limit: where the portal stops at its record limit: ``fail``, or ``accept`` the part it took.
    :param timeout: seconds for the dataset to come to rest before, and for the processing, each.
    :param deferrable: wait in the triggerer.
    :return: the handle with status and time of the order, for the sensor and Verify.
    """

    template_fields: Sequence[str] = (*OrderOperator.template_fields, "restore_point")
    ui_color = "#d9f0dd"
    action = Action.PUBLISH

    def __init__(
        self,
        *,
        restore_point: Any = None,
        dataset: str | None = None,
        on_limit: OnLimit = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(dataset=dataset, **kwargs)
        if (restore_point is None) == (dataset is None):
            raise ValueError("give either restore_point (what the upload returned) or dataset")
        self.restore_point = restore_point
        self.on_limit: OnLimit = one_of("on_limit", on_limit, get_args(OnLimit))

    def how(self) -> Publishing:
        """Return how long to wait, and what to accept."""
        from airflow_socrata.publication.opendatasoft.publishing import Publishing

        return Publishing(self.timeout, self.on_limit)

    def give(self, context: Context, publisher: DatasetPublisher, *, may_defer: bool) -> Ordered:
        """Give the order; nothing of it is lost if this process dies."""
        from airflow_socrata.publication.opendatasoft import publishing

        if self.restore_point is None:
            return super().give(context, publisher, may_defer=may_defer)
        handle = dataset_handle_of(self.restore_point)
        self.push_links(context, handle.links)
        if may_defer:
            self.wait_for_rest(publisher, handle.dataset)
        return publishing.order(publisher, handle, self.how())

    def end(self, publisher: DatasetPublisher, ordered: Ordered) -> dict[str, Any]:
        """Wait for the end, judge it, record it, and tell."""
        from airflow_socrata.publication.opendatasoft import publishing

        if self.restore_point is None:
            return super().end(publisher, ordered)
        handle = dataset_handle_of(self.restore_point)
        return publishing.finish(publisher, handle, ordered, self.how()).to_xcom()

    def on_kill(self) -> None:
        """Stop this task's own input and output, and abort what it has ordered.

        With a restore point the abort is left to the rollback, and a retry waits for what runs.
        """
        from airflow_socrata.client import RetryBudget
        from airflow_socrata.hooks.opendatasoft import OpendatasoftHook
        from airflow_socrata.publication.opendatasoft import publishing

        super().on_kill()
        ordered = self._ordered
        if ordered is None or self.restore_point is not None:
            return
        from airflow_socrata.client import PortalSession, SystemClock
        from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher
        from airflow_socrata.publication.operation import RememberedIntents
        from airflow_socrata.runtime import NoRuns

        hook = OpendatasoftHook(self.opendatasoft_conn_id)
        with PortalSession(hook.settings(), budget=RetryBudget(seconds=KILL_PATIENCE)) as session:
            publishing.abort_ours(
                DatasetPublisher(
                    session, hook.dialect(), RememberedIntents(), NoRuns(), SystemClock(), self.log.info
                ),
                ordered,
            )


class OpendatasoftUnpublishOperator(OrderOperator):
    """Take a dataset off Explore and wait. Its public records are dropped, its configuration stays.

    Succeeds at once where it is not published.

    :param dataset: dataset id or uid. (templated)
    :param timeout: seconds for the dataset to come to rest before, and for the removal, each.
    :param deferrable: wait in the triggerer.
    :return: uid, dataset id, and the status at the end.
    """

    ui_color = "#f5e3d6"
    action = Action.UNPUBLISH

    def __init__(self, *, dataset: str, **kwargs: Any) -> None:
        super().__init__(dataset=dataset, **kwargs)


class OpendatasoftAbortOperator(OrderOperator):
    """Abort the processing of a dataset, whoever has ordered it, and wait. This is no rollback.

    What was processed so far stays public: the dataset is incomplete until it is published again. Succeeds at
    once where nothing runs; fails where what runs cannot be aborted (a queued dataset, for one).

    :param dataset: dataset id or uid. (templated)
    :param timeout: seconds for the dataset to come to rest.
    :param deferrable: wait in the triggerer.
    :return: uid, dataset id, and the status at the end.
    """

    ui_color = "#f5e3d6"
    action = Action.ABORT

    def __init__(self, *, dataset: str, **kwargs: Any) -> None:
        super().__init__(dataset=dataset, **kwargs)
