"""The triggers that wait for a Socrata portal on behalf of the operators and the sensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_socrata.triggers.base import WaitTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client.async_session import AsyncPortalSession
    from airflow_socrata.publication import waits
    from airflow_socrata.publication.choices import Method

#: What can be waited for.
COPIED = "copied"
READY = "ready"
PUBLISH_DONE = "publish_done"
PUBLISHED = "published"
REPLICATED = "replicated"


class PortalTrigger(WaitTrigger):
    """Base of the triggers for Socrata portals: not used by itself.

    :param socrata_conn_id: the Airflow connection.
    :param deadline: epoch seconds.
    :param poll_interval: longest pause between two looks, seconds.
    :param carried: what the task needs when it goes on.
    """

    arguments: ClassVar[tuple[str, ...]] = ("socrata_conn_id", *WaitTrigger.arguments)

    def __init__(
        self,
        socrata_conn_id: str,
        deadline: float,
        poll_interval: float = 5.0,
        carried: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(deadline, poll_interval, carried)
        self.socrata_conn_id = socrata_conn_id

    @property
    def conn_id(self) -> str:
        """The Airflow connection."""
        return self.socrata_conn_id

    async def session(self) -> AsyncPortalSession:
        """Sign in."""
        from airflow_socrata.hooks.socrata import SocrataHook

        return await SocrataHook(self.socrata_conn_id).get_async_conn()


class SocrataWaitTrigger(PortalTrigger):
    """Wait for a working copy until a deadline.

    Restartable at any moment: it keeps an absolute deadline and starts no job; it only repeats a copy or
    publish call that the portal has accepted already, as the portal's 202 contract asks.

    :param socrata_conn_id: the Airflow connection.
    :param wait: ``copied``, ``ready`` (geocoding and replicas, before publish), ``publish_done``,
        ``published`` (GET only) or ``replicated``.
    :param dataset: 4x4 of the dataset.
    :param working_copy: 4x4 of the working copy, where there is one.
    :param method: ``copy`` or ``copySchema``, for ``copied``.
    :param accepted: what the portal accepted, for ``copied`` and ``publish_done``.
    :param await_approval: for ``publish_done`` and ``published``: go on waiting for a steward.
    :param deadline: epoch seconds.
    :param poll_interval: longest pause between two looks, seconds.
    """

    arguments = (
        *PortalTrigger.arguments,
        "wait",
        "dataset",
        "working_copy",
        "method",
        "accepted",
        "await_approval",
    )

    def __init__(
        self,
        socrata_conn_id: str,
        wait: str,
        dataset: str,
        deadline: float,
        working_copy: str = "",
        method: Method = "copy",
        accepted: Mapping[str, Any] | None = None,
        await_approval: bool = False,
        poll_interval: float = 5.0,
        carried: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(socrata_conn_id, deadline, poll_interval, carried)
        self.wait = wait
        self.dataset = dataset
        self.working_copy = working_copy
        self.method = method
        self.accepted = dict(accepted or {})
        self.await_approval = await_approval

    def steps(self) -> waits.Steps[Mapping[str, Any]]:
        """Return the wait."""
        from airflow_socrata.client import Accepted, views
        from airflow_socrata.publication import waits
        from airflow_socrata.publication.errors import PublishFailed

        patience = self.patience()
        match self.wait:
            case "copied":
                call = views.open_copy(self.dataset, self.method)
                copy = yield from waits.accepted_job(call, Accepted(**self.accepted), patience)
                return {"working_copy": copy.id}
            case "publish_done":
                yield from waits.publish_job(
                    self.dataset,
                    self.working_copy,
                    Accepted(**self.accepted),
                    patience,
                    await_approval=self.await_approval,
                )
            case "published":
                yield from waits.publish_ended(
                    self.dataset, self.working_copy, patience, await_approval=self.await_approval
                )
            case "ready":
                yield from waits.ready(self.working_copy, patience)
            case "replicated":
                yield from waits.replicated(self.dataset, patience)
            case _:
                raise PublishFailed(f"There is nothing called {self.wait!r} to wait for.")
        return {}
