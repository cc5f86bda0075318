"""The trigger: serialised, made again and run anywhere, until its own deadline."""

from __future__ import annotations

import asyncio
import json
import time
from importlib import import_module
from typing import Any

import pytest
from portal_harness.publications import make_dataset

from airflow_socrata.triggers.base import FIRST_PAUSE, WaitEvent
from airflow_socrata.triggers.socrata import (
    COPIED,
    PUBLISH_DONE,
    PUBLISHED,
    READY,
    REPLICATED,
    SocrataWaitTrigger,
)

WAITS = [COPIED, READY, PUBLISH_DONE, PUBLISHED, REPLICATED]


def trigger(wait: str, dataset: str = "abcd-1234", **more: Any) -> SocrataWaitTrigger:
    settings: dict[str, Any] = {"deadline": time.time() + 600, "working_copy": dataset} | more
    return SocrataWaitTrigger("socrata_default", wait, dataset, **settings)


def made_again(first: Any) -> Any:
    """What a triggerer makes of the trigger: from plain JSON, by its class path."""
    path, arguments = first.serialize()
    arguments = json.loads(json.dumps(arguments))
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**arguments)


def event_of(first: Any) -> dict[str, Any]:
    """Run a trigger as a triggerer does; it sends one event and ends."""

    async def run() -> list[Any]:
        return [event async for event in made_again(first).run()]

    (event,) = asyncio.run(run())
    payload: dict[str, Any] = event.payload
    assert json.loads(json.dumps(payload)) == payload
    return payload


@pytest.mark.parametrize("wait", WAITS)
def test_it_survives_the_way_through_the_database(wait: str) -> None:
    first = trigger(wait, accepted={"ticket": "t-1", "status": "queued"}, method="copySchema")
    assert made_again(first).serialize() == first.serialize()


@pytest.mark.parametrize("wait", WAITS)
def test_airflow_s_own_serialisation_takes_it(wait: str) -> None:
    serde = pytest.importorskip("airflow.sdk.serde", reason="the serialisation of Airflow 3.2 and later")
    _, arguments = trigger(wait, accepted={"ticket": "t-1"}).serialize()
    assert serde.deserialize(serde.serialize(arguments)) == arguments


def test_no_secret_is_among_its_arguments(portal: Any) -> None:
    text = json.dumps(trigger(READY).serialize())
    assert portal.password not in text
    assert portal.app_token not in text


def open_copy(dataset: Any) -> str:
    copy: str = dataset.portal.admin.open_working_copy_as("publisher", dataset.id)["id"]
    return copy


def test_ready_at_once(dataset: Any) -> None:
    assert event_of(trigger(READY, dataset.id))["status"] == "success"


@pytest.mark.parametrize("wait", [READY, REPLICATED])
def test_stale_replicas_are_waited_for(dataset: Any, clock: Any, wait: str) -> None:
    dataset.portal.admin.settings(replica_lag_seconds=90.0)
    dataset.portal.admin.write_rows(dataset.id, [{"event_id": "e1"}])
    assert event_of(trigger(wait, dataset.id))["status"] == "success"
    assert 85 < sum(clock.pauses) < 120


def test_a_deadline_in_the_past_is_a_time_out_and_asks_nothing_twice(dataset: Any, clock: Any) -> None:
    dataset.portal.admin.settings(replica_manual=True)
    dataset.portal.admin.write_rows(dataset.id, [{"event_id": "e1"}])
    event = event_of(trigger(REPLICATED, dataset.id, deadline=time.time() - 1))
    assert event["status"] == "timeout"
    assert event["message"].startswith("read replicas of")
    assert clock.pauses == [FIRST_PAUSE]


def test_it_ends_at_its_own_deadline(dataset: Any, clock: Any) -> None:
    dataset.portal.admin.settings(replica_manual=True)
    dataset.portal.admin.write_rows(dataset.id, [{"event_id": "e1"}])
    assert event_of(trigger(REPLICATED, dataset.id))["status"] == "timeout"
    assert sum(clock.pauses) == pytest.approx(600, abs=10)


@pytest.mark.parametrize("kind", ["lost_reply", "bad_gateway", "throttled", "unavailable", "not_json"])
def test_errors_that_pass_are_survived(dataset: Any, kind: str) -> None:
    # More of them than one call's retry budget holds.
    dataset.portal.admin.add_fault(kind, "GET", times=15)
    assert event_of(trigger(REPLICATED, dataset.id, deadline=time.time() + 3600))["status"] == "success"


def test_a_long_pause_is_slept_through(dataset: Any, clock: Any) -> None:
    dataset.portal.admin.add_fault("throttled", "GET", retry_after=1000)
    event = event_of(trigger(REPLICATED, dataset.id, deadline=time.time() + 3600))
    assert event["status"] == "success"
    assert max(clock.pauses) == 1000
    assert len(clock.pauses) < 5


@pytest.mark.parametrize(
    ("fault", "word"),
    [({"status": 401}, "401"), ({"status": 403}, "403"), ({"status": 404}, "404")],
)
def test_a_refusal_ends_it_for_good(dataset: Any, clock: Any, fault: dict[str, Any], word: str) -> None:
    dataset.portal.admin.add_fault("error", "GET", times=None, **fault)
    event = event_of(trigger(READY, dataset.id))
    assert event["status"] == "error"
    assert event["permanent"] is True
    assert word in event["message"]
    assert clock.pauses == [FIRST_PAUSE]


def test_a_connection_that_is_not_there_is_an_error(dataset: Any) -> None:
    made = SocrataWaitTrigger("nobody_made_it", READY, dataset.id, time.time() + 5)
    event = event_of(made)
    assert event["status"] == "error"
    assert "nobody_made_it" in event["message"]


def test_published_looks_with_get_only(dataset: Any, clock: Any) -> None:
    copy = open_copy(dataset)
    admin = dataset.portal.admin
    admin.add_fault("publish_queued", "POST", "/publication")
    import requests

    with requests.Session() as session:
        session.trust_env = False
        session.post(
            f"{dataset.portal.url}/api/views/{copy}/publication.json",
            auth=(dataset.portal.username, dataset.portal.password),
            timeout=30,
        )
    before = len(dataset.calls("POST"))
    clock.at_pause(lambda: admin.finish_jobs(dataset.id), 3)
    event = event_of(trigger(PUBLISHED, dataset.id, working_copy=copy))
    assert event["status"] == "success"
    assert len(dataset.calls("POST")) == before


def test_copied_names_the_copy(portal: Any) -> None:
    from dataclasses import asdict

    from airflow_socrata.client import PortalSession, views
    from airflow_socrata.hooks.socrata import SocrataHook

    dataset = make_dataset(portal)
    portal.admin.add_fault("accepted", "POST", "/publication", form="details", calls=3)
    with PortalSession(SocrataHook().settings()) as session:
        accepted = session.send(views.open_copy(dataset.id, "copy"))
    event = event_of(trigger(COPIED, dataset.id, accepted=asdict(accepted)))
    assert event["status"] == "success"
    assert event["data"] == {"working_copy": dataset.copies()[0]["id"]}


def test_what_nobody_knows_how_to_wait_for_is_an_error(dataset: Any) -> None:
    assert event_of(trigger("godot", dataset.id))["status"] == "error"


@pytest.mark.parametrize("event", [None, {}, {"message": "no status"}, {"status": "cancelled"}])
def test_an_event_that_is_no_success_never_passes(event: Any) -> None:
    from airflow_socrata.publication.errors import PublicationError

    with pytest.raises(PublicationError):
        WaitEvent.checked(event)
