"""Revisions of a dataset that exists."""

from __future__ import annotations

import pytest
from conformance.socrata_py.steps import apply, upload
from socrata.http import UnexpectedResponseException

BY_STOP = {"$order": "stop_id"}
BEFORE = [
    {"stop_id": "a", "name": "Alder", "riders": "10"},
    {"stop_id": "b", "name": "Birch", "riders": "20"},
]


def test_replace_swaps_all_rows(view, stops, portal):
    revision = view.revisions.create_replace_revision()
    assert revision.attributes["action"]["type"] == "replace"
    schema = upload(revision)
    assert portal.rows(stops, **BY_STOP) == BEFORE
    apply(revision, schema)
    assert portal.rows(stops, **BY_STOP) == [
        {"stop_id": "a", "name": "Alder Street", "riders": "11"},
        {"stop_id": "c", "name": "Cedar", "riders": "30"},
    ]
    assert portal.view(stops)["id"] == stops


def test_update_upserts_by_row_identifier(view, stops, portal):
    revision = view.revisions.create_update_revision()
    job = apply(revision, upload(revision))
    assert portal.rows(stops, **BY_STOP) == [
        {"stop_id": "a", "name": "Alder Street", "riders": "11"},
        {"stop_id": "b", "name": "Birch", "riders": "20"},
        {"stop_id": "c", "name": "Cedar", "riders": "30"},
    ]
    [counts] = [line["details"] for line in job.attributes["log"] if line["stage"] == "upsert_complete"]
    assert (counts["Rows Created"], counts["Rows Updated"], counts["Errors"]) == (1, 1, 0)


def test_update_appends_without_a_row_identifier(socrata, portal):
    portal.admin.create_dataset(
        "bare-2222", "Bare", ["stop_id", "name"], None, [{"stop_id": "a", "name": "Alder"}]
    )
    revision = socrata.views.lookup("bare-2222").revisions.create_update_revision()
    apply(revision, upload(revision, b"stop_id,name\na,Alder\n"))
    assert portal.rows("bare-2222") == [{"stop_id": "a", "name": "Alder"}] * 2


def test_delete_takes_the_named_rows(view, stops, portal):
    revision = view.revisions.create_delete_revision()
    assert revision.attributes["action"]["type"] == "delete"
    schema = upload(revision, b"stop_id\na\n")
    apply(revision, schema)
    assert portal.rows(stops) == BEFORE[1:]
    assert [column["fieldName"] for column in portal.view(stops)["columns"]] == ["stop_id", "name", "riders"]


def test_delete_needs_a_row_identifier(socrata, portal):
    portal.admin.create_dataset("bare-2222", "Bare", ["stop_id"], None, [{"stop_id": "a"}])
    view = socrata.views.lookup("bare-2222")

    def delete():
        revision = view.revisions.create_delete_revision()
        revision.apply(output_schema=upload(revision, b"stop_id\na\n"))

    with pytest.raises(UnexpectedResponseException) as refused:
        delete()
    assert 400 <= refused.value.status < 500
    assert "row identifier" in refused.value.body["message"]
    assert portal.rows("bare-2222") == [{"stop_id": "a"}]


def test_metadata_alone(view, stops, portal):
    revision = view.revisions.create_update_revision(metadata={"name": "Bus stops", "category": "Transport"})
    revision.update({
        "metadata": {"description": "Where buses stop", "privateMetadata": {"contactEmail": "a@b.gov"}}
    })
    assert revision.attributes["metadata"]["name"] == "Bus stops"
    assert portal.view(stops)["name"] == "Stops"
    apply(revision)
    after = portal.view(stops)
    assert (after["name"], after["category"], after["description"]) == (
        "Bus stops",
        "Transport",
        "Where buses stop",
    )
    assert after["privateMetadata"]["contactEmail"] == "a@b.gov"
    assert portal.rows(stops, **BY_STOP) == BEFORE


def test_a_revision_shows_the_datasets_metadata(view, portal, stops):
    portal.call("PUT", f"/api/views/{stops}.json", json={"description": "As published"})
    revision = view.revisions.create_replace_revision(metadata={"category": "Transport"})
    metadata = revision.attributes["metadata"]
    assert (metadata["name"], metadata["description"], metadata["category"]) == (
        "Stops",
        "As published",
        "Transport",
    )


@pytest.mark.parametrize("permission", ["public", "private"])
def test_permission_stays_unless_given(socrata, portal, permission):
    portal.admin.create_dataset("perm-2222", "P", ["stop_id"], permission=permission)
    revision = socrata.views.lookup("perm-2222").revisions.create_replace_revision()
    assert revision.attributes["action"]["permission"] is None
    apply(revision, upload(revision, b"stop_id\nz\n"))
    assert portal.stranger_sees("perm-2222") is (permission == "public")


@pytest.mark.parametrize(("before", "after"), [("private", "public"), ("public", "private")])
def test_permission_changes_when_given(socrata, portal, before, after):
    portal.admin.create_dataset("perm-2222", "P", ["stop_id"], permission=before)
    revision = socrata.views.lookup("perm-2222").revisions.create_replace_revision(permission=after)
    assert revision.attributes["action"]["permission"] == after
    assert "set_permission" in [step["type"] for step in revision.plan()]
    apply(revision, upload(revision, b"stop_id\nz\n"))
    assert portal.stranger_sees("perm-2222") is (after == "public")


