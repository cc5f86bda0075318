"""The operators around a revision: transforms, rejected rows, configs, restore, hygiene, links, triggers."""

from __future__ import annotations

import asyncio
import csv
import json
import time
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import START, errors, upload
from portal_harness.revisions import (
    APPLY,
    CREATE,
    LOAD,
    WAIT,
    after_upsert,
    assert_applied,
    assert_not_applied,
    changes,
    jobs,
    old_rows,
    open_revisions,
    revise,
    update_dag,
    write_csv,
)

from airflow_socrata.triggers.revision import SocrataApplyTrigger, SocrataSourceTrigger

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["changes", "revise"]

BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
WRONG = [
    {"event_id": "e1", "street": "Óðinsgata", "lanes": "many"},
    {"event_id": "e2", "street": "Óðinsgata", "lanes": "7"},
    {"event_id": "e3", "street": "Óðinsgata", "lanes": "few"},
]


def one_task(name: str, make: Any) -> Any:
    """A DAG of one task."""
    from airflow.providers.common.compat.sdk import DAG

    with DAG(name, schedule=None, start_date=START) as dag:
        make()
    return dag


def own_link(run: Any, task_id: str, link: str) -> str:
    """What the task keeps for its extra link."""
    return str(run.task(task_id).xcoms["socrata_links"][link])


# --- transforms ---


@BOTH
def test_transforms_that_an_upload_changes(
    dataset: Any, tmp_path: Path, revise: Any, deferrable: bool
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("event_id,street,lanes,note\nE1,óðinsgata,2,x\nE2,háaleitisbraut,3,y\n")
    load = {
        "transforms": {"event_id": "lower(`event_id`)", "lanes": "to_number(`lanes`) * 2"},
        "column_names": {"street": "Name of the street"},
    }
    run = revise(dataset, path, action="replace", load=load, deferrable=deferrable)
    rows = [
        {"event_id": "e1", "street": "óðinsgata", "lanes": "4"},
        {"event_id": "e2", "street": "háaleitisbraut", "lanes": "6"},
    ]
    assert_applied(run, dataset, rows)
    names = {column["fieldName"]: column["name"] for column in dataset.view()["columns"]}
    assert names == {"event_id": "Event id", "street": "Name of the street", "lanes": "Lanes"}


def test_transforms_of_the_dataset_run_again_by_themselves(
    dataset: Any, changes: Path, tmp_path: Path, revise: Any
) -> None:
    load = {"transforms": {"lanes": "to_number(`lanes`) * 100"}}
    assert revise(dataset, changes, action="replace", load=load).state == "success"
    path = write_csv(tmp_path / "next.csv", [{"event_id": "n1", "street": "x", "lanes": "3"}])
    run = revise(dataset, path, action="replace")
    assert_applied(run, dataset, [{"event_id": "n1", "street": "x", "lanes": "300"}], times=2)


def test_a_column_that_is_added_and_one_that_is_dropped(unkeyed: Any, changes: Path, revise: Any) -> None:
    load = {"transforms": {"wide": "to_number(`lanes`) > 50"}, "drop_columns": ["lanes"]}
    run = revise(unkeyed, changes, action="replace", load=load)
    assert run.state == "success", errors(run, LOAD)
    assert {row["event_id"]: row["wide"] for row in unkeyed.rows()} == {"e1": True, "e21": False}
    assert {c["fieldName"] for c in unkeyed.view()["columns"]} == {"event_id", "street", "wide"}


@BOTH
def test_a_row_identifier_is_set(unkeyed: Any, changes: Path, revise: Any, deferrable: bool) -> None:
    load = {"row_identifier": "event_id"}
    run = revise(unkeyed, changes, action="replace", load=load, deferrable=deferrable)
    assert run.state == "success", errors(run, LOAD)
    view = unkeyed.view()
    keys = {column["id"]: column["fieldName"] for column in view["columns"]}
    assert keys[view["rowIdentifierColumnId"]] == "event_id"
    assert unkeyed.portal.admin.requests()
    assert [call["status"] for call in unkeyed.calls("GET", "validateRowIdentifier")] in ([200], [])


@BOTH
def test_a_task_of_its_own_shapes_the_file(
    dataset: Any, tmp_path: Path, revise: Any, deferrable: bool
) -> None:
    from airflow_socrata.operators.socrata import SocrataTransformOperator

    dataset.portal.admin.settings(parse_looks=2, transform_looks=2)
    path = write_csv(tmp_path / "rows.csv", [{"event_id": "e1", "street": "x", "lanes": "2"}])

    def load(publication: Any) -> None:
        uploaded = upload(path, deferrable=deferrable)(publication)
        SocrataTransformOperator(
            task_id="shape",
            revision=uploaded.output,
            transforms={"lanes": "to_number(`lanes`) + 40"},
            timeout=600.0,
            deferrable=deferrable,
        )

    run = revise(dataset, load, action="replace", deferrable=deferrable)
    assert_applied(run, dataset, [{"event_id": "e1", "street": "x", "lanes": "42"}])
    assert len(dataset.calls("POST", "/commit")) == 1


# --- rejected rows ---


@BOTH
def test_rejected_rows_are_saved_and_linked(
    dataset: Any, tmp_path: Path, revise: Any, deferrable: bool
) -> None:
    saved = tmp_path / "rejected.csv"
    load = {"rejected_rows": str(saved)}
    run = revise(dataset, write_csv(tmp_path / "rows.csv", WRONG), load=load, deferrable=deferrable)
    assert_not_applied(run, dataset)
    [error] = errors(run, LOAD)
    assert "could not convert 2 rows" in error
    assert str(saved) in error
    assert own_link(run, LOAD, "rejected_rows") == str(saved)
    with saved.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["row"], row["column"]) for row in rows] == [("1", "lanes"), ("3", "lanes")]
    assert all(row["message"] for row in rows)
    assert "many" in rows[0]["input"]


