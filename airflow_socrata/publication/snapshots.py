"""Deleting snapshots: the former versions that the old back end leaves behind with each publish."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import NotFound, archives, views
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.publication.errors import PublicationError

if TYPE_CHECKING:
    from airflow_socrata.client import View
    from airflow_socrata.publication.publisher import Publisher


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """What became of the snapshots of a dataset: their 4x4s, the newest first."""

    dataset: str
    kept: tuple[str, ...]
    deleted: tuple[str, ...]
    link: str

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data."""
        return {"dataset": self.dataset, "kept": list(self.kept), "deleted": list(self.deleted)}


def delete_snapshots(publisher: Publisher, dataset: str, keep: int) -> SnapshotReport:
    """Delete all snapshots but the newest.

    Each one is read again just before it is deleted: the same call on a published id destroys a dataset.

    :param keep: how many stay.
    :raises ConfigurationError: that is no number of snapshots.
    :raises PublicationError: what was listed as a snapshot is none.
    """
    if isinstance(keep, bool) or not isinstance(keep, int) or keep < 0:
        raise ConfigurationError(f"keep is {keep!r}: give the number of snapshots to keep, 0 or more")
    published = publisher.send(views.read_view(dataset))
    if not published.is_published:
        raise PublicationError(
            f"{dataset} is {published.publication_stage}: give the id of a published dataset."
        )
    found = publisher.send(archives.snapshots(dataset))
    old = found[keep:]
    for snapshot in reversed(old):
        publisher.session.repeat(partial(_look_then_delete, publisher, published, snapshot))
    publisher.log(f"{dataset}: {len(old)} snapshots deleted, {len(found) - len(old)} kept.")
    names = tuple(view.id for view in found)
    return SnapshotReport(dataset, names[:keep], names[keep:], publisher.link(dataset))


def _look_then_delete(publisher: Publisher, published: View, snapshot: View) -> None:
    try:
        view = publisher.send(views.read_view(snapshot.id))
    except NotFound:
        return  # by an earlier sending, or by somebody else
    same = view.publication_group == published.publication_group
    if view.publication_stage != "snapshotted" or view.id == published.id or not same:
        raise PublicationError(
            f"{view.id} is {view.publication_stage}, no snapshot of {published.id}: it stays."
        )
    publisher.send(views.discard(view.id))
