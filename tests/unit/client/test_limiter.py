"""One limiter for all sessions of a process with one portal as one user."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from unit.client.portal_servers import Answer

from airflow_socrata.client import (
    ConfigurationError,
    Credentials,
    Interrupted,
    PortalBusy,
    PortalSession,
    RetryBudget,
    views,
)
from airflow_socrata.client.async_session import AsyncPortalSession
from airflow_socrata.client.limiter import LONGEST_PAUSE, SPACING, Limiter, Limits, limiter_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.client.portal_servers import FakeClock, ScriptedPortal

    from airflow_socrata.client import PortalSettings

VIEW = Answer(200, '{"id":"abcd-1234","name":"Roads"}')
READ = views.read_view("abcd-1234")
ONCE = RetryBudget(attempts=1)
NOW = 1_780_000_000.0


def never() -> bool:
    return False


# --- who shares one


def test_sessions_of_one_user_at_one_portal_share_one(settings: PortalSettings) -> None:
    own = limiter_of(settings)
    assert limiter_of(replace(settings, read_timeout=1.0)) is own
    other = replace(settings.credentials, user="somebody", secret="else")  # type: ignore[type-var]
    for different in (
        replace(settings, port=settings.port + 1),
        replace(settings, domain="localhost"),
        replace(settings, scheme="https"),
        replace(settings, credentials=other),
        replace(settings, credentials=Credentials()),
    ):
        assert limiter_of(different) is not own
    named = replace(settings, domain="Localhost.")
    assert limiter_of(named) is limiter_of(replace(settings, domain="localhost"))


def test_the_newest_limits_count(settings: PortalSettings) -> None:
    own = limiter_of(settings)
    assert limiter_of(replace(settings, limits=Limits(per_second=3.0))) is own
    assert own.limits == Limits(per_second=3.0)


def test_a_forked_process_begins_anew(settings: PortalSettings) -> None:
    limiter_of(settings).heard(1000.0, time.time())
    pid = os.fork()
    if not pid:
        os._exit(0 if limiter_of(settings).turn(time.time()).seconds == 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_session_from_before_the_fork_finds_no_lock_that_is_held(settings: PortalSettings) -> None:
    limiter = limiter_of(settings)
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with limiter._lock:
            held.set()
            let_go.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    pid = os.fork()
    if not pid:
        signal.alarm(5)
        os._exit(0 if limiter.acquire(never) else 1)
    let_go.set()
    thread.join(20)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_many_users_do_not_end_the_pause_of_one(settings: PortalSettings) -> None:
    paused = limiter_of(settings)
    paused.heard(1000.0, time.time())
    for number in range(300):
        limiter_of(replace(settings, credentials=Credentials(app_token=f"token-{number}")))
    assert limiter_of(settings) is paused


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrent": 0},
        {"concurrent": 1.5},
        {"per_second": 0.0},
        {"per_second": -1.0},
        {"longest_wait": 0.0},
    ],
)
def test_limits_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        Limits(**wrong)  # type: ignore[arg-type]


# --- pauses that the portal asks for


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({"Retry-After": "20"}, 20.0),
        (
            {"Retry-After": "Mon, 01 Jan 2024 00:01:20 GMT", "Date": "Mon, 01 Jan 2024 00:01:00 GMT"},
            20.0,
        ),
    ],
    ids=["seconds", "date"],
)
def test_retry_after_delays_every_session(
    portal: ScriptedPortal,
    settings: PortalSettings,
    clock: FakeClock,
    asked: dict[str, str],
    seconds: float,
) -> None:
    portal.answer(Answer(429, "", asked), VIEW, VIEW, VIEW)
    with (
        PortalSession(settings, clock=clock, budget=ONCE) as first,
        PortalSession(settings, clock=clock) as second,
    ):
        with pytest.raises(PortalBusy):
            first.send(READ)
        second.send(READ)
        assert clock.waits == [seconds]
        first.send(READ)
        assert clock.waits == [seconds], "the pause is over"


def test_a_pause_reaches_the_asynchronous_sessions(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock
) -> None:
    portal.answer(Answer(503, "", {"Retry-After": "20"}), VIEW)
    with PortalSession(settings, clock=clock, budget=ONCE) as blocking, pytest.raises(PortalBusy):
        blocking.send(READ)

    async def main() -> None:
        async def sleep(seconds: float) -> None:
            clock.sleep(seconds, never)

        async with AsyncPortalSession(settings, now=clock.time, sleep=sleep) as session:
            await session.send(READ)

    asyncio.run(main())
    assert clock.waits == [20.0]


def test_another_user_is_not_delayed(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock
) -> None:
    portal.answer(Answer(429, "", {"Retry-After": "20"}), VIEW)
    with PortalSession(settings, clock=clock, budget=ONCE) as first, pytest.raises(PortalBusy):
        first.send(READ)
    with PortalSession(replace(settings, credentials=Credentials()), clock=clock) as other:
        other.send(READ)
    assert clock.waits == []


def test_without_retry_after_all_wait_as_long_as_the_one_that_met_it(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock
) -> None:
    portal.answer(Answer(429), VIEW)
    with PortalSession(settings, clock=clock, chance=lambda: 0.5) as session:
        session.send(READ)
    assert clock.waits == [0.5]
    assert limiter_of(settings).turn(clock.now - 0.25).seconds == 0.25


def test_429_does_not_count_as_an_attempt_unless_the_caller_counts(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock
) -> None:
    portal.answer(*[Answer(429)] * 9, Answer(500), VIEW)
    with PortalSession(settings, clock=clock, chance=lambda: 0.5) as session:
        session.send(READ)
    assert clock.waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    portal.answer(*[Answer(429)] * 2)
    counted = RetryBudget(attempts=2)
    with PortalSession(settings, clock=clock, budget=counted) as session, pytest.raises(PortalBusy):
        session.send(READ)
    portal.default = Answer(429)
    clock.waits.clear()
    with PortalSession(settings, clock=clock, chance=lambda: 1.0) as session, pytest.raises(PortalBusy):
        session.send(READ)
    assert 240 < sum(clock.waits) <= 300


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503),
        Answer(500, "", {"Retry-After": "20"}),
        Answer(409, '{"errorCode":"soda.dataset.cannot-acquire-write-lock"}', {"Retry-After": "20"}),
    ],
    ids=["503 without a time", "500", "one locked dataset"],
)
def test_what_is_not_about_all_requests_delays_nobody_else(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock, answer: Answer
) -> None:
    portal.answer(answer)
    with PortalSession(settings, clock=clock, budget=ONCE) as session, pytest.raises(Exception, match="HTTP"):
        session.send(READ)
    assert limiter_of(settings).turn(clock.now).seconds == 0


def test_a_pause_beyond_the_budget_fails_at_once_and_sends_nothing(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock
) -> None:
    portal.answer(Answer(429, "", {"Retry-After": "3600"}), VIEW)
    with PortalSession(settings, clock=clock) as session:
        for left in (3600.0, 3590.0):
            with pytest.raises(PortalBusy) as busy:
                session.send(READ)
            assert busy.value.retry_after == left
            assert busy.value.landing == "none"
            clock.now += 10
        assert "asked to send nothing for another 3590 s" in str(busy.value)
        assert len(portal.requests) == 1
        assert clock.waits == []
        clock.now += 3580
        session.send(READ)


def test_the_longest_wait_of_the_settings_is_the_budget(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock
) -> None:
    portal.answer(Answer(429, "", {"Retry-After": "3600"}), VIEW)
    patient = replace(settings, limits=Limits(longest_wait=4000.0))
    with PortalSession(patient, clock=clock) as session:
        session.send(READ)
    assert clock.waits == [3600.0]


def test_whoever_waited_leaves_one_after_another() -> None:
    limiter = Limiter()
    limiter.heard(10.0, NOW)
    waits = [limiter.turn(NOW + 4).seconds for _ in range(3)]
    assert waits == pytest.approx([6.0, 6.0 + SPACING, 6.0 + 2 * SPACING])
    assert limiter.turn(NOW + 10.0).seconds == 0.0, "who comes later does not wait"


def test_a_pause_is_never_shortened_and_ends_within_a_day() -> None:
    limiter = Limiter()
    limiter.heard(100.0, NOW)
    limiter.heard(5.0, NOW)
    assert limiter.turn(NOW).seconds == 100.0
    limiter.heard(1e11, NOW)
    assert limiter.turn(NOW).seconds == LONGEST_PAUSE


def test_a_clock_that_is_turned_back_does_not_lengthen_a_pause() -> None:
    limiter = Limiter(Limits(per_second=1.0))
    limiter.heard(10.0, NOW)
    assert limiter.turn(NOW - 86_400).seconds <= 10.0 + 3600.0
    assert Limiter().turn(NOW).seconds == 0


def test_a_longer_pause_that_comes_while_waiting_is_waited_for_too(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock
) -> None:
    limiter = limiter_of(settings)
    limiter.heard(10.0, clock.now)
    sleep = clock.sleep

    def sleep_and_hear(seconds: float, stop: Callable[[], bool]) -> None:
        if not clock.waits:
            limiter.heard(30.0, clock.now)
        sleep(seconds, stop)

    clock.sleep = sleep_and_hear  # type: ignore[method-assign]
    portal.answer(VIEW)
    with PortalSession(settings, clock=clock) as session:
        session.send(READ)
    assert clock.waits == [10.0, 20.0]


def test_interrupt_wakes_whoever_waits_for_the_end_of_a_pause(
    portal: ScriptedPortal, settings: PortalSettings
) -> None:
    limiter_of(settings).heard(60.0, time.time())
    session = PortalSession(settings)

    def handler(*_: object) -> None:
        session.interrupt()

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interrupted) as interrupted:
            session.send(READ)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted.value.landing == "none"
    assert portal.requests == []


def test_who_waits_for_a_place_does_not_go_out_into_a_pause(
    portal: ScriptedPortal, settings: PortalSettings, clock: FakeClock
) -> None:
    one = replace(settings, limits=Limits(concurrent=1))
    limiter = limiter_of(one)
    portal.default = VIEW
    assert limiter.acquire(never)

    def send() -> None:
        with PortalSession(one, clock=clock) as session:
            session.send(READ)

    async def send_async() -> None:
        async def sleep(seconds: float) -> None:
            clock.waits.append(seconds)
            clock.now += seconds

        async with AsyncPortalSession(one, now=clock.time, sleep=sleep) as session:
            await session.send(READ)

    for each in (send, lambda: asyncio.run(send_async())):
        thread = threading.Thread(target=each)
        thread.start()
        while not limiter._waiting:
            time.sleep(0)
        limiter.heard(20.0, clock.now)
        limiter.release()
        thread.join(20)
        assert clock.waits == [20.0]
        clock.waits.clear()
        assert limiter.acquire(never)
    assert len(portal.requests) == 2
