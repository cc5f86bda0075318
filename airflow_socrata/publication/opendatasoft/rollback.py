"""Rollback: ask the portal what state the change is in, and do what the table says.

The portal decides, not XCom: a killed task leaves no XCom, and a task may have failed after its effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.client.errors import EmptyUpload, Interrupted, LocalFileFailed, PortalError
from airflow_socrata.opendatasoft.status import Action as Ask
from airflow_socrata.opendatasoft.status import has_moved, may
from airflow_socrata.publication.choices import IN_FLIGHT
from airflow_socrata.publication.errors import WaitTimeout
from airflow_socrata.publication.opendatasoft import waits
from airflow_socrata.publication.opendatasoft.errors import RollbackFailed
from airflow_socrata.publication.opendatasoft.intent import ChangeIntent, ChangePhase
from airflow_socrata.publication.opendatasoft.publishing import abort
from airflow_socrata.publication.opendatasoft.restoring import kept_for, process, put_back, upload_kept
from airflow_socrata.publication.opendatasoft.states import ROLLBACK, Action, State

if TYPE_CHECKING:
    from airflow_socrata.opendatasoft.models import Status
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What rollback found and did.

    :param state: the last state found.
    :param did: one line for the log.
    :param went_live: whether the run's own data are public, and stay.
    :param is_clean: whether the public sees the former records, or the verified new ones.
    """

    state: State
    did: str
    went_live: bool = False
    is_clean: bool = True


#: What an action becomes when there is no time left to wait.
_OUT_OF_PATIENCE: dict[State, State] = {
    State.CHANGE_SENT: State.CHANGED,
    State.ORDER_SENT: State.CHANGED,
}


def roll_back(
    publisher: DatasetPublisher,
    key: str,
    *,
    patience: float = IN_FLIGHT,
    job_patience: float = 900.0,
    published_is_enough: bool = False,
) -> RolledBack:
    """Bring the public records to an end: the former ones, or the verified new ones; or say what is where.

    Idempotent: may be called at any time, any number of times, by a task, a callback or a person.

    :param key: key of the operation.
    :param patience: seconds for a call that may still be in flight.
    :param job_patience: seconds for the portal to come to rest, and for its processing, each.
    :param published_is_enough: keep what was published well and not verified.
    :raises RollbackFailed: something failed that may pass, with what is where; the record stays.
    """
    intent = publisher.intents.load(key)
    try:
        return _roll_back(publisher, key, patience, job_patience, published_is_enough)
    except Interrupted:
        raise
    except (PortalError, WaitTimeout) as error:
        if intent is None:
            raise
        raise RollbackFailed(_what_is_where(publisher, intent, str(error))) from error


def _roll_back(
    publisher: DatasetPublisher, key: str, patience: float, job_patience: float, published_is_enough: bool
) -> RolledBack:
    began = publisher.clock.time()
    while True:
        intent = publisher.intents.load(key)
        state = find_state(publisher, intent, published_is_enough=published_is_enough)
        if state in _OUT_OF_PATIENCE and began + patience <= publisher.clock.time():
            state = _OUT_OF_PATIENCE[state]
        action = ROLLBACK[state]
        if intent is None or action is Action.NOTHING:
            return _nothing(state)
        jobs = publisher.patience(job_patience)
        if action is Action.LOOK_AGAIN:
            left = began + patience - publisher.clock.time()
            publisher.session.sleep(min(publisher.poll, max(left, 0.05)))
        elif action is Action.ABORT:
            _abort(publisher, intent)
            publisher.run(waits.at_rest(publisher.dialect, intent.dataset, jobs))
        elif action is Action.WAIT:
            publisher.log(f"{intent.dataset_id} is busy: waiting for it to rest.")
            publisher.run(waits.at_rest(publisher.dialect, intent.dataset, jobs))
        elif action is Action.PUT_BACK:
            return _put_back(publisher, intent)
        else:
            return _republish(publisher, intent, job_patience)


def find_state(
    publisher: DatasetPublisher, intent: ChangeIntent | None, *, published_is_enough: bool = False
) -> State:
    """Look at the portal and tell the state of a change."""
    if intent is None or intent.phase is ChangePhase.ROLLED_BACK:
        return State.NOTHING
    if intent.phase is ChangePhase.NOTED:
        return State.NOTED
    if intent.phase is ChangePhase.VERIFIED or (published_is_enough and intent.phase is ChangePhase.DONE):
        return State.VERIFIED
    status: Status = publisher.run(publisher.dialect.status(intent.dataset))
    if not status.is_at_rest:
        began = intent.before is not None and has_moved(status, intent.before)
        ours = intent.phase is ChangePhase.ORDERED and began
        return State.RUNNING if ours else State.BUSY
    start = intent.seen or intent.before
    moved = start is not None and has_moved(status, start)
    now = publisher.clock.time() if status.read_at is None else status.read_at
    if intent.phase is ChangePhase.ORDERED and not intent.baseline.is_published and not moved:
        return State.ORDER_SENT if now < (intent.ordered_at or 0.0) + IN_FLIGHT else State.CHANGED
    if intent.phase is ChangePhase.CHANGING and now < (intent.changed_at or 0.0) + IN_FLIGHT:
        return State.CHANGE_SENT
    return State.PROCESSED if intent.was_ordered or moved else State.CHANGED


