"""Types in and out, by JSON and by CSV."""

from __future__ import annotations

import random

import pytest

from airflow_socrata.emulator.ids import ROW_ID, VIEW_ID, RowIds, new_view_id
from airflow_socrata.emulator.types import (
    BadValue,
    canonical_type,
    csv_writer,
    from_csv,
    from_json,
    json_writer,
)

POINT = {"type": "Point", "coordinates": [-30.04045, 48.606567]}
LINE = {"type": "LineString", "coordinates": [[40, 40], [20, 45.123456789012]]}
MULTILINE = {"type": "MultiLineString", "coordinates": [[[100, 0.5], [101, 1]], [[102, 2], [103, 3]]]}
POLYGON = {"type": "Polygon", "coordinates": [[[100.0, 0.0], [101.0, 0.0], [101.0, 1.0], [100.0, 0.0]]]}
MULTIPOLYGON = {"type": "MultiPolygon", "coordinates": [[[[40, 40], [20, 45], [45, 30], [40, 40]]]]}
MULTIPOINT = {"type": "MultiPoint", "coordinates": [[40, 40], [20, 45.5]]}


def shown(kind, stored):
    write = json_writer(kind)
    return stored if write is None or stored is None else write(stored)


@pytest.mark.parametrize(
    ("kind", "given", "out"),
    [
        ("text", "this is text", "this is text"),
        ("text", "", ""),
        ("text", 12, "12"),
        ("number", "12345", "12345"),
        ("number", 12345, "12345"),
        ("number", "1000010100.00000000", "1000010100.00000000"),
        ("number", "5.302E-7", "0.0000005302"),
        ("number", "5.302E-21", "5.302E-21"),
        ("number", "1e3", "1000"),
        ("number", "+007", "7"),
        ("number", -0.25, "-0.25"),
        ("money", "1.50", "1.50"),
        ("double", 123.456789, 123.456789),
        ("double", "Infinity", "Infinity"),
        ("double", "NaN", "NaN"),
        ("double", "1.5", 1.5),
        ("checkbox", True, True),
        ("checkbox", False, False),
        ("calendar_date", "2014-03-26T22:38:01", "2014-03-26T22:38:01.000"),
        ("calendar_date", "2014-03-26T22:38:01.5", "2014-03-26T22:38:01.500"),
        ("calendar_date", "2014-03-26", "2014-03-26T00:00:00.000"),
        ("calendar_date", "03/26/2014 10:38:01 PM", "2014-03-26T22:38:01.000"),
        ("calendar_date", "12/31/2014 12:00:00 AM", "2014-12-31T00:00:00.000"),
        ("calendar_date", "2024-02-29", "2024-02-29T00:00:00.000"),
        ("date", "2013-06-03T02:26:05.123Z", "2013-06-03T02:26:05.123Z"),
        ("date", "2013-06-03T02:26:05.123-0700", "2013-06-03T09:26:05.123Z"),
        ("date", "2013-06-03T02:26:05+01:00", "2013-06-03T01:26:05.000Z"),
        ("date", "2013-06-03T02:26:05", "2013-06-03T02:26:05.000Z"),
        ("datestamp", "2013-06-03", "2013-06-03"),
        ("time", "02:26:05.123", "02:26:05.123"),
        ("time", "02:26:05", "02:26:05.000"),
        ("point", POINT, POINT),
        ("point", "POINT (-30.04045 48.606567)", POINT),
        ("point", "SRID=4326;POINT(-30.04045 48.606567)", POINT),
        ("line", LINE, LINE),
        ("multiline", MULTILINE, MULTILINE),
        ("polygon", POLYGON, POLYGON),
        ("polygon", "POLYGON ((100 0, 101 0, 101 1, 100 0))", POLYGON),
        ("multipolygon", MULTIPOLYGON, MULTIPOLYGON),
        ("multipoint", "MULTIPOINT ((40 40), (20 45.5))", MULTIPOINT),
        ("multipoint", "MULTIPOINT (40 40, 20 45.5)", MULTIPOINT),
        ("json", {"json": [1, {"a": None}]}, {"json": [1, {"a": None}]}),
        (
            "url",
            {"url": "https://x.example", "description": "X"},
            {"url": "https://x.example", "description": "X"},
        ),
        ("location", {"latitude": 47.5, "longitude": "-122.3"}, {"latitude": "47.5", "longitude": "-122.3"}),
        ("location", {"human_address": {"city": "B"}}, {"human_address": '{"city":"B"}'}),
        (
            "phone",
            {"phone_number": "555", "phone_type": "Work"},
            {"phone_number": "555", "phone_type": "Work"},
        ),
    ],
)
def test_json_in_json_out(kind, given, out):
    assert shown(kind, from_json(kind, [given])[0]) == out
    assert from_json(kind, [None]) == [None]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("text", {}),
        ("text", True),
        ("text", ["a"]),
        ("number", ""),
        ("number", " 1"),
        ("number", "$1"),
        ("number", "1,000"),
        ("number", "5%"),
        ("number", True),
        ("number", "NaN"),
        ("number", {}),
        ("double", "fast"),
        ("double", True),
        ("checkbox", "true"),
        ("checkbox", 1),
        ("calendar_date", "2014-03-26T22:38:01Z"),
        ("calendar_date", "2014-03-26T22:38:01+02:00"),
        ("calendar_date", "2014-02-30"),
        ("calendar_date", "soon"),
        ("calendar_date", 7),
        ("date", "soon"),
        ("datestamp", "2013-06-31"),
        ("time", "@0z2:2!6:0$5.123"),
        ("time", "25:00:00"),
        ("point", LINE),
        ("point", "blah (lbah lbah)"),
        ("point", "POINT (1)"),
        ("point", {"type": "Point"}),
        ("point", {"type": "Point", "coordinates": ["a", "b"]}),
        ("line", "POINT (1 2)"),
        ("json", "bare"),
        ("json", {"other": 1}),
    ],
)
def test_json_refused(kind, given):
    with pytest.raises(BadValue) as refused:
        from_json(kind, [None, given])
    assert (refused.value.index, refused.value.value) == (1, given)


