"""The Opendatasoft emulator from outside: upload, point, publish, wait, look; in both APIs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_socrata.emulator.opendatasoft.engine import OUTCOMES
from airflow_socrata.emulator.opendatasoft.faults import KINDS
from airflow_socrata.emulator.opendatasoft.settings import Switches
from airflow_socrata.emulator.opendatasoft.states import ABORTABLE, AT_REST, PUBLIC
from airflow_socrata.emulator.pytest_plugin import opendatasoft_emulator, opendatasoft_emulator_server

if TYPE_CHECKING:
    from airflow_socrata.emulator import OpendatasoftEmulator

__all__ = ["opendatasoft_emulator", "opendatasoft_emulator_server"]

AUTOMATION, MANAGEMENT, EXPLORE = "/api/automation/v1.0", "/api/management/v2", "/api/explore/v2.1"
STOPS = "Stop ID;Name;Riders\n1;Alder;2.5\n2;Birch;3\n2;Birch;3\n"
ROWS = [{"id": 1, "name": "Alder"}, {"id": 2, "name": "Birch"}]
REFUSED = "Invalid precondition, dataset status is '{}' but must be one of '{}'"


class Api:
    """Calls to one portal with one key."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url, self.session = url, requests.Session()
        self.session.trust_env = False
        if key is not None:
            self.session.headers["Authorization"] = f"Apikey {key}"

    def __call__(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        reply = self.session.request(method, self.url + path, timeout=30, **more)
        assert reply.status_code == status, f"{method} {path}: {reply.status_code} {reply.text}"
        kind = reply.headers.get("Content-Type", "")
        is_json = kind.partition(";")[0] == "application/json"
        return reply.json() if is_json and reply.content else reply


@pytest.fixture
def portal(opendatasoft_emulator: OpendatasoftEmulator) -> OpendatasoftEmulator:
    return opendatasoft_emulator


@pytest.fixture
def api(portal: OpendatasoftEmulator) -> Api:
    return Api(portal.url, portal.api_key)


def made(api: Api, text: str = STOPS) -> str:
    """Create a dataset with a CSV resource by the Automation API; return its path."""
    body = {"dataset_id": "stops", "metadata": {"default": {"title": {"value": "Stops"}}}}
    uid = api("POST", f"{AUTOMATION}/datasets/", 201, json=body)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}"
    file = api("POST", f"{path}/resources/files/", 201, files={"file": ("stops.csv", text, "text/csv")})
    source = {"type": "uploaded_file", "file": {"uid": file["uid"]}}
    resource = {"type": "csvfile", "title": "stops", "params": {"separator": ";"}, "datasource": source}
    api("POST", f"{path}/resources/", 201, json=resource)
    return path


def entry(api: Api, name: str = "stops", status: int = 200) -> Any:
    return api("GET", f"{EXPLORE}/catalog/datasets/{name}", status)


def test_automation_publishes_a_file(api, portal):
    path = made(api)
    entry(api, status=404)
    portal.admin.settings(manual=True)
    assert api("POST", f"{path}/publish/") == {"detail": "ok"}
    queued = api("GET", f"{path}/status/")
    assert (queued["status"], queued["previous"], queued["next"]) == ("queued", "idle", "processing")
    assert queued["is_published"] is False
    portal.admin.run_queue("stops", to="processing_all_dataset_data")
    processing = api("GET", f"{path}/status/")
    assert (processing["status"], processing["previous"], processing["next"]) == (
        "processing",
        "queued",
        "idle",
    )
    portal.admin.run_queue("stops")
    idle = api("GET", f"{path}/status/")
    assert (idle["status"], idle["previous"], idle["next"]) == ("idle", "processing", None)
    assert idle["is_published"] is True
    assert (idle["records_errors"], idle["params"], idle["message"]) == ([], {}, None)
    shown = entry(api)
    assert shown["metas"]["default"]["records_count"] == 2, "equal rows are one record"
    assert [(one["name"], one["type"]) for one in shown["fields"]] == [
        ("stop_id", "int"),
        ("name", "text"),
        ("riders", "double"),
    ]


