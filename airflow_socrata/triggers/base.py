"""What the triggers have in common: one wait, one event, a deadline that survives a restart."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_socrata.conflicts import own_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from airflow_socrata.client.async_session import AsyncPortalSession
    from airflow_socrata.publication import waits

own_version()  # names the old plugin at once

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
        from airflow_socrata.publication.errors import PublishFailed

        if not event or "status" not in event:
            raise PublishFailed(f"The trigger sent no event that can be read: {event!r}.")
        return cls(**event)

    @classmethod
    def checked(cls, event: Mapping[str, Any] | None) -> WaitEvent:
        """Return the event of a wait that ended well.

        :raises WaitTimeout: the deadline passed.
        :raises PublishFailed: anything else.
        """
        from airflow_socrata.publication.errors import PublishFailed, WaitTimeout

        read = cls.read(event)
        if read.status == "success":
            return read
        if read.status == "timeout":
            raise WaitTimeout(read.message)
        error = PublishFailed(read.message)
        error.permanent = read.permanent
        raise error


class WaitTrigger(BaseTrigger):
    """Base of the triggers: not used by itself. Waits for a portal until a deadline, and sends one event.

    :param deadline: epoch seconds.
    :param poll_interval: longest pause between two looks, seconds.
    :param carried: what the task needs when it goes on; comes back in the event's data, however it ends.
        (``dag.test()`` drops the ``kwargs`` of a deferral.)
    """

    #: The arguments, all of them plain data.
    arguments: ClassVar[tuple[str, ...]] = ("deadline", "poll_interval", "carried")

    def __init__(
        self, deadline: float, poll_interval: float = 5.0, carried: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.carried = dict(carried or {})

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {name: getattr(self, name) for name in self.arguments}

    def patience(self) -> waits.Patience:
        """Return a patience that ends at the deadline."""
        from airflow_socrata.publication import waits

        return waits.Patience(self.deadline, time.time, self.poll_interval)

    @property
    def conn_id(self) -> str:
        """The Airflow connection."""
        raise NotImplementedError

    async def session(self) -> AsyncPortalSession:
        """Sign in."""
        raise NotImplementedError

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
            session = await self.session()
        except Exception as error:
            return WaitEvent("error", f"The connection {self.conn_id} cannot be used: {error}")
        try:
            return await self._until_deadline(session)
        finally:
            await session.aclose()

    async def _until_deadline(self, session: AsyncPortalSession) -> WaitEvent:
        from airflow_socrata.client import PortalError
        from airflow_socrata.publication import waits
        from airflow_socrata.publication.errors import PublicationError, WaitTimeout

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
                pause = max(self.poll_interval, error.retry_after or 0.0)
                await asyncio.sleep(min(pause, max(self.deadline - time.time(), 0.0)))
