"""Checks of a dataset before anything is changed on the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import NotFound, PortalError, SyncedDataset, View, rows, views
from airflow_socrata.client.access import audience_of
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.publication.errors import NotPublishable, OlderRun
from airflow_socrata.publication.operation import Mark, Operation

if TYPE_CHECKING:
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.waits import Steps

#: Any of these lets the caller write rows; portals name the one or the other.
WRITE_RIGHTS = ("write", "add")


#: The type of a view that is a file, e.g. a PDF: only a revision can bring its next version.
FILE_TYPE = "blobby"


def read_dataset(publisher: Publisher, dataset: str, *, may_be_file: bool = False) -> View:
    """Read a dataset that rows are to be published to.

    :param may_be_file: whether a view that is a file will do as well.
    :raises ConfigurationError: not a 4x4.
    :raises NotFound: the portal has no such dataset, or hides it from this user.
    :raises NotPublishable: a filter, a derived view, not tabular, without the right to write.
    :raises PermissionDenied: without the right to write, and nobody is signed in.
    """
    view: View = publisher.send(views.read_view(check_dataset_id(dataset)))
    if not _may_write(view):
        # A portal may take credentials that are no good for none: then that is what is wrong.
        publisher.send(views.current_user())
    check_kind(view, may_be_file=may_be_file)
    return view


def _may_write(view: View) -> bool:
    return not view.rights or any(view.can(right) for right in WRITE_RIGHTS)


def check_kind(view: View, *, may_be_file: bool = False) -> None:
    """Refuse views that hold no rows of their own, and those that the caller may not write to."""
    is_file = may_be_file and view.view_type == FILE_TYPE
    if view.view_type is not None and view.view_type != "tabular" and not is_file:
        raise NotPublishable(f"{view.id} ({view.name}) is of type {view.view_type}; only tables take rows.")
    if view.is_filter_or_derived and not is_file:
        source = view.modifying_view_uid
        advice = f"publish to {source} instead" if source else "publish to the dataset that it is made from"
        raise NotPublishable(
            f"{view.id} ({view.name}) is a filter or derived view and has no rows of its own: {advice}."
        )
    if not _may_write(view):
        raise NotPublishable(
            f"The connection's user may not write to {view.id} ({view.name}); its rights are "
            f"{', '.join(sorted(view.rights))}. Ask the dataset's owner for the role of editor or publisher."
        )


def check_published(view: View) -> None:
    """Refuse a view that is not a published dataset.

    :raises NotPublishable: a working copy (named with its dataset) or a dataset that was never published.
    """
    if view.is_published:
        return
    of = view.published_view_uid
    if of is not None and of != view.id:
        raise NotPublishable(f"{view.id} is itself a working copy of {of}; give the dataset's id, {of}.")
    raise NotPublishable(
        f"{view.id} ({view.name}) was never published: publish it once, then update it by working copies."
    )


def check_order(view: View, operation: Operation, *, allow_older_run: bool) -> None:
    """Refuse to publish the data of an older run over those of a newer one.

    :param view: the published dataset; its mark, if it has one, is that of the last publication.
    :raises OlderRun: a newer run of the same DAG has published, and that was not allowed.
    """
    last = Mark.on(view)
    if allow_older_run or last is None or not operation.order or not last.operation.order:
        return
    same = (last.operation.dag_id, last.operation.task_id, last.operation.map_index) == (
        operation.dag_id,
        operation.task_id,
        operation.map_index,
    )
    if same and last.operation.order > operation.order:
        raise OlderRun(
            f"Run {last.operation.run_id} ({last.operation.order}) has published to {view.id} already, and"
            f" this run ({operation.order}) is older: its rows would replace newer ones. Pass"
            " allow_older_run=True to do so."
        )


def check_audience(dataset: View, draft: View) -> None:
    """Refuse a draft that would make a dataset public with publishing.

    :raises NotPublishable: somebody has set the draft's audience, which was pending until now.
    """
    if dataset.permission_scope in {"private", "site"} and audience_of(draft) == "public":
        raise NotPublishable(
            f"{draft.id} would make {dataset.id} public, which is {dataset.permission_scope}: somebody set"
            " the working copy's audience. Discard it, and set that of the dataset if it shall be public."
        )


def working_copies(publisher: Publisher, dataset: View) -> list[View]:
    """List the open working copies of a dataset, its own drafts excluded."""
    group = publisher.send(views.publication_group(dataset.id, "unpublished"))
    return [view for view in group if view.is_unpublished and view.id != dataset.id]


def count_rows(dataset: str) -> Steps[int]:
    """Count without waiting for replicas."""
    count = yield rows.count(dataset)
    return int(count.rows)


def read_or_none(publisher: Publisher, view_id: str) -> View | None:
    """Read a view, ``None`` if the portal has it no more."""
    try:
        found: View = publisher.send(views.read_view(view_id))
    except NotFound:
        return None
    return found


def mirrored(publisher: Publisher, view_id: str, error: SyncedDataset) -> NotPublishable:
    """Say that a dataset is a mirror that the portal fills itself, and which one takes rows, if known."""
    try:
        writable = publisher.send(views.twin(view_id)).old_backend_id
    except PortalError:
        writable = None
    advice = f"publish to {writable} instead" if writable else "publish to the dataset that it mirrors"
    return NotPublishable(
        f"{view_id} is a mirror that the portal fills itself ({error.portal_message}): {advice}."
    )


def rows_of(publisher: Publisher, view: View, timeout: float, expected: int | None = None) -> int:
    """Count the rows of a view once its replicas have caught up; a file has none.

    :param timeout: seconds for the replicas.
    """
    return 0 if view.view_type == FILE_TYPE else publisher.count(view.id, timeout, expected)
