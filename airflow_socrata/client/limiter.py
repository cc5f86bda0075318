"""One limiter for all sessions of this process with one portal as one user: how many requests, and when.

Threads and event loops share it. It does not send and does not sleep: it tells a session how long to wait.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.retry import RetryBudget

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.client.settings import PortalSettings

#: Longest time that a portal can hold this process back, in seconds, whatever it asks.
LONGEST_PAUSE = 86_400.0
#: Requests that waited for the end of a pause leave one after another, seconds apart.
SPACING = 0.05
#: How late a blocked thread notices that it should stop, in seconds.
_SLICE_SECONDS = 0.2
_MOST_LIMITERS = 256
_MOST_THROTTLED = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """What this process allows itself at one portal as one user.

    :param concurrent: requests under way at a time, over all threads and event loops.
    :param per_second: requests a second on average, in bursts of one second's worth; None: any number.
    :param longest_wait: seconds that one call may wait for the portal, by its own failures or because the
        portal asked this process to wait; then it fails and leaves the next try to Airflow.
    :raises ConfigurationError: if one of them is not above zero.
    """

    concurrent: int = 32
    per_second: float | None = None
    longest_wait: float = 300.0

    def __post_init__(self) -> None:
        if not (isinstance(self.concurrent, int) and self.concurrent > 0):
            raise ConfigurationError(f"concurrent requests: {self.concurrent!r} is not 1 or more")
        if self.per_second is not None and not 0 < self.per_second < float("inf"):
            raise ConfigurationError(f"requests per second: {self.per_second!r} is not above 0")
        if not self.longest_wait > 0:
            raise ConfigurationError(f"longest wait: {self.longest_wait!r} is not above 0 seconds")

    @property
    def budget(self) -> RetryBudget:
        """How often and how long one call is tried; 429 for as long as the wait may be."""
        return RetryBudget(seconds=self.longest_wait, throttled=_MOST_THROTTLED)


@dataclass(frozen=True, slots=True)
class Turn:
    """When the next request may leave.

    :param seconds: from now; 0: at once.
    :param pause: the pause that this was computed for; another one afterwards asks for another turn.
    :param asked: the portal asked for the wait, rather than this side's own limits.
    """

    seconds: float
    pause: int
    asked: bool


class Limiter:
    """One portal as one user, for this process. Every method may be called from any thread.

    ``now`` is always epoch seconds on the caller's clock.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = Limits() if limits is None else limits
        self._lock = threading.Lock()
        self._own = threading.local()
        self._under_way = 0
        self._waiting: deque[_Waiter] = deque()
        self.pause = 0
        self._paused_until = float("-inf")
        self._pause_seconds = 0.0
        self._next_out = float("-inf")
        #: Theoretical arrival time of the next request under ``per_second``.
        self._due = float("-inf")

    def change(self, limits: Limits) -> None:
        """Use other limits from now on."""
        with self._lock:
            self.limits = limits
            self._grant()

    def heard(self, seconds: float, now: float) -> None:
        """Take the news that the portal asks to send nothing for ``seconds``."""
        seconds = min(seconds, LONGEST_PAUSE)
        if seconds <= 0:
            return
        with self._lock:
            if now + seconds > self._paused_until:
                self._paused_until = self._next_out = now + seconds
                self._pause_seconds = seconds
                self.pause += 1

    def turn(self, now: float, patience: float = LONGEST_PAUSE) -> Turn:
        """Take a turn: tell how long the next request of the caller has to wait.

        :param patience: seconds; a longer wait that the portal asked for is told, and no turn is taken.
        """
        per_second, pause = self.limits.per_second, self.pause
        if per_second is None and now >= self._paused_until:
            return Turn(0.0, pause, asked=False)
        with self._lock:
            asked = self._out_of_pause(now)
            if asked > patience:
                return Turn(asked, self.pause, asked=True)
            if asked > 0:
                self._next_out += SPACING
            own = 0.0 if per_second is None else self._by_rate(now + asked, per_second) - now
            return Turn(max(asked, own, 0.0), self.pause, asked=asked > 0)

    def acquire(self, stop: Callable[[], bool]) -> bool:
        """Wait until a request may be under way; False once ``stop()`` is true. Ends with :meth:`release`.

        A thread that has a request under way, whose body makes another one, does not wait for itself.
        """
        depth: int = getattr(self._own, "depth", 0)
        if not depth and not self._place(stop):
            return False
        self._own.depth = depth + 1
        return True

    def _place(self, stop: Callable[[], bool]) -> bool:
        if self._enter_at_once():
            return True
        event = threading.Event()
        waiter = self._enter(event.set)
        try:
            while not event.wait(_SLICE_SECONDS):
                if stop():
                    self._withdraw(waiter)
                    return False
        except BaseException:
            self._withdraw(waiter)
            raise
        return True

    def release(self) -> None:
        """End what :meth:`acquire` of this thread began."""
        self._own.depth -= 1
        if not self._own.depth:
            self._leave()

    async def acquire_async(self) -> None:
        """Wait until a request may be under way, without blocking the loop; :meth:`release_async` ends it."""
        if self._enter_at_once():
            return
        import asyncio

        loop, event = asyncio.get_running_loop(), asyncio.Event()
        waiter = self._enter(lambda: loop.call_soon_threadsafe(event.set))
        try:
            await event.wait()
        except BaseException:
            self._withdraw(waiter)
            raise

    def release_async(self) -> None:
        """End what :meth:`acquire_async` began."""
        self._leave()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way and nobody waits."""
        return not self._under_way and not self._waiting

    def is_paused(self, now: float) -> bool:
        """Whether the portal has asked to send nothing now."""
        return now < self._paused_until

    def survive_fork(self) -> None:
        """Go on in a forked process, where only the thread that forked is left."""
        self._lock = threading.Lock()
        self._waiting.clear()
        self._under_way = int(getattr(self._own, "depth", 0) > 0)

    def _out_of_pause(self, now: float) -> float:
        """Seconds until the next place behind the pause; a clock that is turned back does not lengthen it."""
        if now >= self._paused_until:
            return 0.0
        queued = self._next_out - self._paused_until
        return min(self._paused_until - now, self._pause_seconds) + queued

    def _by_rate(self, now: float, per_second: float) -> float:
        """Take the next place under ``per_second`` and return when it comes."""
        interval = 1.0 / per_second
        burst = max(0.0, 1.0 - interval)
        # a clock that is turned back does not hold everybody back for longer
        self._due = max(now, min(self._due, now + 3600.0))
        start = max(now, self._due - burst)
        self._due += interval
        return start

    def _enter_at_once(self) -> bool:
        with self._lock:
            if self._under_way < self.limits.concurrent and not self._waiting:
                self._under_way += 1
                return True
        return False

    def _enter(self, wake: Callable[[], object]) -> _Waiter:
        with self._lock:
            waiter = _Waiter(wake)
            self._waiting.append(waiter)
            self._grant()
        return waiter

    def _leave(self) -> None:
        with self._lock:
            self._under_way -= 1
            self._grant()

    def _withdraw(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.granted:
                self._under_way -= 1
            else:
                self._waiting.remove(waiter)
            self._grant()

    def _grant(self) -> None:
        while self._waiting and self._under_way < self.limits.concurrent:
            waiter = self._waiting.popleft()
            try:
                waiter.wake()
            except RuntimeError:
                continue  # its event loop is closed: nobody waits there any more
            waiter.granted = True
            self._under_way += 1


class _Waiter:
    """Somebody who waits for a place."""

    __slots__ = ("granted", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.granted = False


_Key = tuple[str, str, int, bytes]
_limiters: dict[_Key, Limiter] = {}
_registry_lock = threading.Lock()


def limiter_of(settings: PortalSettings) -> Limiter:
    """Return this process's limiter for a portal and user; the limits of the newest settings count."""
    import hashlib  # 3 ms of a process that only builds calls

    who = hashlib.sha256("\0".join(settings.credentials.secrets()).encode()).digest()
    key = (settings.scheme, settings.domain.lower().rstrip("."), settings.port, who)
    with _registry_lock:
        limiter = _limiters.get(key)
        if limiter is None:
            if len(_limiters) >= _MOST_LIMITERS:
                _forget_idle()
            limiter = _limiters[key] = Limiter(settings.limits)
    if limiter.limits != settings.limits:
        limiter.change(settings.limits)
    return limiter


def forget_limiters() -> None:
    """Begin anew: sessions made from now on know of no pause. For a forked process, and for tests."""
    global _limiters, _registry_lock
    _limiters, _registry_lock = {}, threading.Lock()


def _forget_idle() -> None:
    now = time.time()
    idle = [key for key, limiter in _limiters.items() if limiter.is_idle and not limiter.is_paused(now)]
    for key in idle:
        del _limiters[key]


def _begin_anew_in_child() -> None:
    # A lock that another thread held at the fork would never be released in the child.
    for limiter in _limiters.values():
        limiter.survive_fork()
    forget_limiters()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew_in_child)