@BOTH
def test_rejected_rows_go_to_object_storage_and_few_are_let_through(
    dataset: Any, tmp_path: Path, revise: Any, deferrable: bool
) -> None:
    saved = f"file://{tmp_path}/rejected.csv"
    load = {"rejected_rows": saved, "max_row_errors": 2}
    run = revise(dataset, write_csv(tmp_path / "rows.csv", WRONG), load=load, deferrable=deferrable)
    rows = {row["event_id"]: dict(row) for row in old_rows()}
    rows["e2"]["lanes"] = "7"
    for key in ("e1", "e3"):
        del rows[key]["lanes"]
    assert_applied(run, dataset, list(rows.values()))
    told = run.task(LOAD).return_value
    assert told["upload"]["error_rows"] == 2
    assert told["upload"]["rejected_rows"] == saved == own_link(run, LOAD, "rejected_rows")
    assert len((tmp_path / "rejected.csv").read_text().splitlines()) == 3


def test_more_rejected_rows_than_one_page(dataset: Any, tmp_path: Path, run_dag: Any) -> None:
    rows = [{"event_id": f"n{n}", "street": "x", "lanes": "many"} for n in range(2300)]
    saved = tmp_path / "rejected.csv"
    file = write_csv(tmp_path / "rows.csv", rows)
    run = run_dag(update_dag("many_rejected", dataset, file, rejected_rows=str(saved)))
    assert_not_applied(run, dataset)
    assert "2,300 rows" in errors(run, "update")[0]
    with saved.open(encoding="utf-8", newline="") as opened:
        assert [row["row"] for row in csv.DictReader(opened)] == [str(n) for n in range(1, 2301)]


def test_rows_with_too_many_cells_are_rejected_rows(dataset: Any, tmp_path: Path, run_dag: Any) -> None:
    path, saved = tmp_path / "rows.csv", tmp_path / "rejected.csv"
    path.write_text("event_id,street,lanes\ne1,x,1\ne2,x,2,3,4\n")
    run = run_dag(update_dag("too_many_cells", dataset, path, rejected_rows=str(saved)))
    assert_not_applied(run, dataset)
    assert "could not convert 1 rows" in errors(run, "update")[0]
    assert len(saved.read_text().splitlines()) == 2


# --- configs ---


