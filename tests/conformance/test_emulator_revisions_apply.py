"""Applying revisions: what happens to rows, columns, metadata and audience."""

from __future__ import annotations

import pytest
from conformance.publishing import Publishing, column

TYPED = b"stop_id,name,riders\na,Alder,11\nd,Doum,4\n"


@pytest.fixture
def dsmapi(api):
    return Publishing(api)


def riders(admin, dataset):
    return {row["stop_id"]: row.get("riders") for row in admin.rows(dataset)}


class TestRows:
    def test_update_upserts_by_row_identifier(self, dsmapi, admin, stops):
        _, task_set = dsmapi.run(stops, "update", TYPED)
        assert task_set["status"] == "successful"
        assert riders(admin, stops) == {"a": "11", "b": "20.50", "c": None, "d": "4"}
        [counts] = [line["details"] for line in task_set["log"] if line["stage"] == "upsert_complete"]
        assert counts == {
            "Rows Created": 1,
            "Rows Updated": 1,
            "Rows Deleted": 0,
            "Errors": 0,
            "By RowIdentifier": 1,
            "By SID": 0,
        }

    def test_update_appends_without_row_identifier(self, dsmapi, admin):
        dataset = admin.create_dataset(columns=["stop_id", "name"], rows=[{"stop_id": "a"}])["id"]
        dsmapi.run(dataset, "update", b"stop_id,name\na,Alder\n")
        assert [row.get("name") for row in admin.rows(dataset)] == [None, "Alder"]

    def test_replace_leaves_the_new_rows_alone(self, api, dsmapi, admin, stops):
        params = {"$select": ":id,:created_at,stop_id"}
        before = {row["stop_id"]: row for row in api.rows(stops, **params)}
        _, task_set = dsmapi.run(stops, "replace", TYPED)
        assert task_set["status"] == "successful"
        assert riders(admin, stops) == {"a": "11", "d": "4"}
        after = {row["stop_id"]: row for row in api.rows(stops, **params)}
        assert after["a"][":id"] != before["a"][":id"]

    def test_update_keeps_row_ids(self, api, dsmapi, stops):
        params = {"$select": ":id,stop_id", "$where": "stop_id='b'"}
        before = api.rows(stops, **params)
        dsmapi.run(stops, "update", TYPED)
        assert api.rows(stops, **params) == before

    def test_delete_by_row_identifier(self, api, dsmapi, admin, stops):
        _, task_set = dsmapi.run(stops, "delete", b"stop_id\na\nz\n\n")
        assert task_set["status"] == "successful"
        assert riders(admin, stops) == {"b": "20.50", "c": None}
        [counts] = [line["details"] for line in task_set["log"] if line["stage"] == "upsert_complete"]
        assert (counts["Rows Deleted"], counts["Errors"], counts["Rows Updated"]) == (1, 1, 0)
        names = [each["fieldName"] for each in api.get(f"/api/views/{stops}").json()["columns"]]
        assert names == ["stop_id", "name", "riders"]

    def test_delete_needs_a_row_identifier(self, dsmapi, admin):
        dataset = admin.create_dataset(columns=["stop_id"], rows=[{"stop_id": "a"}])["id"]
        revision = dsmapi.open(dataset, "delete")
        path = revision["links"]["apply"]
        dsmapi.refused("PUT", path, 422, "no_output_schema", json={})
        dsmapi.upload(revision, b"stop_id\na\n")
        dsmapi.refused("PUT", path, 422, "no_row_identifier", json={})
        assert admin.state(dataset)["rows"] == 1

    def test_cells_that_fail_are_null(self, dsmapi, admin, stops):
        revision = dsmapi.open(stops)
        source = dsmapi.upload(revision, b"stop_id,name,riders\na,Alder,many\nb,Birch,7\n")
        output = dsmapi.output(source)["resource"]
        assert output["error_count"] == 1
        assert [each["transform"]["error_count"] for each in output["output_columns"]] == [0, 0, 1]
        assert dsmapi.finish(revision)["status"] == "successful"
        assert riders(admin, stops) == {"a": None, "b": "7", "c": None}

    def test_rows_without_identifier_are_counted_and_the_last_of_doubles_wins(self, dsmapi, admin, stops):
        _, task_set = dsmapi.run(stops, "replace", b"stop_id,name,riders\na,x,1\n,y,2\na,z,3\n")
        [counts] = [line["details"] for line in task_set["log"] if line["stage"] == "upsert_complete"]
        assert (counts["Rows Created"], counts["Errors"]) == (1, 1)
        assert riders(admin, stops) == {"a": "3"}

    def test_types_go_through(self, api, dsmapi):
        revision = dsmapi.open()
        data = b"n,t,b,p\n1.50,2026-01-02T03:04:05,true,POINT (1 2)\n,,,\n-3,2026-01-02,false,\n"
        source = dsmapi.upload(revision, data)
        columns = [
            column("n", "to_number(`n`)"),
            column("t", "to_floating_timestamp(`t`)", 2),
            column("b", "to_checkbox(`b`)", 3),
            column("p", "to_point(`p`)", 4),
            column("f", "to_fixed_timestamp(`t`)", 5),
        ]
        dsmapi.transform(source, columns)
        dsmapi.finish(revision)
        dataset = revision["resource"]["fourfour"]
        first, second = api.rows(dataset)
        assert first == {
            "n": "1.50",
            "t": "2026-01-02T03:04:05.000",
            "b": True,
            "p": {"type": "Point", "coordinates": [1, 2]},
            "f": "2026-01-02T03:04:05.000Z",
        }
        assert (second["n"], second["b"]) == ("-3", False)
        kinds = [each["dataTypeName"] for each in api.get(f"/api/views/{dataset}").json()["columns"]]
        assert kinds == ["number", "calendar_date", "checkbox", "point", "date"]


