"""The main job, on real data, on this machine: `make demo`.

Starts the emulators with TLS, lets a real Airflow run the example DAGs, and prints what the public saw.
At a Socrata portal: airports loaded, then upserted with a year's changes; flights replaced; airports revised,
with transforms; and the whole life of a dataset, on each back end. At an Opendatasoft portal: airports
replaced. And three runs that fail, two of them since their files are broken, which are rolled back.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import local_portal
from local_portal import AIRPORTS, AIRPORTS_ID, FLIGHTS, AnyPortal, OpendatasoftPortal, Portal
from real_data import CACHE, fetch

if TYPE_CHECKING:
    from pathlib import Path

HOME = CACHE / "demo"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    :param left: working copies and revisions that the run has left open.
    :param kept: whether nobody else's was touched, and, where asked, every public row is as before, or the
        dataset is gone at the end of its life.
    """

    what: str
    dataset: str
    before: int
    after: int
    left: int
    kept: bool
    seconds: float
    state: str
    expected: str
    rows_expected: int

    @property
    def is_right(self) -> bool:
        """Whether the run ended as it should, with the rows that it should, and left nothing open."""
        ended = (self.state, self.after, self.left) == (self.expected, self.rows_expected, 0)
        return ended and self.kept


def main() -> int:
    """Run the demo; the exit status tells whether every run ended as it should."""
    say("Fetching the airports and flights from the package registry ...")
    data = fetch()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    broken = break_half_way(data.flights, HOME / "flights-broken.csv")
    misspelt, wrong = misspell_latitudes(data.airports_new, HOME / "airports-misspelt.csv")
    rejected = HOME / "airports-rejected.csv"
    former, new, flights = (count(path) for path in (data.airports_former, data.airports_new, data.flights))
    with local_portal.running() as portal, local_portal.opendatasoft_running() as opendatasoft:
        local_portal.create_datasets(portal, data)
        opendatasoft.create_dataset(data)
        say(f"Two portals: Socrata at {portal.facts['url']}, Opendatasoft at {opendatasoft.facts['url']}.")
        say("Setting Airflow up ...")
        environment = local_portal.airflow_environment(HOME / "airflow", portal, opendatasoft, data)
        demo = Demo(portal, environment)
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
        persons = portal.admin.open_revision_as("person", AIRPORTS)
        say(f"A person opens revision {persons} of {AIRPORTS}; nothing of theirs may change from now on.")
        lines += [
            demo.run("airports: revised", "socrata_airports_revision", AIRPORTS, new, {}),
            demo.run(
                "airports: latitudes misspelt",
                "socrata_airports_revision",
                AIRPORTS,
                new,
                {"source": str(misspelt), "rejected": str(rejected)},
                expected="failed",
                compare=True,
            ),
        ]
        heights = Counter(str(row.get("height")) for row in portal.admin.rows(AIRPORTS))
        still_open = portal.open_drafts(AIRPORTS)
        lines += [whole_life(demo, portal, backend, new) for backend in ("new", "old")]
        lines += at_the_opendatasoft_portal(opendatasoft, environment, new)
    print_table(lines)
    told = rejected_rows(rejected)
    transformed = set(heights) == {"high", "middle", "low"}
    if not all(line.is_right for line in lines) or not transformed or told != wrong:
        say(f"Not as it should be ({dict(heights)}, {told} of {wrong} rows); the logs are below {HOME}.")
        return 1
    say("The transforms of the revision sorted the airports by height: " + in_words(heights) + ".")
    say("Three runs failed on purpose: the public sees every flight and every airport as before them, no")
    say(f"working copy is left, and the only open revision is the person's ({', '.join(still_open)}).")
    say("Two datasets were created from a file's columns, and looked at just before they were deleted again.")
    say(f"The {len(told)} rows that the portal could not convert: {rejected}")
    return 0


