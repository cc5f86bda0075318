"""Sources: bytes whole and in chunks, parse options, failures, views, addresses, blobs."""

from __future__ import annotations

import http.server
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from conformance.publishing import BASE, CSV, Publishing


@pytest.fixture
def dsmapi(api):
    return Publishing(api)


@pytest.fixture
def revision(dsmapi, stops):
    return dsmapi.open(stops)


class TestChunks:
    def test_limits_are_told_and_switchable(self, dsmapi, admin, revision):
        limits = dsmapi.initiate(dsmapi.source(revision))
        assert limits == {"preferred_upload_parallelism": 4, "preferred_chunk_size": 4194304}
        admin.settings(preferred_chunk_size=1000, preferred_upload_parallelism=2)
        limits = dsmapi.initiate(dsmapi.source(revision))
        assert limits == {"preferred_upload_parallelism": 2, "preferred_chunk_size": 1000}

    def test_in_any_order_in_parallel_and_again(self, dsmapi, revision):
        data = b"id,text\n" + b"".join(b"%d,row %d\n" % (i, i) for i in range(2000))
        size = 1000
        pieces = [(i, start, data[start : start + size]) for i, start in enumerate(range(0, len(data), size))]
        source = dsmapi.source(revision)
        dsmapi.initiate(source)
        shuffled = [*pieces, pieces[0], pieces[-1]]
        random.Random(7).shuffle(shuffled)
        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(lambda piece: dsmapi.chunk(source, *piece), shuffled))
        seq, start, piece = shuffled[0]
        expected = {"seq_num": seq, "byte_offset": start, "end_byte_offset": start + len(piece)}
        assert told[0] == {"resource": expected, "links": {}}
        done = dsmapi.commit(source, pieces[-1][0], len(data))["resource"]
        assert (done["filesize"], done["content_type"]) == (len(data), "text/csv")
        assert done["finished_at"]
        [schema] = done["schemas"]
        assert (schema["total_rows"], schema["num_row_errors"]) == (2000, 0)
        path = f"{revision['links']['list_sources']}/download"
        assert dsmapi.api.get(path).content == data
        assert dsmapi.api.get(f"{path}/{done['id']}").content == data

    @pytest.mark.parametrize(
        ("pieces", "last", "total", "words"),
        [
            ([(0, 0, 20)], 0, 21, "the commit names 21"),
            ([(0, 0, 20)], 1, 20, "Chunk 1 of 2 is missing"),
            ([(1, 20, 20)], 1, 40, "Chunk 0 of 2 is missing"),
            ([(0, 0, 20), (1, 10, 20)], 1, 30, "begins at byte 10"),
            ([(0, 0, 20), (1, 30, 20)], 1, 50, "begins at byte 30"),
            ([(0, 0, 20), (1, 20, 10), (2, 30, 20)], 2, 50, "has 10 bytes, the first has 20"),
            ([(0, 0, 10), (1, 10, 20)], 1, 30, "has 20 bytes, the first has 10"),
            ([(0, 0, 20), (1, 20, 20)], 0, 20, "There are 2 chunks"),
        ],
    )
    def test_a_commit_that_does_not_fit(self, dsmapi, admin, revision, pieces, last, total, words):
        source = dsmapi.source(revision)
        dsmapi.initiate(source)
        for seq, start, length in pieces:
            dsmapi.chunk(source, seq, start, b"x" * length)
        assert words in dsmapi.commit(source, last, total, 400)["message"]
        admin.settings(bad_chunk_status=422)
        dsmapi.commit(source, last, total, 422)
        assert dsmapi.show(source)["resource"]["filesize"] is None

    def test_chunks_that_are_refused(self, dsmapi, admin, revision):
        admin.settings(preferred_chunk_size=10)
        source = dsmapi.source(revision)
        assert "not initiated" in dsmapi.chunk(source, 0, 0, b"x", 400)["message"]
        dsmapi.initiate(source)
        assert "10 are allowed" in dsmapi.chunk(source, 0, 0, b"x" * 11, 400)["message"]
        assert "empty" in dsmapi.chunk(source, 0, 0, b"", 400)["message"]

    def test_a_second_commit_is_refused_and_the_first_stands(self, dsmapi, revision):
        source = dsmapi.source(revision)
        dsmapi.initiate(source)
        dsmapi.chunk(source, 0, 0, CSV)
        dsmapi.commit(source, 0, len(CSV))
        path = source["links"]["commit"].format(seq_num=0, byte_offset=len(CSV))
        dsmapi.refused("POST", path, 409, "source_committed")
        dsmapi.refused("POST", source["links"]["bytes"], 409, "source_committed", data=CSV)
        assert len(dsmapi.show(source)["resource"]["schemas"]) == 1

    def test_a_lost_commit_has_landed(self, dsmapi, admin, revision):
        source = dsmapi.source(revision)
        dsmapi.initiate(source)
        dsmapi.chunk(source, 0, 0, CSV)
        admin.add_fault("lost_reply", "POST", "/commit$")
        with pytest.raises(requests.ConnectionError):
            dsmapi.commit(source, 0, len(CSV))
        assert dsmapi.show(source)["resource"]["finished_at"]

    def test_an_upload_that_breaks_off_lands_nothing(self, dsmapi, admin, revision):
        source = dsmapi.source(revision)
        dsmapi.initiate(source)
        admin.add_fault("reset_request", "POST", "/chunk/", after_bytes=1)
        with pytest.raises(requests.ConnectionError):
            dsmapi.chunk(source, 0, 0, CSV)
        dsmapi.commit(source, 0, len(CSV), 400)
        dsmapi.chunk(source, 0, 0, CSV)
        dsmapi.commit(source, 0, len(CSV))

    def test_initiate_anew_forgets_the_chunks(self, dsmapi, revision):
        source = dsmapi.source(revision)
        dsmapi.initiate(source)
        dsmapi.chunk(source, 0, 0, b"wrong")
        dsmapi.initiate(source)
        dsmapi.commit(source, 0, 5, 400)
        dsmapi.chunk(source, 0, 0, CSV)
        dsmapi.commit(source, 0, len(CSV))


