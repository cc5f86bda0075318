"""Each bad input to an Opendatasoft portal is one clear line, and the public sees no change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.opendatasoft_fixtures import IN_BOTH_APIS
from portal_harness.publications import START, errors, records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ROWS = [{"id": n, "name": f"Stop {n}"} for n in range(1, 6)]
GOOD = "id,name\n1,Alder\n2,Birch\n"


@pytest.fixture
def stops(opendatasoft: Any) -> Any:
    """The portal with a public dataset of five stops."""
    opendatasoft.admin.create_dataset("bus-stops", "Stops", ROWS, id_fields=["id"], resource_title="Stops")
    return opendatasoft


@pytest.fixture
def publish(request: pytest.FixtureRequest, run_dag: Any, tmp_path: Path) -> Callable[..., Any]:
    """``publish(text, name=..., load={...}, **options of the group)`` runs the composition."""

    def run(
        text: str | bytes = GOOD,
        *,
        name: str = "stops.csv",
        load: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        from airflow.providers.common.compat.sdk import DAG

        from airflow_socrata.operators.opendatasoft import OpendatasoftUploadOperator
        from airflow_socrata.task_groups import OpendatasoftPublication

        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        publication: dict[str, Any] = {"dataset": "bus-stops", "keep": str(tmp_path / "kept")}
        with (
            DAG(re.sub(r"\W+", "_", request.node.name), schedule=None, start_date=START) as dag,
            OpendatasoftPublication("p", **(publication | options)) as group,
        ):
            upload: dict[str, Any] = {"source": str(path), "title": "Stops"}
            OpendatasoftUploadOperator(
                task_id="upload", restore_point=group.restore_point, **(upload | dict(load or {}))
            )
        return run_dag(dag)

    return run


def assert_refused(run: Any, task_id: str, portal: Any, *words: str) -> None:
    """The task failed for good, in one line that holds these words; the public sees what it saw before."""
    assert run.state == "failed", run.states
    (error,) = errors(run, task_id)
    assert error.startswith("AirflowFailException: "), error
    assert "\n" not in error
    for word in words:
        assert word in error, f"{word!r} is not in: {error}"
    assert portal.admin.records("bus-stops") == ROWS
    state = portal.admin.state("bus-stops")
    assert (state["published"], state["internal"]) == (True, "idle")
    (resource,) = state["resources"]
    assert resource["title"] == "Stops"
    assert records() == {}


# --- datasets ---


@IN_BOTH_APIS
def test_an_unknown_dataset_names_the_nearest(stops: Any, publish: Any) -> None:
    run = publish(dataset="busstops")
    assert_refused(run, "p.create_restore_point", stops, "busstops", "the nearest is bus-stops")


def test_a_dataset_that_the_portal_shows_but_explore_does_not(stops: Any, run_dag: Any, publish: Any) -> None:
    """An unpublished dataset is published by the run; what Explore does not know is no fault before."""
    stops.admin.create_dataset("new-stops", "New stops", ROWS, published=False, resource_title="Stops")
    run = publish(dataset="new-stops", keep=None)
    assert run.state == "success", {task: errors(run, task) for task in run.states}
    assert run.task("p.verify").return_value["records_before"] is None
    assert len(stops.admin.records("new-stops")) == 2


# --- files ---


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("empty.csv", "", ("empty", "no bytes")),
        ("head.csv", "id,name\n", ("head.csv", "no data rows", "allow_empty=True")),
    ],
    ids=["empty", "head_only"],
)
def test_a_file_that_cannot_be_taken(
    stops: Any, publish: Any, name: str, text: str, words: tuple[str, ...]
) -> None:
    assert_refused(publish(text, name=name), "p.upload", stops, *words)


def test_a_name_that_tells_no_kind_of_file(stops: Any, publish: Any) -> None:
    run = publish(name="stops.dat", load={"title": "New"})
    assert_refused(run, "p.upload", stops, "stops.dat", "what kind of file")


def test_a_file_that_is_not_there(stops: Any, publish: Any, tmp_path: Path) -> None:
    run = publish(load={"source": str(tmp_path / "nowhere.csv")})
    assert run.state == "failed"
    (error,) = errors(run, "p.upload")
    assert "nowhere.csv" in error
    assert stops.admin.records("bus-stops") == ROWS


def test_a_file_over_the_limit_is_not_sent(stops: Any, publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_socrata.opendatasoft.multipart.PLATFORM_LIMIT_BYTES", 1000)
    run = publish(GOOD + "3,Cedar\n" * 200)
    assert_refused(run, "p.upload", stops, "stops", "split it into several resources")
    assert [one for one in stops.admin.requests() if "files" in one["path"] and one["method"] == "POST"] == []


def test_a_field_configuration_of_a_column_that_is_missing(stops: Any, publish: Any) -> None:
    fields = [{"type": "rename", "from_name": "nmae", "to_name": "stop"}]
    run = publish(load={"fields": fields})
    assert_refused(run, "p.upload", stops, "'nmae'", "stops.csv", "id, name")


def test_a_resource_is_to_be_chosen_where_there_are_several(stops: Any, publish: Any) -> None:
    title = {"title": "Closed stops"}
    assert publish("id,name\n9,Yew\n", load=title, expected_records=6).state == "success"
    run = publish(load={"title": None})
    (error,) = errors(run, "p.upload")
    assert "2 resources ('Stops', 'Closed stops'): pass title=" in error


# --- keys ---


def test_a_key_without_the_right_to_publish_says_so(stops: Any, use: Any, publish: Any) -> None:
    """It may upload but not read the status: so nothing is begun."""
    use(key=stops.editor_key)
    run = publish()
    assert_refused(run, "p.create_restore_point", stops, "publish_dataset", "status")
    assert [one for one in stops.admin.requests() if one["method"] != "GET"] == []


def test_a_key_that_the_portal_does_not_know(stops: Any, use: Any, publish: Any) -> None:
    use(key="f" * 56)
    run = publish()
    assert_refused(run, "p.create_restore_point", stops, "401")
    assert "f" * 56 not in errors(run, "p.create_restore_point")[0]


@pytest.mark.parametrize("api", ["automation", "management"])
def test_an_api_that_the_portal_does_not_answer(stops: Any, use: Any, publish: Any, api: str) -> None:
    stops.admin.settings(**{api: False})
    use(api=api)
    assert_refused(publish(), "p.create_restore_point", stops, "api of the connection")


def test_an_api_that_there_is_none_of(stops: Any, use: Any, publish: Any) -> None:
    use(api="explore")
    assert_refused(publish(), "p.create_restore_point", stops, "explore", "automation", "management")


# --- arguments ---


def test_more_records_are_expected_than_the_file_has(stops: Any, publish: Any) -> None:
    """The check after publish fails the run, and the former records come back."""
    run = publish(expected_records=3)
    assert run.state == "failed"
    (error,) = errors(run, "p.verify")
    assert "shows 2 records; 3 were expected" in error
    assert stops.admin.records("bus-stops") == ROWS


def test_expected_records_that_are_no_number(stops: Any, publish: Any) -> None:
    run = publish(expected_records="many")
    (error,) = errors(run, "p.verify")
    assert "expected_records is 'many'" in error
    assert stops.admin.records("bus-stops") == ROWS


def test_arguments_that_contradict_each_other() -> None:
    from airflow_socrata.operators import opendatasoft as operators
    from airflow_socrata.sensors.opendatasoft import OpendatasoftStatusSensor

    for kind in (operators.OpendatasoftPublishOperator, OpendatasoftStatusSensor):
        with pytest.raises(ValueError, match="give either"):
            kind(task_id="task")
        with pytest.raises(ValueError, match="give either"):
            kind(task_id="task", restore_point={}, dataset="stops")
    with pytest.raises(ValueError, match="on_limit"):
        operators.OpendatasoftPublishOperator(task_id="task", dataset="stops", on_limit="ignore")
    with pytest.raises(ValueError, match="one of records, rows and source"):
        operators.OpendatasoftPushOperator(task_id="task", dataset="stops")


# --- push ---


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"dataset": "bus-stops", "records": ROWS}, ("no realtime resource", "'Stops'")),
        ({"dataset": "bus-stops", "resource": "stop", "records": ROWS}, ("'stop'", "'Stops'")),
        ({"dataset": "live", "records": [{"id": float("nan")}]}, ("record 1", "JSON")),
        ({"dataset": "live", "records": [{"id": 1}, {"id": "x" * 5_000_000}]}, ("record 2", "bytes")),
    ],
)
def test_records_that_cannot_be_pushed(
    stops: Any, run_task: Any, arguments: dict[str, Any], words: tuple[str, ...]
) -> None:
    from airflow_socrata.operators.opendatasoft import OpendatasoftPushOperator

    stops.admin.create_dataset("live", "Live", realtime=[{"id": 1}])
    given = arguments["records"]
    rest = {name: value for name, value in arguments.items() if name != "records"}
    run = run_task(OpendatasoftPushOperator, rows=lambda: iter(given), **rest)
    assert_refused(run, "task", stops, *words)
