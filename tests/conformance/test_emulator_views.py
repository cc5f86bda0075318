"""Views: create, describe, columns, row identifier."""

from __future__ import annotations

import pytest


def test_put_replaces_given_keys_and_keeps_the_rest(api, stops):
    first = api.put(
        f"/api/views/{stops}",
        json={
            "description": "d",
            "metadata": {"custom_fields": {"A": {"b": "c"}}},
            "privateMetadata": {"mark": {"run": 1}},
        },
    ).json()
    second = api.put(f"/api/views/{stops}.json", json={"tags": ["x"]}).json()
    assert (second["description"], second["tags"]) == ("d", ["x"])
    assert second["metadata"]["custom_fields"] == {"A": {"b": "c"}}
    assert second["privateMetadata"] == {"mark": {"run": 1}}
    assert second["name"] == first["name"] == "Stops"
    # A key is replaced whole: what it held before is gone; the row identifier stays.
    third = api.put(
        f"/api/views/{stops}", json={"metadata": {"rowLabel": "stop"}, "privateMetadata": {}}
    ).json()
    assert "custom_fields" not in third["metadata"]
    assert third["metadata"]["rowLabel"] == "stop"
    assert third["metadata"]["rowIdentifier"] == first["metadata"]["rowIdentifier"]
    assert third["privateMetadata"] == {}


def test_metadata_as_read_can_be_sent_back(api, stops):
    before = api.get(f"/api/views/{stops}").json()
    after = api.put(f"/api/views/{stops}", json=before).json()
    for moving in ("viewLastModified",):
        before.pop(moving), after.pop(moving)
    assert after == before


def test_columns_are_described(api, stops):
    columns = [{"fieldName": "name", "name": "Stop name", "description": "What it is called"}]
    view = api.put(f"/api/views/{stops}", json={"columns": columns}).json()
    assert (view["columns"][1]["name"], view["columns"][1]["description"]) == (
        "Stop name",
        "What it is called",
    )
    assert api.put(f"/api/views/{stops}", json={"columns": [{"fieldName": "nope"}]}).status_code == 400


def test_metadata_edits_move_the_views_date_only(api, admin, stops):
    before = api.get(f"/api/views/{stops}").json()
    admin.advance(60)
    after = api.put(f"/api/views/{stops}", json={"description": "d"}).json()
    assert after["viewLastModified"] >= before["viewLastModified"] + 60
    assert after["rowsUpdatedAt"] == before["rowsUpdatedAt"]


def test_validation_changes_nothing(api, stops):
    assert api.put(f"/api/views/{stops}?validateOnly=true", json={"name": "x"}).status_code == 200
    assert api.get(f"/api/views/{stops}").json()["name"] == "Stops"
    assert api.put(f"/api/views/{stops}", json={"name": " "}).status_code == 400
    assert api.put(f"/api/views/{stops}", json=["name"]).status_code == 400


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "specify a name"),
        ({"name": "x", "columns": [{"fieldName": "Bad Name", "name": "b"}]}, "Illegal field name"),
        ({"name": "x", "columns": [{"name": "a"}, {"name": "A"}]}, "Duplicate field name: a"),
        (
            {"name": "x", "columns": [{"name": "a", "dataTypeName": "nonsense"}]},
            "Unknown data type: nonsense",
        ),
        ({"name": "x", "columns": [{"name": ""}]}, "needs a name"),
        (
            {
                "name": "x",
                "columns": [{"name": "p", "dataTypeName": "point"}],
                "metadata": {"rowIdentifier": "p"},
            },
            "type point",
        ),
        ({"name": "x", "metadata": {"rowIdentifier": "nope"}}, "Column not found: nope"),
    ],
)
def test_create_that_is_refused_leaves_nothing(api, admin, body, message):
    reply = api.post("/api/views.json", json=body)
    assert reply.status_code in {400, 404}
    assert message in reply.json()["message"]
    assert admin.datasets() == []


def test_create_chooses_the_back_end(api):
    assert api.post("/api/views", json={"name": "x"}).json()["newBackend"] is True
    assert api.post("/api/views?nbe=false", json={"name": "x"}).json()["newBackend"] is False


def test_field_names_are_derived(api):
    columns = [{"name": "Stop Name (en)"}, {"name": "2nd"}]
    made = api.post("/api/views", json={"name": "x", "columns": columns}).json()["columns"]
    assert [column["fieldName"] for column in made] == ["stop_name_en", "_2nd"]
    assert [column["dataTypeName"] for column in made] == ["text", "text"]