def make_config(dataset: Any, name: str, action: str) -> None:
    import requests

    body = {"name": name, "data_action": action}
    with requests.Session() as session:
        session.trust_env = False
        reply = session.post(
            f"{dataset.portal.url}/api/publishing/v1/config",
            auth=(dataset.portal.username, dataset.portal.password),
            json=body,
            timeout=30,
        )
        assert reply.status_code in {200, 201}, reply.text


@BOTH
def test_a_config_s_action_counts(dataset: Any, changes: Path, revise: Any, deferrable: bool) -> None:
    make_config(dataset, "all roads", "replace")
    run = revise(dataset, changes, config="all roads", deferrable=deferrable)
    assert_applied(run, dataset, [row for row in after_upsert() if row["event_id"] in {"e1", "e21"}])
    assert run.task(CREATE).return_value["action"] == "replace"


@BOTH
def test_a_config_in_one_task(dataset: Any, changes: Path, run_dag: Any, deferrable: bool) -> None:
    make_config(dataset, "all roads", "replace")
    dag = update_dag("by_config", dataset, changes, config="all roads", deferrable=deferrable)
    rows = [row for row in after_upsert() if row["event_id"] in {"e1", "e21"}]
    assert_applied(run_dag(dag), dataset, rows)


def test_a_permission_beside_a_config_counts(dataset: Any, changes: Path, revise: Any) -> None:
    make_config(dataset, "all roads", "update")
    run = revise(dataset, changes, config="all roads", permission="private")
    assert run.task(CREATE).state == "success"
    assert dataset.portal.admin.revisions(dataset.id)[0]["permission"] == "private"


# --- restore ---


@pytest.mark.parametrize("wanted", [None, 0, "0"])
def test_an_earlier_revision_is_restored(
    dataset: Any, changes: Path, tmp_path: Path, run_dag: Any, revise: Any, wanted: Any
) -> None:
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators.socrata import (
        SocrataApplyRevisionOperator,
        SocrataRestoreRevisionOperator,
    )

    dataset.portal.admin.enroll_archival(dataset.id)
    assert_applied(revise(dataset, changes), dataset, after_upsert())
    bad = write_csv(tmp_path / "bad.csv", [{"event_id": "e1", "street": "wrong", "lanes": "1"}])
    assert revise(dataset, bad, action="replace").state == "success"
    with DAG("restore", schedule=None, start_date=START) as dag:
        restored = SocrataRestoreRevisionOperator(task_id="restore", dataset=dataset.id, revision=wanted)
        SocrataApplyRevisionOperator(task_id="apply", revision=restored.output, timeout=600.0)
    run = run_dag(dag)
    assert run.state == "success", [errors(run, task) for task in run.states]
    assert dataset.rows() == after_upsert()
    assert open_revisions(dataset) == []


def test_a_revision_that_was_never_applied_is_not_restored(
    dataset: Any, changes: Path, run_dag: Any, revise: Any
) -> None:
    from airflow_socrata.operators.socrata import SocrataRestoreRevisionOperator

    dataset.portal.admin.enroll_archival(dataset.id)
    revise(dataset, changes)
    theirs = dataset.portal.admin.open_revision_as("person", dataset.id)
    dag = one_task(
        "restore_wrong",
        lambda: SocrataRestoreRevisionOperator(task_id="restore", dataset=dataset.id, revision=theirs),
    )
    run = run_dag(dag)
    assert f"Revision {theirs}" in errors(run, "restore")[0]
    assert "never applied" in errors(run, "restore")[0]
    assert open_revisions(dataset) == [theirs]


# --- hygiene ---


def test_stale_revisions_are_discarded_and_a_person_s_stay(
    dataset: Any, changes: Path, run_dag: Any, revise: Any, clock: Any
) -> None:
    from airflow_socrata.operators.socrata import SocrataDiscardStaleRevisionsOperator
    from airflow_socrata.publication.operation import Mark, Operation

    ended = revise(dataset, changes)
    mark = Mark("f" * 32, Operation(ended.dag_id, ended.run_id, CREATE))
    metadata = {"privateMetadata": mark.onto({})}
    stale = dataset.portal.admin.open_revision_as("publisher", dataset.id, metadata=metadata)
    theirs = dataset.portal.admin.open_revision_as("person", dataset.id)
    dag = one_task(
        "hygiene",
        lambda: SocrataDiscardStaleRevisionsOperator(
            task_id="sweep", datasets=[dataset.id], older_than=timedelta(hours=1)
        ),
    )
    assert run_dag(dag).task("sweep").return_value == []
    clock.pause(7200)
    assert run_dag(dag).task("sweep").return_value == [f"{dataset.id}:{stale}"]
    assert open_revisions(dataset) == [theirs]


