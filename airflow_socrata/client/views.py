"""Calls for views and the publication workflow (portal's Core API)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.models import Accepted, PendingGeocoding, Replication, Twin, User, View
from airflow_socrata.client.parsing import (
    integer,
    mapping,
    nothing,
    object_of,
    objects,
    refuse_error_object,
    text,
)
from airflow_socrata.client.retry import retry_after_seconds
from airflow_socrata.client.wire import path_on_portal

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

#: Seconds between two looks at a job where the portal does not say; vendor clients use 3 to 10.
DEFAULT_POLL_SECONDS = 4.0
_SHORTEST_POLL, _LONGEST_POLL = 1.0, 300.0
#: What a portal replaces as a whole when a view is updated.
_WHOLES = ("metadata", "privateMetadata")


def _view_path(dataset_id: str) -> str:
    return f"/api/views/{check_dataset_id(dataset_id)}.json"


def _publication_path(dataset_id: str) -> str:
    return f"/api/views/{check_dataset_id(dataset_id)}/publication.json"


def read_view(dataset_id: str) -> Call[View]:
    """Read a view.

    :raises ConfigurationError: if ``dataset_id`` is no 4x4; so do all calls here.
    """
    return Call(CallKind.READ, "GET", _view_path(dataset_id), _parse_view, f"read view {dataset_id}")


def publication_group(
    dataset_id: str, stage: Literal["unpublished", "published", "snapshotted"]
) -> Call[tuple[View, ...]]:
    """Find the copies of a dataset in one stage; none is an empty tuple."""
    return Call(
        CallKind.READ,
        "GET",
        _view_path(dataset_id),
        _parse_views,
        f"find {stage} copies of {dataset_id}",
        params=(("method", "getLensPublicationGroup"), ("stage", stage)),
    )


def open_copy(dataset_id: str, method: Literal["copy", "copySchema"]) -> Call[View | Accepted]:
    """Open a working copy of a published view, or join the one that is open or being made.

    :param method: ``copy``: schema and rows; ``copySchema``: no rows.
    """
    if method not in {"copy", "copySchema"}:
        raise ConfigurationError(f"method {method!r} is unknown: use copy or copySchema")
    return Call(
        CallKind.COPY,
        "POST",
        _publication_path(dataset_id),
        _parse_view_or_accepted,
        f"{method} {dataset_id}",
        params=(("method", method),),
        headers=JSON_TYPE,
        body=b"{}",
    )


def publish(working_copy_id: str) -> Call[View | Accepted]:
    """Publish a working copy, or a dataset that was never published. Returns the published view."""
    return Call(
        CallKind.PUBLISH,
        "POST",
        _publication_path(working_copy_id),
        _parse_view_or_accepted,
        f"publish {working_copy_id}",
        headers=JSON_TYPE,
        body=b"{}",
    )


def discard(working_copy_id: str) -> Call[None]:
    """Delete a view. On a published id this destroys the dataset: read the view just before, each time."""
    return Call(
        CallKind.DISCARD,
        "DELETE",
        _view_path(working_copy_id),
        nothing,
        f"discard {working_copy_id}",
    )


def update_view(dataset_id: str, changes: Mapping[str, Any]) -> Call[View]:
    """Change what a view says about itself; keys that ``changes`` lacks stay as they are.

    :raises ConfigurationError: for ``metadata`` and ``privateMetadata``, which a portal replaces as wholes:
        attachments, custom fields and the row identifier would be lost; see :func:`merged_update`.
    """
    wholes = [key for key in _WHOLES if key in changes]
    if wholes:
        raise ConfigurationError(
            f"a portal replaces {' and '.join(wholes)} as a whole: use merged_update with the view just read"
        )
    return _update(dataset_id, changes)


def merged_update(view: View, changes: Mapping[str, Any], *, validate_only: bool = False) -> Call[View]:
    """Change what a view says about itself, key by key also within ``metadata`` and ``privateMetadata``.

    The only place that writes these two: what ``changes`` does not name is sent as ``view`` has it.

    :param view: as it is now: read just before, since what others have written meanwhile is overwritten.
    :param changes: other keys replace the view's; within the two, a key with None is taken away.
    :param validate_only: let the portal check the changes and leave the view as it is.
    """
    return _update(view.id, merged_wholes(view.raw, changes), validate_only=validate_only)


def merged_wholes(now: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes whose ``metadata`` and ``privateMetadata`` hold what is there ``now`` as well.

    :param now: a view, or the metadata of a revision, as the portal tells it.
    :param changes: within the two, a key with None is taken away.
    """
    body = dict(changes)
    for key in _WHOLES:
        if key in body:
            merged = {**mapping(now.get(key)), **(body[key] or {})}
            body[key] = {name: value for name, value in merged.items() if value is not None}
    return body


def _update(dataset_id: str, body: Mapping[str, Any], *, validate_only: bool = False) -> Call[View]:
    return Call(
        CallKind.METADATA,
        "PUT",
        _view_path(dataset_id),
        _parse_view,
        f"{'validate an update of' if validate_only else 'update'} view {dataset_id}",
        params=(("validateOnly", "true"),) if validate_only else (),
        headers=JSON_TYPE,
        body=json.dumps(dict(body), allow_nan=False).encode(),
    )


def pending_geocoding(dataset_id: str) -> Call[PendingGeocoding]:
    """Count the rows that wait for geocoding (old back end with location columns)."""
    return Call(
        CallKind.READ,
        "GET",
        f"/api/geocoding/{check_dataset_id(dataset_id)}",
        _parse_geocoding,
        f"pending geocoding of {dataset_id}",
        params=(("method", "pending"),),
    )


