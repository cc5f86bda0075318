"""One run that publishes through a draft at a Socrata portal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_harness.processes import wait_until
from portal_harness.publications import COLUMNS, OLD_ROWS

from kill_harness.dag_files import install
from kill_harness.flow import Flow
from kill_harness.rows import KEYED, SOURCE_ROWS, Rows, comparable, file_of_a_revision, new_rows

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class SocrataFlow(Flow):
    """One run; the names of its gates are 4x4s, the number of the revision, and the id of its source."""

    source: str = ""
    copy: str = ""
    revision: int = 0
    upload: int = 0
    old: Rows = field(default_factory=list)
    person: str = ""
    persons_copy: Any = None
    persons_revision: Any = None

    # --- the run ---

    def prepare(self) -> None:
        """Install the DAG; make a dataset of the run's own, and the source that it reads."""
        install(self.dag, self.cluster)
        key = "event_id" if self.dag.way in KEYED else None
        self.dataset = self.admin.create_dataset(
            name="Road events", columns=COLUMNS, row_identifier=key, rows=OLD_ROWS
        )["id"]
        if self.dag.uses_revisions:
            self.admin.open_revision_as("person", self.dataset)
            (self.persons_revision,) = self.admin.revisions(self.dataset)
        more = [*COLUMNS, {"name": "Over", "fieldName": "over", "dataTypeName": "text"}]
        self.source = self.admin.create_dataset(name="Source", columns=more, rows=SOURCE_ROWS)["id"]
        self.old = comparable(self.admin.rows(self.dataset))

    def conf(self) -> dict[str, str]:
        """The dataset and the source."""
        return {"dataset": self.dataset, "source": self._source()}

    def _source(self) -> str:
        """Where the run reads: pages of the portal, or a file for a revision."""
        if not self.dag.uses_revisions:
            return f"{self.portal.url}/resource/{self.source}.json"
        file = self.cluster.home / f"{self.dataset}.csv"
        file.write_text(file_of_a_revision(), encoding="utf-8")
        return str(file)

    def names(self) -> Mapping[str, object]:
        """4x4s, the number of the run's revision, and the id of the last source made for it."""
        return {
            "dataset": self.dataset,
            "copy": self.copy,
            "source": self.source,
            "revision": self.revision,
            "upload": self.upload,
        }

    def note_names(self) -> None:
        """Find out the working copy, or the revision and its source."""
        self.copy = next((copy["id"] for copy in self.copies()), self.copy)
        for revision in self.revisions()[:1]:
            self.revision = revision["seq"]
            self.upload = max((source["id"] for source in revision["sources"]), default=self.upload)

    def marks(self) -> set[str]:
        """The 4x4s of the dataset and the copy, and the sources of the revisions."""
        sources = [f"/source/{source['id']}/" for each in self.revisions() for source in each["sources"]]
        return {self.dataset, self.copy, *sources} - {""}

    def wait_draft(self) -> None:
        """Wait until a working copy or a revision is open."""
        wait_until("a draft is open", lambda: bool(self.drafts()), 30)

    # --- what a person does ---

    def person_opens(self) -> None:
        """Let a person open a working copy of the dataset, and change a row in it."""
        copy = self.admin.open_working_copy_as("person", self.dataset)["id"]
        self.admin.write_rows(copy, [{"event_id": "e1", "lanes": 1234}])
        self.note_person()

    def note_person(self) -> None:
        """The working copy that is open now is a person's; a copy call of the run may land beside it."""
        (copy,) = self._open()
        self.person, self.persons_copy = copy["id"], (copy, self.admin.rows(copy["id"]))
        self.keeps_record = True

    def check(self, name: str) -> None:
        """Check that nothing of the run is left, that nobody saw half of it, and that nobody was hurt."""
        self.look()
        assert self.seen <= {"old", "new"}, f"{name}: the public saw rows that had not gone live"
        assert self.drafts() == [], f"{name}: a draft is left"
        if self.dag.uses_revisions:
            jobs = [job["status"] for revision in self.revisions() for job in revision["task_sets"]]
            applied = [status for status in jobs if status != "failure"]
            once = ["successful"] if self.public() == "new" else []
            assert applied == once, f"{name}: the task sets are {jobs}"
            assert self._persons_revisions() == [self.persons_revision], f"{name}: a person was hurt"
        if self.person:
            (copy,) = self._open()
            assert (copy, self.admin.rows(copy["id"])) == self.persons_copy, f"{name}: a person was hurt"

    # --- what the public, and the portal's owner, see ---

    def seen_now(self) -> str:
        """Look at the public rows."""
        rows = comparable(self.admin.rows(self.dataset))
        if rows == self.old:
            return "old"
        return "new" if rows == new_rows(self.dag.way) else f"mixed: {rows}"

    def copies(self) -> list[dict[str, Any]]:
        """The open working copies of the dataset, a person's excluded."""
        return [copy for copy in self._open() if copy["id"] != self.person]

    def revisions(self) -> list[dict[str, Any]]:
        """All revisions of the dataset, a person's excluded, newest first."""
        return [each for each in self.admin.revisions(self.dataset) if each["created_by"] != "person"]

    def _persons_revisions(self) -> list[dict[str, Any]]:
        return [each for each in self.admin.revisions(self.dataset) if each["created_by"] == "person"]

    def drafts(self) -> list[dict[str, Any]]:
        """The open working copies and revisions of the dataset, a person's excluded."""
        return [*self.copies(), *(each for each in self.revisions() if each["open"])]

    def left(self) -> list[Any]:
        """The open drafts."""
        return self.drafts()

    def _open(self) -> list[dict[str, Any]]:
        copies = self.admin.state(self.dataset)["copies"]
        return [copy for copy in copies if copy["stage"] == "unpublished"]
