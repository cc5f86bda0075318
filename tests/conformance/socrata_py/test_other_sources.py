"""Sources that are no uploads: a view, an address."""

from __future__ import annotations

import http.server
import threading

import pytest
from conformance.socrata_py.steps import CSV, apply, expressions, schema_of
from socrata.http import UnexpectedResponseException
from socrata.resource import ResourceFailedException

BEFORE = [
    {"stop_id": "a", "name": "Alder", "riders": "10"},
    {"stop_id": "b", "name": "Birch", "riders": "20"},
]
BY_STOP = {"$order": "stop_id"}


class Files(http.server.BaseHTTPRequestHandler):
    """Serves one CSV file."""

    def do_GET(self):
        found = self.path == "/stops.csv"
        body = CSV if found else b"no such file"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/csv" if found else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_view_is_loaded_late(view, stops, portal):
    revision = view.revisions.create_replace_revision()
    source = revision.source_from_dataset()
    kind = source.attributes["source_type"]
    assert (kind["type"], kind["fourfour"], kind["loaded"]) == ("view", stops, False)
    schema = source.get_latest_input_schema().get_latest_output_schema()
    assert expressions(schema) == {"stop_id": "`stop_id`", "name": "`name`", "riders": "`riders`"}
    loaded = source.load()
    loaded.wait_for_finish(sleeptime=0)
    assert loaded.attributes["source_type"]["loaded"] is True
    schema = schema_of(loaded)
    assert [row["stop_id"]["ok"] for row in schema.rows()] == ["a", "b"]


def test_a_views_columns_without_its_rows(view, stops, portal):
    """Metadata of columns may change without a look at a row."""
    revision = view.revisions.create_replace_revision()
    source = revision.source_from_dataset()
    schema = source.get_latest_input_schema().get_latest_output_schema()
    renamed = schema.change_column_metadata("name", "display_name").to("Name of the stop").run()
    # socrata-py looks at the source of the output schema to know that nothing is to be waited for.
    job = revision.apply(output_schema=renamed)
    job.wait_for_finish(sleeptime=0)
    assert job.attributes["status"] == "successful"
    names = {column["fieldName"]: column["name"] for column in portal.view(stops)["columns"]}
    assert names["name"] == "Name of the stop"
    assert portal.rows(stops, **BY_STOP) == BEFORE


def test_a_transform_over_a_views_rows(view, stops, portal):
    revision = view.revisions.create_replace_revision()
    source = revision.source_from_dataset()
    schema = source.get_latest_input_schema().get_latest_output_schema()
    upper = schema.change_column_transform("name").to("upper(`name`)").run().wait_for_finish(sleeptime=0)
    assert source.show().attributes["source_type"]["loaded"] is True
    apply(revision, upper)
    assert [row["name"] for row in portal.rows(stops, **BY_STOP)] == ["ALDER", "BIRCH"]
    assert [row["riders"] for row in portal.rows(stops, **BY_STOP)] == ["10", "20"]


def test_from_url(view, stops, portal, address):
    portal.admin.settings(allow_local_urls=True)
    revision = view.revisions.create_replace_revision()
    source = revision.source_from_url(f"{address}/stops.csv")
    assert source.attributes["source_type"]["type"] == "url"
    assert source.attributes["source_type"]["url"] == f"{address}/stops.csv"
    apply(revision, schema_of(source))
    assert [row["stop_id"] for row in portal.rows(stops, **BY_STOP)] == ["a", "c"]


def test_local_addresses_are_refused(view, address):
    revision = view.revisions.create_replace_revision()
    with pytest.raises((UnexpectedResponseException, ResourceFailedException)) as refused:
        revision.source_from_url(f"{address}/stops.csv").wait_for_finish(sleeptime=0)
    assert address in str(refused.value)


def test_a_url_without_a_file(view, portal, address):
    portal.admin.settings(allow_local_urls=True)
    revision = view.revisions.create_replace_revision()
    source = revision.source_from_url(f"{address}/nothing.csv")
    source.show()
    assert source.attributes["failed_at"] is not None
    assert source.attributes["failure_details"]["message"]


def test_a_connection_agent_is_not_connected(view):
    """There is no agent on this side: the source says so, and nothing comes."""
    revision = view.revisions.create_replace_revision()
    source = revision.source_from_agent("agent-1", "files", ["stops.csv"])
    kind = source.attributes["source_type"]
    assert (kind["type"], kind["agent_uid"], kind["namespace"]) == ("connection_agent", "agent-1", "files")
    assert source.show().attributes["finished_at"] is None
    assert "agent-1" in source.attributes["failure_details"]["message"]
