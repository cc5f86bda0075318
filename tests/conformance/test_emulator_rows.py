"""Row writes: what matches what, what counts as an error, what kills the whole request."""

from __future__ import annotations

import gzip

import pytest


def counts(reply):
    assert reply.status_code == 200, reply.text
    body = reply.json()
    return body["Rows Created"], body["Rows Updated"], body["Rows Deleted"], body["Errors"]


def csv(api, dataset, text, method="POST", **headers):
    data = text if isinstance(text, bytes) else text.encode()
    return api(method, f"/resource/{dataset}.json", data=data, headers={"Content-Type": "text/csv"} | headers)


class TestUpsert:
    def test_insert_update_delete_in_one_request(self, api, admin, stops):
        rows = [
            {"stop_id": "a", "name": "Ash"},
            {"stop_id": "d", "name": "Dogwood"},
            {"stop_id": "b", ":deleted": True},
        ]
        assert counts(api.upsert(stops, rows)) == (1, 1, 1, 0)
        assert admin.rows(stops) == [
            {"stop_id": "a", "name": "Ash", "riders": "10"},
            {"stop_id": "c", "name": "Çedar"},
            {"stop_id": "d", "name": "Dogwood"},
        ]

    def test_absent_field_stays_and_null_clears(self, api, admin, stops):
        api.upsert(stops, [{"stop_id": "a", "riders": None}])
        assert admin.rows(stops)[0] == {"stop_id": "a", "name": "Alder"}

    def test_merge_can_be_switched_off(self, api, admin, stops):
        api.post(f"/resource/{stops}.json?mergeInsteadOfReplace=false", json=[{"stop_id": "a", "riders": 5}])
        assert admin.rows(stops)[0] == {"stop_id": "a", "riders": "5"}

    def test_repeating_keyed_rows_changes_nothing(self, api, admin, stops):
        rows = [{"stop_id": "x", "name": "X"}, {"stop_id": "a", "name": "A"}]
        assert counts(api.upsert(stops, rows)) == (1, 1, 0, 0)
        assert counts(api.upsert(stops, rows)) == (0, 2, 0, 0)
        assert api.count(stops) == 4

    def test_repeating_rows_without_row_identifier_doubles_them(self, api, admin):
        admin.create_dataset("nokk-2222", "N", ["a"])
        for _ in range(2):
            assert counts(api.upsert("nokk-2222", [{"a": "x"}])) == (1, 0, 0, 0)
        assert api.count("nokk-2222") == 2

    def test_row_id_matches_where_there_is_no_row_identifier(self, api, admin):
        admin.create_dataset("nokk-2222", "N", ["a", "b"], rows=[{"a": "x", "b": "y"}])
        row_id = api.rows("nokk-2222", **{"$select": ":id"})[0][":id"]
        assert counts(api.upsert("nokk-2222", [{":id": row_id, "a": "z"}])) == (0, 1, 0, 0)
        assert admin.rows("nokk-2222") == [{"a": "z", "b": "y"}]
        unknown = api.upsert("nokk-2222", [{":id": "row-2222-2222-2222", "a": "z"}])
        assert counts(unknown) == (0, 0, 0, 1)
        assert counts(api.upsert("nokk-2222", [{":id": None, "a": "new"}])) == (1, 0, 0, 0)
        assert counts(api.upsert("nokk-2222", [{":id": row_id, ":deleted": True}])) == (0, 0, 1, 0)
        assert api.upsert("nokk-2222", [{":id": "nonsense"}]).status_code == 400

    def test_row_id_alone_does_not_match_where_there_is_a_row_identifier(self, api, stops):
        row_id = api.rows(stops, **{"$select": ":id"})[0][":id"]
        assert counts(api.upsert(stops, [{":id": row_id, "name": "x"}])) == (0, 0, 0, 1)

    def test_deleting_an_absent_row_counts_as_an_error_at_200(self, api, stops):
        rows = [{"stop_id": "b", ":deleted": True}]
        assert counts(api.upsert(stops, rows)) == (0, 0, 1, 0)
        assert counts(api.upsert(stops, rows)) == (0, 0, 0, 1)

    def test_only_literal_true_deletes(self, api, stops):
        assert counts(
            api.upsert(stops, [{"stop_id": "a", ":deleted": "true"}, {"stop_id": "b", ":deleted": 1}])
        ) == (
            0,
            2,
            0,
            0,
        )

    def test_array_of_an_id_deletes(self, api, stops):
        assert counts(api.upsert(stops, [["a"], ["zz"]])) == (0, 0, 1, 1)

    def test_delete_without_identifier_kills_the_request(self, api, admin, stops):
        reply = api.upsert(stops, [{"stop_id": "n"}, {"name": "x", ":deleted": True}])
        assert reply.status_code == 400
        assert reply.json()["errorCode"] == "soda.row.delete-without-primary-key"
        assert len(admin.rows(stops)) == 3

    @pytest.mark.parametrize("blank", [{}, {"stop_id": None}])
    def test_row_without_identifier_counts_as_an_error(self, api, admin, stops, blank):
        assert counts(api.upsert(stops, [{"name": "x"} | blank, {"stop_id": "n"}])) == (1, 0, 0, 1)
        admin.settings(missing_row_identifier="refuse")
        reply = api.upsert(stops, [{"name": "x"} | blank, {"stop_id": "m"}])
        assert reply.json()["errorCode"] == "soda.row.primary-key-nonexistent-or-null"
        assert len(admin.rows(stops)) == 4

    def test_rows_of_one_request_act_in_order(self, api, admin, stops):
        rows = [
            {"stop_id": "n", "name": "first"},
            {"stop_id": "n", "name": "second"},
            {"stop_id": "a", ":deleted": True},
            {"stop_id": "a", "name": "again"},
            {"stop_id": "m", "name": "short"},
            {"stop_id": "m", ":deleted": True},
            {"stop_id": "m", ":deleted": True},
        ]
        assert counts(api.upsert(stops, rows)) == (3, 1, 2, 1)
        assert {row["stop_id"]: row.get("name") for row in admin.rows(stops)} == {
            "a": "again",
            "b": "Birch",
            "c": "Çedar",
            "n": "second",
        }

    def test_many_shapes_of_rows_keep_their_order(self, api, admin):
        """Rows with ever other fields are grouped inside; ids and counts must not show it."""
        names = [f"c{n}" for n in range(8)]
        admin.create_dataset("wide-2222", "W", ["k", *names], "k")
        rows = [
            {"k": f"{n:03d}"} | {name: str(n) for i, name in enumerate(names) if n >> i & 1}
            for n in range(256)
        ]
        assert counts(api.upsert("wide-2222", rows)) == (256, 0, 0, 0)
        found = api.rows("wide-2222", **{"$order": ":id", "$limit": "1000"})
        assert found == rows

    def test_number_identifiers_compare_by_value(self, api, admin):
        admin.create_dataset("nums-2222", "N", [["n", "number"], ["t", "text"]], "n", [{"n": 1, "t": "one"}])
        assert counts(api.upsert("nums-2222", [{"n": "1.0", "t": "uno"}, {"n": "-0.0"}, {"n": 0}])) == (
            1,
            2,
            0,
            0,
        )
        assert api.get("/resource/nums-2222/1.00").json()["t"] == "uno"

    def test_times_and_ids_of_a_row(self, api, admin, stops):
        params = {"$select": ":id,:version,:created_at,:updated_at", "$where": "stop_id='a'"}
        before = api.rows(stops, **params)[0]
        admin.advance(10)
        api.upsert(stops, [{"stop_id": "a", "name": "x"}])
        after = api.rows(stops, **params)[0]
        assert after[":id"] == before[":id"]
        assert after[":created_at"] == before[":created_at"]
        assert after[":updated_at"] > before[":updated_at"]
        assert after[":version"] != before[":version"]

    def test_stale_row_version_is_an_error(self, api, stops):
        row = api.rows(stops, **{"$select": ":version", "$where": "stop_id='a'"})[0]
        assert counts(api.upsert(stops, [{"stop_id": "a", ":version": row[":version"], "name": "1"}])) == (
            0,
            1,
            0,
            0,
        )
        assert counts(api.upsert(stops, [{"stop_id": "a", ":version": row[":version"], "name": "2"}])) == (
            0,
            0,
            0,
            1,
        )


