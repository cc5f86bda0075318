"""The connection form is the same on every Airflow, whichever of its three roads leads to it."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow_harness.versions import AIRFLOW_3, AIRFLOW_VERSION

from airflow_socrata.get_provider_info import get_provider_info

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

TYPES = {entry["connection-type"]: entry for entry in get_provider_info()["connection-types"]}
EACH = pytest.mark.parametrize("kind", TYPES)
SECRETS = {"socrata": {"app_token", "access_token", "proxy"}, "opendatasoft": {"proxy"}}

#: What the user interface of Airflow 3 is given. It puts mocks in place of wtforms: not in this process.
SERVED = """
import json
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
forms = {form.connection_type: form for form in HookMetaService.hook_meta_data()}
print(json.dumps({name: forms[name].model_dump() for name in ("socrata", "opendatasoft")}))
"""


def fields_of(kind: str) -> dict[str, Any]:
    """The extra fields of a connection type."""
    return dict(TYPES[kind]["conn-fields"])


def hook_of(kind: str) -> Any:
    """The class of a connection type's hook."""
    module, _, name = TYPES[kind]["hook-class-name"].rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.skipif(not AIRFLOW_3, reason="Airflow 2 has no such service; it builds the form from widgets")
def test_the_user_interface_is_given_every_field(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run_python(SERVED)
    assert done.returncode == 0, done.stderr
    for kind, form in json.loads(done.stdout.splitlines()[-1]).items():
        behaviour = TYPES[kind]["ui-field-behaviour"]
        assert form["hook_name"] == TYPES[kind]["hook-name"]
        assert _labels(form["standard_fields"]) == behaviour["relabeling"]
        assert _placeholders(form["standard_fields"]) == behaviour["placeholders"]
        extra = {name: field["schema"] for name, field in form["extra_fields"].items()}
        assert {name: field["title"] for name, field in extra.items()} == {
            name: field["label"] for name, field in fields_of(kind).items()
        }
        assert _secrets(extra) == SECRETS[kind]
        assert all("null" in field["type"] for field in extra.values())


def _secrets(schemas: dict[str, Any]) -> set[str]:
    return {name for name, field in schemas.items() if field.get("format") == "password"}


def _labels(standard: dict[str, Any]) -> dict[str, str]:
    return {name: field["title"] for name, field in standard.items() if field and field["title"]}


def _placeholders(standard: dict[str, Any]) -> dict[str, str]:
    return {name: field["placeholder"] for name, field in standard.items() if field and field["placeholder"]}


@pytest.mark.skipif(AIRFLOW_VERSION < (3, 2, 0), reason="Airflow reads conn-fields since 3.2")
def test_airflow_builds_the_form_without_importing_the_hook(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run_python(
        "import json, sys\n"
        "from airflow.providers_manager import ProvidersManager\n"
        "forms = ProvidersManager().iter_connection_type_hook_ui_metadata()\n"
        "found = {form.connection_type: form.field_behaviour for form in forms}\n"
        "loaded = [name for name in sys.modules if name.startswith('airflow_socrata.hooks.')]\n"
        "print(json.dumps([found['socrata'], found['opendatasoft'], loaded]))"
    )
    assert done.returncode == 0, done.stderr
    *behaviours, imported = json.loads(done.stdout.splitlines()[-1])
    for behaviour in behaviours:
        assert {"host", "port"} <= set(behaviour["placeholders"])
    assert imported == []


@EACH
def test_the_widgets_say_what_the_metadata_say(kind: str) -> None:
    """Airflow 2 knows widgets only, and Airflow 3.2 and newer knows metadata only."""
    wtforms = pytest.importorskip("wtforms", reason="Airflow 3 does not bring it; the cell of 2.11 runs this")
    form = type("Form", (wtforms.Form,), hook_of(kind).get_connection_form_widgets())()
    fields, described = {field.name: field for field in form}, fields_of(kind)
    assert list(fields) == list(described)
    for name, field in fields.items():
        assert str(field.label.text) == described[name]["label"]
        assert str(field.description) == described[name]["description"]
        assert f'name="{name}"' in str(field())
    assert {name for name, field in fields.items() if 'type="password"' in str(field())} == SECRETS[kind]


@EACH
def test_the_widgets_of_airflow_2_are_the_ones_that_it_shows(kind: str) -> None:
    pytest.importorskip("flask_appbuilder", reason="Airflow 3 does not bring it; the cell of 2.11 runs this")
    from airflow.providers_manager import ProvidersManager

    shown = ProvidersManager().connection_form_widgets
    assert {name for name in shown if name.startswith(f"extra__{kind}__")} == {
        f"extra__{kind}__{name}" for name in fields_of(kind)
    }
    relabeling = TYPES[kind]["ui-field-behaviour"]["relabeling"]
    assert ProvidersManager().field_behaviours[kind]["relabeling"] == relabeling


@EACH
def test_the_two_spellings_of_the_behaviour_agree(kind: str) -> None:
    spelled = hook_of(kind).get_ui_field_behaviour()
    agreed = {name.replace("_", "-"): value for name, value in spelled.items()}
    assert agreed == TYPES[kind]["ui-field-behaviour"]


@EACH
def test_the_secrets_are_the_ones_that_the_form_masks(kind: str) -> None:
    assert _secrets({name: field["schema"] for name, field in fields_of(kind).items()}) == SECRETS[kind]


def stored(**fields: Any) -> Any:
    """A connection as the form stores it."""
    from airflow.providers.common.compat.sdk import Connection

    return Connection(
        conn_id="form", conn_type="socrata", host="data.example.gov", port=443, extra=json.dumps(fields)
    )


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_field_of_the_form_counts_as_not_set(empty: str | None) -> None:
    """The form stores every field: ``null`` on Airflow 3, an empty text on Airflow 2."""
    from airflow_socrata.hooks.socrata import portal_settings

    assert portal_settings(stored(**dict.fromkeys(fields_of("socrata"), empty))) == portal_settings(stored())


def test_a_number_that_the_form_stores_as_text_is_a_number() -> None:
    from airflow_socrata.hooks.socrata import portal_settings

    settings = portal_settings(stored(connect_timeout="2.5", read_timeout="30"))
    assert (settings.connect_timeout, settings.read_timeout) == (2.5, 30.0)
