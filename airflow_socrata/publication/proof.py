"""Did it go live? Only the published view can tell."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from airflow_socrata.publication import waits
from airflow_socrata.publication.errors import WaitTimeout
from airflow_socrata.publication.operation import Intent, Mark, Phase
from airflow_socrata.publication.preflight import count_rows

if TYPE_CHECKING:
    from airflow_socrata.client import View
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.waits import Sighting


class Outcome(enum.Enum):
    """What became of a publication, as far as the portal shows."""

    PUBLISHED = "published"
    OPEN = "the working copy is still a draft"
    AWAITS_APPROVAL = "a steward has yet to approve it"
    UNPROVED = "the working copy is gone, and nothing proves that it went live"


def carries_our_mark(published: View, draft: str) -> bool:
    """Whether the published view says that this very draft became it.

    :param draft: the 4x4 of a working copy, or the name of a revision.
    """
    mark = Mark.on(published)
    return mark is not None and mark.draft == draft


def has_moved(intent: Intent, published: View, rows: int) -> bool:
    """Whether the dataset's dates and rows moved as this publication would have moved them.

    Used where a portal does not carry private metadata over a publish: the publication date (or the last
    change of the view) must be later than the baseline taken at Create, and the rows as many as expected.
    """
    baseline = intent.baseline
    if baseline is None or intent.published_at is None or intent.expected_rows is None:
        return False
    moments = (
        (published.publication_date, baseline.publication_date),
        (published.view_last_modified, baseline.view_last_modified),
    )
    later = any(
        now is not None and now > (then or 0) and now >= int(intent.published_at) - 1 for now, then in moments
    )
    return later and rows == intent.expected_rows


def outcome(publisher: Publisher, intent: Intent, sighting: Sighting) -> Outcome:
    """Tell what became of a publication from one look at its views."""
    if intent.working_copy is None:
        return Outcome.UNPROVED
    if sighting.draft_is_open:
        return Outcome.AWAITS_APPROVAL if sighting.awaits_approval else Outcome.OPEN
    if carries_our_mark(sighting.published, intent.working_copy):
        return Outcome.PUBLISHED
    if intent.published_at is None:
        return Outcome.UNPROVED
    rows = publisher.wait(count_rows(intent.dataset))
    return Outcome.PUBLISHED if has_moved(intent, sighting.published, rows) else Outcome.UNPROVED


def settle_publish(
    publisher: Publisher, intent: Intent, timeout: float, *, await_approval: bool = False
) -> Outcome:
    """Wait, with GET only, for the outcome of a publish that may be in flight.

    :param intent: in phase ``publishing``.
    :param timeout: seconds; a draft that is still one afterwards counts as not published.
    """
    if intent.working_copy is None:
        return Outcome.UNPROVED
    patience = publisher.patience(timeout)
    ended = waits.publish_ended(intent.dataset, intent.working_copy, patience, await_approval=await_approval)
    try:
        sighting = publisher.wait(ended)
    except WaitTimeout:
        sighting = publisher.wait(waits.look(intent.dataset, intent.working_copy))
    result = outcome(publisher, intent, sighting)
    if result is Outcome.PUBLISHED and intent.phase is not Phase.PUBLISHED:
        publisher.intents.save(intent.at(Phase.PUBLISHED))
    return result
