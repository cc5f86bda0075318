"""Output schemas, transforms, row identifiers, previews and errors; configs; approvals; archiving."""

from __future__ import annotations

import csv
import io

import pytest
from conformance.publishing import BASE, Publishing, column

DATA = b"stop_id,name,riders\na,Alder,11\nb,Birch,many\nc,,3\n"


@pytest.fixture
def dsmapi(api):
    return Publishing(api)


@pytest.fixture
def source(dsmapi):
    return dsmapi.upload(dsmapi.open(), DATA)


def links_of(source, name, **ids):
    schema = source["resource"]["schemas"][-1]
    made = source["links"]["input_schema_links"]
    templates = made | made["output_schema_links"]
    return templates[name].format(input_schema_id=schema["id"], **ids)


class TestSchemas:
    def test_every_link_leads_somewhere(self, dsmapi, source):
        schema = source["resource"]["schemas"][0]["id"]
        shown = dsmapi.call("GET", links_of(source, "show", output_schema_id=1).rpartition("/output")[0], 200)
        assert shown["resource"]["id"] == schema
        assert "{output_schema_id}" in shown["links"]["output_schema_links"]["show"]
        output = dsmapi.call("GET", shown["links"]["latest_output"], 200)
        for name in ("show", "rows", "schema_errors"):
            dsmapi.call("GET", output["links"][name], 200)
        transform = output["resource"]["output_columns"][0]["transform"]["id"]
        path = output["links"]["validate_row_id"].format(transform_id=transform)
        assert dsmapi.call("GET", path, 200) == {"valid": True}
        one = dsmapi.call("GET", path.rpartition("/")[0], 200)
        assert one["resource"] == output["resource"]["output_columns"][0]["transform"]
        assert dsmapi.call("GET", one["links"]["show"], 200) == one

    def test_a_new_schema_is_the_revisions_unless_told(self, dsmapi):
        revision = dsmapi.open()
        source = dsmapi.upload(revision, DATA)
        first = dsmapi.show(revision)["resource"]["output_schema_id"]
        made = dsmapi.transform(source, [column("a", "`name`")], increment_revision=False)
        assert dsmapi.show(revision)["resource"]["output_schema_id"] == first
        assert made["resource"]["id"] > first
        later = dsmapi.transform(source, [column("a", "`name`")])["resource"]["id"]
        assert dsmapi.show(revision)["resource"]["output_schema_id"] == later
        assert dsmapi.output(source)["resource"]["id"] == later

    def test_positions_may_count_from_anywhere(self, dsmapi, source):
        columns = [column("c", "`name`", 7), column("a", "`name`", 0), column("b", "`name`", 7)]
        made = dsmapi.transform(source, columns)["resource"]["output_columns"]
        assert [(each["field_name"], each["position"]) for each in made] == [("a", 1), ("c", 2), ("b", 3)]

    def test_what_came_back_may_be_sent_back(self, dsmapi, source):
        output = dsmapi.output(source)["resource"]
        again = dsmapi.transform(source, output["output_columns"], sort_bys=output["sort_bys"])["resource"]
        assert again["id"] != output["id"]
        assert [each["field_name"] for each in again["output_columns"]] == ["stop_id", "name", "riders"]

    @pytest.mark.parametrize(
        ("columns", "key"),
        [
            ([], "invalid_columns"),
            ([column("a", "`name`"), column("a", "`name`")], "invalid_columns"),
            ([column("A b", "`name`")], "invalid_columns"),
            ([column("", "`name`")], "invalid_columns"),
            ([column("a", " ")], "invalid_columns"),
            ([{"field_name": "a"}], "invalid_columns"),
            ([column("a", "`nothing`")], "compile_error"),
            ([column("a", "upper(`name`")], "compile_error"),
            ([column("a", "geocode(`name`)")], "compile_error"),
            (
                [column("a", "`name`", is_primary_key=True), column("b", "`name`", is_primary_key=True)],
                "invalid_row_identifier",
            ),
            ([column("a", "to_point(`name`)", is_primary_key=True)], "invalid_row_identifier"),
        ],
    )
    def test_what_is_refused(self, dsmapi, source, columns, key):
        before = dsmapi.output(source)["resource"]["id"]
        path = links_of(source, "transform")
        refusal = dsmapi.refused("POST", path, 422, key, json={"output_columns": columns})
        if key == "compile_error":
            assert refusal["params"]["position"]["row"] == 1
            assert refusal["params"]["field_name"] == "a"
        assert dsmapi.output(source)["resource"]["id"] == before

    def test_a_sort_needs_its_column(self, dsmapi, source):
        body = {"output_columns": [column("a", "`name`")], "sort_bys": [{"field_name": "b"}]}
        dsmapi.refused("POST", links_of(source, "transform"), 422, "invalid_sort", json=body)