def test_plan(view):
    revision = view.revisions.create_replace_revision()
    upload(revision)
    assert [step["type"] for step in revision.plan()] == [
        "prepare_draft_for_import",
        "set_schema",
        "apply_metadata",
        "upsert_task",
        "set_display_type",
        "publish",
        "wait_for_replication",
    ]


def test_list_open_and_closed(view, stops, portal):
    first = view.revisions.create_replace_revision()
    second = view.revisions.create_update_revision()
    third = view.revisions.create_delete_revision()
    assert [revision.attributes["revision_seq"] for revision in (first, second, third)] == [0, 1, 2]
    second.discard()
    listed = view.revisions.list()
    assert [revision.attributes["revision_seq"] for revision in listed] == [2, 1, 0]
    assert [revision.attributes["closed_at"] is None for revision in listed] == [True, False, True]
    listed[0].discard()
    assert view.revisions.lookup(2).attributes["closed_at"] is not None
    for wanted, seqs in (("true", [0]), ("false", [2, 1])):
        found = portal.call("GET", f"/api/publishing/v1/revision/{stops}?open={wanted}").json()
        assert [entry["resource"]["revision_seq"] for entry in found] == seqs


def test_discard_leaves_the_dataset_alone(view, stops, portal):
    revision = view.revisions.create_replace_revision(metadata={"name": "Never"})
    schema = upload(revision)
    closed = revision.discard()
    assert closed["resource"]["closed_at"] is not None
    assert portal.rows(stops, **BY_STOP) == BEFORE
    assert portal.view(stops)["name"] == "Stops"
    again = view.revisions.lookup(0)
    assert again.attributes["closed_at"] == closed["resource"]["closed_at"]
    with pytest.raises(UnexpectedResponseException) as refused:
        again.apply(output_schema=schema)
    assert refused.value.status == 409
    assert refused.value.body["message"]


def test_an_applied_revision_is_closed(view, portal, stops):
    revision = view.revisions.create_replace_revision()
    schema = upload(revision)
    apply(revision, schema)
    for call in (
        lambda: revision.apply(output_schema=schema),
        lambda: revision.update({"metadata": {"name": "Never"}}),
        lambda: revision.create_upload("more.csv"),
    ):
        with pytest.raises(UnexpectedResponseException) as refused:
            call()
        assert refused.value.status == 409
    # As socrata-py's own tests do when they clean up.
    rows = portal.rows(stops)
    assert revision.discard()["resource"]["closed_at"] == revision.show().attributes["closed_at"]
    assert portal.rows(stops) == rows


def test_other_open_revisions_survive_an_apply(view, portal, stops):
    waiting = view.revisions.create_update_revision()
    schema = upload(waiting, b"stop_id,name,riders\nd,Dogwood,4\n")
    revision = view.revisions.create_replace_revision()
    apply(revision, upload(revision))
    assert waiting.show().attributes["closed_at"] is None
    apply(waiting, schema)
    assert [row["stop_id"] for row in portal.rows(stops, **BY_STOP)] == ["a", "c", "d"]


def test_an_unknown_revision(view):
    with pytest.raises(UnexpectedResponseException) as missing:
        view.revisions.lookup(41)
    assert missing.value.status == 404
    assert missing.value.body["message"]


def test_output_schema_of_a_revision(view, stops, portal):
    revision = view.revisions.create_replace_revision()
    assert revision.get_output_schema() is None
    first = upload(revision)
    assert revision.get_output_schema().attributes["id"] == first.attributes["id"]
    second = first.drop_column("riders").run().wait_for_finish(sleeptime=0)
    assert revision.get_output_schema().attributes["id"] == second.attributes["id"]
    revision.set_output_schema(first.attributes["id"])
    assert revision.get_output_schema().attributes["id"] == first.attributes["id"]
    # Without an output schema of its own, an apply takes the revision's.
    apply(revision)
    assert portal.rows(stops, **BY_STOP)[0] == {"stop_id": "a", "name": "Alder Street", "riders": "11"}


def test_an_output_schema_that_is_not_there(view):
    revision = view.revisions.create_replace_revision()
    with pytest.raises(UnexpectedResponseException) as refused:
        revision.set_output_schema(999_999)
    assert 400 <= refused.value.status < 500


def test_notes_are_kept_where_the_dataset_is_archived(view, stops, portal):
    revision = view.revisions.create_replace_revision()
    revision.set_notes("Nobody reads this")
    assert revision.show().attributes["notes"] is None
    assert portal.call("POST", f"/api/archival?id={stops}&method=enroll").status_code == 200
    revision.set_notes("All new")
    assert revision.show().attributes["notes"] == "All new"


def test_attachments(view, stops, portal):
    revision = view.revisions.create_replace_revision()
    reply = portal.call(
        "POST",
        f"/api/publishing/v1/revision/{stops}/0/attachment",
        data=b"read me",
        headers={"X-File-Name": "notes.txt", "Content-Type": "text/plain"},
    )
    assert reply.status_code in {200, 201}
    assert reply.json()["filename"] == "notes.txt"
    attachment = {"name": "notes.txt", "filename": "notes.txt", "asset_id": reply.json()["file_id"]}
    revision.update({"attachments": [attachment]})
    assert revision.show().attributes["attachments"] == [attachment]
    apply(revision, upload(revision))
    assert [each["filename"] for each in portal.view(stops)["metadata"]["attachments"]] == ["notes.txt"]
    found = portal.call("GET", f"/api/views/{stops}/files/{reply.json()['file_id']}")
    assert found.content == b"read me"
