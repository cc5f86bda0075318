"""Any task may run again, at any moment, and the outcome is that of one clean run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import (
    CHANGES,
    OLD_ROWS,
    assert_published,
    assert_unchanged,
    errors,
    replace,
    upsert,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What can go wrong with one call: name -> kind of fault and its arguments.
FAULTS: dict[str, dict[str, Any]] = {
    "lost_reply": {"kind": "lost_reply"},
    "reset_before": {"kind": "reset_before"},
    "reset_in_the_request": {"kind": "reset_request", "after_bytes": 1},
    "reset_in_the_reply": {"kind": "reset_reply", "after_bytes": 5},
    "429": {"kind": "throttled"},
    "429_retry_after_seconds": {"kind": "throttled", "retry_after": 7},
    "429_retry_after_date": {"kind": "throttled", "retry_after": "date"},
    "409_locked": {"kind": "locked"},
    "409_feedback": {"kind": "feedback"},
    "500": {"kind": "internal"},
    "500_done": {"kind": "internal_error", "after_commit": True},
    "500_out_of_sync": {"kind": "out_of_sync"},
    "502_html": {"kind": "bad_gateway"},
    "502_html_done": {"kind": "bad_gateway", "after_commit": True},
    "503": {"kind": "unavailable"},
    "503_retry_after": {"kind": "unavailable", "retry_after": 7},
    "504_done": {"kind": "gateway_timeout", "after_commit": True},
    "200_without_a_body": {"kind": "empty_json"},
    "200_with_a_page": {"kind": "not_json"},
}

#: The writing calls of a publication: name -> method, path, how many go through first.
STEPS = {
    "copy": ("POST", "/publication", 0),
    "mark": ("PUT", "/api/views/", 0),
    "batch": ("POST", "/resource/", 1),
    "publish": ("POST", "/publication", 1),
}


def hit(portal: Any, step: str, fault: str, times: int = 1) -> None:
    """Let a call of the flow go wrong, so many times."""
    method, path, skip = STEPS[step]
    portal.admin.add_fault(method=method, path=path, skip=skip, times=times, **FAULTS[fault])


def was_hit(portal: Any) -> bool:
    """Whether the fault has happened at all."""
    return all(fault["used"] for fault in portal.admin.faults())


#: Of row writes and metadata the portal never says that computed columns are not done.
ROW_FAULTS = [fault for fault in FAULTS if fault != "409_feedback"]
FEW = ["lost_reply", "reset_in_the_request", "429", "409_locked", "502_html_done", "200_with_a_page"]


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        *(("copy", fault) for fault in FAULTS),
        *(("mark", fault) for fault in FEW),
        *(("batch", fault) for fault in ROW_FAULTS),
        *(("publish", fault) for fault in FAULTS),
    ],
)
def test_a_call_that_goes_wrong_once(
    dataset: Any, publish_dag: Any, run_dag: Any, step: str, fault: str
) -> None:
    hit(dataset.portal, step, fault)
    run = run_dag(publish_dag(dataset, upsert(batch_rows=1)))
    assert was_hit(dataset.portal)
    assert_published(run, dataset, dataset.after_changes())


@pytest.mark.parametrize("fault", ["502_html", "502_html_done", "429"])
@pytest.mark.parametrize("step", STEPS)
def test_a_task_that_fails_and_is_tried_again(
    dataset: Any, publish_dag: Any, run_dag: Any, step: str, fault: str
) -> None:
    # Six attempts are the retry budget of one call: the seventh belongs to the task's second try.
    hit(dataset.portal, step, fault, times=7)
    run = run_dag(publish_dag(dataset, upsert(batch_rows=1), retries=2))
    assert_published(run, dataset, dataset.after_changes())


@pytest.mark.parametrize("fault", ROW_FAULTS)
def test_a_batch_without_row_identifiers_lands_once_in_a_replace(
    unkeyed: Any, publish_dag: Any, run_dag: Any, fault: str
) -> None:
    hit(unkeyed.portal, "batch", fault)
    rows = [{"event_id": f"n{n}", "street": "Háaleitisbraut", "lanes": str(n)} for n in range(1, 6)]
    run = run_dag(publish_dag(unkeyed, replace(rows, batch_rows=2), method="copySchema"))
    assert was_hit(unkeyed.portal)
    assert_published(run, unkeyed, rows)


@pytest.mark.parametrize("fault", FEW)
def test_a_batch_without_row_identifiers_lands_once_in_an_append(
    unkeyed: Any, publish_dag: Any, run_dag: Any, fault: str
) -> None:
    hit(unkeyed.portal, "batch", fault)
    rows = [{"event_id": f"n{n}", "street": "Háaleitisbraut", "lanes": str(n)} for n in range(1, 6)]
    load = upsert(rows, batch_rows=2, require_row_identifier=False)
    run = run_dag(publish_dag(unkeyed, load))
    assert was_hit(unkeyed.portal)
    old = [row | {"lanes": str(row["lanes"])} for row in OLD_ROWS]
    assert_published(
        run, unkeyed, sorted(old + rows, key=lambda row: (len(row["event_id"]), row["event_id"]))
    )


def test_a_batch_that_may_land_late_cannot_reach_the_fresh_copy(
    unkeyed: Any, publish_dag: Any, run_dag: Any
) -> None:
    hit(unkeyed.portal, "batch", "502_html")
    run_dag(publish_dag(unkeyed, upsert(batch_rows=1, require_row_identifier=False)))
    written = [call["path"] for call in unkeyed.calls("POST", "/resource/")]
    assert len(set(written)) == 2, "a batch in doubt was followed by batches to the same working copy"


@pytest.mark.parametrize("retries", [1, 3])
def test_a_load_that_breaks_in_the_middle_is_run_again(
    unkeyed: Any, publish_dag: Any, run_dag: Any, retries: int
) -> None:
    tries: list[int] = []

    def rows() -> Iterator[Any]:
        tries.append(1)
        yield {"event_id": "n1", "lanes": 1}
        yield {"event_id": "n2", "lanes": 2}
        if len(tries) <= retries:
            raise RuntimeError("the source broke")
        yield {"event_id": "n3", "lanes": 3}

    dag = publish_dag(unkeyed, replace(rows, batch_rows=1), method="copySchema", retries=retries)
    run = run_dag(dag)
    assert run.task("p.load").tries == retries + 1
    assert_published(run, unkeyed, [{"event_id": f"n{n}", "lanes": str(n)} for n in (1, 2, 3)])


@pytest.mark.parametrize("fault", [*FEW, "500_done", "reset_in_the_reply"])
def test_a_discard_that_goes_wrong_is_done_in_the_end(
    dataset: Any, publish_dag: Any, run_dag: Any, fault: str
) -> None:
    before = dataset.rows()
    dataset.portal.admin.add_fault(method="DELETE", path="/api/views/", **FAULTS[fault])
    run = run_dag(publish_dag(dataset, upsert([{"event_id": " "}])))
    assert_unchanged(run, dataset, before)
    assert run.task("p.discard_working_copy").state == "success"


def test_a_discard_that_keeps_failing_is_tried_again(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()
    dataset.portal.admin.add_fault("bad_gateway", "DELETE", "/api/views/", times=7)
    run = run_dag(publish_dag(dataset, upsert([{"event_id": " "}])))
    assert_unchanged(run, dataset, before)
    assert run.task("p.discard_working_copy").tries == 2


@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
@pytest.mark.parametrize("form", ["ticket", "details", "status", "location"])
def test_lost_replies_about_jobs_start_nothing_twice(
    dataset: Any, publish_dag: Any, run_dag: Any, form: str, deferrable: bool
) -> None:
    admin = dataset.portal.admin
    jobs = None if form == "status" else 3
    admin.add_fault("accepted", "POST", "/publication", times=jobs, form=form, calls=2)
    admin.add_fault("lost_reply", None, "/publication", times=None, every=2)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_published(run, dataset, dataset.after_changes())


@pytest.mark.parametrize("fault", ["lost_reply", "502_html_done"])
def test_a_copy_that_landed_is_found_where_the_portal_refuses_a_second_one(
    dataset: Any, publish_dag: Any, run_dag: Any, fault: str
) -> None:
    dataset.portal.admin.settings(existing_copy="conflict")
    hit(dataset.portal, "copy", fault)
    run = run_dag(publish_dag(dataset, upsert()))
    assert_published(run, dataset, dataset.after_changes())


def test_what_the_portal_asks_to_wait_is_waited(
    dataset: Any, publish_dag: Any, run_dag: Any, clock: Any
) -> None:
    hit(dataset.portal, "batch", "429_retry_after_seconds")
    run = run_dag(publish_dag(dataset, upsert(batch_rows=1)))
    assert_published(run, dataset, dataset.after_changes())
    assert max(clock.pauses) == pytest.approx(7, abs=1)


def test_a_permanent_refusal_is_not_tried_again(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()
    run = run_dag(publish_dag(dataset, upsert([{"event_id": " ", "lanes": 1}]), retries=5))
    assert_unchanged(run, dataset, before)
    assert run.task("p.load").tries == 1
    assert errors(run, "p.load")[0].startswith("AirflowFailException: ")


def test_the_same_run_twice_is_the_same_data(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    changes = [change for change in CHANGES if ":deleted" not in change]
    first = run_dag(publish_dag(dataset, upsert(changes)))
    rows = dataset.rows()
    second = run_dag(publish_dag(dataset, upsert(changes)))
    assert_published(first, dataset, rows)
    assert_published(second, dataset, rows)
    assert second.task("p.load").return_value["load"]["updated"] == len(changes)