class TestRows:
    def test_preview_and_errors(self, dsmapi, source):
        output = dsmapi.transform(source, [column("n", "to_number(`riders`)", 2), column("id", "`stop_id`")])
        header, *rows = dsmapi.call("GET", output["links"]["rows"], 200)
        assert [each["field_name"] for each in header["output_columns"]] == ["id", "n"]
        assert [each["offset"] for each in rows] == [0, 1, 2]
        assert rows[0]["row"] == [{"ok": "a"}, {"ok": "11"}]
        good, bad = rows[1]["row"]
        assert good == {"ok": "b"}
        assert bad["error"]["inputs"] == {"riders": {"ok": "many"}}
        assert "many" in bad["error"]["message"]
        _, *found = dsmapi.call("GET", output["links"]["schema_errors"], 200)
        assert found == [rows[1]]
        _, *some = dsmapi.call("GET", output["links"]["rows"], 200, params={"limit": 1, "offset": 2})
        assert some == rows[2:]
        first = output["resource"]["output_columns"][0]["id"]
        _, *none = dsmapi.call("GET", output["links"]["schema_errors"], 200, params={"column_id": first})
        assert none == []

    def test_errors_as_csv(self, dsmapi, source):
        output = dsmapi.transform(source, [column("n", "to_number(`riders`)")])
        text = dsmapi.call("GET", output["links"]["schema_errors"], 200, headers={"Accept": "text/csv"})
        header, *rows = csv.reader(io.StringIO(text))
        assert header == ["stop_id", "name", "riders", "error"]
        assert [row[:3] for row in rows] == [["b", "Birch", "many"]]

    @pytest.mark.parametrize("query", ["limit=x", "offset=-1"])
    def test_bad_paging(self, dsmapi, source, query):
        output = dsmapi.output(source)
        dsmapi.refused("GET", f"{output['links']['rows']}?{query}", 400, "bad_request")

    @pytest.mark.parametrize(
        ("expr", "found"),
        [
            ("`stop_id`", {"valid": True}),
            ("'x'", {"valid": False, "reason": "duplicate", "what": "x", "where": 1}),
            ("`name`", {"valid": False, "reason": "null", "what": None, "where": 2}),
            ("to_number(`riders`)", {"valid": False, "reason": "null", "what": None, "where": 1}),
            ("to_point(`name`)", {"valid": False, "reason": "bad type", "what": "point", "where": None}),
        ],
    )
    def test_row_identifier(self, dsmapi, source, expr, found):
        output = dsmapi.transform(source, [column("a", expr)])
        transform = output["resource"]["output_columns"][0]["transform"]["id"]
        path = output["links"]["validate_row_id"].format(transform_id=transform)
        assert dsmapi.call("GET", path, 200) == found


