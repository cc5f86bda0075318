"""Columns are planned, and changed on a working copy, by operators."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import (
    OLD_ROWS,
    assert_published,
    assert_unchanged,
    errors,
    make_dataset,
    upsert,
)
from portal_harness.tasks import green

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from portal_harness.publications import Dataset

ADD = [{"field_name": "closed", "data_type": "checkbox", "name": "Closed?"}]
BACKENDS = pytest.mark.parametrize("backend", ["new", "old"])


def changed(task_id: str = "columns", **wanted: Any) -> Callable[[Any], Any]:
    """A part of a publication that changes columns."""
    from airflow_socrata.operators.socrata import SocrataChangeColumnsOperator

    return lambda publication: SocrataChangeColumnsOperator(
        task_id=task_id, working_copy=publication.working_copy, **wanted
    )


def after(*parts: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Parts of a publication, one behind the other."""

    def build(publication: Any) -> None:
        tasks = [part(publication) for part in parts]
        for task, following in itertools.pairwise(tasks):
            task >> following

    return build


def fields(dataset: Dataset, dataset_id: str | None = None) -> dict[str, str]:
    """Field names and types, in order."""
    columns = dataset.view(dataset_id)["columns"]
    return {column["fieldName"]: column["dataTypeName"] for column in columns}


def identifier(dataset: Dataset) -> str | None:
    """The row identifier's field name."""
    view = dataset.view()
    named = [c["fieldName"] for c in view["columns"] if c["id"] == view.get("rowIdentifierColumnId")]
    return named[0] if named else None


EVENTS = {"event_id": "text", "street": "text", "lanes": "number"}


@BACKENDS
def test_a_column_is_added_and_nothing_else_is_done(
    portal: Any, publish_dag: Any, run_dag: Any, backend: str
) -> None:
    dataset = make_dataset(portal, backend=backend)
    rows = dataset.rows()
    run = run_dag(publish_dag(dataset, changed(add=ADD)))
    assert_published(run, dataset, rows)
    assert fields(dataset) == {**EVENTS, "closed": "checkbox"}
    assert dataset.view()["columns"][-1]["name"] == "Closed?"
    (step,) = run.task("p.columns").return_value["plan"]
    assert step == {"step": "add column", "column": "closed", "now": "", "wanted": "checkbox 'Closed?'"}


def test_everything_changes_at_once(portal: Any, publish_dag: Any, run_dag: Any) -> None:
    portal.admin.settings(row_identifier_takes="auto")
    dataset = make_dataset(portal, backend="old")
    part = changed(
        add=[*ADD, {"field_name": "speed", "data_type": "number", "position": 1}],
        change={
            "street": {"field_name": "road", "name": "Road", "description": "Where"},
            "event_id": {"field_name": "key", "format": {"align": "left"}},
        },
        drop=["lanes", "never_there"],
        row_identifier="key",
    )
    run = run_dag(publish_dag(dataset, part))
    assert run.state == "success", errors(run, "p.columns")
    assert fields(dataset) == {"speed": "number", "key": "text", "road": "text", "closed": "checkbox"}
    key, road = dataset.view()["columns"][1:3]
    assert (road["name"], road["description"], key["format"]) == ("Road", "Where", {"align": "left"})
    assert identifier(dataset) == "key"
    assert {row["road"] for row in portal.admin.rows(dataset.id)} == {"Óðinsgata"}


def test_rows_fill_the_new_column(dataset: Dataset, publish_dag: Any, run_dag: Any) -> None:
    rows = [{"event_id": "e1", "closed": True}]
    run = run_dag(publish_dag(dataset, after(changed(add=ADD), upsert(rows))))
    assert run.state == "success", errors(run, "p.load")
    assert run.task("p.verify").return_value["rows_after"] == len(OLD_ROWS)
    assert dataset.rows()[0] == {"event_id": "e1", "street": "Óðinsgata", "lanes": "1", "closed": True}


