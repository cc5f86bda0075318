"""The connection form is the same on every Airflow, whichever of its three roads leads to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow_harness.versions import AIRFLOW_3, AIRFLOW_VERSION

from airflow_socrata.get_provider_info import get_provider_info

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

CONNECTION_TYPE = get_provider_info()["connection-types"][0]
FIELDS = CONNECTION_TYPE["conn-fields"]
BEHAVIOUR = CONNECTION_TYPE["ui-field-behaviour"]
SECRETS = {"app_token", "access_token", "proxy"}

#: What the user interface of Airflow 3 is given. It puts mocks in place of wtforms: not in this process.
SERVED = """
import json
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
forms = {form.connection_type: form for form in HookMetaService.hook_meta_data()}
print(json.dumps(forms["socrata"].model_dump()))
"""


@pytest.mark.skipif(not AIRFLOW_3, reason="Airflow 2 has no such service; it builds the form from widgets")
def test_the_user_interface_is_given_every_field(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run_python(SERVED)
    assert done.returncode == 0, done.stderr
    form = json.loads(done.stdout.splitlines()[-1])
    assert form["hook_name"] == CONNECTION_TYPE["hook-name"]
    assert _labels(form["standard_fields"]) == BEHAVIOUR["relabeling"]
    assert _placeholders(form["standard_fields"]) == BEHAVIOUR["placeholders"]
    extra = form["extra_fields"]
    assert {name: field["schema"]["title"] for name, field in extra.items()} == {
        name: field["label"] for name, field in FIELDS.items()
    }
    assert {name for name, field in extra.items() if field["schema"].get("format") == "password"} == SECRETS
    assert all("null" in field["schema"]["type"] for field in extra.values())


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
        "(form,) = [form for form in forms if form.connection_type == 'socrata']\n"
        "print(json.dumps([form.field_behaviour, 'airflow_socrata.hooks.socrata' in sys.modules]))"
    )
    assert done.returncode == 0, done.stderr
    behaviour, imported = json.loads(done.stdout.splitlines()[-1])
    assert {"host", "port"} <= set(behaviour["placeholders"])
    assert not imported


def test_the_widgets_say_what_the_metadata_say() -> None:
    """Airflow 2 knows widgets only, and Airflow 3.2 and newer knows metadata only."""
    wtforms = pytest.importorskip("wtforms", reason="Airflow 3 does not bring it; the cell of 2.11 runs this")
    from airflow_socrata.hooks.socrata import SocrataHook

    form = type("Form", (wtforms.Form,), SocrataHook.get_connection_form_widgets())()
    fields = {field.name: field for field in form}
    assert list(fields) == list(FIELDS)
    for name, field in fields.items():
        assert str(field.label.text) == FIELDS[name]["label"]
        assert str(field.description) == FIELDS[name]["description"]
        assert f'name="{name}"' in str(field())
    assert {name for name, field in fields.items() if 'type="password"' in str(field())} == SECRETS


def test_the_widgets_of_airflow_2_are_the_ones_that_it_shows() -> None:
    pytest.importorskip("flask_appbuilder", reason="Airflow 3 does not bring it; the cell of 2.11 runs this")
    from airflow.providers_manager import ProvidersManager

    shown = ProvidersManager().connection_form_widgets
    assert {name for name in shown if name.startswith("extra__socrata__")} == {
        f"extra__socrata__{name}" for name in FIELDS
    }
    assert ProvidersManager().field_behaviours["socrata"]["relabeling"] == BEHAVIOUR["relabeling"]


def test_the_two_spellings_of_the_behaviour_agree() -> None:
    from airflow_socrata.hooks.socrata import SocrataHook

    spelled = SocrataHook.get_ui_field_behaviour()
    assert {name.replace("_", "-"): value for name, value in spelled.items()} == BEHAVIOUR


def test_the_secrets_are_the_ones_that_the_form_masks() -> None:
    masked = {name for name, field in FIELDS.items() if field["schema"].get("format") == "password"}
    assert masked == SECRETS


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

    assert portal_settings(stored(**dict.fromkeys(FIELDS, empty))) == portal_settings(stored())


def test_a_number_that_the_form_stores_as_text_is_a_number() -> None:
    from airflow_socrata.hooks.socrata import portal_settings

    settings = portal_settings(stored(connect_timeout="2.5", read_timeout="30"))
    assert (settings.connect_timeout, settings.read_timeout) == (2.5, 30.0)
