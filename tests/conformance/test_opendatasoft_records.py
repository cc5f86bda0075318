"""The Opendatasoft emulator from outside: sources, fields, Explore, push, faults, the process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests
from conformance.test_opendatasoft_publication import (
    AUTOMATION,
    EXPLORE,
    ROWS,
    Api,
    api,
    entry,
    made,
    opendatasoft_emulator,
    opendatasoft_emulator_server,
    portal,
)

from airflow_socrata.emulator import OpendatasoftAdmin, OpendatasoftEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["api", "opendatasoft_emulator", "opendatasoft_emulator_server", "portal"]

RECORDS = f"{EXPLORE}/catalog/datasets/stops/records"
GEOJSON = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [7.5, 47.5]}, "properties": {"n": 1}}
    ],
}


@pytest.fixture
def served() -> Iterator[str]:
    """Serve a CSV file at /stops.csv and nothing else, on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.startswith("/stops.csv")
            self.send_response(200 if found else 503)
            self.end_headers()
            self.wfile.write(b"a,b\n1,x\n2,y\n" if found else b"")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def http(origin: str, relative: str) -> dict[str, Any]:
    source = {"type": "http", "connection": {"type": "http", "url": origin, "auth": None}}
    source |= {"headers": [], "relative_url": relative}
    return {"type": "csvfile", "title": "feed", "params": {"separator": ","}, "datasource": source}


def test_http_source_and_its_failures(api, portal, served):
    uid = portal.admin.create_dataset("stops", "Stops", published=False)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}"
    resource = api("POST", f"{path}/resources/", 201, json=http(served, "/stops.csv"))
    api("POST", f"{path}/publish/")
    portal.admin.run_queue()
    assert portal.admin.records("stops") == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    for origin, words in ((served, "HTTP 503"), ("http://portal.example", "could not be reached")):
        api("PUT", f"{path}/resources/{resource['uid']}/", json=http(origin, "/none"))
        api("POST", f"{path}/publish/")
        portal.admin.run_queue()
        status = api("GET", f"{path}/status/")
        assert status["status"] == "error"
        assert words in status["message"]
        assert len(portal.admin.records("stops")) == 2


@pytest.mark.parametrize(
    ("kind", "name", "text", "expected"),
    [
        ("jsonfile", "a.json", json.dumps(ROWS), ROWS),
        ("jsonl", "a.jsonl", "\n".join(json.dumps(row) for row in ROWS), ROWS),
        ("csvfile", "a.csv", "id,name\n1,Alder\n2,Birch\n", ROWS),
    ],
)
def test_files_of_several_kinds(api, portal, kind, name, text, expected):
    uid = portal.admin.create_dataset("stops", "Stops", published=False)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}"
    file = api("POST", f"{path}/resources/files/", 201, files={"file": (name, text)})
    source = {"type": "uploaded_file", "file": {"uid": file["uid"]}}
    body = {"type": kind, "title": "x", "params": {"separator": ","}, "datasource": source}
    assert api("POST", f"{path}/resources/preview/", json=body)["records"] == expected
    api("POST", f"{path}/resources/", 201, json=body)
    api("POST", f"{path}/publish/")
    portal.admin.run_queue()
    assert portal.admin.records("stops") == expected


