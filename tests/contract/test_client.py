"""What the client sends is what the contract says, for every call; and the replies are understood."""

from __future__ import annotations

import json

import pytest
from contract.checks import check_sent
from contract.client_walk import WALKS, Sender, sent_of
from contract.operations import OPERATIONS, operation_of

# The client changes revisions with PUT, as socrata-py does.
NOT_SENT = {"patch a revision"}


@pytest.fixture(scope="module")
def calls(contract_portal):
    """Every call of the walks; each walk reads the replies, and says what it expects of them."""
    contract_portal.admin.reset()
    send = Sender(contract_portal)
    for walk in WALKS:
        walk(send)
    send.session.close()
    return send.calls


@pytest.mark.parametrize(
    "name", [operation.name for operation in OPERATIONS if operation.name not in NOT_SENT]
)
def test_every_call(calls, name):
    mine = [sent for sent in map(sent_of, calls) if operation_of(*sent[:2]).name == name]
    assert mine, "no walk makes this call"
    for method, path, query, body, kind in mine:
        check_sent(operation_of(method, path), query, body, kind)


def test_a_permission_is_never_sent_unasked(calls):
    bodies = [
        json.loads(sent[3])
        for sent in map(sent_of, calls)
        if operation_of(*sent[:2]).name in {"create a dataset", "create a revision"}
    ]
    asked = [body for body in bodies if "permission" in body.get("action", {})]
    assert len(asked) == 1
    assert len(bodies) > 5


def test_chunks_are_bytes(calls):
    chunks = [call for call in calls if operation_of(*sent_of(call)[:2]).name == "send a chunk"]
    assert {type(call.body) for call in chunks} == {bytes, memoryview}
    for call in chunks:
        assert dict(call.headers)["Content-Type"] == "application/octet-stream"
