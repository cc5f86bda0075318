"""What the Opendatasoft emulator answers is what the contract says, for every call in both dialects."""

from __future__ import annotations

import re

import pytest
from contract_opendatasoft import automation, explore, management
from contract_opendatasoft.checks import check_received, check_sent, faults_of
from contract_opendatasoft.operations import ERRORS, OPERATIONS, operation_of
from contract_opendatasoft.walk import ROWS, Recorder

from airflow_socrata.emulator.opendatasoft.automation.routes import ROUTES as AUTOMATION_ROUTES
from airflow_socrata.emulator.opendatasoft.explore.routes import ROUTES as EXPLORE_ROUTES
from airflow_socrata.emulator.opendatasoft.management.routes import ROUTES as MANAGEMENT_ROUTES
from airflow_socrata.emulator.opendatasoft.push import ROUTES as PUSH_ROUTES

# Seen in a test of its own: there is no such thing.
NO_SUCH = {("GET", f"{management.BASE}/jobs/{{}}")}

WORDS = "Invalid precondition, dataset status is 'queued' but must be one of 'idle, error, limit_reached'"


@pytest.mark.parametrize("name", [each.name for each in OPERATIONS])
def test_every_call(exchanges, name):
    seen = [each for each in exchanges if each.operation.name == name]
    assert seen, "no walk makes this call"
    for each in seen:
        check_received(each)
        if each.operation.sent != "file":
            check_sent(each)


def shape(path):
    return re.sub(r"\{\w+\}", "{}", path.rstrip("/"))


def test_every_route_is_in_the_contract():
    routes = (*AUTOMATION_ROUTES, *MANAGEMENT_ROUTES, *EXPLORE_ROUTES, *PUSH_ROUTES)
    known = {(each.method, shape(each.path)) for each in OPERATIONS}
    assert {(method, shape(path)) for method, path, *_ in routes} == known | NO_SUCH
    assert len(known) == len(OPERATIONS)


def test_no_two_calls_are_the_same():
    for operation in OPERATIONS:
        assert operation_of(operation.method, re.sub(r"\{\w+\}", "x1", operation.path)) is operation


def test_the_contract_can_fail(exchanges):
    """A key too many, a key too few, another type: each is seen, at the place where it is."""
    (first, *_) = (each for each in exchanges if each.operation.name == "automation: list resources")
    good = first.json()
    (one, *_) = good["results"]
    for wrong in (
        good | {"more": 1},
        {key: value for key, value in good.items() if key != "next"},
        good | {"total_count": "1"},
        good | {"results": [one | {"uid": "da_k3v9qz"}]},
        good | {"results": [one | {"datasource": {"type": "uploaded_file", "file": {"uid": "a"}}}]},
    ):
        assert faults_of(first.operation.received, wrong) != []
    assert faults_of(first.operation.received, good) == []
    (status, *_) = (each for each in exchanges if each.operation.name == "automation: read the status")
    wrong = status.json() | {"status": "processing_dataset"}
    assert "$.status" in faults_of(status.operation.received, wrong)[0]


@pytest.fixture
def portal(contract_portal, exchanges):
    """A fresh portal, after the walks."""
    contract_portal.admin.reset()
    return contract_portal


@pytest.fixture(params=[automation.BASE, management.BASE])
def call(request, portal):
    return Recorder(portal, request.param)


def refused(call, status, method, path, **more):
    """Ask for what is refused, in both forms of the path; returns the body."""
    for form in (path.rstrip("/"), path.rstrip("/") + "/"):
        reply = call.reply(method, form, **more)
        assert reply.status_code == status, reply.text
        assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
        body = reply.json()
        assert faults_of(ERRORS[call.base], body) == []
    return body


def code_of(call, body):
    return body["error_code" if call.base == automation.BASE else "error_key"]


@pytest.mark.parametrize("where", ["", "status", "resources", "metadata/default/title", "nothing/here"])
def test_what_is_not_there(call, where):
    body = refused(call, 404, "GET", f"/datasets/da_nothere/{where}")
    assert (
        code_of(call, body) == {automation.BASE: "not_found", management.BASE: "NotFoundException"}[call.base]
    )


def test_there_are_no_jobs(portal):
    refused(Recorder(portal, management.BASE), 404, "GET", f"/jobs/{'e' * 40}")


def test_what_the_status_does_not_allow(call, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    portal.admin.settings(manual=True)
    method = "POST" if call.base == automation.BASE else "PUT"
    assert call.reply(method, f"/datasets/{uid}/publish").ok
    for action in ("publish", "unpublish", "publish_metadata"):
        body = refused(call, 400, method, f"/datasets/{uid}/{action}")
        words = (
            "Invalid precondition, dataset status is 'queued' but must be one of 'idle, error, limit_reached'"
        )
        assert body["message"] == words
    if call.base == management.BASE:
        assert body["raw_message"].format(**body["raw_params"]) == WORDS
        assert body["raw_params"]["current_status"] == "queued"


def test_what_is_malformed(call, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    refused(call, 400, "POST", "/datasets/", data=b"{nope")
    wrong = {"title": "x", "type": "csvfile"}
    body = refused(call, 400, "POST", f"/datasets/{uid}/resources/", json=wrong)
    missing = "datasource" if call.base == automation.BASE else "url"
    named = body["detail"] if call.base == automation.BASE else body["errors"][0]["raw_params"].values()
    assert list(named) == [missing]


def test_who_may(call, portal):
    uid = portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    method = "POST" if call.base == automation.BASE else "PUT"
    for key, status in ((portal.editor_key, 403), ("0" * 56, 401)):
        other = Recorder(portal, call.base, key)
        refused(other, status, method, f"/datasets/{uid}/publish")
        refused(other, status, "GET", f"/datasets/{uid}/status")
    del call.session.headers["Authorization"]
    refused(call, 401, "GET", f"/datasets/{uid}")


def test_a_failure_of_the_portal(call, portal):
    portal.admin.add_fault("internal", times=None)
    body = refused(call, 500, "GET", "/datasets/")
    assert ("trace_id" in body) == (call.base == automation.BASE)


def test_what_explore_and_push_refuse(portal):
    look = Recorder(portal, explore.BASE)
    assert refused(look, 404, "GET", "/catalog/datasets/stops")["message"].endswith("stops does not exist.")
    portal.admin.create_dataset("stops", "Stops", ROWS)
    assert (
        refused(look, 400, "GET", "/catalog/datasets/stops/records?where=id+%3D")["error_code"]
        == "ODSQLError"
    )
    portal.admin.create_dataset("live", "Live", realtime=[{"id": 1}])
    push = Recorder(portal, explore.PUSH)
    for dataset_id, status in (("live", 403), ("stops", 404)):
        path = f"/{dataset_id}/realtime/push/"
        refused(push, status, "POST", path, params={"pushkey": "wrong"}, json=[{"id": 1}])
