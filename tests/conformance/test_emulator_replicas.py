"""Reads come from replicas, which may lag behind the truth."""

from __future__ import annotations

import pytest


def stale(reply):
    return reply.headers["X-SODA2-Data-Out-Of-Date"] == "true"


def fresh(api, dataset):
    return api.get(f"/api/views/{dataset}/replication.json").json()["read_replication_up_to_date"]


@pytest.fixture
def lagging(admin, stops):
    admin.settings(replica_manual=True)
    return stops


def test_reads_are_stale_until_replicated(api, admin, lagging):
    version = api.get(f"/api/views/{lagging}/replication.json").json()["truth_data_version"]
    api.upsert(
        lagging, [{"stop_id": "n"}, {"stop_id": "a", ":deleted": True}, {"stop_id": "b", "name": "New"}]
    )
    reply = api.get(f"/resource/{lagging}.json?$order=stop_id")
    assert stale(reply)
    assert [row["name"] for row in reply.json()] == ["Alder", "Birch", "Çedar"]
    assert api.count(lagging) == 3
    report = api.get(f"/api/views/{lagging}/replication.json").json()
    assert report["read_replication_up_to_date"] is False
    assert report["truth_data_version"] == version + 1
    assert {each["name"]: each["version"] for each in report["secondary_versions"]}["pg"] < version + 1
    assert len(admin.rows(lagging)) == 3
    assert admin.rows(lagging)[0]["name"] == "New"
    admin.replicate(lagging)
    reply = api.get(f"/resource/{lagging}.json")
    assert not stale(reply)
    assert {row["stop_id"] for row in reply.json()} == {"b", "c", "n"}
    assert fresh(api, lagging)


def test_several_writes_while_stale(api, admin, lagging):
    for name in "xyz":
        api.upsert(lagging, [{"stop_id": name}])
    assert (api.count(lagging), len(admin.rows(lagging))) == (3, 6)
    admin.replicate()
    assert api.count(lagging) == 6
    api.upsert(lagging, [{"stop_id": "w"}])
    assert api.count(lagging) == 6


def test_publish_is_not_seen_at_once(api, admin, lagging):
    copy = api.open_copy(lagging, "copySchema")
    api.upsert(copy, [{"stop_id": "n"}])
    assert api.count(copy) == 0
    api.publish(copy)
    assert api.count(lagging) == 3
    assert stale(api.get(f"/resource/{lagging}.json"))
    assert api.get(f"/api/views/{lagging}/rows.csv").text.count("\n") == 2
    admin.replicate()
    assert api.count(lagging) == 1


def test_lag_by_the_portals_clock(api, admin, stops):
    admin.settings(replica_lag_seconds=30)
    api.upsert(stops, [{"stop_id": "n"}])
    assert (api.count(stops), fresh(api, stops)) == (3, False)
    admin.advance(31)
    assert (api.count(stops), fresh(api, stops)) == (4, True)


def test_lag_by_polls(api, admin, stops):
    admin.settings(replica_lag_polls=3)
    api.upsert(stops, [{"stop_id": "n"}])
    assert [fresh(api, stops) for _ in range(4)] == [False, False, True, True]
    assert api.count(stops) == 4


def test_lag_after_one_write_by_fault(api, admin, stops):
    admin.add_fault("replica_lag", "POST", polls=2)
    api.upsert(stops, [{"stop_id": "n"}])
    assert [api.count(stops) for _ in range(3)] == [3, 4, 4]
    api.upsert(stops, [{"stop_id": "m"}])
    assert api.count(stops) == 5


def test_times_of_truth_and_replica_differ(api, admin, lagging):
    admin.advance(100)
    api.upsert(lagging, [{"stop_id": "n"}])
    headers = api.get(f"/resource/{lagging}.json").headers
    assert headers["X-SODA2-Truth-Last-Modified"] != headers["X-SODA2-Secondary-Last-Modified"]
    assert headers["Last-Modified"] == headers["X-SODA2-Secondary-Last-Modified"]
