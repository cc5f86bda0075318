"""One bad value in the provider's metadata takes the whole Airflow down: every value is checked here."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import inspect
import json
import pkgutil
from typing import Any

import jsonschema
import pytest

import airflow_socrata
from airflow_socrata.get_provider_info import get_provider_info

INFO = get_provider_info()
KINDS = {"hooks": "hooks", "operators": "operators", "sensors": "sensors", "triggers": "triggers"}


def schema(name: str) -> Any:
    return json.loads(importlib.resources.files("airflow").joinpath(name).read_text(encoding="utf-8"))


def load(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_the_schema_that_airflow_checks_at_start_accepts_it() -> None:
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


def test_the_schema_that_describes_connection_forms_accepts_it() -> None:
    described = schema("provider.yaml.schema.json")
    jsonschema.validate(
        INFO["connection-types"],
        {**described["properties"]["connection-types"], "definitions": described.get("definitions", {})},
    )


def test_it_is_plain_json_and_made_anew_each_time() -> None:
    assert json.loads(json.dumps(INFO)) == INFO
    get_provider_info()["connection-types"][0]["conn-fields"].clear()
    assert get_provider_info() == INFO


def test_the_name_is_that_of_the_distribution() -> None:
    assert importlib.metadata.metadata(INFO["package-name"])["Name"] == INFO["package-name"]


def test_the_entry_point_leads_to_it() -> None:
    found = [
        entry
        for entry in importlib.metadata.entry_points(group="apache_airflow_provider")
        if entry.value.startswith("airflow_socrata")
    ]
    assert [entry.load() for entry in found] == [get_provider_info]


@pytest.mark.parametrize("kind", ["connection-types", *KINDS, "extra-links"])
def test_each_kind_is_there(kind: str) -> None:
    assert INFO[kind]


@pytest.mark.parametrize("connection", INFO["connection-types"], ids=lambda entry: entry["connection-type"])
def test_a_connection_type_and_its_hook_agree(connection: dict[str, Any]) -> None:
    hook = load(connection["hook-class-name"])
    assert hook.conn_type == connection["connection-type"]
    assert hook.hook_name == connection["hook-name"]
    first = list(inspect.signature(hook.__init__).parameters)[1]
    assert first == hook.conn_name_attr
    assert hook.default_conn_name == f"{hook.conn_type}_default"


@pytest.mark.parametrize("path", INFO["extra-links"])
def test_an_extra_link_is_a_link(path: str) -> None:
    from airflow.providers.common.compat.sdk import BaseOperatorLink

    assert issubclass(load(path), BaseOperatorLink)


@pytest.mark.parametrize(("kind", "package"), KINDS.items())
def test_every_module_of_a_kind_is_listed_and_importable(kind: str, package: str) -> None:
    listed = {module for entry in INFO[kind] for module in entry["python-modules"]}
    folder = importlib.import_module(f"airflow_socrata.{package}")
    prefix = f"airflow_socrata.{package}."
    there = {found.name for found in pkgutil.walk_packages(folder.__path__, prefix)}
    assert listed <= there
    assert {name for name in there - listed if not name.endswith((".base", ".connection"))} == set()
    for name in listed:
        importlib.import_module(name)


def test_every_link_is_listed() -> None:
    from airflow_socrata.links import opendatasoft, socrata

    public = {
        f"{module.__name__}.{name}"
        for module, vendor in ((socrata, "Socrata"), (opendatasoft, "Opendatasoft"))
        for name, _ in inspect.getmembers(module, inspect.isclass)
        if name.startswith(vendor)
    }
    assert public == set(INFO["extra-links"])


def test_every_module_is_importable() -> None:
    for found in pkgutil.walk_packages(airflow_socrata.__path__, "airflow_socrata."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


@pytest.mark.parametrize("connection", INFO["connection-types"], ids=lambda entry: entry["connection-type"])
def test_a_field_that_is_optional_may_be_null(connection: dict[str, Any]) -> None:
    """A form field whose type lacks ``null`` is drawn as required."""
    fields = connection["conn-fields"]
    optional = {name: field["schema"]["type"] for name, field in fields.items()}
    assert {name for name, kind in optional.items() if kind != "boolean" and "null" not in kind} == set()


@pytest.mark.parametrize("connection", INFO["connection-types"], ids=lambda entry: entry["connection-type"])
def test_the_port_stays_visible(connection: dict[str, Any]) -> None:
    """The user interface cannot test a connection that is stored without a port."""
    assert "port" not in connection["ui-field-behaviour"]["hidden-fields"]
