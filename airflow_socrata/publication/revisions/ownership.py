"""Whose revision is it? Decided before one is discarded; another's may stay open beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.client import revisions as calls
from airflow_socrata.publication.operation import Intent, Mark, Operation, Phase
from airflow_socrata.publication.ownership import Ownership, of_mark
from airflow_socrata.publication.revisions.finding import is_made_for, open_revisions

if TYPE_CHECKING:
    from airflow_socrata.client import View
    from airflow_socrata.client.revision_models import Revision
    from airflow_socrata.publication.publisher import Publisher


@dataclass(frozen=True, slots=True)
class RevisionFinding:
    """An open revision and whose it is."""

    revision: Revision
    ownership: Ownership
    operation: Operation | None
    intent: Intent | None

    def __str__(self) -> str:
        by = f" of {self.operation}" if self.operation is not None else ""
        return f"revision {self.revision.seq}{by} ({self.ownership.value})"

    @property
    def may_go_live(self) -> bool:
        """Whether its apply may be under way, or a steward may have to decide on it."""
        job = self.revision.last_task_set
        running = job is not None and not job.is_terminal
        return running or (self.intent is not None and self.intent.phase is Phase.PUBLISHING)


def find_open(publisher: Publisher, dataset: View, operation: Operation) -> list[RevisionFinding]:
    """List the open revisions of a dataset with whose they are, as an operation sees them.

    A new revision shows the metadata of the published view, and with it the mark of what was published last.
    So a mark belongs to the oldest revision that carries it; on any later one it is inherited.
    """
    keys = sorted({*publisher.intents.unfinished(publisher.domain, dataset.id), operation.key})
    intents = [intent for key in keys if (intent := publisher.intents.load(key)) is not None]
    found = open_revisions(publisher, dataset.id)
    first = _oldest_by_mark(publisher, dataset, found)
    return [_whose(revision, first, operation, intents, publisher) for revision in found]


def _oldest_by_mark(publisher: Publisher, dataset: View, found: tuple[Revision, ...]) -> dict[str, int]:
    """Map the name in a mark to the oldest revision that carries it, if the view does not carry it, too."""
    published = Mark.on(dataset)
    marked = {mark.draft for revision in found if (mark := Mark.on(revision)) is not None}
    if not marked:
        return {}
    oldest: dict[str, int] = {}
    for revision in publisher.send(calls.listing(dataset.id)):
        mark = Mark.on(revision)
        if mark is not None and revision.seq < oldest.get(mark.draft, revision.seq + 1):
            oldest[mark.draft] = revision.seq
    if published is not None:
        oldest.pop(published.draft, None)
    return oldest


def _whose(
    revision: Revision,
    oldest: dict[str, int],
    operation: Operation,
    intents: list[Intent],
    publisher: Publisher,
) -> RevisionFinding:
    for intent in intents:
        if intent.is_revision and is_made_for(revision, intent):
            ownership = of_mark(intent.operation, operation, publisher.runs)
            return RevisionFinding(revision, ownership, intent.operation, intent)
    mark = Mark.on(revision)
    if mark is None or oldest.get(mark.draft) != revision.seq:
        return RevisionFinding(revision, Ownership.PERSONS, None, None)
    recorded = next((known for known in intents if known.operation.key == mark.operation.key), None)
    ownership = of_mark(mark.operation, operation, publisher.runs)
    return RevisionFinding(revision, ownership, mark.operation, recorded)
