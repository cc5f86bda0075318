"""The example DAG for an Opendatasoft portal runs against the emulator without an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from examples.example_files import AIRPORTS, load_dag, write

if TYPE_CHECKING:
    from pathlib import Path

FORMER = [("AAAA", "Gone", "1.0", "2.0"), ("BBBB", "Same", "3.0", "4.0"), ("CCCC", "Former", "5.0", "6.0")]
NEW = [("BBBB", "Same", "3.0", "4.0"), ("CCCC", "Ísafjörður", "5.0", "6.0"), ("DDDD", "New", "7.0", "8.0")]


@pytest.fixture
def airports(opendatasoft_portal: Any) -> Any:
    """A portal with the former airports."""
    rows = [dict(zip(AIRPORTS, row, strict=True)) for row in FORMER]
    opendatasoft_portal.admin.create_dataset(
        "airports", "Airports of the world", rows, id_fields=["icao"], resource_title="Airports"
    )
    return opendatasoft_portal


def replace(run_dag: Any, folder: Path, rows: list[tuple[str, ...]]) -> Any:
    conf = {"source": write(folder / "release.csv", AIRPORTS, rows), "keep": str(folder / "kept")}
    return run_dag(load_dag("opendatasoft_airports"), conf=conf)


def public(portal: Any) -> list[tuple[str, str]]:
    return [(record["icao"], record["name"]) for record in portal.admin.records("airports")]


def file_of(portal: Any) -> str:
    (resource,) = portal.admin.state("airports")["resources"]
    return str(resource["datasource"]["file"]["uid"])


def test_the_airports_are_replaced(airports: Any, run_dag: Any, tmp_path: Path) -> None:
    run = replace(run_dag, tmp_path, NEW)
    assert run.state == "success", run.states
    assert public(airports) == [("BBBB", "Same"), ("CCCC", "Ísafjörður"), ("DDDD", "New")]
    assert file_of(airports).startswith("release-")
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.read_text(encoding="utf-8").splitlines() == [",".join(row) for row in [AIRPORTS, *FORMER]]


def test_an_airport_that_is_there_twice_restores_the_former_ones(
    airports: Any, run_dag: Any, tmp_path: Path
) -> None:
    run = replace(run_dag, tmp_path, [*NEW, ("DDDD", "New (once more)", "7.0", "8.0")])
    assert run.state == "failed"
    assert "4" in str(run.task("publication.verify").exceptions[0])
    assert public(airports) == [("AAAA", "Gone"), ("BBBB", "Same"), ("CCCC", "Former")]
    assert file_of(airports) == "airports.csv"


def test_a_file_that_the_portal_cannot_process_restores_the_former_ones(
    airports: Any, run_dag: Any, tmp_path: Path
) -> None:
    airports.admin.script("airports", "error", times=3, message="The source could not be read")
    run = replace(run_dag, tmp_path, NEW)
    assert run.state == "failed"
    assert public(airports) == [("AAAA", "Gone"), ("BBBB", "Same"), ("CCCC", "Former")]
    assert file_of(airports) == "airports.csv"


def test_the_dag_has_the_shape_of_the_one_for_socrata() -> None:
    """From the first task to Verify; behind it there is a leaf, as a rollback goes back past publish here."""
    renamed = {"create_revision": "create_restore_point", "apply": "publish"}

    def way(dag_id: str) -> list[tuple[str, str]]:
        dag = load_dag(dag_id)
        tasks = {task.task_id: task.task_id.removeprefix("publication.") for task in dag.tasks}
        way = ("create_revision", "create_restore_point", "upload", "apply", "publish", "wait", "verify")
        return sorted(
            (renamed.get(tasks[task.task_id], tasks[task.task_id]), renamed.get(tasks[after], tasks[after]))
            for task in dag.tasks
            for after in task.downstream_task_ids
            if tasks[task.task_id] in way and tasks[after] in way
        )

    assert way("opendatasoft_airports") == way("socrata_airports_revision")
