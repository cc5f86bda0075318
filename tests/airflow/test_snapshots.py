"""The operator that deletes the snapshots which the old back end leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from portal_harness.publications import make_dataset
from portal_harness.tasks import green, red

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]


@pytest.fixture
def clean(run_task: Run) -> Run:
    """``clean(dataset, keep=1)`` deletes all snapshots but the newest."""
    return lambda dataset, keep: run_task("DeleteSnapshots", dataset=dataset, keep=keep)


@pytest.fixture
def published(portal: Any) -> tuple[Any, list[str]]:
    """A dataset of the old back end that was published four times, and its snapshots, the newest first."""
    dataset = make_dataset(portal, backend="old")
    made = []
    for _ in range(3):
        portal.admin.advance(60)
        copy = portal.admin.open_working_copy_as("person", dataset.id)["id"]
        url = f"{portal.url}/api/views/{copy}/publication.json"
        requests.post(url, auth=("person-key", "person-secret"), timeout=30).raise_for_status()
        made.insert(0, copy)
    return dataset, made


def stages(dataset: Any) -> dict[str, str]:
    return {copy["id"]: copy["stage"] for copy in dataset.portal.admin.state(dataset.id)["copies"]}


@pytest.mark.parametrize("fault", [None, "lost_reply", "internal_error"])
def test_the_newest_stay(published: Any, clean: Run, fault: str | None) -> None:
    dataset, (newest, *old) = published
    rows = dataset.rows()
    if fault is not None:
        dataset.portal.admin.add_fault(fault, "DELETE", times=2)
    assert green(clean(dataset.id, keep=1)) == {"dataset": dataset.id, "kept": [newest], "deleted": old}
    assert stages(dataset) == {dataset.id: "published", newest: "snapshotted"}
    assert green(clean(dataset.id, keep=1))["deleted"] == []
    assert dataset.rows() == rows


def test_what_is_no_snapshot_stays(published: Any, clean: Run) -> None:
    dataset, snapshots = published
    copy = dataset.portal.admin.open_working_copy_as("person", dataset.id)["id"]
    before = stages(dataset)
    assert "give the id of a published dataset" in red(clean(snapshots[0], keep=0))
    assert "number of snapshots to keep" in red(clean(dataset.id, keep=-1))
    assert stages(dataset) == before
    green(clean(dataset.id, keep=0))
    assert stages(dataset) == {dataset.id: "published", copy: "unpublished"}


def test_the_new_back_end_has_none(dataset: Any, clean: Run) -> None:
    assert green(clean(dataset.id, keep=0)) == {"dataset": dataset.id, "kept": [], "deleted": []}
