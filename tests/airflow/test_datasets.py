"""Datasets are created once, from a schema that nobody writes by hand, and deleted."""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import START, errors, make_dataset, records
from portal_harness.tasks import green, red

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

COLUMNS = [
    {"field_name": "stop_id", "data_type": "text", "name": "Stop id"},
    {"field_name": "riders", "data_type": "number"},
]
STOPS = {"resource_name": "stops", "name": "Stops", "columns": COLUMNS, "row_identifier": "stop_id"}
CSV = "Stop id,riders,Seen at\nA,10,2026-01-31\nB,,2026-02-01T08:15:00\n"


@pytest.fixture
def run_operator(run_task: Run) -> Run:
    """``run_operator("CreateDataset", **arguments)``: a run of a DAG of one task that need not be patient."""
    return functools.partial(run_task, timeout=600, poll_interval=5)


def calls(portal: Any, method: str) -> list[str]:
    return [one["path"] for one in portal.admin.requests() if one["method"] == method]


@pytest.mark.parametrize(("backend", "audience"), [("new", "private"), ("old", "public")])
def test_a_dataset_is_created_published_and_found(
    portal: Any, run_operator: Run, backend: str, audience: str
) -> None:
    arguments = STOPS | {
        "backend": backend,
        "audience": audience,
        "tags": ["bus"],
        "category": "Transport",
        "license_id": "CC0_10",
        "description": "All stops",
        "metadata": {"rowLabel": "stop"},
    }
    first = green(run_operator("CreateDataset", **arguments))
    wanted = {"created": True, "published": True, "audience": audience, "backend": backend}
    assert {key: first[key] for key in wanted} == wanted
    (made,) = portal.admin.datasets()
    assert (made["id"], made["stage"], made["rows"]) == (first["dataset"], "published", 0)
    assert records() == {}
    second = green(run_operator("CreateDataset", **arguments))
    assert second == first | {"created": False}
    assert len(portal.admin.datasets()) == 1


def test_a_dataset_is_created_from_the_schema_of_a_file_and_loaded_from_it(
    portal: Any, run_dag: Run, tmp_path: Path
) -> None:
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators.socrata import (
        SocrataCreateDatasetOperator,
        SocrataDeleteDatasetOperator,
        SocrataReplaceOperator,
    )
    from airflow_socrata.task_groups import SocrataPublication

    source = tmp_path / "stops.csv"
    source.write_text(CSV)
    with DAG("a_dataset_from_a_file", schedule=None, start_date=START) as dag:
        create = SocrataCreateDatasetOperator(
            task_id="create",
            resource_name="stops",
            name="Stops",
            schema_source=str(source),
            types={"Stop id": "text"},
            row_identifier="stop_id",
            audience="public",
        )
        with SocrataPublication(
            "p", dataset=create.output["dataset"], method="copySchema", poll_interval=5.0
        ) as publication:
            SocrataReplaceOperator(
                task_id="load",
                working_copy=publication.working_copy,
                source=str(source),
                columns=create.output["columns"],
            )
        create >> publication
    run = run_dag(dag)
    assert run.state == "success", {task: errors(run, task) for task in run.states}
    made = run.task("create").return_value
    assert made["columns"] == {"Stop id": "stop_id", "Seen at": "seen_at"}
    assert made["rows_sampled"] == 2
    rows = portal.admin.rows(made["dataset"])
    assert [(row["stop_id"], row["seen_at"]) for row in rows] == [
        ("A", "2026-01-31T00:00:00.000"),
        ("B", "2026-02-01T08:15:00.000"),
    ]
    with DAG("its_end", schedule=None, start_date=START) as dag:
        SocrataDeleteDatasetOperator(task_id="task", dataset=made["dataset"], resource_name="stops")
    assert green(run_dag(dag)) == {"dataset": made["dataset"], "deleted": True}
    assert portal.admin.datasets() == []


def test_a_schema_from_another_dataset_or_from_rows(portal: Any, run_operator: Run) -> None:
    other = make_dataset(portal)
    names = {"resource_name": "events", "name": "Events"}
    made = green(run_operator("CreateDataset", schema_dataset=other.id, **names))
    view = other.view(made["dataset"])
    assert [(c["name"], c["fieldName"], c["dataTypeName"]) for c in view["columns"]] == [
        ("Event id", "event_id", "text"),
        ("Street", "street", "text"),
        ("Lanes", "lanes", "number"),
    ]
    assert view["metadata"]["rowIdentifier"]

    def rows(ds: str) -> Any:
        return [{"Id": 1, "day": ds, "geo": {"type": "Point", "coordinates": [1, 2]}}]

    names = {"resource_name": "rows", "name": "Rows"}
    made = green(run_operator("CreateDataset", schema_rows=rows, **names))
    types = [(c["fieldName"], c["dataTypeName"]) for c in other.view(made["dataset"])["columns"]]
    assert types == [("id", "number"), ("day", "calendar_date"), ("geo", "point")]