# --- links, XComs, triggers ---


@pytest.mark.parametrize("task_id", [CREATE, LOAD, APPLY, WAIT])
def test_a_task_leads_to_the_dataset_and_the_revision(
    dataset: Any, changes: Path, revise: Any, task_id: str
) -> None:
    run = revise(dataset, changes)
    page = f"{dataset.portal.url}/d/{dataset.id}"
    assert own_link(run, task_id, "dataset") == page
    assert own_link(run, task_id, "revision") == f"{page}/revisions/0"


def test_xcoms_are_small_and_plain(dataset: Any, tmp_path: Path, revise: Any) -> None:
    rows = [{"event_id": f"n{n}", "street": "x" * 99, "lanes": "1"} for n in range(500)]
    run = revise(dataset, write_csv(tmp_path / "rows.csv", rows))
    assert run.state == "success"
    for task in run.tasks.values():
        for key, value in task.xcoms.items():
            assert len(json.dumps(value)) < 4000, (task.task_id, key)
            assert "x" * 99 not in json.dumps(value)


def triggers(dataset: str = "abcd-1234", seq: int = 0) -> list[Any]:
    deadline = time.time() + 600
    progress = {"source": 7, "output_schema": 8, "is_shaped": True, "is_keyed": False}
    return [
        SocrataSourceTrigger("socrata_default", progress, deadline, carried={"progress": progress}),
        SocrataApplyTrigger("socrata_default", dataset, seq, deadline, 3, True, carried={"handle": {"a": 1}}),
    ]


@pytest.mark.parametrize("number", [0, 1], ids=["source", "apply"])
def test_a_trigger_survives_the_way_through_the_database(number: int) -> None:
    first = triggers()[number]
    path, arguments = first.serialize()
    module, _, name = path.rpartition(".")
    again = getattr(import_module(module), name)(**json.loads(json.dumps(arguments)))
    assert again.serialize() == first.serialize()


def test_the_apply_trigger_tells_the_end(dataset: Any, changes: Path, revise: Any) -> None:
    revise(dataset, changes)
    before = len(dataset.portal.admin.requests())

    async def run() -> list[Any]:
        return [event.payload async for event in triggers(dataset.id)[1].run()]

    # The one apply of the dataset has another id than 3 and has ended.
    [event] = asyncio.run(run())
    assert event["status"] == "success"
    assert event["data"]["handle"] == {"a": 1}
    assert {call["method"] for call in dataset.portal.admin.requests()[before:]} == {"GET"}


@pytest.mark.parametrize("number", [0, 1], ids=["source", "apply"])
def test_a_trigger_tells_what_it_cannot_find(dataset: Any, number: int) -> None:
    async def run() -> list[Any]:
        return [event.payload async for event in triggers(dataset.id)[number].run()]

    [event] = asyncio.run(run())
    assert event["status"] == "error"
    assert event["permanent"]
    assert "404" in event["message"]


# --- progress ---


@BOTH
def test_the_log_tells_how_far_the_portal_is(
    dataset: Any, changes: Path, revise: Any, caplog: Any, capfd: Any, deferrable: bool
) -> None:
    dataset.portal.admin.settings(parse_looks=3, transform_looks=3, apply_looks=8)
    caplog.set_level("INFO", logger="airflow_socrata")  # a triggerer's level, which 2.11's dag.test() lacks
    run = revise(dataset, changes, deferrable=deferrable)
    assert run.state == "success"
    told = caplog.text + "".join(capfd.readouterr())
    for words in (
        "Revision 0 of",
        "changes.csv is on the portal",
        "2 rows, 0 with errors",
        "upserting",
        "is live",
    ):
        assert words in told, words
    assert jobs(dataset) == ["successful"]