class TestDefaults:
    def test_guessed_types_for_a_new_dataset(self, dsmapi):
        source = dsmapi.upload(dsmapi.open(), b"id,date,block\n1,2026-01-02,x\n2,2026-01-03,y\n")
        columns = dsmapi.output(source)["resource"]["output_columns"]
        exprs = [each["transform"]["transform_expr"] for each in columns]
        assert exprs == ["to_number(`id`)", "to_floating_timestamp(`date`)", "`block`"]

    def test_the_datasets_columns_by_name(self, dsmapi, stops):
        source = dsmapi.upload(dsmapi.open(stops), b"riders,Stop Id,more\n11,a,x\n")
        made = dsmapi.output(source)["resource"]["output_columns"]
        assert [
            (each["field_name"], each["transform"]["transform_expr"], each["is_primary_key"]) for each in made
        ] == [
            ("stop_id", "`stop_id`", True),
            ("name", "to_text(null)", False),
            ("riders", "to_number(`riders`)", False),
        ]

    @pytest.mark.parametrize("as_file", [True, False])
    def test_columns_of_every_type_stay(self, api, dsmapi, admin, as_file):
        row = {
            "text": "a",
            "html": "b",
            "email": "c@example.gov",
            "number": "1",
            "money": "2",
            "percent": "3.5",
            "stars": "4",
            "double": 1.5,
            "checkbox": True,
            "calendar_date": "2026-01-02T00:00:00.000",
            "date": "2026-01-02T00:00:00.000Z",
            "point": {"type": "Point", "coordinates": [1, 2]},
            "url": {"url": "https://example.gov"},
            "phone": {"phone_number": "1", "phone_type": "Home"},
        }
        dataset = admin.create_dataset(columns=[[kind, kind] for kind in row], rows=[row])["id"]
        revision = dsmapi.open(dataset)
        if as_file:
            dsmapi.upload(revision, b"text,number\nz,9\n")
        else:
            body = {"source_type": {"type": "view", "fourfour": dataset}}
            source = dsmapi.call("POST", revision["links"]["create_source"], 201, json=body)
            dsmapi.call("PUT", source["links"]["load"], 200)
        assert dsmapi.finish(revision)["status"] == "successful"
        kinds = [each["dataTypeName"] for each in api.get(f"/api/views/{dataset}").json()["columns"]]
        assert kinds == list(row)
        assert admin.rows(dataset) == [row, {"text": "z", "number": "9"} if as_file else row]

    def test_what_was_applied_last(self, dsmapi, admin):
        revision = dsmapi.open()
        source = dsmapi.upload(revision, b"id,name\n1,a\n")
        columns = [
            column("key", "to_number(`id`) * 10", is_primary_key=True),
            column("label", "upper(`name`)", 2),
        ]
        dsmapi.transform(source, columns)
        dsmapi.finish(revision)
        dataset = revision["resource"]["fourfour"]
        dsmapi.run(dataset, "update", b"name,id\nb,1\nc,2\n")
        assert admin.rows(dataset) == [{"key": "10", "label": "B"}, {"key": "20", "label": "C"}]


