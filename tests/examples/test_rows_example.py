"""The example of one row runs against the emulator without an edit, and so do the snippets of its page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from examples.example_files import AIRPORTS, load_dag
from portal_harness.sessions import settings_of

if TYPE_CHECKING:
    import pytest

DOCS = Path(__file__).parents[2] / "docs" / "rows.md"
ROWS = [("BIRK", "Reykjavik", "64.13", "-21.94"), ("BIGR", "Grímsey", "66.55", "-18.02")]


def airports(portal: Any) -> None:
    rows = [dict(zip(AIRPORTS, row, strict=True)) for row in ROWS]
    portal.admin.create_dataset("airp-orts", "Airports", AIRPORTS, "icao", rows)


def test_an_airport_is_corrected_and_another_deleted(portal: Any, run_dag: Any) -> None:
    airports(portal)
    fixed = run_dag(load_dag("socrata_row_fix"), conf={"field": "name", "value": "Reykjavík"})
    assert fixed.state == "success", fixed.states
    assert fixed.task("delete").state == "skipped"
    assert fixed.task("write").return_value["row"]["name"] == "Reykjavík"
    gone = run_dag(load_dag("socrata_row_fix"), conf={"icao": "BIGR"})
    assert gone.state == "success", gone.states
    assert gone.task("write").state == "skipped"
    (left,) = portal.admin.rows("airp-orts")
    assert (left["icao"], left["name"]) == ("BIRK", "Reykjavík")


def test_what_the_page_shows_of_the_client(
    socrata_emulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    airports(socrata_emulator)
    [code] = [
        b for b in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL) if "PortalSession" in b
    ]
    monkeypatch.chdir(tmp_path)
    exec(code, {"settings": settings_of(socrata_emulator)})
    assert capsys.readouterr().out.splitlines() == ["Reykjavik", "1 updated", "in the catalog: Airports"]
    assert (tmp_path / "airports.csv").read_text(encoding="utf-8").count("\n") == 2