class TestReplace:
    def test_replace_is_one_transaction(self, api, admin, stops):
        bad = [{"stop_id": "n"}, {"stop_id": "m", "riders": "many"}]
        assert api.put(f"/resource/{stops}.json", json=bad).status_code == 400
        assert len(admin.rows(stops)) == 3
        old = {row[":id"] for row in api.rows(stops, **{"$select": ":id"})}
        assert counts(api.put(f"/resource/{stops}.json", json=[{"stop_id": "a"}])) == (1, 0, 0, 0)
        assert old.isdisjoint(row[":id"] for row in api.rows(stops, **{"$select": ":id"}))

    def test_truncate(self, api, stops):
        assert counts(api.put(f"/resource/{stops}.json", json=[])) == (0, 0, 0, 0)
        assert api.count(stops) == 0

    def test_truncate_the_old_way(self, api, stops):
        assert api.delete(f"/resource/{stops}").status_code == 200
        assert api.count(stops) == 0

    def test_upsert_with_truncate(self, api, stops):
        reply = api.post(f"/resource/{stops}.json?truncate=true", json=[{"stop_id": "n"}])
        assert counts(reply) == (1, 0, 0, 0)
        assert api.count(stops) == 1

    def test_object_is_refused(self, api, stops):
        reply = api.put(f"/resource/{stops}.json", json={"stop_id": "a"})
        assert (reply.status_code, reply.json()["errorCode"]) == (400, "req.content.json.invalid")


