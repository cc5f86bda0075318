"""Copy, publish and discard, as far as public evidence tells; what is inferred is switchable."""

from __future__ import annotations

import threading

import pytest
import requests


def view(api, dataset):
    reply = api.get(f"/api/views/{dataset}.json")
    return reply.json() if reply.status_code == 200 else reply.status_code


class TestCopy:
    def test_copy_has_its_own_id_rows_and_columns(self, api, admin, stops):
        before = view(api, stops)
        made = api.post(f"/api/views/{stops}/publication.json?method=copy").json()
        assert made["id"] != stops
        assert made["publicationStage"] == "unpublished"
        assert made["publishedViewUid"] == stops
        assert made["publicationGroup"] == before["publicationGroup"]
        assert made["tableId"] != before["tableId"]
        assert "publicationDate" not in made
        assert made["rowsUpdatedAt"] == before["rowsUpdatedAt"]
        # Column ids change from copy to copy, field names and table column ids stay.
        for old, new in zip(before["columns"], made["columns"], strict=True):
            assert (old["fieldName"], old["tableColumnId"]) == (new["fieldName"], new["tableColumnId"])
            assert old["id"] != new["id"]
        assert api.rows(made["id"], **{"$order": "stop_id"}) == api.rows(stops, **{"$order": "stop_id"})

    def test_copied_rows_keep_their_ids(self, api, stops):
        copy = api.open_copy(stops)
        params = {"$select": ":id,:created_at,stop_id", "$order": "stop_id"}
        assert api.rows(copy, **params) == api.rows(stops, **params)

    def test_copy_schema_has_no_rows(self, api, stops):
        copy = api.open_copy(stops, "copySchema")
        assert api.count(copy) == 0
        assert [c["fieldName"] for c in view(api, copy)["columns"]] == ["stop_id", "name", "riders"]
        assert api.count(stops) == 3

    @pytest.mark.parametrize("body", [None, "{}", "method=copy"])
    def test_body_of_the_call_does_not_matter(self, api, stops, body):
        reply = api.post(
            f"/api/views/{stops}/publication?method=copy",
            data=body,
            headers={"Content-Type": "application/json"},
        )
        assert reply.status_code == 200

    def test_author_is_who_made_it_owner_is_the_datasets(self, admin, stops):
        made = admin.open_working_copy_as("person", stops)
        assert made["tableAuthor"]["id"] == admin.info()["users"]["person"]["id"]
        assert made["owner"]["id"] == admin.info()["users"]["publisher"]["id"]

    def test_copy_inherits_private_metadata_by_default(self, api, admin, stops):
        api.put(
            f"/api/views/{stops}",
            json={"privateMetadata": {"mark": "1"}, "metadata": {"custom_fields": {"a": {}}}},
        )
        copy = view(api, api.open_copy(stops))
        assert copy["privateMetadata"] == {"mark": "1"}
        assert copy["metadata"]["custom_fields"] == {"a": {}}
        api.delete(f"/api/views/{copy['id']}")
        admin.settings(copy_inherits_private_metadata=False)
        assert view(api, api.open_copy(stops))["privateMetadata"] == {}

    def test_second_copy_returns_the_first(self, api, admin, stops):
        first = api.open_copy(stops)
        api.upsert(first, [{"stop_id": "new"}])
        assert api.open_copy(stops) == first
        assert api.open_copy(stops, "copySchema") == first
        assert api.count(first) == 4
        admin.settings(existing_copy="conflict")
        reply = api.post(f"/api/views/{stops}/publication.json?method=copy")
        assert reply.status_code == 409
        assert reply.json()["errorCode"] == "soda.dataset.incorrect-lifecycle-stage"
        assert reply.json()["data"] == {"actual": "unpublished", "expected": ["published"]}

    def test_only_published_datasets_can_be_copied(self, api, admin, stops):
        draft = admin.create_dataset("drft-2222", "D", ["a"], published=False)["id"]
        for dataset in (draft, api.open_copy(stops)):
            reply = api.post(f"/api/views/{dataset}/publication.json?method=copy")
            assert (reply.status_code, reply.json()["data"]["actual"]) == (409, "unpublished")
        filtered = admin.create_derived(stops)["id"]
        reply = api.post(f"/api/views/{filtered}/publication.json?method=copy")
        assert reply.status_code == 400
        assert stops in reply.json()["message"]

    @pytest.mark.parametrize(("offered", "works"), [("copySchema", {"copySchema"}), ("none", set())])
    def test_copy_that_a_portal_does_not_offer(self, api, admin, stops, offered, works):
        admin.settings(copy_methods=offered)
        for method in ("copy", "copySchema"):
            reply = api.post(f"/api/views/{stops}/publication.json?method={method}")
            assert (reply.status_code == 200) is (method in works)
            if method not in works:
                assert reply.json()["message"] == f"Unsupported method: {method}"

    def test_many_copies_at_once_make_one(self, api, admin, stops):
        found = []
        threads = [threading.Thread(target=lambda: found.append(api.open_copy(stops))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 6
        assert len(set(found)) == 1
        assert len(admin.state(stops)["copies"]) == 2


class TestPublish:
    def test_first_publish_keeps_the_id(self, api, admin):
        draft = admin.create_dataset("drft-2222", "D", ["a"], rows=[{"a": "x"}], published=False)["id"]
        done = api.publish(draft)
        assert done.status_code == 200
        assert done.json()["id"] == draft
        assert done.json()["publicationStage"] == "published"
        assert isinstance(done.json()["publicationDate"], int)

    def test_later_publish_keeps_the_published_id_and_swaps_the_rows(self, api, admin, stops):
        copy = api.open_copy(stops, "copySchema")
        api.upsert(copy, [{"stop_id": "n", "riders": 1}])
        assert api.count(stops) == 3
        admin.advance(100)
        before = view(api, stops)
        done = api.publish(copy).json()
        assert done["id"] == stops
        assert done["publicationDate"] >= before["publicationDate"] + 100
        assert admin.rows(stops) == [{"stop_id": "n", "riders": "1"}]
        # New back end: the working copy's id is gone, nothing of the old data stays.
        assert view(api, copy) == 404
        assert api.get(f"/resource/{copy}.json").status_code == 404
        assert [each["stage"] for each in admin.state(stops)["copies"]] == ["published"]

    def test_old_back_end_keeps_a_snapshot_under_the_copys_id(self, api, admin):
        admin.create_dataset("oldd-2222", "Old", ["a"], rows=[{"a": "old"}], backend="old")
        copy = api.open_copy("oldd-2222", "copySchema")
        api.upsert(copy, [{"a": "new"}])
        assert api.publish(copy).json()["id"] == "oldd-2222"
        assert view(api, copy)["publicationStage"] == "snapshotted"
        assert api.rows(copy) == [{"a": "old"}]
        assert api.rows("oldd-2222") == [{"a": "new"}]
        assert api.upsert(copy, [{"a": "x"}]).status_code == 400
        assert api.delete(f"/api/views/{copy}").status_code == 200
        assert api.rows("oldd-2222") == [{"a": "new"}]

    def test_audience_attachments_and_metadata_stay(self, api, admin, anonymous, stops):
        admin.add_file(stops, "notes.txt", "hello")
        copy = api.open_copy(stops)
        api.publish(copy)
        after = anonymous.get(f"/api/views/{stops}.json").json()
        assert after["grants"][0]["flags"] == ["public"]
        assert after["metadata"]["attachments"][0]["filename"] == "notes.txt"

    def test_private_dataset_stays_private(self, api, admin, anonymous):
        admin.create_dataset("priv-2222", "P", ["a"], permission="private")
        api.publish(api.open_copy("priv-2222"))
        assert anonymous.get("/api/views/priv-2222.json").status_code == 403

    def test_metadata_of_the_copy_becomes_the_published_views(self, api, admin, stops):
        copy = api.open_copy(stops)
        api.put(f"/api/views/{copy}", json={"name": "Renamed", "privateMetadata": {"by": "run 7"}})
        assert view(api, stops)["name"] == "Stops"
        api.publish(copy)
        assert view(api, stops)["name"] == "Renamed"
        assert view(api, stops)["privateMetadata"] == {"by": "run 7"}

    def test_metadata_can_stay_the_published_views_by_switch(self, api, admin, stops):
        admin.settings(publish_takes_metadata=False, private_metadata_survives_publish=False)
        copy = api.open_copy(stops)
        api.put(f"/api/views/{copy}", json={"name": "Renamed", "privateMetadata": {"by": "run 7"}})
        api.publish(copy)
        assert (view(api, stops)["name"], view(api, stops)["privateMetadata"]) == ("Stops", {})

    def test_publishing_a_published_view_is_refused(self, api, stops):
        reply = api.publish(stops)
        assert reply.status_code == 400
        assert reply.json()["message"] == "Only unpublished datasets can be published."
        assert reply.json()["error"] is True

    def test_missing_right_is_403(self, api, viewer, anonymous, stops):
        copy = api.open_copy(stops)
        assert viewer.publish(copy).json()["code"] == "permission_denied"
        assert anonymous.publish(copy).json()["message"] == "You must be logged in to access this resource"

    def test_row_writes_do_not_touch_the_publication_date(self, api, admin, stops):
        before = view(api, stops)
        admin.advance(50)
        api.upsert(stops, [{"stop_id": "a", "riders": 1}])
        after = view(api, stops)
        assert after["publicationDate"] == before["publicationDate"]
        assert after["rowsUpdatedAt"] >= before["rowsUpdatedAt"] + 50
        assert after["viewLastModified"] == before["viewLastModified"]


class TestDiscard:
    def test_discard_leaves_the_published_view(self, api, admin, stops):
        copy = api.open_copy(stops)
        api.put(f"/resource/{copy}.json", json=[])
        reply = api.delete(f"/api/views/{copy}.json")
        assert (reply.status_code, reply.content) == (200, b"")
        assert view(api, copy) == 404
        assert api.count(stops) == 3
        assert api.open_copy(stops) != copy

    def test_deleting_a_published_id_destroys_the_dataset(self, api, admin, stops):
        copy = api.open_copy(stops)
        assert api.delete(f"/api/views/{stops}").status_code == 200
        assert view(api, stops) == view(api, copy) == 404

    def test_discard_is_refused_while_publish_is_queued(self, api, admin, stops):
        copy = api.open_copy(stops)
        admin.add_fault("publish_queued", "POST", copy)
        assert api.publish(copy).status_code == 202
        assert api.delete(f"/api/views/{copy}").status_code == 409
        admin.settings(discard_while_publishing="allow")
        assert api.delete(f"/api/views/{copy}").status_code == 200
        assert admin.finish_jobs() == 0
        assert api.count(stops) == 3


class TestFind:
    def test_group_lists_the_copies_by_stage(self, api, admin, stops):
        copy = api.open_copy(stops)
        path = f"/api/views/{stops}.json?method=getLensPublicationGroup"
        assert [each["id"] for each in api.get(path + "&stage=unpublished").json()] == [copy]
        assert [each["id"] for each in api.get(path + "&stage=published").json()] == [stops]
        # Asked by the copy's id it is the same group.
        path = f"/api/views/{copy}.json?method=getLensPublicationGroup&stage=published"
        assert [each["id"] for each in api.get(path).json()] == [stops]
        admin.settings(group_form="single")
        assert api.get(path).json()["id"] == stops

    def test_strangers_do_not_see_drafts(self, api, anonymous, viewer, stops):
        copy = api.open_copy(stops)
        path = f"/api/views/{stops}.json?method=getLensPublicationGroup&stage=unpublished"
        assert anonymous.get(path).json() == []
        assert viewer.get(f"/api/views/{copy}").status_code == 403

    def test_get_by_ids(self, api, admin, stops):
        admin.create_dataset("othr-2222", "O", ["a"])
        found = api.get("/api/views?method=getByIds&ids=stop-2222&ids=othr-2222&ids=none-2222").json()
        assert {each["id"] for each in found} == {"stop-2222", "othr-2222"}


class Test202:
    """Long copies and publications: every form, every way of asking again."""

    @pytest.mark.parametrize("form", ["ticket", "details", "status", "location"])
    def test_forms(self, api, admin, stops, form):
        admin.add_fault("accepted", "POST", "publication", form=form, calls=1, retry_after=3)
        reply = api.post(f"/api/views/{stops}/publication.json?method=copy")
        assert reply.status_code == 202
        body = reply.json()
        if form in {"ticket", "details"}:
            assert (body["code"], body["error"]) == ("accepted", False)
            assert ("details" in body) is (form == "details")
        elif form == "status":
            assert set(body) == {"createdAt", "requestId", "status", "uid"}
            assert body["status"]
        else:
            assert reply.headers["Location"].startswith(f"/api/views/{stops}/publication.json?ticket=")
        assert reply.headers["Retry-After"] == "3"
        assert admin.state(stops)["copies"][0]["id"] == stops
        assert len(admin.state(stops)["copies"]) == 1
        done = api.post(f"/api/views/{stops}/publication.json?method=copy")
        assert done.status_code == 200
        assert done.json()["publishedViewUid"] == stops
        assert len(admin.state(stops)["copies"]) == 2

    def test_ticket_is_asked_with_get(self, api, admin, stops):
        copy = api.open_copy(stops)
        admin.add_fault("accepted", path="publication", form="ticket", calls=2)
        ticket = api.publish(copy).json()["ticket"]
        assert api.get(f"/api/views/{copy}/publication.json?ticket={ticket}").status_code == 202
        done = api.get(f"/api/imports2.json?ticket={ticket}")
        assert (done.status_code, done.json()["id"]) == (200, stops)
        assert api.get(f"/api/imports2.json?ticket={ticket}").status_code == 404

    def test_ticket_can_be_kept_after_its_end(self, api, admin, stops):
        admin.settings(ticket_after_end="kept")
        admin.add_fault("accepted", path="publication", calls=1)
        ticket = api.post(f"/api/views/{stops}/publication.json?method=copy").json()["ticket"]
        ends = [api.get(f"/api/imports2.json?ticket={ticket}").json()["id"] for _ in range(3)]
        assert ends == [admin.state(stops)["copies"][1]["id"]] * 3
        # A call that starts anew is no longer joined with it.
        api.delete(f"/api/views/{ends[0]}")
        assert api.open_copy(stops) != ends[0]

    def test_location_is_followed(self, api, admin, stops):
        admin.add_fault("accepted", path="publication", form="location", calls=1)
        where = api.post(f"/api/views/{stops}/publication.json?method=copySchema").headers["Location"]
        assert api.get(where).json()["publishedViewUid"] == stops

    def test_repeating_the_call_joins_the_running_job(self, api, admin, stops):
        admin.add_fault("accepted", path="publication", times=None, calls=3)
        tickets = {
            api.post(f"/api/views/{stops}/publication.json?method=copy").json()["ticket"] for _ in range(3)
        }
        assert len(tickets) == 1
        assert api.post(f"/api/views/{stops}/publication.json?method=copy").status_code == 200
        assert len(admin.state(stops)["copies"]) == 2

    def test_job_ends_by_the_portals_clock(self, api, admin, stops):
        copy = api.open_copy(stops)
        admin.add_fault("accepted", path="publication", seconds=60)
        assert api.publish(copy).status_code == 202
        assert api.publish(copy).status_code == 202
        admin.advance(61)
        # Nobody has asked, and it is done all the same.
        assert view(api, copy) == 404
        assert admin.state(stops)["jobs"] == []
        assert api.publish(copy).json()["id"] == stops

    def test_queued_publish_changes_nothing_until_it_runs(self, api, admin, stops):
        copy = api.open_copy(stops, "copySchema")
        admin.add_fault("publish_queued", path="publication")
        for _ in range(4):
            assert api.publish(copy).status_code == 202
        assert api.count(stops) == 3
        assert view(api, copy)["publicationStage"] == "unpublished"
        assert [job["kind"] for job in admin.state(stops)["jobs"]] == ["publish"]
        assert admin.finish_jobs(stops) == 1
        assert api.count(stops) == 0

    def test_failed_publish_stays_unpublished_and_can_be_tried_again(self, api, admin, stops):
        copy = api.open_copy(stops, "copySchema")
        admin.add_fault("publish_fails", path="publication", calls=1, message="disk full")
        assert api.publish(copy).status_code == 202
        failed = api.publish(copy)
        assert (failed.status_code, failed.json()["message"]) == (500, "disk full")
        assert view(api, copy)["publicationStage"] == "unpublished"
        assert api.count(stops) == 3
        assert api.publish(copy).status_code == 200


class TestApproval:
    def test_publish_waits_and_is_approved(self, api, admin, stops):
        admin.settings(approvals=True)
        copy = api.open_copy(stops, "copySchema")
        reply = api.publish(copy)
        assert reply.status_code == 200
        assert (reply.json()["id"], reply.json()["publicationStage"]) == (copy, "unpublished")
        assert reply.json()["approvals"][-1]["state"] == "pending"
        api.publish(copy)
        assert len(view(api, copy)["approvals"]) == 1
        admin.approve(stops)
        assert view(api, copy) == 404
        assert view(api, stops)["approvals"][-1]["state"] == "approved"
        assert api.count(stops) == 0

    def test_publish_is_rejected(self, api, admin, stops):
        copy = api.open_copy(stops, "copySchema")
        admin.add_fault("approval", "POST", "publication")
        api.publish(copy)
        admin.reject(copy)
        assert view(api, copy)["approvals"][-1]["state"] == "rejected"
        assert api.count(stops) == 3
        with pytest.raises(ValueError, match="waits for approval"):
            admin.approve(stops)

    def test_waiting_publish_is_withdrawn_by_discard(self, api, admin, stops):
        admin.settings(approvals=True, approval_reply="accepted")
        copy = api.open_copy(stops)
        assert api.publish(copy).status_code == 202
        assert api.delete(f"/api/views/{copy}").status_code == 200
        assert admin.state(stops)["jobs"] == []


class TestPending:
    def test_geocoding_blocks_copy_and_publish(self, api, admin, stops):
        copy = api.open_copy(stops)
        admin.pending_geocoding(stops, view=3, total=12, step=2)
        assert api.publish(copy).status_code == 400
        assert "eocoding" in api.post(f"/api/views/{stops}/publication.json?method=copy").json()["message"]
        seen = [api.get(f"/api/geocoding/{copy}?method=pending").json() for _ in range(3)]
        assert seen == [{"total": 12, "view": 3}, {"total": 10, "view": 1}, {"total": 8, "view": 0}]
        assert api.publish(copy).status_code == 200

    def test_feedback_in_progress(self, api, admin, stops):
        admin.add_fault("feedback", path="publication")
        reply = api.post(f"/api/views/{stops}/publication.json?method=copy")
        assert reply.json()["errorCode"] == "soda.dataset.feedback-in-progress"
        assert reply.status_code == 409

    def test_migrations_know_no_twin(self, api, stops):
        assert api.get(f"/api/migrations/{stops}").status_code == 404


class TestLock:
    def test_one_writer_at_a_time(self, api, admin, stops):
        """While a batch is not committed, a publish of that dataset waits, then gives up; others do not."""
        admin.create_dataset("othr-2222", "O", ["a"])
        copy = api.open_copy(stops)
        hold = admin.hold("POST", f"/resource/{copy}", "before_commit")
        admin.settings(write_lock_seconds=0.05)
        replies = []
        writer = threading.Thread(target=lambda: replies.append(api.upsert(copy, [{"stop_id": "z"}])))
        writer.start()
        admin.wait_held(hold)
        refused = requests.post(
            f"{api.url}/api/views/{copy}/publication.json", auth=api.session.auth, timeout=30
        )
        assert refused.status_code == 409
        assert refused.json()["errorCode"] == "soda.dataset.cannot-acquire-write-lock"
        row_write = requests.post(
            f"{api.url}/resource/{copy}.json", json=[], auth=api.session.auth, timeout=30
        )
        assert row_write.status_code == 409
        assert (
            requests.post(
                f"{api.url}/resource/othr-2222.json", json=[{"a": "1"}], auth=api.session.auth, timeout=30
            ).status_code
            == 200
        )
        # Readers are not kept waiting and see what was committed.
        assert api.count(copy) == 3
        admin.release(hold)
        writer.join()
        assert replies[0].json()["Rows Created"] == 1
        assert api.count(copy) == 4
        assert api.publish(copy).status_code == 200