def test_management_publishes_a_file_and_automation_sees_it(api, portal):
    dataset = api(
        "POST", f"{MANAGEMENT}/datasets/", json={"dataset_id": "stops", "metas": {"default": {"title": "S"}}}
    )
    uid = dataset["dataset_uid"]
    path = f"{MANAGEMENT}/datasets/{uid}"
    file = api("POST", f"{MANAGEMENT}/files", files={"file": ("My Stops.csv", STOPS, "text/csv")})
    assert (file["file_id"], file["url"]) == ("my_stops.csv", "odsfile://my_stops.csv")
    body = {"url": file["url"], "title": "stops", "type": "csvfile", "params": {"separator": ";"}}
    resource = api("POST", f"{path}/resources/", json=body)
    assert resource["resource_uid"].startswith("re_")
    assert api("GET", f"{path}/resources/") == [resource]
    job = api("PUT", f"{path}/publish")
    assert list(job) == ["job_id"]
    assert len(job["job_id"]) == 40
    portal.admin.run_queue()
    status = api("GET", f"{path}/status")
    assert (status["name"], status["published"], status["records_errors"]) == ("idle", True, 0)
    assert api("GET", f"{AUTOMATION}/datasets/{uid}/status/")["status"] == "idle"
    shown = api("GET", f"{AUTOMATION}/datasets/{uid}/resources/")["results"][0]
    assert shown["datasource"]["file"]["uid"] == "my_stops.csv"
    assert len(portal.admin.records("stops")) == 2


