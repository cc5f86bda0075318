"""Publishing a working copy: check that it is the loaded one, send once, prove that it went live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import Accepted, RequestRefused, View, views
from airflow_socrata.publication import waits
from airflow_socrata.publication.errors import (
    HandleMismatch,
    OutcomeUnproved,
    PublicationError,
    PublishFailed,
    Rejected,
    RowCountMismatch,
    WaitTimeout,
)
from airflow_socrata.publication.operation import Intent, Mark, Operation, Phase
from airflow_socrata.publication.preflight import check_audience, check_order, read_dataset, read_or_none
from airflow_socrata.publication.proof import Outcome, outcome, settle_publish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Publishing:
    """How to publish.

    :param timeout: seconds for replicas, geocoding and the publish job, each.
    :param allow_empty: publish a working copy without rows.
    :param allow_older_run: publish although a newer run of this DAG has.
    """

    timeout: float = 3600.0
    allow_empty: bool = False
    allow_older_run: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """The outcome of a publish call.

    :param outcome: published, or waiting for approval.
    :param rows: rows that the dataset must show.
    :param publication_date: epoch seconds, once published.
    """

    handle: Handle
    outcome: Outcome
    rows: int | None
    publication_date: int | None = None

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data: the handle with the outcome."""
        return {
            **self.handle.to_xcom(),
            "outcome": self.outcome.value,
            "rows": self.rows,
            "publication_date": self.publication_date,
        }


def loaded_handle(handles: Sequence[Handle]) -> Handle:
    """Return the one working copy that all loads went into.

    :raises HandleMismatch: they went into different ones, or there is none.
    """
    if not handles:
        raise HandleMismatch("Publish was given no handle of a working copy.")
    names = {handle.working_copy for handle in handles}
    if len(names) > 1:
        raise HandleMismatch(
            f"The loads went into different working copies: {', '.join(sorted(names))}. Clear them all."
        )
    return next((handle for handle in handles if handle.load is not None), handles[0])


def expected_rows(handles: Sequence[Handle]) -> int | None:
    """Return the rows that the working copy must hold, ``None`` if no task of ours has loaded it."""
    loads = [handle.load for handle in handles if handle.load is not None]
    if len(loads) == 1:
        return loads[0].rows_after
    if not loads:
        return None
    start = handles[0].baseline.rows if handles[0].method == "copy" else 0
    return start + sum(load.created - load.deleted for load in loads)


def doubtful_rows(handles: Sequence[Handle]) -> int:
    """Return by how many rows the working copy may differ from the expected ones.

    Where several tasks load into it, each knows only what the portal told it; a row that was sent twice is
    told as updated (or absent), whatever its first landing did. A sole loader has counted the copy itself.
    """
    loads = [handle.load for handle in handles if handle.load is not None]
    return sum(load.repeated for load in loads) if len(loads) > 1 else 0


def check_handle(publisher: Publisher, handle: Handle, *, traded: bool = False) -> Intent:
    """Return the recorded intent, if the handle is that of the working copy that is open now.

    Clearing only the publish task re-runs the task that opens the copy; without this check the new, empty
    copy would be published.

    :param traded: a handle of a copy that a retry has traded for a fresh one will do.
    :raises HandleMismatch: it is another's, or nothing is on record.
    """
    intent = recorded(publisher, handle.operation)
    if intent.working_copy != handle.working_copy and not (traded and handle.working_copy in intent.replaced):
        raise HandleMismatch(
            f"Rows were loaded into working copy {handle.working_copy}, but {intent.working_copy} is open"
            " now: the task that opens it ran again and the load did not. Clear the load tasks too."
        )
    return intent


def recorded(publisher: Publisher, operation: Operation) -> Intent:
    """Return the recorded intent of an operation.

    :raises HandleMismatch: nothing is on record.
    """
    intent = publisher.intents.load(operation.key)
    if intent is None:
        raise HandleMismatch(
            f"No draft is on record for {operation}: it was published or discarded. Clear the task that opens"
            f" it ({operation.task_id}), with its downstream tasks."
        )
    return intent


def with_columns(handle: Handle, intent: Intent) -> Handle:
    """Return the handle with the columns that were published, if tasks of ours have changed them."""
    return handle if intent.columns is None else replace(handle, columns=intent.columns)


