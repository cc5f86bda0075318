"""One run that uploads a file to an Opendatasoft portal and publishes the dataset."""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from portal_harness.publications import OLD_ROWS

from kill_harness.dag_files import install
from kill_harness.flow import Flow
from kill_harness.rows import SOURCE_ROWS, Rows, comparable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NEW_ROWS = [row for row in SOURCE_ROWS if "over" not in row]
TITLE = "Road events"
#: Characters of a long text; a field of a CSV file may have 131,072.
LONG = 130_000
_NUMBERS = itertools.count(1)


@dataclass(slots=True)
class OpendatasoftFlow(Flow):
    """One run; ``dataset`` is the dataset's uid.

    :param dataset_id: of the dataset.
    :param resource: uid of its only resource.
    :param title: of the dataset; a person may change it.
    :param old: the records before.
    :param before: the resources before.
    :param padding: more columns of the file, each with a long text in all rows.
    """

    dataset_id: str = ""
    resource: str = ""
    title: str = TITLE
    old: Rows = field(default_factory=list)
    before: Any = None
    padding: int = 0

    # --- the run ---

    def prepare(self) -> None:
        """Install the DAG; make a published dataset of the run's own, and the file that it uploads."""
        install(self.dag, self.cluster)
        self.dataset_id = f"road-events-{next(_NUMBERS)}"
        made = self.admin.create_dataset(self.dataset_id, TITLE, OLD_ROWS, resource_title=TITLE)
        self.dataset = made["uid"]
        (resource,) = made["resources"]
        self.resource = resource["uid"]
        self.before = self._resources()
        self.old = comparable(OLD_ROWS)
        (self.cluster.home / self.dataset_id).mkdir()
        with self._file.open("w", encoding="utf-8", newline="") as file:
            more = {f"note_{number}": "x" * LONG for number in range(self.padding)}
            writer = csv.DictWriter(file, ["event_id", "street", "lanes", *more], lineterminator="\n")
            writer.writeheader()
            writer.writerows(row | more for row in NEW_ROWS)

    @property
    def _file(self) -> Path:
        return self.cluster.home / self.dataset_id / "road-events.csv"

    def conf(self) -> dict[str, str]:
        """The dataset, the file, and where a copy of the old one is kept."""
        keep = self.cluster.home / self.dataset_id / "kept"
        return {"dataset": self.dataset_id, "source": str(self._file), "keep": str(keep)}

    def names(self) -> Mapping[str, object]:
        """The dataset's uid and id, and the uid of its resource."""
        return {"dataset": self.dataset, "dataset_id": self.dataset_id, "resource": self.resource}

    def note_names(self) -> None:
        """Nothing new: the dataset and its resource stay the same."""

    def marks(self) -> set[str]:
        """The dataset's uid; Explore's calls have its id instead, those of the public too."""
        return {f"/{self.dataset}/"}

    # --- what a person does ---

    def person_edits(self) -> None:
        """Let a person change the dataset's title, without publishing it."""
        self.title = "Road events of a person"
        self.portal.edit_as_person(self.dataset, self.title)

    # --- what the public, and the portal's owner, see ---

    def seen_now(self) -> str:
        """Look at the public records through Explore."""
        address = f"{self.portal.url}/api/explore/v2.1/catalog/datasets/{self.dataset_id}/exports/json"
        reply = requests.get(address, params={"limit": -1, "select": "event_id, street, lanes"}, timeout=60)
        if reply.status_code == 404:
            return "gone"
        reply.raise_for_status()
        rows = comparable(reply.json())
        if rows == self.old:
            return "old"
        return "new" if rows == comparable(NEW_ROWS) else f"mixed: {rows}"

    def left(self) -> list[Any]:
        """The processing that is under way."""
        state = self.admin.state(self.dataset)
        return [state["internal"]] if state["run"] else []

    def check(self, name: str) -> None:
        """Check that the dataset was never gone, and that its resource goes with what the public sees."""
        now = self.public()
        assert "gone" not in self.seen, f"{name}: the public saw no dataset"
        assert now in {"old", "new"}, f"{name}: the public sees {now}"
        assert not self.left(), f"{name}: the portal is still busy"
        state = self.admin.state(self.dataset)
        assert (state["status"], state["published"]) == ("idle", True), f"{name}: {state['status']}"
        assert state["title"] == self.title, f"{name}: a person was hurt"
        if now == "old":
            assert self._resources() == self.before, f"{name}: the resource is another"
        else:
            (resource,) = self._resources()
            file = resource["datasource"]["file"]["uid"]
            assert resource["uid"] == self.resource, f"{name}: the resource is another"
            assert file != self.before[0]["datasource"]["file"]["uid"], f"{name}: the resource has {file}"

    def _resources(self) -> list[dict[str, Any]]:
        found = self.admin.state(self.dataset)["resources"]
        return [{key: value for key, value in one.items() if key != "updated_at"} for one in found]
