"""A task that changes access dies at any call; the next try ends as one clean run would have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from portal_harness.dying import Death, Killed, World

from airflow_socrata.publication.access import Outcome, WantedAccess, set_access
from airflow_socrata.publication.transferring import transfer_ownership

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_socrata.emulator import Emulator
ME, PAT, VIC = "pub3-user", "per4-user", "view-user"
WANTED = WantedAccess.of("public", {VIC: "contributor"})


@pytest.fixture
def world(portal: Emulator) -> World:
    portal.admin.reset()
    made = World(portal, keyed=True)
    publisher = made.publisher()
    with publisher.session:
        set_access(publisher, made.dataset, WantedAccess.of("private"))
    return made


def moments(world: World, act: Callable[[Any], Any]) -> int:
    """How many calls a clean run makes."""
    death = Death(-1, after=False)
    publisher = world.publisher(death)
    with publisher.session:
        act(publisher)
    return death.count


def view(world: World) -> dict[str, Any]:
    auth = ("publisher-key", "publisher-secret")
    with requests.Session() as session:
        session.trust_env = False
        url = f"{world.portal.url}/api/views/{world.dataset}.json"
        found: dict[str, Any] = session.get(url, auth=auth, timeout=30).json()
    return found


def users(world: World) -> dict[str, str]:
    found = view(world)["permissions"]["users"]
    return {user["id"]: user["accessLevels"][0]["name"] for user in found}


def each_death(world: World, act: Callable[[Any], Any], undo: Callable[[Any], Any]) -> Iterator[Any]:
    """Yield what the second try says, for a death before and after each call of the first."""
    calls = moments(world, act)
    assert calls >= 4
    for at in range(calls):
        for after in (False, True):
            publisher = world.publisher()
            with publisher.session:
                undo(publisher)
            publisher = world.publisher(Death(at, after))
            with publisher.session, pytest.raises(Killed):
                act(publisher)
            publisher = world.publisher()
            with publisher.session:
                yield act(publisher)


def private(world: World) -> Callable[[Any], Any]:
    return lambda publisher: set_access(publisher, world.dataset, WantedAccess.of("private", exact={}))


def test_audience_and_users(world: World) -> None:
    def act(publisher: Any) -> Any:
        return set_access(publisher, world.dataset, WANTED)

    for report in each_death(world, act, private(world)):
        assert report.audience == "public"
        assert report.outcome in {Outcome.CHANGED, Outcome.UNCHANGED}
        assert users(world) == {ME: "current_owner", VIC: "contributor"}


@pytest.mark.parametrize("request_is", ["made", "none"])
def test_one_request_is_made_of_a_steward(world: World, request_is: str) -> None:
    world.portal.admin.settings(audience_approvals="manual", audience_request=request_is)

    def withdrawn(publisher: Any) -> None:
        if any(one["state"] == "pending" for one in view(world)["approvals"]):
            world.portal.admin.reject(world.dataset)
        assert all(one["state"] == "rejected" for one in view(world)["approvals"])
        wanted = WantedAccess.of("private", exact={})
        set_access(publisher, world.dataset, wanted)

    def act(publisher: Any) -> Any:
        return set_access(publisher, world.dataset, WANTED, on_approval="submit", ask_again=True)

    for report in each_death(world, act, withdrawn):
        assert report.outcome is Outcome.AWAITS_APPROVAL
        assert [one["state"] for one in view(world)["approvals"]] == ["pending"]
        assert users(world) == {ME: "current_owner", VIC: "contributor"}
        assert "grants" not in view(world)


def test_an_owner(world: World) -> None:
    def back(publisher: Any) -> None:
        transfer_ownership(publisher, world.dataset, ME)

    def act(publisher: Any) -> Any:
        return transfer_ownership(publisher, world.dataset, PAT, "viewer")

    publisher = world.publisher()
    with publisher.session:
        back(publisher)
    for at in range(3):
        for after in (False, True):
            mortal = world.publisher(Death(at, after))
            with mortal.session, pytest.raises(Killed):
                act(mortal)
            publisher = world.publisher()
            with publisher.session:
                act(publisher)
                assert users(world) == {PAT: "current_owner", ME: "viewer"}
                back(publisher)
