"""The operators that read, write and delete one row of a published dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal_harness.publications import Dataset, records
from portal_harness.tasks import green, red

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]


def writes(portal: Any) -> list[tuple[str, str]]:
    """What was sent to change the portal."""
    return [(one["method"], one["path"]) for one in portal.admin.requests() if one["method"] != "GET"]


def row(dataset: Dataset, row_id: str) -> dict[str, Any] | None:
    return next((each for each in dataset.rows() if each["event_id"] == row_id), None)


def test_a_row_is_read_changed_and_written_back(portal: Any, dataset: Dataset, run_task: Run) -> None:
    done = green(run_task("GetRow", dataset=dataset.id, row_id="e3"))
    read = done["row"]
    assert (read["street"], read["lanes"]) == ("Óðinsgata", "3")
    assert read[":version"].startswith("rv-")
    changed = {**read, "lanes": 4}
    written = green(run_task("UpsertRow", dataset=dataset.id, row=changed))
    assert (written["created"], written["changed"]) == (False, True)
    assert written["row"]["lanes"] == "4"
    assert row(dataset, "e3") == {"event_id": "e3", "street": "Óðinsgata", "lanes": "4"}
    error = red(run_task("UpsertRow", dataset=dataset.id, row={**read, "lanes": 5}))
    assert "has been changed since version" in error
    assert row(dataset, "e3")["lanes"] == "4"  # type: ignore[index]


def test_a_row_is_inserted_replaced_and_deleted(portal: Any, dataset: Dataset, run_task: Run) -> None:
    new = {"event_id": "it's / new", "street": "Hringbraut", "lanes": "2.50"}
    assert green(run_task("UpsertRow", dataset=dataset.id, row=new))["created"] is True
    done = green(run_task("ReplaceRow", dataset=dataset.id, row='{"event_id": "it\'s / new", "lanes": 1}'))
    assert done["created"] is False
    assert row(dataset, "it's / new") == {"event_id": "it's / new", "lanes": "1"}
    assert green(run_task("DeleteRow", dataset=dataset.id, row_id="it's / new"))["deleted"] is True
    assert green(run_task("DeleteRow", dataset=dataset.id, row_id="e3"))["deleted"] is True
    assert len(dataset.rows()) == 19
    before = len(writes(portal))
    assert green(run_task("DeleteRow", dataset=dataset.id, row_id="e3"))["deleted"] is False
    assert "no row with event_id 'e3'" in red(
        run_task("DeleteRow", dataset=dataset.id, row_id="e3", if_absent="fail")
    )
    assert "no row with event_id 'e3'" in red(run_task("GetRow", dataset=dataset.id, row_id="e3"))
    assert green(run_task("GetRow", dataset=dataset.id, row_id="e3", if_absent="accept"))["row"] is None
    assert len(writes(portal)) == before


def test_a_deleted_row_whose_reply_was_lost(portal: Any, dataset: Dataset, run_task: Run) -> None:
    portal.admin.add_fault("lost_reply", method="DELETE", path="/resource/")
    done = green(run_task("DeleteRow", dataset=dataset.id, row_id="e3", if_absent="fail", retries=1))
    assert done["deleted"] is True
    assert row(dataset, "e3") is None


def test_replicas_that_lag_are_waited_for(portal: Any, dataset: Dataset, run_task: Run) -> None:
    portal.admin.settings(replica_lag_seconds=40.0)
    done = green(run_task("UpsertRow", dataset=dataset.id, row={"event_id": "e3", "lanes": 9}))
    assert done["row"]["lanes"] == "9"


def test_a_row_that_does_not_fit_is_not_sent(portal: Any, dataset: Dataset, run_task: Run) -> None:
    assert "the dataset has no such field" in red(
        run_task("UpsertRow", dataset=dataset.id, row={"event_id": "e3", "lane": 4})
    )
    for operator in ("GetRow", "DeleteRow"):  # as of a task that returned nothing
        assert "is one value, not 'None'" in red(run_task(operator, dataset=dataset.id, row_id=None))
    assert writes(portal) == []


def test_without_a_row_identifier(portal: Any, unkeyed: Dataset, run_task: Run) -> None:
    values = {"event_id": "e3", "street": "Óðinsgata", "lanes": 3}
    error = red(run_task("UpsertRow", dataset=unkeyed.id, row=values))
    assert "has no row identifier" in error
    assert len(unkeyed.rows()) == 20
    portal.admin.add_fault("lost_reply", method="POST", path="/resource/")
    done = green(run_task("UpsertRow", dataset=unkeyed.id, row=values, insert_without_identifier=True))
    assert (done["created"], done["changed"]) == (True, False), "the lost sending had landed"
    assert len(unkeyed.rows()) == 21
    row_id = done["row"][":id"]
    assert green(run_task("GetRow", dataset=unkeyed.id, row_id=row_id))["row"]["event_id"] == "e3"
    changed = green(run_task("UpsertRow", dataset=unkeyed.id, row={":id": row_id, "lanes": 7}))
    assert (changed["created"], changed["row"]["lanes"]) == (False, "7")
    assert green(run_task("DeleteRow", dataset=unkeyed.id, row_id=row_id))["deleted"] is True
    assert "has no row with :id" in red(
        run_task("UpsertRow", dataset=unkeyed.id, row={":id": row_id, "lanes": 7})
    )
    assert len(unkeyed.rows()) == 20
    assert all("'e3'" not in str(record) for record in records().values())


def test_a_working_copy_is_in_the_way(portal: Any, dataset: Dataset, run_task: Run) -> None:
    copy = portal.admin.open_working_copy_as("person", dataset.id)
    for operator, more in (("UpsertRow", {"row": {"event_id": "e3"}}), ("DeleteRow", {"row_id": "e3"})):
        error = red(run_task(operator, dataset=dataset.id, **more))
        assert f"has an open working copy ({copy['id']})" in error
    assert len(dataset.copies()) == 1
    assert len(dataset.rows()) == 20


def test_a_row_that_the_portal_refuses_at_200(portal: Any, dataset: Dataset, run_task: Run) -> None:
    portal.admin.add_fault("row_errors", method="POST", path="/resource/")
    error = red(run_task("UpsertRow", dataset=dataset.id, row={"event_id": "e3", "lanes": 9}))
    assert "answered 200 and did not take the row" in error
    assert row(dataset, "e3")["lanes"] == "3"  # type: ignore[index]


def test_the_old_back_end_without_a_row_identifier(portal: Any, run_task: Run) -> None:
    portal.admin.create_dataset("oldn-2222", "Old", [["v", "text"]], rows=[{"v": "a"}], backend="old")
    done = green(run_task("UpsertRow", dataset="oldn-2222", row={"v": "b"}, insert_without_identifier=True))
    row_id = done["row"][":id"]
    green(run_task("UpsertRow", dataset="oldn-2222", row={":id": row_id, "v": "c"}))
    assert [each["v"] for each in portal.admin.rows("oldn-2222")] == ["a", "c"]
    assert green(run_task("DeleteRow", dataset="oldn-2222", row_id=row_id))["deleted"] is True


def test_the_old_back_end(portal: Any, run_task: Run) -> None:
    columns = [["id", "number"], ["v", "text"], ["w", "text"]]
    rows = [{"id": 1, "v": "a", "w": "b"}]
    portal.admin.create_dataset("oldd-2222", "Old", columns, "id", rows, backend="old")
    assert green(run_task("GetRow", dataset="oldd-2222", row_id="1.0"))["row"]["v"] == "a"
    green(run_task("ReplaceRow", dataset="oldd-2222", row={"id": 1, "v": "c"}))
    assert portal.admin.rows("oldd-2222") == [{"id": "1", "v": "c"}]
    versioned = red(run_task("UpsertRow", dataset="oldd-2222", row={"id": 1, "v": "d", ":version": "rv-1"}))
    assert "does not tell versions" in versioned
    assert "is a number, not 'one'" in red(run_task("DeleteRow", dataset="oldd-2222", row_id="one"))
    assert green(run_task("DeleteRow", dataset="oldd-2222", row_id=1))["deleted"] is True
    assert portal.admin.rows("oldd-2222") == []
