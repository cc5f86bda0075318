"""The asynchronous session: sends calls through httpx, for triggers."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, TypeVar

import httpx

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.exchange import Done, Exchange, RawReply
from airflow_socrata.client.failures import Loss
from airflow_socrata.client.limiter import limiter_of
from airflow_socrata.client.proxies import check_ca_bundle, proxy_for
from airflow_socrata.client.session import line_logger

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from airflow_socrata.client.messages import Call
    from airflow_socrata.client.retry import RetryBudget
    from airflow_socrata.client.settings import PortalSettings
    from airflow_socrata.client.wire import Outgoing

T = TypeVar("T")

#: Errors of httpx that come before the first byte of a request.
_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class AsyncPortalSession:
    """One portal as one user, for one event loop. Cancel the task to stop it.

    :param now: epoch seconds.
    :param sleep: waits without blocking the loop.
    :param budget: how often and how long one call may be tried; None: as long as the settings' limits say.
    :param log: takes one line for each failure that is followed by another try; a logger or a function.
    :param chance: random numbers in [0, 1) for the jitter of the waits.
    :raises ConfigurationError: if the CA bundle or the proxy cannot be used.
    """

    def __init__(
        self,
        settings: PortalSettings,
        *,
        budget: RetryBudget | None = None,
        log: Callable[[str], None] | logging.Logger | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,  # noqa: S311 - jitter, no secret
    ) -> None:
        self.settings = settings
        self._budget = settings.limits.budget if budget is None else budget
        self._limiter = limiter_of(settings)
        self._log = line_logger(log)
        self._now = now
        self._sleep = sleep
        self._chance = chance
        check_ca_bundle(settings.verify)
        # The transport alone: no cookies, no redirects, no environment, no log of addresses.
        self._transport = httpx.AsyncHTTPTransport(
            verify=_verify(settings.verify),
            proxy=proxy_for(settings),
            trust_env=False,
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=1),
        )
        if settings.verify is False and settings.scheme == "https":
            self._log(f"the certificate of {settings.domain} is not checked (verify is off)")

    async def send(self, call: Call[T], *, budget: RetryBudget | None = None) -> T:
        """Send ``call``, again where table and budget allow it, and return its result.

        :param budget: for this call, instead of the session's.
        :raises PortalError: the last failure; its ``landing`` tells whether the portal may have acted on it.
        """
        budget = budget or self._budget
        exchange = Exchange(call, self.settings, budget, chance=self._chance, heard=self._limiter.heard)
        while True:
            pause = await self._take_turn(exchange, budget)
            await self._limiter.acquire_async()
            try:
                if self._limiter.pause != pause:
                    continue  # it was asked for while this call waited for a place
                outcome = await self._send_once(exchange.outgoing())
            finally:
                self._limiter.release_async()
            if isinstance(outcome, RawReply):
                step = exchange.reply(outcome, self._now())
            else:
                step = exchange.lost(outcome, self._now())
            if isinstance(step, Done):
                return step.value
            if step.why:
                self._log(step.why)
            if step.seconds > 0:
                await self._sleep(step.seconds)

    async def _take_turn(self, exchange: Exchange[T], budget: RetryBudget) -> int:
        """Wait until the limiter lets the next request go; return the pause that was kept last."""
        turns = exchange.turns(self._limiter, budget.seconds, self._now)
        while True:
            try:
                seconds = next(turns)
            except StopIteration as end:
                return int(end.value)
            await self._sleep(seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait between two looks at a job, without blocking the loop."""
        await self._sleep(seconds)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> AsyncPortalSession:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send_once(self, outgoing: Outgoing) -> RawReply | Loss:
        read, connect = self.settings.read_timeout, self.settings.connect_timeout
        body, query = outgoing.body, outgoing.secret_query
        if outgoing.into is not None or not isinstance(body, (bytes, memoryview, NoneType)):
            raise ConfigurationError("files go through the blocking session, not through this one")
        url = outgoing.url + (("&" if "?" in outgoing.url else "?") + query if query else "")
        request = httpx.Request(
            outgoing.method,
            url,
            headers=dict(outgoing.headers),
            content=bytes(body) if isinstance(body, memoryview) else body,
            extensions={"timeout": {"connect": connect, "read": read, "write": read, "pool": connect}},
        )
        try:
            response = await self._transport.handle_async_request(request)
            try:
                response.request = request
                body = await response.aread()
            finally:
                await response.aclose()
        except _BEFORE_SENDING as error:
            return Loss.of(error, sent=False)
        except (httpx.TransportError, httpx.DecodingError, httpx.StreamError, OSError) as error:
            return Loss.of(error, sent=True)
        return RawReply(response.status_code, list(response.headers.items()), body)


def _verify(verify: bool | str) -> bool | ssl.SSLContext:
    if isinstance(verify, bool):
        return verify
    if Path(verify).is_dir():
        return ssl.create_default_context(capath=verify)
    return ssl.create_default_context(cafile=verify)
