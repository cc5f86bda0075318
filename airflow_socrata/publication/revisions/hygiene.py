"""Finding and discarding revisions that runs of this package have left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.publication.operation import Operation, RunState
from airflow_socrata.publication.ownership import Ownership
from airflow_socrata.publication.preflight import read_dataset
from airflow_socrata.publication.revisions.discarding import discard_revision
from airflow_socrata.publication.revisions.finding import created_at
from airflow_socrata.publication.revisions.ownership import find_open

if TYPE_CHECKING:
    from airflow_socrata.publication.publisher import Publisher


def discard_stale(
    publisher: Publisher, asking: Operation, datasets: list[str], older_than: float
) -> list[str]:
    """Discard our open revisions that are older than so many seconds and whose run is not live.

    A revision without a mark of its own is a person's and stays, as does one whose apply may be under way.

    :return: the discarded revisions, ``abcd-1234:7``.
    """
    discarded: list[str] = []
    for dataset in datasets:
        for finding in find_open(publisher, read_dataset(publisher, dataset, may_be_file=True), asking):
            revision = finding.revision
            if finding.ownership is Ownership.PERSONS or finding.operation is None:
                publisher.log(f"Revision {revision.seq} of {dataset} carries no mark: a person's, it stays.")
                continue
            now = publisher.portal_time()
            age = now - (created_at(revision) or now)
            state = publisher.runs.state(finding.operation.dag_id, finding.operation.run_id)
            if state is RunState.LIVE or age < older_than or finding.may_go_live:
                publisher.log(
                    f"Revision {revision.seq} of {finding.operation} stays: run {state.value},"
                    f" {age:.0f} s old."
                )
                continue
            if discard_revision(publisher, dataset, revision.seq):
                discarded.append(f"{dataset}:{revision.seq}")
            if finding.intent is not None:
                publisher.intents.forget(finding.intent)
    return discarded
