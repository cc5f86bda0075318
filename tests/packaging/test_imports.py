"""What an import brings with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    RunPython = Callable[..., subprocess.CompletedProcess[str]]

LIBRARIES = {
    "airflow",
    "httpx",
    "requests",
    "urllib3",
    "sqlalchemy",
    "starlette",
    "uvicorn",
    "sqlglot",
    "isal",
}


def loaded_by(run_python: RunPython, module: str) -> set[str]:
    """Names of all modules that a new process has after importing one."""
    done = run_python(f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))")
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def packages(modules: set[str]) -> set[str]:
    """Top-level packages of modules."""
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("airflow_socrata", set()),
        ("airflow_socrata.get_provider_info", set()),
        ("airflow_socrata.client", set()),
        ("airflow_socrata.client.session", {"requests", "urllib3"}),
        ("airflow_socrata.records", {"isal"}),
        ("airflow_socrata.opendatasoft", set()),
        ("airflow_socrata.emulator", set()),
    ],
)
def test_it_brings_no_library_but(module: str, allowed: set[str], run_python: RunPython) -> None:
    assert packages(loaded_by(run_python, module)) & LIBRARIES <= allowed


def test_the_metadata_import_constants_alone(run_python: RunPython) -> None:
    """Every Airflow process asks for them: they must cost nothing."""
    loaded = loaded_by(run_python, "airflow_socrata.get_provider_info")
    assert {name for name in loaded if name.startswith("airflow_socrata")} == {
        "airflow_socrata",
        "airflow_socrata.connection_form",
        "airflow_socrata.get_provider_info",
    }


def test_the_emulator_knows_nothing_of_what_it_is_to_test(run_python: RunPython) -> None:
    loaded = loaded_by(
        run_python,
        ", ".join(f"airflow_socrata.emulator.{part}" for part in ("server", "pytest_plugin", "__main__")),
    )
    ours = {name for name in loaded if name.startswith("airflow_socrata.")}
    assert {name for name in ours if not name.startswith("airflow_socrata.emulator")} == set()
    assert packages(loaded).isdisjoint({"airflow", "httpx", "requests"})


@pytest.mark.parametrize(
    ("layer", "above"),
    [
        ("client", ("records", "publication", "hooks", "operators", "emulator")),
        ("records", ("client", "publication", "hooks", "operators", "emulator")),
        ("opendatasoft.dialect", ("records", "publication", "hooks", "operators", "emulator")),
        ("publication.publishing", ("hooks", "operators", "sensors", "triggers", "emulator")),
        ("publication.opendatasoft.rollback", ("hooks", "operators", "sensors", "triggers", "emulator")),
    ],
)
def test_a_layer_does_not_import_those_above_it(
    layer: str, above: tuple[str, ...], run_python: RunPython
) -> None:
    loaded = loaded_by(run_python, f"airflow_socrata.{layer}")
    forbidden = tuple(f"airflow_socrata.{part}" for part in above)
    assert [name for name in loaded if name.startswith(forbidden)] == []


def test_the_extras_are_not_needed_by_the_operators(run_python: RunPython) -> None:
    """Nor are the form libraries of Airflow 2, which Airflow 3 does not bring."""
    absent = ["starlette", "uvicorn", "sqlglot", "isal", "wtforms", "flask_appbuilder"]
    # Airflow 3 itself needs two of them, so only ours are imported without.
    done = run_python(
        "import airflow.providers.common.compat.sdk as sdk, airflow.triggers.base, sys\n"
        "sdk.BaseOperator, sdk.BaseHook, sdk.BaseSensorOperator, sdk.BaseOperatorLink, sdk.TaskGroup\n"
        f"sys.modules.update(dict.fromkeys({absent!r}))\n"
        "import airflow_socrata.operators.socrata, airflow_socrata.sensors.socrata\n"
        "import airflow_socrata.triggers.socrata, airflow_socrata.task_groups, airflow_socrata.callbacks\n"
        "import airflow_socrata.sensors.opendatasoft, airflow_socrata.triggers.opendatasoft\n"
        "from airflow_socrata.operators import opendatasoft\n"
        "[getattr(opendatasoft, name) for name in opendatasoft.__all__]\n"
    )
    assert done.returncode == 0, done.stderr


def test_a_dag_file_that_names_operators_imports_little(run_python: RunPython) -> None:
    """The scheduler parses DAG files again and again: what only a running task needs is imported there."""
    done = run_python(
        "import json, sys, airflow_socrata.task_groups, airflow_socrata.sensors.revision\n"
        "import airflow_socrata.sensors.opendatasoft\n"
        "from airflow_socrata.operators import opendatasoft, socrata\n"
        "[getattr(socrata, name) for name in socrata.__all__]\n"
        "[getattr(opendatasoft, name) for name in opendatasoft.__all__]\n"
        "print(json.dumps([name for name in sys.modules if name.startswith('airflow_socrata.')]))"
    )
    assert done.returncode == 0, done.stderr
    ours = {name.removeprefix("airflow_socrata.") for name in json.loads(done.stdout.splitlines()[-1])}
    heavy = tuple(
        f"{part}." for part in ("client", "publication", "records", "hooks", "triggers", "opendatasoft")
    )
    light = {"client.errors", "client.limiter", "opendatasoft.status", "publication.choices"}
    assert {name for name in ours if name.startswith(heavy)} <= light
