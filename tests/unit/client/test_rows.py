"""Calls for rows: addresses, and every form in which a portal counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_socrata.client import CallKind, ConfigurationError, Reply, RowBody, RowCounts, RowError, rows
from airflow_socrata.client.messages import Headers, UnreadableReply

BODY = RowBody(b"key\n1\n", "text/csv", "gzip", rows=1)
UPSERT = rows.upsert("abcd-1234", BODY, keyed=True)


def reply(body: Any, status: int = 200, *, repeated: bool = False, **headers: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, Headers(names), data, repeated=repeated)


def test_writes() -> None:
    assert (UPSERT.kind, UPSERT.method, UPSERT.path) == (
        CallKind.ROWS_KEYED,
        "POST",
        "/resource/abcd-1234.json",
    )
    assert UPSERT.headers == (("Content-Type", "text/csv"), ("Content-Encoding", "gzip"))
    assert UPSERT.body == BODY.data
    assert rows.upsert("abcd-1234", BODY, keyed=False).kind is CallKind.ROWS_UNKEYED
    replace = rows.replace("abcd-1234", BODY)
    assert (replace.kind, replace.method, replace.path) == (CallKind.ROWS_REPLACE, "PUT", UPSERT.path)
    truncate = rows.truncate("abcd-1234")
    assert (truncate.kind, truncate.method, truncate.body) == (CallKind.ROWS_REPLACE, "PUT", b"[]")
    plain = rows.replace("abcd-1234", RowBody(b"[]", "application/json"))
    assert plain.headers == (("Content-Type", "application/json"),)
    with pytest.raises(ConfigurationError):
        rows.upsert("not an id", BODY, keyed=True)


def test_a_body_does_not_show_its_rows() -> None:
    assert "key" not in repr(BODY)
    assert "key" not in repr(UPSERT)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {
                "By RowIdentifier": 2,
                "Rows Updated": 2,
                "Rows Deleted": 0,
                "Rows Created": 1,
                "Errors": 0,
                "By SID": 0,
            },
            RowCounts(1, 2, 0, 0, by_row_identifier=2, by_sid=0),
        ),
        (
            {"Errors": 83, "Rows Created": 0, "Rows Updated": 9917, "Rows Deleted": 0},
            RowCounts(0, 9917, 0, 83),
        ),
        ({"Rows Created": 3, "Rows Updated": 0, "Rows Deleted": 0}, RowCounts(3, 0, 0, 0)),
        ({"Rows Created": "3", "Errors": None}, RowCounts(3, 0, 0, 0)),
        ({"rows_created": 1, "rows_updated": 2, "rows_deleted": 3}, RowCounts(1, 2, 3, 0)),
        (
            {
                "rows_created": 1,
                "rows_updated": 2,
                "rows_deleted": 3,
                "errors": [{"error": "bad", "input_index": 1, "primary_key": "key1"}],
            },
            RowCounts(1, 2, 3, 1, row_errors=(RowError(1, "bad", "key1"),)),
        ),
        (
            [
                {"typ": "insert", "id": "row-8gnk~mwm3.6rc7", "ver": "rv-2c9b.x3ty~4ksn"},
                {"typ": "update", "id": 7},
                {"typ": "delete", "id": "x"},
                {"typ": "error", "err": "no_such_row_to_delete", "id": 388609},
                {"typ": "error", "err": "no_primary_key"},
            ],
            RowCounts(
                1,
                1,
                1,
                2,
                row_errors=(
                    RowError(3, "no_such_row_to_delete", "388609"),
                    RowError(4, "no_primary_key", None),
                ),
            ),
        ),
        (
            [[{"typ": "insert"}, {"typ": "error", "err": "e"}]],
            RowCounts(1, 0, 0, 1, row_errors=(RowError(1, "e", None),)),
        ),
        ([[{"typ": "insert"}], [{"typ": "update"}]], RowCounts(1, 1, 0, 0)),
        ([], RowCounts(0, 0, 0, 0)),
        ([[]], RowCounts(0, 0, 0, 0)),
    ],
)
@pytest.mark.parametrize("call", [UPSERT, rows.replace("abcd-1234", BODY), rows.truncate("abcd-1234")])
def test_every_form_of_counts(call: Any, body: Any, expected: RowCounts) -> None:
    counts = call.parse(reply(body))
    assert counts == expected
    assert counts.rows == expected.created + expected.updated + expected.deleted + expected.errors


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        {},
        {"id": "row-1", "name": "the stored row of a single object"},
        {"Rows Created": -1},
        {"Rows Created": "many"},
        {"Rows Created": True},
        {"Rows Created": 1, "Errors": 1.5},
        {"error": True, "message": "Internal error", "status": 500},
        [{"typ": "surprise"}],
        [{"typ": []}],
        [{"id": 1}],
        ["insert"],
        "ok",
        None,
    ],
)
def test_what_counts_no_rows_is_unreadable(body: Any) -> None:
    with pytest.raises(UnreadableReply):
        UPSERT.parse(reply(body))


def test_a_write_is_never_merely_accepted() -> None:
    with pytest.raises(UnreadableReply, match="202"):
        UPSERT.parse(reply({"Rows Created": 1}, 202))


def test_absent_deletes_and_repetition_are_told() -> None:
    body = [
        {"typ": "error", "err": "no_such_row_to_delete", "id": "a"},
        {"typ": "error", "err": "No record is found for b"},
        {"typ": "error", "err": "version_mismatch", "id": "c"},
    ]
    counts = UPSERT.parse(reply(body, repeated=True))
    assert (counts.errors, counts.absent_deletes, counts.repeated) == (3, 2, True)


def test_count() -> None:
    call = rows.count("abcd-1234", "road = 'A 1'")
    assert call.params == (("$select", "count(*)"), ("$where", "road = 'A 1'"))
    assert rows.count("abcd-1234").params == (("$select", "count(*)"),)
    found = call.parse(
        reply(
            [{"count": "66530"}],
            X_SODA2_Data_Out_Of_Date="true",
            X_SODA2_Truth_Last_Modified="Mon, 01 Jan 2024 00:00:30 GMT",
        )
    )
    assert (found.rows, found.out_of_date, found.truth_last_modified) == (66530, True, 1704067230.0)
    assert call.parse(reply([{"count_1": 3}])).rows == 3
    assert call.parse(reply([{"count": "0"}])).out_of_date is False


@pytest.mark.parametrize(
    "body", [[], [{}], [{"a": "1", "b": "2"}], [{"count": "many"}], [{"count": "-1"}], {}, b""]
)
def test_what_is_no_count_is_unreadable(body: Any) -> None:
    with pytest.raises(UnreadableReply):
        rows.count("abcd-1234").parse(reply(body))


def test_select() -> None:
    call = rows.select("abcd-1234", where="a > 1", limit=100, offset=0, system_fields=True)
    assert call.params == (
        ("$select", ":*,*"),
        ("$where", "a > 1"),
        ("$order", ":id"),
        ("$limit", "100"),
        ("$offset", "0"),
    )
    assert rows.select("abcd-1234", "max(:updated_at)").params == (("$select", "max(:updated_at)"),)
    assert rows.select("abcd-1234", order="road").params == (("$order", "road"),)
    with pytest.raises(ConfigurationError):
        rows.select("abcd-1234", "road", system_fields=True)


def test_page() -> None:
    page = rows.select("abcd-1234").parse(
        reply(
            [{"road": "A 1"}, {}],
            ETag='"abc"',
            X_SODA2_Fields='["road","lanes"]',
            X_SODA2_Types='["text","number"]',
            X_SODA2_Data_Out_Of_Date="false",
            X_SODA2_Secondary_Last_Modified="Mon, 01 Jan 2024 00:00:30 GMT",
        )
    )
    assert page.rows == [{"road": "A 1"}, {}]
    assert (page.out_of_date, page.etag, page.fields) == (False, '"abc"', {"road": "text", "lanes": "number"})
    assert (page.truth_last_modified, page.secondary_last_modified) == (None, 1704067230.0)


@pytest.mark.parametrize("fields", ["", "[", '{"a":1}', '["a"]'])
def test_page_without_readable_field_headers(fields: str) -> None:
    page = rows.select("abcd-1234").parse(reply([], X_SODA2_Fields=fields, X_SODA2_Types='["a","b"]'))
    assert page.fields == {}


@pytest.mark.parametrize("body", [{}, [1], None, {"error": True}])
def test_what_is_no_page_is_unreadable(body: Any) -> None:
    with pytest.raises(UnreadableReply):
        rows.select("abcd-1234").parse(reply(body))
