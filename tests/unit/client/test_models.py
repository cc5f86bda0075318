"""Views as portals of several years send them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_socrata.client import View
from airflow_socrata.client.messages import UnreadableReply

COLUMNS = [
    {"id": 562412106, "name": "Count id", "fieldName": "countid", "dataTypeName": "number", "position": 1},
    {"id": 562412107, "name": "Road", "fieldName": "road", "dataTypeName": "text", "position": 2},
]


def view(**keys: Any) -> View:
    return View.from_json({"id": "abcd-1234", "name": "Roads", "columns": COLUMNS, **keys})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, None),
        ({"rowIdentifierColumnId": 562412106}, "countid"),
        ({"rowIdentifierColumnId": "562412107"}, "road"),
        ({"metadata": {"rowIdentifier": 562412106}}, "countid"),
        ({"metadata": {"rowIdentifier": "562412106"}}, "countid"),
        ({"metadata": {"rowIdentifier": "road"}}, "road"),
        ({"metadata": {"rowIdentifier": "Count id"}}, "countid"),
        ({"rowIdentifierColumnId": 0, "metadata": {"rowIdentifier": "0"}}, None),
        ({"rowIdentifierColumnId": None, "metadata": {"rowIdentifier": ""}}, None),
        ({"rowIdentifierColumnId": True, "metadata": None}, None),
        ({"rowIdentifierColumnId": 1, "metadata": {"rowIdentifier": "road"}}, "road"),
    ],
)
def test_row_identifier_is_a_field_name(keys: dict[str, Any], expected: str | None) -> None:
    assert view(**keys).row_identifier == expected
    assert view(**keys).unresolved_row_identifier is None


def test_a_row_identifier_that_no_column_answers_to_is_told() -> None:
    """Column ids change from copy to copy; a stale one must not read as 'there is no row identifier'."""
    stale = view(metadata={"rowIdentifier": 99})
    assert (stale.row_identifier, stale.unresolved_row_identifier) == (None, "99")


def test_published_view_of_today() -> None:
    body = {
        "assetType": "dataset",
        "displayType": "table",
        "viewType": "tabular",
        "newBackend": True,
        "publicationStage": "published",
        "publicationGroup": 16798379,
        "publicationDate": 1656102251,
        "createdAt": 1577463488,
        "rowsUpdatedAt": 1745766729,
        "viewLastModified": 1745766253,
        "owner": {"id": "5fuc-pqz2", "displayName": "Open data"},
        "tableAuthor": {"id": "5fuc-pqz3"},
        "grants": [{"inherited": False, "type": "viewer", "flags": ["public"]}],
        "pendingGrants": [{"type": "viewer", "flags": [], "userId": "aaaa-bbbb", "inherited": True}],
        "rights": ["read", "write"],
        "flags": ["default", "restorable"],
        "privateMetadata": {"custom_fields": {"a": {"b": "c"}}},
        "approvals": [{"state": "approved", "submissionId": 4, "submissionOutcome": "change_audience"}],
    }
    found = view(**body)
    assert found.is_published
    assert not found.is_unpublished
    assert not found.is_filter_or_derived
    assert not found.awaits_approval
    assert found.new_backend is True
    assert (found.publication_group, found.publication_date) == (16798379, 1656102251)
    assert (found.created_at, found.rows_updated_at, found.view_last_modified) == (
        1577463488,
        1745766729,
        1745766253,
    )
    assert (found.owner_id, found.author_id) == ("5fuc-pqz2", "5fuc-pqz3")
    assert found.permission_scope == "public"
    assert found.pending_grants[0].user_id == "aaaa-bbbb"
    assert found.pending_grants[0].inherited
    assert found.can("write")
    assert not found.can("grant")
    assert found.private_metadata == {"custom_fields": {"a": {"b": "c"}}}
    assert [column.field_name for column in found.columns] == ["countid", "road"]
    assert found.columns[1].data_type_name == "text"
    assert found.raw["displayType"] == "table"


def test_working_copy() -> None:
    draft = view(publicationStage="unpublished", publishedViewUid="wxyz-9876", flags=["default"])
    assert draft.is_unpublished
    assert draft.is_working_copy
    assert not view(publicationStage="unpublished").is_working_copy, "a dataset that was never published"
    assert not view(publicationStage="published", publishedViewUid="wxyz-9876").is_working_copy


def test_an_unsaved_view_is_no_draft() -> None:
    assert not view(publicationStage="unpublished", oid=0, flags=["unsaved"]).is_unpublished


@pytest.mark.parametrize(
    "keys",
    [
        {"assetType": "filter"},
        {"assetType": "map"},
        {"assetType": "dataset", "modifyingViewUid": "7nwe-3aj9"},
        {"viewType": "href"},
        {"viewType": "blobby"},
        {"flags": ["calculatedView", "soqlBasedView"]},
    ],
)
def test_what_takes_no_rows_is_derived(keys: dict[str, Any]) -> None:
    assert view(**keys).is_filter_or_derived


def test_view_of_2012_lacks_most_keys() -> None:
    old = View.from_json({
        "id": "khjh-69mz",
        "publicationStage": "unpublished",
        "viewType": "tabular",
        "rowsUpdatedBy": "3",
    })
    assert old.name == ""
    assert old.is_unpublished
    assert not old.is_filter_or_derived
    assert old.columns == ()
    assert old.new_backend is None
    assert old.permission_scope is None
    assert not old.can("write")


@pytest.mark.parametrize(
    ("keys", "scope"),
    [
        ({"permissions": {"scope": "site"}, "grants": [{"flags": ["public"]}]}, "site"),
        ({"permissions": {"scope": "private"}}, "private"),
        ({"grants": [{"flags": ["public"]}]}, "public"),
        ({"grants": []}, "private"),
        ({"permissions": None}, None),
    ],
)
def test_permission_scope(keys: dict[str, Any], scope: str | None) -> None:
    assert view(**keys).permission_scope == scope


def test_a_submission_that_waits_is_told() -> None:
    assert view(approvals=[{"state": "approved"}, {"state": "pending"}]).awaits_approval


def test_values_of_the_wrong_type_are_taken_as_absent() -> None:
    odd = view(
        columns=[{"fieldName": "x", "id": "7", "position": "2"}, "y", None],
        grants="public",
        rights={"read": True},
        flags=None,
        metadata=[],
        owner="someone",
        approvals=[1],
        createdAt="1577463488",
        publicationDate="soon",
        rowsUpdatedAt=1.5,
        newBackend="yes",
        publicationGroup=True,
        name=5,
    )
    assert [(column.field_name, column.name, column.id, column.position) for column in odd.columns] == [
        ("x", "x", 7, 2)
    ]
    assert odd.rights == odd.flags == frozenset()
    assert odd.approvals == odd.grants == ()
    assert (odd.created_at, odd.publication_date, odd.rows_updated_at) == (1577463488, None, None)
    assert (odd.new_backend, odd.publication_group, odd.owner_id, odd.name) == (None, None, None, "")


@pytest.mark.parametrize("body", [None, [], {}, {"id": 5}, {"id": ""}, "abcd-1234"])
def test_what_has_no_id_is_no_view(body: Any) -> None:
    with pytest.raises(UnreadableReply):
        View.from_json(body)
