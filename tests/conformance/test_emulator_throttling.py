"""The portal's rate limit, and a client that keeps to what it is told."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client import Credentials, PortalSession, PortalSettings, views

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def throttled(admin: Any) -> Callable[..., None]:
    """``throttled(3, "seconds")``: three requests in ten seconds."""

    def throttle(requests: int, form: str = "none") -> None:
        admin.settings(rate_limit=requests, rate_window_seconds=10.0, rate_limit_reply=form)

    return throttle


def statuses(api: Any, count: int, **more: Any) -> list[int]:
    return [api.get("/api/views", **more).status_code for _ in range(count)]


def test_a_window_fills_and_passes(api: Any, admin: Any, throttled: Callable[..., None]) -> None:
    throttled(3)
    assert statuses(api, 5) == [200, 200, 200, 429, 429]
    admin.advance(10)
    assert statuses(api, 4) == [200, 200, 200, 429], "refused requests do not count"
    reply = api.get("/api/views")
    assert reply.json() == {"message": "Too many requests", "errorCode": "too-many-requests", "data": {}}
    assert "Retry-After" not in reply.headers


def test_each_app_token_has_its_own(api: Any, portal: Any, throttled: Callable[..., None]) -> None:
    throttled(2)
    token = {"X-App-Token": portal.app_token}
    assert statuses(api, 3) == [200, 200, 429]
    assert statuses(api, 3, headers=token) == [200, 200, 429]
    assert api.get("/api/views", params={"$$app_token": portal.app_token}).status_code == 429


def test_it_says_when_in_both_forms(api: Any, throttled: Callable[..., None]) -> None:
    throttled(1, "seconds")
    statuses(api, 1)
    assert 9 <= int(api.get("/api/views").headers["Retry-After"]) <= 10
    throttled(1, "date")
    headers = api.get("/api/views").headers
    wait = parsedate_to_datetime(headers["Retry-After"]) - parsedate_to_datetime(headers["Date"])
    assert 9 <= wait.total_seconds() <= 12


class PortalTime:
    """A clock whose waits let the portal's time pass."""

    def __init__(self, admin: Any) -> None:
        self._admin = admin
        self._ahead = 0.0
        self.waits: list[float] = []

    def time(self) -> float:
        return time.time() + self._ahead

    def sleep(self, seconds: float, stop: Callable[[], bool]) -> None:
        self.waits.append(seconds)
        self._ahead += seconds
        self._admin.advance(seconds)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_two_sessions_get_through_with_one_refusal_a_window(
    portal: Any, admin: Any, stops: str, throttled: Callable[..., None], form: str
) -> None:
    throttled(5, form)
    settings = PortalSettings(
        portal.domain, portal.port, "http", Credentials(user=portal.username, secret=portal.password)
    )
    clock = PortalTime(admin)
    with PortalSession(settings, clock=clock) as one, PortalSession(settings, clock=clock) as other:
        for _ in range(10):
            assert one.send(views.read_view(stops)).id == stops
            assert other.send(views.read_view(stops)).id == stops
    refused = [entry for entry in admin.requests() if entry["status"] == 429]
    assert len(refused) == 3
    assert len(clock.waits) == 3
