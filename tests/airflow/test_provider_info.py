"""What Airflow is told about this package is true, and the two connection forms agree."""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import Any

import pytest
from airflow_harness.versions import AIRFLOW_3

from airflow_socrata.get_provider_info import get_provider_info

INFO = get_provider_info()
CONNECTIONS = {entry["connection-type"]: entry for entry in INFO["connection-types"]}
EACH = pytest.mark.parametrize("connection", CONNECTIONS.values(), ids=CONNECTIONS.keys())
SECRETS = {"socrata": {"app_token", "access_token", "proxy"}, "opendatasoft": {"proxy"}}


def hook_of(connection: dict[str, Any]) -> Any:
    """The class of a connection type's hook."""
    module, _, name = connection["hook-class-name"].rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_both_vendors_are_there() -> None:
    assert set(CONNECTIONS) == set(SECRETS)


def test_airflow_finds_it() -> None:
    try:
        metadata.distribution("airflow-provider-socrata")
    except metadata.PackageNotFoundError:
        pytest.skip("the package is not installed here, only its sources are on the path")
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    assert "airflow-provider-socrata" in manager.providers
    assert manager.hooks["socrata"].hook_name == "Socrata"
    assert manager.hooks["opendatasoft"].hook_name == "Opendatasoft"
    assert {link for link in INFO["extra-links"]} <= set(manager.extra_links_class_names)


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors", "triggers"])
def test_every_module_that_is_listed_imports(kind: str) -> None:
    modules = [name for entry in INFO[kind] for name in entry["python-modules"]]
    assert modules
    for name in modules:
        importlib.import_module(name)


def test_every_class_that_is_listed_is_there() -> None:
    for path in [*INFO["extra-links"], *(entry["hook-class-name"] for entry in CONNECTIONS.values())]:
        module, _, name = path.rpartition(".")
        assert hasattr(importlib.import_module(module), name)


@EACH
def test_the_hook_says_what_the_metadata_say(connection: dict[str, Any]) -> None:
    hook = hook_of(connection)
    assert hook.conn_type == connection["connection-type"]
    assert hook.hook_name == connection["hook-name"]


@EACH
def test_the_form_of_airflow_2_has_the_fields_of_that_of_airflow_3(connection: dict[str, Any]) -> None:
    pytest.importorskip("flask_appbuilder", reason="the forms of Airflow 2 are built with Flask")
    pytest.importorskip("wtforms")
    fields = connection["conn-fields"]
    widgets = hook_of(connection).get_connection_form_widgets()
    assert list(widgets) == list(fields)
    for name, widget in widgets.items():
        assert widget.args[0] == fields[name]["label"]
        is_secret = fields[name]["schema"].get("format") == "password"
        assert (widget.field_class.__name__ == "PasswordField") == is_secret


@EACH
def test_the_standard_fields_behave_alike_in_both_forms(connection: dict[str, Any]) -> None:
    old, new = hook_of(connection).get_ui_field_behaviour(), connection["ui-field-behaviour"]
    assert old["hidden_fields"] == new["hidden-fields"]
    assert old["relabeling"] == new["relabeling"]
    assert old["placeholders"] == new["placeholders"]


@EACH
def test_the_port_stays_visible(connection: dict[str, Any]) -> None:
    assert "port" not in connection["ui-field-behaviour"]["hidden-fields"]


@EACH
def test_every_secret_is_a_password_field(connection: dict[str, Any]) -> None:
    secret = {
        name
        for name, field in connection["conn-fields"].items()
        if field["schema"].get("format") == "password"
    }
    assert secret == SECRETS[connection["connection-type"]]


@EACH
def test_every_field_may_be_left_empty(connection: dict[str, Any]) -> None:
    for field in connection["conn-fields"].values():
        assert "null" in field["schema"]["type"]


def test_airflow_s_own_schema_accepts_it() -> None:
    if not AIRFLOW_3:
        pytest.skip("the schema of Airflow 2 knows no conn-fields; it ignores them")
    import json
    from importlib import resources

    import jsonschema

    schema = json.loads(resources.files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)


@pytest.mark.parametrize("name", ["operators", "sensors", "triggers"])
def test_the_example_imports_of_the_readme_work(name: str) -> None:
    module: Any = importlib.import_module(f"airflow_socrata.{name}.socrata")
    public = [each for each in dir(module) if each.startswith("Socrata")]
    assert public