class TestCsv:
    def test_gzip_bom_quotes_and_line_breaks(self, api, admin, stops):
        text = '\ufeffstop_id,name,riders\r\nn,"two\nlines, ""quoted""",1.50\r\nm,,\r\n'
        reply = csv(api, stops, gzip.compress(text.encode()), **{"Content-Encoding": "gzip"})
        assert counts(reply) == (2, 0, 0, 0)
        assert admin.rows(stops)[-2:] == [
            {"stop_id": "n", "name": 'two\nlines, "quoted"', "riders": "1.50"},
            {"stop_id": "m"},
        ]

    def test_empty_cell_is_null_and_missing_column_is_left(self, api, admin, stops):
        assert counts(csv(api, stops, "stop_id,name\na,\n")) == (0, 1, 0, 0)
        assert admin.rows(stops)[0] == {"stop_id": "a", "riders": "10"}

    def test_deleted_column(self, api, admin, stops):
        text = "stop_id,name,:deleted\na,,true\nb,Bay,false\nc,Cypress,\nzz,,TRUE\n"
        assert counts(csv(api, stops, text)) == (0, 2, 1, 1)

    def test_header_takes_display_names_too(self, api, admin):
        columns = [{"name": "Stop Name", "fieldName": "stop_name", "dataTypeName": "text"}]
        admin.create_dataset("disp-2222", "D", columns)
        assert counts(csv(api, "disp-2222", "Stop Name\nx\n")) == (1, 0, 0, 0)
        admin.settings(csv_header="field_names")
        assert csv(api, "disp-2222", "Stop Name\nx\n").status_code == 400
        # JSON keys are field names, always.
        admin.settings(csv_header="both")
        assert api.upsert("disp-2222", [{"Stop Name": "x"}]).status_code == 400

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "no header"),
            (b"stop_id,name\na\n", "Row 2 of the CSV has 1 cells, the header 2"),
            (b'stop_id,name\na,"open\n', "Malformed CSV"),
            (b"stop_id,name\na,\xff\n", "not UTF-8"),
            (b"stop_id,stop_id\na,b\n", "Duplicate field name"),
            (b"stop_id,nope\na,b\n", "Illegal field name sent: nope"),
            (b"stop_id,riders\na,many\n", 'Expected number type for column riders, but got value "many"'),
        ],
    )
    def test_bad_csv_is_refused_whole(self, api, admin, stops, body, message):
        reply = csv(api, stops, body)
        assert reply.status_code == 400
        assert message in reply.json()["message"]
        assert reply.json()["code"] == "invalid_request"
        assert len(admin.rows(stops)) == 3

    def test_bad_gzip(self, api, stops):
        whole = gzip.compress(b"stop_id\na\n" * 1000)
        assert "cut off" in csv(api, stops, whole[:-9], **{"Content-Encoding": "gzip"}).json()["message"]
        assert (
            "not gzip" in csv(api, stops, b"stop_id\na\n", **{"Content-Encoding": "gzip"}).json()["message"]
        )

    def test_long_cells(self, api, admin, stops):
        assert counts(csv(api, stops, "stop_id,name\nbig," + "x" * 300_000 + "\n")) == (1, 0, 0, 0)
        assert len(admin.rows(stops)[-1]["name"]) == 300_000

    def test_many_blocks(self, api, admin, stops):
        lines = [f"s{n:06d},name {n},{n}" for n in range(25_000)]
        text = "stop_id,name,riders\n" + "\n".join(lines) + "\n"
        assert counts(csv(api, stops, text)) == (25_000, 0, 0, 0)
        assert counts(csv(api, stops, text)) == (0, 25_000, 0, 0)
        assert api.rows(stops, **{"$select": "sum(riders)", "$where": "starts_with(stop_id,'s')"}) == [
            {"sum_riders": str(25_000 * 24_999 // 2)}
        ]

    def test_replace_by_csv(self, api, stops):
        assert counts(csv(api, stops, "stop_id\nx\n", "PUT")) == (1, 0, 0, 0)
        assert api.count(stops) == 1


class TestRefusals:
    def test_unknown_field(self, api, admin, stops):
        reply = api.upsert(stops, [{"stop_id": "n", "switch_comm": 1}])
        assert reply.status_code == 400
        assert reply.json() == {
            "code": "invalid_request",
            "error": True,
            "message": "Illegal field name sent: switch_comm",
        }
        admin.settings(unknown_fields="ignore")
        assert counts(api.upsert(stops, [{"stop_id": "n", "switch_comm": 1}])) == (1, 0, 0, 0)

    def test_old_back_end_ignores_unknown_fields_and_counts_six_ways(self, api, admin):
        admin.create_dataset("oldd-2222", "Old", ["a"], "a", backend="old")
        reply = api.upsert("oldd-2222", [{"a": "x", "nope": 1}])
        assert reply.json() == {
            "Rows Created": 1,
            "Rows Updated": 0,
            "Rows Deleted": 0,
            "Errors": 0,
            "By RowIdentifier": 0,
            "By SID": 0,
        }
        assert api.upsert("oldd-2222", [{"a": "x"}]).json()["By RowIdentifier"] == 1

    def test_names_fold_case_and_dashes(self, api, stops):
        assert counts(api.upsert(stops, [{"STOP-ID": "a", "Name": "x"}])) == (0, 1, 0, 0)

    @pytest.mark.parametrize("body", [b"{not json", b'[{"stop_id": NaN}]', b'[{"riders": Infinity}]'])
    def test_bad_json(self, api, stops, body):
        reply = api.post(f"/resource/{stops}.json", data=body, headers={"Content-Type": "application/json"})
        assert (reply.status_code, reply.json()["error"]) == (400, True)

    def test_row_that_is_no_object(self, api, stops):
        assert api.upsert(stops, ["a"]).json()["errorCode"] == "soda.row.upsert-row-not-an-object"
        assert api.upsert(stops, 7).json()["errorCode"] == "req.content.json.invalid"

    def test_content_types(self, api, stops):
        reply = api.post(f"/resource/{stops}.json", data=b"x", headers={"Content-Type": "application/xml"})
        assert (reply.status_code, reply.json()["errorCode"]) == (415, "req.content-type.not-json")

    def test_rows_of_derived_views_and_mirrors(self, api, admin, stops):
        filtered = admin.create_derived(stops, id="filt-2222")
        assert (filtered["assetType"], filtered["modifyingViewUid"]) == ("filter", stops)
        reply = api.upsert("filt-2222", [{"stop_id": "n"}])
        assert (reply.status_code, stops in reply.json()["message"]) == (400, True)
        assert api.count("filt-2222") == 3
        admin.create_dataset("sync-2222", "S", ["a"], synced=True)
        reply = api.upsert("sync-2222", [{"a": "x"}])
        assert reply.status_code == 403
        assert reply.json() == {"error": True, "message": "Cannot update a synced dataset manually"}

    def test_rows_to_the_published_id_while_a_copy_is_open(self, api, admin, stops):
        copy = api.open_copy(stops)
        assert api.upsert(stops, [{"stop_id": "n"}]).status_code == 409
        admin.settings(rows_to_published="copy")
        assert counts(api.upsert(stops, [{"stop_id": "n"}])) == (1, 0, 0, 0)
        assert (api.count(stops), api.count(copy)) == (3, 4)
        admin.settings(rows_to_published="published")
        api.upsert(stops, [{"stop_id": "m"}, {"stop_id": "l"}])
        assert (api.count(stops), api.count(copy)) == (5, 4)

    def test_expected_data_version(self, api, admin, stops):
        version = admin.state(stops)["data_version"]
        path = f"/resource/{stops}.json?expectedDataVersion="
        assert api.post(f"{path}{version}", json=[]).status_code == 200
        stale = api.post(f"{path}{version}", json=[])
        assert (stale.status_code, stale.json()["errorCode"]) == (409, "soda.row.dataset-version-mismatch")

    def test_write_options(self, api, admin, stops):
        path = f"/resource/{stops}.json"
        gone = [{"stop_id": "n"}, {"stop_id": "zz", ":deleted": True}]
        fatal = api.post(path + "?errorsAreFatal=true", json=gone)
        assert (fatal.status_code, fatal.json()["errorCode"]) == (404, "soda.row.not-found")
        assert len(admin.rows(stops)) == 3
        tolerated = api.post(
            path + "?errorsAreFatal=true&nonFatalRowErrors[]=no_such_row_to_delete", json=gone
        )
        assert counts(tolerated) == (1, 0, 0, 1)
        bad = api.post(path + "?truncate=maybe", json=[])
        assert bad.json()["errorCode"] == "req.bad-parameter"
        admin.settings(write_options=False)
        assert counts(api.post(path + "?truncate=true", json=[])) == (0, 0, 0, 0)
        assert api.count(stops) == 4


class TestForms:
    def test_version_two_names_the_errors(self, api, stops):
        rows = [{"stop_id": "a"}, {"stop_id": "zz", ":deleted": True}]
        reply = api.post(f"/resource/{stops}.json?$$version=2.0", json=rows)
        assert reply.json() == {
            "rows_created": 0,
            "rows_updated": 1,
            "rows_deleted": 0,
            "errors": [{"error": "no_such_row_to_delete", "input_index": 1, "primary_key": "zz"}],
        }
        reply = api.post(f"/resource/{stops}.json?$$version=2.0", json=rows[:1])
        assert "errors" not in reply.json()

    def test_reports_by_switch(self, api, admin, stops):
        admin.settings(summary_form="reports")
        rows = [
            {"stop_id": "zz", ":deleted": True},
            {"stop_id": "a"},
            {"stop_id": "n"},
            {"stop_id": "b", ":deleted": True},
        ]
        reports = api.upsert(stops, rows).json()
        assert [report["typ"] for report in reports] == ["error", "update", "insert", "delete"]
        assert reports[0] == {"typ": "error", "err": "no_such_row_to_delete", "id": "zz"}
        assert reports[1]["ver"].startswith("rv-")

    def test_six_keys_by_switch(self, api, admin, stops):
        admin.settings(summary_form="six")
        assert api.upsert(stops, [{"stop_id": "a"}]).json()["By RowIdentifier"] == 1


class TestOneRow:
    def test_read(self, anonymous, admin, stops):
        row = anonymous.get(f"/resource/{stops}/a.json").json()
        assert (row["stop_id"], row["riders"]) == ("a", "10")
        assert ":id" not in row
        missing = anonymous.get(f"/resource/{stops}/zz")
        assert (missing.status_code, missing.json()["data"]) == (404, {"value": "zz"})
        admin.settings(one_row_system_fields=True)
        assert anonymous.get(f"/resource/{stops}/a.json").json()[":id"].startswith("row-")

    def test_post_one_object_returns_the_row(self, api, admin, stops):
        row = api.upsert(stops, {"stop_id": "a", "name": "Only"}).json()
        assert (row["name"], row["riders"]) == ("Only", "10")
        assert row[":updated_at"].endswith("Z")
        admin.create_dataset("oldd-2222", "Old", ["a"], backend="old")
        assert api.upsert("oldd-2222", {"a": "x"}).json()["Rows Created"] == 1

    def test_row_id_of_a_dataset_without_identifier(self, api, admin):
        admin.create_dataset("nokk-2222", "N", ["a"], rows=[{"a": "x"}])
        row_id = api.rows("nokk-2222", **{"$select": ":id"})[0][":id"]
        assert api.get(f"/resource/nokk-2222/{row_id}.json").json()["a"] == "x"
        assert api.delete(f"/resource/nokk-2222/{row_id}").json() == [{"typ": "delete", "id": row_id}]
        assert api.get(f"/resource/nokk-2222/{row_id}.json").status_code == 404

    def test_delete_and_post_by_path(self, api, stops):
        assert api.delete(f"/resource/{stops}/a.json").json() == [{"typ": "delete", "id": "a"}]
        assert api.delete(f"/resource/{stops}/a.json").json()["errorCode"] == "soda.row.not-found"
        # The id of the path is not used: the body's counts.
        report = api.post(f"/resource/{stops}/b", json={"stop_id": "q"}).json()
        assert (report[0]["typ"], report[0]["id"]) == ("insert", "q")

    def test_put_one_row(self, api, admin, stops):
        assert api.put(f"/resource/{stops}/a", json={"name": "x"}).status_code == 405
        admin.create_dataset("oldd-2222", "Old", ["a", "b"], "a", [{"a": "1", "b": "2"}], backend="old")
        api.put("/resource/oldd-2222/1", json={})
        assert admin.rows("oldd-2222") == [{"a": "1"}]