def test_a_draft_for_people(portal: Any, run_operator: Run) -> None:
    made = green(run_operator("CreateDataset", publish=False, delete_after=timedelta(hours=1), **STOPS))
    assert (made["published"], made["created"]) == (False, True)
    # A later run with publish on takes it up, since it was made here.
    later = green(run_operator("CreateDataset", **STOPS))
    assert (later["dataset"], later["published"]) == (made["dataset"], True)
    portal.admin.advance(3700)
    assert portal.admin.datasets() == []


@pytest.mark.parametrize("fault", ["lost_reply", "bad_gateway", "throttled", "unavailable"])
@pytest.mark.parametrize("path", [r"/api/views\.json$", "/publication"])
def test_a_failing_call_makes_no_second_dataset(
    portal: Any, run_operator: Run, fault: str, path: str
) -> None:
    portal.admin.add_fault(fault, "POST", path)
    made = green(run_operator("CreateDataset", **STOPS))
    assert [one["id"] for one in portal.admin.datasets()] == [made["dataset"]]
    assert made["created"]
    assert records() == {}


def test_a_publish_that_is_queued_is_followed(portal: Any, run_operator: Run) -> None:
    portal.admin.add_fault("accepted", "POST", "/publication", calls=3)
    assert green(run_operator("CreateDataset", **STOPS))["published"]


def test_a_steward_approves_the_first_version(portal: Any, run_operator: Run, clock: Any) -> None:
    portal.admin.settings(approvals=True)
    assert "waits for a steward's approval" in red(run_operator("CreateDataset", on_approval="fail", **STOPS))
    assert not green(run_operator("CreateDataset", on_approval="submit", **STOPS))["published"]
    (made,) = portal.admin.datasets()
    clock.at_pause(lambda: portal.admin.approve(made["id"]), 2)
    assert green(run_operator("CreateDataset", **STOPS))["published"]


def test_a_steward_approves_the_audience(portal: Any, run_operator: Run, clock: Any) -> None:
    portal.admin.settings(audience_approvals="manual")
    public = STOPS | {"audience": "public"}
    error = red(run_operator("CreateDataset", retries=2, on_approval="fail", **public))
    assert "A steward has to approve the audience public" in error
    (made,) = portal.admin.datasets()
    clock.at_pause(lambda: portal.admin.approve(made["id"]), 2)
    assert green(run_operator("CreateDataset", **public))["audience"] == "public"
    assert records() == {}


def test_a_name_of_somebody_else(portal: Any, run_operator: Run) -> None:
    columns = [("stop_id", "text"), ("riders", "number")]
    portal.admin.create_dataset(
        name="Theirs",
        columns=columns,
        row_identifier="stop_id",
        owner="person",
        fields={"resourceName": "stops"},
    )
    error = red(run_operator("CreateDataset", retries=2, **STOPS))
    assert "was not made here" in error
    assert "adopt=True" in error
    assert calls(portal, "POST") == []
    made = green(run_operator("CreateDataset", adopt=True, audience="private", **STOPS))
    assert (made["created"], made["audience"], made["name"]) == (False, "public", "Theirs")


def test_a_name_of_a_dataset_that_the_user_cannot_see(portal: Any, run_operator: Run) -> None:
    theirs = portal.admin.create_dataset(owner="person", fields={"resourceName": "stops"})["id"]
    portal.admin.set_rights(theirs, "publisher", [])
    error = red(run_operator("CreateDataset", retries=2, **STOPS))
    assert "This resource name is taken" in error
    assert "is hidden from the connection's user" in error


def test_a_dataset_of_another_dag_and_another_user(portal: Any, run_operator: Run) -> None:
    mark = {"airflow_socrata": {"dataset": "stops", "dag_id": "theirs", "run_id": "1", "task_id": "create"}}
    portal.admin.create_dataset(
        columns=[("stop_id", "text"), ("riders", "number")],
        row_identifier="stop_id",
        owner="person",
        fields={"resourceName": "stops"},
        private_metadata=mark,
    )
    assert "was not made here" in red(run_operator("CreateDataset", **STOPS))


def test_a_draft_of_a_person_is_not_published(portal: Any, run_operator: Run) -> None:
    columns = [("stop_id", "text"), ("riders", "number")]
    portal.admin.create_dataset(
        columns=columns,
        row_identifier="stop_id",
        published=False,
        fields={"resourceName": "stops"},
    )
    assert "a draft" in red(run_operator("CreateDataset", **STOPS))
    (draft,) = portal.admin.datasets()
    assert draft["stage"] == "unpublished"


