"""From the draft of a new dataset to its first version, and to its audience."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import RequestRefused, View, views
from airflow_socrata.client.access import Audience, audience_of, put_permissions
from airflow_socrata.publication import waits
from airflow_socrata.publication.errors import NotPublishable, PublicationError, PublishFailed

if TYPE_CHECKING:
    from airflow_socrata.publication.publisher import Publisher


def publish_first(publisher: Publisher, dataset: str, timeout: float, *, on_approval: str = "wait") -> View:
    """Publish a dataset that never was, once in effect; return it as it then stands.

    :param timeout: seconds for the portal's job, and for a steward.
    :param on_approval: ``wait`` for the steward, ``submit`` (return the draft that waits), or ``fail``.
    :raises Rejected: the steward has rejected it.
    """
    view = publisher.session.repeat(lambda: _look_then_publish(publisher, dataset, timeout))
    if view.is_published:
        return view
    if not view.awaits_approval:
        raise PublishFailed(f"{dataset} is still a draft although the portal was told to publish it.")
    if on_approval == "wait":
        publisher.log(f"{dataset} waits for a steward's approval.")
        patience = publisher.patience(timeout)
        ended = publisher.wait(waits.publish_ended(dataset, dataset, patience, await_approval=True))
        return ended.published
    if on_approval == "submit":
        return view
    raise PublicationError(
        f"{dataset} waits for a steward's approval and is not published. Pass on_approval='submit' or 'wait'."
    )


def _look_then_publish(publisher: Publisher, dataset: str, timeout: float) -> View:
    view = publisher.send(views.read_view(dataset))
    if view.is_published or view.awaits_approval:
        return view
    if not view.is_unpublished or view.is_working_copy:
        raise NotPublishable(f"{dataset} is no draft of a new dataset, but {view.publication_stage}.")
    try:
        answer = publisher.send(views.publish(dataset))
    except RequestRefused:
        view = publisher.send(views.read_view(dataset))
        if not view.is_published:
            raise
        return view  # an earlier sending was carried out
    if not isinstance(answer, View):
        job = waits.publish_job(dataset, dataset, answer, publisher.patience(timeout), await_approval=False)
        publisher.wait(job)
    return publisher.send(views.read_view(dataset))


def set_audience(publisher: Publisher, dataset: str, audience: Audience) -> View:
    """Set who sees a dataset, where that is somebody else, and prove it.

    :raises PublicationError: the portal took the call, and shows another audience.
    """
    return publisher.session.repeat(lambda: _look_then_set(publisher, dataset, audience))


def _look_then_set(publisher: Publisher, dataset: str, audience: Audience) -> View:
    view = publisher.send(views.read_view(dataset))
    if (audience_of(view) or "private") == audience:
        return view
    publisher.send(put_permissions(dataset, scope=audience))
    view = publisher.send(views.read_view(dataset))
    shown = audience_of(view)
    if shown != audience and view.is_published:
        raise PublicationError(
            f"{dataset} was to be {audience}, and is {shown or 'private'}: a steward may have to approve it."
            " Create it private, and use SocrataSetPermissionOperator, which can wait."
        )
    return view