def _nothing(state: State) -> RolledBack:
    if state is State.VERIFIED:
        return RolledBack(state, "nothing to roll back: the new records are published", went_live=True)
    return RolledBack(state, f"nothing to roll back: {state}")


def _abort(publisher: DatasetPublisher, intent: ChangeIntent) -> None:
    status: Status = publisher.run(publisher.dialect.status(intent.dataset))
    if not may(Ask.ABORT, status.name):
        publisher.log(f"{intent.dataset_id} is {status.name}, which cannot be aborted: waiting for its end.")
        return
    if not abort(publisher, intent.dataset, intent.dataset_id, status):
        publisher.log(f"Waiting for the end of what runs on {intent.dataset_id}.")


def _put_back(publisher: DatasetPublisher, intent: ChangeIntent) -> RolledBack:
    done = publisher.session.repeat(lambda: put_back(publisher, intent))
    publisher.intents.save(intent.at(ChangePhase.ROLLED_BACK))
    return RolledBack(State.CHANGED, f"{done.did or 'nothing had changed'}; the public saw nothing")


def _republish(publisher: DatasetPublisher, intent: ChangeIntent, job_patience: float) -> RolledBack:
    """Restore, process, verify; then the same with the kept file."""
    intent = intent.at(ChangePhase.RESTORING)
    publisher.intents.save(intent)
    done = publisher.session.repeat(lambda: put_back(publisher, intent))
    if not done.is_ours:
        publisher.intents.save(intent.at(ChangePhase.ROLLED_BACK))
        return RolledBack(State.PROCESSED, f"{done.did}; the records are left as they are")
    if done.has_file:
        differs = process(publisher, intent, publisher.patience(job_patience))
        if not differs:
            return _restored(publisher, intent, State.PROCESSED, done.did)
    else:
        differs = "the portal has the former file no more"
    publisher.log(f"{intent.dataset_id} is restored, but {differs}.")
    kept = kept_for(intent)
    if kept is None:
        return _lost(publisher, intent, f"{differs}; there is no copy of the former records to upload")
    try:
        upload_kept(publisher, intent, kept)
    except (LocalFileFailed, EmptyUpload, OSError) as error:
        return _lost(publisher, intent, f"{differs}; the copy {kept.path} cannot be used ({error})")
    differs = process(publisher, intent, publisher.patience(job_patience))
    if differs:
        return _lost(publisher, intent, f"{differs}, also with the kept file {kept.path}")
    return _restored(publisher, intent, State.DIFFERS, f"uploaded the kept file {kept.path} anew")


def _restored(publisher: DatasetPublisher, intent: ChangeIntent, state: State, did: str) -> RolledBack:
    current = publisher.intents.load(intent.operation.key) or intent
    publisher.intents.save(current.at(ChangePhase.ROLLED_BACK))
    was = intent.baseline
    if not was.is_published:
        shown = "it is unpublished, as before"
    else:
        count = "as" if was.records is None else f"{was.records:,} records, as many as"
        shown = f"the public sees {count} before"
    return RolledBack(state, f"{did or 'the configuration is as it was'}; processed again; {shown}")


def _lost(publisher: DatasetPublisher, intent: ChangeIntent, why: str) -> RolledBack:
    return RolledBack(State.LOST, _what_is_where(publisher, intent, why), is_clean=False)


def _what_is_where(publisher: DatasetPublisher, intent: ChangeIntent, why: str) -> str:
    """Say what is where, for the person who has to deal with it."""
    was = intent.baseline
    before = "not published" if not was.is_published else f"{was.records} records"
    kept = ", ".join(one.path for one in intent.kept) or "none"
    source = intent.resource_before
    former = "none" if source is None else (source.source.file_uid or source.source.url or source.type)
    return (
        f"{intent.dataset_id} ({intent.dataset}) is NOT back at its former records: {why}. Before:"
        f" {before}, version {intent.restore_point.version or 'none'} of the configuration, resource"
        f" {intent.resource!r} from {former}. Kept copies: {kept}. See"
        f" {publisher.link(intent.dataset_id)}; the record of this run stays, so that clearing the rollback"
        " or the next run tries again."
    )


def forget_if_over(publisher: DatasetPublisher, key: str, done: RolledBack) -> None:
    """Remove the intent of a change that is over."""
    intent = publisher.intents.load(key)
    if intent is not None and done.is_clean:
        publisher.intents.forget(intent)
