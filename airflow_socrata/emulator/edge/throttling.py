"""Throttling: so many requests in a window for each caller, as the portal knows callers, then 429."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import TYPE_CHECKING

from airflow_socrata.emulator.clock import http_date
from airflow_socrata.emulator.errors import PortalError, soda_error

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange
    from airflow_socrata.emulator.settings import Switches


class Throttle:
    """The requests of each caller within the window; one that is refused does not count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, deque[float]] = {}

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._taken.clear()

    def check(self, exchange: Exchange, switches: Switches, now: float) -> None:
        """Count a request.

        :param now: portal time, epoch seconds.
        :raises PortalError: 429 if its caller has used up the window.
        """
        if switches.rate_limit <= 0:
            return
        with self._lock:
            taken = self._taken.setdefault(_caller(exchange), deque())
            while taken and taken[0] <= now - switches.rate_window_seconds:
                taken.popleft()
            if len(taken) < switches.rate_limit:
                taken.append(now)
                return
            free = taken[0] + switches.rate_window_seconds
        raise _too_many(switches.rate_limit_reply, free, now)


def _caller(exchange: Exchange) -> str:
    """Return who shares a window: whoever sends the same app token; those without one are one caller."""
    token = exchange.headers.get("x-app-token")
    return token or exchange.first("$$app_token") or exchange.first("app_token") or ""


def _too_many(form: str, free: float, now: float) -> PortalError:
    error = soda_error(429, "too-many-requests", "Too many requests")
    wait = max(1, math.ceil(free - now))
    if form == "seconds":
        error.reply.headers["Retry-After"] = str(wait)
    elif form == "date":
        error.reply.headers["Retry-After"] = http_date(math.floor(now) + wait + 1)
    return error
