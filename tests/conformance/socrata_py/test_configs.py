"""Import configs."""

from __future__ import annotations

import io

import pytest
from conformance.socrata_py.steps import CSV, apply, expressions, schema_of, upload
from socrata.http import UnexpectedResponseException

COLUMNS = [
    {"field_name": "stop_id", "display_name": "Stop", "transform_expr": "lower(`stop_id`)"},
    {"field_name": "name", "display_name": "Name", "transform_expr": "upper(`name`)"},
    {"field_name": "riders", "display_name": "Riders", "transform_expr": "to_number(`riders`)"},
]
PARSE_OPTIONS = {"header_count": 2, "column_header": 2, "column_separator": ";"}


@pytest.fixture
def config(socrata):
    return socrata.configs.create("nightly", "replace", columns=COLUMNS)


def test_create_with_defaults(socrata):
    config = socrata.configs.create("plain", "update")
    assert config.attributes["name"] == "plain"
    assert config.attributes["data_action"] == "update"
    assert config.attributes["columns"] == []
    assert config.attributes["parse_options"] == {
        "encoding": "utf8",
        "header_count": 1,
        "column_header": 1,
        "column_separator": ",",
        "quote_char": '"',
        "parse_source": True,
        "trim_whitespace": True,
        "remove_empty_rows": True,
    }


def test_look_up_and_list(socrata, config):
    other = socrata.configs.create("weekly", "update", parse_options=PARSE_OPTIONS)
    assert socrata.configs.lookup("nightly").attributes == config.attributes
    assert sorted(each.attributes["name"] for each in socrata.configs.list()) == ["nightly", "weekly"]
    assert other.attributes["parse_options"]["column_separator"] == ";"
    assert other.attributes["parse_options"]["quote_char"] == '"'
    found = config.attributes["columns"]
    assert [(column["field_name"], column["transform_expr"]) for column in found] == [
        (column["field_name"], column["transform_expr"]) for column in COLUMNS
    ]


def test_a_name_is_taken_once(socrata, config):
    with pytest.raises(UnexpectedResponseException) as refused:
        socrata.configs.create("nightly", "update")
    assert 400 <= refused.value.status < 500
    assert "nightly" in refused.value.body["message"]


def test_change(socrata, config):
    config.change_parse_option("header_count").to(3).run()
    config.update({"data_action": "update"})
    again = socrata.configs.lookup("nightly").attributes
    assert (again["parse_options"]["header_count"], again["parse_options"]["column_header"]) == (3, 1)
    assert again["data_action"] == "update"
    assert [column["field_name"] for column in again["columns"]] == ["stop_id", "name", "riders"]


def test_delete(socrata, config):
    config.delete()
    assert socrata.configs.list() == []
    with pytest.raises(UnexpectedResponseException) as missing:
        config.show()
    assert missing.value.status == 404


def test_a_config_that_does_not_exist(socrata, view):
    with pytest.raises(UnexpectedResponseException) as missing:
        socrata.using_config("no-such-config", view)
    assert missing.value.status == 404
    assert "no-such-config" in missing.value.body["message"]


def test_a_revision_by_a_config_that_does_not_exist(view, config):
    config.attributes["name"] = "no-such-config"
    with pytest.raises(UnexpectedResponseException) as missing:
        view.revisions.create_using_config(config)
    assert 400 <= missing.value.status < 500
    assert "no-such-config" in missing.value.body["message"]
    assert view.revisions.list() == []


def test_use(socrata, config, view, stops, portal):
    revision, job = socrata.using_config("nightly", view).csv(io.BytesIO(CSV), filename="stops.csv")
    assert revision.attributes["action"]["type"] == "replace"
    job.wait_for_finish(sleeptime=0)
    assert job.attributes["status"] == "successful"
    assert portal.rows(stops, **{"$order": "stop_id"}) == [
        {"stop_id": "a", "name": "ALDER STREET", "riders": "11"},
        {"stop_id": "c", "name": "CEDAR", "riders": "30"},
    ]


def test_parse_options_and_columns_of_a_config(socrata, view, stops, portal):
    config = socrata.configs.create("banner", "update", PARSE_OPTIONS, COLUMNS[:2])
    revision = config.create_revision(stops)
    assert (revision.view_id(), revision.attributes["action"]["type"]) == (stops, "update")
    source = revision.create_upload("stops.csv")
    assert source.attributes["parse_options"]["column_separator"] == ";"
    schema = schema_of(source.csv(b"a banner\nstop_id;name;riders\nA;Elder;99\n"))
    assert expressions(schema) == {"stop_id": "lower(`stop_id`)", "name": "upper(`name`)"}
    assert [row["name"]["ok"] for row in schema.rows()] == ["ELDER"]


def test_create_using_config_of_a_view(view, config):
    revision = view.revisions.create_using_config(config)
    assert revision.attributes["action"]["type"] == "replace"
    assert revision.attributes["action"].get("permission") is None


def test_build_from_an_output_schema(socrata, view, stops, portal):
    revision = view.revisions.create_replace_revision()
    schema = (
        upload(revision)
        .change_column_transform("name")
        .to("upper(`name`)")
        .run()
        .wait_for_finish(sleeptime=0)
    )
    built = schema.build_config("built", "update")
    assert (built.attributes["name"], built.attributes["data_action"]) == ("built", "update")
    assert {
        column["field_name"]: column["transform_expr"] for column in built.attributes["columns"]
    } == expressions(schema)
    assert socrata.configs.lookup("built").attributes == built.attributes
    revision.discard()
    _, job = socrata.using_config("built", view).csv(CSV, "stops.csv")
    job.wait_for_finish(sleeptime=0)
    assert [row["name"] for row in portal.rows(stops, **{"$order": "stop_id"})] == [
        "ALDER STREET",
        "Birch",
        "CEDAR",
    ]


def test_a_config_changed_between_two_runs(socrata, config, view, stops, portal):
    revision = view.revisions.create_using_config(config)
    config.update({"columns": [*COLUMNS[:2], COLUMNS[2] | {"transform_expr": "to_number(`riders`) * 2"}]})
    following = view.revisions.create_using_config(config)
    apply(following, upload(following))
    assert [row["riders"] for row in portal.rows(stops, **{"$order": "stop_id"})] == ["22", "60"]
    assert revision.show().attributes["closed_at"] is None
