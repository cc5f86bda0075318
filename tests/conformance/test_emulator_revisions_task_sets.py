"""Task sets: how they go on, what refuses them, how they fail; and what readers see meanwhile."""

from __future__ import annotations

import threading

import pytest
import requests
from conformance.publishing import Publishing, column

TYPED = b"stop_id,name,riders\na,Alder,11\nd,Doum,4\n"


@pytest.fixture
def dsmapi(api):
    return Publishing(api)


class TestProgress:
    def test_stages_by_looks(self, dsmapi, admin, stops):
        admin.settings(apply_looks=6)
        revision = dsmapi.open(stops, "replace")
        dsmapi.upload(revision)
        task_set = dsmapi.apply(revision)
        assert (task_set["resource"]["status"], task_set["resource"]["log"]) == ("initializing", [])
        seen = []
        for _ in range(7):
            assert len(admin.rows(stops)) == 3
            seen.append(dsmapi.show(task_set)["resource"])
        stages = ["creating_columns", "upserting", "finishing"]
        assert [each["status"] for each in seen[:-1]] == [stage for stage in stages for _ in range(2)]
        assert [each["finished_at"] for each in seen[:-1]] == [None] * 6
        assert (seen[-1]["status"], bool(seen[-1]["finished_at"])) == ("successful", True)
        assert [line["stage"] for line in seen[-1]["log"]][:2] == ["finished", "dataset_published"]
        assert seen[-1]["log"][-1]["stage"] == "started"
        assert len(admin.rows(stops)) == 2
        assert dsmapi.show(task_set)["resource"] == seen[-1]

    def test_the_revision_shows_its_task_sets(self, dsmapi, admin, stops):
        admin.settings(apply_looks=0)
        revision = dsmapi.open(stops)
        dsmapi.upload(revision)
        task_set = dsmapi.apply(revision)["resource"]
        assert (task_set["status"], bool(task_set["finished_at"])) == ("successful", True)
        assert dsmapi.show(revision)["resource"]["task_sets"] == [task_set]

    def test_looks_at_the_revision_move_it_too(self, dsmapi, stops):
        revision = dsmapi.open(stops)
        dsmapi.upload(revision)
        dsmapi.apply(revision)
        statuses = [dsmapi.show(revision)["resource"]["task_sets"][0]["status"] for _ in range(2)]
        assert statuses == ["upserting", "successful"]

    def test_it_may_end_by_itself(self, dsmapi, admin, stops):
        admin.settings(apply_seconds=60)
        revision = dsmapi.open(stops, "replace")
        dsmapi.upload(revision)
        dsmapi.apply(revision)
        admin.advance(50)
        assert len(admin.rows(stops)) == 3
        admin.advance(20)
        assert len(admin.rows(stops)) == 2
        assert admin.revisions(stops)[0]["task_sets"][0]["status"] == "successful"

    def test_counts_may_be_missing(self, dsmapi, admin, stops):
        admin.settings(apply_log_counts=False)
        _, task_set = dsmapi.run(stops, "update", TYPED)
        [line] = [line for line in task_set["log"] if line["stage"] == "upsert_complete"]
        assert line["details"] is None

    @pytest.mark.parametrize(
        "body", [{}, {"output_schema_id": None}, {"named": True}, {"resource": {"id": 0}}]
    )
    def test_forms_of_the_call(self, dsmapi, admin, stops, body):
        revision = dsmapi.open(stops, "replace")
        source = dsmapi.upload(revision)
        schema = dsmapi.output(source)["resource"]["id"]
        if "named" in body:
            body = {"output_schema_id": schema}
        assert dsmapi.finish(revision, **body)["output_schema_id"] == schema
        assert len(admin.rows(stops)) == 2

    def test_readers_see_all_or_nothing(self, api, dsmapi, admin):
        rows = [{"a": str(i), "b": "old"} for i in range(500)]
        dataset = admin.create_dataset(columns=["a", "b"], rows=rows)["id"]
        revision = dsmapi.open(dataset, "replace")
        dsmapi.upload(revision, b"a,b\n" + b"".join(b"%d,new\n" % i for i in range(20_000)))
        seen, stop = set(), threading.Event()

        def read():
            while not stop.is_set():
                found = api.rows(dataset, **{"$select": "b,count(*)", "$group": "b"})
                seen.add(tuple((row["b"], row["count"]) for row in found))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            assert dsmapi.finish(revision)["status"] == "successful"
        finally:
            stop.set()
            reader.join()
        assert seen <= {(("old", "500"),), (("new", "20000"),)}


