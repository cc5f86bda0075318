"""The portal as a whole, and one exchange with it."""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
import tempfile
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from airflow_socrata.emulator.clock import PortalClock
from airflow_socrata.emulator.faults import Fault, Faults, Holds
from airflow_socrata.emulator.opendatasoft.accounts import Accounts, Caller
from airflow_socrata.emulator.opendatasoft.errors import bad_request, not_found
from airflow_socrata.emulator.opendatasoft.faults import CONCERNED, KINDS
from airflow_socrata.emulator.opendatasoft.model import Config, Dataset, StoredFile, Version
from airflow_socrata.emulator.opendatasoft.settings import Switches

if TYPE_CHECKING:
    from collections.abc import Mapping

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(slots=True)
class Exchange:
    """One request and what is known about it.

    :param body: what it carried; None where that is in ``file`` because it is large or a form.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    origin: str
    body: bytes = b""
    form: Path | None = None
    faults: list[Fault] = field(default_factory=list)
    user: Caller | None = None
    parts: Mapping[str, str] = field(default_factory=dict)

    def first(self, name: str) -> str | None:
        """Return the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def all(self, name: str) -> list[str]:
        """Return all values of a query parameter."""
        return [value for key, value in self.query if key == name]

    def number(self, name: str, default: int) -> int:
        """Return a query parameter that is a whole number.

        :raises Refused: it is none.
        """
        text = self.first(name)
        if text is None or text == "":
            return default
        try:
            return int(text)
        except ValueError:
            raise bad_request(f"{name} must be an integer, not {text!r}") from None

    def fault(self, *kinds: str) -> Fault | None:
        """Return the first fault of these kinds that hits this request."""
        return next((fault for fault in self.faults if fault.kind in kinds), None)

    def json(self) -> Any:
        """Return the body's JSON, None for an empty body.

        :raises Refused: it is no JSON.
        """
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise bad_request(f"the body is not JSON: {error}") from None

    def object(self) -> dict[str, Any]:
        """Return the body's JSON object; empty for an empty body.

        :raises Refused: it is something else.
        """
        value = self.json()
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise bad_request("the body must be a JSON object")
        return value

    def form_fields(self) -> list[tuple[str, str]]:
        """Return the fields of a body that is a form."""
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @property
    def user_name(self) -> str:
        """The caller's name."""
        return self.user.name if self.user else "anonymous"


class Portal:
    """Everything that one emulated portal holds."""

    def __init__(self, switches: Switches | None = None, seed: int | None = None) -> None:
        self.initial = switches or Switches()
        self.switches = self.initial
        self.clock = PortalClock()
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 (ids, no secrets)
        self.folder = Path(tempfile.mkdtemp(prefix="portal-emulator-"))
        self.faults = Faults(kinds=KINDS, concerned=CONCERNED)
        self.holds = Holds()
        self.accounts = Accounts()
        self.datasets: dict[str, Dataset] = {}
        # The Management API's files are the domain's, not a dataset's.
        self.files: dict[str, StoredFile] = {}
        self.connections: dict[str, dict[str, Any]] = {}
        self.scripts: deque[dict[str, Any]] = deque()
        self.log: deque[dict[str, Any]] = deque(maxlen=20_000)
        self.sequence = 0
        self._changes = 0
        self._numbers = itertools.count(1)
        self.books = threading.RLock()

    def reset(self) -> None:
        """Become a fresh portal: no datasets, faults, log; real time; the switches of the start."""
        self.faults.clear()
        self.holds.reset()
        with self.books:
            self.clear()
            self.folder.mkdir(exist_ok=True)
            self.accounts = Accounts()
            self.datasets.clear()
            self.files.clear()
            self.connections.clear()
            self.scripts.clear()
            self.log.clear()
            self.clock.reset()
            self.switches = self.initial

    def clear(self) -> None:
        """Remove all that was written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_uid(self, prefix: str) -> str:
        """Return a fresh uid such as ``da_k3v9qz``."""
        return f"{prefix}_" + "".join(self.random.choice(_LETTERS) for _ in range(6))

    def new_hex(self, digits: int) -> str:
        """Return random hexadecimal digits."""
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def new_path(self) -> Path:
        """Return a path for a new file."""
        return self.folder / f"file-{next(self._numbers)}"

    def dataset(self, uid: str) -> Dataset:
        """Return a dataset by its uid.

        :raises Refused: 404 when there is none.
        """
        found = self.datasets.get(uid)
        if found is None:
            raise not_found()
        return found

    def by_id(self, dataset_id: str) -> Dataset | None:
        """Return the first dataset with a dataset id."""
        return next((one for one in self.datasets.values() if one.dataset_id == dataset_id), None)

    def file(self, dataset: Dataset, uid: str) -> StoredFile | None:
        """Return an uploaded file that a resource of a dataset may name."""
        return dataset.files.get(uid) or self.files.get(uid)

    def new_dataset(self, user: str, dataset_id: str | None, config: Config) -> Dataset:
        """Make a dataset; without a dataset id it is called after its title, or its uid.

        The caller has seen to it that a given dataset id may be used.
        """
        now = self.clock.now()
        uid = self.new_uid("da")
        made = Dataset(uid, dataset_id or "", now, now, user, config)
        if dataset_id is None:
            title = config.metadata.get("default", {}).get("title", {}).get("value")
            made.dataset_id = self.free_id(slug(str(title), "-") if title else uid)
        made.state.since = now
        self.datasets[uid] = made
        self.note(made, user, ("creation",), Config())
        return made

    def free_id(self, wanted: str) -> str:
        """Return a dataset id that is not taken, the wanted one if possible."""
        name, number = wanted, 0
        while self.by_id(name) is not None:
            number += 1
            name = f"{wanted}{number}"
        return name

    def note(self, dataset: Dataset, user: str, sections: tuple[str, ...], before: Config) -> None:
        """Write a change of the configuration into the history.

        :param before: the configuration as it was.
        """
        self._changes += 1
        now = self.clock.now()
        dataset.updated_at = now
        version = Version(
            self._changes, self.new_uid("ch"), now, user, sections, before, dataset.config.copy()
        )
        dataset.versions.append(version)
        del dataset.versions[: -self.switches.versions_kept or None]


def slug(text: str, blank: str) -> str:
    """Return a text in lower case with ``blank`` for whatever is no letter or digit."""
    return re.sub(r"[^a-z0-9]+", blank, text.lower()).strip(blank) or "x"
