"""Deleting a whole dataset: looked at just before, and looked for afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import NotFound, datasets, views
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.publication.creating import find_dataset
from airflow_socrata.publication.errors import NotPublishable, WorkingCopyInTheWay
from airflow_socrata.publication.preflight import read_or_none, working_copies

if TYPE_CHECKING:
    from airflow_socrata.client import View
    from airflow_socrata.publication.publisher import Publisher


def delete_dataset(
    publisher: Publisher,
    dataset: str,
    *,
    resource_name: str | None = None,
    with_drafts: bool = False,
    only_draft: bool = False,
    timeout: float = 60.0,
) -> bool:
    """Delete a dataset with its rows for good, and look that it is gone.

    :param dataset: 4x4 of the published dataset, or of a draft that never was published.
    :param resource_name: refuse unless the dataset has it: a second lock.
    :param with_drafts: delete it although somebody has a working copy of it open.
    :param only_draft: refuse a dataset that was published, be it since somebody looked last.
    :param timeout: seconds for the portal to show that it is gone.
    :return: whether there was one to delete.
    :raises NotPublishable: it is a working copy, a filter, or another dataset than the one named.
    :raises WorkingCopyInTheWay: a working copy is open.
    """
    check_dataset_id(dataset)
    sent = []

    def look_then_delete() -> None:
        view = read_or_none(publisher, dataset)
        if view is None:
            _check_gone(publisher, dataset, resource_name)
            return
        _check(view, resource_name, only_draft=only_draft)
        drafts = [] if view.is_unpublished else working_copies(publisher, view)
        if drafts and not with_drafts:
            names = ", ".join(draft.id for draft in drafts)
            raise WorkingCopyInTheWay(
                f"{dataset} is not deleted: a working copy of it is open ({names}), which would go with it."
                " Discard it first, or pass with_drafts=True."
            )
        sent.append(dataset)
        try:
            publisher.send(views.discard(dataset))
        except NotFound:
            return

    publisher.session.repeat(look_then_delete)
    if sent:
        for pause in publisher.patience(timeout).pauses(f"deletion of {dataset}"):
            if read_or_none(publisher, dataset) is None:
                break
            publisher.session.sleep(pause.seconds)
    return bool(sent)


def _check(view: View, resource_name: str | None, *, only_draft: bool) -> None:
    if only_draft and not view.is_unpublished:
        raise NotPublishable(
            f"{view.id} ({view.name}) is not deleted: somebody has published it in the meantime."
        )
    if view.is_working_copy:
        raise NotPublishable(
            f"{view.id} is not deleted: it is a working copy of {view.published_view_uid}; discard it with"
            " SocrataDiscardWorkingCopyOperator, or on the portal."
        )
    if view.modifying_view_uid is not None:
        raise NotPublishable(
            f"{view.id} ({view.name}) is not deleted: it is a filter on {view.modifying_view_uid}."
        )
    has = datasets.resource_name_of(view)
    if resource_name is not None and has != resource_name:
        raise NotPublishable(
            f"{view.id} ({view.name}) is not deleted: its resource name is {has or 'none'}, not"
            f" {resource_name}; check the dataset id."
        )
    if view.rights and not view.can("delete_view"):
        raise NotPublishable(
            f"{view.id} ({view.name}) is not deleted: the connection's user may not; its rights are"
            f" {', '.join(sorted(view.rights))}."
        )


def _check_gone(publisher: Publisher, dataset: str, resource_name: str | None) -> None:
    """Refuse to call a dataset gone whose resource name leads to another one: the id may be wrong."""
    found = None if resource_name is None else find_dataset(publisher, resource_name)
    if found is not None:
        raise NotPublishable(
            f"There is no {dataset}, but {resource_name} is {found.id} ({found.name}): check the dataset id."
        )
