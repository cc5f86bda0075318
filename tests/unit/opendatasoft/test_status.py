"""The table of statuses, walked; and what the sensor makes of any course of statuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_socrata.opendatasoft.models import Status
from airflow_socrata.opendatasoft.status import (
    SINCE_RESOLUTION_SECONDS,
    STATUS_TABLE,
    Action,
    StatusClass,
    Step,
    class_of,
    is_at_rest,
    may,
    next_step,
    rows_named,
    settling_seconds,
    status_table_text,
    step_of,
)

#: The vendor's list, in the vendor's order.
INTERNAL = [
    "idle",
    "queued",
    "processing_dataset",
    "processing_resource_records",
    "processing_all_dataset_data",
    "processing_realtime",
    "deleting_dataset",
    "deleting_resource_records",
    "deleting_all_dataset_data",
    "saving_dataset_version",
    "error",
    "aborting_processing",
    "limit_reached",
    "recovering_realtime_records",
    "scratching_realtime_recover_data",
]
#: What the Automation API documents.
PUBLIC = {
    "idle",
    "error",
    "limit_reached",
    "queued",
    "aborting_processing",
    "processing",
    "deleting",
    "saving_version",
}
AT_REST = {"idle", "error", "limit_reached"}
#: What refusals list: who may publish, and who may abort.
ABORTABLE = {"processing_all_dataset_data", "processing_dataset", "processing_resource_records"}
T0 = 1_770_000_000.0


def test_every_internal_status_has_one_row() -> None:
    assert [row.internal for row in STATUS_TABLE] == INTERNAL


@pytest.mark.parametrize("row", STATUS_TABLE, ids=lambda row: row.internal)
def test_row(row) -> None:
    """Each row agrees with what the vendor says, and the functions agree with the row."""
    assert row.automation in PUBLIC
    assert row.management in PUBLIC
    rests = row.internal in AT_REST
    assert (row.status_class is not StatusClass.TRANSIENT) == rests
    assert (Action.PUBLISH in row.allows) == rests
    assert (Action.CONFIGURE in row.allows) == rests
    assert (Action.ABORT in row.allows) == (row.internal in ABORTABLE)
    assert (row.step is Step.WAIT) == (not rests)
    for name in row.names:
        assert row in rows_named(name)
        assert class_of(name) is row.status_class
        assert is_at_rest(name) == rests
        assert step_of(name) is row.step
        assert all(may(action, name) for action in row.allows)


def test_rows_that_share_a_public_name_agree() -> None:
    """Else a public name would not tell what to do."""
    for name in PUBLIC:
        rows = rows_named(name)
        assert len({(row.status_class, row.step) for row in rows}) == 1


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("idle", Step.DONE),
        ("error", Step.FAIL_ERROR),
        ("limit_reached", Step.FAIL_LIMIT),
        ("queued", Step.WAIT),
    ],
)
def test_steps(name: str, step: Step) -> None:
    assert next_step(Status(name)) is step


@given(st.text())
def test_a_status_nobody_knows_is_waited_for(name: str) -> None:
    if rows_named(name):
        return
    assert step_of(name) is Step.WAIT
    assert not is_at_rest(name)
    assert not any(may(action, name) for action in Action)


NAMES = st.sampled_from([*INTERNAL, *sorted(PUBLIC), "brand_new_status"])
MOMENTS = st.floats(min_value=0.1, max_value=1000)


@given(before=st.sampled_from(sorted(AT_REST)), looks=st.lists(st.tuples(NAMES, MOMENTS), max_size=12))
def test_the_end_is_never_the_state_before(before: str, looks: list[tuple[str, float]]) -> None:
    """However often the portal still shows the old status, and whatever it shows after it."""
    old = Status(before, since=T0)
    now = T0
    assert next_step(old, old) is Step.WAIT
    assert next_step(replace(old, read_at=T0 + 60), old) is Step.WAIT
    for name, later in looks:
        now += later
        step = next_step(Status(name, since=now), old)
        assert step is (step_of(name) if is_at_rest(name) else Step.WAIT)


@pytest.mark.parametrize(
    ("after", "aborted", "published", "unpublished"),
    [
        (Action.PUBLISH, Step.FAIL_ABORTED, Step.DONE, Step.FAIL_FLAG),
        (Action.PUBLISH_METADATA, Step.FAIL_ABORTED, Step.DONE, Step.FAIL_FLAG),
        (Action.UNPUBLISH, Step.FAIL_ABORTED, Step.FAIL_FLAG, Step.DONE),
        (Action.ABORT, Step.DONE, Step.DONE, Step.DONE),
        (None, Step.DONE, Step.DONE, Step.DONE),
    ],
)
def test_idle_is_not_always_a_success(
    after: Action | None, aborted: Step, published: Step, unpublished: Step
) -> None:
    old = Status("idle", since=T0)
    idle = Status("idle", since=T0 + 5, previous="processing")
    stopped = replace(idle, previous="aborting_processing")
    assert next_step(stopped, old, after=after) is aborted
    assert next_step(replace(idle, is_published=True), old, after=after) is published
    assert next_step(replace(idle, is_published=False), old, after=after) is unpublished
    assert next_step(idle, old, after=after) is Step.DONE, "the portal does not tell"
    assert next_step(replace(old, is_published=False), old, after=after) is Step.WAIT


def test_a_failure_is_one_whatever_the_flag() -> None:
    for name in ("error", "limit_reached"):
        status = Status(name, is_published=False, previous="aborting_processing")
        assert next_step(status) is step_of(name)


def test_an_end_in_another_status_at_the_same_moment_counts() -> None:
    """Whole seconds: idle to error within one second."""
    old = Status("idle", since=T0)
    assert next_step(Status("error", since=T0), old) is Step.FAIL_ERROR
    assert next_step(Status("idle", since=T0), old) is Step.WAIT
    assert next_step(Status("idle", since=T0 - 5), old) is Step.WAIT


def test_without_times_only_the_name_tells() -> None:
    old = Status("error")
    assert next_step(Status("error"), old) is Step.WAIT
    assert next_step(Status("idle", since=T0), old) is Step.DONE


@pytest.mark.parametrize(("age", "seconds"), [(0.0, 2.0), (1.5, 0.5), (2.0, 0.0), (500.0, 0.0), (-3.0, 2.0)])
def test_settling(age: float, seconds: float) -> None:
    """After so long, an action moves ``since`` even where it shows whole seconds."""
    assert settling_seconds(Status("idle", since=T0, read_at=T0 + age)) == seconds
    assert SINCE_RESOLUTION_SECONDS == 2.0


def test_settling_without_a_clock() -> None:
    assert settling_seconds(Status("idle", since=T0)) == 0.0
    assert settling_seconds(Status("idle", read_at=T0)) == 0.0


def test_table_as_text() -> None:
    lines = status_table_text().splitlines()
    assert len(lines) == 2 + 15 + 1
    assert lines[0].count("|") == lines[5].count("|") == lines[-1].count("|")
    assert "| `limit_reached` |" in status_table_text()
