"""The four promises at an Opendatasoft portal: all of it or the former records, in whatever goes wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.opendatasoft_fixtures import IN_BOTH_APIS, IN_BOTH_WAYS
from portal_harness.publications import START, errors, records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD = [{"id": str(n), "v": "old"} for n in range(4)]
NEW = [{"id": str(n), "v": "new"} for n in range(2, 8)]
TASKS = ("create_restore_point", "upload", "publish", "wait", "verify", "report", "roll_back")

#: The calls of a publication: name -> method and path, as the Automation API has them.
CALLS = {
    "find": ("GET", r"/v1.0/datasets/$"),
    "look": ("GET", r"/status/$"),
    "note": ("GET", r"/versions/$"),
    "keep": ("GET", r"/download/$"),
    "upload": ("POST", r"/resources/files/$"),
    "point": ("PUT", r"/resources/re_\w+/$"),
    "publish": ("POST", r"/publish/$"),
    "count": ("GET", r"/catalog/datasets/"),
}
#: What can go wrong with one call: name -> kind of fault and its arguments.
FAULTS: dict[str, dict[str, Any]] = {
    "lost_reply": {"kind": "lost_reply"},
    "502_done": {"kind": "bad_gateway", "after_commit": True},
    "429": {"kind": "throttled"},
    "empty_200": {"kind": "empty_json"},
}
EACH_CALL = pytest.mark.parametrize("call", CALLS)


@pytest.fixture
def roads(opendatasoft: Any) -> Any:
    """The portal with one public dataset, whose records come from a file."""
    opendatasoft.admin.create_dataset("roads", "Roads", OLD, id_fields=["id"], resource_title="Roads")
    return opendatasoft


@pytest.fixture
def publish(request: pytest.FixtureRequest, run_dag: Any, tmp_path: Path) -> Callable[..., Any]:
    """``publish(rows, retries=0, **options of the group)`` runs the DAG; again, it is its next run."""
    name = re.sub(r"\W+", "_", request.node.name)

    def run(rows: list[dict[str, str]] = NEW, *, retries: int = 0, **options: Any) -> Any:
        file = tmp_path / "roads.csv"
        file.write_text("id,v\n" + "".join(f"{row['id']},{row['v']}\n" for row in rows))
        return run_dag(_dag(name, file, tmp_path / "kept", retries, options))

    return run


def _dag(name: str, file: Path, keep: Path, retries: int, options: dict[str, Any]) -> Any:
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators.opendatasoft import OpendatasoftUploadOperator
    from airflow_socrata.task_groups import OpendatasoftPublication

    arguments: dict[str, Any] = {"dataset": "roads", "keep": str(keep), "timeout": 600.0} | options
    with (
        DAG(name, schedule=None, start_date=START, default_args={"retries": retries}) as dag,
        OpendatasoftPublication("p", **arguments) as publication,
    ):
        OpendatasoftUploadOperator(
            task_id="upload",
            restore_point=publication.restore_point,
            source=str(file),
            deferrable=arguments.get("deferrable"),
        )
    return dag


def public(portal: Any) -> list[dict[str, str]]:
    """What the public sees; the truth, past Explore."""
    return sorted(
        ({"id": str(row["id"]), "v": str(row["v"])} for row in portal.admin.records("roads")),
        key=lambda row: row["id"],
    )


def assert_new(run: Any, portal: Any) -> None:
    assert run.state == "success", {task: errors(run, task) for task in run.states}
    assert public(portal) == NEW
    assert records() == {}
    told = run.task("p.report").return_value
    assert (told["records_before"], told["records_after"]) == (4, 6)


def assert_old(run: Any, portal: Any) -> None:
    """Red; the former records from their former file, at rest, and nothing on record."""
    assert run.state == "failed", run.states
    state = portal.admin.state("roads")
    assert (public(portal), state["published"]) == (OLD, True)
    assert state["internal"] == "idle"
    (resource,) = state["resources"]
    assert resource["datasource"]["file"]["uid"] == "roads.csv"
    assert records() == {}


@IN_BOTH_APIS
@IN_BOTH_WAYS
def test_all_of_the_file_is_published_and_counted(roads: Any, publish: Any, deferrable: bool) -> None:
    roads.admin.settings(queued_looks=2, processing_looks=3)
    run = publish(deferrable=deferrable)
    assert_new(run, roads)
    assert set(run.states) == {f"p.{task}" for task in TASKS}


@pytest.mark.parametrize("fault", FAULTS)
@EACH_CALL
def test_a_call_that_goes_wrong_once_is_made_good(roads: Any, publish: Any, call: str, fault: str) -> None:
    method, path = CALLS[call]
    roads.admin.add_fault(method=method, path=path, **FAULTS[fault])
    run = publish()
    (rule,) = roads.admin.faults()
    assert rule["used"] == 1
    assert_new(run, roads)


@EACH_CALL
def test_a_task_that_fails_is_tried_again(roads: Any, publish: Any, call: str) -> None:
    """Six attempts are the budget of one call: the seventh belongs to the task's second try."""
    method, path = CALLS[call]
    roads.admin.add_fault("bad_gateway", method, path, times=7, after_commit=call in {"upload", "point"})
    assert_new(publish(retries=2), roads)


