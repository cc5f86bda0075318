"""What the tests of the distribution share."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

DISTRIBUTION = "airflow-provider-socrata"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def distribution() -> importlib.metadata.Distribution:
    """The distribution that is installed."""
    try:
        return importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        pytest.fail("the wheel is not installed: run these tests with 'make test'")


@pytest.fixture(scope="session")
def wheel(distribution: importlib.metadata.Distribution) -> Path:
    """The wheel file that the distribution was installed from."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    path = Path(urllib.request.url2pathname(urllib.parse.urlsplit(origin.get("url", "")).path))
    if path.suffix != ".whl" or not path.is_file():
        pytest.fail(f"installed from {path}, not from a wheel: run these tests with 'make test'")
    return path


@pytest.fixture(scope="session")
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """``run_python(code, python=this one)`` in a new process that does not see the working directory."""

    def run(code: str, python: str | Path = sys.executable) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(python), "-P", "-c", code],
            env={**os.environ, "AIRFLOW__CORE__UNIT_TEST_MODE": "False"},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture(scope="session")
def old_plugin() -> Path:
    """The wheel of the dead distribution that installs the same import name, from the package registry."""
    return Path(_environments("download", "airflow-socrata-plugin==0.0.1"))


@pytest.fixture(scope="session")
def pip() -> list[str]:
    """The command of a pip that installs into any interpreter: ``[*pip, "--python", X, "install", ...]``."""
    return [f"{_environments('tools')}/python", "-m", "pip", "--disable-pip-version-check"]


def _environments(*arguments: str) -> str:
    script = [sys.executable, str(ROOT / "scripts" / "environments.py"), *arguments]
    done = subprocess.run(script, stdout=subprocess.PIPE, text=True, check=True, stdin=subprocess.DEVNULL)
    return done.stdout.strip()
