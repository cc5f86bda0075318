"""Ordering an action and seeing it to its end: publish, unpublish, publish_metadata, abort."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import Interrupted, PortalError
from airflow_socrata.opendatasoft import actions
from airflow_socrata.opendatasoft.errors import InvalidDatasetStatus
from airflow_socrata.opendatasoft.status import Action, Step, has_moved, is_at_rest, may, next_step
from airflow_socrata.publication.errors import HandleMismatch, PublishFailed
from airflow_socrata.publication.opendatasoft import waits
from airflow_socrata.publication.opendatasoft.errors import RecordLimitReached
from airflow_socrata.publication.opendatasoft.intent import (
    ChangeIntent,
    ChangePhase,
    status_from,
    status_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_socrata.opendatasoft.models import Resource, Status
    from airflow_socrata.publication.choices import OnLimit
    from airflow_socrata.publication.opendatasoft.handle import DatasetHandle
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher
    from airflow_socrata.publication.waits import Patience


@dataclass(frozen=True, slots=True)
class Publishing:
    """How to publish.

    :param timeout: seconds for the dataset to come to rest before, and for the processing, each.
    :param on_limit: ``fail`` where the portal stops at its record limit, or ``accept`` the part that it took.
    """

    timeout: float = 3600.0
    on_limit: OnLimit = "fail"


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that the portal has accepted; plain data as JSON, so that it survives a deferral.

    :param dataset: uid.
    :param dataset_id: its name in Explore.
    :param action: what was ordered.
    :param before: the status just before.
    :param ordered_at: epoch seconds by the portal's clock.
    :param is_over: whether there is nothing to wait for.
    """

    dataset: str
    dataset_id: str
    action: Action
    before: Status
    ordered_at: float | None = None
    is_over: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "dataset": self.dataset,
            "dataset_id": self.dataset_id,
            "action": self.action.value,
            "before": status_json(self.before),
            "ordered_at": self.ordered_at,
            "is_over": self.is_over,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ordered:
        """Read back what :meth:`to_json` wrote."""
        return cls(
            dataset=str(data["dataset"]),
            dataset_id=str(data["dataset_id"]),
            action=Action(data["action"]),
            before=status_from(data["before"]),
            ordered_at=data.get("ordered_at"),
            is_over=bool(data.get("is_over")),
        )


