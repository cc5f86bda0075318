"""A dataset is made of a file, filled, and found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from examples.example_files import load_dag, write

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ["ICAO", "Name", "Opened on", "Elevation"]


def test_a_new_dataset_is_created_once_and_filled_twice(portal: Any, run_dag: Any, tmp_path: Path) -> None:
    rows = [("BIRK", "Reykjavík", "1946-07-06", "14"), ("BIIS", "Ísafjörður", "1960-10-02", "2.5")]
    source = write(tmp_path / "airports.csv", HEADER, rows)
    run = run_dag(load_dag("socrata_new_dataset"), conf={"source": source})
    assert run.state == "success", run.states
    made = run.task("create").return_value
    assert (made["created"], made["audience"], made["rows_sampled"]) == (True, "private", 2)

    source = write(tmp_path / "airports.csv", HEADER, [*rows, ("BIVO", "Vopnafjörður", "", "5")])
    run = run_dag(load_dag("socrata_new_dataset"), conf={"source": source})
    assert run.state == "success", run.states
    again = run.task("create").return_value
    assert (again["dataset"], again["created"]) == (made["dataset"], False)
    (dataset,) = portal.admin.datasets()
    assert (dataset["id"], dataset["rows"]) == (made["dataset"], 3)
    first = portal.admin.rows(made["dataset"])[0]
    assert (first["icao"], first["opened_on"], first["elevation"]) == (
        "BIRK",
        "1946-07-06T00:00:00.000",
        "14",
    )
