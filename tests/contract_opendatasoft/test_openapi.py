"""The vendor's OpenAPI file, where it is at hand, beside what the client sends and what the emulator answers.

The tables below are whole: a difference that is not in them fails, and one of them that is gone fails too.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract_opendatasoft import automation, openapi
from contract_opendatasoft.operations import AUTOMATION
from contract_opendatasoft.walk import ROWS, Recorder
from unit.opendatasoft import samples

FILE = openapi.find()
pytestmark = pytest.mark.skipif(
    FILE is None, reason=f"the vendor's OpenAPI file is not here: name it in {openapi.VARIABLE}"
)

# What portals are set up with; neither the client nor the emulator deals with it.
NOT_HERE = {
    "GET /metadata/templates/",
    "POST /metadata/templates/",
    "GET /metadata/templates/{template_name}/",
    "PUT /metadata/templates/{template_name}/",
    "DELETE /metadata/templates/{template_name}/",
    "GET /metadata/templates/{template_name}/fields/",
    "GET /metadata/templates/{template_name}/fields/{template_field_name}/",
    "GET /metadata/templates/{template_name}/fields/{template_field_name}/suggest/",
}
# Where the file is wrong, in what is sent.
WRONG_BODIES = {
    # An order of fields has `order` in its own properties; the vendor's SDK sends that.
    "automation: add a field: sent: lacks 'args'",
    # A GET has no body.
    "automation: read a user: sent: nothing, the file has a body",
    "automation: read a group: sent: nothing, the file has a body",
    # Exactly one form of a template is to fit, but all are open objects: what fits one fits all.
    "automation: set a template: sent: oneOf",
}
# Where the file is wrong, in what is answered.
WRONG_REPLIES = {
    "automation: add a field: answered: lacks 'args'",
    "automation: list fields: answered.results[]: lacks 'args'",
    "automation: set a template: answered: oneOf",
    "automation: read a template: answered: oneOf",
    # As with templates: a file's facts hold its uid, and so fit both forms of a file.
    "automation: add a resource: answered.datasource.file: oneOf",
    "automation: change a resource: answered.datasource.file: oneOf",
    "automation: read a resource: answered.datasource.file: oneOf",
    "automation: list resources: answered.results[].datasource.file: oneOf",
}
# A reply of this status has no body, whatever a file says.
NO_CONTENT = {"204: nothing is answered, the file has a body"}
# What the file has and the emulator does not answer.
NOT_ANSWERED = {
    "DatasetMetadataValue.remote_value",
    *(
        f"HTTPConnection.{key}"
        for key in (
            "can_manage",
            "can_reuse",
            "created_at",
            "dataset_count",
            "group_count",
            "headers",
            "updated_at",
            "user_count",
        )
    ),
}


@pytest.fixture(scope="module")
def file():
    assert FILE is not None
    return openapi.VendorFile.read(FILE)


@pytest.fixture(scope="module")
def of_the_api(exchanges):
    return [each for each in exchanges if each.operation in AUTOMATION]


def test_every_call_of_the_file_is_in_the_contract(file):
    assert {name for call, name, _ in file.operations() if call is None} == NOT_HERE
    assert set(file.declared()) == {each.name for each in AUTOMATION}


def test_statuses(file):
    assert set(openapi.statuses(file)) == set()


def test_parameters(file):
    assert set(openapi.queries(file)) == set()


def test_what_is_sent(file, of_the_api):
    assert {line for seen in of_the_api for line in openapi.bodies(file, seen)} == WRONG_BODIES


def test_what_the_emulator_answers(file, of_the_api):
    found = {line for seen in of_the_api for line in openapi.replies(file, seen)}
    assert found == WRONG_REPLIES | NO_CONTENT


def test_what_the_emulator_does_not_answer(file):
    assert set(openapi.in_file_alone(file)) == NOT_ANSWERED


def told(file: openapi.VendorFile, name: str, status: int) -> Any:
    """The validator of what the file says that a call answers."""
    declared = file.resolve(file.declared()[f"automation: {name}"]["responses"][str(status)])
    return file.validator(declared["content"]["application/json"]["schema"])


def test_refusals(file, contract_portal, exchanges):
    del exchanges
    contract_portal.admin.reset()
    uid = contract_portal.admin.create_dataset("stops", "Stops", ROWS)["uid"]
    contract_portal.admin.settings(manual=True)
    call = Recorder(contract_portal, automation.BASE)
    assert call.reply("POST", f"/datasets/{uid}/publish/").ok
    for name, status, method, path, body in (
        ("publish", 400, "POST", f"/datasets/{uid}/publish/", None),
        ("publish", 404, "POST", "/datasets/da_nothere/publish/", None),
        ("create a dataset", 400, "POST", "/datasets/", {"metadata": []}),
        ("add a resource", 400, "POST", f"/datasets/{uid}/resources/", {"type": "csvfile"}),
        ("add a schedule", 400, "POST", f"/datasets/{uid}/schedules/", {"cron_schedule": "often"}),
        ("upload a file", 400, "POST", f"/datasets/{uid}/resources/files/", {"x": 1}),
    ):
        reply = call.reply(method, path, json=body)
        assert reply.status_code == status
        told(file, name, status).validate(reply.json())


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("list datasets", samples.page(samples.DATASET)),
        ("read a dataset", samples.answer(samples.DATASET)),
        ("read the status", samples.status("processing", previous="queued", next="idle")),
        ("list versions", samples.page(samples.version("ch_old001", "2025-01-01T00:00:00Z"))),
        ("publish", samples.AUTO_BUSY),
    ],
)
def test_samples_of_other_tests(file, name, answer):
    """What the portals of the client's own tests answer is what the vendor says."""
    told(file, name, answer.status).validate(json.loads(answer.body))


def test_the_comparison_can_fail(file, of_the_api):
    """A key that the file does not have, one that it asks for, a value of another kind: each is told."""
    (seen, *_) = (each for each in of_the_api if each.operation.name == "automation: create a dataset")
    good = json.loads(seen.sent)
    for body, line in (
        (good | {"more": 1}, ".more: not in the file"),
        ({"dataset_id": "a"}, ": lacks 'metadata'"),
        (good | {"is_restricted": "yes"}, ".is_restricted: type"),
        ({"metadata": good["metadata"] | {"internal": {"draft": {"value": "yes"}}}}, ".value: type"),
    ):
        other = type(seen)(
            seen.operation,
            seen.query,
            json.dumps(body).encode(),
            seen.sent_type,
            seen.status,
            seen.received,
            seen.received_type,
        )
        (told_line,) = openapi.bodies(file, other)
        assert told_line.endswith(line)


def test_words_of_the_file(file):
    """Where it contradicts itself, or clients."""
    schemas = file.content["components"]["schemas"]
    order = schemas["OrderDatasetFieldConfiguration"]["allOf"][1]
    assert (list(order["properties"]), order["required"]) == (["order"], ["args"]), "asks for what it lacks"
    changed = file.declared()["automation: change a dataset"]["requestBody"]["content"]["application/json"]
    assert file.resolve(changed["schema"])["required"] == ["metadata"], "huwise-utils-py sends a part without"
    annotations = schemas["AnnotateDatasetFieldConfiguration"]["allOf"][1]["properties"]["annotation"]["enum"]
    assert "facet" not in annotations, "facets are metadata here, an annotation in the Management API"
