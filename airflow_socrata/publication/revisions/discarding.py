"""The one place that discards a revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import Conflict, NotFound
from airflow_socrata.client import revisions as calls
from airflow_socrata.publication.errors import PublicationError
from airflow_socrata.publication.operation import Mark
from airflow_socrata.publication.revisions.finding import open_revisions, read_or_none

if TYPE_CHECKING:
    from airflow_socrata.publication.operation import Intent
    from airflow_socrata.publication.publisher import Publisher


class StillApplying(PublicationError):
    """A revision is being applied and cannot be discarded now."""

    permanent = False


def discard_revision(publisher: Publisher, dataset: str, seq: int) -> bool:
    """Close an open revision for ever: re-read it just before, discard it; the dataset is not touched.

    :return: whether there was one to discard.
    :raises StillApplying: the portal is applying it.
    """
    return publisher.session.repeat(lambda: _look_then_discard(publisher, dataset, seq))


def discard_strays(publisher: Publisher, intent: Intent) -> None:
    """Discard what other create calls of an operation have made that landed late."""
    if len(intent.names) < 2:
        return
    for revision in open_revisions(publisher, intent.dataset):
        mark = Mark.on(revision)
        if mark is not None and mark.draft in intent.names and revision.seq != intent.revision:
            discard_revision(publisher, intent.dataset, revision.seq)


def _look_then_discard(publisher: Publisher, dataset: str, seq: int) -> bool:
    revision = read_or_none(publisher, dataset, seq)
    if revision is None or not revision.is_open:
        return False
    job = revision.last_task_set
    if job is not None and not job.is_terminal:
        raise StillApplying(f"Revision {seq} of {dataset} is being applied ({job.status}); it stays.")
    try:
        publisher.send(calls.discard(revision))
    except NotFound:
        return False
    except Conflict:
        again = read_or_none(publisher, dataset, seq)
        if again is not None and again.is_open:
            raise
        return False
    publisher.log(f"Revision {seq} of {dataset} was discarded.")
    return True