def test_other_columns_are_named_and_kept_if_told(portal: Any, run_operator: Run) -> None:
    green(run_operator("CreateDataset", **STOPS))
    other = STOPS | {"columns": [*COLUMNS, {"field_name": "open", "data_type": "checkbox"}]}
    other["row_identifier"] = "open"
    error = red(run_operator("CreateDataset", **other))
    assert "it lacks column open; its row identifier is stop_id, not open" in error
    made = green(run_operator("CreateDataset", if_different="keep", **other))
    assert made["differences"] == ["it lacks column open", "its row identifier is stop_id, not open"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"columns": [{"field_name": "a", "data_type": "txt"}]}, "did you mean 'text'?"),
        ({"row_identifier": "stop"}, "did you mean 'stop_id'?"),
        ({"backend": "{{ 'newest' }}"}, "backend is 'newest'; it is new or old"),
        ({"columns": None, "schema_rows": lambda: [{"a": 1}], "types": "text"}, "types is column to data"),
        ({"columns": None, "schema_source": "/nowhere.csv"}, "there is no such file"),
        (
            {"columns": None, "schema_rows": lambda: [{"a": 1}], "types": {"b": "text"}},
            "types names 'b'",
        ),
        ({"columns": None, "schema_dataset": "zzzz-zzzz"}, "404"),
    ],
)
def test_bad_input_creates_nothing(portal: Any, run_operator: Run, wrong: dict[str, Any], words: str) -> None:
    assert words in red(run_operator("CreateDataset", retries=2, **(STOPS | wrong)))
    assert portal.admin.datasets() == []
    assert calls(portal, "POST") == []
    assert records() == {}


def test_arguments_that_do_not_go_together() -> None:
    from airflow_socrata.operators.socrata import SocrataCreateDatasetOperator

    names = {"task_id": "task", "resource_name": "stops", "name": "Stops"}
    for wrong, words in (
        ({}, "give columns"),
        ({"columns": COLUMNS, "schema_dataset": "abcd-1234"}, "give one of"),
        ({"columns": COLUMNS, "types": {"a": "text"}}, "types go with"),
        ({"columns": COLUMNS, "audience": "all"}, "audience is 'all'"),
    ):
        with pytest.raises(ValueError, match=words):
            SocrataCreateDatasetOperator(**names, **wrong)


def test_a_portal_where_plain_names_are_unique(portal: Any, run_operator: Run) -> None:
    portal.admin.settings(dataset_names="unique")
    green(run_operator("CreateDataset", **STOPS))
    error = red(run_operator("CreateDataset", **(STOPS | {"resource_name": "stops_2"})))
    assert "There is a dataset named Stops already" in error
    assert records() == {}


# --- delete ---


def test_what_is_gone_is_gone(portal: Any, run_operator: Run) -> None:
    dataset = make_dataset(portal)
    assert green(run_operator("DeleteDataset", dataset=dataset.id))["deleted"]
    assert portal.admin.datasets() == []
    assert green(run_operator("DeleteDataset", dataset=dataset.id)) == {
        "dataset": dataset.id,
        "deleted": False,
    }


def test_a_deletion_whose_reply_is_lost(portal: Any, run_operator: Run) -> None:
    dataset = make_dataset(portal)
    portal.admin.add_fault("lost_reply", "DELETE", "/api/views/")
    assert green(run_operator("DeleteDataset", dataset=dataset.id))["deleted"]
    assert portal.admin.datasets() == []


def test_what_is_not_deleted(portal: Any, run_operator: Run) -> None:
    dataset = make_dataset(portal, fields={"resourceName": "events"})
    draft = portal.admin.open_working_copy_as("person", dataset.id)["id"]
    derived = portal.admin.create_derived(dataset.id)["id"]
    for arguments, words in (
        ({"dataset": draft}, "it is a working copy of"),
        ({"dataset": derived}, "it is a filter on"),
        ({"dataset": dataset.id}, f"a working copy of it is open ({draft})"),
        ({"dataset": dataset.id, "resource_name": "stops"}, "its resource name is events, not stops"),
        ({"dataset": "zzzz-zzzz", "resource_name": "events"}, f"but events is {dataset.id}"),
        ({"dataset": "events"}, "is not a dataset id"),
    ):
        assert words in red(run_operator("DeleteDataset", retries=2, **arguments))
    portal.admin.set_rights(dataset.id, "publisher", ["read", "write"])
    assert "the connection's user may not" in red(run_operator("DeleteDataset", dataset=dataset.id))
    portal.admin.set_rights(dataset.id, "publisher", None)
    assert calls(portal, "DELETE") == []
    assert len(dataset.ids()) == 20
    assert green(run_operator("DeleteDataset", dataset=dataset.id, with_drafts=True))["deleted"]
