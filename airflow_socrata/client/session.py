"""The blocking session: sends calls through requests, for operators and hooks."""

from __future__ import annotations

import copy
import logging
import random
from typing import TYPE_CHECKING, TypeVar

from airflow_socrata.client.clock import SystemClock
from airflow_socrata.client.errors import Interrupted, PortalError
from airflow_socrata.client.exchange import Backoff, Done, Exchange, RawReply
from airflow_socrata.client.limiter import limiter_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from airflow_socrata.client.clock import Clock
    from airflow_socrata.client.failures import Loss
    from airflow_socrata.client.messages import Call
    from airflow_socrata.client.retry import RetryBudget
    from airflow_socrata.client.settings import PortalSettings
    from airflow_socrata.client.transport import Transport

T = TypeVar("T")


class PortalSession:
    """One portal as one user. One thread sends at a time; :meth:`interrupt` may come from anywhere.

    :param clock: tells the time and waits.
    :param budget: how often and how long one call may be tried; None: as long as the settings' limits say.
    :param log: takes one line for each failure that is followed by another try; a logger or a function.
    :param chance: random numbers in [0, 1) for the jitter of the waits.
    :raises ConfigurationError: if the CA bundle or the proxy cannot be used.
    """

    def __init__(
        self,
        settings: PortalSettings,
        *,
        clock: Clock | None = None,
        budget: RetryBudget | None = None,
        log: Callable[[str], None] | logging.Logger | None = None,
        chance: Callable[[], float] = random.random,  # noqa: S311 - jitter, no secret
    ) -> None:
        # requests takes 60 ms to import, which a DAG file that only names operators should not pay
        from airflow_socrata.client.transport import Transport

        self.settings = settings
        self._clock: Clock = SystemClock() if clock is None else clock
        self._budget = settings.limits.budget if budget is None else budget
        self._limiter = limiter_of(settings)
        self._log = line_logger(log)
        self._chance = chance
        self._transport: Transport = Transport(settings)
        self._beside: tuple[PortalSession, ...] = ()
        if settings.verify is False and settings.scheme == "https":
            self._log(f"the certificate of {settings.domain} is not checked (verify is off)")

    def send(self, call: Call[T], *, budget: RetryBudget | None = None) -> T:
        """Send ``call``, again where table and budget allow it, and return its result.

        :param budget: for this call, instead of the session's.
        :raises PortalError: the last failure; its ``landing`` tells whether the portal may have acted on it.
        :raises Interrupted: after :meth:`interrupt`.
        """
        budget = budget or self._budget
        exchange = Exchange(call, self.settings, budget, chance=self._chance, heard=self._limiter.heard)
        while True:
            outcome = self._send_once(exchange, self._take_turn(exchange, budget))
            if outcome is None:
                continue
            if self.interrupted:
                raise exchange.interrupted(sent=isinstance(outcome, RawReply) or outcome.sent)
            if isinstance(outcome, RawReply):
                step = exchange.reply(outcome, self._clock.time())
            else:
                step = exchange.lost(outcome, self._clock.time())
            if isinstance(step, Done):
                return step.value
            self._wait(step.seconds, step.why)

    def _take_turn(self, exchange: Exchange[T], budget: RetryBudget) -> int:
        """Wait until the limiter lets the next request go; return the pause that was kept last."""
        turns = exchange.turns(self._limiter, budget.seconds, self._clock.time)
        while True:
            if self.interrupted:
                raise exchange.interrupted(sent=False)
            try:
                seconds = next(turns)
            except StopIteration as end:
                return int(end.value)
            self._clock.sleep(seconds, lambda: self.interrupted)

    def _send_once(self, exchange: Exchange[T], pause: int) -> RawReply | Loss | None:
        """Send, unless the portal has asked for another pause while this call waited for a place: None."""
        if not self._limiter.acquire(lambda: self.interrupted):
            raise exchange.interrupted(sent=False)
        try:
            if self._limiter.pause != pause:
                return None
            return self._transport.send(exchange.outgoing())
        finally:
            self._limiter.release()

    def beside(self) -> PortalSession:
        """Return a session like this one with a connection of its own, for another thread.

        :meth:`interrupt` of this one stops it too; the caller closes it.
        """
        from airflow_socrata.client.transport import Transport

        other = copy.copy(self)
        other._transport = Transport(self.settings)
        other._beside = ()
        self._beside = (*(known for known in self._beside if not known.interrupted), other)
        if self.interrupted:
            other.interrupt()
        return other

    def repeat(self, action: Callable[[], T]) -> T:
        """Run ``action``, made of several calls, again after failures that may pass, within the budget.

        For calls that must not simply be sent again: ``action`` looks at the portal and then acts, e.g. reads
        a view and discards it.

        :raises PortalError: a permanent failure at once, another one when the budget is used up.
        :raises Interrupted: after :meth:`interrupt`.
        """
        backoff = Backoff(self._budget, self._chance)
        while True:
            try:
                return action()
            except Interrupted:
                raise
            except PortalError as error:
                if error.permanent:
                    raise
                step = backoff.after(error, self._clock.time())
            self._wait(step.seconds, step.why)
            if self.interrupted:
                raise Interrupted("stopped by this side")

    def sleep(self, seconds: float) -> None:
        """Wait, e.g. between two looks at a job.

        :raises Interrupted: after :meth:`interrupt`, also in the middle.
        """
        self._wait(seconds, "")
        if self.interrupted:
            raise Interrupted("stopped by this side")

    @property
    def interrupted(self) -> bool:
        """Whether :meth:`interrupt` was called."""
        return self._transport.watch.stopped

    def interrupt(self) -> None:
        """Stop all I/O of this session for good: blocked sends, waits and later sends raise Interrupted.

        Takes no lock: may be called from a signal handler of the thread that sends, or from another thread.
        """
        self._transport.watch.stop()
        for other in self._beside:
            other.interrupt()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> PortalSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self, seconds: float, why: str) -> None:
        if why:
            self._log(why)
        if seconds > 0:
            self._clock.sleep(seconds, lambda: self.interrupted)


def line_logger(log: Callable[[str], None] | logging.Logger | None) -> Callable[[str], None]:
    """Return a function that logs one line."""
    if log is None:
        log = logging.getLogger("airflow_socrata.client")
    if isinstance(log, logging.Logger) or hasattr(log, "warning"):
        return log.warning
    return log


def info_logger(log: Callable[[str], None] | logging.Logger | None) -> Callable[[str], None]:
    """Return a function that logs one line of progress."""
    if log is None:
        log = logging.getLogger("airflow_socrata.client")
    if isinstance(log, logging.Logger) or hasattr(log, "info"):
        return log.info
    return log
