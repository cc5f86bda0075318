"""The emulator keeps the contract: every call is made, and every reply and link is as described."""

from __future__ import annotations

import pytest
from contract.checks import check_links, check_received, check_sent, faults_of
from contract.operations import BASE, OPERATIONS, operation_of
from contract.schemas import ERROR
from contract.walk import CSV, Recorder

NAMES = [operation.name for operation in OPERATIONS]


@pytest.mark.parametrize("name", NAMES)
def test_every_call(exchanges, name):
    seen = [each for each in exchanges if each.operation.name == name]
    assert seen, "no walk makes this call"
    for each in seen:
        check_sent(each.operation, each.query, each.sent, each.sent_type)
        check_received(each)


def test_no_two_calls_are_the_same():
    for operation in OPERATIONS:
        path = operation.path.replace("{dataset}", "abcd-1234").replace("{name}", "nightly")
        for place in (
            "seq",
            "task_set",
            "source",
            "chunk",
            "offset",
            "input_schema",
            "output_schema",
            "transform",
        ):
            path = path.replace(f"{{{place}}}", "1")
        assert operation_of(operation.method, BASE + path) is operation


def test_the_contract_can_fail(exchanges):
    """A key too many, a key too few, another status, a link astray: each is seen."""
    [first, *_] = [each for each in exchanges if each.operation.name == "create a dataset"]
    received = first.operation.received
    good = first.json()
    assert faults_of(received, good) == []
    assert faults_of(received, good | {"more": 1}) != []
    assert faults_of(received, {"resource": good["resource"]}) != []
    without = {key: value for key, value in good["resource"].items() if key != "closed_at"}
    assert faults_of(received, good | {"resource": without}) != []
    assert faults_of(received, good | {"resource": good["resource"] | {"id": "7"}}) != []
    check_links("revision", good["links"])
    for links in (
        {key: link for key, link in good["links"].items() if key != "restore"},
        good["links"] | {"more": good["links"]["show"]},
        good["links"] | {"plan": good["links"]["apply"]},
        good["links"] | {"plan": good["links"]["plan"].replace("/plan", "/{what}")},
    ):
        with pytest.raises(AssertionError):
            check_links("revision", links)


@pytest.fixture
def portal(contract_portal, exchanges):
    """A fresh portal, after the walks."""
    contract_portal.admin.reset()
    return Recorder(contract_portal)


def refused(reply, *statuses):
    assert reply.status_code in statuses, reply.text
    assert reply.headers["Content-Type"].startswith("application/json")
    assert faults_of(ERROR, reply.json()) == []
    return reply.json()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/revision/none-such"),
        ("POST", "/revision/none-such"),
        ("GET", "/revision/road-2222/41"),
        ("PUT", "/revision/road-2222/41/apply"),
        ("DELETE", "/revision/road-2222/41"),
        ("GET", "/source/999999"),
        ("POST", "/source/999999/initiate"),
        ("GET", "/source/999999/schema/1"),
        ("GET", "/config/none"),
        ("DELETE", "/config/none"),
        ("POST", "/config/build_from/999999"),
        ("GET", "/nothing/here"),
    ],
)
def test_what_is_not_there(portal, method, path):
    portal.portal.admin.create_dataset("road-2222", "Roads", ["id"])
    body = (
        {"action": {"type": "update"}}
        if path == "/revision/none-such"
        else {"name": "x", "data_action": "update"}
    )
    refused(portal.reply(method, BASE + path, json=None if method in {"GET", "DELETE"} else body), 404)


def test_what_is_closed(portal):
    revision = portal.new_dataset("Closed")
    portal.call("DELETE", revision["links"]["discard"])
    assert refused(portal.reply("PUT", revision["links"]["apply"], json={}), 409)["message"]
    refused(portal.reply("PUT", revision["links"]["update"], json={"notes": "x"}), 409)
    # Once more does nothing; a portal that refuses it is a switch away.
    assert portal.call("DELETE", revision["links"]["discard"])["resource"]["closed_at"]
    portal.portal.admin.settings(discard_closed_revision="refuse")
    refused(portal.reply("DELETE", revision["links"]["discard"]), 409)
    body = {"source_type": {"type": "upload", "filename": "x.csv"}}
    refused(portal.reply("POST", revision["links"]["create_source"], json=body), 409)