def test_geojson_in_and_out(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", published=False)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}"
    file = api("POST", f"{path}/resources/files/", 201, files={"file": ("a.geojson", json.dumps(GEOJSON))})
    source = {"type": "uploaded_file", "file": {"uid": file["uid"]}}
    api("POST", f"{path}/resources/", 201, json={"type": "geojson", "title": "x", "datasource": source})
    api("POST", f"{path}/publish/")
    portal.admin.run_queue()
    export = api("GET", f"{EXPLORE}/catalog/datasets/stops/exports/geojson").json()
    assert export["features"][0]["geometry"] == {"type": "Point", "coordinates": [7.5, 47.5]}
    assert export["features"][0]["properties"]["n"] == 1


def test_field_configurations(api, portal):
    path = made(api)
    for spec in (
        {"type": "rename", "from_name": "name", "to_name": "label", "field_label": "Label"},
        {"type": "type", "field": "riders", "type_param": "text"},
        {"type": "annotate", "field": "stop_id", "annotation": "id"},
        {"type": "description", "field": "label", "description": "What it says"},
        {"type": "order", "order": ["label", "stop_id"]},
    ):
        api("POST", f"{path}/fields/", 201, json=spec)
    api("POST", f"{path}/publish/")
    portal.admin.run_queue()
    shown = entry(api)["fields"]
    assert [one["name"] for one in shown] == ["label", "stop_id", "riders"]
    assert (shown[0]["label"], shown[0]["description"], shown[2]["type"]) == ("Label", "What it says", "text")
    spec = api("POST", f"{path}/fields/", 201, json={"type": "delete", "field": "street"})
    api("POST", f"{path}/publish/")
    portal.admin.run_queue()
    status = api("GET", f"{path}/status/")
    words = f"Processor {spec['uid']} is misconfigured for field street: unknown field"
    assert (status["status"], status["message"]) == ("error", words)
    assert api("DELETE", f"{path}/fields/{spec['uid']}/", 204).content == b""


def test_explore_queries_and_exports(api, portal):
    rows = [{"id": number, "kind": "ab"[number % 2], "n": number * 1.5} for number in range(250)]
    portal.admin.create_dataset("stops", "Stops", rows)
    assert api("GET", RECORDS, params={"limit": 0})["total_count"] == 250
    page = api("GET", RECORDS, params={"where": "id >= 10 and kind = 'a'", "order_by": "id desc", "limit": 2})
    assert (page["total_count"], [one["id"] for one in page["results"]]) == (120, [248, 246])
    groups = api("GET", RECORDS, params={"select": "count(*) as c, max(id) as m", "group_by": "kind"})
    assert groups["results"] == [{"kind": "a", "c": 125, "m": 248}, {"kind": "b", "c": 125, "m": 249}]
    assert api("GET", RECORDS, 400, params={"limit": 101})["error_code"] == "ODSQLError"
    assert api("GET", RECORDS, 400, params={"where": "nothing > 1"})["error_code"] == "ODSQLError"
    export = f"{EXPLORE}/catalog/datasets/stops/exports"
    assert len(api("GET", f"{export}/json")) == 250
    lines = api("GET", f"{export}/csv?with_bom=false&delimiter=,").text.splitlines()
    assert (lines[0], len(lines)) == ("id,kind,n", 251)
    assert len(api("GET", f"{export}/jsonl").text.splitlines()) == 250


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"id;name\n1;a\n2;\xe9\n", "can't decode"),
        (b"id;name\n1;a;b\n", "Row 2 has 3 cells, the header has 2"),
        (b"\n", "the file is empty"),
    ],
)
def test_files_that_cannot_be_read_end_in_error(api, portal, text, words):
    path = made(api, text)
    api("POST", f"{path}/publish/")
    portal.admin.run_queue()
    status = api("GET", f"{path}/status/")
    assert (status["status"], status["is_published"]) == ("error", False)
    assert words in status["message"]


def test_cells_that_do_not_fit_their_type_are_record_errors(api, portal):
    path = made(api)
    api("POST", f"{path}/fields/", 201, json={"type": "type", "field": "name", "type_param": "int"})
    api("POST", f"{path}/publish/")
    portal.admin.run_queue()
    status = api("GET", f"{path}/status/")
    ids = {one["record_id"] for one in portal.admin.records("stops", ids=True)}
    assert status["status"] == "idle"
    assert {one["record_id"] for one in status["records_errors"]} == ids
    assert status["records_errors"][0]["message"] == "Invalid int: Alder"


def test_restricted_dataset(api, portal):
    portal.admin.create_dataset("stops", "Stops", ROWS, is_restricted=True)
    entry(Api(portal.url, None), status=404)
    entry(Api(portal.url, portal.reader_key))


def test_push_and_its_refusals(api, portal):
    state = portal.admin.create_dataset("stops", "Stops", realtime=ROWS, id_fields=["id"])
    push = state["push"][0]
    anonymous = Api(portal.url, None)
    where = {"params": {"pushkey": push["key"]}}
    rows = [{"id": 1, "name": "Alder"}, {"id": 1, "name": "Ash"}, {"id": 2, "name": "Birch"}]
    assert anonymous("POST", push["path"], json=rows, **where) == {"status": "OK"}
    assert portal.admin.records("stops") == [{"id": 1, "name": "Ash"}, {"id": 2, "name": "Birch"}]
    first, second = (one["record_id"] for one in portal.admin.records("stops", ids=True))
    base = push["path"].removesuffix("push/")
    anonymous("GET", f"{base}{first}/delete/", **where)
    anonymous("POST", f"{base}delete/", json={"id": 2}, **where)
    assert portal.admin.records("stops") == []
    assert first != second
    anonymous("POST", push["path"], 403, json=rows, params={"pushkey": "wrong"})
    anonymous("POST", push["path"], 413, data=b"[" + b" " * 5_000_000 + b"]", **where)
    anonymous("DELETE", f"{base}delete/", 405, **where)
    assert push["key"] not in json.dumps(portal.admin.requests())


def test_faults(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}"
    portal.admin.settings(manual=True)
    portal.admin.add_fault("lost_reply", "POST", "/publish/$")
    with pytest.raises(requests.ConnectionError):
        api("POST", f"{path}/publish/")
    assert portal.admin.state("stops")["internal"] == "queued", "the publication is done"
    portal.admin.run_queue()
    portal.admin.add_fault("empty_404", "GET", "/status")
    assert api("GET", f"{path}/status/", 404).content == b""
    portal.admin.add_fault("internal", "POST", "/publish/$")
    assert api("POST", f"{path}/publish/", 500)["error_code"] == "internal_error"
    assert portal.admin.state("stops")["internal"] == "idle"
    portal.admin.add_fault("throttled", "GET", "/explore/")
    assert entry(api, status=429)["errorcode"] == 10002
    portal.admin.add_fault("person_publishes", "POST", "/publish/$")
    assert api("POST", f"{path}/publish/", 400)["error_code"] == "invalid_dataset_status"
    assert portal.admin.state("stops")["run_by"] == "person"


