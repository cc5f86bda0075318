"""What a run is about to change on a dataset, recorded before each step."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.opendatasoft.models import Resource, RestorePoint, Source, Status
from airflow_socrata.publication.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATUS_FIELDS = ("name", "since", "read_at", "is_published", "previous")


class ChangePhase(enum.StrEnum):
    """How far a change has got; each is recorded before the step that it names."""

    NOTED = "noted"
    UPLOADING = "uploading"
    CHANGING = "changing"
    CHANGED = "changed"
    ORDERED = "ordered"
    FAILED = "failed"
    DONE = "done"
    VERIFIED = "verified"
    RESTORING = "restoring"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True)
class DatasetBaseline:
    """The dataset as it was when the run began, at rest.

    :param records: as many as the public saw; ``None`` if it was not published.
    :param is_published: whether Explore showed it.
    :param status: its status.
    :param since: when it entered that status, epoch seconds by the portal's clock.
    :param data_processed: when its data had last been processed, epoch seconds.
    """

    records: int | None
    is_published: bool
    status: str
    since: float | None = None
    data_processed: float | None = None


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A copy of the former records, at the path that the user named.

    :param path: of the copy.
    :param size: bytes.
    :param resource: uid of the resource whose file it is; ``None`` for an export of all public records.
    :param filename: what the portal called the file.
    """

    path: str
    size: int
    resource: str | None
    filename: str

    @property
    def is_export(self) -> bool:
        """Whether the portal has written it from the public records."""
        return self.resource is None


@dataclass(frozen=True, slots=True)
class ChangeIntent:
    """What an operation is about to do, where a retry, the rollback and the DAG's callback can read it.

    :param operation: whose intent.
    :param dataset: uid of the dataset.
    :param dataset_id: its name in Explore.
    :param domain: the portal.
    :param conn_id: the Airflow connection, for whoever rolls back later.
    :param recorded_at: epoch seconds by the portal's clock, when the restore point was noted.
    :param restore_point: the version of the configuration to go back to.
    :param baseline: the dataset as it was.
    :param kept: copies of the former records.
    :param resource: title of the resource that the run changes.
    :param resource_uid: its uid, once known.
    :param resource_before: that resource as it was; ``None`` if the run has added it.
    :param files: uids of the files that the run has uploaded.
    :param added: parts of the pipeline that the run has added: ``(fields or processors, uid)``.
    :param author: what the history calls the user of this run, where it tells.
    :param changed_at: epoch seconds (portal) before the last change of the configuration was sent.
    :param seen: the status before the first change.
    :param was_ordered: whether publish was ever ordered by this run.
    :param before: the status just before the last order.
    :param ordered_at: epoch seconds (portal) of the last order.
    """

    operation: Operation
    dataset: str
    dataset_id: str
    domain: str
    conn_id: str
    recorded_at: float
    restore_point: RestorePoint
    baseline: DatasetBaseline
    phase: ChangePhase = ChangePhase.NOTED
    kept: tuple[KeptFile, ...] = ()
    resource: str | None = None
    resource_uid: str | None = None
    resource_before: Resource | None = None
    files: tuple[str, ...] = ()
    added: tuple[tuple[str, str], ...] = ()
    author: str | None = None
    changed_at: float | None = None
    seen: Status | None = None
    was_ordered: bool = False
    before: Status | None = None
    ordered_at: float | None = None

    def at(self, phase: ChangePhase, **changes: Any) -> ChangeIntent:
        """Return this intent in another phase."""
        return replace(self, phase=phase, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return plain data: ids, counts, instants, paths; never a secret."""
        flat = {name: getattr(self, name) for name in self.__slots__}
        return {
            **flat,
            "operation": asdict(self.operation),
            "restore_point": self.restore_point.to_json(),
            "baseline": asdict(self.baseline),
            "phase": self.phase.value,
            "kept": [asdict(one) for one in self.kept],
            "resource_before": None if self.resource_before is None else resource_json(self.resource_before),
            "files": list(self.files),
            "added": [list(pair) for pair in self.added],
            "seen": None if self.seen is None else status_json(self.seen),
            "before": None if self.before is None else status_json(self.before),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ChangeIntent:
        """Read back what :meth:`to_json` wrote."""
        before, seen, was = data.get("before"), data.get("seen"), data.get("resource_before")
        return cls(**{
            **data,
            "operation": Operation.from_json(data["operation"]),
            "restore_point": RestorePoint.from_json(data["restore_point"]),
            "baseline": DatasetBaseline(**data["baseline"]),
            "phase": ChangePhase(data["phase"]),
            "kept": tuple(KeptFile(**one) for one in data.get("kept", ())),
            "resource_before": None if was is None else resource_from(was),
            "files": tuple(data.get("files", ())),
            "added": tuple((str(kind), str(uid)) for kind, uid in data.get("added", ())),
            "seen": None if seen is None else status_from(seen),
            "before": None if before is None else status_from(before),
        })


def status_json(status: Status) -> dict[str, Any]:
    """Return what a later look at the status is compared with, as plain data."""
    return {name: getattr(status, name) for name in _STATUS_FIELDS}


def status_from(data: Mapping[str, Any]) -> Status:
    """Read back what :func:`status_json` wrote."""
    known: dict[str, Any] = {name: data.get(name) for name in _STATUS_FIELDS}
    return Status(**known)


def resource_json(resource: Resource) -> dict[str, Any]:
    """Return a resource as plain data; the address that records are pushed to has a key and is left out."""
    raw = {key: value for key, value in resource.raw.items() if not (resource.push_url and key == "url")}
    return {
        "uid": resource.uid,
        "title": resource.title,
        "type": resource.type,
        "params": dict(resource.params),
        "source": asdict(resource.source),
        "raw": raw,
    }


def resource_from(data: Mapping[str, Any]) -> Resource:
    """Read back what :func:`resource_json` wrote."""
    return Resource(
        uid=str(data["uid"]),
        title=str(data["title"]),
        type=str(data["type"]),
        params=dict(data.get("params") or {}),
        source=Source(**data["source"]),
        raw=dict(data.get("raw") or {}),
    )
