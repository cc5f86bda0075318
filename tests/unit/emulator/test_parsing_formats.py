"""Files that are not CSV: Excel, GeoJSON, JSON, KML, KMZ and shape files."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
import shapefile
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_socrata.emulator.dsmapi.parsing import UnparsableFile
from airflow_socrata.emulator.dsmapi.parsing.formats import format_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.dsmapi.parsing import Layer, ParsedFile

    Parsed = Callable[..., ParsedFile]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WGS84 = 'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]]]'
UTM = 'PROJCS["NAD_1983_UTM_Zone_18N",GEOGCS["GCS_North_American_1983"]]'
POINT = {"type": "Point", "coordinates": [-122.3, 47.6]}
SQUARE = [[[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]]


def types(layer: Layer) -> list[tuple[str, str]]:
    return [(column.field_name, column.guessed_type) for column in layer.columns]


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


@pytest.fixture
def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Roads"
    sheet.append(["Id", "Name", "Opened", "Open", "Length"])
    sheet.append([1, "Main", datetime(2024, 5, 1, 10, 30), True, 2.5])
    sheet.append([2, None, date(2024, 5, 2), False, 3])
    sheet.append([None, None, None, None, None])
    other = book.create_sheet("Other")
    other.append(["x", None, "z"])
    other.append(["1", "2"])
    book.create_sheet("Empty")
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def test_each_sheet_with_rows_is_a_layer(parsed: Parsed, workbook: bytes) -> None:
    found = parsed(workbook, "x.xlsx", XLSX)
    assert [layer.name for layer in found.layers] == ["Roads", "Other"]
    roads, other = found.layers
    assert types(roads) == [
        ("id", "number"),
        ("name", "text"),
        ("opened", "calendar_date"),
        ("open", "checkbox"),
        ("length", "number"),
    ]
    assert list(roads.rows()) == [
        ("1", "Main", "2024-05-01T10:30:00.000", "true", "2.5"),
        ("2", None, "2024-05-02T00:00:00.000", "false", "3"),
    ]
    assert [column.field_name for column in other.columns] == ["x", "column_2", "z"]
    assert list(other.rows()) == [("1", "2", None)]
    assert (found.encoding, roads.total_rows, roads.row_errors) == (None, 2, ())


def test_an_old_excel_file_is_read_the_same(parsed: Parsed) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Roads")
    day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for column, name in enumerate(["Id", "Name", "Opened", "Open"]):
        sheet.write(0, column, name)
    sheet.write(1, 0, 1)
    sheet.write(1, 1, "Main")
    sheet.write(1, 2, datetime(2024, 5, 1), day)
    sheet.write(1, 3, True)
    made = io.BytesIO()
    book.save(made)
    (layer,) = parsed(made.getvalue(), "x.xls", "application/vnd.ms-excel").layers
    assert types(layer) == [
        ("id", "number"),
        ("name", "text"),
        ("opened", "calendar_date"),
        ("open", "checkbox"),
    ]
    assert list(layer.rows()) == [("1", "Main", "2024-05-01T00:00:00.000", "true")]


def test_a_workbook_without_rows_is_refused(parsed: Parsed) -> None:
    made = io.BytesIO()
    openpyxl.Workbook().save(made)
    with pytest.raises(UnparsableFile, match="No sheet"):
        parsed(made.getvalue(), "x.xlsx", XLSX)


def collection(*features: tuple[Any, dict[str, Any]]) -> str:
    made = [{"type": "Feature", "geometry": shape, "properties": values} for shape, values in features]
    return json.dumps({"type": "FeatureCollection", "features": made})


def test_geojson_has_its_geometry_first(parsed: Parsed) -> None:
    text = collection((POINT, {"Name": "a", "n": 1, "tags": ["x"]}), (None, {"Name": " ", "Open": True}))
    for name, kind in (("x.geojson", None), ("x.json", "application/vnd.geo+json"), ("x.json", None)):
        (layer,) = parsed(text, name, kind).layers
        assert types(layer) == [
            ("point", "point"),
            ("name", "text"),
            ("n", "number"),
            ("tags", "text"),
            ("open", "checkbox"),
        ]
        assert [column.soql_type for column in layer.columns] == ["point", "text", "text", "text", "text"]
        assert list(layer.rows()) == [(POINT, "a", "1", '["x"]', None), (None, None, None, None, "true")]


def test_polygons_beside_multipolygons_become_multipolygons(parsed: Parsed) -> None:
    polygon = {"type": "Polygon", "coordinates": SQUARE}
    several = {"type": "MultiPolygon", "coordinates": [SQUARE]}
    (layer,) = parsed(collection((polygon, {}), (several, {})), "x.geojson").layers
    assert [row[0] for row in layer.rows()] == [several, several]
    (layer,) = parsed(collection((polygon, {})), "x.geojson").layers
    assert types(layer) == [("polygon", "polygon")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ('{"a": NaN}', "not JSON"),
        ("[]", "no GeoJSON collection"),
        ('{"type": "Point", "coordinates": [1, 2]}', "no GeoJSON collection"),
        ('{"type": "FeatureCollection"}', "no array of features"),
        ('{"type": "FeatureCollection", "features": [1]}', "Feature 0"),
        ('{"type": "FeatureCollection", "features": []}', "no rows"),
        (
            '{"type": "FeatureCollection", "features": [], "crs": {"properties": {"name": "EPSG:3857"}}}',
            "WGS84",
        ),
        (collection((POINT, {}), ({"type": "Polygon", "coordinates": SQUARE}, {})), "several kinds"),
        (collection(({"type": "GeometryCollection", "geometries": []}, {})), "GeometryCollection"),
        (collection(({"type": "Point", "coordinates": ["x"]}, {})), "Geometry 1"),
    ],
)
def test_what_is_no_geojson_is_refused(parsed: Parsed, text: str, says: str) -> None:
    with pytest.raises(UnparsableFile, match=says):
        parsed(text, "x.geojson", "application/vnd.geo+json")


def test_json_is_an_array_of_objects(parsed: Parsed) -> None:
    (layer,) = parsed('[{"a": 1, "b": "x"}, {"b": null, "c": false}]', "x.json", "application/json").layers
    assert types(layer) == [("a", "number"), ("b", "text"), ("c", "checkbox")]
    assert list(layer.rows()) == [("1", "x", None), (None, None, "false")]
    for text, says in (("[1]", "Element 0"), ("{}", "no array"), ("[]", "no rows"), ("\xff", "not JSON")):
        with pytest.raises(UnparsableFile, match=says):
            parsed(text.encode("latin-1"), "x.json")


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>All</name>
 <Folder><name>Stops</name>
  <Placemark><name>A</name>
   <ExtendedData><Data name="Lines"><value>7</value></Data>
    <SchemaData><SimpleData name="Zone">x</SimpleData></SchemaData></ExtendedData>
   <Point><coordinates>-122.3,47.6,0</coordinates></Point></Placemark>
  <Placemark><name>B</name></Placemark>
 </Folder>
 <Folder><name>Areas</name>
  <Placemark><description>park</description><Polygon>
   <outerBoundaryIs><LinearRing><coordinates>0,0 0,9 9,9 9,0 0,0</coordinates></LinearRing></outerBoundaryIs>
   <innerBoundaryIs><LinearRing><coordinates>1,1 1,2 2,2 1,1</coordinates></LinearRing></innerBoundaryIs>
  </Polygon></Placemark>
  <Placemark><MultiGeometry><Polygon><outerBoundaryIs><LinearRing>
   <coordinates>0,0 0,1 1,1 0,0</coordinates></LinearRing></outerBoundaryIs></Polygon></MultiGeometry>
  </Placemark>
 </Folder></Document></kml>"""


