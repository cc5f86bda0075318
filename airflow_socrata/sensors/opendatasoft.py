"""The sensor for the status of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue

from airflow_socrata.connection_form import OPENDATASOFT_DEFAULT
from airflow_socrata.links.opendatasoft import OpendatasoftDatasetLink
from airflow_socrata.operators.base import LINKS_KEY, failing_for_good, one_of
from airflow_socrata.operators.opendatasoft.base import dataset_handle_of
from airflow_socrata.sensors.base import WaitSensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.opendatasoft.models import Status
    from airflow_socrata.publication.choices import OnLimit
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher
    from airflow_socrata.publication.opendatasoft.publishing import Ordered
    from airflow_socrata.triggers.base import WaitTrigger


class OpendatasoftStatusSensor(WaitSensor):
    """Wait until the portal has processed a dataset. Looks with GET only; never publishes.

    Fails at once on ``error``, with the portal's message, on ``limit_reached``, with the limit, and where
    somebody has aborted the processing or unpublished the dataset.

    :param restore_point: what Publish returned: only a run that began after its order counts. (templated)
    :param dataset: instead: dataset id or uid; whatever brought the dataset to rest counts. (templated)
    :param on_limit: where the portal stops at its record limit: ``fail``, or ``accept`` the part it took.
    :param opendatasoft_conn_id: the Airflow connection. (templated)
    :param deferrable: wait in the triggerer.
    :return: the handle, or uid and dataset id, with the status.
    """

    template_fields: Sequence[str] = ("opendatasoft_conn_id", "restore_point", "dataset")
    operator_extra_links = (OpendatasoftDatasetLink(),)

    def __init__(
        self,
        *,
        restore_point: Any = None,
        dataset: str | None = None,
        on_limit: OnLimit = "fail",
        opendatasoft_conn_id: str = OPENDATASOFT_DEFAULT,
        **kwargs: Any,
    ) -> None:

        super().__init__(**kwargs)
        if (restore_point is None) == (dataset is None):
            raise ValueError("give either restore_point (what Publish returned) or dataset")
        self.restore_point = restore_point
        self.dataset = dataset
        self.on_limit: OnLimit = one_of("on_limit", on_limit, ("fail", "accept"))
        self.opendatasoft_conn_id = opendatasoft_conn_id
        self._seen: Ordered | None = None

    def trigger(self, deadline: float) -> WaitTrigger:
        """Return the trigger that waits instead of this sensor."""
        from airflow_socrata.triggers.opendatasoft import OpendatasoftStatusTrigger

        seen = self._seen
        assert seen is not None, "poke() comes before"  # noqa: S101 - for the type checker
        return OpendatasoftStatusTrigger(
            self.opendatasoft_conn_id,
            seen.dataset,
            deadline,
            ordered=None if self.restore_point is None else seen.to_json(),
            poll_interval=float(self.poke_interval),
        )

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Look at the dataset."""
        from airflow_socrata.hooks.opendatasoft import OpendatasoftHook
        from airflow_socrata.runtime import dataset_publisher_for_task

        with failing_for_good():
            hook = OpendatasoftHook(self.opendatasoft_conn_id)
            session, dialect = hook.get_conn(), hook.dialect()
        with self.signed_in(session):
            publisher = dataset_publisher_for_task(
                session,
                dialect,
                context,
                self.opendatasoft_conn_id,
                self.log.info,
                float(self.poke_interval),
            )
            return self._look(context, publisher)

    def _look(self, context: Context, publisher: DatasetPublisher) -> bool | PokeReturnValue:
        from airflow_socrata.opendatasoft.status import Step, next_step
        from airflow_socrata.publication.opendatasoft import publishing

        self._seen = ordered = self._order(publisher)
        context["ti"].xcom_push(key=LINKS_KEY, value={"dataset": publisher.link(ordered.dataset_id)})
        status: Status = publisher.run(publisher.dialect.status(ordered.dataset))
        self.log.info("%s is %s.", ordered.dataset_id, status.name)
        if self.restore_point is None:
            step = next_step(status, after=None)
        else:
            step = next_step(status, ordered.before, after=ordered.action)
        if step is Step.WAIT:
            return False
        publishing.judge(publisher, ordered, status, self.on_limit, step)
        return PokeReturnValue(is_done=True, xcom_value=self._told(ordered, status))

    def _order(self, publisher: DatasetPublisher) -> Ordered:
        from airflow_socrata.opendatasoft import actions
        from airflow_socrata.opendatasoft.status import Action
        from airflow_socrata.publication.errors import HandleMismatch
        from airflow_socrata.publication.opendatasoft import publishing
        from airflow_socrata.publication.opendatasoft.publishing import Ordered

        if self.restore_point is None:
            found = publisher.run(actions.find(publisher.dialect, str(self.dataset)))
            status: Status = publisher.run(publisher.dialect.status(found.uid))
            return Ordered(found.uid, found.dataset_id, Action.PUBLISH, status)
        handle = dataset_handle_of(self.restore_point)
        intent = publishing.recorded(publisher, handle)
        if intent.before is None:
            raise HandleMismatch(
                f"Publish of {handle.dataset_id} was not ordered since the last upload: pass what Publish"
                " returned, and clear it with the upload."
            )
        return Ordered(intent.dataset, intent.dataset_id, Action.PUBLISH, intent.before, intent.ordered_at)

    def _told(self, ordered: Ordered, status: Status) -> dict[str, Any]:
        from airflow_socrata.publication.opendatasoft.publishing import Published

        if self.restore_point is None:
            return {"dataset": ordered.dataset, "dataset_id": ordered.dataset_id, "status": status.name}
        handle = dataset_handle_of(self.restore_point)
        return Published(handle, status.name, ordered.ordered_at).to_xcom()