def test_a_load_that_trades_the_copy_changes_its_columns_again(
    dataset: Dataset, publish_dag: Any, run_dag: Any
) -> None:
    tries = iter([OSError("the disk is full"), None])

    def rows() -> Any:
        yield {"event_id": "e1", "closed": True}
        failure = next(tries)
        if failure is not None:
            raise failure

    more = changed("more", change={"closed": {"field_name": "shut"}}, drop=["lanes"], row_identifier="")
    load = upsert(rows, require_row_identifier=False, columns={"closed": "shut"}, batch_rows=1)
    run = run_dag(publish_dag(dataset, after(changed(add=ADD), more, load), retries=1))
    assert run.state == "success", errors(run, "p.load")
    assert run.task("p.load").tries == 2
    assert fields(dataset) == {"event_id": "text", "street": "text", "shut": "checkbox"}
    assert identifier(dataset) is None
    assert len(dataset.calls("POST", "method=copy")) == 2
    assert [row.get("shut") for row in dataset.rows() if row["event_id"] == "e1"] == [None, True]


def test_a_load_that_fails_leaves_the_columns_as_they_were(
    dataset: Dataset, publish_dag: Any, run_dag: Any
) -> None:
    rows = dataset.rows()
    run = run_dag(publish_dag(dataset, after(changed(drop=["lanes"]), upsert([{"nope": 1}]))))
    assert_unchanged(run, dataset, rows)
    assert fields(dataset) == EVENTS


def test_a_replace_with_another_type_and_another_identifier(
    dataset: Dataset, publish_dag: Any, run_dag: Any
) -> None:
    from portal_harness.publications import replace

    part = changed(
        columns=[
            {"field_name": "number", "data_type": "number", "name": "Number"},
            {"field_name": "event_id", "data_type": "number"},
            {"field_name": "street", "data_type": "text"},
        ],
        others="drop",
        allow_type_change=True,
        reorder=True,
        row_identifier="number",
    )
    load = replace([{"number": 1, "event_id": 7, "street": "Laugavegur"}])
    run = run_dag(publish_dag(dataset, after(part, load), method="copySchema"))
    assert run.state == "success", errors(run, "p.columns")
    assert list(fields(dataset).items()) == [("number", "number"), ("event_id", "number"), ("street", "text")]
    assert identifier(dataset) == "number"
    assert dataset.view()["columns"][1]["name"] == "Event id", "what people read stays"


def test_columns_like_those_of_another_dataset(
    portal: Any, dataset: Dataset, publish_dag: Any, run_dag: Any
) -> None:
    other = portal.admin.create_dataset(
        columns=[
            {"name": "Street name", "fieldName": "street"},
            {"name": "Closed", "dataTypeName": "checkbox"},
        ]
    )
    run = run_dag(publish_dag(dataset, changed(schema_dataset=other["id"], others="keep")))
    assert run.state == "success", errors(run, "p.columns")
    assert fields(dataset) == {**EVENTS, "closed": "checkbox"}
    assert dataset.view()["columns"][1]["name"] == "Street name"


def test_calls_that_fail_or_have_no_reply_are_settled(portal: Any, publish_dag: Any, run_dag: Any) -> None:
    rows = [{"event_id": f"e{n}", "street": f"s{n}", "lanes": n} for n in range(3)]
    dataset = make_dataset(portal, rows=rows)
    portal.admin.add_fault("lost_reply", "POST", "/columns")
    portal.admin.add_fault("internal", "DELETE", "/columns/", after_commit=True)
    portal.admin.add_fault("throttled", "PUT", "/columns/", retry_after=30)
    portal.admin.add_fault(
        "bad_gateway", "PUT", r"/views/[^/]+$", skip=1, after_commit=True
    )  # behind the mark
    part = changed(add=ADD, drop=["lanes"], change={"street": {"name": "Road"}}, row_identifier="street")
    run = run_dag(publish_dag(dataset, part))
    assert run.state == "success", errors(run, "p.columns")
    assert run.task("p.columns").tries == 1
    assert fields(dataset) == {"event_id": "text", "street": "text", "closed": "checkbox"}
    assert identifier(dataset) == "street"
    assert dataset.copies() == []


WRONG = {
    "type": (
        {"add": [{"field_name": "a", "data_type": "nummer"}]},
        "no type 'nummer'; did you mean 'number'",
    ),
    "identifier": ({"drop": ["event_id"]}, "is the row identifier and would be dropped"),
    "empty": ({"add": ADD, "row_identifier": "closed"}, "would be new and empty in each"),
}


