"""Time that passes at once: no test waits for a pause."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

#: A test whose waits take longer than this waits for something that never comes.
A_WEEK = 7 * 86_400.0


class TurnedClock:
    """This side's clock and the portal's; a pause turns both forward instead of taking its time.

    :ivar pauses: the seconds of each pause, in order.
    """

    def __init__(self, portal: Any) -> None:
        self._portal = portal
        self._ahead = 0.0
        self._events: dict[int, Callable[[], object]] = {}
        self.pauses: list[float] = []

    def time(self) -> float:
        """Epoch seconds."""
        return time.time() + self._ahead

    def at_pause(self, event: Callable[[], object], number: int = 1) -> None:
        """Let something happen on the portal during the so-manieth pause from now."""
        self._events[len(self.pauses) + number] = event

    def pause(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        assert self._ahead < A_WEEK, "waited for a week"
        self.pauses.append(seconds)
        self._ahead += seconds
        self._portal.admin.advance(seconds)
        event = self._events.pop(len(self.pauses), None)
        if event is not None:
            event()

    async def pause_async(self, seconds: float) -> None:
        """Let ``seconds`` pass, for triggers."""
        self.pause(seconds)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the place of the system's clock in operators, sensors, triggers and sessions."""
        from airflow_socrata.client.async_session import AsyncPortalSession
        from airflow_socrata.client.clock import SystemClock

        monkeypatch.setattr(SystemClock, "time", lambda _: self.time())
        monkeypatch.setattr(SystemClock, "sleep", lambda _, seconds, stop: stop() or self.pause(seconds))
        defaults = AsyncPortalSession.__init__.__kwdefaults__
        monkeypatch.setitem(defaults, "now", self.time)
        monkeypatch.setitem(defaults, "sleep", self.pause_async)
        for module in ("operators.base", "sensors.base", "triggers.base"):
            monkeypatch.setattr(f"airflow_socrata.{module}.time", SimpleNamespace(time=self.time))
        # ``dag.test()`` sleeps a second whenever no task can run at this very moment.
        sleep = time.sleep
        monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
        monkeypatch.setattr("airflow_socrata.triggers.base.asyncio", SimpleNamespace(sleep=self.pause_async))
