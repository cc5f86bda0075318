"""The environment of an Airflow that belongs to one test session; set before Airflow is imported."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib import metadata
from pathlib import Path

_HOME_VARIABLE = "AIRFLOW_HOME"


def prepare() -> Path:
    """Point Airflow at a fresh home with an sqlite database, and return that home.

    Airflow reads its configuration once, on import; so this must run first, from the top of
    ``tests/conftest.py``. Settings of the caller's own Airflow are removed: a test session must not see,
    let alone change, the database of the machine that it runs on.
    """
    if "airflow" in sys.modules:
        raise RuntimeError("Airflow was imported before its test environment was set")
    for name in [
        name for name in os.environ if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_"))
    ]:
        del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="airflow-socrata-tests-"))
    (home / "dags").mkdir()
    (home / "plugins").mkdir()
    os.environ[_HOME_VARIABLE] = str(home)
    os.environ.update(settings(home))
    return home


def settings(home: Path) -> dict[str, str]:
    """Airflow settings, as environment variables, for DAGs that run inside the test process."""
    before_3 = metadata.version("apache-airflow").startswith("2.")
    return {
        # Airflow 2 refuses sqlite with the executor of its unit-test mode once a sensor is rescheduled.
        "AIRFLOW__CORE__EXECUTOR": "SequentialExecutor" if before_3 else "LocalExecutor",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def remove(home: Path) -> None:
    """Delete a home made by :func:`prepare`."""
    shutil.rmtree(home, ignore_errors=True)