@dataclass(frozen=True, slots=True)
class Published:
    """The end of a publication.

    :param handle: of the dataset.
    :param status: ``idle``, or ``limit_reached`` where that was accepted.
    :param ordered_at: when it was ordered, epoch seconds by the portal's clock.
    """

    handle: DatasetHandle
    status: str
    ordered_at: float | None = None

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data: the handle with the outcome."""
        return {**self.handle.to_xcom(), "status": self.status, "ordered_at": self.ordered_at}


def recorded(publisher: DatasetPublisher, handle: DatasetHandle) -> ChangeIntent:
    """Return the recorded intent of a handle's operation.

    :raises HandleMismatch: nothing is on record, or of another dataset, or it was rolled back.
    """
    intent = publisher.intents.load(handle.operation.key)
    over = intent is None or intent.phase in {ChangePhase.ROLLED_BACK, ChangePhase.RESTORING}
    if intent is None or over or intent.dataset != handle.dataset:
        raise HandleMismatch(
            f"No restore point of {handle.dataset_id} is on record for {handle.operation}: its change was"
            " verified or rolled back. Clear the task that notes the restore point"
            f" ({handle.operation.task_id}), with its downstream tasks."
        )
    return intent


def order(publisher: DatasetPublisher, handle: DatasetHandle, publishing: Publishing) -> Ordered:
    """Order the processing of a dataset, once in effect.

    A second try asks the portal first: an order of an earlier one that runs is waited for, one that has ended
    well is not given again, one that has failed is.

    :raises HandleMismatch: another file was uploaded since, or nothing is on record.
    """
    intent = recorded(publisher, handle)
    _check_upload(publisher, intent, handle)
    patience = publisher.patience(publishing.timeout)
    if intent.before is not None:
        earlier = Ordered(intent.dataset, intent.dataset_id, Action.PUBLISH, intent.before, intent.ordered_at)
        status = publisher.run(publisher.dialect.status(intent.dataset))
        if not status.is_at_rest:
            publisher.log(f"{intent.dataset_id} is {status.name} since an earlier try: waiting for its end.")
            status = publisher.run(waits.at_rest(publisher.dialect, intent.dataset, patience))
        step = next_step(status, earlier.before, after=Action.PUBLISH)
        if step is Step.DONE or (step is Step.FAIL_LIMIT and publishing.on_limit == "accept"):
            publisher.log(f"{intent.dataset_id} was processed since an earlier try ordered it.")
            return earlier

    def note(before: Status) -> None:
        now = publisher.clock.time() if before.read_at is None else before.read_at
        current = recorded(publisher, handle)
        publisher.intents.save(
            current.at(ChangePhase.ORDERED, before=before, ordered_at=now, was_ordered=True)
        )

    return place(publisher, intent.dataset, intent.dataset_id, Action.PUBLISH, patience, note)


def _check_upload(publisher: DatasetPublisher, intent: ChangeIntent, handle: DatasetHandle) -> None:
    uploaded = None if handle.upload is None else handle.upload.file
    newest = intent.files[-1] if intent.files else None
    if intent.phase in {ChangePhase.UPLOADING, ChangePhase.CHANGING} or newest != uploaded:
        raise HandleMismatch(
            f"The handle is of file {uploaded or '(none)'}, and file {newest or '(none)'} was uploaded to"
            f" {handle.dataset_id} last: pass what the last upload returned, or clear the upload too."
        )
    if handle.upload is None:
        return
    resources: tuple[Resource, ...] = publisher.run(publisher.dialect.resources(intent.dataset))
    now = next((one for one in resources if one.uid == handle.upload.resource), None)
    if now is None or now.source.file_uid != uploaded:
        found = (
            "is gone" if now is None else f"takes its records from {now.source.file_uid or now.source.url}"
        )
        raise HandleMismatch(
            f"Resource {handle.upload.title!r} of {handle.dataset_id} {found}, and not from the uploaded file"
            f" {uploaded}: somebody has changed it since. Nothing is published; clear the upload too."
        )


def place(
    publisher: DatasetPublisher,
    uid: str,
    dataset_id: str,
    action: Action,
    patience: Patience,
    note: Callable[[Status], None] | None = None,
) -> Ordered:
    """Order an action as soon as the dataset rests; where somebody else is quicker, after their run.

    :param note: records the order, given the status before; called before each sending.
    """
    while True:
        before = publisher.run(waits.settled(publisher.dialect, uid, patience))
        if note is not None:
            note(before)
        refused = _give(publisher, uid, action, before)
        if refused is not None:
            publisher.log(
                f"{dataset_id} is {refused}: a run that somebody else has started may predate this change;"
                f" {action.value} is ordered when it has ended."
            )
            publisher.run(waits.at_rest(publisher.dialect, uid, patience))
            continue
        publisher.log(f"Ordered {action.value} of {dataset_id}: {publisher.link(dataset_id)}")
        return Ordered(uid, dataset_id, action, before, before.read_at)


def _give(publisher: DatasetPublisher, uid: str, action: Action, before: Status) -> str | None:
    """Give an order, once in effect; return the status that somebody else has brought about first, if so."""
    was_sent = False

    def look_then_order() -> str | None:
        nonlocal was_sent
        status = publisher.run(publisher.dialect.status(uid))
        if has_moved(status, before):
            return None if was_sent else status.name
        was_sent = True
        try:
            publisher.run(actions.order(publisher.dialect, uid, action, before))
        except InvalidDatasetStatus as error:
            if not error.busy:
                raise
            return error.current or "busy"
        return None

    return publisher.session.repeat(look_then_order)


def finish(
    publisher: DatasetPublisher, handle: DatasetHandle, ordered: Ordered, publishing: Publishing
) -> Published:
    """Wait for the end of a publication, judge it, and record it.

    :raises PublishFailed: it ended in an error, was aborted, or unpublished; another try orders it anew.
    :raises RecordLimitReached: the portal stopped at its record limit, and that was not accepted.
    """
    try:
        status = end_of(publisher, ordered, publishing)
    except PublishFailed:
        _note_end(publisher, handle, ChangePhase.FAILED)
        raise
    _note_end(publisher, handle, ChangePhase.DONE)
    publisher.log(f"{ordered.dataset_id} is published: {publisher.link(ordered.dataset_id)}")
    return Published(handle, status.name, ordered.ordered_at)


def _note_end(publisher: DatasetPublisher, handle: DatasetHandle, phase: ChangePhase) -> None:
    """Record that the ordered run is over: whatever runs after it is not this run's to abort."""
    intent = recorded(publisher, handle)
    if intent.phase is ChangePhase.ORDERED:
        publisher.intents.save(intent.at(phase))


