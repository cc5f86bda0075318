"""From the draft of a new dataset to its first version, and to its audience."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import RequestRefused, View, views
from airflow_socrata.publication import waits
from airflow_socrata.publication.access import Outcome, WantedAccess, set_access
from airflow_socrata.publication.approving import audience_reached
from airflow_socrata.publication.errors import NotPublishable, PublicationError, PublishFailed

if TYPE_CHECKING:
    from airflow_socrata.client.access import Audience
    from airflow_socrata.publication.choices import OnFirstApproval
    from airflow_socrata.publication.publisher import Publisher


def publish_first(
    publisher: Publisher, dataset: str, timeout: float, *, on_approval: OnFirstApproval = "wait"
) -> View:
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


def set_audience(
    publisher: Publisher,
    dataset: str,
    audience: Audience,
    timeout: float = 3600.0,
    *,
    on_approval: OnFirstApproval = "wait",
) -> View:
    """Set who sees a dataset, where that is somebody else, and prove it; return it as it then stands.

    :param timeout: seconds for a steward.
    :param on_approval: where a steward must approve the audience: ``wait``, ``submit`` or ``fail``.
    :raises Rejected: the steward has rejected it.
    :raises OutcomeUnproved: the portal took the call, and shows another audience.
    """
    report = set_access(publisher, dataset, WantedAccess(audience), on_approval=on_approval)
    if report.outcome is Outcome.AWAITS_APPROVAL and on_approval == "wait":
        publisher.log(f"{dataset} waits for a steward's approval of its audience, {audience}.")
        publisher.wait(audience_reached(dataset, audience, publisher.patience(timeout)))
    return publisher.send(views.read_view(dataset))