def intent_of(publisher: Publisher, handle: Handle) -> Intent:
    """Return the recorded intent, or what the handle tells of it once the operation is over and forgotten."""
    if publisher.intents.load(handle.operation.key) is not None:
        return check_handle(publisher, handle)
    return Intent(
        operation=handle.operation,
        dataset=handle.dataset,
        domain=publisher.domain,
        method=handle.method,
        acting_user=None,
        recorded_at=0.0,
        phase=Phase.PUBLISHING,
        working_copy=handle.working_copy,
        baseline=handle.baseline,
    )


def note_published(publisher: Publisher, key: str) -> None:
    """Record that an operation's working copy is live, if the operation is still on record."""
    intent = publisher.intents.load(key)
    if intent is not None and intent.phase is not Phase.PUBLISHED:
        publisher.intents.save(intent.at(Phase.PUBLISHED))


def start(publisher: Publisher, handles: Sequence[Handle], publishing: Publishing) -> Published | Accepted:
    """Check the working copy and send publish, at most once in effect.

    A second try asks the portal first; a publish whose reply was lost is proved by the published view, never
    assumed.

    :return: the outcome, or what the portal accepted and is still doing.
    """
    handle = loaded_handle(handles)
    intent = check_handle(publisher, handle)
    was_sent = intent.phase in {Phase.PUBLISHING, Phase.PUBLISHED}
    earlier = settle_earlier(publisher, with_columns(handle, intent), intent) if was_sent else None
    if earlier is not None:
        return earlier
    try:
        draft, rows = _check_draft(publisher, handles, intent, publishing)
    except (RequestRefused, PublicationError):
        # The call of an earlier try, whose process is gone, may land in the middle of these checks.
        earlier = settle_earlier(publisher, with_columns(handle, intent), intent) if was_sent else None
        if earlier is None:
            raise
        return earlier
    columns = tuple(column.field_name for column in draft.columns) if intent.schema_changes else None
    now = publisher.portal_time()
    intent = intent.at(Phase.PUBLISHING, published_at=now, expected_rows=rows, columns=columns)
    publisher.intents.save(intent)
    publisher.log(f"Publishing working copy {handle.working_copy} of {handle.dataset} with {rows:,} rows.")
    return send(publisher, with_columns(handle, intent), intent)


def _check_draft(
    publisher: Publisher, handles: Sequence[Handle], intent: Intent, publishing: Publishing
) -> tuple[View, int]:
    """Check that the working copy is still a draft, ours, of the newest run and as it was loaded."""
    handle = loaded_handle(handles)
    draft = read_or_none(publisher, handle.working_copy)
    if draft is None or not draft.is_unpublished:
        raise OutcomeUnproved(
            f"Working copy {handle.working_copy} of {handle.dataset} is no draft any more, and this run did"
            " not publish it. Clear the task that opens the working copy, with its downstream tasks."
        )
    _check_ours(draft, intent)
    dataset = read_dataset(publisher, handle.dataset)
    check_order(dataset, handle.operation, allow_older_run=publishing.allow_older_run)
    check_audience(dataset, draft)
    rows = check_rows(publisher, handle, expected_rows(handles), doubtful_rows(handles), publishing)
    return draft, rows


def send(publisher: Publisher, handle: Handle, intent: Intent) -> Published | Accepted:
    """Send publish; each time the portal is looked at first, so a call whose reply was lost is not lost.

    A draft that is gone by then was published by the lost call, if the published view proves it.
    """

    def look_then_publish() -> Published | Accepted:
        earlier = settle_earlier(publisher, handle, intent)
        if earlier is not None:
            return earlier
        answer = publisher.send(views.publish(handle.working_copy))
        if isinstance(answer, Accepted):
            return answer
        if answer.id == handle.working_copy and answer.is_unpublished:
            return Accepted()  # the draft itself: taken for a steward to approve, or for later
        return finish(publisher, handle, intent, answer)

    try:
        answer = publisher.session.repeat(look_then_publish)
    except RequestRefused as error:
        earlier = settle_earlier(publisher, handle, intent)
        if earlier is None:
            refused(publisher, intent)
            raise error
        return earlier
    if isinstance(answer, Accepted):
        publisher.intents.save(intent.at(Phase.PUBLISHING, accepted=True))
        return settle_earlier(publisher, handle, intent) or answer
    return answer


def follow(
    publisher: Publisher, handle: Handle, accepted: Accepted, timeout: float, *, await_approval: bool
) -> None:
    """Wait for the end of a publish job that the portal has accepted.

    :raises PublishFailed: the portal says that the job failed.
    """
    publisher.log(f"The portal is publishing {handle.working_copy} ({accepted.status or 'accepted'}).")
    job = waits.publish_job(
        handle.dataset,
        handle.working_copy,
        accepted,
        publisher.patience(timeout),
        await_approval=await_approval,
    )
    try:
        publisher.wait(job)
    except (RequestRefused, PublishFailed, Rejected):
        refused(publisher, check_handle(publisher, handle))
        raise


