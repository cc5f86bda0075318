"""The example DAG that adds a column, run against the emulator without an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from examples.example_files import load_dag, write

if TYPE_CHECKING:
    from pathlib import Path

AIRPORTS = [{"icao": "BIRK", "name": "Reykjavík"}, {"icao": "BIIS", "name": "Ísafjörður"}]


def test_a_column_is_added_and_filled(portal: Any, run_dag: Any, tmp_path: Path) -> None:
    portal.admin.create_dataset("airp-orts", columns=["icao", "name"], row_identifier="icao", rows=AIRPORTS)
    conf = {
        "source": write(tmp_path / "elevation.csv", ["icao", "elevation"], [("BIRK", "48"), ("BIIS", "8")])
    }
    for _ in range(2):
        run = run_dag(load_dag("socrata_columns"), conf=conf)
        assert run.state == "success", run.states
        assert {row["icao"]: row["elevation"] for row in portal.admin.rows("airp-orts")} == {
            "BIRK": "48",
            "BIIS": "8",
        }
    assert run.task("plan").return_value["plan"] == [], "the second run finds the columns as wanted"
    assert {row["name"] for row in portal.admin.rows("airp-orts")} == {"Reykjavík", "Ísafjörður"}
