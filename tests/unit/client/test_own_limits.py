"""What a process allows itself at one portal as one user: requests a second, and under way at a time."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from unit.client.portal_servers import Answer

from airflow_socrata.client import Interrupted, PortalSession, views
from airflow_socrata.client.limiter import Limiter, Limits, limiter_of

if TYPE_CHECKING:
    from unit.client.portal_servers import FakeClock, ScriptedPortal

    from airflow_socrata.client import PortalSettings

VIEW = Answer(200, '{"id":"abcd-1234","name":"Roads"}')
READ = views.read_view("abcd-1234")
NOW = 1_780_000_000.0


def never() -> bool:
    return False


def test_requests_a_second_come_in_bursts_of_a_second() -> None:
    limiter = Limiter(Limits(per_second=4.0))
    waits = [limiter.turn(NOW).seconds for _ in range(8)]
    assert waits == pytest.approx([0, 0, 0, 0, 0.25, 0.5, 0.75, 1.0], abs=1e-6)
    assert limiter.turn(NOW + 60).seconds == 0.0


def test_less_than_one_request_a_second() -> None:
    limiter = Limiter(Limits(per_second=0.1))
    assert [limiter.turn(NOW).seconds for _ in range(3)] == pytest.approx([0, 10.0, 20.0])


def test_own_waits_do_not_use_up_the_budget(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock
) -> None:
    slow = replace(settings, limits=Limits(per_second=0.001))
    portal.answer(VIEW, VIEW)
    with PortalSession(slow, clock=clock) as session:
        session.send(READ)
        session.send(READ)
    assert clock.waits == pytest.approx([1000.0])


def test_only_so_many_requests_are_under_way(settings: PortalSettings, portal: ScriptedPortal) -> None:
    portal.default = VIEW
    few = replace(settings, limits=Limits(concurrent=3))
    limiter = limiter_of(few)
    most, under_way, lock = 0, 0, threading.Lock()

    def send() -> None:
        nonlocal most, under_way
        with PortalSession(few) as session:
            inner = session._transport.send

            def counted(outgoing: object) -> object:
                nonlocal most, under_way
                with lock:
                    under_way += 1
                    most = max(most, under_way)
                try:
                    return inner(outgoing)  # type: ignore[arg-type]
                finally:
                    with lock:
                        under_way -= 1

            session._transport.send = counted  # type: ignore[assignment, method-assign]
            for _ in range(5):
                session.send(READ)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(portal.requests) == 40
    assert 1 < most <= 3
    assert limiter.is_idle


def test_threads_and_event_loops_share_the_places() -> None:
    limiter = Limiter(Limits(concurrent=1))
    assert limiter.acquire(never)
    order: list[str] = []

    async def main() -> None:
        gone = asyncio.ensure_future(limiter.acquire_async())
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        waiting = asyncio.ensure_future(limiter.acquire_async())
        await asyncio.sleep(0)
        thread = threading.Thread(target=in_thread)
        thread.start()
        while len(limiter._waiting) < 2:  # noqa: ASYNC110 - nothing tells when a thread has begun to wait
            await asyncio.sleep(0)
        limiter.release()
        await waiting
        order.append("loop")
        limiter.release_async()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)

    def in_thread() -> None:
        assert limiter.acquire(never)
        order.append("thread")
        limiter.release()

    asyncio.run(main())
    assert order == ["loop", "thread"]
    assert limiter.is_idle


def test_interrupt_wakes_whoever_waits_for_a_place(portal: ScriptedPortal, settings: PortalSettings) -> None:
    one = replace(settings, limits=Limits(concurrent=1))
    limiter = limiter_of(one)
    session = PortalSession(one)
    taken, free = threading.Event(), threading.Event()

    def hold() -> None:
        assert limiter.acquire(never)
        taken.set()
        free.wait(20)
        limiter.release()

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(20)
    timer = threading.Timer(0.05, session.interrupt)
    timer.start()
    try:
        with pytest.raises(Interrupted) as interrupted:
            session.send(READ)
    finally:
        free.set()
        holder.join(20)
        timer.join(20)
    assert interrupted.value.landing == "none"
    assert portal.requests == []
    assert limiter.is_idle


def test_a_body_that_makes_requests_itself_does_not_wait_for_itself() -> None:
    limiter = Limiter(Limits(concurrent=1))
    assert limiter.acquire(never)
    assert limiter.acquire(lambda: True)
    limiter.release()
    assert not limiter.is_idle
    limiter.release()
    assert limiter.is_idle


def test_more_places_let_those_that_wait_go() -> None:
    limiter = Limiter(Limits(concurrent=1))
    assert limiter.acquire(never)
    thread = threading.Thread(target=lambda: limiter.acquire(never) and limiter.release())
    thread.start()
    while not limiter._waiting:
        time.sleep(0)
    limiter.change(Limits(concurrent=2))
    thread.join(20)
    assert not thread.is_alive()
    limiter.release()
    assert limiter.is_idle