@pytest.mark.parametrize(("wanted", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_wish_changes_nothing(
    dataset: Dataset, publish_dag: Any, run_dag: Any, wanted: dict[str, Any], words: str
) -> None:
    rows = dataset.rows()
    run = run_dag(publish_dag(dataset, changed(**wanted), retries=1))
    assert_unchanged(run, dataset, rows)
    (error,) = errors(run, "p.columns")
    assert words in error
    assert "\n" not in error
    assert not [call for call in dataset.portal.admin.requests() if "/columns" in call["path"]]


def test_the_columns_of_a_file_and_its_rows(
    dataset: Dataset, publish_dag: Any, run_dag: Any, tmp_path: Path
) -> None:
    source = tmp_path / "events.csv"
    source.write_text("event_id,lanes,Closed on\n7,3,2026-01-31\n")
    load = upsert(None, source=str(source), columns={"Closed on": "closed_on"})
    part = changed(schema_source=str(source), others="keep")
    run = run_dag(publish_dag(dataset, after(part, load)))
    assert run.state == "success", errors(run, "p.columns")
    assert list(fields(dataset)) == [*EVENTS, "closed_on"]
    assert fields(dataset)["event_id"] == "text", "a guess changes no column that is there"
    assert dataset.view()["columns"][-1]["name"] == "Closed on"
    (row,) = [row for row in dataset.rows() if row["event_id"] == "7"]
    assert row["closed_on"].startswith("2026-01-31")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"row_identifier": "street"}, "soda.column.not-unique"),
        ({"drop": ["lanes"]}, "soda.column-with-dependencies-not-deleteable"),
    ],
)
def test_what_the_portal_refuses_is_told_in_its_words(
    portal: Any, publish_dag: Any, run_dag: Any, wanted: dict[str, Any], words: str
) -> None:
    dataset = make_dataset(portal)
    computed = {"name": "Width", "computationStrategy": {"source_columns": ["lanes"]}}
    copy = portal.admin.open_working_copy_as("publisher", dataset.id)["id"]
    as_publisher(portal, "POST", f"/api/views/{copy}/columns", computed)
    as_publisher(portal, "POST", f"/api/views/{copy}/publication", {})
    rows = dataset.rows()
    run = run_dag(publish_dag(dataset, changed(**wanted), retries=1))
    assert_unchanged(run, dataset, rows)
    (error,) = errors(run, "p.columns")
    assert re.search(rf"HTTP 400 {words}: .*request id", error)


def as_publisher(portal: Any, method: str, path: str, body: Any) -> None:
    """A call of somebody else."""
    import requests

    reply = requests.request(
        method, portal.url + path, json=body, auth=(portal.username, portal.password), timeout=30
    )
    assert reply.status_code == 200, reply.text


# --- without a publication ---


def test_a_plan_is_printed_and_returned(dataset: Dataset, run_task: Any) -> None:
    wanted = {"columns": [{"field_name": "street", "data_type": "text", "name": "Road"}, *ADD]}
    told = green(run_task("PlanColumns", dataset=dataset.id, others="drop", row_identifier="", **wanted))
    assert told["dataset"] == dataset.id
    assert told["loses"] == ["event_id", "lanes"]
    assert [f"{step['step']} {step['column']}" for step in told["plan"]] == [
        "let go of row identifier event_id",
        "drop column event_id",
        "drop column lanes",
        "change column street",
        "add column closed",
    ]
    assert fields(dataset) == EVENTS
    assert not dataset.calls("POST")


def test_a_plan_may_be_a_guard(dataset: Dataset, run_task: Any) -> None:
    columns = [{"field_name": name, "data_type": kind} for name, kind in EVENTS.items()]
    green(run_task("PlanColumns", dataset=dataset.id, columns=columns, on_difference="fail"))
    run = run_task("PlanColumns", dataset=dataset.id, columns=[*columns, *ADD], on_difference="fail")
    assert run.state == "failed"
    assert "not as wanted: 1 steps" in errors(run, "task")[0]


def test_a_dataset_that_was_never_published_is_changed_in_place(
    portal: Any, dataset: Dataset, run_task: Any
) -> None:
    draft = portal.admin.create_dataset(columns=["a", "b"], published=False)["id"]
    wanted = {"add": [{"field_name": "a", "data_type": "number"}], "allow_type_change": True}
    green(run_task("ChangeColumns", dataset=draft, row_identifier="b", **wanted))
    assert fields(dataset, draft) == {"b": "text", "a": "number"}
    for published in (dataset.id, portal.admin.open_working_copy_as("person", dataset.id)["id"]):
        run = run_task("ChangeColumns", dataset=published, add=ADD)
        assert "only a dataset that was never published is changed in place" in errors(run, "task")[0]