@EACH_CALL
def test_whatever_call_is_refused_the_former_records_are_public(roads: Any, publish: Any, call: str) -> None:
    method, path = CALLS[call]
    roads.admin.add_fault("error", method, path, message="Not today")
    run = publish(retries=2)
    if call == "count" and run.state == "success":
        assert_new(run, roads)
    else:
        assert_old(run, roads)


@IN_BOTH_APIS
@IN_BOTH_WAYS
@pytest.mark.parametrize(
    ("outcome", "args", "words"),
    [
        ("error", {"message": "Disk on fire"}, "Disk on fire"),
        ("limit", {"limit": 3}, "limit"),
    ],
)
def test_processing_that_fails_restores_the_former_records(
    roads: Any, publish: Any, deferrable: bool, outcome: str, args: dict[str, Any], words: str
) -> None:
    roads.admin.settings(processing_looks=2)
    roads.admin.script("roads", outcome, **args)
    run = publish(deferrable=deferrable)
    assert_old(run, roads)
    assert words in errors(run, "p.publish")[0]


def test_a_part_of_the_records_is_accepted_where_told(roads: Any, publish: Any) -> None:
    roads.admin.script("roads", "limit", limit=3)
    run = publish(on_limit="accept", expected_records=3)
    assert run.state == "success"
    assert public(roads) == NEW[:3]


def test_fewer_records_than_rows_restore_the_former_ones(roads: Any, publish: Any) -> None:
    run = publish([*NEW, {"id": "7", "v": "once more"}])
    assert_old(run, roads)
    assert "shows 6 records; 7 were expected" in errors(run, "p.verify")[0]


def test_an_empty_file_changes_nothing(roads: Any, publish: Any) -> None:
    before = roads.admin.state("roads")["versions"]
    run = publish([])
    assert_old(run, roads)
    assert "no data rows" in errors(run, "p.upload")[0]
    assert roads.admin.state("roads")["versions"] == before


def test_a_dataset_that_was_not_published_is_not_published_after_a_failure(
    opendatasoft: Any, publish: Any
) -> None:
    opendatasoft.admin.create_dataset("roads", "Roads", OLD, id_fields=["id"], published=False)
    opendatasoft.admin.script("roads", "limit", limit=3)
    run = publish()
    assert run.state == "failed"
    assert opendatasoft.admin.state("roads")["published"] is False
    assert records() == {}
    assert publish().state == "success"
    assert public(opendatasoft) == NEW


def test_what_a_person_has_edited_meanwhile_stays_after_a_rollback(roads: Any, publish: Any) -> None:
    roads.admin.script("roads", "error", message="Disk on fire")
    roads.admin.add_fault("person_edits", "POST", r"/publish/$", value="Roads of the county")
    run = publish()
    assert_old(run, roads)
    assert roads.admin.state("roads")["title"] == "Roads of the county"


def test_a_person_who_publishes_meanwhile_is_waited_for(roads: Any, publish: Any) -> None:
    roads.admin.settings(processing_looks=4)
    roads.admin.add_fault("person_publishes", "POST", r"/publish/$")
    assert_new(publish(), roads)


def test_a_rollback_that_cannot_be_carried_out_is_loud_and_the_next_run_makes_it_good(
    roads: Any, publish: Any
) -> None:
    roads.admin.script("roads", "error", times=2, message="Disk on fire")
    roads.admin.add_fault("unavailable", "POST", r"/publish/$", skip=1, times=None)
    run = publish(rollback_retries=0)
    assert run.state == "failed"
    (told,) = errors(run, "p.roll_back")
    for words in ("roads", "NOT back at its former records", "roads.csv", "kept"):
        assert words in told, words
    assert len(records()) == 2
    roads.admin.clear_faults()
    roads.admin.script("roads", "success")
    assert_new(publish(), roads)


def test_the_kept_file_is_taken_where_the_portal_has_lost_the_former_one(roads: Any, publish: Any) -> None:
    """The processing of the restored dataset ends short of records; the copy brings them back."""
    roads.admin.script("roads", "error", message="Disk on fire")
    roads.admin.script("roads", "limit", limit=2)
    run = publish()
    assert run.state == "failed"
    assert public(roads) == OLD
    assert "kept file" in run.task("p.roll_back").return_value["did"]
    assert records() == {}
