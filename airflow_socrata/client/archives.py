"""Calls for former versions of a dataset: the archive of one that was enrolled, and snapshots.

The archive's paths were seen in the portals' own pages and in vendor clients; the vendor documents none of
them. Snapshots are views of their own, which the old back end leaves behind with each publish.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.exports import download
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.links import check_number
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.models import View
from airflow_socrata.client.parsing import integer, no_error, object_of, refuse_error_object, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client.messages import ReplySink

_PATH = "/api/archival"
_NOT_ENROLLED = "check the dataset id and the version, and that the dataset is enrolled in archiving"


@dataclass(frozen=True, slots=True)
class ArchivedVersion:
    """One version of a dataset in the archive.

    :param version: its number, by the portal's own count of changes.
    :param start_version: the number of the version that it followed.
    :param created_at: ISO 8601.
    :param visible: whether people see it among the versions.
    """

    version: int
    start_version: int | None = None
    created_at: str | None = None
    visible: bool | None = None

    @classmethod
    def from_json(cls, body: Any) -> ArchivedVersion:
        """Read a version.

        :raises UnreadableReply: it has no number.
        """
        number = integer(body.get("version")) if isinstance(body, dict) else None
        if number is None:
            raise UnreadableReply("a version of the archive has no number")
        visible = body.get("visible")
        return cls(
            number,
            integer(body.get("startVersion")),
            text(body.get("createdAt")),
            visible if isinstance(visible, bool) else None,
        )


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """Whether the file of a version has been made.

    :param state: the portal's word: ``not_started``, ``done``, or another while it is being made.
    """

    state: str
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_done(self) -> bool:
        """Whether it can be downloaded."""
        return self.state == "done"


def enrol(dataset_id: str) -> Call[None]:
    """Keep the versions of a dataset from now on."""
    return _change("POST", dataset_id, (("method", "enroll"),), f"enrol {dataset_id} in archiving")


def versions(
    dataset_id: str, *, before: str | None = None, limit: int | None = None
) -> Call[tuple[ArchivedVersion, ...]]:
    """List the versions in the archive.

    :param before: ISO 8601; only older ones.
    :param limit: how many at most.
    """
    params: tuple[tuple[str, str], ...] = (("id", check_dataset_id(dataset_id)),)
    if before is not None:
        params = (*params, ("beforeDate", before))
    if limit is not None:
        params = (*params, ("limit", str(check_number(limit, "limit"))))
    return Call(CallKind.READ, "GET", _PATH, _parse_versions, f"archive of {dataset_id}", params=params)


def make_file(dataset_id: str, version: int) -> Call[None]:
    """Ask for the file of a version; asked again, it is being made or there already."""
    params = (("method", "createArchive"), ("version", str(check_number(version, "version"))))
    return _change("PUT", dataset_id, params, f"make the archive file of version {version} of {dataset_id}")


def state(dataset_id: str, version: int) -> Call[ArchiveState]:
    """Ask whether the file of a version has been made."""
    number = str(check_number(version, "version"))
    return Call(
        CallKind.READ,
        "GET",
        _PATH,
        _parse_state,
        f"archive file of version {version} of {dataset_id}",
        params=(("id", check_dataset_id(dataset_id)), ("version", number), ("method", "status")),
        if_absent=_NOT_ENROLLED,
    )


def set_visible(dataset_id: str, version: int, visible: bool) -> Call[None]:
    """Show a version to people, or hide it."""
    params = (
        ("method", "setVisibility"),
        ("version", str(check_number(version, "version"))),
        ("visible", "true" if visible else "false"),
    )
    what = "show" if visible else "hide"
    return _change("PUT", dataset_id, params, f"{what} version {version} of {dataset_id}")


def file(dataset_id: str, version: int, into: ReplySink) -> Call[None]:
    """Download the file of a version as CSV, once it has been made.

    :param into: takes the bytes.
    """
    params = (
        ("id", check_dataset_id(dataset_id)),
        ("version", str(check_number(version, "version"))),
        ("method", "export"),
    )
    return download(f"{_PATH}.csv", params, into, f"download version {version} of {dataset_id}")


def snapshots(dataset_id: str) -> Call[tuple[View, ...]]:
    """List the snapshots of a dataset, which only the old back end makes, the newest first."""
    return Call(
        CallKind.READ,
        "GET",
        f"/api/views/{check_dataset_id(dataset_id)}.json",
        _parse_snapshots,
        f"snapshots of {dataset_id}",
        params=(("method", "getPublicationGroup"),),
    )


def _parse_snapshots(reply: Reply) -> tuple[View, ...]:
    body = reply.json()
    if isinstance(body, dict):
        refuse_error_object(body)
    listed = body if isinstance(body, list) else [body]
    found = [view for view in map(View.from_json, listed) if view.publication_stage == "snapshotted"]
    return tuple(sorted(found, key=lambda view: (view.created_at or 0, view.id), reverse=True))


def _change(method: str, dataset_id: str, params: tuple[tuple[str, str], ...], summary: str) -> Call[None]:
    return Call(
        CallKind.METADATA,
        method,
        _PATH,
        no_error,
        summary,
        params=(("id", check_dataset_id(dataset_id)), *params),
        headers=JSON_TYPE,
        body=b"{}",
        if_absent=_NOT_ENROLLED,
    )


def _parse_versions(reply: Reply) -> tuple[ArchivedVersion, ...]:
    body = reply.json()
    if isinstance(body, dict):
        refuse_error_object(body)
    if not isinstance(body, list):
        raise UnreadableReply("expected an array of versions")
    return tuple(ArchivedVersion.from_json(item) for item in body)


def _parse_state(reply: Reply) -> ArchiveState:
    body = object_of(reply, "the state of an archive file")
    word = text(body.get("status")) or text(body.get("state"))
    if word is None:
        raise UnreadableReply("the archive file has no state")
    return ArchiveState(word, body)
