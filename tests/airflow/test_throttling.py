"""A whole publication on a portal that throttles: it takes longer, and no task needs another try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import Dataset, upsert

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("form", ["seconds", "none"])
def test_a_publication_gets_through(
    dataset: Dataset, publish_dag: Callable[..., Any], run_dag: Callable[..., Any], clock: Any, form: str
) -> None:
    dataset.portal.admin.settings(rate_limit=4, rate_window_seconds=20.0, rate_limit_reply=form)
    run = run_dag(publish_dag(dataset, upsert(), retries=0))
    assert run.state == "success", run.states
    assert dataset.ids() == ["e1", *(f"e{n}" for n in range(3, 22))]
    assert not dataset.copies()
    log = dataset.portal.admin.requests()
    refused = [entry for entry in log if entry["status"] == 429]
    assert 0 < len(refused) <= len(clock.pauses), "nothing is sent again without a pause"
