"""What socrata-py's own integration tests have seen live portals do: the emulator does the same."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
import shapefile
from conformance.socrata_py.steps import apply, expressions, schema_of, upload

SIMPLE = b"A, B, C\n1, b, 2\n2, b, 2\n3, b, 2\n4, b, 2"


@pytest.fixture
def revision(socrata):
    return socrata.new({"name": "Simple", "metadata": {"anything": "is allowed here"}})


def column(name, expression, **more):
    return {
        "field_name": name,
        "display_name": name,
        "position": 0,
        "description": "",
        "transform": {"transform_expr": expression},
    } | more


def input_schema(revision):
    source = revision.create_upload("simple.csv").csv(SIMPLE)
    return source.get_latest_input_schema()


def test_headers_are_trimmed_and_in_lower_case(revision):
    schema = input_schema(revision)
    assert [each["field_name"] for each in schema.attributes["input_columns"]] == ["a", "b", "c"]
    assert schema.attributes["total_rows"] == 4
    assert expressions(schema.get_latest_output_schema()) == {
        "a": "to_number(`a`)",
        "b": "`b`",
        "c": "to_number(`c`)",
    }


@pytest.mark.parametrize("text", ["a,b,c\n   1,2,3\n   4,5,6\n   ", "\n   a,b,c\n   1,2,3\n   4,5,6\n   "])
def test_indented_text(revision, text):
    schema = schema_of(revision.create_upload("foo.csv").csv(text))
    assert list(expressions(schema)) == ["a", "b", "c"]
    assert [(row["a"]["ok"], row["c"]["ok"]) for row in schema.rows()] == [("1", "3"), ("4", "6")]


def test_metadata_takes_anything(revision):
    assert revision.attributes["metadata"]["metadata"]["anything"] == "is allowed here"


def test_what_was_created_is_what_is_looked_up(socrata, revision):
    view = socrata.views.lookup(revision.view_id())
    made = view.revisions.create_update_revision()
    assert view.revisions.lookup(1).attributes == made.attributes


def test_names_without_ticks_and_positions_from_zero(revision):
    """`to_number(b)`, and a first position of 0."""
    made = input_schema(revision).transform({"output_columns": [column("b", "to_number(b)")]})
    made.wait_for_finish(sleeptime=0)
    errors = made.schema_errors()
    assert len(errors) == 4
    assert all("error" in row["b"] for row in errors)
    lines = [line.decode() for line in made.schema_errors_csv().iter_lines()]
    assert "Unable to convert" in "\n".join(lines)
    assert made.any_errors()


def test_rows_of_an_output_schema(revision):
    made = input_schema(revision).transform({"output_columns": [column("b", "`b` || 'foo'")]})
    made.wait_for_finish(sleeptime=0)
    assert made.rows() == [{"b": {"ok": "bfoo"}}] * 4
    assert made.rows(offset=2, limit=1) == [{"b": {"ok": "bfoo"}}]


def test_sums_of_numbers_have_no_point(revision):
    schema = input_schema(revision).get_latest_output_schema()
    doubled = schema.add_column("a_a", "A+A", "to_number(`a`) + to_number(`a`)").run()
    rows = doubled.wait_for_finish(sleeptime=0).rows()
    assert [row["a_a"] for row in rows] == [{"ok": "2"}, {"ok": "4"}, {"ok": "6"}, {"ok": "8"}]


def test_a_column_dropped_and_added_again(revision):
    schema = input_schema(revision).get_latest_output_schema()
    changed = (
        schema
        .drop_column("c")
        .drop_column("b")
        .drop_column("a")
        .add_column("a", "AA+AA", "to_number(`a`) + to_number(`a`)", "a plus a")
        .change_column_metadata("a", "display_name")
        .to("COLUMN AA!")
        .run()
    )
    [only] = changed.attributes["output_columns"]
    assert (only["field_name"], only["description"], only["display_name"]) == ("a", "a plus a", "COLUMN AA!")


def test_a_row_identifier_of_a_new_output_schema(revision):
    made = input_schema(revision).transform({"output_columns": [column("a", "`a`")]})
    assert made.validate_row_id("a") is True
    assert made.validate_row_id("nope") is False
    assert made.set_row_id("a").attributes["output_columns"][0]["is_primary_key"] is True


def test_sorts_go_along_with_their_columns(revision):
    schema = input_schema(revision).get_latest_output_schema()
    ordered = schema.set_sort_by().on("b").on("a", ascending=False).end_sort().run()
    by_b = {"field_name": "b", "ascending": True}
    by_a = {"field_name": "a", "ascending": False}
    assert ordered.attributes["sort_bys"] == [by_b, by_a]
    described = ordered.change_column_metadata("b", "description").to("B").drop_column("c").run()
    assert described.attributes["sort_bys"] == [by_b, by_a]
    renamed = ordered.change_column_metadata("a", "field_name").to("aa").run()
    assert renamed.attributes["sort_bys"] == [by_b, by_a | {"field_name": "aa"}]
    assert ordered.set_sort_by().end_sort().run().attributes["sort_bys"] == []


def test_a_view_of_numbers_is_calculated_with(socrata, revision, portal):
    """`a + 5` over a dataset's own column, which is a number already."""
    apply(revision, input_schema(revision).get_latest_output_schema())
    following = socrata.views.lookup(revision.view_id()).revisions.create_replace_revision()
    schema = following.source_from_dataset().get_latest_input_schema().get_latest_output_schema()
    changed = schema.add_column("d", "D", "a + 5").drop_column("b").drop_column("c").run()
    apply(following, changed)
    found = portal.call("GET", f"/id/{revision.view_id()}").json()
    assert found == [
        {"a": "1", "d": "6"},
        {"a": "2", "d": "7"},
        {"a": "3", "d": "8"},
        {"a": "4", "d": "9"},
    ]


