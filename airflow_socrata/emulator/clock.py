"""The portal's clock: real time plus what a test added to it."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate


class PortalClock:
    """Tells the portal's time in epoch seconds; a test may turn it forward."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the portal's time in epoch seconds."""
        return time.time() + self._ahead

    def seconds(self) -> int:
        """Return the portal's time in whole epoch seconds, as view fields carry it."""
        return int(self.now())

    def advance(self, seconds: float) -> float:
        """Turn the clock forward by so many seconds and return the new time."""
        if seconds < 0:
            raise ValueError(f"the portal's clock cannot go back: advance({seconds})")
        with self._lock:
            self._ahead += seconds
        return self.now()

    def reset(self) -> None:
        """Go back to real time."""
        self._ahead = 0.0


def http_date(epoch: float) -> str:
    """Return a time as HTTP headers write it."""
    return formatdate(epoch, usegmt=True)


def iso_utc(epoch: float) -> str:
    """Return a time as a fixed timestamp, ``2024-01-31T12:00:00.000Z``."""
    milliseconds = int(epoch * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}Z"
