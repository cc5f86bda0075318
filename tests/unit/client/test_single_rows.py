"""Calls for one row against the emulator, on both back ends, and the oldest row calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client import (
    CallKind,
    ConfigurationError,
    Conflict,
    InvalidRequest,
    NotFound,
    PortalError,
    PortalSession,
    RowCounts,
    legacy_rows,
    rows,
    single_rows,
    views,
)
from airflow_socrata.client.rows import WriteOptions

if TYPE_CHECKING:
    from airflow_socrata.emulator import Emulator

ROWS = [{"key": "a", "n": 1, "note": "x"}, {"key": "b", "n": 2}]
COLUMNS = [["key", "text"], ["n", "number"], ["note", "text"]]


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    for name, backend in (("newb-2222", "new"), ("oldb-2222", "old")):
        emulator.admin.create_dataset(name, name, COLUMNS, "key", ROWS, backend=backend)
    emulator.admin.create_dataset("nkey-2222", "No key", COLUMNS, rows=ROWS)
    return emulator


@pytest.fixture(params=["newb-2222", "oldb-2222"])
def dataset(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def note(emulator: Emulator, dataset: str, key: str) -> Any:
    return next(row.get("note") for row in emulator.admin.rows(dataset) if row["key"] == key)


def test_a_row_is_read_by_its_identifier(client: PortalSession, dataset: str) -> None:
    row = client.send(single_rows.get(dataset, "a"))
    assert dict(row.values) == {"key": "a", "n": "1", "note": "x"}
    assert client.send(single_rows.get(dataset, "a", if_match=row.etag)).etag == row.etag
    client.send(single_rows.upsert(dataset, {"key": "a", "n": 5}, keyed=True))
    with pytest.raises(Conflict, match="412"):
        client.send(single_rows.get(dataset, "a", if_match=row.etag))
    with pytest.raises(NotFound, match="has no row 'zz'"):
        client.send(single_rows.get(dataset, "zz"))


def test_odd_identifiers_are_found(client: PortalSession) -> None:
    for key in ("å b", "a.json", "100%", "?x=1&y#", "..", "~row", "1+1"):
        client.send(single_rows.upsert("newb-2222", {"key": key}, keyed=True))
        assert client.send(single_rows.get("newb-2222", key)).values["key"] == key
    for key in ("", "a/b", "a\\b", "a\nb"):
        assert not single_rows.fits_address(key)
        with pytest.raises(ConfigurationError, match="cannot be named in an address"):
            single_rows.get("newb-2222", key)


def test_an_upsert_merges_and_null_clears(client: PortalSession, emulator: Emulator, dataset: str) -> None:
    written = client.send(single_rows.upsert(dataset, {"key": "a", "n": 7}, keyed=True))
    if dataset == "newb-2222":
        assert written.values is not None
        assert (written.values["n"], written.values["note"]) == ("7", "x")
        assert str(written.values[":id"]).startswith("row-")
        assert written.counts is None
    else:
        assert (written.values, written.counts) == (
            None,
            RowCounts(0, 1, 0, 0, by_row_identifier=1, by_sid=0, truth_version=written.truth_version),
        )
    truth = client.send(views.replication(dataset)).truth_version
    assert written.truth_version == truth
    client.send(single_rows.upsert(dataset, {"key": "a", "note": None}, keyed=True))
    assert note(emulator, dataset, "a") is None


def test_a_replace_leaves_nothing_of_the_old_row(
    client: PortalSession, emulator: Emulator, dataset: str
) -> None:
    client.send(single_rows.replace(dataset, {"key": "a", "n": 9}, ("key", "n", "note"), keyed=True))
    assert emulator.admin.rows(dataset)[0] == {"key": "a", "n": "9"}


def test_put_is_for_the_old_back_end(client: PortalSession, emulator: Emulator) -> None:
    written = client.send(single_rows.put("oldb-2222", "a", {"n": 9}))
    assert written.counts is not None
    assert written.counts.updated == 1
    assert emulator.admin.rows("oldb-2222")[0] == {"key": "a", "n": "9"}
    with pytest.raises(InvalidRequest, match="405"):
        client.send(single_rows.put("newb-2222", "a", {"n": 9}))


def test_post_to_a_row_names_it_in_the_body(client: PortalSession, emulator: Emulator) -> None:
    written = client.send(single_rows.post("newb-2222", "a", {"note": "y"}, key="key"))
    assert written.counts is not None
    assert written.counts.updated == 1
    assert note(emulator, "newb-2222", "a") == "y"


def test_deletes(client: PortalSession, emulator: Emulator, dataset: str) -> None:
    assert client.send(single_rows.delete(dataset, "a")).deleted == 1
    with pytest.raises(NotFound) as gone:
        client.send(single_rows.delete(dataset, "a"))
    assert gone.value.landing == "none"
    counts = client.send(rows.upsert(dataset, single_rows.deletion("a", key="key"), keyed=True))
    assert (counts.deleted, counts.errors) == (0, 1)
    counts = client.send(rows.upsert(dataset, single_rows.deletion("b", key="key"), keyed=True))
    assert (counts.deleted, counts.errors) == (1, 0)
    assert emulator.admin.rows(dataset) == []


def test_deleted_in_one_object(client: PortalSession, emulator: Emulator, dataset: str) -> None:
    written = client.send(single_rows.upsert(dataset, {"key": "a", ":deleted": True}, keyed=True))
    assert written.counts is not None
    assert written.counts.deleted == 1
    assert [row["key"] for row in emulator.admin.rows(dataset)] == ["b"]


def test_rows_are_found_with_their_system_fields(client: PortalSession, dataset: str) -> None:
    old = dataset == "oldb-2222"
    call = single_rows.find(dataset, "n > 0", order=":id desc", limit=1, old_backend=old)
    [row] = client.send(call).rows
    assert row["key"] == "b"
    assert {":id", ":created_at", ":updated_at"} <= set(row)
    assert (":version" in row) is not old


def test_a_delete_whose_reply_was_lost_says_that_it_may_have_landed(
    client: PortalSession, emulator: Emulator, dataset: str
) -> None:
    emulator.admin.add_fault("lost_reply", method="DELETE", path=f"/resource/{dataset}")
    with pytest.raises(NotFound) as gone:
        client.send(single_rows.delete(dataset, "a"))
    assert gone.value.landing == "unknown"
    assert len(emulator.admin.rows(dataset)) == 1


def test_rows_by_their_own_id(client: PortalSession, emulator: Emulator) -> None:
    [first, _] = client.send(rows.select("nkey-2222", ":*,*", order="key")).rows
    written = client.send(single_rows.upsert("nkey-2222", {":id": first[":id"], "n": 8}, keyed=True))
    assert written.values is not None
    assert written.values["n"] == "8"
    assert client.send(single_rows.get("nkey-2222", first[":id"])).values["key"] == "a"
    client.send(single_rows.delete("nkey-2222", first[":id"]))
    call = single_rows.upsert("nkey-2222", {"key": "c"}, keyed=False)
    assert call.kind is CallKind.ROWS_UNKEYED
    client.send(call)
    assert [row["key"] for row in emulator.admin.rows("nkey-2222")] == ["b", "c"]


def test_the_version_of_a_row_is_a_lock(client: PortalSession, emulator: Emulator) -> None:
    [row] = client.send(rows.select("newb-2222", ":*,*", "key = 'a'")).rows
    lock = {"key": "a", "note": "mine", ":version": row[":version"]}
    call = single_rows.upsert("newb-2222", lock, keyed=True, options=WriteOptions(errors_are_fatal=False))
    assert call.kind is CallKind.ROWS_UNKEYED, "the second sending would meet another version"
    assert client.send(call).values is not None
    written = client.send(call)
    assert written.counts is not None
    assert written.counts.errors == 1
    assert note(emulator, "newb-2222", "a") == "mine"


def test_the_version_of_a_dataset_is_a_lock(client: PortalSession, emulator: Emulator) -> None:
    version = client.send(views.replication("newb-2222")).truth_version
    options = WriteOptions(expected_data_version=version)
    counts = client.send(
        rows.upsert("newb-2222", single_rows.row_body({"key": "c"}), keyed=True, options=options)
    )
    assert counts.truth_version == (version or 0) + 1
    with pytest.raises(Conflict, match=r"soda\.row\.dataset-version-mismatch"):
        client.send(rows.upsert("newb-2222", single_rows.row_body({"key": "d"}), keyed=True, options=options))
    with pytest.raises(Conflict):
        client.send(
            rows.replace("newb-2222", single_rows.row_body({"key": "d"}), expected_data_version=version)
        )
    assert len(emulator.admin.rows("newb-2222")) == 3
    emulator.admin.settings(write_options=False)
    client.send(rows.upsert("newb-2222", single_rows.row_body({"key": "d"}), keyed=True, options=options))


def test_options_of_a_write(client: PortalSession, emulator: Emulator) -> None:
    gone = single_rows.deletion("zz", key="key")
    fatal = WriteOptions(errors_are_fatal=True)
    with pytest.raises(NotFound, match=r"soda\.row\.not-found"):
        client.send(rows.upsert("newb-2222", gone, keyed=True, options=fatal))
    tolerant = WriteOptions(errors_are_fatal=True, tolerated=("no_such_row_to_delete",))
    assert client.send(rows.upsert("newb-2222", gone, keyed=True, options=tolerant)).errors == 1
    whole = WriteOptions(merge=False)
    client.send(rows.upsert("newb-2222", single_rows.row_body({"key": "a"}), keyed=True, options=whole))
    assert emulator.admin.rows("newb-2222")[0] == {"key": "a"}
    fresh = WriteOptions(truncate=True)
    client.send(rows.upsert("newb-2222", single_rows.row_body({"key": "z"}), keyed=True, options=fresh))
    assert emulator.admin.rows("newb-2222") == [{"key": "z"}]
    assert WriteOptions().params() == ()


@pytest.mark.parametrize("row", [{"key": "a", "n": float("inf")}, {"key": object()}])
def test_a_row_that_is_no_json_is_not_sent(row: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="a row holds a value that JSON does not know"):
        single_rows.upsert("newb-2222", row, keyed=True)


def test_the_oldest_row_calls(client: PortalSession, emulator: Emulator) -> None:
    added = client.send(legacy_rows.add("oldb-2222", {"key": "c", "n": 3}))
    sid = int(added["_id"])
    client.send(legacy_rows.change("oldb-2222", sid, {"n": 4}))
    table = client.send(legacy_rows.read("oldb-2222"))
    assert table.columns[:2] == (":sid", ":id")
    assert table.columns[8:] == ("key", "n", "note")
    named = [dict(zip(table.columns, row, strict=True)) for row in table.data]
    assert [(row["key"], row["n"]) for row in named if row[":sid"] == sid] == [("c", "4")]
    path = "/views/oldb-2222/rows"
    results = client.send(
        legacy_rows.batch([
            legacy_rows.BatchItem("POST", f"{path}.json", {"key": "d"}),
            legacy_rows.BatchItem("PUT", f"{path}/{sid}.json", {"nothing": 1, "n": 5}),
            legacy_rows.BatchItem("DELETE", f"{path}/999999.json"),
            legacy_rows.BatchItem("DELETE", f"{path}/{sid}.json"),
        ])
    )
    assert [result.error for result in results] == [None, None, "Row not found: 999999", None]
    assert results[0].response["_id"] != sid
    assert [row["key"] for row in emulator.admin.rows("oldb-2222")] == ["a", "b", "d"]
    client.send(legacy_rows.delete("oldb-2222", int(results[0].response["_id"])))
    with pytest.raises(InvalidRequest, match="old back end"):
        client.send(legacy_rows.add("newb-2222", {"key": "c"}))
    with pytest.raises(NotFound):
        client.send(legacy_rows.delete("oldb-2222", sid))
    with pytest.raises(ConfigurationError):
        legacy_rows.batch([])


def test_an_old_insert_is_not_sent_twice(client: PortalSession, emulator: Emulator) -> None:
    emulator.admin.add_fault("lost_reply", method="POST", path="/views/")
    with pytest.raises(PortalError) as lost:
        client.send(legacy_rows.add("oldb-2222", {"key": "c"}))
    assert lost.value.landing == "unknown"
    assert len(emulator.admin.rows("oldb-2222")) == 3


def test_the_oldest_way_to_empty_a_dataset(client: PortalSession, emulator: Emulator, dataset: str) -> None:
    client.send(legacy_rows.truncate(dataset))
    assert emulator.admin.rows(dataset) == []