class TestColumns:
    def test_the_datasets_columns_follow_the_schema(self, api, dsmapi, admin, stops):
        before = {each["fieldName"]: each for each in api.get(f"/api/views/{stops}").json()["columns"]}
        revision = dsmapi.open(stops)
        source = dsmapi.upload(revision, b"stop_id,riders,zone\na,11,2\n")
        columns = [
            column("zone", "to_number(`zone`)", 2, description="Fare zone", format={"precision": 1}),
            column("stop_id", "`stop_id`", 1, is_primary_key=True, display_name="Stop"),
            column("riders", "`riders`", 3),
        ]
        dsmapi.transform(source, columns)
        assert dsmapi.finish(revision)["status"] == "successful"
        view = api.get(f"/api/views/{stops}").json()
        after = {each["fieldName"]: each for each in view["columns"]}
        assert list(after) == ["stop_id", "zone", "riders"]
        assert (after["stop_id"]["name"], after["zone"]["description"]) == ("Stop", "Fare zone")
        assert after["zone"]["format"] == {"precision": 1}
        assert after["stop_id"]["tableColumnId"] == before["stop_id"]["tableColumnId"]
        assert after["riders"]["dataTypeName"] == "text"
        assert view["rowIdentifierColumnId"] == after["stop_id"]["id"]
        # Rows that stay: the dropped column is gone, the new one null, the other type converted.
        rows = {row["stop_id"]: row for row in admin.rows(stops)}
        assert rows["b"] == {"stop_id": "b", "riders": "20.50"}
        assert rows["a"] == {"stop_id": "a", "riders": "11", "zone": "2"}

    def test_a_new_row_identifier_must_fit_the_rows_that_stay(self, api, dsmapi, admin):
        rows = [{"stop_id": "a"}, {"stop_id": "a"}]
        dataset = admin.create_dataset(columns=["stop_id"], rows=rows)["id"]
        revision = dsmapi.open(dataset)
        source = dsmapi.upload(revision, b"stop_id\nb\n")
        dsmapi.transform(source, [column("stop_id", "`stop_id`", is_primary_key=True)])
        task_set = dsmapi.finish(revision)
        assert task_set["status"] == "failure"
        assert "duplicate" in task_set["log"][0]["details"]["message"]
        assert len(admin.rows(dataset)) == 2
        dsmapi.call("PUT", revision["links"]["update"], 202, json={"action": {"type": "replace"}})
        assert dsmapi.finish(revision)["status"] == "successful"
        assert "rowIdentifierColumnId" in api.get(f"/api/views/{dataset}").json()

    def test_a_renamed_column_is_the_same_column(self, api, dsmapi, admin, stops):
        before = {each["fieldName"]: each for each in api.get(f"/api/views/{stops}").json()["columns"]}
        revision = dsmapi.open(stops)
        source = dsmapi.upload(revision, b"stop_id,name,riders\nz,Zelkova,1\n")
        columns = dsmapi.output(source)["resource"]["output_columns"]
        columns[1] |= {"field_name": "label", "initial_output_column_id": columns[1]["id"]}
        again = dsmapi.transform(source, columns)["resource"]["output_columns"]
        again[1] |= {"field_name": "sign", "initial_output_column_id": again[1]["id"]}
        dsmapi.transform(source, again)
        assert dsmapi.finish(revision)["status"] == "successful"
        assert [row["sign"] for row in admin.rows(stops)] == ["Alder", "Birch", "Çedar", "Zelkova"]
        after = {each["fieldName"]: each for each in api.get(f"/api/views/{stops}").json()["columns"]}
        assert after["sign"]["tableColumnId"] == before["name"]["tableColumnId"]

    def test_renaming_by_the_dataset_itself_keeps_rows_and_expressions(self, dsmapi, admin):
        """The vendor's sample of a column metadata update: a replace revision with the dataset as source."""
        first = dsmapi.open()
        source = dsmapi.upload(first, b"id,name\n1,a\n")
        columns = [column("key", "to_number(`id`)", is_primary_key=True), column("label", "upper(`name`)", 2)]
        dsmapi.transform(source, columns)
        dsmapi.finish(first)
        dataset = first["resource"]["fourfour"]
        revision = dsmapi.open(dataset, "replace")
        body = {"source_type": {"type": "view", "fourfour": dataset}}
        source = dsmapi.call("POST", revision["links"]["create_source"], 201, json=body)
        columns = dsmapi.output(source)["resource"]["output_columns"]
        columns[1] |= {"field_name": "sign", "initial_output_column_id": columns[1]["id"]}
        dsmapi.transform(source, columns)
        dsmapi.finish(revision)
        assert admin.rows(dataset) == [{"key": "1", "sign": "A"}]
        dsmapi.run(dataset, "update", b"id,name\n2,b\n")
        assert admin.rows(dataset) == [{"key": "1", "sign": "A"}, {"key": "2", "sign": "B"}]

    def test_sorts_become_the_views(self, api, dsmapi):
        revision = dsmapi.open()
        source = dsmapi.upload(revision, b"a\n1\n")
        dsmapi.transform(source, [column("a", "`a`")], sort_bys=[{"field_name": "a", "ascending": False}])
        dsmapi.finish(revision)
        view = api.get(f"/api/views/{revision['resource']['fourfour']}").json()
        [order] = view["query"]["orderBys"]
        assert order == {
            "ascending": False,
            "expression": {"columnId": view["columns"][0]["id"], "type": "column"},
        }


