"""What the docs say of this client: the table is the code's, the example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from unit.opendatasoft import samples
from unit.opendatasoft.samples import UID, answer

from airflow_socrata.client import PortalSettings, SystemClock
from airflow_socrata.opendatasoft.status import status_table_text

if TYPE_CHECKING:
    from unit.client.portal_servers import ScriptedPortal

DOCS = (Path(__file__).parents[3] / "docs" / "client.md").read_text(encoding="utf-8")
SETTINGS = 'portal_settings("data.example.gov", PortalKey(api_key="API_KEY"))'


def test_the_docs_print_the_table() -> None:
    assert status_table_text() in DOCS


@pytest.mark.parametrize("end", ["idle", "limit_reached"])
def test_the_example_runs(
    portal: ScriptedPortal,
    settings: PortalSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: str,
) -> None:
    [code] = [
        block for block in re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL) if "opendatasoft" in block
    ]
    assert SETTINGS in code
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds, stop: None)
    (tmp_path / "observations.csv").write_text("id;value\n1;2\n")
    old, new = "2026-02-06T15:13:13Z", "2026-02-06T15:20:00Z"
    edited = samples.version("ch_edit01", "2026-02-06T15:14:00Z")
    noted = samples.version("ch_note01", "2026-02-06T15:10:00Z")
    portal.answer(
        samples.page(samples.DATASET),
        samples.page(noted),
        answer({"uid": "observations_1.csv", "filename": "observations.csv"}, 201),
        samples.page(),
        answer(samples.resource(file="observations_1.csv"), 201),
        samples.status("idle", old),
        answer({"detail": "ok"}),
        samples.status("idle", old),
        samples.status("processing", "2026-02-06T15:19:00Z"),
        samples.status(end, new, params={"error": {"limit": 20000}}),
    )
    names = {"given": settings}
    if end == "idle":
        portal.answer(answer({"total_count": 336, "results": []}))
        exec(code.replace(SETTINGS, "given"), names)
        assert capsys.readouterr().out == "336 records are public\n"
    else:
        portal.answer(samples.page(noted, edited), answer(samples.DATASET))
        with pytest.raises(SystemExit, match="limit reached"):
            exec(code.replace(SETTINGS, "given"), names)
        assert portal.requests[-1].path.endswith(f"/datasets/{UID}/versions/ch_note01/restore/")
    assert not portal.answers
    assert b"observations_1.csv" in portal.requests[4].body
