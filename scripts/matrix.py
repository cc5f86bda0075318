"""Runs the tests on every Airflow and Python that is claimed: `make matrix`.

Prints a line per cell and exits non-zero unless every cell ran tests and passed. A cell whose interpreter is
missing has failed; nothing is skipped.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments import CACHE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

#: What the other Pythons of an Airflow leave out, unless told `--whole`: tests of what happens between
#: portal and Airflow take half of the time, and run on every Airflow.
OF_THE_AIRFLOW = ("tests/promises", "tests/simulation")

#: Seconds after which a cell counts as stuck, and as failed.
LONGEST = 2700


@dataclass(frozen=True, slots=True)
class Cell:
    """One environment on one Python."""

    environment: str
    python: str
    is_another_python: bool = False

    def __str__(self) -> str:
        return f"{self.environment} on Python {self.python}"


CELLS = (
    Cell("airflow-3.3", "3.11"),
    Cell("airflow-3.3", "3.12", is_another_python=True),
    Cell("airflow-3.3", "3.13", is_another_python=True),
    Cell("airflow-3.1", "3.12"),
    Cell("airflow-2.11", "3.12"),
    Cell("lowest", "3.12"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """How a cell ended."""

    cell: Cell
    passed: int
    failed: int
    skipped: int
    seconds: float
    trouble: str = ""

    @property
    def is_green(self) -> bool:
        """Whether tests ran and none failed."""
        return self.passed > 0 and self.failed == 0 and not self.trouble

    def __str__(self) -> str:
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        verdict = "ok    " if self.is_green else "FAILED"
        return f"{verdict} {self.cell}: {self.trouble or counts} ({self.seconds:.0f} s)"


def main() -> int:
    """Run the cells that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time")
    parser.add_argument(
        "--except", dest="left_out", action="append", default=[], metavar="ENVIRONMENT@PYTHON"
    )
    parser.add_argument("--whole", action="store_true", help="leave nothing out on another Python")
    parser.add_argument("tests", nargs="*", default=["tests"], help="what pytest is given")
    asked = parser.parse_args()
    cells = [cell for cell in CELLS if f"{cell.environment}@{cell.python}" not in asked.left_out]
    # Environments are made one after another: they share the cache.
    made = [(cell, _environment(cell)) for cell in cells]
    with ThreadPoolExecutor(asked.jobs) as pool:
        results = list(pool.map(lambda pair: run(*pair, asked.tests, whole=asked.whole), made))
    print("\n".join(["", "Matrix:", *map(str, results)]), flush=True)
    return 0 if all(result.is_green for result in results) else 1


def _environment(cell: Cell) -> str:
    command = [sys.executable, str(ROOT / "scripts" / "environments.py"), "python", cell.environment]
    done = subprocess.run([*command, "--python", cell.python], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def run(cell: Cell, python: str, tests: list[str], *, whole: bool) -> Result:
    """Run the tests in one cell."""
    began = time.monotonic()
    if not python:
        return Result(cell, 0, 0, 0, 0.0, "its environment could not be made, see above")
    report = CACHE / f"matrix-{cell.environment}-{cell.python}.xml"
    report.unlink(missing_ok=True)
    log = report.with_suffix(".log")
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", "-q", f"--junitxml={report}"]
    left_out = OF_THE_AIRFLOW if cell.is_another_python and not whole else ()
    command += [f"--ignore={path}" for path in left_out]
    try:
        status = _pytest([*command, *tests], log)
    except subprocess.TimeoutExpired:
        return Result(cell, 0, 0, 0, LONGEST, f"no result after {LONGEST} s, see .cache/{log.name}")
    seconds = time.monotonic() - began
    if status != 0:
        sys.stdout.write(log.read_text(encoding="utf-8", errors="replace")[-20_000:])
    if not report.exists():
        return Result(cell, 0, 0, 0, seconds, f"pytest ended with {status} and no report")
    return _counted(cell, report, status, seconds)


def _pytest(command: list[str], log: Path) -> int:
    env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    with log.open("w", encoding="utf-8") as output:
        return subprocess.run(
            command,
            cwd=ROOT,
            env={**env, "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=LONGEST,
        ).returncode


def _counted(cell: Cell, report: Path, status: int, seconds: float) -> Result:
    suite = ElementTree.parse(report).getroot().find("testsuite")  # noqa: S314 - our own file
    counts = {} if suite is None else suite.attrib
    tests, skipped = int(counts.get("tests", 0)), int(counts.get("skipped", 0))
    failed = int(counts.get("failures", 0)) + int(counts.get("errors", 0))
    trouble = f"pytest ended with {status}" if status != 0 and failed == 0 else ""
    return Result(cell, tests - skipped - failed, failed, skipped, seconds, trouble)


if __name__ == "__main__":
    sys.exit(main())
