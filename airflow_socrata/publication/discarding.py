"""The one place that sends DELETE for a working copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import NotFound, views
from airflow_socrata.publication.errors import NotPublishable
from airflow_socrata.publication.ownership import is_deletable
from airflow_socrata.publication.preflight import read_or_none

if TYPE_CHECKING:
    from airflow_socrata.publication.publisher import Publisher


def discard_working_copy(publisher: Publisher, working_copy: str, dataset: str) -> bool:
    """Discard a working copy: re-read it just before, delete it, and look that it is gone.

    :param working_copy: 4x4 of the working copy.
    :param dataset: 4x4 of its dataset, which is never deleted.
    :return: whether there was one to discard.
    :raises NotPublishable: the view is no working copy of another, published dataset.
    """
    return publisher.session.repeat(lambda: _look_then_delete(publisher, working_copy, dataset))


def _look_then_delete(publisher: Publisher, working_copy: str, dataset: str) -> bool:
    view = read_or_none(publisher, working_copy)
    if view is None:
        return False
    if not is_deletable(view, dataset):
        raise NotPublishable(
            f"{working_copy} is not deleted: it is {view.publication_stage} and names"
            f" {view.published_view_uid} as its published view; only an unpublished working copy of another"
            " dataset is ever discarded."
        )
    try:
        publisher.send(views.discard(working_copy))
    except NotFound:
        return False
    publisher.log(f"Working copy {working_copy} of {dataset} was discarded.")
    return True
