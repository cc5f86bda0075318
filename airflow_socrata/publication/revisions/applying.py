"""Applying a revision: check that it is the uploaded one, send once, prove that it went live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import RequestRefused
from airflow_socrata.client import revisions as calls
from airflow_socrata.client.revision_models import SubmittedForApproval
from airflow_socrata.publication.choices import IN_FLIGHT
from airflow_socrata.publication.errors import (
    DraftClosed,
    HandleMismatch,
    PublishFailed,
    Rejected,
    RowCountMismatch,
    RowsRefused,
    WaitTimeout,
)
from airflow_socrata.publication.operation import Intent, Mark, Operation, Phase
from airflow_socrata.publication.preflight import check_order, read_dataset, rows_of, working_copies
from airflow_socrata.publication.proof import Outcome
from airflow_socrata.publication.revisions import waits
from airflow_socrata.publication.revisions.finding import (
    find_revision,
    latest_job,
    read_or_none,
    recorded_revision,
    state_of,
)
from airflow_socrata.publication.revisions.handle import RevisionHandle
from airflow_socrata.publication.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_socrata.client import View
    from airflow_socrata.client.revision_models import Revision, TaskSet
    from airflow_socrata.publication.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Applying:
    """How to apply a revision.

    :param timeout: seconds for the replicas before rows are counted.
    :param allow_empty: apply a revision whose file has no rows; a ``replace`` would empty the dataset.
    :param allow_older_run: apply although a newer run of this DAG has published.
    :param ignore_open_copy: apply although somebody has a working copy of the dataset open.
    """

    timeout: float = 3600.0
    allow_empty: bool = False
    allow_older_run: bool = False
    ignore_open_copy: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of an apply.

    :param outcome: published, open (still applying), or waiting for approval.
    :param rows: rows that the dataset must show; ``None`` where the portal does not tell what it changed.
    """

    handle: RevisionHandle
    outcome: Outcome
    rows: int | None = None

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data: the handle with the outcome."""
        return {**self.handle.to_xcom(), "outcome": self.outcome.value, "rows": self.rows}


def uploaded_handle(handles: Sequence[RevisionHandle]) -> RevisionHandle:
    """Return the one revision and upload that is to be applied.

    :raises HandleMismatch: several revisions or several parsed files; a revision applies one output schema.
    """
    if not handles:
        raise HandleMismatch("Apply was given no handle of a revision.")
    if len({handle.revision for handle in handles}) > 1:
        raise HandleMismatch("The files were uploaded to different revisions. Clear the tasks that did so.")
    uploads = [handle for handle in handles if handle.upload is not None]
    if len({handle.upload.source for handle in uploads if handle.upload is not None}) > 1:
        names = ", ".join(sorted(handle.upload.filename for handle in uploads if handle.upload is not None))
        raise HandleMismatch(
            f"Several files were uploaded to revision {handles[0].revision} ({names}), and a revision applies"
            " one. Put them into one file, or into revisions of their own."
        )
    return max(uploads, key=_shaped_last, default=handles[0])


def _shaped_last(handle: RevisionHandle) -> int:
    return (handle.upload.output_schema or 0) if handle.upload is not None else 0


def start(publisher: Publisher, handle: RevisionHandle, how: Applying) -> Applied:
    """Check the revision and apply it, at most once in effect.

    A second try asks the portal first: a revision that is being applied, or was, is not applied again; one
    whose task set has failed is.

    :raises DraftClosed: somebody else has closed the revision.
    """
    intent = recorded_revision(publisher, handle)
    if intent.phase in {Phase.PUBLISHING, Phase.PUBLISHED}:
        settle_apply(publisher, intent)
        earlier = look(publisher, handle)
        if earlier is not None:
            return earlier
    revision, dataset = _check_draft(publisher, handle, how)
    job = revision.last_task_set
    rows = rows_of(publisher, dataset, how.timeout)
    intent = intent.at(
        Phase.PUBLISHING,
        published_at=publisher.portal_time(),
        baseline=replace(handle.baseline, rows=rows),
        after_job=-1 if job is None else job.id,
        accepted=False,
    )
    publisher.intents.save(intent)
    publisher.log(f"Applying revision {handle.revision} of {handle.dataset} ({handle.action}).")
    return _send(publisher, handle, intent)


def _check_draft(publisher: Publisher, handle: RevisionHandle, how: Applying) -> tuple[Revision, View]:
    revision = read_or_none(publisher, handle.dataset, handle.revision)
    if revision is None or not revision.is_open:
        raise closed(handle)
    dataset = read_dataset(publisher, handle.dataset, may_be_file=True)
    check_order(dataset, handle.operation, allow_older_run=how.allow_older_run)
    copies = () if how.ignore_open_copy else working_copies(publisher, dataset)
    if copies:
        raise PublishFailed(
            f"{dataset.id} has an open working copy ({copies[0].id}), see {publisher.link(copies[0].id)};"
            " applying could disturb it. Publish or discard it, or pass ignore_open_copy=True."
        )
    upload = handle.upload
    has_data = revision.output_schema_id is not None or revision.blob_id is not None
    if upload is None and not has_data and handle.action != "update":
        raise HandleMismatch(
            f"No file was uploaded to revision {handle.revision} of {handle.dataset}, so there is nothing to"
            f" {handle.action}. Put a SocrataUploadOperator before."
        )
    if upload is not None and upload.rows == 0 and not how.allow_empty:
        raise RowCountMismatch(
            f"{upload.filename} has no rows, and revision {handle.revision} of {handle.dataset} is not"
            " applied; pass allow_empty=True if that is meant."
        )
    return revision, dataset


def closed(handle: RevisionHandle) -> DraftClosed:
    """Say that somebody has closed a revision."""
    return DraftClosed(
        f"Revision {handle.revision} of {handle.dataset} was closed by somebody else and can never be applied"
        f" ({handle.links.get('revision', '')}); the dataset is as it was. Clear the task that opens the"
        " revision, with its downstream tasks."
    )


def _send(publisher: Publisher, handle: RevisionHandle, intent: Intent) -> Applied:
    """Send apply; each time the portal is looked at first, so that a lost reply does not apply it twice."""
    output_schema = None if handle.upload is None else handle.upload.output_schema

    def look_then_apply() -> TaskSet | SubmittedForApproval | None:
        revision = read_or_none(publisher, handle.dataset, handle.revision)
        if revision is None or not revision.is_open or latest_job(revision, intent) is not None:
            return None
        answer: TaskSet | SubmittedForApproval = publisher.send(calls.apply(revision, output_schema))
        return answer

    try:
        answer = publisher.session.repeat(look_then_apply)
    except RequestRefused:
        earlier = look(publisher, handle)
        if earlier is None:
            refused(publisher, intent)
            raise
        return earlier
    if isinstance(answer, SubmittedForApproval):
        publisher.intents.save(intent.at(Phase.PUBLISHING, accepted=True))
        publisher.log(f"Revision {handle.revision} of {handle.dataset} waits for a steward's approval.")
        return Applied(handle, Outcome.AWAITS_APPROVAL)
    if answer is not None:
        publisher.log(f"Revision {handle.revision} of {handle.dataset}: {waits.job_progress(answer)}.")
        publisher.intents.save(intent.at(Phase.PUBLISHING, accepted=True))
    found = look(publisher, handle)
    return Applied(handle, Outcome.OPEN) if found is None else found


def look(publisher: Publisher, handle: RevisionHandle) -> Applied | None:
    """Find out what an apply has done so far; ``None`` if the revision may be applied (again).

    :raises DraftClosed: the revision is closed, and was never applied.
    :raises PublishFailed: the apply that this operation has on record has failed.
    """
    revision = read_or_none(publisher, handle.dataset, handle.revision)
    if revision is None:
        raise closed(handle)
    return conclude(publisher, handle, revision)


def conclude(publisher: Publisher, handle: RevisionHandle, revision: Revision) -> Applied | None:
    """Tell what a look at a revision means, and record it."""
    intent = publisher.intents.load(handle.operation.key)
    job = revision.last_task_set
    if job is not None and job.succeeded:
        return _finish(publisher, handle, intent, job)
    if job is not None and not job.is_terminal:
        return Applied(handle, Outcome.OPEN)
    if not revision.is_open:
        raise closed(handle)
    if intent is None or intent.phase is not Phase.PUBLISHING:
        return None
    failed = latest_job(revision, intent)
    if failed is not None:
        refused(publisher, intent)
        raise PublishFailed(
            f"The portal failed to apply revision {handle.revision} of {handle.dataset}"
            f" ({failed.failure_text}); the dataset is as it was: {handle.links.get('revision', '')}"
        )
    state = publisher.wait(state_of(revision, intent))
    if state is State.DRAFT:
        refused(publisher, intent)
        raise Rejected(
            f"A steward has rejected revision {handle.revision} of {handle.dataset}; nothing was published."
        )
    return Applied(handle, Outcome.AWAITS_APPROVAL) if state is State.AWAITS_APPROVAL else None


def _finish(publisher: Publisher, handle: RevisionHandle, intent: Intent | None, job: TaskSet) -> Applied:
    """Record that a revision is live, with the rows that the dataset must show.

    :raises RowsRefused: the portal applied it without some rows; that cannot be taken back.
    """
    before = handle.baseline if intent is None or intent.baseline is None else intent.baseline
    if intent is not None and intent.phase is not Phase.PUBLISHED:
        publisher.intents.save(intent.at(Phase.PUBLISHED))
        publisher.log(
            f"Revision {handle.revision} of {handle.dataset} is live: {publisher.link(handle.dataset)}"
        )
    counts = job.row_counts
    if counts is not None and counts.errors:
        raise RowsRefused(
            f"Revision {handle.revision} of {handle.dataset} went live, but the portal refused"
            f" {counts.errors:,} of its rows ({counts.created:,} created, {counts.updated:,} updated,"
            f" {counts.deleted:,} deleted). Mend the file and run again, or restore an earlier revision:"
            f" {handle.links.get('revision', '')}"
        )
    return Applied(handle, Outcome.PUBLISHED, _expected_rows(handle, before.rows, job))


def _expected_rows(handle: RevisionHandle, before: int, job: TaskSet) -> int | None:
    counts = job.row_counts
    if counts is None and handle.upload is None and job.output_schema_id is None:
        return before  # metadata alone
    uploaded = None if handle.upload is None else handle.upload.rows
    if counts is None:
        return uploaded if handle.action == "replace" else None
    if handle.action == "replace" and counts.created:
        return counts.created
    if handle.action == "replace" and uploaded is not None:
        return uploaded
    return before + counts.created - counts.deleted


def refused(publisher: Publisher, intent: Intent) -> None:
    """Record that no apply is in flight: the portal has refused it, or its job has failed."""
    publisher.intents.save(intent.at(Phase.OPENED, published_at=None, accepted=False))


def follow(publisher: Publisher, handle: RevisionHandle, timeout: float, *, await_approval: bool) -> Applied:
    """Wait for the end of an apply that the portal has taken, and prove it.

    :raises WaitTimeout: it has not ended at the deadline.
    """
    intent = recorded_revision(publisher, handle)
    wait = waits.applied(
        handle.dataset,
        handle.revision,
        intent.after_job,
        publisher.patience(timeout),
        publisher.log,
        await_approval=await_approval,
    )
    try:
        revision = publisher.wait(wait)
    except Rejected:
        refused(publisher, intent)
        raise
    found = conclude(publisher, handle, revision)
    if found is None:
        raise WaitTimeout(
            f"Revision {handle.revision} of {handle.dataset} is still open, and the portal does not apply it."
        )
    return found


def settle_apply(publisher: Publisher, intent: Intent, patience: float = IN_FLIGHT) -> bool:
    """Wait, with GET only, until an apply call that may be in flight must have landed.

    :param intent: in phase ``publishing`` or ``published``.
    :return: whether it is being applied, was applied, or waits for a steward.
    """
    end = min(publisher.portal_time(), intent.published_at or 0.0) + patience
    while True:
        state, _ = find_revision(publisher, intent)
        left = end - publisher.portal_time()
        if state is not State.PUBLISH_SENT or left <= 0:
            return state in {State.PUBLISHED, State.PUBLISH_QUEUED, State.AWAITS_APPROVAL}
        publisher.session.sleep(min(publisher.poll, left))


def applied_before(publisher: Publisher, operation: Operation) -> RevisionHandle | None:
    """Return the revision that an earlier try of an operation has applied, or is applying; else ``None``."""
    intent = publisher.intents.load(operation.key)
    if intent is None or intent.revision is None or intent.baseline is None:
        return None
    if intent.phase not in {Phase.PUBLISHING, Phase.PUBLISHED} or not settle_apply(publisher, intent):
        return None
    revision = read_or_none(publisher, intent.dataset, intent.revision)
    mark = None if revision is None else Mark.on(revision)
    return RevisionHandle(
        dataset=intent.dataset,
        revision=intent.revision,
        action=(revision.action if revision is not None else None) or "update",
        operation=operation,
        baseline=intent.baseline,
        mark=intent.names[-1] if mark is None else mark.draft,
        links={
            "dataset": publisher.link(intent.dataset),
            "revision": publisher.revision_link(intent.dataset, intent.revision),
        },
    )
