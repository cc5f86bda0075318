"""Whatever a portal answers, a call gives its result or one error of the tree; nothing else comes out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_socrata.client import PortalError
from airflow_socrata.client.exchange import Done, Exchange, RawReply, Wait
from airflow_socrata.client.retry import RetryBudget
from airflow_socrata.opendatasoft import explore
from airflow_socrata.opendatasoft.automation import AutomationV1
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.management import ManagementV2
from airflow_socrata.opendatasoft.models import Configured, Resource, ResourceSpec, Source
from airflow_socrata.opendatasoft.portal import portal_settings
from airflow_socrata.opendatasoft.push import PushTarget, delete_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.client.messages import Call

UID = "da_k3v9qz"
SETTINGS = portal_settings("data.example.gov", PortalKey(api_key="k" * 56))
SPEC = ResourceSpec("t", "csvfile", Source(file_uid="f.csv"))
ITEM = Configured("pr_000001", "delete", {"field": "a"})


def calls(dialect: AutomationV1 | ManagementV2) -> Iterator[Call[Any]]:
    """All calls that read something."""
    yield dialect.list_datasets()
    yield dialect.lookup("x")
    yield dialect.get_dataset(UID)
    yield next(dialect.post_dataset("x", "X"))
    yield dialect.publish(UID)
    yield dialect.status(UID)
    yield dialect.records_errors(UID)
    yield dialect.metadata(UID)
    yield dialect.read_file(UID, "f.csv")
    yield dialect.resources(UID)
    yield dialect.create_resource(UID, SPEC)
    yield dialect.put_back_resource(UID, Resource("re_000001", "t", "csvfile"))
    yield dialect.pipeline(UID, "fields")
    yield dialect.add_to_pipeline(UID, "processors", ITEM)
    yield dialect.default_security(UID)
    yield dialect.accesses(UID, "users")
    yield dialect.versions(UID)
    yield dialect.restore_point(UID)
    yield dialect.attachments(UID)


CALLS = [
    *calls(AutomationV1()),
    *calls(ManagementV2()),
    explore.catalog_entry("x"),
    explore.dataset_ids(),
    explore.count("x"),
    explore.records("x"),
    delete_record(PushTarget("x", "realtime", "key"), "r"),
]
KEYS = """
uid dataset_id dataset_uid is_published is_restricted metadata metas default title value created_at updated_at
status name since params error limit records_errors message file_id url filename datasource type file
connection relative_url args label order visible_fields api_calls_quota unit permissions user username group
sections created_by can_restore change_uid timestamp total_count nhits results datasets resource_uid
processor_uid fields records_count data_processed template template_name metadata_name raw_params published
visibility default_security security
""".split()  # noqa: SIM905
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "x", "2026-01-01", "idle"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


#: What each thing must have, so that the rest of it is read.
NEEDED = {
    "uid": "x",
    "dataset_uid": "da_000001",
    "dataset_id": "x",
    "file_id": "f.csv",
    "resource_uid": "re_000001",
    "processor_uid": "pr_000001",
    "attachment_uid": "at_000001",
    "change_uid": 5,
    "status": "error",
    "name": "limit_reached",
    "total_count": 1,
}
ODD: tuple[Any, ...] = (
    5,
    -1.5,
    True,
    "",
    "x",
    None,
    [],
    [5],
    ["x", None],
    {},
    {"x": 5},
    [[]],
    [{}],
    [{"x": []}],
)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.path.split('/')[2]}: {call.summary}")
def test_any_value_of_any_key(call: Call[Any]) -> None:
    for key in KEYS:
        for odd in ODD:
            thing = {**NEEDED, key: odd}
            for body in (thing, [thing], {"results": [thing], "datasets": [thing], "total_count": 1}):
                check(call, json.dumps(body).encode(), 200)
            nested = {
                **NEEDED,
                "metas": {"default": {key: odd}},
                "params": {key: odd},
                "security": {key: odd},
            }
            check(call, json.dumps({"results": [nested], **nested}).encode(), 200)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.path.split('/')[2]}: {call.summary}")
@settings(max_examples=25)
@given(body=JSON, status=st.sampled_from([200, 201, 204, 400, 404, 500]))
def test_any_json(call: Call[Any], body: Any, status: int) -> None:
    check(call, json.dumps(body).encode(), status)
    check(call, json.dumps({"results": [body], "datasets": [body], "total_count": body}).encode(), status)
    check(call, json.dumps([body]).encode(), status)


@given(body=st.binary(max_size=60))
def test_any_bytes(body: bytes) -> None:
    for call in CALLS:
        check(call, body, 200)


def check(call: Call[Any], body: bytes, status: int) -> None:
    exchange = Exchange(call, SETTINGS, RetryBudget(), chance=lambda: 0.5)
    exchange.outgoing()
    try:
        outcome = exchange.reply(RawReply(status, [("Content-Type", "application/json")], body), 0.0)
    except PortalError as error:
        shown = str(error)
    else:
        shown = ""
        assert isinstance(outcome, (Done, Wait))
        if isinstance(outcome, Done) and call.summary.startswith("read the status"):
            assert outcome.value is not None
            assert "\n" not in getattr(outcome.value, "failure_text", "")
    assert not shown or shown.isprintable()