def at_the_opendatasoft_portal(
    portal: OpendatasoftPortal, environment: dict[str, str], new: int
) -> list[Line]:
    """Replace the airports; then once more, and the portal takes a part of the records only."""
    demo, dag_id = Demo(portal, environment), "opendatasoft_airports"
    replaced = demo.run("airports: replaced", dag_id, AIRPORTS_ID, new, {})
    portal.admin.script(AIRPORTS_ID, "limit", limit=20_000)
    return [
        replaced,
        demo.run(
            "airports: the portal stops at its record limit",
            dag_id,
            AIRPORTS_ID,
            new,
            {},
            expected="failed",
            compare=True,
        ),
    ]


def whole_life(demo: Demo, portal: Portal, backend: str, rows: int) -> Line:
    """Create, fill, mend and delete a dataset; it is looked at while the portal holds the deletion."""
    what, dag_id = f"a dataset's whole life, {backend} back end", "socrata_dataset_life"
    say(f"{what} ({dag_id}) ...")
    before, hold = portal.published(), portal.admin.hold("DELETE", "/api/views/")
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(demo.test, what, dag_id, {"backend": backend})
        held = False
        while not held and not run.done():
            held = portal.is_held(hold, seconds=1)
        made = portal.published() - before if held else frozenset()
        after = sum(portal.rows(dataset) for dataset in made)
        left = sum(len(portal.open_drafts(dataset)) for dataset in made)
        portal.admin.release(hold)
    deleted = portal.published() == before
    seconds = time.monotonic() - began
    name = ", ".join(made) or "none"
    return Line(what, name, 0, after, left, deleted, seconds, run.result(), "success", rows)


@dataclass(frozen=True, slots=True)
class Demo:
    """A portal, and an Airflow that publishes to it."""

    portal: AnyPortal
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

    def test(self, what: str, dag_id: str, conf: dict[str, str]) -> str:
        """Run a DAG to its end; return the run's state."""
        log = re.sub("[^a-z-]", "", what.replace(" ", "-"))
        status = self.airflow("dags", "test", dag_id, "--conf", json.dumps(conf), log=log)
        return "success" if status == 0 else "failed"

    def run(
        self,
        what: str,
        dag_id: str,
        dataset: str,
        rows: int,
        conf: dict[str, str],
        *,
        expected: str = "success",
        compare: bool = False,
    ) -> Line:
        """Run a DAG to its end and look at what the public sees; ``compare`` all rows with those before."""
        say(f"{what} ({dag_id}) ...")
        before, others = self.portal.rows(dataset), self.portal.open_drafts(dataset)
        public = self.portal.digest(dataset) if compare else None
        began = time.monotonic()
        state = self.test(what, dag_id, conf)
        seconds = time.monotonic() - began
        after, drafts = self.portal.rows(dataset), self.portal.open_drafts(dataset)
        kept = others <= drafts and (not compare or self.portal.digest(dataset) == public)
        left = len(drafts - others)
        return Line(what, dataset, before, after, left, kept, seconds, state, expected, rows)


def break_half_way(source: Path, target: Path) -> Path:
    """Copy a file with a record in its middle that lacks cells."""
    with source.open(encoding="utf-8") as read, target.open("w", encoding="utf-8") as write:
        for number, line in enumerate(read):
            write.write("2013,6,31\n" if number == 170_000 else line)
    return target


def misspell_latitudes(source: Path, target: Path) -> tuple[Path, set[int]]:
    """Copy a file with latitudes that are no numbers; return also the numbers of these rows, from 1."""
    wrong = {1_000, 10_000, 20_000}
    with source.open(encoding="utf-8", newline="") as read, target.open("w", encoding="utf-8") as write:
        rows = csv.DictReader(read)
        writer = csv.DictWriter(write, list(rows.fieldnames or ()))
        writer.writeheader()
        for number, row in enumerate(rows, start=1):
            writer.writerow({**row, "lat": f"{row['lat']} N"} if number in wrong else row)
    return target, wrong


def rejected_rows(path: Path) -> set[int]:
    """Return the numbers of the rows in a file of rejected cells."""
    with path.open(encoding="utf-8", newline="") as file:
        return {int(row["row"]) for row in csv.DictReader(file)}


def in_words(counts: Counter[str]) -> str:
    """Return counts as a list, the greatest first."""
    return ", ".join(f"{number:,} {name}" for name, number in counts.most_common())


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
        "left open",
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
            str(line.left),
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
