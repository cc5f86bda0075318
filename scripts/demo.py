"""The main job, on real data, on this machine: `make demo`.

Starts the emulator with TLS, lets a real Airflow run the example DAGs, and prints what the public saw:
airports loaded, then upserted with a year's changes; flights replaced; and a run whose file breaks half-way,
which is rolled back.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import local_portal
from local_portal import AIRPORTS, FLIGHTS, Portal
from real_data import CACHE, fetch

if TYPE_CHECKING:
    from pathlib import Path

HOME = CACHE / "demo"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    what: str
    dataset: str
    before: int
    after: int
    copies: int
    seconds: float
    state: str
    expected: str
    rows_expected: int

    @property
    def is_right(self) -> bool:
        """Whether the run ended as it should, with the rows that it should, and left no working copy."""
        return (self.state, self.after, self.copies) == (self.expected, self.rows_expected, 0)


def main() -> int:
    """Run the demo; the exit status tells whether every run ended as it should."""
    say("Fetching the airports and flights from the package registry ...")
    data = fetch()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    broken = break_half_way(data.flights, HOME / "flights-broken.csv")
    former, new, flights = (count(path) for path in (data.airports_former, data.airports_new, data.flights))
    with local_portal.running() as portal:
        local_portal.create_datasets(portal, data)
        say(f"The emulator serves {portal.facts['url']}; setting Airflow up ...")
        demo = Demo(portal, local_portal.airflow_environment(HOME / "airflow", portal, data))
        demo.airflow("db", "migrate")
        first = {"former": "", "new": str(data.airports_former)}
        lines = [
            demo.run("airports: first load", "socrata_airports_upsert", AIRPORTS, former, first),
            demo.run("airports: a year's changes", "socrata_airports_upsert", AIRPORTS, new, {}),
            demo.run("flights: replaced", "socrata_flights_replace", FLIGHTS, flights, {}),
            demo.run(
                "flights: file breaks half-way",
                "socrata_flights_replace",
                FLIGHTS,
                flights,
                {"source": str(broken)},
                expected="failed",
            ),
        ]
    print_table(lines)
    if not all(line.is_right for line in lines):
        say(f"Not as it should be; the logs are below {HOME}.")
        return 1
    say("The last run failed on purpose: the public still sees every flight, and no working copy is left.")
    return 0


@dataclass(frozen=True, slots=True)
class Demo:
    """The portal, and an Airflow that publishes to it."""

    portal: Portal
    environment: dict[str, str]

    def airflow(self, *arguments: str, log: str = "setup") -> int:
        """Run an Airflow command; its output goes to a log."""
        command = [sys.executable, "-m", "airflow", *arguments]
        with (HOME / f"{log}.log").open("w", encoding="utf-8") as output:
            done = subprocess.run(
                command,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        return done.returncode

    def run(
        self,
        what: str,
        dag_id: str,
        dataset: str,
        rows: int,
        conf: dict[str, str],
        *,
        expected: str = "success",
    ) -> Line:
        """Run a DAG to its end and look at what the public sees."""
        say(f"{what} ({dag_id}) ...")
        before, began = self.portal.rows(dataset), time.monotonic()
        log = what.replace(":", "").replace(" ", "-").replace("'", "")
        status = self.airflow("dags", "test", dag_id, "--conf", json.dumps(conf), log=log)
        seconds = time.monotonic() - began
        state = "success" if status == 0 else "failed"
        after, copies = self.portal.rows(dataset), self.portal.working_copies(dataset)
        return Line(what, dataset, before, after, copies, seconds, state, expected, rows)


def break_half_way(source: Path, target: Path) -> Path:
    """Copy a file with a record in its middle that lacks cells."""
    with source.open(encoding="utf-8") as read, target.open("w", encoding="utf-8") as write:
        for number, line in enumerate(read):
            write.write("2013,6,31\n" if number == 170_000 else line)
    return target


def count(path: Path) -> int:
    """Count the records of a file whose records are lines, its header left out."""
    with path.open("rb") as file:
        return sum(1 for _ in file) - 1


def print_table(lines: list[Line]) -> None:
    """Print what was published."""
    head = (
        "run",
        "dataset",
        "rows before",
        "rows after",
        "working copies",
        "seconds",
        "run is",
        "as it should be",
    )
    rows = [
        (
            line.what,
            line.dataset,
            f"{line.before:,}",
            f"{line.after:,}",
            str(line.copies),
            f"{line.seconds:.1f}",
            line.state,
            "yes" if line.is_right else "NO",
        )
        for line in lines
    ]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    print()
    for row in (head, tuple("-" * width for width in widths), *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print()


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
