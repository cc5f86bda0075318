"""Emulator processes with the datasets of the example DAGs, and the settings of an Airflow that uses them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from airflow_socrata.emulator import EmulatorAdmin, OpendatasoftAdmin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from real_data import RealData

AIRPORTS, FLIGHTS = "airp-orts", "flig-hts2"
#: Dataset id at the Opendatasoft portal.
AIRPORTS_ID = "airports"
AIRPORTS_TITLE = "Airports of the world"
EXAMPLES = Path(__file__).resolve().parent.parent / "example_dags"

_AIRPORT_COLUMNS = {
    **dict.fromkeys(("icao", "iata", "name", "city", "subd", "country"), "text"),
    **dict.fromkeys(("elevation", "lat", "lon"), "number"),
    **dict.fromkeys(("tz", "lid"), "text"),
    "location": "point",
}
_FLIGHT_TEXTS = {"carrier", "tailnum", "origin", "dest"}


class AnyPortal(Protocol):
    """A running emulator, as the demo looks at it."""

    facts: dict[str, str]

    def rows(self, dataset: str) -> int:
        """Return how many rows the public sees."""

    def open_drafts(self, dataset: str) -> frozenset[str]:
        """Return what is begun and neither published nor discarded."""

    def digest(self, dataset: str) -> str:
        """Return what tells the public rows from others."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A running emulator of a Socrata portal."""

    facts: dict[str, str]
    admin: EmulatorAdmin

    def rows(self, dataset: str) -> int:
        """Return how many rows the public sees."""
        return int(self.admin.state(dataset)["rows"])

    def open_drafts(self, dataset: str) -> frozenset[str]:
        """Return the open working copies, by 4x4, and the open revisions, by number."""
        copies = self.admin.state(dataset)["copies"]
        unpublished = (copy["id"] for copy in copies if copy["stage"] == "unpublished")
        revisions = (str(each["seq"]) for each in self.admin.revisions(dataset) if each["open"])
        return frozenset((*unpublished, *revisions))

    def digest(self, dataset: str) -> str:
        """Return what tells the public rows from others."""
        return _digest(self.admin.rows(dataset))

    def published(self) -> frozenset[str]:
        """Return the 4x4s of the published datasets."""
        return frozenset(each["id"] for each in self.admin.datasets() if each["stage"] == "published")

    def is_held(self, hold: str, seconds: float) -> bool:
        """Wait until the portal holds a call; return whether it does."""
        try:
            self.admin.wait_held(hold, timeout=seconds)
        except TimeoutError:
            return False
        return True

    def connection(self) -> str:
        """Return the connection as JSON, for ``AIRFLOW_CONN_SOCRATA_DEFAULT``."""
        address = urlsplit(self.facts["url"])
        return json.dumps({
            "conn_type": "socrata",
            "host": address.hostname,
            "port": address.port,
            "login": self.facts["username"],
            "password": self.facts["password"],
            "extra": {"app_token": self.facts["app_token"], "verify": self.facts["ca_file"]},
        })


@dataclass(frozen=True, slots=True)
class OpendatasoftPortal:
    """A running emulator of an Opendatasoft portal; its one dataset has the airports."""

    facts: dict[str, str]
    admin: OpendatasoftAdmin

    def rows(self, dataset: str) -> int:
        """Return how many records the public sees."""
        return int(self.admin.state(dataset)["records"] or 0)

    def open_drafts(self, dataset: str) -> frozenset[str]:
        """Return the processing that is under way, if any."""
        return frozenset(filter(None, [self.admin.state(dataset)["run"]]))

    def digest(self, dataset: str) -> str:
        """Return what tells the public records, and the file that they came from, from others."""
        files = [resource["datasource"] for resource in self.admin.state(dataset)["resources"]]
        return _digest([*files, *self.admin.records(dataset)])

    def connection(self) -> str:
        """Return the connection as JSON, for ``AIRFLOW_CONN_OPENDATASOFT_DEFAULT``."""
        address = urlsplit(self.facts["url"])
        return json.dumps({
            "conn_type": "opendatasoft",
            "host": address.hostname,
            "port": address.port,
            "password": self.facts["api_key"],
            "extra": {"verify": self.facts["ca_file"]},
        })

    def create_dataset(self, data: RealData) -> None:
        """Create the airports' dataset, with the former ones published."""
        self.admin.create_dataset(
            AIRPORTS_ID,
            AIRPORTS_TITLE,
            csv_text=data.airports_former.read_text(encoding="utf-8"),
            id_fields=["icao"],
            filename="airports-former.csv",
            resource_title="Airports",
        )


def _digest(parts: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(json.dumps(part, sort_keys=True).encode())
    return digest.hexdigest()


@contextmanager
def running(port: int = 0) -> Iterator[Portal]:
    """Run an emulator of a Socrata portal until the block ends."""
    with _emulator("socrata", port) as facts:
        yield Portal(facts, EmulatorAdmin(facts["url"], facts["ca_file"]))


@contextmanager
def opendatasoft_running(port: int = 0) -> Iterator[OpendatasoftPortal]:
    """Run an emulator of an Opendatasoft portal until the block ends."""
    with _emulator("opendatasoft", port) as facts:
        yield OpendatasoftPortal(facts, OpendatasoftAdmin(facts["url"], facts["ca_file"]))


@contextmanager
def _emulator(vendor: str, port: int) -> Iterator[dict[str, str]]:
    """Run an emulator with TLS in a process of its own."""
    command = [sys.executable, "-m", "airflow_socrata.emulator", "--portal", vendor, "--tls", "--json"]
    process = subprocess.Popen(
        [*command, "--port", str(port)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise RuntimeError(f"the emulator did not start (exit status {process.wait()})")
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(timeout=30)


def create_datasets(portal: Portal, data: RealData) -> None:
    """Create the two datasets of the examples, empty, published and public."""
    with data.flights.open(encoding="utf-8") as file:
        flights = file.readline().strip().split(",")
    types = {name: "text" if name in _FLIGHT_TEXTS else "number" for name in flights} | {"time_hour": "date"}
    portal.admin.create_dataset(
        AIRPORTS, AIRPORTS_TITLE, list(_AIRPORT_COLUMNS.items()), row_identifier="icao"
    )
    portal.admin.create_dataset(FLIGHTS, "Flights from New York City, 2013", list(types.items()))


def airflow_environment(
    home: Path, portal: Portal, opendatasoft: OpendatasoftPortal, data: RealData
) -> dict[str, str]:
    """Return the environment of an Airflow with the example DAGs and the connections to the portals."""
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_SOCRATA_DEFAULT": portal.connection(),
        "AIRFLOW_CONN_OPENDATASOFT_DEFAULT": opendatasoft.connection(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRPORTS_FORMER_FILE": str(data.airports_former),
        "AIRPORTS_NEW_FILE": str(data.airports_new),
        "AIRPORTS_NOTES_FILE": str(data.airports_notes),
        "AIRPORTS_CHANGES_FILE": str(home / "airports-changes.csv"),
        "AIRPORTS_REJECTED_FILE": str(home / "airports-rejected.csv"),
        "AIRPORTS_KEPT_FOLDER": str(home / "kept"),
        "FLIGHTS_FILE": str(data.flights),
        # `airflow standalone` starts its parts by name.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        # On a laptop a proxy has no part in this.
        "NO_PROXY": "*",
    }
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHONPATH"))
    }
    return inherited | settings
