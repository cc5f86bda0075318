"""What the limiter adds to each request, beside what others put before a request.

    python benchmarks/bench_limiter.py [--requests 20000] [--runs 5]

Microseconds of wall time a request, median of the runs, each of so many requests that nothing holds back: no
pause, free places, a rate out of reach. The target is 50. Peers are what the standard library and Airflow's
own dependencies have (they bound what is under way, and know neither rates nor pauses), and, where they are
installed, pyrate-limiter and aiolimiter (they bound rates alone).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import threading
import time
from typing import TYPE_CHECKING

import anyio

from airflow_socrata.client.limiter import Limiter, Limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TARGET = 50.0
RATE = 10_000_000


def ours(limits: Limits) -> Callable[[], None]:
    """Return what a session does around each sending."""
    limiter = Limiter(limits)

    def step() -> None:
        limiter.turn(time.time(), 300.0)
        limiter.acquire(lambda: False)
        limiter.release()

    return step


def ours_async(limits: Limits) -> Callable[[], Awaitable[None]]:
    """Return what an asynchronous session does around each sending."""
    limiter = Limiter(limits)

    async def step() -> None:
        limiter.turn(time.time(), 300.0)
        await limiter.acquire_async()
        limiter.release_async()

    return step


def semaphore() -> Callable[[], None]:
    """Return the least that a bound on what is under way costs."""
    places = threading.BoundedSemaphore(32)

    def step() -> None:
        with places:
            pass

    return step


def semaphore_async() -> Callable[[], Awaitable[None]]:
    places = asyncio.Semaphore(32)

    async def step() -> None:
        async with places:
            pass

    return step


def capacity() -> Callable[[], Awaitable[None]]:
    places = anyio.CapacityLimiter(32)

    async def step() -> None:
        async with places:
            pass

    return step


def pyrate() -> Callable[[], object] | None:
    try:
        from pyrate_limiter import Duration, InMemoryBucket, Rate
        from pyrate_limiter import Limiter as Peer
    except ImportError:
        return None
    peer = Peer(InMemoryBucket([Rate(RATE, Duration.SECOND)]))
    return lambda: peer.try_acquire("portal")


def aiolimiter() -> Callable[[], Awaitable[None]] | None:
    try:
        from aiolimiter import AsyncLimiter
    except ImportError:
        return None
    return AsyncLimiter(RATE, 1).acquire


def blocking(step: Callable[[], object], requests: int, threads: int) -> float:
    """Return microseconds a request, over all threads."""
    start = threading.Barrier(threads + 1)

    def run() -> None:
        start.wait()
        for _ in range(requests // threads):
            step()

    own = [threading.Thread(target=run) for _ in range(threads)]
    for thread in own:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in own:
        thread.join()
    return (time.perf_counter() - began) / requests * 1e6


def in_a_loop(make: Callable[[], Callable[[], Awaitable[None]] | None], requests: int) -> float:
    """Return microseconds a request, in one event loop."""

    async def main() -> float:
        step = make()
        assert step is not None
        began = time.perf_counter()
        for _ in range(requests):
            await step()
        return (time.perf_counter() - began) / requests * 1e6

    return asyncio.run(main())


def main() -> None:
    parser = argparse.ArgumentParser(description="What the limiter adds to each request.")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    fast = Limits(per_second=RATE)
    cases: list[tuple[str, Callable[[], float], bool]] = []

    def add(name: str, make: Callable[[], Callable[[], object] | None], threads: int, own: bool) -> None:
        def measure() -> float:
            step = make()
            assert step is not None
            return blocking(step, given.requests, threads)

        cases.append((f"{name}, {threads} thread{'s' * (threads > 1)}", measure, own))

    def add_async(name: str, make: Callable[[], Callable[[], Awaitable[None]] | None], own: bool) -> None:
        cases.append((f"{name}, event loop", lambda: in_a_loop(make, given.requests), own))

    for threads in (1, 8):
        add("limiter", lambda: ours(Limits()), threads, True)
        add("limiter with a rate", lambda: ours(fast), threads, True)
        add("threading.BoundedSemaphore", semaphore, threads, False)
        if pyrate() is not None:
            add("pyrate-limiter", pyrate, threads, False)
    add_async("limiter", lambda: ours_async(Limits()), True)
    add_async("limiter with a rate", lambda: ours_async(fast), True)
    add_async("asyncio.Semaphore", semaphore_async, False)
    add_async("anyio.CapacityLimiter", capacity, False)
    if aiolimiter() is not None:
        add_async("aiolimiter", aiolimiter, False)

    slowest = 0.0
    print(f"microseconds a request, median of {given.runs} runs of {given.requests}")
    for name, measure, own in cases:
        took = statistics.median(measure() for _ in range(given.runs))
        slowest = max(slowest, took if own else 0.0)
        print(f"{name:40} {took:8.2f}")
    print(f"the limiter at its slowest: {slowest:.1f} us a request, target {TARGET:.0f} us")
    if slowest >= TARGET:
        raise SystemExit("the limiter is slower than its target")


if __name__ == "__main__":
    main()