class TestRefusals:
    def test_apply_twice(self, dsmapi, stops):
        revision = dsmapi.open(stops)
        dsmapi.upload(revision)
        task_set = dsmapi.apply(revision)
        path = revision["links"]["apply"]
        refusal = dsmapi.refused("PUT", path, 409, "apply_in_progress", json={})
        assert refusal["params"] == {"task_set_id": task_set["resource"]["id"]}
        dsmapi.refused("DELETE", revision["links"]["discard"], 409, "apply_in_progress")
        for _ in range(2):
            dsmapi.show(task_set)
        dsmapi.refused("PUT", path, 409, "revision_closed", json={})

    def test_an_open_working_copy(self, api, dsmapi, admin, stops):
        copy = api.open_copy(stops)
        revision = dsmapi.open(stops, "replace")
        dsmapi.upload(revision)
        path = revision["links"]["apply"]
        refusal = dsmapi.refused("PUT", path, 409, "working_copy_open", json={})
        assert refusal["params"] == {"working_copy": copy}
        admin.settings(apply_with_open_copy="proceed")
        assert dsmapi.finish(revision)["status"] == "successful"
        assert (len(admin.rows(stops)), len(admin.rows(copy))) == (2, 3)

    def test_somebody_elses_schema(self, dsmapi, stops):
        first, second = dsmapi.open(stops), dsmapi.open(stops)
        schema = dsmapi.output(dsmapi.upload(first))["resource"]["id"]
        body = {"output_schema_id": schema}
        dsmapi.refused("PUT", second["links"]["apply"], 404, "not_found", json=body)

    def test_other_revisions_stay_open(self, dsmapi, admin, stops):
        dsmapi.open(stops)
        dsmapi.run(stops, "update", TYPED)
        assert [each["open"] for each in admin.revisions(stops)] == [False, True]


class TestFailures:
    def test_a_failed_task_set_changes_nothing_and_leaves_the_revision_open(self, dsmapi, admin, stops):
        before = admin.rows(stops)
        admin.add_fault("apply_failure", stage="finishing", message="The store is full")
        revision = dsmapi.open(stops, "replace", metadata={"name": "N"})
        dsmapi.upload(revision)
        task_set = dsmapi.finish(revision)
        assert (task_set["status"], bool(task_set["finished_at"])) == ("failure", True)
        assert task_set["log"][0]["details"] == {"stage": "finishing", "message": "The store is full"}
        assert admin.rows(stops) == before
        assert admin.datasets()[0]["name"] == "Stops"
        assert dsmapi.finish(revision)["status"] == "successful"
        told = [each["status"] for each in dsmapi.show(revision)["resource"]["task_sets"]]
        assert told == ["successful", "failure"]

    def test_one_that_had_failed_in_the_reply(self, dsmapi, admin, stops):
        admin.add_fault("job_already_failed", message="No")
        revision = dsmapi.open(stops, "replace")
        dsmapi.upload(revision)
        task_set = dsmapi.apply(revision)["resource"]
        assert (task_set["status"], bool(task_set["finished_at"])) == ("failure", True)

    def test_one_that_is_stuck(self, dsmapi, admin, stops):
        admin.add_fault("stuck_upserting")
        revision = dsmapi.open(stops, "replace")
        dsmapi.upload(revision)
        task_set = dsmapi.apply(revision)
        assert {dsmapi.show(task_set)["resource"]["status"] for _ in range(9)} == {"upserting"}
        assert admin.finish_jobs() == 0
        assert admin.finish_apply(stops, 0, "Killed") == "failure"
        admin.add_fault("stuck_upserting")
        dsmapi.apply(revision)
        assert admin.finish_apply(stops, 0) == "successful"
        assert len(admin.rows(stops)) == 2
        with pytest.raises(ValueError, match="not being applied"):
            admin.finish_apply(stops, 0)

    def test_finish_jobs_ends_task_sets(self, dsmapi, admin, stops):
        revision = dsmapi.open(stops, "replace")
        dsmapi.upload(revision)
        dsmapi.apply(revision)
        assert admin.finish_jobs(stops) == 1
        assert len(admin.rows(stops)) == 2

    def test_a_transform_that_failed_is_not_applied(self, dsmapi, admin, stops):
        admin.add_fault("transform_failure", message="Out of memory")
        revision = dsmapi.open(stops)
        source = dsmapi.upload(revision)
        first = dsmapi.output(source)["resource"]["output_columns"][0]["transform"]
        assert first["failed_at"]
        assert first["failure_details"] == {"message": "Out of memory", "type": "internal_error"}
        path = revision["links"]["apply"]
        dsmapi.refused("PUT", path, 422, "transform_failed", json={})
        dsmapi.transform(source, [column("stop_id", "`stop_id`", is_primary_key=True)])
        assert dsmapi.finish(revision)["status"] == "successful"

    def test_a_lost_reply_has_started_it(self, dsmapi, admin, stops):
        revision = dsmapi.open(stops, "replace")
        dsmapi.upload(revision)
        admin.add_fault("lost_reply", "PUT", "/apply$")
        with pytest.raises(requests.ConnectionError):
            dsmapi.apply(revision)
        assert len(dsmapi.show(revision)["resource"]["task_sets"]) == 1

    def test_a_dataset_that_is_gone(self, api, dsmapi, stops):
        revision = dsmapi.open(stops)
        assert api.delete(f"/api/views/{stops}").status_code == 200
        dsmapi.refused("PUT", revision["links"]["apply"], 404, "not_found", json={})

    def test_readers_may_lag(self, api, dsmapi, admin, stops):
        admin.settings(replica_manual=True)
        dsmapi.run(stops, "replace", TYPED)
        assert (api.count(stops), admin.state(stops)["rows"]) == (3, 2)
        admin.replicate()
        assert api.count(stops) == 2
