"""New datasets."""

from __future__ import annotations

import datetime

import pytest
from conformance.socrata_py.steps import CSV, apply, upload
from socrata.http import UnexpectedResponseException


def test_create_a_dataset_from_a_file(socrata, portal, tmp_path):
    file = tmp_path / "stops.csv"
    file.write_bytes(CSV)
    with file.open("rb") as opened:
        revision, schema = socrata.create(name="Stops", description="All of them").csv(opened)
    dataset = revision.attributes["fourfour"]
    assert (revision.attributes["revision_seq"], revision.attributes["closed_at"]) == (0, None)
    assert schema.attributes["total_rows"] == 2
    draft = portal.view(dataset)
    assert (draft["displayType"], draft["publicationStage"]) == ("draft", "unpublished")
    assert revision.ui_url() == f"https://{portal.domain}/d/{dataset}/revisions/0"

    apply(revision, schema)
    view = portal.view(dataset)
    assert (view["id"], view["name"], view["description"]) == (dataset, "Stops", "All of them")
    assert (view["displayType"], view["publicationStage"]) == ("table", "published")
    assert portal.rows(dataset, **{"$order": "stop_id"}) == [
        {"stop_id": "a", "name": "Alder Street", "riders": "11"},
        {"stop_id": "c", "name": "Cedar", "riders": "30"},
    ]
    assert revision.show().attributes["closed_at"] is not None


def test_an_empty_revision_of_a_new_dataset(socrata, portal):
    revision = socrata.new({
        "name": "Stops",
        "tags": ["bus"],
        "metadata": {"custom_fields": {"a": {"b": "c"}}},
        "privateMetadata": {},
    })
    attributes = revision.attributes
    assert attributes["action"]["type"] == "update"
    assert attributes["metadata"]["name"] == "Stops"
    assert attributes["metadata"]["tags"] == ["bus"]
    assert attributes["metadata"]["metadata"]["custom_fields"] == {"a": {"b": "c"}}
    assert attributes["task_sets"] == []
    assert attributes["output_schema_id"] is None
    assert attributes["creation_source"] == "api"
    assert attributes["created_by"]["email"] == "publisher@example.gov"
    assert [each.attributes["id"] for each in socrata.views.lookup(revision.view_id()).revisions.list()] == [
        attributes["id"]
    ]


def test_a_draft_that_deletes_itself(socrata, portal):
    ends = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(hours=1)
    revision = socrata.new({"name": "Short-lived"}, ends)
    dataset = revision.view_id()
    assert portal.view(dataset)["displayType"] == "draft"
    portal.admin.advance(3601)
    with pytest.raises(UnexpectedResponseException) as gone:
        socrata.views.lookup(dataset)
    assert gone.value.status == 404


def test_a_draft_that_deletes_itself_by_the_shortcut(socrata, portal):
    ends = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(hours=1)
    made = socrata.create(name="Short-lived").set_deleted_at(ends)
    revision, schema = made.csv(CSV, "stops.csv")
    assert schema.attributes["total_rows"] == 2
    portal.admin.advance(3601)
    with pytest.raises(UnexpectedResponseException):
        revision.show()


def test_an_applied_dataset_does_not_delete_itself(socrata, portal):
    ends = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(hours=1)
    revision = socrata.new({"name": "Stays"}, ends)
    apply(revision, upload(revision))
    portal.admin.advance(3601)
    assert len(portal.rows(revision.view_id())) == 2


def test_delete_a_draft(socrata, portal):
    revision = socrata.new({"name": "Stops"})
    view = socrata.views.lookup(revision.view_id())
    assert view.delete() == (True, {})
    done, reply = view.delete()
    assert (done, reply.status_code) == (False, 404)
    with pytest.raises(UnexpectedResponseException) as gone:
        revision.show()
    assert gone.value.status == 404


def test_delete_a_published_dataset(view, portal):
    assert view.delete() == (True, {})
    assert portal.call("GET", f"/resource/{view.attributes['id']}.json").status_code == 404


def test_a_dataset_needs_a_name(socrata):
    with pytest.raises(UnexpectedResponseException) as refused:
        socrata.new({"description": "nameless"})
    assert 400 <= refused.value.status < 500
    assert "name" in refused.value.body["message"].lower()


def test_without_rights_nothing_is_made(socrata, portal):
    socrata.auth.basic.username, socrata.auth.basic.password = "viewer-key", "viewer-secret"
    with pytest.raises(UnexpectedResponseException) as refused:
        socrata.new({"name": "Stops"})
    assert refused.value.status == 403
    assert portal.admin.datasets() == []


def test_a_wrong_secret(socrata):
    socrata.auth.basic.password = "wrong"
    with pytest.raises(UnexpectedResponseException) as refused:
        socrata.new({"name": "Stops"})
    assert refused.value.status == 401
