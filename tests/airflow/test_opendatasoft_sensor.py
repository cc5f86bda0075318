"""The sensor: whatever brings a dataset to rest is seen, and nothing but GET is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.opendatasoft_fixtures import IN_BOTH_APIS, IN_BOTH_WAYS
from portal_harness.publications import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

ROWS = [{"id": n, "name": f"Stop {n}"} for n in range(1, 6)]


def stops(portal: Any, **more: Any) -> dict[str, Any]:
    """A dataset of five stops, published unless told otherwise."""
    made: dict[str, Any] = portal.admin.create_dataset("stops", "Stops", ROWS, **more)
    return made


def sensor() -> Any:
    from airflow_socrata.sensors.opendatasoft import OpendatasoftStatusSensor

    return OpendatasoftStatusSensor


@IN_BOTH_APIS
@IN_BOTH_WAYS
def test_the_sensor_waits_for_rest(opendatasoft: Any, run_task: Run, deferrable: bool) -> None:
    made = stops(opendatasoft)
    opendatasoft.admin.settings(processing_looks=3)
    opendatasoft.admin.publish_as("stops")
    run = run_task(sensor(), dataset="stops", poke_interval=0.2, timeout=600, deferrable=deferrable)
    assert run.state == "success", errors(run, "task")
    found = {"dataset": made["uid"], "dataset_id": "stops", "status": "idle"}
    assert run.task("task").return_value == found
    assert {one["method"] for one in opendatasoft.admin.requests()} == {"GET"}


@IN_BOTH_WAYS
@pytest.mark.parametrize("status", ["error", "limit_reached"])
def test_the_sensor_fails_at_once_where_it_rests_badly(
    opendatasoft: Any, run_task: Run, status: str, deferrable: bool
) -> None:
    stops(opendatasoft)
    params = {"limit": 1000} if status == "limit_reached" else {}
    opendatasoft.admin.set_status("stops", status, "no further", params)
    (error,) = errors(run_task(sensor(), dataset="stops", deferrable=deferrable), "task")
    assert "no further" in error or "1000" in error


def test_an_unpublished_dataset_may_rest(opendatasoft: Any, run_task: Run) -> None:
    stops(opendatasoft, published=False)
    assert run_task(sensor(), dataset="stops").state == "success"
