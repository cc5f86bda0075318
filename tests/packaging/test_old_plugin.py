"""An environment that also has ``airflow-socrata-plugin`` (2019), which installs the same import name.

Both distributions own ``airflow_socrata/__init__.py`` and those of ``hooks`` and ``operators``: whichever is
installed last wins these files, and removing one removes them for both.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = "airflow-provider-socrata"
OLD = "airflow-socrata-plugin"
REINSTALL = f"pip install --force-reinstall --no-deps {OURS}"
#: A process for each would take minutes: one imports them all, and lets go of what a failure has left.
IMPORT_EACH = """
import importlib, sys
kinds = ("hooks", "operators", "sensors", "triggers")
for module in ("client", "task_groups", *(kind + ".socrata" for kind in kinds)):
    try:
        importlib.import_module("airflow_socrata." + module)
        print("imported", module)
    except Exception as error:
        print(type(error).__name__ + ":", error)
    for name in [name for name in sys.modules if name.startswith("airflow_socrata")]:
        del sys.modules[name]
"""
AIRFLOW_STARTS = f"""
from airflow.providers_manager import ProvidersManager
assert "{OURS}" in ProvidersManager().providers
"""


class Overlay:
    """An interpreter that has the packages of this environment, except this one."""

    def __init__(self, home: Path, pip: list[str]) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
        self.python = home / "bin" / "python"
        self.site = next(home.glob("lib/python*/site-packages"))
        for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
            if not entry.name.startswith(("airflow_socrata", "airflow_provider_socrata")):
                (self.site / entry.name).symlink_to(entry)
        self._pip = [*pip, "--python", str(self.python)]

    def install(self, *wheels: Path) -> None:
        for wheel in wheels:
            self._run("install", "-qq", "--no-deps", "--no-index", "--force-reinstall", str(wheel))

    def uninstall(self, name: str) -> None:
        self._run("uninstall", "-qq", "--yes", name)

    def _run(self, *arguments: str) -> None:
        subprocess.run([*self._pip, *arguments], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def overlay(tmp_path: Path, pip: list[str]) -> Overlay:
    return Overlay(tmp_path / "overlay", pip)


def lines_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert len(lines) == 6
    return lines


def test_the_two_own_the_same_files(wheel: Path, old_plugin: Path) -> None:
    """Should this list change, then so may what can be told of it."""
    both = set(zipfile.ZipFile(wheel).namelist()) & set(zipfile.ZipFile(old_plugin).namelist())
    assert both == {
        "airflow_socrata/__init__.py",
        "airflow_socrata/hooks/__init__.py",
        "airflow_socrata/operators/__init__.py",
    }


def assert_refused(told: str) -> None:
    assert told.startswith(f"RuntimeError: {OLD} is installed")
    assert f"pip uninstall {OLD}" in told
    assert REINSTALL in told


def test_installed_last_it_is_one_clear_error_and_half_of_the_remedy_is_too(
    overlay: Overlay,
    wheel: Path,
    old_plugin: Path,
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    overlay.install(wheel, old_plugin)
    for told in lines_of(run_python(AIRFLOW_STARTS + IMPORT_EACH, overlay.python)):
        assert_refused(told)
    # Removing the old distribution takes the files that both own with it.
    overlay.uninstall(OLD)
    for told in lines_of(run_python(AIRFLOW_STARTS + IMPORT_EACH, overlay.python)):
        assert told.startswith("RuntimeError: ")
        assert "lacks its airflow_socrata/__init__.py" in told
        assert REINSTALL in told


def test_installed_first_it_is_one_clear_error_and_the_whole_remedy_works(
    overlay: Overlay,
    wheel: Path,
    old_plugin: Path,
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    overlay.install(old_plugin, wheel)
    for told in lines_of(run_python(AIRFLOW_STARTS + IMPORT_EACH, overlay.python)):
        assert_refused(told)
    overlay.uninstall(OLD)
    overlay.install(wheel)
    for told in lines_of(run_python(IMPORT_EACH, overlay.python)):
        assert told.startswith("imported ")
