"""The trigger that waits for an Opendatasoft portal on behalf of the operators and the sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_socrata.triggers.base import WaitTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client.async_session import AsyncPortalSession
    from airflow_socrata.publication.waits import Steps


class OpendatasoftStatusTrigger(WaitTrigger):
    """Wait until a dataset rests, or until what was ordered has ended. GET only, so restartable.

    It does not judge the end: the task does, when it goes on.

    :param opendatasoft_conn_id: the Airflow connection.
    :param dataset: uid of the dataset.
    :param deadline: epoch seconds.
    :param ordered: the order whose end is waited for, as ``Ordered.to_json`` gave it; ``None``: rest.
    :param poll_interval: longest pause between two looks, seconds.
    :param carried: what the task needs when it goes on.
    """

    arguments: ClassVar[tuple[str, ...]] = (
        "opendatasoft_conn_id",
        "dataset",
        *WaitTrigger.arguments,
        "ordered",
    )

    def __init__(
        self,
        opendatasoft_conn_id: str,
        dataset: str,
        deadline: float,
        ordered: Mapping[str, Any] | None = None,
        poll_interval: float = 5.0,
        carried: Mapping[str, Any] | None = None,
    ) -> None:
        from airflow_socrata.hooks.opendatasoft import OpendatasoftHook

        super().__init__(deadline, poll_interval, carried)
        self.opendatasoft_conn_id = opendatasoft_conn_id
        self.dataset = dataset
        self.ordered = None if ordered is None else dict(ordered)
        self._hook = OpendatasoftHook(opendatasoft_conn_id)

    @property
    def conn_id(self) -> str:
        """The Airflow connection."""
        return self.opendatasoft_conn_id

    async def session(self) -> AsyncPortalSession:
        """Sign in."""
        session, self._dialect = await self._hook.get_async_conn()
        return session

    def steps(self) -> Steps[Mapping[str, Any]]:
        """Return the wait."""
        from airflow_socrata.publication.opendatasoft import waits
        from airflow_socrata.publication.opendatasoft.publishing import Ordered

        patience = self.patience()
        if self.ordered is None:
            status = yield from waits.at_rest(self._dialect, self.dataset, patience)
        else:
            ordered = Ordered.from_json(self.ordered)
            status = yield from waits.processed(
                self._dialect, self.dataset, ordered.before, ordered.action, patience
            )
        return {"status": status.name}
