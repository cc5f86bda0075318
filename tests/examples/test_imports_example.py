"""The example DAG that lets the portal read files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from examples.example_files import load_dag, write

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ["Number", "Park", "Hectares"]


def test_a_dataset_is_made_once_and_imported_every_night(portal: Any, run_dag: Any, tmp_path: Path) -> None:
    nights = [
        [("1", "Hljómskálagarður", "8.5"), ("2", "Miklatún", "11")],
        [("1", "Hljómskálagarður", "8.5"), ("3", "Öskjuhlíð", "60")],
    ]
    for rows in nights:
        source = write(tmp_path / "parks.csv", HEADER, rows)
        run = run_dag(load_dag("socrata_imports"), conf={"source": source})
        assert run.state == "success", run.states
    (dataset,) = portal.admin.datasets()
    assert portal.admin.rows(dataset["id"]) == [
        {"number": "1", "park": "HLJÓMSKÁLAGARÐUR", "hectares": "8.5"},
        {"number": "3", "park": "ÖSKJUHLÍÐ", "hectares": "60"},
    ]