@pytest.mark.parametrize("kind", ["location", "url", "phone", "document"])
def test_what_cannot_be_read_becomes_null_silently(kind):
    assert from_json(kind, [7, {}, []]) == [None, None, None]


@pytest.mark.parametrize(
    ("kind", "cell", "out"),
    [
        ("text", "x", "x"),
        ("number", "1.50", "1.50"),
        ("number", "007", "7"),
        ("number", "1e2", "100"),
        ("checkbox", "true", True),
        ("checkbox", "TRUE", True),
        ("checkbox", "false", False),
        ("calendar_date", "2024-12-31T10:00:00.000", "2024-12-31T10:00:00.000"),
        ("calendar_date", "2024-12-31", "2024-12-31T00:00:00.000"),
        ("calendar_date", "12/31/2024", "2024-12-31T00:00:00.000"),
        ("date", "2024-12-31T10:00:00.000Z", "2024-12-31T10:00:00.000Z"),
        ("point", "POINT (-30.04045 48.606567)", POINT),
        ("location", "(47.59815, -122.334540)", {"latitude": "47.59815", "longitude": "-122.334540"}),
        ("url", "Home (https://x.example)", {"url": "https://x.example", "description": "Home"}),
        ("url", "https://x.example", {"url": "https://x.example"}),
        ("json", '{"a": 1}', {"json": {"a": 1}}),
        ("double", "1.25", 1.25),
    ],
)
def test_csv_in(kind, cell, out):
    stored = from_csv(kind, ["", cell, ""])
    assert stored[0] is None
    assert stored[2] is None
    assert shown(kind, stored[1]) == out


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("number", "many"),
        ("number", "1\n2"),
        ("number", "1_000"),
        ("number", "\u0661"),
        ("checkbox", "maybe"),
        ("calendar_date", "2024-02-30T00:00:00.000"),
        ("calendar_date", "2024-04-31T00:00:00.000"),
        ("calendar_date", "2024-01-01T24:00:00.000"),
        ("calendar_date", "2024-01-01T00:00:00Z"),
        ("point", "47,8"),
        ("json", "{"),
        ("double", "x"),
    ],
)
def test_csv_refused(kind, cell):
    with pytest.raises(BadValue) as refused:
        from_csv(kind, ["", cell])
    assert (refused.value.index, refused.value.value) == (1, cell)


@pytest.mark.parametrize(
    ("kind", "given", "cell"),
    [
        ("checkbox", True, "true"),
        ("point", {"type": "Point", "coordinates": [-122.5, 47]}, "POINT (-122.5 47)"),
        ("polygon", POLYGON, "POLYGON ((100 0, 101 0, 101 1, 100 0))"),
        ("url", {"url": "https://x.example", "description": "X"}, "X (https://x.example)"),
        ("location", {"latitude": "1.5", "longitude": "2.5"}, "(1.5, 2.5)"),
    ],
)
def test_csv_out_reads_back(kind, given, cell):
    stored = from_json(kind, [given])[0]
    assert csv_writer(kind)(stored) == cell
    assert shown(kind, from_csv(kind, [cell])[0]) == shown(kind, stored)


def test_type_names():
    assert canonical_type("floating_timestamp") == "calendar_date"
    assert canonical_type("boolean") == "checkbox"
    assert canonical_type("nonsense") is None


def test_ids_have_the_portals_form():
    rng = random.Random(1)
    for _ in range(100):
        made = new_view_id(rng)
        assert VIEW_ID.match(made)
        assert not set("01lo") & set(made)


def test_row_ids_go_both_ways_and_differ_between_datasets():
    one, other = RowIds(1), RowIds(2**63 + 7)
    for counter in [0, 1, 2, 1000, 2**40]:
        text = one.text(counter)
        assert ROW_ID.match(text)
        assert one.counter(text) == counter
        assert other.text(counter) != text
    assert len(set(one.texts(range(2000)))) == 2000
    assert one.counter("row-nonsense") is None


def test_values_survive_the_wire(admin, api):
    columns = [
        ["k", "text"],
        ["p", "point"],
        ["c", "checkbox"],
        ["at", "calendar_date"],
        ["fixed", "date"],
        ["j", "json"],
    ]
    row = {
        "k": 'ü \u2028 "quoted"',
        "p": POINT,
        "c": False,
        "at": "2024-01-01T00:00:00.000",
        "fixed": "2024-01-01T00:00:00.000Z",
        "j": {"json": {"deep": [1]}},
    }
    admin.create_dataset("type-2222", "T", columns, "k", [row])
    assert api.rows("type-2222") == [row]
    assert admin.rows("type-2222") == [row]
    reply = api.get("/resource/type-2222.json")
    assert reply.headers["X-SODA2-Types"] == (
        '["text", "point", "boolean", "floating_timestamp", "fixed_timestamp", "json"]'
    )
    features = api.get("/resource/type-2222.geojson").json()["features"]
    assert features[0]["geometry"] == POINT
    assert features[0]["properties"]["k"] == row["k"]
