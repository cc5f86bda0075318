"""SODA 3, the catalog, exports, and the other addresses of rows, as plain HTTP."""

from __future__ import annotations

import pytest


class TestOtherAddresses:
    """``/id/{id}`` and ``/api/id/{id}`` are ``/resource/{id}``."""

    @pytest.mark.parametrize("prefix", ["/id/", "/api/id/"])
    def test_of_a_dataset(self, api, admin, stops, prefix):
        assert len(api.get(f"{prefix}{stops}.json").json()) == 3
        assert api.post(f"{prefix}{stops}.json", json=[{"stop_id": "d"}]).json()["Rows Created"] == 1
        assert api.put(f"{prefix}{stops}.json", json=[{"stop_id": "d"}]).json()["Rows Created"] == 1
        assert api.delete(f"{prefix}{stops}").status_code == 200
        assert admin.rows(stops) == []

    @pytest.mark.parametrize("prefix", ["/id/", "/api/id/"])
    def test_of_a_row(self, api, stops, prefix):
        assert api.get(f"{prefix}{stops}/a.json").json()["name"] == "Alder"
        assert api.post(f"{prefix}{stops}/a.json", json={"stop_id": "a", "riders": 1}).status_code == 200
        assert api.put(f"{prefix}{stops}/a.json", json={"riders": 1}).status_code == 405
        assert api.delete(f"{prefix}{stops}/a.json").json() == [{"typ": "delete", "id": "a"}]


class TestVersions:
    def test_a_row_and_a_page_have_an_etag(self, api, stops):
        for path in (f"/resource/{stops}/a.json", f"/resource/{stops}.json"):
            tag = api.get(path).headers["ETag"]
            assert api.get(path, headers={"If-None-Match": tag}).status_code == 304
            assert api.get(path, headers={"If-Match": tag}).status_code == 200
            api.upsert(stops, [{"stop_id": "a", "riders": len(path)}])
            assert api.get(path, headers={"If-None-Match": tag}).status_code == 200
            refused = api.get(path, headers={"If-Match": tag})
            assert (refused.status_code, refused.json()["errorCode"]) == (412, "precondition-failed")

    def test_a_write_tells_the_version_that_it_made(self, api, admin, stops):
        for write in (
            lambda: api.upsert(stops, [{"stop_id": "d"}]),
            lambda: api.upsert(stops, {"stop_id": "d"}),
            lambda: api.delete(f"/resource/{stops}/d"),
        ):
            reply = write()
            truth = api.get(f"/api/views/{stops}/replication.json").json()["truth_data_version"]
            assert int(reply.headers["X-SODA2-Truth-Version"]) == truth
        admin.settings(truth_version_headers=False)
        assert "X-SODA2-Truth-Version" not in api.upsert(stops, [{"stop_id": "d"}]).headers

    def test_the_row_of_one_object_comes_from_the_truth(self, api, admin, stops):
        admin.settings(replica_manual=True)
        assert api.upsert(stops, {"stop_id": "a", "riders": 77}).json()["riders"] == "77"
        assert api.get(f"/resource/{stops}/a.json").json()["riders"] == "10"

    def test_the_version_of_a_row_without_identifier_is_a_lock(self, api, admin):
        admin.create_dataset("nokk-2222", "N", ["a"], rows=[{"a": "x"}])
        row = api.rows("nokk-2222", **{"$select": ":*,*"})[0]
        lock = {":id": row[":id"], ":version": row[":version"], "a": "y"}
        assert api.upsert("nokk-2222", [lock]).json()["Rows Updated"] == 1
        assert api.upsert("nokk-2222", [lock]).json()["Errors"] == 1


class TestSoda3:
    def ask(self, api, stops, body, verb="query", suffix="json"):
        return api.post(f"/api/v3/views/{stops}/{verb}.{suffix}", json=body)

    def test_what_is_wrong_is_told(self, api, stops):
        for body, verb, words in (
            ({"page": {"pageNumber": 0}}, "query", "page is"),
            ({"page": 1}, "query", "page is"),
            ({"query": 5}, "query", "query is a text"),
            ({"orderingSpecifier": "none"}, "query", "orderingSpecifier is one of"),
            ({"page": {"pageNumber": 1}}, "export", "page is no option of an export"),
            ({"includeSystem": True}, "export", "includeSystem is no option"),
            ([1], "query", "An object of query options"),
        ):
            reply = self.ask(api, stops, body, verb)
            assert (reply.status_code, words in reply.json()["message"]) == (400, True), body
        assert self.ask(api, stops, {}, suffix="pdf").status_code == 406
        assert self.ask(api, "none-2222", {}).status_code == 404
        assert api.get(f"/api/v3/views/{stops}/query.json?pageNumber=x").status_code == 400

    def test_system_fields_come_with_everything(self, api, stops):
        row = self.ask(api, stops, {}).json()[0]
        assert list(row)[:4] == [":id", ":version", ":created_at", ":updated_at"]
        assert list(self.ask(api, stops, {"query": "SELECT stop_id"}).json()[0]) == ["stop_id"]
        counted = self.ask(api, stops, {"query": "SELECT count(*)"}).json()
        assert counted == [{"count": "3"}]
        assert ":id" not in self.ask(api, stops, {}, "export").json()[0]

    def test_nobody_needs_an_app_token(self, anonymous, admin, portal, stops):
        assert self.ask(anonymous, stops, {}).status_code == 403
        named = anonymous.get(f"/api/v3/views/{stops}/export.csv?app_token={portal.app_token}")
        assert (named.status_code, named.text.splitlines()[0]) == (200, '"stop_id","name","riders"')
        admin.settings(soda3_anonymous=True)
        assert self.ask(anonymous, stops, {}).status_code == 200


class TestCatalog:
    def test_pages_and_what_is_wrong_with_them(self, api, stops):
        reply = api.get("/api/catalog/v1?limit=1&offset=0&only=datasets&q=stops").json()
        assert (reply["resultSetSize"], reply["results"][0]["resource"]["id"]) == (1, stops)
        for query in ("limit=x", "offset=-1", "limit=100&offset=9950"):
            assert api.get(f"/api/catalog/v1?{query}").status_code == 400


class TestExports:
    def test_formats(self, api, stops):
        assert api.get(f"/api/views/{stops}/rows.pdf").status_code == 406
        assert api.get(f"/api/views/{stops}/rows.geojson").status_code == 406
        selected = api.get(f"/api/views/{stops}/rows.json", params={"query": "select name limit 1"}).json()
        assert (selected["data"], selected["meta"]["view"]["columns"][0]["name"]) == ([["Alder"]], "name")
        assert api.get(f"/api/views/{stops}/rows.csv?query=nonsense").status_code == 400

    def test_xml_keeps_odd_signs(self, api, admin):
        admin.create_dataset("oddd-2222", "Odd", ["sign"], rows=[{"sign": "<&>\x07"}])
        text = api.get("/resource/oddd-2222.xml").text
        assert "<sign>&lt;&amp;&gt;</sign>" in text