class TestParsing:
    def test_what_a_file_says(self, dsmapi, revision):
        [schema] = dsmapi.upload(dsmapi.open(), b"Stop Id,When\n1,2026-01-02\n,\n2,2026-01-03\n")["resource"][
            "schemas"
        ]
        assert schema["total_rows"] == 2
        assert [
            (each["field_name"], each["display_name"], each["position"], each["guessed_soql_type"])
            for each in schema["input_columns"]
        ] == [("stop_id", "Stop Id", 1, "number"), ("when", "When", 2, "calendar_date")]

    def test_looks_while_it_parses(self, dsmapi, admin, revision):
        admin.settings(parse_looks=2, total_rows_null_looks=1, transform_looks=1)
        source = dsmapi.upload(revision)
        seen = [source["resource"], *(dsmapi.show(source)["resource"] for _ in range(4))]
        assert [bool(each["schemas"]) for each in seen] == [False, False, False, True, True]
        assert [each["finished_at"] is not None for each in seen] == [False] * 4 + [True]
        assert [each["schemas"][0]["total_rows"] for each in seen[3:]] == [None, 2]
        outputs = [each["schemas"][0]["output_schemas"][0] for each in seen[3:]]
        assert [each["completed_at"] is not None for each in outputs] == [False, True]
        assert [each["total_rows"] for each in outputs] == [None, 2]

    @pytest.mark.parametrize(
        ("data", "content_type", "filename"),
        [
            (b"PK\x03\x04 no zip", "application/zip", "x.zip"),
            (b"not a workbook", "application/vnd.ms-excel", "x.xls"),
            (b"{nope", "application/vnd.geo+json", "x.geojson"),
            (b"", "text/csv", "x.csv"),
        ],
    )
    def test_a_file_that_cannot_be_read(self, dsmapi, revision, data, content_type, filename):
        source = dsmapi.send(dsmapi.source(revision, filename), data, content_type)["resource"]
        assert source["failed_at"]
        assert source["finished_at"] is None
        assert source["failure_details"]["key"] == "unparsable_file"
        assert source["failure_details"]["message"]
        assert source["schemas"] == []

    def test_a_failure_on_demand(self, dsmapi, admin, revision):
        admin.add_fault("parse_failure", message="The parser died", key="internal")
        source = dsmapi.upload(revision)["resource"]
        assert source["failure_details"] == {"message": "The parser died", "key": "internal"}

    def test_options_make_a_new_source(self, dsmapi, revision):
        data = b"My file\nid;name\n1;a\n"
        old = dsmapi.upload(revision, data)
        body = {"parse_options": {"header_count": 2, "column_header": 2, "column_separator": ";"}}
        new = dsmapi.call("POST", old["links"]["update"], 201, json=body)
        assert new["resource"]["id"] != old["resource"]["id"]
        [schema] = new["resource"]["schemas"]
        assert [each["field_name"] for each in schema["input_columns"]] == ["id", "name"]
        assert schema["total_rows"] == 1
        listed = dsmapi.call("GET", revision["links"]["list_sources"], 200)
        assert [each["resource"]["id"] for each in listed] == [new["resource"]["id"], old["resource"]["id"]]
        latest = dsmapi.show(revision)["resource"]["output_schema_id"]
        assert latest == schema["output_schemas"][0]["id"]
        # The old one is as it was.
        assert dsmapi.show(old)["resource"]["parse_options"]["column_separator"] == ","

    def test_options_that_make_no_sense(self, dsmapi, revision):
        body = {"source_type": {"type": "upload", "filename": "x"}, "parse_options": {"header_count": "two"}}
        path = revision["links"]["create_source"]
        refusal = dsmapi.refused("POST", path, 422, "validation_failed", json=body)
        assert "header_count" in refusal["message"]

    def test_row_errors(self, dsmapi, revision):
        source = dsmapi.upload(revision, b"a,b\n1,2\n3\n4,5,6\n7,8\n")
        [schema] = source["resource"]["schemas"]
        assert (schema["total_rows"], schema["num_row_errors"]) == (2, 2)
        path = source["links"]["input_schema_links"]["row_errors"].format(input_schema_id=schema["id"])
        _, *found = dsmapi.call("GET", path, 200)
        assert [each["offset"] for each in found] == [1, 2]
        lines = dsmapi.call("GET", path, 200, headers={"Accept": "text/csv"}).splitlines()
        assert len(lines) == 3


