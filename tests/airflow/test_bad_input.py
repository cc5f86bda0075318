"""Each bad input is a clear one-line error that names the file, line or column; the public sees no change."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import (
    COLUMNS,
    Dataset,
    assert_unchanged,
    errors,
    make_dataset,
    replace,
    upsert,
    upsert_file,
)

if TYPE_CHECKING:
    from pathlib import Path

GOOD = b"event_id,street,lanes\ne1,street,1\n"

#: Name of the file -> its bytes and what the error must say beside the name of the file.
FILES: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "empty_file": ("changes.csv", b"", ("empty",)),
    "header_only": ("changes.csv", b"event_id,street,lanes\n", ("no rows",)),
    "ragged_row_short": ("changes.csv", GOOD + b"e2,street\n", ("line 3", "2", "3")),
    "ragged_row_long": ("changes.csv", GOOD + b"e2,street,1,more\n", ("line 3", "4", "3")),
    "wrong_encoding": ("changes.csv", GOOD + "e2,Óðinsgata,2\n".encode("latin-1"), ("line 3", "utf-8")),
    "unterminated_quote": ("changes.csv", GOOD + b'e2,"street,2\ne3,street,3\n', ("line 3", "quote")),
    "duplicate_header": ("changes.csv", b"event_id,lanes,lanes\ne1,1,2\n", ("line 1", "'lanes'", "twice")),
    "unknown_column": ("changes.csv", b"event_id,streets\ne1,x\n", ("line 1", "'streets'", "'street'")),
    "display_name": ("changes.csv", b"Event id,street\ne1,x\n", ("'Event id'", "'event_id'")),
    "case": ("changes.csv", b"event_id,Street\ne1,x\n", ("'Street'", "'street'")),
    "no_identifier_column": ("changes.csv", b"street,lanes\nx,1\n", ("row identifier", "'event_id'")),
    "blank_identifier": ("changes.csv", GOOD + b" ,street,2\n", ("line 3", "'event_id'", "blank")),
    "identifier_twice": (
        "changes.csv",
        GOOD + b"e2,a,2\ne1,other,3\n",
        ("line 4", "line 2", "'e1'", "other values"),
    ),
    "nan_in_csv": ("changes.csv", GOOD + b"e2,street,NaN\n", ("line 3", "'lanes'", "not a number")),
    "infinity_in_csv": ("changes.csv", GOOD + b"e2,street,-Infinity\n", ("line 3", "'lanes'")),
    "nan_in_json": ("changes.json", b'[{"event_id": "e1", "lanes": NaN}]', ("NaN",)),
    "infinity_in_jsonl": ("changes.jsonl", b'{"event_id": "e1", "lanes": Infinity}\n', ("Infinity",)),
    "json_that_is_none": ("changes.json", b"<html>not json</html>", ()),
    "json_cut_short": ("changes.json", b'[{"event_id": "e1"}, {"event_', ()),
    "jsonl_bad_line": ("changes.jsonl", b'{"event_id": "e1"}\n{"event_id": \n', ("line 2",)),
    "json_unknown_key": ("changes.json", b'[{"event_id": "e1", "lane": 1}]', ("'lane'", "'lanes'")),
    "truncated_gzip": ("changes.csv.gz", gzip.compress(GOOD + b"e2,a,2\n" * 9)[:-12], ("gzip",)),
    "gzip_that_is_none": ("changes.csv.gz", b"\x1f\x8bnothing", ("gzip",)),
    "name_without_a_format": ("changes.dat", GOOD, ("format",)),
    "date_with_a_zone": (
        "changes.csv",
        b"event_id,opened\ne1,2026-01-31T12:00:00\ne2,2026-01-31T12:00:00+01:00\n",
        ("line 3", "'opened'", "time zone"),
    ),
}


@pytest.fixture
def dated(portal: Any) -> Dataset:
    """The dataset with a column of dates without a zone."""
    opened = {"name": "Opened", "fieldName": "opened", "dataTypeName": "calendar_date"}
    view = portal.admin.create_dataset(
        columns=[*COLUMNS, opened], row_identifier="event_id", rows=[{"event_id": "e1"}]
    )
    return Dataset(portal, view["id"])


def assert_one_clear_line(run: Any, task_id: str, *words: str) -> None:
    """The task failed for good, once, with one line that holds these words."""
    (error,) = errors(run, task_id)
    assert error.startswith("AirflowFailException: ")
    assert "\n" not in error
    for word in words:
        assert word in error, f"{word!r} is not in: {error}"


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file(dated: Dataset, publish_dag: Any, run_dag: Any, tmp_path: Path, case: str) -> None:
    name, content, words = FILES[case]
    path = tmp_path / name
    path.write_bytes(content)
    before = dated.rows()
    run = run_dag(publish_dag(dated, upsert_file(path), retries=1))
    assert_unchanged(run, dated, before)
    assert_one_clear_line(run, "p.load", name, *words)


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "url"])
def test_a_missing_file(dataset: Any, publish_dag: Any, run_dag: Any, tmp_path: Path, scheme: str) -> None:
    before = dataset.rows()
    run = run_dag(publish_dag(dataset, upsert_file(f"{scheme}{tmp_path}/nothing.csv"), retries=1))
    assert_unchanged(run, dataset, before)
    assert_one_clear_line(run, "p.load", "nothing.csv")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"event_id": "e1", "lanes": float("nan")}], ("row 1", "lanes")),
        ([{"event_id": "e1"}, {"event_id": None, "lanes": 2}], ("row 2", "event_id", "blank")),
        ([{"event_id": "e1", "lanes": 1}, {"event_id": "e1", "lanes": 2}], ("row 2", "row 1", "e1")),
        ([{"event_id": "e1", "colour": "red"}], ("colour",)),
        ([{"event_id": "e1", "street": object()}], ("row 1", "street")),
        ([["e1", "street"]], ("row 1",)),
        ([], ("no rows",)),
    ],
    ids=["nan", "blank", "twice", "unknown", "object", "no_dict", "none"],
)
def test_bad_rows_of_a_callable(
    dataset: Any, publish_dag: Any, run_dag: Any, rows: Any, words: tuple[str, ...]
) -> None:
    before = dataset.rows()
    run = run_dag(publish_dag(dataset, upsert(rows), retries=1))
    assert_unchanged(run, dataset, before)
    assert_one_clear_line(run, "p.load", *words)


def test_a_replace_finds_bad_rows_as_well(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()
    rows = [{"event_id": f"n{n}", "lanes": n} for n in range(9)] + [{"event_id": ""}]
    run = run_dag(publish_dag(dataset, replace(rows, batch_rows=2), method="copySchema"))
    assert_unchanged(run, dataset, before)
    assert_one_clear_line(run, "p.load", "row 10", "event_id")


# --- datasets ---


@pytest.mark.parametrize(
    "name", ["airports", "ABCD-1234", "abcd-12345", "https://data.example.gov/d/abcd-1234"]
)
def test_a_malformed_4x4(portal: Any, publish_dag: Any, run_dag: Any, name: str) -> None:
    run = run_dag(publish_dag(Dataset(portal, name), upsert(), retries=1))
    assert run.state == "failed"
    assert_one_clear_line(run, "p.create_working_copy", name[:20], "abcd-1234")
    assert Dataset(portal, name).calls("POST") == []


def test_a_4x4_that_the_portal_does_not_have(portal: Any, publish_dag: Any, run_dag: Any) -> None:
    run = run_dag(publish_dag(Dataset(portal, "gone-gone"), upsert(), retries=1))
    assert run.state == "failed"
    assert_one_clear_line(run, "p.create_working_copy", "gone-gone", "404")


def test_a_filter_names_the_dataset_to_use(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    filtered = dataset.portal.admin.create_derived(dataset.id)["id"]
    before = dataset.rows()
    run = run_dag(publish_dag(Dataset(dataset.portal, filtered), upsert(), retries=1))
    assert run.state == "failed"
    assert_one_clear_line(run, "p.create_working_copy", filtered, f"publish to {dataset.id} instead")
    assert dataset.rows() == before
    assert dataset.copies() == []


def test_a_synced_mirror_is_refused(portal: Any, publish_dag: Any, run_dag: Any) -> None:
    mirror = make_dataset(portal, synced=True)
    before = mirror.rows()
    run = run_dag(publish_dag(mirror, upsert(), retries=1))
    assert_unchanged(run, mirror, before)
    task = next(name for name, state in run.states.items() if state == "failed")
    assert_one_clear_line(run, task, mirror.id if task != "p.load" else "", "mirror")


@pytest.mark.parametrize("rights", [["read"], ["read", "view_domain"]])
def test_a_dataset_that_is_not_yours_names_the_rights(
    dataset: Any, publish_dag: Any, run_dag: Any, rights: list[str]
) -> None:
    before = dataset.rows()
    dataset.portal.admin.set_rights(dataset.id, "publisher", rights)
    run = run_dag(publish_dag(dataset, upsert(), retries=1))
    dataset.portal.admin.set_rights(dataset.id, "publisher", None)
    assert_unchanged(run, dataset, before)
    assert_one_clear_line(run, "p.create_working_copy", dataset.id, ", ".join(sorted(rights)), "Ask the")


def test_a_working_copy_s_own_4x4_names_its_dataset(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    copy = dataset.portal.admin.open_working_copy_as("person", dataset.id)["id"]
    run = run_dag(publish_dag(Dataset(dataset.portal, copy), upsert()))
    assert_one_clear_line(run, "p.create_working_copy", copy, f"give the dataset's id, {dataset.id}")
    assert [each["id"] for each in dataset.copies()] == [copy]


def test_a_dataset_that_was_never_published(portal: Any, publish_dag: Any, run_dag: Any) -> None:
    draft = make_dataset(portal, published=False)
    run = run_dag(publish_dag(draft, upsert()))
    assert_one_clear_line(run, "p.create_working_copy", draft.id, "never published")
    assert draft.calls("DELETE") == []


def test_a_dataset_without_a_row_identifier(unkeyed: Any, publish_dag: Any, run_dag: Any) -> None:
    before = unkeyed.rows()
    run = run_dag(publish_dag(unkeyed, upsert(), retries=1))
    assert_unchanged(run, unkeyed, before)
    assert_one_clear_line(run, "p.load", "no row identifier", "append", "require_row_identifier=False")


def test_a_portal_without_copy_names_the_alternative(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()
    dataset.portal.admin.settings(copy_methods="copySchema")
    run = run_dag(publish_dag(dataset, upsert(), retries=1))
    assert_unchanged(run, dataset, before)
    assert_one_clear_line(run, "p.create_working_copy", "copySchema", "replace")
