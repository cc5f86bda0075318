"""Which revision is ours, and how far has it got? The portal's own record decides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_socrata.client import NotFound, RequestRefused, approvals
from airflow_socrata.client import revisions as calls
from airflow_socrata.publication.choices import IN_FLIGHT
from airflow_socrata.publication.errors import HandleMismatch
from airflow_socrata.publication.operation import Intent, Mark, Phase
from airflow_socrata.publication.ownership import CLOCK_GRAIN
from airflow_socrata.publication.publishing import recorded
from airflow_socrata.publication.states import State

if TYPE_CHECKING:
    from airflow_socrata.client.approvals import ApprovalGuidance
    from airflow_socrata.client.revision_models import Revision, TaskSet
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.revisions.handle import RevisionHandle
    from airflow_socrata.publication.waits import Steps


def read_or_none(publisher: Publisher, dataset: str, seq: int) -> Revision | None:
    """Read a revision, ``None`` if the portal has it no more."""
    try:
        found: Revision = publisher.send(calls.read(dataset, seq))
    except NotFound:
        return None
    return found


def open_revisions(publisher: Publisher, dataset: str) -> tuple[Revision, ...]:
    """List the revisions of a dataset that are open, whoever has made them."""
    listed = publisher.send(calls.listing(dataset, open=True))
    return tuple(revision for revision in listed if revision.is_open)


def is_made_for(revision: Revision, intent: Intent) -> bool:
    """Whether an intent proves a revision to be its own.

    It does when the revision carries a name that the intent has recorded before asking for it. Where a portal
    does not keep the name, the revision must be newer than all that were there before, of the acting user,
    and made while the call could be in flight.
    """
    if intent.revision is not None:
        return revision.seq == intent.revision
    if revision.seq <= intent.after_revision:
        return False
    mark = Mark.on(revision)
    if mark is not None and mark.draft in intent.names:
        return True
    if mark is not None and mark.draft != intent.inherited:
        return False  # another operation's
    return (
        intent.phase is Phase.INTENDED
        and bool(intent.names)
        and revision.creation_source in {None, "api"}
        and intent.acting_user is not None
        and revision.created_by_id == intent.acting_user
        and (created := created_at(revision)) is not None
        and int(intent.recorded_at - CLOCK_GRAIN) <= created <= intent.recorded_at + IN_FLIGHT
    )


def created_at(revision: Revision) -> float | None:
    """Return when a revision was made, epoch seconds; the portal's times are UTC without a zone."""
    try:
        moment = datetime.fromisoformat(revision.created_at or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def our_revision(publisher: Publisher, intent: Intent) -> Revision | None:
    """Find the revision that an operation has opened, open or closed since."""
    if intent.revision is not None:
        return read_or_none(publisher, intent.dataset, intent.revision)
    ours = [found for found in open_revisions(publisher, intent.dataset) if is_made_for(found, intent)]
    named = [found for found in ours if (mark := Mark.on(found)) is not None and mark.draft in intent.names]
    return next(iter(named or ours), None)


def recorded_revision(publisher: Publisher, handle: RevisionHandle) -> Intent:
    """Return the recorded intent, if the handle is that of the revision that is on record now.

    :raises HandleMismatch: it is another's, or nothing is on record.
    """
    intent = recorded(publisher, handle.operation)
    if intent.revision != handle.revision:
        raise HandleMismatch(
            f"The handle names revision {handle.revision} of {handle.dataset}, but {intent.revision} is open"
            " now: the task that opens it ran again and a later one did not. Clear the tasks behind it too."
        )
    return intent


def latest_job(revision: Revision, intent: Intent) -> TaskSet | None:
    """Return the task set of this operation's apply; those that had failed before it do not count."""
    job = revision.last_task_set
    return None if job is None or job.id <= intent.after_job else job


def find_revision(publisher: Publisher, intent: Intent) -> tuple[State, Revision | None]:
    """Tell the state of a publication by revision, with its revision if it is open."""
    revision = our_revision(publisher, intent)
    if revision is None:
        unknown = intent.phase is Phase.INTENDED and intent.revision is None
        return (State.MAYBE_OPENING if unknown else State.NOTHING), None
    return publisher.wait(state_of(revision, intent)), revision


def state_of(revision: Revision, intent: Intent) -> Steps[State]:
    """Tell the state of an operation's revision."""
    job = revision.last_task_set
    if job is not None and job.succeeded:
        return State.PUBLISHED
    if job is not None and not job.is_terminal:
        return State.PUBLISH_QUEUED
    if not revision.is_open:
        return State.NOTHING  # closed without success: it can never be applied
    if intent.phase is not Phase.PUBLISHING or latest_job(revision, intent) is not None:
        return State.DRAFT
    guidance = yield from approval_of(revision)
    if guidance is not None and guidance.state == "rejected":
        return State.DRAFT
    if intent.accepted or (guidance is not None and guidance.state in {"pending", "approved"}):
        return State.AWAITS_APPROVAL
    return State.PUBLISH_SENT


def approval_of(revision: Revision) -> Steps[ApprovalGuidance | None]:
    """Ask how a revision stands with the domain's stewards; ``None`` where the portal does not tell."""
    try:
        guidance: ApprovalGuidance = yield approvals.guidance(revision.dataset, revision.seq)
    except RequestRefused:
        return None
    return guidance