class TestKinds:
    @pytest.mark.parametrize(
        "kind", [{}, {"type": "pigeon"}, {"type": "upload"}, {"type": "url", "url": ""}, {"type": "view"}]
    )
    def test_unknown_or_incomplete(self, dsmapi, revision, kind):
        path = revision["links"]["create_source"]
        dsmapi.refused("POST", path, 422, "validation_failed", json={"source_type": kind})

    @pytest.mark.parametrize("flat", [False, True])
    def test_attach_later(self, dsmapi, revision, stops, flat):
        body = {"source_type": {"type": "upload", "filename": "x.csv"}}
        source = dsmapi.send(dsmapi.call("POST", f"{BASE}/source", 201, json=body))
        named = {"fourfour": stops, "revision_seq": 0}
        sent = named if flat else {"revision": named}
        dsmapi.call("PATCH", source["links"]["add_to_revision"], 202, json=sent)
        [listed] = dsmapi.call("GET", revision["links"]["list_sources"], 200)
        assert listed["resource"]["id"] == source["resource"]["id"]
        assert dsmapi.show(revision)["resource"]["output_schema_id"]
        dsmapi.call(
            "PATCH", source["links"]["add_to_revision"], 404, json={"revision": named | {"revision_seq": 9}}
        )

    def test_attached_later_it_follows_the_dataset(self, dsmapi, admin, revision, stops):
        body = {"source_type": {"type": "upload", "filename": "x.csv"}}
        source = dsmapi.send(dsmapi.call("POST", f"{BASE}/source", 201, json=body))
        named = {"fourfour": stops, "revision_seq": 0}
        attached = dsmapi.call("PATCH", source["links"]["add_to_revision"], 202, json=named)
        assert dsmapi.output(attached)["resource"]["output_columns"][0]["is_primary_key"] is True
        assert dsmapi.finish(revision)["status"] == "successful"
        assert admin.state(stops)["rows"] == 4

    def test_two_revisions_may_share_it(self, dsmapi, admin, stops):
        other = admin.create_dataset("othe-2222", "Other", ["stop_id", "name", "riders"], "stop_id")["id"]
        first, second = dsmapi.open(stops, "replace"), dsmapi.open(other, "replace")
        source = dsmapi.upload(first)
        body = {"revision": {"fourfour": other, "revision_seq": 0}}
        dsmapi.call("PATCH", source["links"]["add_to_revision"], 202, json=body)
        for each in (first, second):
            assert dsmapi.finish(each)["status"] == "successful"
        assert (len(admin.rows(stops)), len(admin.rows(other))) == (2, 2)

    def test_a_source_may_name_its_revision(self, dsmapi, revision, stops):
        kind = {"type": "upload", "filename": "x.csv"}
        body = {"source_type": kind, "fourfour": stops, "revision_seq": 0}
        source = dsmapi.call("POST", f"{BASE}/source", 201, json=body)
        [listed] = dsmapi.call("GET", revision["links"]["list_sources"], 200)
        assert listed["resource"]["id"] == source["resource"]["id"]

    @pytest.mark.parametrize("word", [False, "false"])
    def test_a_blob(self, api, dsmapi, word):
        revision = dsmapi.open(metadata={"name": "Picture"})
        source = dsmapi.source(revision, "pic.png", {"parse_source": word})
        assert source["resource"]["parse_options"]["parse_source"] is False
        done = dsmapi.send(source, b"\x89PNG", "application/octet-stream")["resource"]
        assert (done["schemas"], bool(done["finished_at"])) == ([], True)
        assert dsmapi.show(revision)["resource"]["blob_id"] == done["id"]
        assert dsmapi.finish(revision)["status"] == "successful"
        view = api.get(f"/api/views/{revision['resource']['fourfour']}").json()
        assert (view["viewType"], view["blobFilename"]) == ("blobby", "pic.png")
        assert api.get(f"/api/views/{view['id']}/files/{view['blobId']}").content == b"\x89PNG"

    def test_an_agent_is_not_connected(self, dsmapi, revision):
        kind = {"type": "connection_agent", "agent_uid": "a", "namespace": "n", "path": ["p"]}
        source = dsmapi.call("POST", revision["links"]["create_source"], 201, json={"source_type": kind})
        assert source["resource"]["failure_details"]["key"] == "agent_not_connected"

    def test_bytes_belong_to_uploads(self, dsmapi, revision, stops):
        body = {"source_type": {"type": "view", "fourfour": stops}}
        source = dsmapi.call("POST", revision["links"]["create_source"], 201, json=body)
        dsmapi.refused("POST", source["links"]["bytes"], 400, "bad_request", data=CSV)


