"""Restore of an applied revision's data."""

from __future__ import annotations

import pytest
from conformance.socrata_py.steps import apply, expressions, upload
from socrata.http import UnexpectedResponseException

FIRST = b"a,b\n1,one\n2,two\n"
SECOND = b"a,b\n9,nine\n"


def enroll(portal, dataset):
    reply = portal.call("POST", f"/api/archival?id={dataset}&method=enroll")
    assert reply.status_code == 200, reply.text


def test_restore(socrata, portal):
    first = socrata.new({"name": "Numbers", "description": "The first"})
    dataset = first.view_id()
    apply(first, upload(first, FIRST))
    enroll(portal, dataset)
    replication = portal.call("GET", f"/api/views/{dataset}/replication.json").json()
    [archival] = [
        each
        for each in replication["secondary_versions"]
        if "archival" in str(each.get("name", each.get("store")))
    ]
    assert archival["version"] == replication["truth_data_version"]

    second = socrata.views.lookup(dataset).revisions.create_replace_revision(
        metadata={"description": "The second"}
    )
    apply(second, upload(second, SECOND))
    assert portal.rows(dataset) == [{"a": "9", "b": "nine"}]

    restored = first.restore()
    assert restored.attributes["revision_seq"] == 2
    assert restored.attributes["fourfour"] == dataset
    assert restored.attributes["metadata"]["description"] == "The first"
    assert len(restored.list_sources()) == 1
    schema = restored.get_output_schema()
    assert expressions(schema) == {"a": "`a`", "b": "`b`"}
    schema = schema.wait_for_finish(sleeptime=0)
    apply(restored, schema)
    assert portal.rows(dataset, **{"$order": "a"}) == [{"a": "1", "b": "one"}, {"a": "2", "b": "two"}]
    view = portal.view(dataset)
    assert view["description"] == "The first"
    types = {column["fieldName"]: column["dataTypeName"] for column in view["columns"]}
    assert types == {"a": "number", "b": "text"}


def test_the_restored_revision_is_like_the_one_it_restores(socrata, portal):
    """As socrata-py's own test has seen it on a live portal."""
    first = socrata.new({"name": "Numbers"})
    apply(first, upload(first, SECOND))
    enroll(portal, first.view_id())
    second = socrata.views.lookup(first.view_id()).revisions.create_replace_revision()
    apply(second, upload(second, FIRST))
    restored = second.show().restore()
    assert restored.attributes["revision_seq"] == second.attributes["revision_seq"] + 1
    assert restored.attributes["metadata"] == second.attributes["metadata"]
    source = restored.list_sources()[0].wait_for_schema(sleeptime=0)
    schema = source.get_latest_input_schema().get_latest_output_schema().wait_for_finish(sleeptime=0)
    assert schema.attributes["total_rows"] == 2
    assert expressions(schema) == {"a": "`a`", "b": "`b`"}


def test_restore_needs_an_archive(socrata, portal):
    first = socrata.new({"name": "Numbers"})
    apply(first, upload(first, FIRST))
    with pytest.raises(UnexpectedResponseException) as refused:
        first.restore()
    assert 400 <= refused.value.status < 500
    assert refused.value.body["message"]
    assert portal.rows(first.view_id(), **{"$order": "a"})[0] == {"a": "1", "b": "one"}