class TestConfigs:
    def config(self, dsmapi, name="nightly", **more):
        body = {"name": name, "data_action": "replace"} | more
        return dsmapi.call("POST", f"{BASE}/config", 201, json=body)

    def test_life(self, dsmapi):
        made = self.config(dsmapi, "my config", parse_options=None, columns=None)
        assert made["resource"]["parse_options"]["header_count"] == 1
        assert made["resource"]["columns"] == []
        assert dsmapi.call("GET", made["links"]["show"], 200) == made
        dsmapi.refused(
            "POST", f"{BASE}/config", 409, "name_taken", json={"name": "my config", "data_action": "update"}
        )
        changes = {"data_action": "update", "parse_options": {"column_separator": ";"}}
        changed = dsmapi.call("PATCH", made["links"]["update"], 202, json=changes)["resource"]
        assert (changed["data_action"], changed["parse_options"]["column_separator"]) == ("update", ";")
        assert len(dsmapi.call("GET", made["links"]["list"], 200)) == 1
        self.config(dsmapi, "other")
        dsmapi.refused("PATCH", made["links"]["update"], 409, "name_taken", json={"name": "other"})
        made = dsmapi.call("PATCH", made["links"]["update"], 202, json={"name": "new name"})
        assert made["links"]["show"].endswith("/config/new%20name")
        assert dsmapi.call("GET", made["links"]["show"], 200)["resource"]["data_action"] == "update"
        dsmapi.call("DELETE", made["links"]["delete"], 201)
        dsmapi.refused("GET", made["links"]["show"], 404, "not_found")

    def test_build_and_use(self, dsmapi, admin, stops):
        revision = dsmapi.open(stops)
        source = dsmapi.upload(
            revision,
            b"x\nstop_id;riders\na;7\n",
            options={"header_count": 2, "column_header": 2, "column_separator": ";"},
        )
        columns = [
            column("stop_id", "`stop_id`", is_primary_key=True),
            column("riders", "to_number(`riders`) * 2", 2),
        ]
        output = dsmapi.transform(source, columns)
        body = {"name": "double", "data_action": "replace"}
        config = dsmapi.call("POST", output["links"]["build_config"], 201, json=body)
        assert config["resource"]["columns"][1]["transform_expr"] == "to_number(`riders`) * 2"
        path = config["links"]["create_revision"].format(fourfour=stops)
        by_config = dsmapi.call("POST", path, 201)
        assert by_config["resource"]["action"]["type"] == "replace"
        dsmapi.upload(by_config, b"x\nstop_id;riders\nz;21\n")
        dsmapi.finish(by_config)
        assert admin.rows(stops) == [{"stop_id": "z", "riders": "42"}]

    def test_metadata_beside_a_config(self, dsmapi, admin, stops):
        self.config(dsmapi)
        path = f"{BASE}/revision/{stops}"
        body = {"config": "nightly", "metadata": {"description": "by config"}}
        made = dsmapi.call("POST", path, 201, json=body)["resource"]
        assert (made["metadata"]["description"], made["action"]["type"]) == ("by config", "replace")
        admin.settings(config_revision_takes_metadata=False)
        made = dsmapi.call("POST", path, 201, json=body)["resource"]
        assert made["metadata"]["description"] is None
        dsmapi.refused("POST", path, 404, "not_found", json={"config": "none"})

    @pytest.mark.parametrize(
        "body",
        [
            {"data_action": "update"},
            {"name": "x", "data_action": "paint"},
            {"name": "x", "data_action": "update", "columns": [{"field_name": "a"}]},
            {"name": "x", "data_action": "update", "parse_options": {"header_count": -1}},
        ],
    )
    def test_what_is_refused(self, dsmapi, body):
        dsmapi.refused("POST", f"{BASE}/config", 422, "validation_failed", json=body)


