"""``airflow providers ...`` shows this provider, as users see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow_harness.versions import AIRFLOW_VERSION

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

COMMANDS = {
    "list": ["list"],
    "get": ["get", "airflow-provider-socrata", "--full"],
    "hooks": ["hooks"],
    "behaviours": ["behaviours"],
    "links": ["links"],
    "triggers": ["triggers"],
}

#: Airflow takes seconds to start: one process runs the commands one after another.
RUN = f"""
import contextlib, io, json
from airflow.cli import cli_parser
shown = {{}}
for name, command in {COMMANDS!r}.items():
    asked = cli_parser.get_parser().parse_args(["providers", *command, "--output", "json"])
    with contextlib.redirect_stdout(io.StringIO()) as output:
        asked.func(asked)
    shown[name] = output.getvalue()
print(json.dumps(shown))
"""


@pytest.fixture(scope="module")
def shown(
    run_python: Callable[..., subprocess.CompletedProcess[str]], distribution: object
) -> dict[str, list[dict[str, Any]]]:
    """What each command printed."""
    done = run_python(RUN)
    assert done.returncode == 0, done.stderr
    return {name: json.loads(text) for name, text in json.loads(done.stdout.splitlines()[-1]).items()}


def rows(shown: dict[str, list[dict[str, Any]]], command: str) -> list[dict[str, Any]]:
    """The rows of a command that are about this provider."""
    return [row for row in shown[command] if "socrata" in json.dumps(row).lower()]


def test_list_names_it_with_its_version(shown: dict[str, Any], distribution: Any) -> None:
    (row,) = rows(shown, "list")
    assert row["package_name"] == "airflow-provider-socrata"
    assert row["version"] == distribution.version


def test_get_tells_what_it_is(shown: dict[str, Any]) -> None:
    (row,) = rows(shown, "get")
    assert row["package-name"] == "airflow-provider-socrata"
    assert "Publish datasets to Socrata and Opendatasoft portals" in row["description"]


def test_hooks_names_the_hooks(shown: dict[str, Any]) -> None:
    named = {(row["connection_type"], row["hook_name"], row["class"]) for row in rows(shown, "hooks")}
    assert named == {
        ("socrata", "Socrata", "airflow_socrata.hooks.socrata.SocrataHook"),
        ("opendatasoft", "Opendatasoft", "airflow_socrata.hooks.opendatasoft.OpendatasoftHook"),
    }


@pytest.mark.skipif(
    (3, 0, 0) <= AIRFLOW_VERSION < (3, 2, 0),
    reason="this command of Airflow 3.0 and 3.1 imports wtforms, which they do not bring: it shows nobody's",
)
def test_behaviours_names_the_connection_types(shown: dict[str, Any]) -> None:
    known = {row["field_behaviours"] for row in shown["behaviours"]}
    assert known >= {"socrata", "opendatasoft"}


def test_links_names_links(shown: dict[str, Any]) -> None:
    assert {value for row in rows(shown, "links") for value in row.values()} >= {
        "airflow_socrata.links.socrata.SocrataDatasetLink",
        "airflow_socrata.links.socrata.SocrataWorkingCopyLink",
    }


def test_triggers_names_the_modules(shown: dict[str, Any]) -> None:
    assert "airflow_socrata.triggers.socrata" in json.dumps(rows(shown, "triggers"))
