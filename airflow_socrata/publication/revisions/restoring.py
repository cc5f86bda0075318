"""Going back to the data of an earlier revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import revisions as calls
from airflow_socrata.publication.errors import NotPublishable

if TYPE_CHECKING:
    from airflow_socrata.publication.publisher import Publisher


def revision_to_restore(publisher: Publisher, dataset: str, wanted: int | None) -> int:
    """Return the sequence number of the revision to go back to.

    :param wanted: its number; ``None``: the one that was applied before the last.
    :raises NotPublishable: there is no such revision, or it was never applied.
    """
    listed = publisher.send(calls.listing(dataset))
    applied = sorted(
        revision.seq
        for revision in listed
        if revision.last_task_set is not None and revision.last_task_set.succeeded
    )
    if wanted is None:
        if len(applied) < 2:
            raise NotPublishable(
                f"{dataset} has {len(applied)} applied revisions: there is none before the last to restore."
            )
        return applied[-2]
    if wanted not in applied:
        known = ", ".join(map(str, applied)) or "none"
        raise NotPublishable(
            f"Revision {wanted} of {dataset} was never applied, or does not exist; applied were {known}."
        )
    return wanted
