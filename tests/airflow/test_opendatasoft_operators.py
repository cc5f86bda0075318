"""The operators that do one thing to a dataset, over both management APIs."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.opendatasoft_fixtures import APIS, IN_BOTH_APIS, IN_BOTH_WAYS
from portal_harness.publications import errors
from portal_harness.tasks import green, red

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

ROWS = [{"id": n, "name": f"Stop {n}"} for n in range(1, 6)]
LINKS_KEY = "socrata_links"


def operator(name: str) -> Any:
    """The class of an operator."""
    from airflow_socrata.operators import opendatasoft

    return getattr(opendatasoft, f"Opendatasoft{name}Operator")


def calls(portal: Any, method: str, path: str = "") -> list[dict[str, Any]]:
    """The requests with this method whose path holds a text, in order."""
    return [one for one in portal.admin.requests() if one["method"] == method and path in one["path"]]


def stops(portal: Any, **more: Any) -> dict[str, Any]:
    """A dataset of five stops, published unless told otherwise."""
    made: dict[str, Any] = portal.admin.create_dataset("stops", "Stops", ROWS, id_fields=["id"], **more)
    return made


def metadata(portal: Any) -> dict[str, Any]:
    """The metadata of the stops, of the template ``default``."""
    found = portal.admin.state("stops")["metadata"]["default"]
    return {name: one["value"] for name, one in found.items()}


# --- create ---


@IN_BOTH_APIS
def test_a_dataset_is_created_once(opendatasoft: Any, run_task: Run) -> None:
    arguments = {"dataset_id": "stops", "title": "Stops", "metadata": {"default": {"publisher": "City"}}}
    first = green(run_task(operator("CreateDataset"), **arguments))
    second = green(run_task(operator("CreateDataset"), **arguments))
    assert (first["created"], second["created"]) == (True, False)
    (made,) = opendatasoft.admin.datasets()
    assert first["dataset"] == second["dataset"] == made["uid"]
    assert first["dataset_id"] == made["dataset_id"] == "stops"
    state = opendatasoft.admin.state("stops")
    assert (state["title"], state["published"]) == ("Stops", False)
    assert metadata(opendatasoft)["publisher"] == "City"


@IN_BOTH_APIS
def test_a_dataset_whose_creation_had_no_reply_is_found(opendatasoft: Any, run_task: Run) -> None:
    opendatasoft.admin.add_fault("lost_reply", "POST", "/datasets/?$")
    done = green(run_task(operator("CreateDataset"), dataset_id="stops", title="Stops"))
    assert [one["uid"] for one in opendatasoft.admin.datasets()] == [done["dataset"]]


# --- metadata ---


@IN_BOTH_APIS
@IN_BOTH_WAYS
def test_metadata_are_set_once_the_dataset_rests(opendatasoft: Any, run_task: Run, deferrable: bool) -> None:
    stops(opendatasoft)
    opendatasoft.admin.settings(queued_looks=1, processing_looks=2)
    opendatasoft.admin.publish_as("stops")
    arguments = {"dataset": "stops", "metadata": {"default": {"publisher": "City"}}}
    green(run_task(operator("SetMetadata"), deferrable=deferrable, **arguments))
    looks = calls(opendatasoft, "GET", "/status")
    (put,) = calls(opendatasoft, "PUT", "/metadata/")
    assert len([look for look in looks if look["seq"] < put["seq"]]) >= 4
    assert metadata(opendatasoft)["publisher"] == "City"


def test_a_key_that_may_edit_and_not_publish_sets_metadata_without_a_wait(
    opendatasoft: Any, use: Any, run_task: Run
) -> None:
    stops(opendatasoft)
    use(key=opendatasoft.editor_key)
    green(run_task(operator("SetMetadata"), dataset="stops", metadata={"default": {"publisher": "City"}}))
    assert metadata(opendatasoft)["publisher"] == "City"


@IN_BOTH_APIS
def test_metadata_are_set_and_others_stay(opendatasoft: Any, run_task: Run) -> None:
    stops(opendatasoft, metadata={"default": {"publisher": "City", "language": "en"}})
    new = {"default": {"description": "All stops", "publisher": "Transit"}}
    done = green(run_task(operator("SetMetadata"), dataset="stops", metadata=new))
    assert done["names"] == ["default.description", "default.publisher"]
    kept = metadata(opendatasoft)
    assert (kept["description"], kept["publisher"], kept["language"]) == ("All stops", "Transit", "en")
    assert kept["title"] == "Stops"


# --- publish, unpublish, abort ---


@IN_BOTH_APIS
@IN_BOTH_WAYS
def test_publish_alone(opendatasoft: Any, run_task: Run, deferrable: bool) -> None:
    made = stops(opendatasoft, published=False)
    run = run_task(operator("Publish"), dataset="stops", deferrable=deferrable)
    assert green(run) == {"dataset": made["uid"], "dataset_id": "stops", "status": "idle"}
    assert opendatasoft.admin.records("stops") == ROWS
    assert len(calls(opendatasoft, "POST", "/publish") + calls(opendatasoft, "PUT", "/publish")) == 1
    assert run.task("task").xcoms[LINKS_KEY]["dataset"] == f"{opendatasoft.url}/explore/dataset/stops/"


@IN_BOTH_WAYS
def test_publish_of_a_busy_dataset_is_ordered_when_it_rests(
    opendatasoft: Any, run_task: Run, deferrable: bool
) -> None:
    stops(opendatasoft)
    opendatasoft.admin.settings(processing_seconds=60.0)
    opendatasoft.admin.publish_as("stops")
    green(run_task(operator("Publish"), dataset="stops", deferrable=deferrable))
    ordered = calls(opendatasoft, "POST", "/publish")
    assert [one["status"] for one in ordered] == [200]
    assert opendatasoft.admin.state("stops")["run_by"] in {"publisher", None}


def test_somebody_is_quicker_between_the_look_and_the_order(opendatasoft: Any, run_task: Run) -> None:
    stops(opendatasoft)
    opendatasoft.admin.settings(processing_seconds=60.0)
    opendatasoft.admin.add_fault("person_publishes", "POST", "/publish/")
    green(run_task(operator("Publish"), dataset="stops"))
    assert [one["status"] for one in calls(opendatasoft, "POST", "/publish")] == [400, 200]


@IN_BOTH_WAYS
def test_publish_that_ends_in_error_tells_the_message(
    opendatasoft: Any, run_task: Run, deferrable: bool
) -> None:
    stops(opendatasoft)
    opendatasoft.admin.script("stops", "error", message="The source could not be read: HTTP 503")
    (error,) = errors(run_task(operator("Publish"), dataset="stops", deferrable=deferrable), "task")
    assert "The source could not be read: HTTP 503" in error
    assert f"{opendatasoft.url}/explore/dataset/stops/" in error


@IN_BOTH_WAYS
def test_the_record_limit_fails_unless_it_is_accepted(
    opendatasoft: Any, run_task: Run, deferrable: bool
) -> None:
    stops(opendatasoft)
    opendatasoft.admin.settings(record_limit=3)
    error = red(run_task(operator("Publish"), dataset="stops", deferrable=deferrable))
    assert error.startswith("AirflowFailException: ")
    assert "3" in error
    assert "on_limit='accept'" in error
    accepted = run_task(operator("Publish"), dataset="stops", on_limit="accept", deferrable=deferrable)
    assert green(accepted)["status"] == "limit_reached"


@IN_BOTH_WAYS
def test_a_hard_timeout(opendatasoft: Any, run_task: Run, deferrable: bool) -> None:
    stops(opendatasoft)
    opendatasoft.admin.script("stops", "stuck")
    run = run_task(operator("Publish"), dataset="stops", timeout=300.0, deferrable=deferrable)
    (error,) = errors(run, "task")
    assert run.state == "failed"
    assert error.startswith(("WaitTimeout: ", "AirflowFailException: "))


@IN_BOTH_APIS
@IN_BOTH_WAYS
def test_unpublish_twice(opendatasoft: Any, run_task: Run, deferrable: bool) -> None:
    stops(opendatasoft)
    for _ in range(2):
        done = green(run_task(operator("Unpublish"), dataset="stops", deferrable=deferrable))
        assert done["status"] == "idle"
    assert opendatasoft.admin.state("stops")["published"] is False
    ordered = calls(opendatasoft, "POST", "/unpublish") + calls(opendatasoft, "PUT", "/unpublish")
    assert len(ordered) == 1


@IN_BOTH_APIS
def test_abort_stops_what_runs(opendatasoft: Any, run_task: Run) -> None:
    stops(opendatasoft)
    opendatasoft.admin.script("stops", "stuck", at="processing")
    opendatasoft.admin.publish_as("stops")
    opendatasoft.admin.advance(60)
    assert green(run_task(operator("Abort"), dataset="stops"))["status"] == "idle"
    assert opendatasoft.admin.state("stops")["internal"] == "idle"


def test_abort_where_nothing_runs(opendatasoft: Any, run_task: Run) -> None:
    stops(opendatasoft)
    assert green(run_task(operator("Abort"), dataset="stops"))["status"] == "idle"
    assert calls(opendatasoft, "POST", "/abort") == []


def test_what_is_queued_cannot_be_aborted(opendatasoft: Any, run_task: Run) -> None:
    stops(opendatasoft)
    opendatasoft.admin.script("stops", "stuck")
    opendatasoft.admin.publish_as("stops")
    (error,) = errors(run_task(operator("Abort"), dataset="stops"), "task")
    assert "queued" in error


# --- versions ---


@pytest.mark.parametrize("api", APIS)
def test_a_version_is_restored(opendatasoft: Any, use: Any, run_task: Run, api: str) -> None:
    use(api=api)
    stops(opendatasoft)
    green(run_task(operator("SetMetadata"), dataset="stops", metadata={"default": {"title": "First"}}))
    newest = opendatasoft.admin.state("stops")["versions"][-1]
    version = str(newest["number"] if api == "management" else newest["uid"])
    green(run_task(operator("SetMetadata"), dataset="stops", metadata={"default": {"title": "Second"}}))
    done = green(run_task(operator("RestoreVersion"), dataset="stops", version=version))
    assert done["restored"] is True
    assert opendatasoft.admin.state("stops")["title"] == "First"
    assert opendatasoft.admin.records("stops") == ROWS


@pytest.mark.parametrize("api", APIS)
def test_a_version_that_there_is_none_of(opendatasoft: Any, use: Any, run_task: Run, api: str) -> None:
    use(api=api)
    stops(opendatasoft)
    assert "nothing" in red(run_task(operator("RestoreVersion"), dataset="stops", version="nothing"))


# --- push ---


def realtime(portal: Any) -> dict[str, Any]:
    """A dataset that takes pushed records."""
    made: dict[str, Any] = portal.admin.create_dataset(
        "stops", "Stops", realtime=[{"id": 1, "name": "x"}], id_fields=["id"]
    )
    return made


def test_records_are_pushed_and_deleted(opendatasoft: Any, run_task: Run) -> None:
    realtime(opendatasoft)
    for _ in range(2):
        done = green(run_task(operator("Push"), dataset="stops", records=ROWS))
        assert done == {"records": 5, "calls": 1}
    named = {one["id"]: one["name"] for one in opendatasoft.admin.records("stops")}
    assert named == {one["id"]: one["name"] for one in ROWS}
    green(run_task(operator("Push"), dataset="stops", records=ROWS[:2], delete=True))
    assert {one["id"] for one in opendatasoft.admin.records("stops")} == {3, 4, 5}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "callable"])
def test_records_come_from_a_file_or_a_callable(
    opendatasoft: Any, run_task: Run, tmp_path: Path, kind: str
) -> None:
    realtime(opendatasoft)
    if kind == "callable":
        done = green(run_task(operator("Push"), dataset="stops", rows=lambda: iter(ROWS)))
    else:
        path = tmp_path / f"stops.{kind}"
        lines = {
            "csv": ["id,name", *(f"{one['id']},{one['name']}" for one in ROWS)],
            "jsonl": [json.dumps(one) for one in ROWS],
        }
        path.write_text("\n".join(lines[kind]))
        done = green(run_task(operator("Push"), dataset="stops", source=str(path)))
    assert done["records"] == 5
    assert len(opendatasoft.admin.records("stops")) == 5


@pytest.mark.parametrize("row", ["3", "3,Cedar,more"])
def test_a_ragged_row_of_a_file_is_named(opendatasoft: Any, run_task: Run, tmp_path: Path, row: str) -> None:
    realtime(opendatasoft)
    path = tmp_path / "stops.csv"
    path.write_text(f"id,name\n1,Alder\n{row}\n")
    error = red(run_task(operator("Push"), dataset="stops", source=str(path)))
    assert "stops.csv" in error
    assert "line 3" in error
    assert opendatasoft.admin.records("stops") == []


def test_a_callable_is_given_what_it_asks_for(opendatasoft: Any, run_task: Run) -> None:
    realtime(opendatasoft)

    def rows(run_id: str) -> Any:
        return [{"id": 1, "name": run_id}]

    run = run_task(operator("Push"), dataset="stops", rows=rows)
    assert green(run)["records"] == 1
    assert opendatasoft.admin.records("stops")[0]["name"] == run.run_id


def test_the_management_api_shows_no_push_address(opendatasoft: Any, use: Any, run_task: Run) -> None:
    use(api="management")
    realtime(opendatasoft)
    error = red(run_task(operator("Push"), dataset="stops", records=ROWS))
    assert "Management API shows none" in error


def test_the_push_key_is_in_no_error(opendatasoft: Any, run_task: Run) -> None:
    made = realtime(opendatasoft)
    opendatasoft.admin.add_fault("error", "POST", "/push/", status=400, message="no such field")
    error = red(run_task(operator("Push"), dataset="stops", records=ROWS))
    assert "no such field" in error
    assert "pushkey" not in error
    for one in made["push"]:
        assert str(one.get("pushkey") or one.get("key") or "?") not in error


# --- delete ---


@IN_BOTH_APIS
def test_a_dataset_is_deleted_once(opendatasoft: Any, run_task: Run) -> None:
    stops(opendatasoft)
    assert green(run_task(operator("DeleteDataset"), dataset="stops")) is True
    assert opendatasoft.admin.datasets() == []
    assert green(run_task(operator("DeleteDataset"), dataset="stops")) is False


# --- killed ---


@pytest.mark.parametrize("has_begun", [True, False], ids=["processing", "queued"])
def test_a_publish_alone_that_is_killed_aborts_what_it_has_ordered(
    opendatasoft: Any, has_begun: bool
) -> None:
    """A queued run cannot be aborted: the portal is not even asked."""
    stops(opendatasoft)
    opendatasoft.admin.settings(manual=True)
    task = operator("Publish")(task_id="publish", dataset="stops")
    context: Any = {"ti": SimpleNamespace(xcom_push=lambda **_: None)}
    with task.publisher(context) as publisher:
        task._ordered = task.give(context, publisher, may_defer=False)
        if has_begun:
            opendatasoft.admin.run_queue("stops", to="processing_all_dataset_data")
        task.on_kill()
    assert len(calls(opendatasoft, "POST", "/abort/")) == has_begun