def test_what_is_malformed(portal):
    portal.portal.admin.create_dataset("road-2222", "Roads", ["id"])
    json_type = {"Content-Type": "application/json"}
    refused(portal.reply("POST", f"{BASE}/revision", data=b"{nope", headers=json_type), 400)
    refused(portal.reply("POST", f"{BASE}/revision", json={"metadata": {}}), 400, 422)
    refused(portal.reply("POST", f"{BASE}/revision/road-2222", json={"action": {"type": "paint"}}), 400, 422)
    refused(portal.reply("POST", f"{BASE}/source", json={"source_type": {"type": "pigeon"}}), 400, 422)
    refused(portal.reply("POST", f"{BASE}/config", json={"name": "x", "data_action": "paint"}), 400, 422)


def test_chunks_that_do_not_fit(portal):
    portal.portal.admin.settings(preferred_chunk_size=20)
    revision = portal.new_dataset("Chunks")

    def source():
        body = {"source_type": {"type": "upload", "filename": "x.csv"}}
        links = portal.post(revision["links"]["create_source"], json=body)["links"]
        portal.post(links["initiate"], json={"content_type": "text/csv"})
        return links

    def chunk(links, number, offset, data):
        path = links["chunk"].format(seq_num=number, byte_offset=offset)
        return portal.reply("POST", path, data=data, headers={"Content-Type": "application/octet-stream"})

    def commit(links, last, total):
        return portal.reply("POST", links["commit"].format(seq_num=last, byte_offset=total))

    # Larger than the server said.
    refused(chunk(source(), 0, 0, b"x" * 21), 400, 413)
    # A wrong total, a last number that is not the last, a gap, chunks of two sizes, nothing at all.
    links = source()
    assert chunk(links, 0, 0, CSV[:20]).ok
    refused(commit(links, 0, 21), 400)
    refused(commit(links, 1, 20), 400)
    links = source()
    assert chunk(links, 1, 20, CSV[20:40]).ok
    refused(commit(links, 1, 40), 400)
    links = source()
    for number, (start, end) in enumerate([(0, 20), (20, 30), (30, 50)]):
        reply = chunk(links, number, start, CSV[start:end])
        if not reply.ok:
            refused(reply, 400)
    refused(commit(links, 2, 50), 400)
    refused(commit(source(), 0, 0), 400)
    # The same chunk again is no error.
    links = source()
    for _ in range(2):
        assert chunk(links, 0, 0, CSV[:20]).ok
    assert commit(links, 0, 20).ok


def test_a_transform_that_does_not_compile(portal):
    source = portal.upload(portal.new_dataset("Transforms"))
    schema = source["resource"]["schemas"][0]["id"]
    column = {
        "field_name": "x",
        "display_name": "X",
        "position": 1,
        "transform": {"transform_expr": "upper(`note`) +"},
    }
    path = f"{source['links']['show']}/schema/{schema}"
    error = refused(portal.reply("POST", path, json={"output_columns": [column]}), 400, 422)
    assert error["params"]["position"]["row"] == 1
    assert error["params"]["position"]["column"] >= 1


def test_who_may(portal):
    portal.session.auth = ("viewer-key", "viewer-secret")
    body = {"metadata": {"name": "x"}, "action": {"type": "update"}}
    refused(portal.reply("POST", f"{BASE}/revision", json=body), 403)
    portal.session.auth = None
    assert portal.reply("POST", f"{BASE}/revision", json=body).status_code in {401, 403}
    portal.session.auth = (portal.portal.username, "wrong")
    assert portal.reply("POST", f"{BASE}/revision", json=body).status_code == 401