def test_columns_of_a_view_get_other_names(socrata, revision):
    apply(revision, input_schema(revision).get_latest_output_schema())
    following = socrata.views.lookup(revision.view_id()).revisions.create_replace_revision()
    schema = following.source_from_dataset().get_latest_input_schema().get_latest_output_schema()
    changed = (
        schema
        .change_column_metadata("a", "description")
        .to("meh")
        .change_column_metadata("b", "display_name")
        .to("bbbb")
        .change_column_metadata("c", "field_name")
        .to("ccc")
        .run()
    )
    a, b, c = changed.attributes["output_columns"]
    assert (a["description"], b["display_name"], c["field_name"]) == ("meh", "bbbb", "ccc")


@pytest.mark.parametrize("kind", ["replace", "update", "delete"])
@pytest.mark.parametrize("permission", ["public", "private"])
def test_a_permission_is_kept(socrata, revision, kind, permission):
    apply(revision, upload(revision, SIMPLE).set_row_id("a").wait_for_finish(sleeptime=0))
    view = socrata.views.lookup(revision.view_id())
    first = view.revisions.create_replace_revision(permission=permission)
    apply(first, upload(first, SIMPLE))
    assert view.show().attributes["permissions"]["scope"] == permission
    following = getattr(view.revisions, f"create_{kind}_revision")()
    apply(following, upload(following, SIMPLE))
    assert view.show().attributes["permissions"]["scope"] == permission


def test_columns_of_a_config(socrata):
    plain = {"field_name": "foo", "display_name": "Foo", "transform_expr": "to_number(`foo`)"}
    whole = plain | {"format": {}, "description": "", "is_primary_key": None, "flags": []}
    config = socrata.configs.create("some config %d", "replace", columns=[plain])
    assert config.attributes["columns"] == [whole]
    assert config.update({"columns": [whole]}).attributes["columns"] == [whole]
    config.change_parse_option("encoding").to("utf16").run()
    assert config.show().attributes["parse_options"]["encoding"] == "utf16"


def test_an_upload_by_a_config_from_text(socrata, view):
    socrata.configs.create("from text", "replace")
    revision, job = socrata.using_config("from text", view).csv(
        "a,b\n    1,2\n    3,4\n   ", filename="a.csv"
    )
    assert revision.attributes["action"]["type"] == "replace"
    assert job.attributes["created_at"]
    job.wait_for_finish(sleeptime=0)
    assert job.attributes["status"] == "successful"


def test_names_of_geometries(revision):
    properties = {"a_float": 2.2, "a_string": "first value", "a_num": 1, "a_bool": False}
    point = {"type": "Point", "coordinates": [102.0, 0.5]}
    feature = {"type": "Feature", "properties": properties, "geometry": point}
    data = json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
    assert fields(revision.create_upload("points.geojson").geojson(data)) == {"point", *properties}

    values = "".join(f'<Data name="{name}"><value>{each}</value></Data>' for name, each in properties.items())
    data = (
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><ExtendedData>'
        f"{values}</ExtendedData><Point><coordinates>102.0,0.5</coordinates></Point></Placemark></Document></kml>"
    ).encode()
    assert fields(revision.create_upload("points.kml").kml(data)) == {"point", *properties}


def test_the_geometry_of_a_shape_file(revision):
    parts = {"shp": io.BytesIO(), "shx": io.BytesIO(), "dbf": io.BytesIO()}
    with shapefile.Writer(**parts, shapeType=shapefile.POINT) as writer:
        writer.field("WARD", "C", size=10)
        writer.point(-87.6, 41.9)
        writer.record("one")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for ending, part in parts.items():
            zipped.writestr(f"wards.{ending}", part.getvalue())
        zipped.writestr(
            "wards.prj",
            'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]',
        )
    assert fields(revision.create_upload("wards.zip").shapefile(archive.getvalue())) == {"ward", "the_geom"}


def fields(source):
    schema = source.get_latest_input_schema()
    return {each["field_name"] for each in schema.attributes["input_columns"]}
