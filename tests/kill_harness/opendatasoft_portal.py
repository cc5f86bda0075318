"""An Opendatasoft portal in a process of its own, and a person who works there."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from portal_harness.publications import OLD_ROWS

from airflow_socrata.emulator import OpendatasoftAdmin

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class EmulatorProcess:
    """The emulator as users run it; a context manager.

    While it processes, the public sees half of the new records.
    """

    def __init__(self) -> None:
        command = [sys.executable, "-m", "airflow_socrata.emulator", "--portal", "opendatasoft"]
        self._process = subprocess.Popen(
            [*command, "--json", "--port", "0", "--set", "processing_shows=half"],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the emulator did not start (exit status {self._process.wait()})")
        self.facts = json.loads(line)
        self.url: str = self.facts["url"]
        self.admin = OpendatasoftAdmin(self.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(30)
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def connection(self) -> dict[str, Any]:
        """An Airflow connection to it."""
        address = urlsplit(self.url)
        return {
            "conn_type": "opendatasoft",
            "host": address.hostname,
            "port": address.port,
            "password": self.facts["api_key"],
            "schema": address.scheme,
        }

    def edit_as_person(self, uid: str, title: str) -> None:
        """Let a person change a dataset's title, without publishing it."""
        key = self.admin.info()["users"]["person"]["api_key"]
        requests.put(
            f"{self.url}/api/automation/v1.0/datasets/{uid}/metadata/default/title/",
            json={"value": title},
            headers={"Authorization": f"Apikey {key}"},
            timeout=60,
        ).raise_for_status()


@dataclass(frozen=True, slots=True)
class DatasetBystander:
    """A dataset that a person is working on while runs are killed around it.

    :param dataset: its uid.
    :param state: the dataset with the person's edit, and its records, as they were.
    """

    portal: EmulatorProcess
    dataset: str
    state: Any

    @classmethod
    def open(cls, portal: EmulatorProcess) -> DatasetBystander:
        """Let a person edit a published dataset, and not publish the edit."""
        uid = portal.admin.create_dataset("road-works", "Road works", OLD_ROWS, user="person")["uid"]
        portal.edit_as_person(uid, "Road works, revised")
        return cls(portal, uid, cls._state(portal, uid))

    def is_untouched(self) -> bool:
        """Whether the dataset is as it was, and its person has not lost an edit."""
        return bool(self._state(self.portal, self.dataset) == self.state)

    @staticmethod
    def _state(portal: EmulatorProcess, uid: str) -> Any:
        return portal.admin.state(uid), portal.admin.records(uid)