class TestViews:
    def source(self, dsmapi, revision, dataset):
        body = {"source_type": {"type": "view", "fourfour": dataset}}
        return dsmapi.call("POST", revision["links"]["create_source"], 201, json=body)

    def test_columns_at_once_rows_when_loaded(self, dsmapi, revision, stops):
        source = self.source(dsmapi, revision, stops)
        assert source["resource"]["source_type"] == {"type": "view", "fourfour": stops, "loaded": False}
        assert source["resource"]["finished_at"] is None
        [schema] = source["resource"]["schemas"]
        [output] = schema["output_schemas"]
        assert output["completed_at"] is None
        assert [
            (each["field_name"], each["transform"]["transform_expr"], each["transform"]["output_soql_type"])
            for each in output["output_columns"]
        ] == [("stop_id", "`stop_id`", "text"), ("name", "`name`", "text"), ("riders", "`riders`", "number")]
        assert [each["is_primary_key"] for each in output["output_columns"]] == [True, False, False]
        loaded = dsmapi.call("PUT", source["links"]["load"], 200)["resource"]
        assert loaded["source_type"]["loaded"] is True
        assert loaded["finished_at"]
        assert loaded["schemas"][0]["output_schemas"][0]["completed_at"]

    def test_unloaded_it_changes_columns_and_keeps_rows(self, api, dsmapi, admin, revision, stops):
        before = admin.rows(stops)
        source = self.source(dsmapi, revision, stops)
        columns = source["resource"]["schemas"][0]["output_schemas"][0]["output_columns"]
        columns[1] |= {"display_name": "Name of the stop", "description": "as signed"}
        dsmapi.transform(source, columns)
        assert dsmapi.show(source)["resource"]["source_type"]["loaded"] is False
        assert dsmapi.finish(revision)["status"] == "successful"
        assert admin.rows(stops) == before
        shown = api.get(f"/api/views/{stops}").json()["columns"][1]
        assert (shown["name"], shown["description"]) == ("Name of the stop", "as signed")

    def test_computing_loads_it(self, dsmapi, admin, stops):
        revision = dsmapi.open(stops, "replace")
        source = self.source(dsmapi, revision, stops)
        columns = source["resource"]["schemas"][0]["output_schemas"][0]["output_columns"]
        columns[1]["transform"] = {"transform_expr": "upper(`name`)"}
        dsmapi.transform(source, columns)
        assert dsmapi.show(source)["resource"]["source_type"]["loaded"] is True
        assert dsmapi.finish(revision)["status"] == "successful"
        assert [row["name"] for row in admin.rows(stops)] == ["ALDER", "BIRCH", "ÇEDAR"]

    def test_a_view_that_is_not_there(self, dsmapi, revision):
        body = {"source_type": {"type": "view", "fourfour": "none-such"}}
        dsmapi.refused("POST", revision["links"]["create_source"], 404, "not_found", json=body)


