"""Trap: ``execution_timeout`` is not enforced while a task is deferred, so each trigger has a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import assert_unchanged, errors, publishing_dag, upsert

if TYPE_CHECKING:
    from airflow_socrata.triggers.socrata import SocrataWaitTrigger


@pytest.fixture
def deferred(monkeypatch: pytest.MonkeyPatch) -> list[tuple[SocrataWaitTrigger, float]]:
    """The triggers that tasks defer to, with the seconds after which Airflow itself would end the wait."""
    from airflow_socrata.operators.base import SocrataOperator

    found: list[tuple[SocrataWaitTrigger, float]] = []
    defer = SocrataOperator.defer

    def noted(self: Any, *, trigger: Any, timeout: Any = None, **more: Any) -> None:
        found.append((trigger, timeout.total_seconds()))
        defer(self, trigger=trigger, timeout=timeout, **more)

    monkeypatch.setattr(SocrataOperator, "defer", noted)
    return found


@pytest.mark.parametrize(
    ("wait", "fault"),
    [
        ("copied", {"kind": "publish_queued", "method": "POST", "path": "/publication"}),
        ("ready", {"kind": "pending_geocoding", "method": "POST", "path": "/resource/"}),
        ("publish_done", {"kind": "publish_queued", "method": "POST", "path": "/publication", "skip": 1}),
    ],
)
def test_a_wait_in_the_triggerer_ends_at_its_own_deadline(
    dataset: Any,
    run_dag: Any,
    clock: Any,
    deferred: list[tuple[SocrataWaitTrigger, float]],
    wait: str,
    fault: dict[str, Any],
) -> None:
    began = clock.time()
    dataset.portal.admin.add_fault(**fault)
    run = run_dag(publishing_dag(f"deadline_{wait}", dataset, upsert(), deferrable=True, timeout=300.0))
    assert run.state == "failed"
    (trigger, airflows) = next(each for each in deferred if each[0].wait == wait)
    assert 290 < trigger.deadline - began < 400
    assert airflows > 300, "Airflow's own time-out must not come first: it says nothing of the portal"
    failed = next(name for name in ("p.create_working_copy", "p.publish") if run.states[name] == "failed")
    assert "the deadline passed" in errors(run, failed)[0]


def test_a_dag_whose_trigger_timed_out_leaves_nothing(dataset: Any, run_dag: Any, publish_dag: Any) -> None:
    before = dataset.rows()
    dataset.portal.admin.add_fault("pending_geocoding", "POST", "/resource/")
    assert_unchanged(run_dag(publish_dag(dataset, upsert(), deferrable=True)), dataset, before)
