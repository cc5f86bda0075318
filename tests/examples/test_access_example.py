"""The example for access, run against the emulator without an edit."""

from __future__ import annotations

from typing import Any

import pytest
from examples.example_files import load_dag


@pytest.mark.parametrize("approvals", ["none", "manual"])
def test_the_airports_are_opened(
    portal: Any, run_dag: Any, clock: Any, monkeypatch: pytest.MonkeyPatch, approvals: str
) -> None:
    portal.admin.create_dataset("airp-orts", columns=["icao"], row_identifier="icao", permission="private")
    portal.admin.settings(audience_approvals=approvals)
    if approvals == "manual":
        clock.at_pause(lambda: portal.admin.approve("airp-orts"), 2)
    monkeypatch.setenv("AIRPORTS_EDITOR", "Viewer@example.gov")
    run = run_dag(load_dag("socrata_access"))
    assert run.state == "success", run.states
    outcome = "changed" if approvals == "none" else "awaits_approval"
    shared = run.task("share").return_value
    assert shared["outcome"] == outcome
    assert shared["users"] == {"pub3-user": "current_owner", "view-user": "contributor"}
    assert run.task("approval").return_value == {"dataset": "airp-orts", "audience": "public"}
    assert portal.admin.state("airp-orts")["scope"] == "public"
