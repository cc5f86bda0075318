"""Trap: a teardown does not run when its setup has failed, so what a dying Create made would stay."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from portal_harness.publications import assert_published, assert_unchanged, errors, records, upsert

CREATE, DISCARD = "p.create_working_copy", "p.discard_working_copy"
BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])

#: Where Create fails after the portal has made the copy: method, path, requests that go through, fault.
AFTER_THE_COPY: dict[str, tuple[str, str, int, dict[str, Any]]] = {
    "the_mark_is_refused": ("PUT", "/api/views/", 0, {"kind": "error", "status": 403}),
    "the_mark_keeps_failing": ("PUT", "/api/views/", 0, {"kind": "internal", "times": None}),
    "the_reply_keeps_getting_lost": ("POST", "/publication", 0, {"kind": "lost_reply", "times": None}),
}


@pytest.mark.parametrize("where", AFTER_THE_COPY)
@BOTH
def test_create_cleans_up_after_itself(
    dataset: Any, publish_dag: Any, run_dag: Any, where: str, deferrable: bool
) -> None:
    before = dataset.rows()
    method, path, skip, fault = AFTER_THE_COPY[where]
    dataset.portal.admin.add_fault(method=method, path=path, skip=skip, **fault)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert run.states[CREATE] == "failed"
    assert run.states[DISCARD] == "upstream_failed", "the trap"
    assert_unchanged(run, dataset, before)
    assert len(dataset.calls("DELETE", "/api/views/")) == 1


@BOTH
def test_a_second_try_of_create_works(dataset: Any, publish_dag: Any, run_dag: Any, deferrable: bool) -> None:
    dataset.portal.admin.add_fault("internal", "PUT", "/api/views/", times=6)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable, retries=1))
    assert_published(run, dataset, dataset.after_changes())
    assert run.task(CREATE).tries == 2


def test_a_time_out_of_the_task_cleans_up_as_well(
    dataset: Any, publish_dag: Any, run_dag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``execution_timeout`` raises in the middle of whatever the task does."""

    from airflow.providers.common.compat.sdk import AirflowTaskTimeout

    from airflow_socrata.publication import opening

    before = dataset.rows()

    def interrupted(*args: Any) -> Any:
        raise AirflowTaskTimeout("execution_timeout")

    monkeypatch.setattr(opening, "take_over", interrupted)
    # dag.test() of Airflow 2 lets it through, which ends the run there.
    with contextlib.suppress(AirflowTaskTimeout):
        run = run_dag(publish_dag(dataset, upsert()))
        assert run.states[CREATE] == "failed", errors(run, CREATE)
    assert dataset.rows() == before
    assert dataset.copies() == []
    assert records() == {}
    assert len(dataset.calls("DELETE", "/api/views/")) == 1
