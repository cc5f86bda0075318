"""Builds wheel and sdist from this checkout into ``dist`` and checks both: `make distribution`.

Prints a line per check and exits non-zero unless all hold. What the installed wheel does is tested by
``tests/packaging``.
"""

from __future__ import annotations

import email
import shutil
import sys
import tarfile
import tomllib
import zipfile
from configparser import ConfigParser
from typing import TYPE_CHECKING

from environments import CACHE, ROOT, Trouble, alone, build, environment, run, tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message
    from pathlib import Path

TARGET = ROOT / "dist"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IN_SDIST = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "Makefile",
    "airflow_socrata/py.typed",
    "tests/conftest.py",
    "scripts/environments.py",
    "requirements/airflow-3.3.txt",
)
NEVER = (".cache/", ".venv/", "__pycache__/", ".git/", ".ci/", "dist/", "latest.json", ".pyc")
CLASSIFIERS = {"Framework :: Apache Airflow", "Framework :: Apache Airflow :: Provider", "Typing :: Typed"}


def only(pattern: str) -> Path:
    """The one file in ``dist`` that matches."""
    (found,) = TARGET.glob(pattern)
    return found


def expect(what: str, found: object, wanted: object) -> None:
    """Raise :class:`Trouble` unless two values agree."""
    if found != wanted:
        raise Trouble(f"{what} is {found!r}, not {wanted!r}")


def contents(wheel: Path) -> dict[str, int]:
    """File name to checksum of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist() if not entry.is_dir()}


def read_from_metadata(name: str) -> str:
    """The text of a file in the wheel's ``.dist-info``."""
    with zipfile.ZipFile(only("*.whl")) as archive:
        (path,) = [path for path in archive.namelist() if path.endswith(f".dist-info/{name}")]
        return archive.read(path).decode()


def metadata() -> Message:
    """The metadata of the wheel."""
    return email.message_from_string(read_from_metadata("METADATA"))


def check_both_are_built() -> None:
    """Wheel and sdist are built."""
    shutil.rmtree(TARGET, ignore_errors=True)
    build(TARGET, "wheel", "sdist")
    expect("what is built", sorted(path.suffix for path in TARGET.iterdir()), [".gz", ".whl"])


def check_registry_rules() -> None:
    """Twine finds nothing to say against either."""
    run(environment("lint"), "-m", "twine", "check", "--strict", *sorted(TARGET.iterdir()), quiet=True)


def check_wheel_contents() -> None:
    """The wheel holds the package, all of it, and nothing else."""
    packed = {name for name in contents(only("*.whl")) if ".dist-info/" not in name}
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "airflow_socrata").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expect("what only one of wheel and checkout holds", sorted(packed ^ here), [])
    for name in ("airflow_socrata/py.typed", "airflow_socrata/emulator/__main__.py"):
        if name not in packed:
            raise Trouble(f"the wheel lacks {name}")


def check_metadata() -> None:
    """Name, Python versions, extras and classifiers of the wheel are those of pyproject.toml."""
    said = metadata()
    expect("the name", said["Name"], PROJECT["name"])
    pythons = set(PROJECT["requires-python"].split(","))
    expect("Requires-Python", set(str(said["Requires-Python"]).split(",")), pythons)
    expect("the extras", set(said.get_all("Provides-Extra", [])), set(PROJECT["optional-dependencies"]))
    expect("what the classifiers lack", CLASSIFIERS - set(said.get_all("Classifier", [])), set())


def check_licence() -> None:
    """The licence is named, and its text is in the wheel."""
    said = metadata()
    expect("License-Expression", said["License-Expression"], "Apache-2.0")
    expect("License-File", said.get_all("License-File"), ["LICENSE"])
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    expect("whether the text is ours", read_from_metadata("licenses/LICENSE") == text, True)


def check_entry_point() -> None:
    """The one entry point is the provider's metadata."""
    points = ConfigParser()
    points.read_string(read_from_metadata("entry_points.txt"))
    expect("the groups of entry points", points.sections(), ["apache_airflow_provider"])
    (value,) = dict(points["apache_airflow_provider"]).values()
    expect("the entry point", value, "airflow_socrata.get_provider_info:get_provider_info")


def check_sdist_contents() -> None:
    """The sdist holds what building and testing need, and nothing that was made here."""
    with tarfile.open(only("*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expect("what the sdist lacks", [name for name in IN_SDIST if name not in names], [])
    extra = [name for name in names if any(part in f"/{name}" for part in NEVER)]
    expect("what does not belong into the sdist", sorted(extra)[:5], [])


def check_sdist_builds_the_same() -> None:
    """The sdist builds the same wheel, file for file."""
    rebuilt = CACHE / "sdist"
    shutil.rmtree(rebuilt, ignore_errors=True)
    with tarfile.open(only("*.tar.gz")) as archive:
        archive.extractall(rebuilt, filter="data")
    (source,) = rebuilt.iterdir()
    command = (tools() / "python", "-m", "hatchling", "build", "-t", "wheel", "-d", rebuilt)
    run(*command, env={"PWD": str(source)}, quiet=True, cwd=source)
    (wheel,) = rebuilt.glob("*.whl")
    again, first = contents(wheel), contents(only("*.whl"))
    expect("what only one of both wheels holds", sorted(set(again) ^ set(first)), [])
    expect("what both wheels hold differently", [name for name in first if first[name] != again[name]], [])


CHECKS: tuple[Callable[[], None], ...] = (
    check_both_are_built,
    check_registry_rules,
    check_wheel_contents,
    check_metadata,
    check_licence,
    check_entry_point,
    check_sdist_contents,
    check_sdist_builds_the_same,
)


def main() -> int:
    """Build, check, and leave the files in ``dist``."""
    failed = 0
    with alone():
        for check in CHECKS:
            try:
                check()
            except Trouble as trouble:
                failed += 1
                print(f"FAILED {check.__doc__} But {trouble}", flush=True)
                if check is check_both_are_built:
                    break
            else:
                print(f"ok     {check.__doc__}", flush=True)
    if failed:
        return 1
    print(f"dist/{only('*.whl').name} and dist/{only('*.tar.gz').name} are good")
    return 0


if __name__ == "__main__":
    sys.exit(main())
