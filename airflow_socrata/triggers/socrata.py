"""The trigger that waits for a portal on behalf of the operators and the sensor."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_socrata.client import Accepted, PortalError, views
from airflow_socrata.hooks.socrata import SocrataHook
from airflow_socrata.publication import waits
from airflow_socrata.publication.errors import PublicationError, PublishFailed, WaitTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from airflow_socrata.client.async_session import AsyncPortalSession
    from airflow_socrata.publication.operation import Method

#: What can be waited for.
COPIED = "copied"
READY = "ready"
PUBLISH_DONE = "publish_done"
PUBLISHED = "published"
REPLICATED = "replicated"

#: Seconds until the first look, or ``poll_interval`` where that is shorter. The operator has just looked; and
#: a task that goes on before a busy scheduler has seen its first process end is failed by Airflow ("the
#: executor reported that the task instance finished with state success").
FIRST_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class WaitEvent:
    """How a wait ended.

    :param status: ``success``, ``error`` or ``timeout``.
    :param message: one line.
    :param permanent: whether another try would end in the same way.
    :param data: ids and the like.
    """

    status: str
    message: str = ""
    permanent: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_event(self) -> TriggerEvent:
        """Return Airflow's event."""
        return TriggerEvent(asdict(self))  # type: ignore[no-untyped-call]

    @classmethod
    def read(cls, event: Mapping[str, Any] | None) -> WaitEvent:
        """Return the event, however the wait ended.

        :raises PublishFailed: it is none.
        """
        if not event or "status" not in event:
            raise PublishFailed(f"The trigger sent no event that can be read: {event!r}.")
        return cls(**event)

    @classmethod
    def checked(cls, event: Mapping[str, Any] | None) -> WaitEvent:
        """Return the event of a wait that ended well.

        :raises WaitTimeout: the deadline passed.
        :raises PublishFailed: anything else.
        """
        read = cls.read(event)
        if read.status == "success":
            return read
        if read.status == "timeout":
            raise WaitTimeout(read.message)
        error = PublishFailed(read.message)
        error.permanent = read.permanent
        raise error


class PortalTrigger(BaseTrigger):
    """Base of the triggers: not used by itself. Waits for a portal until a deadline, and sends one event.

    :param socrata_conn_id: the Airflow connection.
    :param deadline: epoch seconds.
    :param poll_interval: longest pause between two looks, seconds.
    :param carried: what the task needs when it goes on; comes back in the event's data, however it ends.
        (``dag.test()`` drops the ``kwargs`` of a deferral.)
    """

    #: The arguments, all of them plain data.
    arguments: ClassVar[tuple[str, ...]] = ("socrata_conn_id", "deadline", "poll_interval", "carried")

    def __init__(
        self,
        socrata_conn_id: str,
        deadline: float,
        poll_interval: float = 5.0,
        carried: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.socrata_conn_id = socrata_conn_id
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.carried = dict(carried or {})

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {name: getattr(self, name) for name in self.arguments}

    def patience(self) -> waits.Patience:
        """Return a patience that ends at the deadline."""
        return waits.Patience(self.deadline, time.time, self.poll_interval)

    def steps(self) -> waits.Steps[Mapping[str, Any]]:
        """Return the wait; what it returns goes into the event."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and send one event: not at once, see ``FIRST_PAUSE``."""
        await asyncio.sleep(min(self.poll_interval, FIRST_PAUSE))
        ended = await self._outcome()
        yield replace(ended, data={**self.carried, **ended.data}).to_event()

    async def _outcome(self) -> WaitEvent:
        try:
            session = await SocrataHook(self.socrata_conn_id).get_async_conn()
        except Exception as error:
            return WaitEvent("error", f"The connection {self.socrata_conn_id} cannot be used: {error}")
        try:
            return await self._until_deadline(session)
        finally:
            await session.aclose()

    async def _until_deadline(self, session: AsyncPortalSession) -> WaitEvent:
        while True:
            try:
                data = await waits.run_steps_async(session, self.steps())
                return WaitEvent("success", data=data)
            except WaitTimeout as error:
                return WaitEvent("timeout", str(error))
            except PublicationError as error:
                return WaitEvent("error", str(error), error.permanent)
            except PortalError as error:
                if error.permanent or time.time() >= self.deadline:
                    return WaitEvent("error", str(error), error.permanent)
                self.log.warning("%s; looking again", error)
                await asyncio.sleep(min(self.poll_interval, max(self.deadline - time.time(), 0.0)))


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