def test_columns_change_on_a_working_copy_alone(api, stops):
    new = {"name": "Line", "fieldName": "line", "dataTypeName": "text"}
    assert api.post(f"/api/views/{stops}/columns", json=new).status_code == 400
    copy = api.open_copy(stops)
    made = api.post(f"/api/views/{copy}/columns.json", json=new).json()
    assert made["position"] == 4
    assert api.post(f"/api/views/{copy}/columns", json=new).status_code == 400
    many = api.post(
        f"/api/views/{copy}/columns?method=multiCreate", json={"columns": [{"name": "a"}, {"name": "b"}]}
    )
    assert [column["fieldName"] for column in many.json()] == ["a", "b"]
    assert (
        api.put(f"/api/views/{copy}/columns/line", json={"name": "Route", "fieldName": "route"}).json()["id"]
        == made["id"]
    )
    assert api.delete(f"/api/views/{copy}/columns/{many.json()[0]['id']}").status_code == 200
    refused = api.delete(f"/api/views/{copy}/columns/stop_id")
    assert refused.json()["errorCode"] == "soda.column.cannot-delete-row-identifier"
    assert api.delete(f"/api/views/{copy}/columns/nope").status_code == 404
    names = ["stop_id", "name", "riders", "route", "b"]
    assert [column["fieldName"] for column in api.get(f"/api/views/{copy}/columns").json()] == names
    assert [column["position"] for column in api.get(f"/api/views/{copy}/columns").json()] == [1, 2, 3, 4, 5]
    api.upsert(copy, [{"stop_id": "a", "route": "7"}])
    assert len(api.get(f"/api/views/{stops}").json()["columns"]) == 3
    api.publish(copy)
    assert api.rows(stops, **{"$where": "route = '7'"})[0]["name"] == "Alder"


def test_row_identifier_is_set_changed_and_removed(api, admin):
    made = api.post("/api/views", json={"name": "x", "columns": [{"name": "a"}, {"name": "b"}]}).json()
    dataset = made["id"]
    api.upsert(dataset, [{"a": "1", "b": "x"}, {"a": "2", "b": "x"}])
    path = f"/api/views/{dataset}"
    duplicate = api.put(path, json={"metadata": {"rowIdentifier": "b"}})
    assert (duplicate.status_code, duplicate.json()["errorCode"]) == (400, "soda.column.not-unique")
    view = api.put(path, json={"metadata": {"rowIdentifier": "a"}}).json()
    assert view["rowIdentifierColumnId"] == made["columns"][0]["id"]
    assert api.upsert(dataset, [{"a": "1", "b": "y"}]).json()["Rows Updated"] == 1
    by_id = api.put(path, json={"metadata": {"rowIdentifier": str(made["columns"][1]["id"])}}).json()
    assert by_id["rowIdentifierColumnId"] == made["columns"][1]["id"]
    none = api.put(path, json={"metadata": {"rowIdentifier": "0"}}).json()
    assert "rowIdentifierColumnId" not in none
    assert api.upsert(dataset, [{"a": "1", "b": "y"}]).json()["Rows Created"] == 1


def test_deleted_view_is_gone_everywhere(api, admin, stops):
    filtered = admin.create_derived(stops)["id"]
    assert api.delete(f"/api/views/{filtered}").status_code == 200
    assert api.count(stops) == 3
    assert api.delete(f"/api/views/{stops}").status_code == 200
    assert api.get(f"/resource/{stops}.json").status_code == 404
    assert api.delete(f"/api/views/{stops}").status_code == 404
    assert admin.datasets() == []


def test_resource_name_addresses_rows(api, stops):
    api.put(f"/api/views/{stops}", json={"resourceName": "stops_of_town"})
    assert api.count("stops_of_town") == 3


@pytest.mark.parametrize("prefix", ["/resource", "/id", "/api/id"])
def test_rows_answer_under_their_other_names(api, stops, prefix):
    assert len(api.get(f"{prefix}/{stops}").json()) == 3
    assert api.post(f"{prefix}/{stops}", json=[{"stop_id": "a"}]).json()["Rows Updated"] == 1


def test_oldest_paths_without_api(api, stops):
    assert api.get(f"/views/{stops}.json").json()["id"] == stops


def test_unknown_paths_and_methods(api, stops):
    assert api.get("/api/nothing").json() == {"code": "not_found", "error": True, "message": "Not found"}
    reply = api.delete(f"/api/views/{stops}/publication")
    assert (reply.status_code, reply.json()["error"]) == (405, True)
    assert api.get(f"/api/views/{stops}/publication").status_code == 405
