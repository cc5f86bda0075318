"""What the operators for Opendatasoft portals have in common."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_socrata.connection_form import OPENDATASOFT_DEFAULT
from airflow_socrata.links.opendatasoft import OpendatasoftDatasetLink
from airflow_socrata.operators.base import PortalOperator, default_deferrable, failing_for_good

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.opendatasoft.models import Dataset
    from airflow_socrata.publication.opendatasoft.handle import DatasetHandle
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher
    from airflow_socrata.publication.opendatasoft.publishing import Ordered


def dataset_handle_of(value: object) -> DatasetHandle:
    """Read a handle, or the last one of any nesting of lists of them.

    :raises HandleMismatch: there is none.
    """
    from airflow_socrata.publication.opendatasoft.handle import DatasetHandle

    while isinstance(value, (list, tuple)) and value:
        value = value[-1]
    return DatasetHandle.from_xcom(value)


class OpendatasoftOperator(PortalOperator):
    """Base of the operators for Opendatasoft portals: not used by itself.

    :param opendatasoft_conn_id: the Airflow connection. (templated)
    """

    template_fields: Sequence[str] = ("opendatasoft_conn_id",)
    operator_extra_links: Collection[Any] = (OpendatasoftDatasetLink(),)
    ui_color = "#e6dcf5"

    def __init__(self, *, opendatasoft_conn_id: str = OPENDATASOFT_DEFAULT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.opendatasoft_conn_id = opendatasoft_conn_id

    @contextmanager
    def publisher(self, context: Context) -> Iterator[DatasetPublisher]:
        """Sign in for the time of the block; permanent errors fail the task without another try."""
        from airflow_socrata.hooks.opendatasoft import OpendatasoftHook
        from airflow_socrata.runtime import dataset_publisher_for_task

        with failing_for_good():
            hook = OpendatasoftHook(self.opendatasoft_conn_id)
            session, dialect = hook.get_conn(), hook.dialect()
        with self.signed_in(session):
            yield dataset_publisher_for_task(
                session, dialect, context, self.opendatasoft_conn_id, self.log.info, self.poll_interval
            )

    def find(self, context: Context, publisher: DatasetPublisher, dataset: str) -> Dataset:
        """Find a dataset by its dataset id or uid, and keep its page for people.

        :raises NotFound: naming the nearest.
        """
        from airflow_socrata.opendatasoft import actions

        found = publisher.run(actions.find(publisher.dialect, dataset))
        self.push_links(context, {"dataset": publisher.link(found.dataset_id)})
        return found


class WaitingOperator(OpendatasoftOperator):
    """Base of the operators that wait for a dataset: not used by itself.

    :param deferrable: wait in the triggerer.
    """

    def __init__(self, *, deferrable: bool | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = default_deferrable() if deferrable is None else deferrable

    def wait_for_rest(self, publisher: DatasetPublisher, uid: str) -> None:
        """Go on in ``execute_at_rest`` when the dataset rests, if it does not and this task may defer."""
        if self.deferrable and not publisher.run(publisher.dialect.status(uid)).is_at_rest:
            self._defer(uid, None, "execute_at_rest", {})

    def wait_for_end(self, ordered: Ordered, carried: Mapping[str, Any]) -> None:
        """Go on in ``execute_complete`` when what was ordered has ended."""
        self._defer(ordered.dataset, ordered, "execute_complete", {**carried, "ordered": ordered.to_json()})

    def _defer(self, uid: str, ordered: Ordered | None, method_name: str, carried: Mapping[str, Any]) -> None:
        from airflow_socrata.triggers.opendatasoft import OpendatasoftStatusTrigger

        self.defer(
            trigger=OpendatasoftStatusTrigger(
                self.opendatasoft_conn_id,
                uid,
                self.deadline(),
                ordered=None if ordered is None else ordered.to_json(),
                poll_interval=self.poll_interval,
                carried=carried,
            ),
            method_name=method_name,
            timeout=timedelta(seconds=self.timeout + 60),
        )


class AtRestOperator(WaitingOperator):
    """Base of the operators that write to a dataset once it rests: not used by itself.

    What a portal makes of writes while it processes is not known; every known client waits.

    :param dataset: dataset id or uid. (templated)
    :param timeout: seconds for the dataset to come to rest.
    """

    template_fields: Sequence[str] = (*WaitingOperator.template_fields, "dataset")

    def __init__(self, *, dataset: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset

    def write(self, publisher: DatasetPublisher, found: Dataset) -> dict[str, Any]:
        """Write to the dataset, which rests, and tell."""
        raise NotImplementedError

    def execute(self, context: Context) -> dict[str, Any]:
        """Write, as soon as the dataset rests."""
        return self._write(context, may_defer=True)

    def execute_at_rest(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Write, now that the dataset rests."""
        from airflow_socrata.triggers.base import WaitEvent

        with failing_for_good():
            WaitEvent.checked(event)
        return self._write(context, may_defer=False)

    def _write(self, context: Context, *, may_defer: bool) -> dict[str, Any]:
        from airflow_socrata.opendatasoft.errors import PublishRightMissing
        from airflow_socrata.publication.opendatasoft import waits

        with self.publisher(context) as publisher:
            found = self.find(context, publisher, self.dataset)
            try:
                if may_defer:
                    self.wait_for_rest(publisher, found.uid)
                patience = publisher.patience(self.timeout)
                publisher.run(waits.at_rest(publisher.dialect, found.uid, patience))
            except PublishRightMissing:
                self.log.info("The key may edit %s and not read its status: not waiting.", found.dataset_id)
            return {
                "dataset": found.uid,
                "dataset_id": found.dataset_id,
                **self.write(publisher, found),
            }
