"""What is tested is the built wheel, and the wheel holds what users need and nothing else."""

from __future__ import annotations

import importlib.metadata
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_is_tested_and_not_the_checkout(wheel: Path) -> None:
    import airflow_socrata

    installed = Path(airflow_socrata.__file__).resolve()
    assert installed.is_relative_to(Path(sysconfig.get_paths()["purelib"]).resolve())
    assert not installed.is_relative_to(ROOT / "airflow_socrata")


def test_every_module_of_the_checkout_is_in_the_wheel(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "airflow_socrata").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert here <= packed
    assert {name for name in packed - here if ".dist-info/" not in name} == set()


def test_the_wheel_is_typed_licensed_and_holds_the_emulator(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert "airflow_socrata/py.typed" in packed
    assert "airflow_socrata/emulator/__main__.py" in packed
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in packed)


def test_every_package_of_the_wheel_has_an_init(wheel: Path) -> None:
    packed = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    folders = {path.parent for path in packed if path.suffix == ".py"}
    assert {folder for folder in folders if folder / "__init__.py" not in packed} == set()


def test_the_metadata_say_what_the_project_file_says(distribution: importlib.metadata.Distribution) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    metadata = distribution.metadata
    assert set(metadata["Requires-Python"].split(",")) == set(project["requires-python"].split(","))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert {
        "Framework :: Apache Airflow",
        "Framework :: Apache Airflow :: Provider",
        "Typing :: Typed",
    } <= set(metadata.get_all("Classifier") or [])
    assert set(metadata.get_all("Provides-Extra") or []) == set(project["optional-dependencies"])


def test_the_version_is_told_in_one_place(distribution: importlib.metadata.Distribution) -> None:
    import airflow_socrata

    assert airflow_socrata.__version__ == distribution.version
    assert "version" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("name", ["apache-airflow", "apache-airflow-providers-common-compat"])
def test_airflow_has_a_lower_and_no_upper_bound(
    name: str, distribution: importlib.metadata.Distribution
) -> None:
    required = {Requirement(line).name: Requirement(line) for line in distribution.requires or []}
    assert {bound.operator for bound in required[name].specifier} == {">="}


def test_no_folder_of_the_tests_hides_a_real_package() -> None:
    """``tests`` is on the import path: a package in it wins over one that is installed."""
    packages = {path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")}
    real = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
    assert packages & real == set()
