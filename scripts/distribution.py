"""Builds wheel and sdist from this checkout into ``dist`` and checks both: `make distribution`.

What the installed wheel does is tested by ``tests/packaging``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

from environments import CACHE, ROOT, Trouble, build, environment, run

if TYPE_CHECKING:
    from pathlib import Path

TARGET = ROOT / "dist"
IN_SDIST = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "airflow_socrata/py.typed",
    "tests/conftest.py",
)
NEVER = (".cache/", ".venv", "__pycache__", ".git/", ".ci/", "latest.json")


def only(pattern: str) -> Path:
    """The one file in ``dist`` that matches."""
    (found,) = TARGET.glob(pattern)
    return found


def check_sdist() -> None:
    """The sdist holds what is needed to build and test, and builds the same wheel."""
    path = only("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        if missing := [name for name in IN_SDIST if name not in names]:
            raise Trouble(f"{path.name} lacks {missing}")
        if extra := [name for name in names if any(part in f"{name}/" for part in NEVER)]:
            raise Trouble(f"{path.name} holds {extra[:5]}")
        rebuilt = CACHE / "sdist"
        shutil.rmtree(rebuilt, ignore_errors=True)
        archive.extractall(rebuilt, filter="data")
    tools = CACHE / "tools" / "bin" / "python"
    (source,) = rebuilt.iterdir()
    done = subprocess.run(
        [tools, "-m", "hatchling", "build", "-t", "wheel", "-d", rebuilt / "dist"],
        cwd=source, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        raise Trouble(f"the sdist does not build: {done.stderr}")
    (wheel,) = (rebuilt / "dist").glob("*.whl")
    if contents(wheel) != contents(only("*.whl")):
        raise Trouble("the wheel built from the sdist is not the wheel built from the checkout")


def contents(wheel: Path) -> dict[str, int]:
    """File name to checksum of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def main() -> int:
    """Build, check, and leave the files in ``dist``."""
    shutil.rmtree(TARGET, ignore_errors=True)
    try:
        build(TARGET, "wheel", "sdist")
        check_sdist()
        lint = environment("lint")
        run(lint, "-m", "twine", "check", "--strict", *sorted(TARGET.iterdir()))
    except Trouble as trouble:
        print(f"distribution: {trouble}", file=sys.stderr)
        return 1
    print(f"dist/{only('*.whl').name} and dist/{only('*.tar.gz').name} are good")
    return 0


if __name__ == "__main__":
    sys.exit(main())
