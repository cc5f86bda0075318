"""Views, rows and 404 bodies have the keys and types of recorded ones."""

from __future__ import annotations

import json
import re

import pytest
from conformance import shapes


def test_public_view_has_the_recorded_keys_and_types(admin, anonymous, stops):
    view = anonymous.get(f"/api/views/{stops}.json").json()
    assert shapes.missing(shapes.VIEW, view) == {}
    extra = set(view) - set(shapes.VIEW) - set(shapes.VIEW_OPTIONAL)
    assert extra == set()
    assert view["newBackend"] is True
    assert view["publicationStage"] == "published"
    assert view["rights"] == ["read"]
    assert view["grants"] == [{"inherited": False, "type": "viewer", "flags": ["public"]}]
    assert shapes.missing(shapes.METADATA, view["metadata"]) == {}
    assert shapes.missing(shapes.OWNER, view["owner"]) == {}
    for column in view["columns"]:
        assert shapes.missing(shapes.COLUMN, column) == {}
        assert shapes.missing(shapes.STATISTICS, column["cachedContents"]) == {}
    assert [column["position"] for column in view["columns"]] == [1, 2, 3]
    identifier = next(c for c in view["columns"] if c["fieldName"] == "stop_id")
    assert view["rowIdentifierColumnId"] == identifier["id"] == view["metadata"]["rowIdentifier"]


def test_statistics_count_as_text_on_the_new_back_end_and_as_numbers_on_the_old(admin, anonymous, stops):
    riders = anonymous.get(f"/api/views/{stops}.json").json()["columns"][2]["cachedContents"]
    assert (riders["count"], riders["non_null"], riders["null"], riders["cardinality"]) == (
        "3",
        "2",
        "1",
        "2",
    )
    assert (riders["smallest"], riders["largest"]) == ("10", "20.50")
    assert riders["top"][0] == {"item": "10", "count": "1"}
    admin.create_dataset("oldd-2222", "Old", [["n", "number"]], rows=[{"n": 1}], backend="old")
    view = anonymous.get("/api/views/oldd-2222.json").json()
    assert view["columns"][0]["cachedContents"]["count"] == 1
    assert view["newBackend"] is False


def test_view_without_row_identifier_lacks_the_keys_on_the_new_back_end(admin, anonymous):
    admin.create_dataset("none-2222", "N", ["a"])
    view = anonymous.get("/api/views/none-2222.json").json()
    assert "rowIdentifierColumnId" not in view
    assert "rowIdentifier" not in view["metadata"]
    admin.create_dataset("none-3333", "N", ["a"], backend="old")
    assert anonymous.get("/api/views/none-3333.json").json()["metadata"]["rowIdentifier"] == "0"


def test_row_identifier_is_a_field_name_by_switch(admin, anonymous, stops):
    admin.settings(row_identifier_form="field_name")
    view = anonymous.get(f"/api/views/{stops}.json").json()
    assert view["metadata"]["rowIdentifier"] == "stop_id"


def test_created_view_has_the_recorded_keys(api):
    body = {
        "name": "Foo Bar",
        "columns": [
            {"name": "Foo", "fieldName": "foo", "dataTypeName": "text"},
            {"name": "Bar", "fieldName": "bar", "dataTypeName": "number"},
        ],
        "metadata": {"rowIdentifier": "bar"},
        "flags": ["default"],
    }
    view = api.post("/api/views.json", json=body).json()
    assert shapes.missing(shapes.CREATED, view) == {}
    assert view["publicationStage"] == "unpublished"
    assert "publicationDate" not in view
    assert view["metadata"]["rowIdentifier"] == view["columns"][1]["id"]


@pytest.mark.parametrize(
    ("path", "code"),
    [("/api/views/song-2222.json", "not_found"), ("/resource/song-2222.json", "dataset.missing")],
)
def test_404_bodies(anonymous, path, code):
    reply = anonymous.get(path)
    assert reply.status_code == 404
    assert shapes.types_of(reply.json()) == shapes.ERROR_404
    assert reply.json() == {"code": code, "error": True, "message": "Not found", "data": {"id": "song-2222"}}
    if code == "not_found":
        assert reply.headers["X-Error-Code"] == "not_found"
        assert reply.headers["X-Error-Message"] == "Not found"