def replication(dataset_id: str) -> Call[Replication]:
    """Ask whether reads show the last write (new back end)."""
    return Call(
        CallKind.READ,
        "GET",
        f"/api/views/{check_dataset_id(dataset_id)}/replication.json",
        _parse_replication,
        f"replication of {dataset_id}",
    )


def twin(dataset_id: str) -> Call[Twin]:
    """Find both ids of a dataset that is mirrored between the back ends; 404 if it is not."""
    return Call(
        CallKind.READ,
        "GET",
        f"/api/migrations/{check_dataset_id(dataset_id)}",
        _parse_twin,
        f"twin of {dataset_id}",
    )


def current_user() -> Call[User]:
    """Ask who is signed in."""
    return Call(CallKind.READ, "GET", "/api/users/current.json", _parse_user, "sign in")


def portal_date() -> Call[float | None]:
    """Ask the portal for its time, in epoch seconds; None if it does not tell. Needs a signed-in user."""
    user = current_user()
    return Call(user.kind, user.method, user.path, _parse_date, "time of the portal")


def follow(call: Call[T], accepted: Accepted) -> tuple[Call[T], float]:
    """Return the call that looks at a job begun by ``call``, and the seconds to wait before it.

    A location is read; a ticket is asked for at the same address; else the call is sent again, which joins
    the job (portal's 202 contract).
    """
    asked = DEFAULT_POLL_SECONDS if accepted.retry_after is None else accepted.retry_after
    seconds = min(max(asked, _SHORTEST_POLL), _LONGEST_POLL)
    look = {"kind": CallKind.READ, "method": "GET", "headers": (), "body": None}
    if accepted.location is not None:
        return replace(call, path=accepted.location, params=(), **look), seconds  # type: ignore[arg-type]
    if accepted.ticket is not None:
        params = tuple(pair for pair in call.params if pair[0] != "ticket")
        return replace(call, params=(*params, ("ticket", accepted.ticket)), **look), seconds  # type: ignore[arg-type]
    return call, seconds


def _parse_view(reply: Reply) -> View:
    if reply.status == 202:
        raise UnreadableReply("the portal has not finished")
    return View.from_json(object_of(reply, "a view"))


def _parse_views(reply: Reply) -> tuple[View, ...]:
    if not reply.body.strip():
        return ()
    body = reply.json()
    if body is None or body == {}:
        return ()
    if isinstance(body, dict):
        refuse_error_object(body)
        return (View.from_json(body),)
    if not isinstance(body, list):
        raise UnreadableReply("expected an array of views")
    return tuple(View.from_json(item) for item in body)


def _parse_view_or_accepted(reply: Reply) -> View | Accepted:
    return accepted_of(reply, told_by=("status", "ticket")) or _parse_view(reply)


def accepted_of(reply: Reply, told_by: tuple[str, ...] = ("ticket",)) -> Accepted | None:
    """Read the portal's 202 contract; None: the reply is the end of the job.

    :param told_by: keys of which any tells that a reply of another status is not the end.
    :raises UnreadableReply: the reply is an error object, or not even JSON.
    """
    try:
        body = reply.json()
    except UnreadableReply:
        if reply.status != 202:
            raise
        body = {}
    body = mapping(body)
    refuse_error_object(body)
    unfinished = any(text(body.get(key)) for key in told_by) or body.get("code") == "accepted"
    return _accepted_from(reply, body) if reply.status == 202 or unfinished else None


def _accepted_from(reply: Reply, body: Mapping[str, Any]) -> Accepted:
    """Read the 202 contract in any of its forms: ticket, status, details, Location, Retry-After."""
    headers = reply.headers
    location = headers.get("Location") or headers.get("X-SODA2-Location")
    wait = headers.get("Retry-After") or headers.get("X-SODA2-Retry-After")
    details = mapping(body.get("details"))
    return Accepted(
        ticket=text(body.get("ticket")),
        status=text(body.get("status")) or text(details.get("status")),
        location=path_on_portal(location, reply.url) if location else None,
        retry_after=retry_after_seconds(wait, reply.date),
        details=details,
        request_id=reply.request_id,
    )


def _parse_geocoding(reply: Reply) -> PendingGeocoding:
    body = object_of(reply, "a geocoding state")
    total, view = integer(body.get("total")), integer(body.get("view"))
    if total is None and view is None:
        raise UnreadableReply("the geocoding state has neither total nor view")
    return PendingGeocoding(total=total or 0, view=view or 0)


def _parse_replication(reply: Reply) -> Replication:
    body = object_of(reply, "a replication state")
    up_to_date = body.get("read_replication_up_to_date")
    if not isinstance(up_to_date, bool):
        raise UnreadableReply("the replication state lacks read_replication_up_to_date")
    computed = body.get("asynchronous_computation_up_to_date")
    versions = {
        str(item["name"]): version
        for item in objects(body.get("secondary_versions"))
        if "name" in item and (version := integer(item.get("version"))) is not None
    }
    return Replication(
        up_to_date=up_to_date,
        truth_version=integer(body.get("truth_data_version")),
        secondary_versions=versions,
        computed_up_to_date=computed if isinstance(computed, bool) else None,
    )


def _parse_twin(reply: Reply) -> Twin:
    body = object_of(reply, "a pair of ids")
    return Twin(old_backend_id=text(body.get("obeId")), new_backend_id=text(body.get("nbeId")))


def _parse_date(reply: Reply) -> float | None:
    return reply.date


def _parse_user(reply: Reply) -> User:
    body = object_of(reply, "a user")
    user_id = text(body.get("id"))
    if user_id is None:
        raise UnreadableReply("the user has no id")
    return User(
        id=user_id,
        display_name=text(body.get("displayName")) or text(body.get("screenName")),
        email=text(body.get("email")),
    )
