"""Files of every kind, in chunks."""

from __future__ import annotations

import io
import json
import zipfile

import openpyxl
import pandas
import pytest
import shapefile
from conformance.socrata_py.steps import CSV, apply, expressions, schema_of, upload
from socrata.http import UnexpectedResponseException
from socrata.resource import ResourceFailedException

AFTER = [
    {"stop_id": "a", "name": "Alder Street", "riders": "11"},
    {"stop_id": "c", "name": "Cedar", "riders": "30"},
]
# Degrees of longitude and latitude, as a shape file says it.
DEGREES = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
BY_STOP = {"$order": "stop_id"}
POINTS = [("a", -122.5, 47.25), ("b", -122.25, 47.5)]


@pytest.fixture
def revision(view):
    return view.revisions.create_replace_revision()


@pytest.fixture
def fresh(socrata):
    """A revision of a dataset that has no columns yet."""
    return socrata.new({"name": "Fresh"})


def xlsx(**sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_csv(revision, stops, portal):
    source = revision.create_upload("stops.csv")
    assert source.attributes["source_type"] == {"type": "upload", "filename": "stops.csv"}
    assert (source.attributes["finished_at"], source.attributes["schemas"]) == (None, [])
    source = source.csv(io.BytesIO(CSV))
    schema = schema_of(source)
    assert source.attributes["content_type"] == "text/csv"
    assert source.attributes["filesize"] == len(CSV)
    assert source.attributes["finished_at"] is not None
    assert source.attributes["failed_at"] is None
    [columns] = [each.attributes["input_columns"] for each in source.input_schemas]
    assert [
        (column["field_name"], column["soql_type"], column["guessed_soql_type"]) for column in columns
    ] == [
        ("stop_id", "text", "text"),
        ("name", "text", "text"),
        ("riders", "text", "number"),
    ]
    assert expressions(schema) == {"stop_id": "`stop_id`", "name": "`name`", "riders": "to_number(`riders`)"}
    apply(revision, schema)
    assert portal.rows(stops, **BY_STOP) == AFTER


def test_many_chunks_in_parallel(revision, stops, portal):
    portal.admin.settings(preferred_chunk_size=10_000, preferred_upload_parallelism=3)
    lines = [f"s{number:05d},Stop {number},{number}" for number in range(3000)]
    data = "\n".join(["stop_id,name,riders", *lines]).encode()
    schema = upload(revision, data)
    sent = portal.requests("POST", "/chunk/")
    chunks = [seen for seen in sent if not seen["path"].endswith("/commit")]
    assert len(chunks) == -(-len(data) // 10_000)
    assert sum(seen["request_bytes"] for seen in chunks) == len(data)
    assert schema.attributes["total_rows"] == 3000
    apply(revision, schema)
    assert portal.rows(stops, **{"$select": "count(*), sum(riders)"}) == [
        {"count": "3000", "sum_riders": str(sum(range(3000)))}
    ]


@pytest.mark.parametrize("kind", ["lost_reply", "internal", "bad_gateway", "reset_before"])
def test_a_chunk_is_sent_again(revision, stops, portal, kind):
    portal.admin.settings(preferred_chunk_size=20)
    portal.admin.add_fault(kind, "POST", r"/chunk/1/20$")
    source = revision.create_upload("stops.csv").csv(CSV, backoff_seconds=0)
    apply(revision, schema_of(source))
    assert portal.rows(stops, **BY_STOP) == AFTER


def test_a_refused_chunk_is_not_sent_again(revision, portal):
    portal.admin.add_fault("error", "POST", r"/chunk/0/0$", status=400, message="No")
    with pytest.raises(UnexpectedResponseException):
        revision.create_upload("stops.csv").csv(CSV, backoff_seconds=0)
    assert len(portal.requests("POST", "/chunk/0/0")) == 1


def test_text_that_is_no_bytes_gets_wrong_offsets(revision, portal):
    """socrata-py counts a `str` in characters: beyond ASCII the offsets are wrong, and refused."""
    portal.admin.settings(preferred_chunk_size=20)
    with pytest.raises(UnexpectedResponseException) as refused:
        revision.create_upload("stops.csv").csv("stop_id,name\na,Älder\nb,Bürch\nc,Çedar\n")
    assert refused.value.status == 400
    assert refused.value.body["message"]


def test_ascii_text_bytes_and_generators(revision):
    for data in (CSV.decode(), CSV, (CSV[start : start + 7] for start in range(0, len(CSV), 7))):
        source = revision.create_upload("stops.csv").csv(data)
        assert source.attributes["filesize"] == len(CSV)
        assert schema_of(source).attributes["total_rows"] == 2


def test_an_empty_file_has_no_chunk(revision):
    """socrata-py breaks on its own side; the source waits for bytes."""
    source = revision.create_upload("empty.csv")
    with pytest.raises(IndexError):
        source.csv(b"")
    assert source.show().attributes["finished_at"] is None


def test_tsv(revision, stops, portal):
    apply(revision, upload(revision, CSV.replace(b",", b"\t"), "tsv"))
    assert portal.rows(stops, **BY_STOP) == AFTER


def test_xlsx(revision, stops, portal):
    data = xlsx(Stops=[["stop_id", "name", "riders"], ["a", "Alder Street", 11], ["c", "Cedar", 30]])
    apply(revision, upload(revision, data, "xlsx"))
    assert portal.rows(stops, **BY_STOP) == AFTER


def test_every_sheet_has_a_schema(fresh):
    data = xlsx(First=[["a"], [1]], Second=[["b", "c"], [1, 2], [3, 4]])
    source = fresh.create_upload("book.xlsx").xlsx(data)
    source.wait_for_finish(sleeptime=0)
    layers = sorted(source.input_schemas, key=lambda schema: schema.attributes["id"])
    assert [(layer.attributes["name"], layer.attributes["total_rows"]) for layer in layers] == [
        ("First", 1),
        ("Second", 2),
    ]
    shown = source.show_input_schema(layers[0].attributes["id"])
    assert [column["field_name"] for column in shown.attributes["input_columns"]] == ["a"]
    latest = shown.latest_output()
    assert latest.attributes["id"] == shown.get_latest_output_schema().attributes["id"]
    assert [row["a"]["ok"] for row in latest.wait_for_finish(sleeptime=0).rows()] == ["1"]


def test_geojson(fresh, portal):
    features = [
        {
            "type": "Feature",
            "properties": {"stop_id": name},
            "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
        }
        for name, longitude, latitude in POINTS
    ]
    data = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    apply(fresh, upload(fresh, data, "geojson"))
    check_points(portal, fresh)


def test_kml(fresh, portal):
    placemarks = "".join(
        f"<Placemark><name>{name}</name><Point><coordinates>{longitude},{latitude}</coordinates></Point></Placemark>"
        for name, longitude, latitude in POINTS
    )
    data = f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{placemarks}</Document></kml>'.encode()
    apply(fresh, upload(fresh, data, "kml"))
    check_points(portal, fresh)


def test_shapefile(fresh, portal):
    parts = {"shp": io.BytesIO(), "shx": io.BytesIO(), "dbf": io.BytesIO()}
    with shapefile.Writer(**parts, shapeType=shapefile.POINT) as writer:
        writer.field("stop_id", "C", size=10)
        for name, longitude, latitude in POINTS:
            writer.point(longitude, latitude)
            writer.record(name)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for ending, part in parts.items():
            zipped.writestr(f"stops.{ending}", part.getvalue())
        zipped.writestr("stops.prj", DEGREES)
    source = fresh.create_upload("stops.zip").shapefile(archive.getvalue())
    apply(fresh, schema_of(source))
    check_points(portal, fresh)


def check_points(portal, revision):
    columns = portal.view(revision.view_id())["columns"]
    [shape] = [column["fieldName"] for column in columns if column["dataTypeName"] == "point"]
    found = [row[shape]["coordinates"] for row in portal.rows(revision.view_id(), **{"$order": ":id"})]
    assert found == [[longitude, latitude] for _, longitude, latitude in POINTS]


def test_data_frame(socrata, portal):
    frame = pandas.DataFrame({
        "stop_id": ["a", "b"],
        "riders": [1, 2],
        "share": [0.5, None],
        "open": [True, False],
    })
    revision, schema = socrata.create(name="Frame").df(frame)
    assert revision.list_sources()[0].attributes["source_type"]["filename"] == "Dataframe"
    apply(revision, schema)
    assert portal.rows(revision.view_id(), **BY_STOP) == [
        {"stop_id": "a", "riders": "1", "share": "0.5", "open": True},
        {"stop_id": "b", "riders": "2", "open": False},
    ]


def test_blob(socrata, portal):
    revision = socrata.new({"name": "A picture"})
    source = revision.create_upload("picture.png")
    assert source.attributes["parse_options"]["parse_source"] is True
    blob = source.blob(io.BytesIO(b"\x89PNG not parsed"))
    blob.wait_for_finish(sleeptime=0)
    # A change of parse options makes a source of its own.
    assert blob.attributes["id"] != source.attributes["id"]
    assert blob.attributes["parse_options"]["parse_source"] is False
    assert blob.attributes["schemas"] == []
    assert revision.show().attributes["blob_id"] == blob.attributes["id"]
    apply(revision)
    view = portal.view(revision.view_id())
    assert (view["viewType"], view["blobFilename"]) == ("blobby", "picture.png")


def test_blob_said_at_the_start(socrata):
    revision = socrata.new({"name": "A picture"})
    source = revision.source_as_blob("picture.png")
    blob = source.blob(b"\x89PNG not parsed")
    assert blob.attributes["id"] == source.attributes["id"]
    assert revision.show().attributes["blob_id"] == source.attributes["id"]


def test_parse_options(revision):
    data = b"Printed on Monday\nstop_id;name;riders\na;'Alder; Street';11\n"
    source = (
        revision
        .create_upload("stops.csv")
        .change_parse_option("header_count")
        .to(2)
        .change_parse_option("column_header")
        .to(2)
        .change_parse_option("column_separator")
        .to(";")
        .change_parse_option("quote_char")
        .to("'")
        .run()
        .csv(data)
    )
    schema = schema_of(source)
    assert [row["name"] for row in schema.rows()] == [{"ok": "Alder; Street"}]


def test_other_parse_options_after_the_upload(revision, stops, portal):
    source = revision.create_upload("stops.csv").csv(
        b"a banner\nstop_id,name,riders\na,Alder Street,11\nc,Cedar,30\n"
    )
    source.wait_for_finish(sleeptime=0)
    again = source.change_parse_option("header_count").to(2).change_parse_option("column_header").to(2).run()
    assert again.attributes["id"] != source.attributes["id"]
    apply(revision, schema_of(again))
    assert portal.rows(stops, **BY_STOP) == AFTER


def test_schemas_take_a_while(revision, portal):
    portal.admin.settings(parse_looks=3, transform_looks=2)
    seen = []
    source = revision.create_upload("stops.csv").csv(CSV)
    assert source.attributes["finished_at"] is None
    source.wait_for_finish(progress=lambda each: seen.append(each.attributes["finished_at"]), sleeptime=0)
    assert seen[0] is None
    assert seen[-1] is not None
    schema = source.get_latest_input_schema().get_latest_output_schema()
    looks = []
    schema.wait_for_finish(progress=lambda each: looks.append(each.attributes["completed_at"]), sleeptime=0)
    assert looks[0] is None
    assert looks[-1] is not None


def test_columns_are_known_before_rows_are_counted(revision, portal):
    portal.admin.settings(total_rows_null_looks=2)
    source = revision.create_upload("stops.csv").csv(CSV)
    source.wait_for_schema(sleeptime=0)
    [early] = source.input_schemas
    assert [column["field_name"] for column in early.attributes["input_columns"]] == [
        "stop_id",
        "name",
        "riders",
    ]
    assert (early.attributes["total_rows"], source.attributes["finished_at"]) == (None, None)
    source.wait_for_finish(sleeptime=0)
    assert source.input_schemas[0].attributes["total_rows"] == 2


@pytest.mark.parametrize("data", [b"this is no workbook", CSV])
def test_a_file_that_is_not_what_it_says(revision, data):
    source = revision.create_upload("stops.xlsx").xlsx(data)
    assert source.attributes["failed_at"] is not None
    assert source.attributes["failure_details"]["key"] == "unparsable_file"
    assert source.attributes["failure_details"]["message"]


def test_a_parse_failure_raises(revision, portal):
    portal.admin.settings(parse_looks=3)
    source = revision.create_upload("stops.xlsx").xlsx(b"this is no workbook")
    with pytest.raises(ResourceFailedException, match="unparsable_file"):
        source.wait_for_finish(sleeptime=0)


def test_a_source_without_a_revision(socrata, revision, stops, portal):
    source = socrata.sources.create_upload("stops.csv").csv(CSV)
    assert revision.list_sources() == []
    added = source.add_to_revision(revision)
    assert [each.attributes["id"] for each in revision.list_sources()] == [source.attributes["id"]]
    apply(revision, schema_of(added))
    assert portal.rows(stops, **BY_STOP) == AFTER


def test_look_up_a_source(socrata, revision):
    upload(revision)
    [listed] = revision.list_sources()
    found = socrata.sources.lookup(listed.attributes["id"])
    assert found.attributes == listed.attributes
    assert sorted(found.list_operations()) == sorted([
        "show",
        "bytes",
        "initiate",
        "chunk",
        "commit",
        "load",
        "update",
        "add_to_revision",
        "show_input_schema",
    ])
    with pytest.raises(UnexpectedResponseException) as missing:
        socrata.sources.lookup(999_999)
    assert missing.value.status == 404
