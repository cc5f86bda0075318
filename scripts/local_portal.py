"""An emulator process with the datasets of the example DAGs, and the settings of an Airflow that uses it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_socrata.emulator import EmulatorAdmin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from real_data import RealData

AIRPORTS, FLIGHTS = "airp-orts", "flig-hts2"
EXAMPLES = Path(__file__).resolve().parent.parent / "example_dags"

_AIRPORT_COLUMNS = {
    **dict.fromkeys(("icao", "iata", "name", "city", "subd", "country"), "text"),
    **dict.fromkeys(("elevation", "lat", "lon"), "number"),
    **dict.fromkeys(("tz", "lid"), "text"),
    "location": "point",
}
_FLIGHT_TEXTS = {"carrier", "tailnum", "origin", "dest"}


@dataclass(frozen=True, slots=True)
class Portal:
    """A running emulator."""

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
        digest = hashlib.sha256()
        for row in self.admin.rows(dataset):
            digest.update(json.dumps(row, sort_keys=True).encode())
        return digest.hexdigest()

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


@contextmanager
def running(port: int = 0) -> Iterator[Portal]:
    """Run an emulator with TLS in a process of its own until the block ends."""
    command = [sys.executable, "-m", "airflow_socrata.emulator", "--tls", "--json", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise RuntimeError(f"the emulator did not start (exit status {process.wait()})")
        facts = json.loads(line)
        yield Portal(facts, EmulatorAdmin(facts["url"], facts["ca_file"]))
    finally:
        process.terminate()
        process.wait(timeout=30)


def create_datasets(portal: Portal, data: RealData) -> None:
    """Create the two datasets of the examples, empty, published and public."""
    with data.flights.open(encoding="utf-8") as file:
        flights = file.readline().strip().split(",")
    types = {name: "text" if name in _FLIGHT_TEXTS else "number" for name in flights} | {"time_hour": "date"}
    portal.admin.create_dataset(
        AIRPORTS, "Airports of the world", list(_AIRPORT_COLUMNS.items()), row_identifier="icao"
    )
    portal.admin.create_dataset(FLIGHTS, "Flights from New York City, 2013", list(types.items()))


def airflow_environment(home: Path, portal: Portal, data: RealData) -> dict[str, str]:
    """Return the environment of an Airflow with the example DAGs and the connection to the portal."""
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_SOCRATA_DEFAULT": portal.connection(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRPORTS_FORMER_FILE": str(data.airports_former),
        "AIRPORTS_NEW_FILE": str(data.airports_new),
        "AIRPORTS_CHANGES_FILE": str(home / "airports-changes.csv"),
        "AIRPORTS_REJECTED_FILE": str(home / "airports-rejected.csv"),
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
