"""Noting a restore point: nothing on the portal is changed yet, and what can be gone back to is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.opendatasoft import actions
from airflow_socrata.publication.opendatasoft import waits
from airflow_socrata.publication.opendatasoft.errors import ChangeInTheWay, RollbackFailed
from airflow_socrata.publication.opendatasoft.evidence import check_order
from airflow_socrata.publication.opendatasoft.handle import DatasetHandle
from airflow_socrata.publication.opendatasoft.intent import ChangeIntent, DatasetBaseline
from airflow_socrata.publication.opendatasoft.keeping import keep_records
from airflow_socrata.publication.opendatasoft.rollback import forget_if_over, roll_back
from airflow_socrata.publication.operation import RunState

if TYPE_CHECKING:
    from airflow_socrata.opendatasoft.models import Dataset, Resource, RestorePoint, Status
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher, Place
    from airflow_socrata.publication.operation import Operation

#: Seconds after which a run that Airflow does not know counts as ended.
A_DAY = 86_400.0
#: Seconds for which Explore's index may lag behind the portal.
EXPLORE_GRACE = 60.0


@dataclass(frozen=True, slots=True)
class Opening:
    """How to note a restore point.

    :param dataset: dataset id or uid.
    :param keep: folder for copies of the former records; ``None``: only what the portal keeps itself can be
        gone back to.
    :param timeout: seconds for the dataset to come to rest, and for rolling back what a dead run has left.
    :param allow_older_run: publish although a newer run of this DAG has.
    """

    dataset: str
    keep: Place | None = None
    timeout: float = 3600.0
    allow_older_run: bool = False


def open_restore_point(publisher: DatasetPublisher, operation: Operation, opening: Opening) -> DatasetHandle:
    """Note what a dataset is, before a run changes it.

    What a dead run has left half done is rolled back first.

    :raises ChangeInTheWay: another live run is changing the dataset.
    :raises OlderRun: a newer run of this DAG has published.
    :raises NothingToKeep: the records could not be kept.
    :raises RollbackFailed: what a dead run has left cannot be rolled back.
    """
    dataset = publisher.run(actions.find(publisher.dialect, opening.dataset))
    _clear_the_way(publisher, operation, dataset, opening.timeout)
    uid = dataset.uid
    status = publisher.run(waits.at_rest(publisher.dialect, uid, publisher.patience(opening.timeout)))
    # The restore point first: an edit that falls between the two is then seen as made after it.
    point: RestorePoint = publisher.run(publisher.dialect.restore_point(uid))
    resources: tuple[Resource, ...] = publisher.run(publisher.dialect.resources(uid))
    if not opening.allow_older_run:
        check_order(publisher, operation, uid, resources)
    baseline = _baseline(publisher, dataset, status)
    kept = keep_records(publisher, operation, dataset, baseline, resources, opening.keep)
    intent = ChangeIntent(
        operation=operation,
        dataset=uid,
        dataset_id=dataset.dataset_id,
        domain=publisher.domain,
        conn_id=publisher.conn_id,
        recorded_at=publisher.clock.time() if status.read_at is None else status.read_at,
        restore_point=point,
        baseline=baseline,
        kept=kept,
    )
    publisher.intents.save(intent)
    _check_alone(publisher, intent)
    shown = "not published" if baseline.records is None else f"{baseline.records:,} records"
    publisher.log(
        f"Restore point of {dataset.dataset_id} ({uid}): version {point.version or 'none'}, {shown},"
        f" {', '.join(one.path for one in kept) or 'no copy of the records'}."
    )
    return DatasetHandle(
        dataset=uid,
        dataset_id=dataset.dataset_id,
        operation=operation,
        baseline=baseline,
        kept=kept,
        links={"dataset": publisher.link(dataset.dataset_id)},
    )


def _clear_the_way(
    publisher: DatasetPublisher, operation: Operation, dataset: Dataset, timeout: float
) -> None:
    """Roll back what an earlier try or a dead run has left; refuse where a live run is at it."""
    keys = {*publisher.intents.unfinished(publisher.domain, dataset.uid), operation.key}
    for key in sorted(keys):
        intent = publisher.intents.load(key)
        if intent is None:
            continue
        if key != operation.key:
            _check_ended(publisher, intent, operation)
        publisher.log(f"{intent.operation} has left {dataset.dataset_id} {intent.phase}: rolling back first.")
        done = roll_back(publisher, key, job_patience=timeout)
        if not done.is_clean:
            raise RollbackFailed(
                f"What {intent.operation} has left cannot be rolled back; nothing new is begun: {done.did}"
            )
        forget_if_over(publisher, key, done)


def _check_ended(publisher: DatasetPublisher, intent: ChangeIntent, operation: Operation) -> None:
    other = intent.operation
    state = publisher.runs.state(other.dag_id, other.run_id)
    if state is RunState.UNKNOWN and publisher.clock.time() - intent.recorded_at > A_DAY:
        state = RunState.ENDED  # Airflow has forgotten it
    if state is RunState.ENDED and (other.dag_id, other.run_id) != (operation.dag_id, operation.run_id):
        return
    known = "is changing" if state is RunState.LIVE else "may be changing"
    raise ChangeInTheWay(
        f"{other} {known} {intent.dataset_id} (last step on record: {intent.phase}), see"
        f" {publisher.link(intent.dataset_id)}. Let that run end, or set max_active_runs=1 on the DAG; a run"
        " that Airflow does not know any more is taken for ended a day after its restore point."
    )


def _check_alone(publisher: DatasetPublisher, intent: ChangeIntent) -> None:
    """Of two runs that have noted a restore point at the same moment, one goes on."""
    for key in sorted(publisher.intents.unfinished(publisher.domain, intent.dataset)):
        other = publisher.intents.load(key)
        if other is not None and (other.recorded_at, key) < (intent.recorded_at, intent.operation.key):
            publisher.intents.forget(intent)
            _check_ended(publisher, other, intent.operation)
            publisher.intents.save(intent)


def _baseline(publisher: DatasetPublisher, dataset: Dataset, status: Status) -> DatasetBaseline:
    published = status.is_published if status.is_published is not None else dataset.is_published
    if published is False:
        return DatasetBaseline(None, is_published=False, status=status.name, since=status.since)
    wanted = waits.Wanted()
    grace = publisher.patience(EXPLORE_GRACE if published else 0.0)
    seen = publisher.run(waits.visible(dataset.dataset_id, wanted, grace))
    if seen.records is None and published:
        # the error that names the nearest id, and says what may be wrong
        publisher.run(actions.published_entry(dataset.dataset_id))
    is_published = seen.records is not None if published is None else published
    return DatasetBaseline(seen.records, is_published, status.name, status.since, seen.data_processed)
