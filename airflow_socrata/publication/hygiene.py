"""Finding and discarding working copies that runs of this package have left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.publication.discarding import discard_working_copy
from airflow_socrata.publication.operation import Mark, Phase, RunState
from airflow_socrata.publication.preflight import read_dataset, working_copies

if TYPE_CHECKING:
    from airflow_socrata.publication.publisher import Publisher


def discard_stale(publisher: Publisher, datasets: list[str], older_than: float) -> list[str]:
    """Discard our working copies that are older than so many seconds and whose run is not live.

    A copy without a mark of its own is a person's and stays, as does one whose publish may be under way.

    :return: the 4x4s of the discarded copies.
    """
    discarded: list[str] = []
    for dataset in datasets:
        for view in working_copies(publisher, read_dataset(publisher, dataset)):
            mark = Mark.own(view)
            if mark is None:
                publisher.log(f"Working copy {view.id} of {dataset} carries no mark: a person's, it stays.")
                continue
            age = publisher.portal_time() - (view.created_at or publisher.portal_time())
            state = publisher.runs.state(mark.operation.dag_id, mark.operation.run_id)
            intent = publisher.intents.load(mark.operation.key)
            if state is RunState.LIVE or age < older_than or view.awaits_approval:
                publisher.log(
                    f"Working copy {view.id} of {mark.operation} stays: run {state.value}, {age:.0f} s old."
                )
                continue
            if discard_working_copy(publisher, view.id, dataset):
                discarded.append(view.id)
            if intent is not None and intent.phase is not Phase.PUBLISHING:
                publisher.intents.forget(intent)
    return discarded