def act(
    publisher: DatasetPublisher, uid: str, dataset_id: str, action: Action, publishing: Publishing
) -> Ordered:
    """Order an action of a dataset that no restore point was noted of.

    What is so already is not ordered: to unpublish what is not published, to abort where nothing runs.

    :raises InvalidDatasetStatus: an abort, and what runs cannot be aborted.
    """
    status = publisher.run(publisher.dialect.status(uid))
    now = Ordered(uid, dataset_id, action, status, status.read_at, is_over=True)
    if action is Action.ABORT:
        if status.is_at_rest:
            publisher.log(f"Nothing runs on {dataset_id} ({status.name}): there is nothing to abort.")
            return now
        try:
            publisher.run(actions.order(publisher.dialect, uid, action, status))
        except InvalidDatasetStatus as error:
            if error.current is None or not is_at_rest(error.current):
                raise
            return now
        return replace(now, is_over=False)
    patience = publisher.patience(publishing.timeout)
    if action is Action.UNPUBLISH:
        status = publisher.run(waits.at_rest(publisher.dialect, uid, patience))
        if status.is_published is False:
            publisher.log(f"{dataset_id} is not published already.")
            return replace(now, before=status)
    return place(publisher, uid, dataset_id, action, patience)


def end_of(publisher: DatasetPublisher, ordered: Ordered, publishing: Publishing) -> Status:
    """Wait for the end of an order, and judge it.

    :raises PublishFailed: as :func:`finish`.
    :raises RecordLimitReached: as :func:`finish`.
    """
    if ordered.is_over:
        return ordered.before
    patience = publisher.patience(publishing.timeout)
    status = publisher.run(
        waits.processed(publisher.dialect, ordered.dataset, ordered.before, ordered.action, patience)
    )
    judge(publisher, ordered, status, publishing.on_limit)
    return status


def judge(
    publisher: DatasetPublisher,
    ordered: Ordered,
    status: Status,
    on_limit: OnLimit = "fail",
    step: Step | None = None,
) -> None:
    """Raise the failure that a status at rest tells of, if any.

    :param step: what follows from the status, where it is not the end of ``ordered`` that is judged.
    """
    step = next_step(status, ordered.before, after=ordered.action) if step is None else step
    where = publisher.link(ordered.dataset_id)
    if status.records_error_count:
        first = status.records_errors[0].message if status.records_errors else "see the portal"
        publisher.log(
            f"{ordered.dataset_id}: {status.records_error_count} records could not be processed ({first})."
        )
    if step is Step.DONE:
        return
    if step is Step.FAIL_LIMIT:
        limit = status.failure_text or "limit reached"
        if on_limit == "accept":
            publisher.log(f"{ordered.dataset_id} has its records in part, as was accepted: {limit}.")
            return
        raise RecordLimitReached(
            f"{ordered.action.value} of {ordered.dataset_id}: {limit}. The portal has taken a part of the"
            f" records only, see {where}. Ask for a higher limit, or pass on_limit='accept'."
        )
    why = status.failure_text if step is Step.FAIL_ERROR else step.value.removeprefix("fail: ")
    raise PublishFailed(f"{ordered.action.value} of {ordered.dataset_id} failed: {why}; see {where}.")


def abort_ours(publisher: DatasetPublisher, ordered: Ordered) -> bool:
    """Abort what this order has started, where it still runs and the portal lets us.

    :return: whether an abort was accepted.
    """
    status = publisher.run(publisher.dialect.status(ordered.dataset))
    if status.is_at_rest or not has_moved(status, ordered.before) or not may(Action.ABORT, status.name):
        return False
    return abort(publisher, ordered.dataset, ordered.dataset_id, status)


def abort(publisher: DatasetPublisher, uid: str, dataset_id: str, status: Status) -> bool:
    """Abort what runs on a dataset; a portal that does not is no failure.

    :param status: read just before.
    :return: whether the abort was accepted.
    """
    try:
        publisher.run(actions.order(publisher.dialect, uid, Action.ABORT, status))
    except Interrupted:
        raise
    except PortalError as error:
        publisher.log(f"{dataset_id} could not be aborted: {error}")
        return False
    publisher.log(f"Aborted the processing of {dataset_id} that this run had ordered.")
    return True
