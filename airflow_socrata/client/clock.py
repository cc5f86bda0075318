"""Time, passed in so that tests can turn it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

#: Longest single sleep: how late a wait notices that it should end.
SLICE_SECONDS = 0.25


class Clock(Protocol):
    """What a session needs of time."""

    def time(self) -> float:
        """Return epoch seconds."""
        ...

    def sleep(self, seconds: float, stop: Callable[[], bool]) -> None:
        """Wait ``seconds``, or less if ``stop()`` becomes true."""
        ...


class SystemClock:
    """The clock of this machine."""

    def time(self) -> float:
        """Return epoch seconds."""
        return time.time()

    def sleep(self, seconds: float, stop: Callable[[], bool]) -> None:
        """Wait ``seconds``; end within a quarter of a second once ``stop()`` is true."""
        end = time.monotonic() + seconds
        while not stop():
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, SLICE_SECONDS))
