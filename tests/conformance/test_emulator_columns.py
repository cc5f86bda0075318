"""Columns of a working copy: their places, types, dependants, and the row identifier."""

from __future__ import annotations

import pytest


@pytest.fixture
def draft(api, stops):
    """A working copy of the stops."""
    return api.open_copy(stops)


def names(api, view):
    columns = api.get(f"/api/views/{view}/columns").json()
    assert [column["position"] for column in columns] == list(range(1, len(columns) + 1))
    return [column["fieldName"] for column in columns]


def refused(reply, words):
    assert reply.status_code == 400, reply.text
    assert words in reply.text
    return reply.json()


def test_a_new_column_stands_last_or_where_it_is_told_to(api, draft):
    before = names(api, draft)
    api.post(f"/api/views/{draft}/columns", json={"name": "Last"})
    made = api.post(f"/api/views/{draft}/columns", json={"name": "Second", "position": 2, "width": 90}).json()
    assert (made["position"], made["width"]) == (2, 90)
    assert names(api, draft) == [before[0], "second", *before[1:], "last"]


def test_columns_are_put_in_order_one_by_one_or_all_at_once(api, draft):
    before = names(api, draft)
    api.put(f"/api/views/{draft}/columns/{before[-1]}", json={"position": 1})
    assert names(api, draft) == [before[-1], *before[:-1]]
    order = [{"fieldName": name, "position": place} for place, name in enumerate(before, 1)]
    view = api.put(f"/api/views/{draft}", json={"columns": order}).json()
    assert [column["fieldName"] for column in view["columns"]] == names(api, draft) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataTypeName": "number"}, "Cannot change the type"),
        ({"dataTypeName": "nonsense"}, "Unknown data type"),
        ({"fieldName": "stop_id"}, "Duplicate field name"),
        ({"fieldName": "Bad Name"}, "Illegal field name"),
        ({"name": " "}, "needs a name"),
        ({"position": 0}, "position"),
        ({"width": "wide"}, "width"),
        ({"format": "bold"}, "format"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(api, draft, change, words):
    before = api.get(f"/api/views/{draft}/columns").json()
    refused(api.put(f"/api/views/{draft}/columns/name", json={"description": "new", **change}), words)
    listed = {"description": "x", **change, "id": before[1]["id"]}
    refused(api.put(f"/api/views/{draft}", json={"columns": [listed]}), words)
    assert api.get(f"/api/views/{draft}/columns").json() == before


def test_a_portal_may_ignore_a_type_or_number_a_name(api, admin, draft):
    admin.settings(column_type_change="ignore", duplicate_field_name="number")
    kept = api.put(f"/api/views/{draft}/columns/name", json={"dataTypeName": "number", "name": "N"}).json()
    assert (kept["name"], kept["dataTypeName"]) == ("N", "text")
    made = [api.post(f"/api/views/{draft}/columns", json={"fieldName": "name"}).json() for _ in range(2)]
    assert [column["fieldName"] for column in made] == ["name_1", "name_2"]


def test_a_column_that_another_is_computed_from_stays(api, draft):
    source = {"name": "District", "computationStrategy": {"type": "x", "source_columns": ["name"]}}
    made = api.post(f"/api/views/{draft}/columns", json=source).json()
    assert made["computationStrategy"]["source_columns"] == ["name"]
    api.put(f"/api/views/{draft}/columns/name", json={"fieldName": "title"})
    error = refused(api.delete(f"/api/views/{draft}/columns/title"), "is computed from it")
    assert error["errorCode"] == "soda.column-with-dependencies-not-deleteable"
    assert error["data"] == {"column": "title", "dependencies": ["district"]}
    assert api.delete(f"/api/views/{draft}/columns/district").status_code == 200
    assert api.delete(f"/api/views/{draft}/columns/title").status_code == 200
    lost = {"name": "Lost", "computationStrategy": {"source_columns": ["nope"]}}
    assert "Column not found: nope" in api.post(f"/api/views/{draft}/columns", json=lost).text


@pytest.mark.parametrize(("backend", "taken"), [("new", "field_name"), ("old", "id")])
def test_a_row_identifier_is_named_as_the_back_end_wants_it(api, admin, backend, taken):
    admin.settings(row_identifier_takes="auto")
    rows = [{"a": "1", "b": "2"}]
    view = admin.create_dataset(columns=["a", "b"], rows=rows, published=False, backend=backend)
    words = {"field_name": "b", "id": view["columns"][1]["id"]}
    path = f"/api/views/{view['id']}"
    for form, word in words.items():
        reply = api.put(path, json={"metadata": {"rowIdentifier": word}})
        assert reply.status_code == (200 if form == taken else 404), form
        assert ("rowIdentifierColumnId" in api.get(path).json()) == (form == taken)
        assert api.put(path, json={"metadata": {"rowIdentifier": "0"}}).status_code == 200
        assert "rowIdentifierColumnId" not in api.get(path).json()