def test_a_held_request(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    hold = portal.admin.hold("POST", "/publish/$", "after_commit")
    thread = threading.Thread(target=api, args=("POST", f"{AUTOMATION}/datasets/{uid}/publish/"))
    thread.start()
    portal.admin.wait_held(hold)
    portal.admin.advance(10)
    assert [one["internal"] for one in portal.admin.datasets()] == ["idle"]
    portal.admin.release(hold)
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_a_client_that_dies_within_the_body_of_an_upload_has_uploaded_nothing(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    hold = portal.admin.hold("POST", "/files/$", "body")
    with socket.create_connection(("127.0.0.1", portal.port)) as client:
        head = [
            f"POST {AUTOMATION}/datasets/{uid}/resources/files/ HTTP/1.1",
            "Host: portal",
            f"Authorization: Apikey {portal.api_key}",
            "Content-Type: multipart/form-data; boundary=x",
            "Content-Length: 1000",
        ]
        client.sendall("\r\n".join([*head, "", "--x\r\n"]).encode())
        portal.admin.wait_held(hold)
    portal.admin.release(hold)
    assert portal.admin.state("stops")["files"] == ["stops.csv"]


def test_file_limit_and_same_names(api, portal):
    path = made(api)
    portal.admin.settings(max_file_bytes=10)
    api("POST", f"{path}/resources/files/", 413, files={"file": ("a.csv", "x" * 11)})
    portal.admin.settings(max_file_bytes=100, same_name_upload="suffix")
    again = api("POST", f"{path}/resources/files/", 201, files={"file": ("stops.csv", "a\n1\n")})
    assert again["uid"] == "stops_1.csv"
    assert api("GET", f"{path}/resources/files/stops_1.csv/download/").content == b"a\n1\n"
    missing = {"type": "uploaded_file", "file": {"uid": "none.csv"}}
    refused = api(
        "POST", f"{path}/resources/", 400, json={"type": "csvfile", "title": "x", "datasource": missing}
    )
    assert "datasource.file.uid" in refused["detail"]


def test_copy_rename_and_delete(api, portal):
    path = made(api)
    copied = api("POST", f"{path}/copy/", 201)
    assert (copied["dataset_id"], copied["is_published"]) == ("stops-copy", False)
    api("PUT", f"{path}/", json={"dataset_id": "halts"})
    api("POST", f"{path}/publish/")
    portal.admin.run_queue()
    api("PUT", f"{path}/", 400, json={"dataset_id": "stops"})
    portal.admin.settings(delete_is_queued=True)
    api("DELETE", f"{path}/", 204)
    portal.admin.run_queue(to="deleting_dataset")
    assert api("GET", f"{path}/status/")["status"] == "deleting"
    portal.admin.run_queue()
    assert api("GET", f"{path}/status/", 404) == {"error_code": "not_found", "message": "Not found."}
    assert api("GET", f"{AUTOMATION}/datasets/?dataset_id=halts")["total_count"] == 0


def test_the_process_over_tls_prints_what_a_client_needs():
    command = [sys.executable, "-m", "airflow_socrata.emulator", "--portal", "opendatasoft"]
    with subprocess.Popen(
        [*command, "--port", "0", "--tls", "--json"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            facts = json.loads(process.stdout.readline())
            assert {"url", "domain", "api_key", "ca_file"} <= set(facts)
            admin = OpendatasoftAdmin(facts["url"], facts["ca_file"])
            admin.create_dataset("stops", "Stops", ROWS)
            session = requests.Session()
            session.trust_env = False
            reply = session.get(facts["url"] + RECORDS, verify=facts["ca_file"], timeout=30)
            assert reply.json()["total_count"] == 2
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0


def test_realtime_records_are_recovered_after_unpublishing(api, portal):
    sample = [{"id": 1, "name": "Alder"}]
    state = portal.admin.create_dataset("stops", "Stops", realtime=sample, recovery=True)
    path, push = f"{AUTOMATION}/datasets/{state['uid']}", state["push"][0]
    resource = f"{path}/resources/{state['resources'][0]['uid']}"
    api("POST", push["path"], json=ROWS, params={"pushkey": push["key"]})
    for action in ("unpublish", "publish"):
        api("POST", f"{path}/{action}/")
        portal.admin.run_queue()
    assert portal.admin.records("stops") == []
    api("POST", f"{resource}/recover/")
    portal.admin.run_queue("stops", to="recovering_realtime_records")
    assert api("GET", f"{path}/status/")["status"] == "processing"
    portal.admin.run_queue()
    assert portal.admin.records("stops") == ROWS
    api("POST", f"{resource}/disable/")
    api("POST", push["path"], 400, json=ROWS, params={"pushkey": push["key"]})


def test_unknown_switch_and_unknown_outcome(portal):
    with pytest.raises(ValueError, match="no switch 'queue_seconds'"):
        OpendatasoftEmulator(queue_seconds=1)
    with pytest.raises(ValueError, match="no outcome 'bang'"):
        portal.admin.script(None, "bang")
