"""Bad input to a publication by revision: one clear line, nothing changed, nothing left open."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import errors, records
from portal_harness.revisions import (
    CREATE,
    LOAD,
    REVISIONS,
    after_upsert,
    assert_applied,
    assert_not_applied,
    changes,
    open_revisions,
    revise,
    update_dag,
    write_csv,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["changes", "revise"]

BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    """Write an XLSX file."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def refusal(run: Any, dataset: Any, task: str = LOAD) -> str:
    """The one line that a task failed with, once and for good; nothing has changed."""
    assert_not_applied(run, dataset)
    [error] = errors(run, task)
    assert error.startswith("AirflowFailException: "), error
    assert "\n" not in error
    return error


# --- the file ---


@pytest.mark.parametrize("name", ["rows.csv", "rows.xlsx", "rows.geojson", "rows.zip"])
def test_a_zero_byte_file(dataset: Any, tmp_path: Path, revise: Any, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    error = refusal(revise(dataset, path, retries=2), dataset)
    assert f"{path}" in error
    assert "the file is empty" in error
    assert dataset.calls("POST", "/source") == []


def test_a_gzipped_file_of_zero_bytes(dataset: Any, tmp_path: Path, revise: Any) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b""))
    error = refusal(revise(dataset, path, retries=2), dataset)
    assert "no bytes" in error or "empty" in error


def test_a_gzipped_file_that_is_cut(dataset: Any, changes: Path, tmp_path: Path, revise: Any) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(changes.read_bytes())[:-9])
    error = refusal(revise(dataset, path, retries=2), dataset)
    assert "rows.csv.gz" in error


def test_a_file_that_is_not_there(dataset: Any, tmp_path: Path, revise: Any) -> None:
    error = refusal(revise(dataset, tmp_path / "nowhere.csv"), dataset)
    assert "nowhere.csv" in error
    assert "cannot be opened" in error


def test_a_name_that_tells_nothing(dataset: Any, changes: Path, tmp_path: Path, revise: Any) -> None:
    path = changes.rename(tmp_path / "export.dat")
    error = refusal(revise(dataset, path), dataset)
    assert "content_type" in error
    run = revise(dataset, path, load={"content_type": "text/csv"})
    assert_applied(run, dataset, after_upsert())


def zip_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "no shapes")
    return buffer.getvalue()


#: name of the file -> its bytes, and what the error says of it. The first four are seen before an upload.
WRONG_KIND: dict[str, tuple[bytes, str]] = {
    "zip.csv": (zip_bytes(), "zip archive"),
    "pdf.csv": (b"%PDF-1.7 \n%%EOF", "a PDF"),
    "text.xlsx": (b"event_id,street\ne1,x\n", "no xlsx file"),
    "text.zip": (b"event_id,street\ne1,x\n", "no zip file"),
    "table.geojson": (b"event_id,street\ne1,x\n", "could not read table.geojson"),
    "table.kml": (b"event_id,street\ne1,x\n", "could not read table.kml"),
    "no_shapes.zip": (zip_bytes(), "could not read no_shapes.zip"),
    "no_book.xlsx": (zip_bytes(), "could not read no_book.xlsx"),
}


@pytest.mark.parametrize("name", WRONG_KIND)
def test_a_file_whose_type_is_not_what_its_name_says(
    dataset: Any, tmp_path: Path, revise: Any, name: str
) -> None:
    data, words = WRONG_KIND[name]
    path = tmp_path / name
    path.write_bytes(data)
    error = refusal(revise(dataset, path, retries=2), dataset)
    assert words in error


@BOTH
@pytest.mark.parametrize(
    ("layer", "words"),
    [("Raods", "did you mean 'Roads'?"), (7, "none at place 7"), (None, "say which one")],
)
def test_a_sheet_that_does_not_exist(
    dataset: Any, tmp_path: Path, revise: Any, layer: Any, words: str, deferrable: bool
) -> None:
    rows = [["event_id", "street", "lanes"], ["e1", "Óðinsgata", 99]]
    path = workbook(tmp_path / "book.xlsx", {"Notes": [["note"], ["x"]], "Roads": rows})
    error = refusal(revise(dataset, path, load={"layer": layer}, deferrable=deferrable), dataset)
    assert "'Notes', 'Roads'" in error
    assert words in error


# --- transforms, configs, row identifiers ---


@BOTH
@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("to_number(`lanes`", "column"),
        ("to_nmber(`lanes`)", "to_nmber"),
        ("to_number(`lane`)", "lane"),
    ],
)
def test_a_transform_that_does_not_compile(
    dataset: Any, changes: Path, revise: Any, expression: str, words: str, deferrable: bool
) -> None:
    load = {"transforms": {"lanes": expression}}
    error = refusal(revise(dataset, changes, load=load, deferrable=deferrable, retries=2), dataset)
    assert "lanes" in error
    assert words in error
    assert expression in error, "the place is in the expression"
    assert re.search(r"(row|line) 1, column \d+|position \d+|column \d+", error), error


def test_a_column_to_drop_that_is_not_there(dataset: Any, changes: Path, revise: Any) -> None:
    error = refusal(revise(dataset, changes, load={"drop_columns": ["stret"]}), dataset)
    assert "stret" in error
    assert "street" in error, "the nearest name, or all"