@pytest.mark.parametrize("internal", list(PUBLIC))
def test_each_state_shows_its_public_name_and_refuses_in_its_internal_one(api, portal, internal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    portal.admin.set_status("stops", internal, "why", {"error": {"limit": 1}})
    path, old = f"{AUTOMATION}/datasets/{uid}", f"{MANAGEMENT}/datasets/{uid}"
    assert api("GET", f"{path}/status/")["status"] == PUBLIC[internal]
    assert api("GET", f"{old}/status")["name"] == PUBLIC[internal]
    for action, method, management, allowed in (
        ("publish", "PUT", "publish", AT_REST),
        ("abort", "PUT", "abort_processing", ABORTABLE),
    ):
        portal.admin.set_status("stops", internal)
        if internal in allowed:
            assert api("POST", f"{path}/{action}/") == {"detail": "ok"}
            continue
        words = REFUSED.format(internal, ", ".join(allowed))
        refused = api("POST", f"{path}/{action}/", 400)
        assert refused == {"error_code": "invalid_dataset_status", "message": words}
        refused = api(method, f"{old}/{management}", 400)
        assert refused["error_key"] == "InvalidDatasetStatusPreconditionException"
        assert (refused["status_code"], refused["message"]) == (400, words)
        assert refused["raw_params"]["current_status"] == internal


def test_error_limit_and_stuck_by_script(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}"
    portal.admin.script("stops", "error", message="No such host")
    portal.admin.script("stops", "limit", limit=1)
    portal.admin.script("stops", "stuck")
    portal.admin.script("stops", "records_errors", records=1)
    api("POST", f"{path}/publish/")
    portal.admin.advance(10)
    failed = api("GET", f"{path}/status/")
    assert (failed["status"], failed["message"], failed["is_published"]) == ("error", "No such host", True)
    assert len(portal.admin.records("stops")) == 2
    api("POST", f"{path}/publish/")
    portal.admin.advance(10)
    limited = api("GET", f"{path}/status/")
    assert limited["status"] == "limit_reached"
    assert limited["params"] == {"error": {"limit_type": "domain", "limit": 1, "value": 2}}
    assert entry(api)["metas"]["default"]["records_count"] == 1
    api("POST", f"{path}/publish/")
    portal.admin.advance(1e6)
    assert api("GET", f"{path}/status/")["status"] == "queued"
    assert portal.admin.run_queue("stops") == 1
    api("POST", f"{path}/publish/")
    portal.admin.advance(10)
    done = api("GET", f"{path}/status/")
    assert (done["status"], len(done["records_errors"])) == ("idle", 1)


def test_looks_and_hidden_looks(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    portal.admin.settings(
        queued_seconds=0, processing_seconds=0, queued_looks=2, processing_looks=1, hidden_looks=1
    )
    path = f"{AUTOMATION}/datasets/{uid}"
    api("POST", f"{path}/publish/")
    seen = [api("GET", f"{path}/status/")["status"] for _ in range(5)]
    assert seen == ["idle", "queued", "queued", "processing", "idle"]


def test_abort_leaves_a_part_and_unpublish_empties(api, portal):
    rows = [{"id": number} for number in range(10)]
    uid = portal.admin.create_dataset("stops", "Stops", rows)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}"
    portal.admin.settings(manual=True)
    api("POST", f"{path}/publish/")
    portal.admin.run_queue("stops", to="processing_all_dataset_data")
    api("POST", f"{path}/abort/")
    assert api("GET", f"{path}/status/")["status"] == "aborting_processing"
    portal.admin.run_queue("stops")
    assert len(portal.admin.records("stops")) == 5
    api("POST", f"{path}/unpublish/")
    portal.admin.run_queue("stops", to="deleting_all_dataset_data")
    assert api("GET", f"{path}/status/")["status"] == "deleting"
    portal.admin.run_queue("stops")
    assert api("GET", f"{path}/status/")["is_published"] is False
    assert "does not exist" in entry(api, status=404)["message"]
    refused = api("PUT", f"{MANAGEMENT}/datasets/{uid}/publish_metadata", 400)
    assert refused["error_key"] == "PublishingMetadataOnlyUnpublishedDatasetException"


def test_versions_restore_to_and_changes_restore_before(api, portal):
    uid = portal.admin.create_dataset("stops", "First", ROWS)["uid"]
    path, old = f"{AUTOMATION}/datasets/{uid}", f"{MANAGEMENT}/datasets/{uid}"
    first = api("GET", f"{path}/versions/")["results"][-1]
    for title in ("Second", "Third"):
        api("PUT", f"{path}/metadata/default/title/", json={"value": title})
    api("POST", f"{path}/versions/{first['uid']}/restore/")
    assert portal.admin.state("stops")["title"] == "First"
    changes = api("GET", f"{old}/changes")
    numbers = [one["change_uid"] for one in changes]
    assert numbers == sorted(numbers, reverse=True)
    third = next(one for one in changes if one["diff"]["metadata"][:1] and one["change_uid"] == numbers[1])
    assert third["diff"]["metadata"][0]["new_value"] == "Third"
    api("PUT", f"{old}/restore_change", json={"change_uid": third["change_uid"]})
    assert portal.admin.state("stops")["title"] == "Second"
    for number in range(30):
        api("PUT", f"{path}/metadata/default/title/", json={"value": f"{number}"})
    assert api("GET", f"{path}/versions/")["total_count"] == 20


def test_metadata_of_both_apis(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    path, old = f"{AUTOMATION}/datasets/{uid}", f"{MANAGEMENT}/datasets/{uid}"
    metas = [{"template_name": "default", "metadata_name": "publisher", "value": "City"}]
    kept = api("PUT", f"{old}/metadata/", json={"metas": metas})
    assert {one["name"]: one["value"] for one in kept} == {"title": "Stops", "publisher": "City"}
    assert api("GET", f"{path}/metadata/default/")["publisher"] == {"value": "City"}
    api("PUT", f"{path}/metadata/", json={"default": {"title": {"value": "Alone"}}})
    assert api("GET", f"{path}/metadata/") == {"default": {"title": {"value": "Alone"}}}
    api("GET", f"{path}/metadata/default/publisher/", 404)
    assert api("DELETE", f"{old}/metadata/default/title")["value"] is None
    wrong = api("PUT", f"{path}/metadata/default/title/", 400, json={"valeu": "x"})
    assert (wrong["error_code"], list(wrong["detail"])) == ("validation_error", ["default.title"])


def test_permissions_of_keys(api, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    path = f"{AUTOMATION}/datasets/{uid}"
    editor, reader = Api(portal.url, portal.editor_key), Api(portal.url, portal.reader_key)
    editor("POST", f"{path}/resources/files/", 201, files={"file": ("a.csv", "a\n1\n")})
    for method, where in (("POST", "publish/"), ("GET", "status/")):
        assert editor(method, f"{path}/{where}", 403)["error_code"] == "forbidden"
    assert editor("PUT", f"{MANAGEMENT}/datasets/{uid}/publish", 403)["status_code"] == 403
    reader("GET", f"{path}/", 403)
    assert Api(portal.url, None)("GET", f"{path}/", 401)["error_code"] == "unauthorized"
    Api(portal.url, "0" * 56)("GET", f"{path}/", 401)
    basic = Api(portal.url, None)
    basic("GET", f"{path}/", auth=("publisher", "publisher-password"))
    basic("GET", f"{path}?apikey={portal.api_key}")
    key = api("POST", f"{AUTOMATION}/apikeys/", 201, json={"label": "x", "permissions": ["edit_dataset"]})
    Api(portal.url, key["key"])("GET", f"{path}/status", 403)
    api("POST", f"{AUTOMATION}/apikeys/{key['uid']}/revoke/", json={"reason": "lost"})
    Api(portal.url, key["key"])("GET", f"{path}/", 401)


def test_the_docs_name_every_switch_outcome_and_fault():
    text = (Path(__file__).parents[2] / "docs" / "emulator-opendatasoft.md").read_text(encoding="utf-8")
    names = [*Switches().as_dict(), *OUTCOMES, *KINDS, *PUBLIC]
    assert [name for name in names if f"`{name}`" not in text] == []