class TestAddresses:
    @pytest.fixture
    def served(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path == "/away.csv":
                    self.send_response(302)
                    self.send_header("Location", "http://files.example.gov/x.csv")
                    self.end_headers()
                    return
                self.send_response(200 if self.path == "/x.csv" else 404)
                self.send_header("Content-Type", "text/csv")
                self.end_headers()
                self.wfile.write(CSV)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        server.server_close()

    def source(self, dsmapi, revision, url):
        body = {"source_type": {"type": "url", "url": url}}
        return dsmapi.call("POST", revision["links"]["create_source"], 201, json=body)["resource"]

    def test_fetched_where_allowed(self, dsmapi, admin, revision, served):
        refused = self.source(dsmapi, revision, f"{served}/x.csv")
        assert "local address" in refused["failure_details"]["message"]
        admin.settings(allow_local_urls=True)
        source = self.source(dsmapi, revision, f"{served}/x.csv")
        assert source["schemas"][0]["total_rows"] == 2
        for url, words in (
            (f"{served}/none.csv", "404"),
            (f"{served}/away.csv", "302"),
            ("http://files.example.gov/x.csv", "not fetched"),
            ("file:///etc/hosts", "not a valid URL"),
        ):
            failed = self.source(dsmapi, revision, url)
            assert failed["failed_at"], url
            assert words in failed["failure_details"]["message"]


class TestErrors:
    def test_an_error_inside_the_parser_is_the_sources_failure(self, dsmapi, revision, monkeypatch):
        def broken(*_):
            raise RuntimeError("no")

        source = dsmapi.source(revision)
        with monkeypatch.context() as patched:
            patched.setattr("airflow_socrata.emulator.dsmapi.ingesting.parse_file", broken)
            dsmapi.call("POST", source["links"]["bytes"], 500, data=CSV)
        failed = dsmapi.show(source)["resource"]
        assert failed["failure_details"] == {"message": "Internal error", "key": "internal_error"}

    def test_errors_on_demand(self, dsmapi, admin, stops):
        admin.add_fault(
            "error", "POST", "/revision/", status=418, code="teapot", message="T", family="dsmapi"
        )
        refusal = dsmapi.refused("POST", f"{BASE}/revision/{stops}", 418, "teapot", json={})
        assert refusal == {"message": "T", "key": "teapot", "params": {}}

    @pytest.mark.parametrize("path", ["/nothing", "/revision/a/b/c/d", "/source/x"])
    def test_nothing_there(self, dsmapi, path):
        dsmapi.refused("GET", BASE + path, 404, "not_found")

    def test_method_that_is_not_there(self, dsmapi):
        dsmapi.refused("DELETE", f"{BASE}/revision", 405, "method_not_allowed")