def refused(publisher: Publisher, intent: Intent) -> None:
    """Record that no publish is in flight: the portal has refused it, or its job has failed."""
    publisher.intents.save(intent.at(Phase.OPENED, published_at=None, accepted=False))


def settle_earlier(publisher: Publisher, handle: Handle, intent: Intent) -> Published | None:
    """Find out what calls so far have done; ``None`` if the copy is still a draft and may be published."""
    sighting = publisher.wait(waits.look(handle.dataset, handle.working_copy))
    match outcome(publisher, intent, sighting):
        case Outcome.PUBLISHED:
            publisher.log(
                f"{handle.dataset} shows that {handle.working_copy} was published; nothing is sent again."
            )
            return finish(publisher, handle, intent, sighting.published)
        case Outcome.AWAITS_APPROVAL:
            return Published(handle, Outcome.AWAITS_APPROVAL, intent.expected_rows)
        case Outcome.UNPROVED:
            raise OutcomeUnproved(unproved(handle, intent))
        case _:
            return None


def unproved(handle: Handle, intent: Intent) -> str:
    """Say that a publication's outcome is not known, with what is where."""
    before = intent.baseline.rows if intent.baseline is not None else "an unknown number of"
    return (
        f"Working copy {handle.working_copy} is gone and {handle.dataset} does not prove that it was"
        f" published: look at {handle.links.get('dataset', handle.dataset)}. Before this run it had {before}"
        f" rows; {intent.expected_rows} were to be published."
    )


def _check_ours(draft: View, intent: Intent) -> None:
    mark = Mark.own(draft)
    if mark is None or mark.operation.key != intent.operation.key:
        raise HandleMismatch(
            f"Working copy {draft.id} does not carry the mark of {intent.operation}; somebody has changed its"
            " metadata. It is not published."
        )


def check_rows(
    publisher: Publisher, handle: Handle, expected: int | None, doubtful: int, publishing: Publishing
) -> int:
    """Wait until the draft can be published and counted, and compare its rows with those loaded."""
    copy = handle.working_copy
    publisher.wait(waits.geocoding_done(copy, publisher.patience(publishing.timeout)))
    rows = publisher.count(copy, publishing.timeout, None if doubtful else expected)
    if expected is None:
        publisher.log(f"No load of this package went into {copy}; it holds {rows:,} rows.")
    elif abs(rows - expected) > doubtful:
        raise RowCountMismatch(
            f"{copy} holds {rows:,} rows, but {expected:,} were loaded; nothing is published."
        )
    if rows == 0 and not publishing.allow_empty:
        raise RowCountMismatch(
            f"Working copy {copy} of {handle.dataset} holds no rows and is not published; pass"
            " allow_empty=True to publish an empty dataset."
        )
    return rows


def finish(publisher: Publisher, handle: Handle, intent: Intent, published: View) -> Published:
    """Record that the working copy is live, from the view that proves it.

    :raises PublishFailed: the view is not the published dataset.
    """
    if published.id != handle.dataset or not published.is_published:
        raise PublishFailed(
            f"The portal answered publish of {handle.working_copy} with {published.id}"
            f" ({published.publication_stage}) instead of the published {handle.dataset}."
        )
    note_published(publisher, intent.operation.key)
    publisher.log(f"{handle.dataset} is published: {publisher.link(handle.dataset)}")
    return Published(handle, Outcome.PUBLISHED, intent.expected_rows, published.publication_date)


def resume(publisher: Publisher, handle: Handle, timeout: float, *, await_approval: bool) -> Published:
    """Wait for the end of a publish that was sent, and prove it.

    :raises WaitTimeout: the working copy is still a draft at the deadline.
    :raises OutcomeUnproved: it is gone without proof.
    """
    intent = check_handle(publisher, handle)
    handle = with_columns(handle, intent)
    if intent.phase is Phase.PUBLISHED:
        return Published(handle, Outcome.PUBLISHED, intent.expected_rows)
    result = settle_publish(publisher, intent, timeout, await_approval=await_approval)
    if result is Outcome.OPEN:
        raise WaitTimeout(
            f"{handle.working_copy} is still a draft after {timeout:.0f} s; the portal has not published it."
        )
    if result is Outcome.UNPROVED:
        raise OutcomeUnproved(unproved(handle, intent))
    return Published(handle, result, intent.expected_rows)
