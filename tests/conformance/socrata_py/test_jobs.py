"""Apply: states, log, failures, approval."""

from __future__ import annotations

import pytest
from conformance.socrata_py.steps import apply, stages, upload
from socrata.resource import ResourceFailedException

BEFORE = ["a", "b"]
AFTER = ["a", "c"]


@pytest.fixture
def revision(view):
    return view.revisions.create_replace_revision()


@pytest.fixture
def stop_ids(portal, stops):
    return lambda: [row["stop_id"] for row in portal.rows(stops, **{"$order": "stop_id"})]


def test_states_and_log(revision, portal, stop_ids):
    portal.admin.settings(apply_looks=3)
    schema = upload(revision)
    job = revision.apply(output_schema=schema)
    assert job.attributes["status"] == "initializing"
    assert (job.attributes["finished_at"], job.is_complete()) == (None, False)
    assert job.attributes["output_schema_id"] == schema.attributes["id"]
    assert stop_ids() == BEFORE
    seen = []
    job.wait_for_finish(progress=lambda each: seen.append(each.attributes["status"]), sleeptime=0)
    assert seen[-1] == "successful"
    assert set(seen[:-1]) <= {"initializing", "creating_columns", "upserting", "finishing"}
    assert len(seen) >= 3
    assert job.is_complete()
    assert stop_ids() == AFTER
    order = stages(job)
    assert order[-1] == "started"
    assert order.index("upsert_complete") < order.index("started")
    assert all(set(line) >= {"stage", "time", "details"} for line in job.attributes["log"])


def test_a_job_stands_in_its_revision(revision, view):
    job = apply(revision, upload(revision))
    [found] = view.revisions.lookup(0).attributes["task_sets"]
    assert (found["id"], found["status"]) == (job.attributes["id"], "successful")
    assert found["finished_at"] == job.attributes["finished_at"]
    assert found["log"] == job.attributes["log"]


def test_a_failed_job_raises_and_can_be_applied_again(revision, portal, stop_ids):
    portal.admin.add_fault("apply_failure", "PUT", "/apply$", stage="upserting", message="The store is full")
    schema = upload(revision)
    job = revision.apply(output_schema=schema)
    with pytest.raises(ResourceFailedException, match="The store is full"):
        job.wait_for_finish(sleeptime=0)
    assert job.attributes["status"] == "failure"
    assert job.is_complete()
    assert stop_ids() == BEFORE
    assert revision.show().attributes["closed_at"] is None
    apply(revision, schema)
    assert stop_ids() == AFTER
    statuses = [task["status"] for task in revision.show().attributes["task_sets"]]
    assert sorted(statuses) == ["failure", "successful"]


def test_a_job_that_had_failed_when_returned_counts_as_done(revision, portal, stop_ids):
    """The trap: socrata-py looks at the status only after a further look."""
    portal.admin.add_fault("job_already_failed", "PUT", "/apply$")
    job = revision.apply(output_schema=upload(revision))
    job.wait_for_finish(sleeptime=0)
    assert job.attributes["status"] == "failure"
    assert job.attributes["finished_at"] is not None
    assert stop_ids() == BEFORE


def test_a_stuck_job_ends_when_it_is_freed(revision, portal, stops, stop_ids):
    portal.admin.add_fault("stuck_upserting", "PUT", "/apply$")
    job = revision.apply(output_schema=upload(revision))
    looks = []

    def look(each):
        looks.append(each.attributes["status"])
        if len(looks) == 8:
            portal.admin.finish_apply(stops, 0)

    job.wait_for_finish(progress=look, sleeptime=0)
    assert looks[7] == "upserting"
    assert looks[-1] == "successful"
    assert stop_ids() == AFTER


def test_polls_bear_a_few_errors(revision, portal, stop_ids):
    portal.admin.add_fault("bad_gateway", "GET", "/apply/", times=4)
    job = revision.apply(output_schema=upload(revision))
    job.wait_for_finish(sleeptime=0)
    assert job.attributes["status"] == "successful"


def test_somebody_else_closes_the_revision(revision, portal, stops, stop_ids):
    schema = upload(revision)
    portal.admin.close_revision_as("person", stops, 0)
    with pytest.raises(Exception, match="409"):
        revision.apply(output_schema=schema)
    assert stop_ids() == BEFORE


def test_approved(revision, portal, stops, stop_ids):
    portal.admin.settings(approvals=True)
    job = revision.apply(output_schema=upload(revision))
    assert job.submitted_for_approval()
    assert job.is_complete()
    assert job.wait_for_finish(sleeptime=0) is job
    assert job.attributes["status"] == "submitted_for_approval"
    assert stop_ids() == BEFORE
    assert revision.show().attributes["closed_at"] is None
    portal.admin.approve(stops)
    for _ in range(10):
        if revision.show().attributes["closed_at"]:
            break
    assert revision.attributes["closed_at"] is not None
    assert stop_ids() == AFTER


def test_rejected(revision, portal, stops, stop_ids):
    portal.admin.settings(approvals=True)
    schema = upload(revision)
    assert revision.apply(output_schema=schema).submitted_for_approval()
    portal.admin.reject(stops)
    assert stop_ids() == BEFORE
    assert revision.show().attributes["closed_at"] is None
    # It may be sent in again.
    portal.admin.settings(approvals=False)
    apply(revision, schema)
    assert stop_ids() == AFTER