def test_rows_come_as_recorded(anonymous, stops):
    reply = anonymous.get(f"/resource/{stops}.json?$order=stop_id")
    assert reply.headers["Content-Type"] == "application/json;charset=utf-8"
    # Rows are parted by line break and comma; null fields are left out; numbers are texts with their scale.
    assert reply.text == (
        '[{"stop_id":"a","name":"Alder","riders":"10"}\n'
        ',{"stop_id":"b","name":"Birch","riders":"20.50"}\n'
        ',{"stop_id":"c","name":"Çedar"}]\n'
    )
    assert {name.lower() for name in reply.headers} >= {name.lower() for name in shapes.ROW_HEADERS}
    assert json.loads(reply.headers["X-SODA2-Fields"]) == ["stop_id", "name", "riders"]
    assert json.loads(reply.headers["X-SODA2-Types"]) == ["text", "text", "number"]
    assert reply.headers["X-SODA2-Data-Out-Of-Date"] == "false"


def test_rows_as_csv_quote_every_cell_and_leave_null_empty(anonymous, stops):
    reply = anonymous.get(f"/resource/{stops}.csv?$order=stop_id")
    assert reply.headers["Content-Type"].startswith("text/csv")
    assert reply.content.decode() == (
        '"stop_id","name","riders"\n"a","Alder","10"\n"b","Birch","20.50"\n"c","Çedar",\n'
    )


def test_export_has_display_names(admin, anonymous):
    columns = [{"name": "Stop, name", "fieldName": "stop_name", "dataTypeName": "text"}]
    admin.create_dataset("expo-2222", "E", columns, rows=[{"stop_name": 'a "b"'}])
    assert anonymous.get("/api/views/expo-2222/rows.csv").text == '"Stop, name"\n"a ""b"""\n'
    assert anonymous.get("/api/views/expo-2222/rows.csv?bom=true").content.startswith(b"\xef\xbb\xbf")
    whole = anonymous.get("/api/views/expo-2222/rows.json").json()
    assert [row[8:] for row in whole["data"]] == [['a "b"']]
    assert [column["fieldName"] for column in whole["meta"]["view"]["columns"]][:2] == [":sid", ":id"]


def test_etag_changes_with_every_write_and_answers_304(api, stops):
    first = api.get(f"/resource/{stops}.json")
    same = api.get(f"/resource/{stops}.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    api.upsert(stops, [{"stop_id": "a", "riders": 11}])
    assert api.get(f"/resource/{stops}.json").headers["ETag"] != first.headers["ETag"]


def test_request_id_is_echoed_and_replies_are_gzipped(api, stops):
    api.upsert(stops, [{"stop_id": str(n), "name": "x" * 40} for n in range(50)])
    reply = api.get(f"/resource/{stops}.json", headers={"X-Socrata-RequestId": "ab12" * 8})
    assert reply.headers["X-Socrata-RequestId"] == "ab12" * 8
    assert reply.headers["Content-Encoding"] == "gzip"
    plain = api.get(f"/resource/{stops}.json", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert re.fullmatch(r"[0-9a-f]{32}", plain.headers["X-Socrata-RequestId"])
    assert plain.json() == reply.json()


def test_system_fields(api, stops):
    rows = api.rows(stops, **{"$select": ":*,*", "$order": ":id"})
    assert list(rows[0])[:4] == [":id", ":version", ":created_at", ":updated_at"]
    assert re.fullmatch(
        r"row-[2-9a-km-np-z]{4}[-._~][2-9a-km-np-z]{4}[-._~][2-9a-km-np-z]{4}", rows[0][":id"]
    )
    assert rows[0][":version"].startswith("rv-")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", rows[0][":created_at"])
    assert ":id" not in api.rows(stops)[0]
    assert ":id" in api.rows(stops, **{"$$exclude_system_fields": "false"})[0]


def test_old_back_end_counts_row_ids_as_numbers(admin, api):
    admin.create_dataset("oldd-2222", "Old", ["a"], rows=[{"a": "x"}], backend="old")
    row = api.rows("oldd-2222", **{"$select": ":*,*"})[0]
    assert isinstance(row[":id"], int)
    assert ":version" not in row


def test_time_of_the_portal_is_in_the_date_header(admin, anonymous, stops):
    from email.utils import parsedate_to_datetime

    before = parsedate_to_datetime(anonymous.get(f"/api/views/{stops}").headers["Date"])
    admin.advance(3600)
    after = parsedate_to_datetime(anonymous.get(f"/api/views/{stops}").headers["Date"])
    assert 3600 <= (after - before).total_seconds() < 3660