def test_each_folder_of_a_kml_file_is_a_layer(parsed: Parsed) -> None:
    stops, areas = parsed(KML, "x.kml", "application/vnd.google-earth.kml+xml").layers
    assert (stops.name, areas.name) == ("Stops", "Areas")
    assert types(stops) == [("point", "point"), ("name", "text"), ("lines", "number"), ("zone", "text")]
    assert list(stops.rows()) == [(POINT, "A", "7", "x"), (None, "B", None, None)]
    assert types(areas) == [("multipolygon", "multipolygon"), ("description", "text")]
    assert [len(row[0]["coordinates"][0]) for row in areas.rows()] == [2, 1]


def test_a_kmz_file_is_an_archive_of_kml(parsed: Parsed) -> None:
    found = parsed(zipped(**{"doc.kml": KML.encode()}), "x.kmz", "application/vnd.google-earth.kmz")
    assert [layer.name for layer in found.layers] == ["Stops", "Areas"]
    with pytest.raises(UnparsableFile, match="no KML file"):
        parsed(zipped(x=b"y"), "x.kmz")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<kml", "not XML"),
        ("<html/>", "no KML"),
        ("<kml/>", "no placemarks"),
        ('<!DOCTYPE kml [<!ENTITY a "aaaa">]><kml><Placemark><name>&a;</name></Placemark></kml>', "not read"),
        ("<kml><Placemark><Point><coordinates>x,y</coordinates></Point></Placemark></kml>", "no coordinates"),
        (
            "<kml><Placemark><MultiGeometry><Point><coordinates>1,2</coordinates></Point>"
            "<LineString><coordinates>1,2 3,4</coordinates></LineString></MultiGeometry></Placemark></kml>",
            "all of one kind",
        ),
    ],
)
def test_what_is_no_kml_is_refused(parsed: Parsed, text: str, says: str) -> None:
    with pytest.raises(UnparsableFile, match=says):
        parsed(text, "x.kml")


