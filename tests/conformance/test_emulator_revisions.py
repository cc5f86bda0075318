"""Revisions: open, read, change, discard, plan, attach; who may; drafts that go by themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from conformance.publishing import BASE, CSV, Publishing


@pytest.fixture
def dsmapi(api):
    return Publishing(api)


class TestOpen:
    def test_a_new_dataset_is_a_draft_with_revision_0(self, api, dsmapi):
        revision = dsmapi.open(metadata={"name": "Roads", "description": "All of them"})
        resource = revision["resource"]
        assert (resource["revision_seq"], resource["closed_at"], resource["task_sets"]) == (0, None, [])
        assert resource["metadata"]["description"] == "All of them"
        assert resource["created_by"]["email"] == "publisher@example.gov"
        assert resource["creation_source"] == "api"
        view = api.get(f"/api/views/{resource['fourfour']}").json()
        assert (view["displayType"], view["publicationStage"]) == ("draft", "unpublished")
        assert (view["name"], view["columns"], view["id"]) == ("Roads", [], resource["fourfour"])

    def test_a_new_dataset_needs_a_name(self, dsmapi, admin):
        for metadata in ({}, {"name": " "}, {"name": 1}, None):
            body = {"metadata": metadata, "action": {"type": "update"}}
            refusal = dsmapi.refused("POST", f"{BASE}/revision", 422, "validation_failed", json=body)
            assert refusal["params"]["details"]["name"] == "can't be blank"
        assert admin.datasets() == []

    def test_a_refused_new_dataset_leaves_no_draft(self, dsmapi, admin):
        body = {"metadata": {"name": "x"}, "action": {"type": "paint"}}
        dsmapi.refused("POST", f"{BASE}/revision", 422, "validation_failed", json=body)
        assert admin.datasets() == []

    def test_numbers_are_dense_and_many_may_be_open(self, dsmapi, stops):
        made = [dsmapi.open(stops, action) for action in ("update", "replace", "delete")]
        assert [each["resource"]["revision_seq"] for each in made] == [0, 1, 2]
        assert [each["resource"]["action"]["type"] for each in made] == ["update", "replace", "delete"]
        dsmapi.call("DELETE", made[2]["links"]["discard"], 202)
        assert dsmapi.open(stops)["resource"]["revision_seq"] == 3

    def test_it_shows_the_views_metadata_with_what_was_sent_over_it(self, api, dsmapi, stops):
        changes = {"tags": ["bus"], "description": "d", "privateMetadata": {"mark": "1"}}
        api.put(f"/api/views/{stops}", json=changes | {"metadata": {"custom_fields": {"a": {"b": "c"}}}})
        shown = dsmapi.open(stops, metadata={"description": "new"})["resource"]["metadata"]
        assert (shown["name"], shown["description"], shown["tags"]) == ("Stops", "new", ["bus"])
        assert shown["privateMetadata"] == {"mark": "1"}
        assert shown["metadata"] == {"custom_fields": {"a": {"b": "c"}}}
        assert shown["licenseId"] is None

    def test_private_metadata_of_the_body_is_kept_or_dropped(self, dsmapi, admin, stops):
        sent = {"privateMetadata": {"owner_run": "7"}}
        assert dsmapi.open(stops, metadata=sent)["resource"]["metadata"]["privateMetadata"] == {
            "owner_run": "7"
        }
        admin.settings(revision_private_metadata=False)
        assert dsmapi.open(stops, metadata=sent)["resource"]["metadata"]["privateMetadata"] == {}

    @pytest.mark.parametrize("key", ["output_schema_id", "blob_id"])
    def test_what_may_not_be_set_at_once(self, dsmapi, stops, key):
        body = {"action": {"type": "update"}, key: 7}
        dsmapi.refused("POST", f"{BASE}/revision/{stops}", 422, "validation_failed", json=body)

    @pytest.mark.parametrize("body", [{"action": {"type": "paint"}}, {"action": {"permission": "all"}}])
    def test_unknown_action_or_permission(self, dsmapi, stops, body):
        dsmapi.refused("POST", f"{BASE}/revision/{stops}", 422, "validation_failed", json=body)

    @pytest.mark.parametrize("data", [b"{nope", b"[]", b'"x"'])
    def test_a_body_that_is_no_object(self, dsmapi, stops, data):
        dsmapi.refused("POST", f"{BASE}/revision/{stops}", 400, "bad_request", data=data)

    def test_a_working_copy_has_no_revisions(self, api, dsmapi, stops):
        copy = api.open_copy(stops)
        dsmapi.refused("POST", f"{BASE}/revision/{copy}", 422, "not_a_dataset", json={})


class TestWho:
    def test_errors_of_the_view_side_have_this_services_form(self, viewer, anonymous, dsmapi, stops):
        for who in (viewer, anonymous):
            Publishing(who).call("POST", f"{BASE}/revision/{stops}", 403, json={})
            Publishing(who).call("POST", f"{BASE}/revision", 403, json={"metadata": {"name": "x"}})
        body = Publishing(viewer).call("GET", f"{BASE}/revision/{stops}", 403)
        assert set(body) == {"message", "key", "params"}
        dsmapi.refused("GET", f"{BASE}/revision/none-such", 404, "not_found")

    def test_without_the_right_on_this_dataset(self, dsmapi, admin, stops):
        admin.set_rights(stops, "publisher", ["read"])
        dsmapi.refused("POST", f"{BASE}/revision/{stops}", 403, "permission_denied", json={})

    def test_created_by_is_who_signed_in(self, dsmapi, admin, stops):
        assert admin.open_revision_as("person", stops, "update", metadata={"name": "P"}) == 0
        found = dsmapi.call("GET", f"{BASE}/revision/{stops}/0", 200)["resource"]
        assert found["created_by"]["email"] == "person@example.gov"
        assert found["metadata"]["name"] == "P"
        [told] = admin.revisions(stops)
        assert (told["created_by"], told["open"], told["action"]) == ("person", True, "update")

    def test_a_source_without_revision_is_its_makers_alone(self, dsmapi, portal):
        body = {"source_type": {"type": "upload", "filename": "x.csv"}}
        source = dsmapi.call("POST", f"{BASE}/source", 201, json=body)
        dsmapi.show(source)
        from conformance.conftest import Api

        other = Publishing(Api(portal.url, ("person-key", "person-secret")))
        other.refused("GET", source["links"]["show"], 404, "not_found")


class TestReadAndChange:
    def test_listing_newest_first_open_or_closed(self, dsmapi, stops):
        made = [dsmapi.open(stops) for _ in range(3)]
        dsmapi.call("DELETE", made[1]["links"]["discard"], 202)

        def seqs(query=""):
            found = dsmapi.call("GET", f"{BASE}/revision/{stops}{query}", 200)
            return [each["resource"]["revision_seq"] for each in found]

        assert (seqs(), seqs("?open=true"), seqs("?open=false")) == ([2, 1, 0], [2, 0], [1])

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_changes_merge(self, dsmapi, stops, method):
        revision = dsmapi.open(stops, metadata={"description": "one", "category": "Traffic"})
        path = revision["links"]["update"]
        dsmapi.call(method, path, 202, json={"metadata": {"description": "two"}})
        dsmapi.call(method, path, 202, json={"action": {"permission": "private"}})
        found = dsmapi.show(revision)["resource"]
        assert (found["metadata"]["description"], found["metadata"]["category"]) == ("two", "Traffic")
        assert found["action"] == {"type": "update", "schema": None, "permission": "private"}

    def test_nothing_is_changed_when_a_part_is_refused(self, dsmapi, stops):
        revision = dsmapi.open(stops)
        body = {"metadata": {"description": "two"}, "output_schema_id": 12345}
        dsmapi.refused("PUT", revision["links"]["update"], 404, "not_found", json=body)
        assert dsmapi.show(revision)["resource"]["metadata"]["description"] is None

    def test_an_output_schema_of_another_revision_is_refused(self, dsmapi, stops):
        first, second = dsmapi.open(stops), dsmapi.open(stops)
        dsmapi.upload(first)
        schema = dsmapi.show(first)["resource"]["output_schema_id"]
        body = {"output_schema_id": schema}
        dsmapi.refused("PUT", second["links"]["update"], 404, "not_found", json=body)
        dsmapi.call("PUT", first["links"]["update"], 202, json=body)

    def test_a_bad_address_is_named(self, dsmapi, stops):
        revision = dsmapi.open(stops)
        body = {"href": [{"title": "x", "urls": {"csv": "not an address"}}]}
        refusal = dsmapi.refused("PUT", revision["links"]["update"], 422, "invalid_href", json=body)
        assert refusal["params"]["href"] == ["not an address"]
        body = {"href": [{"title": "x", "urls": {"csv": "https://data.example.gov/x.csv"}}]}
        assert dsmapi.call("PUT", revision["links"]["update"], 202, json=body)["resource"]["href"]

    def test_notes_need_archiving(self, dsmapi, admin, stops):
        revision = dsmapi.open(stops)
        path = revision["links"]["update"]
        assert dsmapi.call("PUT", path, 202, json={"notes": "n"})["resource"]["notes"] is None
        admin.enroll_archival(stops)
        assert dsmapi.call("PUT", path, 202, json={"notes": "n"})["resource"]["notes"] == "n"

    def test_attachments(self, api, dsmapi, stops):
        revision = dsmapi.open(stops)
        path = f"{revision['links']['show']}/attachment"
        kept = dsmapi.call("POST", path, 200, data=b"notes", headers={"X-File-Name": "read%20me.txt"})
        assert kept["filename"] == "read me.txt"
        listed = [{"name": "Read me", "filename": "read me.txt", "asset_id": kept["file_id"]}]
        dsmapi.call("PUT", revision["links"]["update"], 202, json={"attachments": listed})
        assert dsmapi.finish(revision)["status"] == "successful"
        [shown] = api.get(f"/api/views/{stops}").json()["metadata"]["attachments"]
        assert api.get(f"/api/views/{stops}/files/{shown['assetId']}").content == b"notes"

    def test_plan(self, dsmapi, stops):
        revision = dsmapi.open(stops)

        def steps():
            plan = dsmapi.call("GET", revision["links"]["plan"], 200)
            return [step["type"] for step in plan["resource"]]

        assert "upsert_task" not in steps()
        dsmapi.upload(revision)
        assert steps()[0] == "prepare_draft_for_import"
        assert {"set_schema", "upsert_task"} < set(steps())
        assert "set_permission" not in steps()
        dsmapi.call("PUT", revision["links"]["update"], 202, json={"action": {"permission": "public"}})
        assert "set_permission" in steps()

    def test_schedules_are_kept(self, dsmapi, stops):
        path = f"{BASE}/schedule/{stops}"
        dsmapi.refused("GET", path, 404, "not_found")
        dsmapi.call("POST", path, 201, json={"cadence": {"cron": "0 6 * * *", "timezone": "UTC"}})
        dsmapi.call("PUT", path, 200, json={"paused": True})
        assert dsmapi.call("GET", path, 200)["resource"]["paused"] is True
        dsmapi.call("DELETE", path, 200)
        dsmapi.refused("GET", path, 404, "not_found")


class TestClosed:
    def test_a_discarded_revision_is_readable_and_nothing_else(self, dsmapi, stops):
        revision = dsmapi.open(stops)
        source = dsmapi.upload(revision)
        links = revision["links"]
        assert dsmapi.call("DELETE", links["discard"], 202)["resource"]["closed_at"]
        assert dsmapi.show(revision)["resource"]["closed_at"]
        new_source = {"source_type": {"type": "upload", "filename": "x.csv"}}
        schema = source["links"]["input_schema_links"]["transform"].format(
            input_schema_id=source["resource"]["schemas"][0]["id"]
        )
        for method, path, body in (
            ("PUT", links["update"], {"notes": "x"}),
            ("PUT", links["apply"], {}),
            ("POST", links["create_source"], new_source),
            ("POST", source["links"]["update"], {"parse_options": {}}),
            ("POST", source["links"]["initiate"], {"content_type": "text/csv"}),
            ("POST", schema, {"output_columns": []}),
        ):
            refusal = dsmapi.refused(method, path, 409, "revision_closed", json=body)
            assert refusal["params"] == {"fourfour": stops, "revision_seq": 0}

    def test_switches_of_a_closed_revision(self, dsmapi, admin, stops):
        revision = dsmapi.open(stops)
        dsmapi.call("DELETE", revision["links"]["discard"], 202)
        closed_at = dsmapi.call("DELETE", revision["links"]["discard"], 202)["resource"]["closed_at"]
        assert closed_at == dsmapi.show(revision)["resource"]["closed_at"]
        admin.settings(closed_revision_status=422, discard_closed_revision="refuse")
        dsmapi.refused("PUT", revision["links"]["apply"], 422, "revision_closed", json={})
        dsmapi.refused("DELETE", revision["links"]["discard"], 422, "revision_closed")

    def test_discarding_changes_no_row(self, dsmapi, admin, stops):
        before = admin.rows(stops)
        revision = dsmapi.open(stops, "replace")
        dsmapi.upload(revision)
        dsmapi.call("DELETE", revision["links"]["discard"], 202)
        assert admin.rows(stops) == before

    def test_somebody_closes_it_just_before_a_call(self, dsmapi, admin, stops):
        revision = dsmapi.open(stops)
        source = dsmapi.source(revision)
        dsmapi.initiate(source)
        dsmapi.chunk(source, 0, 0, CSV)
        admin.add_fault("revision_closed", "POST", "/commit$")
        dsmapi.commit(source, 0, len(CSV), 409)
        assert admin.revisions(stops)[0]["open"] is False

    def test_somebody_closes_it(self, dsmapi, admin, stops):
        revision = dsmapi.open(stops)
        admin.close_revision_as("person", stops, 0)
        dsmapi.refused("PUT", revision["links"]["apply"], 409, "revision_closed", json={})


class TestDrafts:
    def test_a_draft_goes_when_its_time_comes(self, api, dsmapi, admin):
        when = datetime.fromtimestamp(admin.info()["time"] + 600, UTC).isoformat()
        body = {"metadata": {"name": "Short"}, "action": {"type": "update"}}
        path = f"{BASE}/revision"
        made = dsmapi.call("POST", path, 201, json=body, params={"deleted_at": when})
        dataset = made["resource"]["fourfour"]
        admin.advance(500)
        assert api.get(f"/api/views/{dataset}").status_code == 200
        admin.advance(200)
        assert api.get(f"/api/views/{dataset}").status_code == 404
        dsmapi.refused("GET", made["links"]["show"], 404, "not_found")
        bad = {"deleted_at": "soon"}
        dsmapi.refused("POST", path, 400, "bad_request", json=body, params=bad)

    def test_an_applied_dataset_stays(self, api, dsmapi, admin):
        when = datetime.fromtimestamp(admin.info()["time"] + 600, UTC).replace(tzinfo=None).isoformat()
        body = {"metadata": {"name": "Long"}, "action": {"type": "update"}}
        made = dsmapi.call("POST", f"{BASE}/revision", 201, json=body, params={"deleted_at": when})
        dsmapi.upload(made)
        assert dsmapi.finish(made)["status"] == "successful"
        admin.advance(700)
        assert api.get(f"/api/views/{made['resource']['fourfour']}").status_code == 200

    def test_a_discarded_draft_is_deleted_by_its_4x4(self, api, dsmapi):
        made = dsmapi.open()
        dataset = made["resource"]["fourfour"]
        dsmapi.call("DELETE", made["links"]["discard"], 202)
        assert api.get(f"/api/views/{dataset}").json()["displayType"] == "draft"
        assert api.delete(f"/api/views/{dataset}").status_code == 200
        assert api.get(f"/api/views/{dataset}").status_code == 404


def test_reset_forgets_everything(dsmapi, admin, stops):
    revision = dsmapi.open(stops)
    source = dsmapi.upload(revision)
    config = {"name": "c", "data_action": "update"}
    dsmapi.call("POST", f"{BASE}/config", 201, json=config)
    admin.reset()
    dsmapi.refused("GET", source["links"]["show"], 404, "not_found")
    assert dsmapi.call("GET", f"{BASE}/config", 200) == []
    admin.create_dataset(stops, "Stops")
    assert dsmapi.call("GET", f"{BASE}/revision/{stops}", 200) == []
