"""The whole life of a dataset: what the portal has just before the dataset is deleted, and after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
import requests
from examples.example_files import load_dag, write

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ["icao", "name", "lat", "lon"]
ROWS = [("ENGM", "Oslo Gardermoen", "60.19", "11.1"), ("BIIS", "Ísafjörður", "66.06", "-23.1")]


def published(portal: Any) -> list[str]:
    return [view["id"] for view in portal.admin.datasets() if view["stage"] == "published"]


def look_before_deletion(portal: Any, hold: str, over: Event) -> dict[str, Any]:
    """Return view and rows, as anybody sees them, while the portal holds the call that deletes them."""
    while not over.is_set():
        try:
            portal.admin.wait_held(hold, timeout=1)
        except TimeoutError:
            continue
        try:
            (dataset,) = published(portal)
            view = requests.get(f"{portal.url}/api/views/{dataset}.json", timeout=30)
            rows = requests.get(f"{portal.url}/resource/airports_of_the_world.json", timeout=30)
            return {"view": view.json(), "rows": {row["icao"]: row for row in rows.json()}}
        finally:
            portal.admin.release(hold)
    raise AssertionError("the run has not deleted the dataset")


@pytest.mark.parametrize("backend", ["new", "old"])
def test_a_dataset_is_whole_before_it_is_deleted(
    portal: Any, run_dag: Any, tmp_path: Path, backend: str
) -> None:
    source = write(tmp_path / "airports.csv", HEADER, ROWS)
    notes = tmp_path / "notes.txt"
    notes.write_text("Heights are in feet.", encoding="utf-8")
    dag, over = load_dag("socrata_dataset_life"), Event()
    hold = portal.admin.hold("DELETE", "/api/views/")
    with ThreadPoolExecutor(1) as pool:
        look = pool.submit(look_before_deletion, portal, hold, over)
        try:
            run = run_dag(dag, conf={"source": source, "notes": str(notes), "backend": backend})
        finally:
            over.set()
            portal.admin.release(hold)

    assert run.state == "success", run.states
    seen = look.result()
    view = seen["view"]
    assert view["newBackend"] is (backend == "new")
    assert view["license"]["name"] == "Public Domain"
    assert [column["fieldName"] for column in view["columns"]] == [*HEADER, "note"]
    assert [file["filename"] for file in view["metadata"]["attachments"]] == ["notes.txt"]
    assert {key: row.get("note") for key, row in seen["rows"].items()} == {
        "ENGM": "Opened in 1998, after Fornebu.",
        "BIIS": None,
    }
    assert published(portal) == []