class TestView:
    def test_the_first_apply_publishes_the_draft(self, api, dsmapi):
        revision, task_set = dsmapi.run(None, "update", TYPED)
        assert task_set["status"] == "successful"
        view = api.get(f"/api/views/{revision['resource']['fourfour']}").json()
        assert (view["displayType"], view["publicationStage"]) == ("table", "published")
        assert dsmapi.show(revision)["resource"]["closed_at"]

    def test_metadata_that_was_sent_is_applied(self, api, dsmapi, stops):
        api.put(f"/api/views/{stops}", json={"description": "old", "tags": ["old"]})
        sent = {"description": "new", "privateMetadata": {"k": "v"}, "metadata": {"custom_fields": {"x": {}}}}
        revision = dsmapi.open(stops, metadata=sent)
        # Somebody changes what this revision does not name.
        api.put(f"/api/views/{stops}", json={"tags": ["somebody's"]})
        dsmapi.call("PUT", revision["links"]["update"], 202, json={"metadata": {"category": "Traffic"}})
        assert dsmapi.finish(revision)["status"] == "successful"
        view = api.get(f"/api/views/{stops}").json()
        assert (view["description"], view["tags"], view["category"]) == ("new", ["somebody's"], "Traffic")
        assert (view["privateMetadata"], view["metadata"]["custom_fields"]) == ({"k": "v"}, {"x": {}})
        assert view["metadata"]["rowIdentifier"] == view["rowIdentifierColumnId"]
        assert view["columns"][0]["fieldName"] == "stop_id"

    def test_links_to_data_elsewhere(self, api, dsmapi):
        href = [{"title": "Search", "urls": {"csv": "https://data.example.gov/x.csv"}}]
        revision = dsmapi.open(href=href)
        assert revision["resource"]["href"] == href
        assert dsmapi.finish(revision, resource={"id": 0})["status"] == "successful"
        view = api.get(f"/api/views/{revision['resource']['fourfour']}").json()
        assert (view["assetType"], view["displayType"]) == ("href", "href")
        assert view["metadata"]["additionalAccessPoints"] == href

    @pytest.mark.parametrize("before", ["public", "private"])
    def test_permission_is_kept_unless_given(self, api, dsmapi, admin, before):
        dataset = admin.create_dataset(columns=["a"], permission=before)["id"]
        for asked, expected in ((None, before), ("public", "public"), ("private", "private")):
            revision = dsmapi.open(dataset, action_more={"permission": asked})
            assert dsmapi.finish(revision)["status"] == "successful"
            assert admin.state(dataset)["scope"] == expected

    def test_a_new_dataset_is_private_unless_told(self, dsmapi, admin):
        for asked, expected in ((None, "private"), ("public", "public")):
            revision = dsmapi.open(action_more={"permission": asked})
            dsmapi.upload(revision)
            dsmapi.finish(revision)
            assert admin.state(revision["resource"]["fourfour"])["scope"] == expected

    def test_a_scope_that_is_not_enabled_fails_before_anything_changes(self, dsmapi, admin, stops):
        before = (admin.rows(stops), admin.state(stops)["data_version"])
        revision = dsmapi.open(stops, "replace", action_more={"permission": "site"}, metadata={"name": "N"})
        dsmapi.upload(revision)
        task_set = dsmapi.finish(revision)
        assert task_set["status"] == "failure"
        assert "Site scope" in task_set["log"][0]["details"]["message"]
        assert (admin.rows(stops), admin.state(stops)["data_version"]) == before