def shapes(projection: str = WGS84, encoding: str = "utf-8", **more: bytes) -> dict[str, bytes]:
    parts = {"shp": io.BytesIO(), "shx": io.BytesIO(), "dbf": io.BytesIO()}
    with shapefile.Writer(**parts, shapeType=shapefile.POLYGON, encoding=encoding) as writer:
        writer.field("NAME", "C", 20)
        writer.field("AREA", "N", 10, 2)
        writer.field("SINCE", "D")
        writer.poly(SQUARE)
        writer.record("Süd", 1.5, date(2024, 5, 1))
        writer.null()
        writer.record("Nowhere", None, None)
    return {f"parks.{ending}": part.getvalue() for ending, part in parts.items()} | {
        "parks.prj": projection.encode(),
        **more,
    }


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
def test_a_shape_file_has_multipolygons_and_its_table(parsed: Parsed, encoding: str) -> None:
    (layer,) = parsed(zipped(**shapes(encoding=encoding)), "parks.zip", "application/zip").layers
    assert layer.name == "parks"
    assert types(layer) == [
        ("the_geom", "multipolygon"),
        ("name", "text"),
        ("area", "number"),
        ("since", "calendar_date"),
    ]
    first, second = layer.rows()
    assert first[0]["type"] == "MultiPolygon"
    assert len(first[0]["coordinates"][0][0]) == 5
    assert first[1:] == ("Süd", "1.5", "2024-05-01T00:00:00.000")
    assert second == (None, "Nowhere", None, None)


def test_each_shape_file_of_an_archive_is_a_layer(parsed: Parsed) -> None:
    one = shapes()
    other = {f"deep/{name.replace('parks', 'lakes')}": data for name, data in one.items()}
    found = parsed(zipped(**one, **other, **{"__MACOSX/x.shp": b""}), "x.zip")
    assert [layer.name for layer in found.layers] == ["parks", "lakes"]


@pytest.mark.filterwarnings("ignore:Declared file size")
def test_shape_files_that_cannot_be_read_say_why(parsed: Parsed) -> None:
    whole = shapes()
    for files, says in (
        ({"readme.txt": b"x"}, "no shape file"),
        ({name: data for name, data in whole.items() if name != "parks.prj"}, r"parks lacks its \.prj"),
        (shapes(UTM), "WGS84 only; parks is in 'NAD_1983_UTM_Zone_18N'"),
        (whole | {"parks.shp": b"nonsense" * 20}, "damaged"),
    ):
        with pytest.raises(UnparsableFile, match=says):
            parsed(zipped(**files), "x.zip", "application/zip")


@pytest.mark.parametrize(
    ("name", "content_type", "expected"),
    [
        ("x.csv", "text/csv; charset=utf-8", "csv"),
        ("x.dat", "text/csv", "csv"),
        ("X.TSV", None, "tsv"),
        ("x.xlsx", "application/octet-stream", "xlsx"),
        ("x.xlsx", "application/zip", "xlsx"),
        ("x.kmz", "application/zip", "kmz"),
        ("x.geojson", "application/json", "geojson"),
        ("x.csv", "application/vnd.ms-excel", "xls"),
    ],
)
def test_the_content_type_counts_and_the_extension_guides(
    name: str, content_type: str | None, expected: str
) -> None:
    assert format_of(name, content_type) == expected


def test_a_file_of_no_known_format_is_refused(parsed: Parsed) -> None:
    with pytest.raises(UnparsableFile, match=r"'x\.pdf' with content type 'application/pdf'"):
        parsed(b"%PDF-", "x.pdf", "application/pdf")


KINDS = ["x.csv", "x.tsv", "x.xls", "x.xlsx", "x.geojson", "x.json", "x.kml", "x.kmz", "x.zip"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"PK\x03\x04" + b"x" * 99, b"\xd0\xcf\x11\xe0" * 200])
def test_bytes_that_are_not_what_the_name_says(parsed: Parsed, name: str, data: bytes) -> None:
    if name in {"x.csv", "x.tsv"} and data.startswith(b"a"):
        assert parsed(data, name).layers[0].total_rows == 1
        return
    with pytest.raises(UnparsableFile):
        parsed(data, name)


@pytest.mark.filterwarnings("ignore:Declared file size")
@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_refused_and_nothing_else(
    parsed: Parsed, workbook: bytes, name: str, data: st.DataObject
) -> None:
    whole = {
        "x.xlsx": workbook,
        "x.zip": zipped(**shapes()),
        "x.kmz": zipped(**{"doc.kml": KML.encode()}),
        "x.kml": KML.encode(),
        "x.geojson": collection((POINT, {"a": 1})).encode(),
    }.get(name, b'a,b\n"1",2\n')
    start = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 40))
    damaged = whole[:start] + data.draw(st.binary(max_size=40)) + whole[start + length :]
    try:
        found = parsed(damaged, name)
    except UnparsableFile as caught:
        found, error = None, caught
    if found is None:
        assert "\n" not in error.message
    else:
        assert all(sum(1 for _ in layer.rows()) == layer.total_rows for layer in found.layers)
