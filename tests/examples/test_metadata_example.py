"""The example of metadata and attachments runs against the emulator without an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from examples.example_files import AIRPORTS, load_dag
from portal_harness.publications import Dataset

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = [{"name": "Cycle", "required": True, "options": ["Weekly", "Monthly"]}]


def test_the_airports_are_described_once(portal: Any, run_dag: Any, tmp_path: Path) -> None:
    portal.admin.create_dataset("airp-orts", columns=AIRPORTS, row_identifier="icao")
    portal.admin.metadata_rules(["Transportation"], [{"name": "Publication", "fields": FIELDS}])
    theirs = portal.admin.add_file("airp-orts", "map.pdf")
    guide = tmp_path / "guide.pdf"
    guide.write_bytes(b"%PDF-1.7")
    first = run_dag(load_dag("socrata_metadata"), conf={"guide": str(guide)})
    assert first.state == "success", first.states
    view = Dataset(portal, "airp-orts").view()
    assert (view["category"], view["licenseId"]) == ("Transportation", "CC_40_BY")
    assert view["license"]["name"] == "Creative Commons Attribution 4.0 International"
    assert view["metadata"]["attachments"][0] == theirs
    assert view["metadata"]["attachments"][1]["name"] == "How to read the airports"

    second = run_dag(load_dag("socrata_metadata"), conf={"guide": str(guide)})
    assert second.task("metadata").return_value["changed"] == []
    assert second.task("guide").return_value["outcome"] == "unchanged"
    assert Dataset(portal, "airp-orts").view() == view


def test_a_category_that_the_portal_lacks_changes_nothing(portal: Any, run_dag: Any, tmp_path: Path) -> None:
    portal.admin.create_dataset("airp-orts", columns=AIRPORTS, row_identifier="icao")
    portal.admin.metadata_rules(["Health"])
    before = Dataset(portal, "airp-orts").view()
    run = run_dag(load_dag("socrata_metadata"), conf={"guide": str(tmp_path / "guide.pdf")})
    assert run.state == "failed"
    assert "Transportation is not a category" in str(run.task("metadata").exceptions[0])
    assert Dataset(portal, "airp-orts").view() == before