@BOTH
def test_a_config_that_does_not_exist(dataset: Any, changes: Path, revise: Any, deferrable: bool) -> None:
    run = revise(dataset, changes, config="monthly roads", deferrable=deferrable, retries=2)
    error = refusal(run, dataset, CREATE)
    assert "monthly roads" in error
    assert "config" in error


def test_in_one_task_a_config_that_does_not_exist(dataset: Any, changes: Path, run_dag: Any) -> None:
    run = run_dag(update_dag("no_config", dataset, changes, config="monthly roads"))
    assert "monthly roads" in refusal(run, dataset, "update")


@BOTH
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"event_id": "e1"}, {"event_id": "e2"}, {"event_id": "e1"}], "e1"),
        ([{"event_id": "e1", "street": "x"}, {"event_id": "", "street": "y"}], "row"),
    ],
    ids=["duplicates", "nulls"],
)
def test_a_row_identifier_with_duplicates_or_nulls(
    unkeyed: Any, tmp_path: Path, revise: Any, rows: list[Any], words: str, deferrable: bool
) -> None:
    path = write_csv(tmp_path / "rows.csv", rows)
    load = {"row_identifier": "event_id"}
    error = refusal(revise(unkeyed, path, action="replace", load=load, deferrable=deferrable), unkeyed)
    assert "event_id cannot identify rows" in error
    assert words in error.split("cannot identify rows")[1]


def test_a_row_identifier_that_is_no_column(unkeyed: Any, changes: Path, revise: Any) -> None:
    run = revise(unkeyed, changes, action="replace", load={"row_identifier": "event"})
    assert "event" in refusal(run, unkeyed)


# --- revisions and datasets ---


def test_a_revision_number_that_is_closed(dataset: Any, changes: Path, revise: Any, clock: Any) -> None:
    dataset.portal.admin.add_fault("revision_closed", "POST", r"/source$")
    error = refusal(revise(dataset, changes, retries=2), dataset)
    assert "revision 0" in error.lower()
    assert "closed" in error


def test_a_dataset_that_does_not_exist(dataset: Any, changes: Path, run_dag: Any) -> None:
    run = run_dag(update_dag("no_dataset", dataset, changes, dataset="zzzz-zzzz", retries=2))
    [error] = errors(run, "update")
    assert "zzzz-zzzz" in error
    assert records() == {}


@pytest.mark.parametrize("dataset_id", ["", "abcd1234", "https://example.gov/d/abcd-1234"])
def test_what_is_no_dataset_id(dataset: Any, changes: Path, run_dag: Any, dataset_id: str) -> None:
    run = run_dag(update_dag("no_id", dataset, changes, dataset=dataset_id))
    assert run.state == "failed"
    assert dataset.calls("POST", REVISIONS) == []


def test_a_dataset_without_rights(dataset: Any, changes: Path, run_dag: Any) -> None:
    dataset.portal.admin.set_rights(dataset.id, "publisher", ["read"])
    run = run_dag(update_dag("no_rights", dataset, changes, retries=2))
    assert_not_applied(run, dataset)
    assert dataset.calls("POST", REVISIONS) == []


def test_two_files_for_one_revision(dataset: Any, changes: Path, revise: Any) -> None:
    from portal_harness.publications import upload

    def both(publication: Any) -> None:
        upload(changes)(publication)
        upload(changes, task_id="again")(publication)

    run = revise(dataset, both)
    assert_not_applied(run, dataset)
    assert "applies one" in errors(run, "p.apply")[0]


def test_a_handle_of_another_kind_of_draft(dataset: Any, changes: Path) -> None:
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.task_groups import SocrataPublication

    with (
        pytest.raises(TypeError, match="revision"),
        DAG("wrong_kind", schedule=None),
        SocrataPublication("p", dataset=dataset.id, method="revision") as publication,
    ):
        print(publication.working_copy)


@pytest.mark.parametrize(
    "options",
    [
        {"action": "upsert"},
        {"permission": "secret"},
        {"on_approval": "hope"},
        {"revision": {"dataset": "abcd-1234"}},
    ],
    ids=lambda options: next(iter(options)),
)
def test_arguments_that_no_dag_should_import_with(dataset: Any, changes: Path, options: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        update_dag("wrong_argument", dataset, changes, **options)


@pytest.mark.parametrize("name", ["changes.json", "changes.geojson"])
def test_json_that_is_cut(dataset: Any, tmp_path: Path, revise: Any, name: str) -> None:
    path = tmp_path / name
    path.write_text(json.dumps([{"event_id": "e1"}, {"event_id": "e2"}])[:-5])
    error = refusal(revise(dataset, path), dataset)
    assert f"could not read {name}" in error


def test_more_row_errors_than_allowed_name_the_first(dataset: Any, tmp_path: Path, revise: Any) -> None:
    rows = [{"event_id": f"e{n}", "lanes": "many" if n % 2 else "2"} for n in range(1, 8)]
    path = write_csv(tmp_path / "rows.csv", rows)
    error = refusal(revise(dataset, path, load={"max_row_errors": 3}, retries=2), dataset)
    assert "could not convert 4 rows" in error
    assert "max_row_errors=3" in error
    assert "row 1, lanes" in error
    assert open_revisions(dataset) == []
