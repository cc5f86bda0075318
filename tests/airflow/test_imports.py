"""Files imported by the portal: into working copies, and as new datasets."""

from __future__ import annotations

import functools
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import (
    Dataset,
    assert_published,
    assert_unchanged,
    errors,
    make_dataset,
    records,
    upsert,
)
from portal_harness.tasks import green

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = "Event id,Street,Lanes\n"
IMPORTS = r"/api/imports2\.json$"
WAYS = {
    "append": pytest.param("append", "copy", id="append"),
    "replace": pytest.param("replace", "copySchema", id="replace"),
}
BOTH = pytest.mark.parametrize(("mode", "method"), list(WAYS.values()))


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Three new events, by their display names."""
    path = tmp_path / "events.csv"
    path.write_text(HEADER + 'n1,"Long\nstreet",1\nn2,Óðinsgata,2\nn3,,\n')
    return path


def imported(source: Any, **options: Any) -> Callable[[Any], Any]:
    """A part of a publication that imports a file."""
    from airflow_socrata.operators.socrata import SocrataImportRowsOperator

    return lambda p: SocrataImportRowsOperator(
        task_id="load", working_copy=p.working_copy, source=str(source), **options
    )


def three(before: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The rows of ``events``, behind others."""
    return [
        *(before or []),
        {"event_id": "n1", "street": "Long\nstreet", "lanes": "1"},
        {"event_id": "n2", "street": "Óðinsgata", "lanes": "2"},
        {"event_id": "n3"},
    ]


def by_key(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (len(row["event_id"]), row["event_id"]))


# --- rows ---


@BOTH
def test_a_file_is_imported_and_published(
    portal: Any, publish_dag: Any, run_dag: Any, events: Path, mode: str, method: str
) -> None:
    dataset = make_dataset(portal, keyed=mode == "append")
    portal.admin.settings(import_looks=2, scan_looks=2)
    before = dataset.rows() if mode == "append" else []
    run = run_dag(publish_dag(dataset, imported(events, mode=mode), method=method))
    assert_published(run, dataset, by_key(three(before)))
    load = run.task("p.load").return_value["load"]
    assert (load["sent"], load["created"], load["errors"], load["rows_after"]) == (3, 3, 0, len(before) + 3)


def test_a_translation_fills_the_columns_and_replaces_by_key(
    dataset: Dataset, publish_dag: Any, run_dag: Any, tmp_path: Path
) -> None:
    path = tmp_path / "streets.tsv.gz"
    path.write_bytes(gzip.compress(b"id\tname\ne1\tmain\nx9\tHIGH\n"))
    load = imported(path, mode="append", translation=["col1", "title(lower(col2)) + ' St'", '""'])
    run = run_dag(publish_dag(dataset, load))
    rows = {row["event_id"]: row for row in dataset.rows()}
    assert run.state == "success", errors(run, "p.load")
    assert rows["e1"] == {"event_id": "e1", "street": "Main St"}
    assert rows["x9"]["street"] == "High St"
    counts = run.task("p.load").return_value["load"]
    assert (counts["created"], counts["updated"], counts["rows_after"]) == (1, 1, 21)


def test_a_later_try_takes_a_fresh_copy(
    unkeyed: Dataset, publish_dag: Any, run_dag: Any, events: Path
) -> None:
    """The first try is cut off while it counts; its rows stand in the copy that the second try leaves."""
    unkeyed.portal.admin.add_fault("bad_gateway", "GET", r"/resource/", skip=1, times=12)
    before = unkeyed.rows()
    run = run_dag(publish_dag(unkeyed, imported(events, mode="append"), retries=2))
    assert_published(run, unkeyed, by_key(three(before)))


def test_a_slip_is_told_in_one_line_and_not_tried_again(
    dataset: Dataset, publish_dag: Any, run_dag: Any, events: Path
) -> None:
    rows = dataset.rows()
    load = imported(events, translation="[col1, upper(col2], col3]")
    run = run_dag(publish_dag(dataset, load, method="copySchema", retries=2))
    (error,) = errors(run, "p.load")
    assert "the translation does not parse at position 18, near '[col1, upper(col2], col3]'" in error
    assert "\n" not in error
    assert_unchanged(run, dataset, rows)


def test_an_import_beside_another_load_replaces_nothing_of_it(
    dataset: Dataset, publish_dag: Any, run_dag: Any, events: Path
) -> None:
    def both(publication: Any) -> None:
        upsert(task_id="other")(publication) >> imported(events)(publication)

    rows = dataset.rows()
    run = run_dag(publish_dag(dataset, both))
    assert "must not replace" in errors(run, "p.load")[0]
    assert_unchanged(run, dataset, rows)


def test_shapes_replace_the_rows_of_a_working_copy(
    portal: Any, publish_dag: Any, run_dag: Any, tmp_path: Path
) -> None:
    columns = [["point", "point"], ["event_id", "text"]]
    view = portal.admin.create_dataset(columns=columns, name="Parks", rows=[{"event_id": "old"}])
    dataset = Dataset(portal, view["id"])
    path = tmp_path / "parks.geojson"
    feature = {"type": "Feature", "properties": {"event_id": "p"}}
    feature["geometry"] = {"type": "Point", "coordinates": [1, 2]}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    run = run_dag(publish_dag(dataset, imported(path), method="copySchema"))
    point = {"type": "Point", "coordinates": [1, 2]}
    assert_published(run, dataset, [{"point": point, "event_id": "p"}])


# --- new datasets ---


@pytest.fixture
def make(run_task: Callable[..., Any], portal: Any, events: Path) -> Callable[..., Any]:
    """``make(**arguments)`` imports the events as a dataset."""
    named = {"resource_name": "events", "name": "Events", "row_identifier": "event_id"}
    return functools.partial(run_task, "ImportDataset", source=str(events), **named)


def views(portal: Any) -> list[dict[str, Any]]:
    """What stands on the portal, drafts too."""
    found: list[dict[str, Any]] = portal.admin.datasets()
    return found


def assert_made(run: Any, portal: Any, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The run is green, and the one dataset of the portal holds these rows."""
    result: dict[str, Any] = green(run)
    (view,) = views(portal)
    assert (view["id"], view["stage"]) == (result["dataset"], "published")
    assert sorted(portal.admin.rows(result["dataset"]), key=lambda row: row["event_id"]) == rows
    assert records() == {}
    return result


def test_a_dataset_is_made_of_a_file(make: Any, portal: Any) -> None:
    portal.admin.settings(import_looks=1)
    run = make(backend="old", audience="public", types={"Lanes": "number"}, tags=["roads"])
    result = assert_made(run, portal, three())
    assert (result["created"], result["rows"], result["backend"]) == (True, 3, "old")
    view = Dataset(portal, result["dataset"]).view()
    kinds = {column["fieldName"]: column["dataTypeName"] for column in view["columns"]}
    assert kinds == {"event_id": "text", "street": "text", "lanes": "number"}
    assert portal.admin.state(result["dataset"])["scope"] == "public"
    assert run.task("task").xcoms["dataset"] == result["dataset"]
    # The next run finds it, and sends nothing.
    again = make(backend="old", audience="public")
    result = assert_made(again, portal, three())
    assert (result["created"], result["rows"]) == (False, None)