class TestApprovals:
    @pytest.fixture
    def waiting(self, dsmapi, admin, stops):
        admin.settings(approvals=True)
        revision = dsmapi.open(stops, "replace")
        dsmapi.upload(revision)
        submitted = dsmapi.apply(revision)
        assert submitted["key"] == "approval_submitted"
        assert "resource" not in submitted
        return revision

    def guidance(self, dsmapi, dataset):
        params = {"method": "guidance_v2", "assetId": f"{dataset}:0"}
        return dsmapi.call("GET", f"/api/views/{dataset}/approvals", 200, params=params)["public"]

    def test_approved(self, dsmapi, admin, stops, waiting):
        assert len(admin.rows(stops)) == 3
        assert dsmapi.show(waiting)["resource"]["task_sets"] == []
        assert self.guidance(dsmapi, stops)["currentState"] == "pending"
        admin.approve(stops)
        shown = self.guidance(dsmapi, stops)
        assert (shown["currentState"], shown["currentOutcomeStatus"]) == ("approved", "in_progress")
        for _ in range(2):
            found = dsmapi.show(waiting)["resource"]
        assert (found["task_sets"][0]["status"], bool(found["closed_at"])) == ("successful", True)
        assert "currentOutcomeStatus" not in self.guidance(dsmapi, stops)
        assert len(admin.rows(stops)) == 2

    def test_rejected_and_submitted_again(self, dsmapi, admin, stops, waiting):
        admin.reject(stops)
        assert self.guidance(dsmapi, stops)["currentState"] == "rejected"
        found = dsmapi.show(waiting)["resource"]
        assert (found["task_sets"], found["closed_at"]) == ([], None)
        assert dsmapi.apply(waiting)["key"] == "approval_submitted"
        assert self.guidance(dsmapi, stops)["currentState"] == "pending"
        assert admin.revisions(stops)[0]["approval"] == "pending"

    def test_reviewed_by_call(self, dsmapi, stops, waiting):
        path = self.guidance(dsmapi, stops)["updateUrl"]
        dsmapi.call("PUT", path, 200, json={"state": "approved", "notes": "Good"})
        assert dsmapi.show(waiting)["resource"]["task_sets"]
        assert dsmapi.call("PUT", path, 400, json={"state": "rejected"})["error"] is True

    def test_withdrawn(self, dsmapi, admin, stops, waiting):
        path = self.guidance(dsmapi, stops)["withdrawUrl"]
        dsmapi.call("DELETE", path, 200)
        assert self.guidance(dsmapi, stops)["currentState"] == "submittable"
        with pytest.raises(ValueError, match="waits for approval"):
            admin.approve(stops)

    def test_apply_again_while_it_waits_is_no_second_one(self, dsmapi, stops, waiting):
        record = self.guidance(dsmapi, stops)["updateUrl"]
        dsmapi.apply(waiting)
        assert self.guidance(dsmapi, stops)["updateUrl"] == record

    def test_never_submitted(self, dsmapi, stops):
        dsmapi.open(stops)
        assert self.guidance(dsmapi, stops)["currentState"] == "submittable"


class TestArchiving:
    def test_restore(self, api, dsmapi, admin, stops):
        first, _ = dsmapi.run(
            stops, "replace", b"stop_id,name,riders\na,Alder,1\n", metadata={"description": "one"}
        )
        dsmapi.refused("POST", first["links"]["restore"], 422, "not_archived")
        path = f"/api/views/{stops}/replication.json"
        assert [each["name"] for each in api.get(path).json()["secondary_versions"]] == ["pg"]
        assert api.post(f"/api/archival?id={stops}&method=enroll").status_code == 200
        replication = api.get(path).json()
        assert replication["secondary_versions"][1] == {
            "name": "archival",
            "version": replication["truth_data_version"],
        }
        second, _ = dsmapi.run(stops, "replace", b"stop_id,name,riders\nb,Birch,2\n")
        again = dsmapi.call("POST", first["links"]["restore"], 201)
        assert again["resource"]["revision_seq"] == 2
        assert again["resource"]["metadata"]["description"] == "one"
        [source] = dsmapi.call("GET", again["links"]["list_sources"], 200)
        columns = dsmapi.output(source)["resource"]["output_columns"]
        exprs = [each["transform"]["transform_expr"] for each in columns]
        assert exprs == ["`stop_id`", "`name`", "`riders`"]
        assert dsmapi.finish(again)["status"] == "successful"
        assert admin.rows(stops) == [{"stop_id": "a", "name": "Alder", "riders": "1"}]
        dsmapi.finish(dsmapi.call("POST", second["links"]["restore"], 201))
        assert admin.rows(stops) == [{"stop_id": "b", "name": "Birch", "riders": "2"}]
        assert api.get(f"/api/views/{stops}").json()["rowIdentifierColumnId"]

    def test_status_of_the_refusal(self, dsmapi, admin, stops):
        admin.settings(restore_not_enrolled_status=404)
        revision = dsmapi.open(stops)
        dsmapi.refused("POST", revision["links"]["restore"], 404, "not_archived")
