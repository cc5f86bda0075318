"""The handle that goes from task to task: ids, counts, paths and links, never records, never secrets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.publication.handle import read_handle
from airflow_socrata.publication.opendatasoft.intent import DatasetBaseline, KeptFile
from airflow_socrata.publication.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class UploadedResource:
    """The file that a task has uploaded, and the resource that takes its records from it now.

    :param title: of the resource.
    :param resource: its uid.
    :param file: uid of the file on the portal.
    :param filename: what the portal was told.
    :param sent_bytes: size of the file.
    :param records: data rows in it; ``None`` where they cannot be counted.
    :param is_only: whether the dataset has no other resource.
    """

    title: str
    resource: str
    file: str
    filename: str
    sent_bytes: int
    records: int | None = None
    is_only: bool = True

    def __str__(self) -> str:
        rows = "rows not counted" if self.records is None else f"{self.records:,} rows"
        return f"{self.filename} ({self.sent_bytes:,} bytes, {rows}) is the source of resource {self.title!r}"


@dataclass(frozen=True, slots=True)
class DatasetHandle:
    """Names one dataset under change, and the restore point that was noted before.

    :param dataset: uid.
    :param dataset_id: the name in addresses and in Explore.
    :param operation: who noted the restore point.
    :param baseline: the dataset at that time.
    :param kept: copies of the former records.
    :param links: pages for people, ``{"dataset": url}``.
    :param upload: what the task that returned this handle has uploaded.
    """

    dataset: str
    dataset_id: str
    operation: Operation
    baseline: DatasetBaseline
    kept: tuple[KeptFile, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    upload: UploadedResource | None = None

    def with_upload(self, upload: UploadedResource) -> DatasetHandle:
        """Return the handle that an upload task passes on."""
        return replace(self, upload=upload)

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "kept": [asdict(one) for one in self.kept]}

    @classmethod
    def from_xcom(cls, value: object) -> DatasetHandle:
        """Read a handle.

        :raises HandleMismatch: the value is none, e.g. because an upstream task was cleared.
        """
        return read_handle(value, "a restore point", cls._of)

    @classmethod
    def _of(cls, value: Mapping[str, Any]) -> DatasetHandle:
        upload = value.get("upload")
        return cls(
            dataset=str(value["dataset"]),
            dataset_id=str(value["dataset_id"]),
            operation=Operation.from_json(value["operation"]),
            baseline=DatasetBaseline(**value["baseline"]),
            kept=tuple(KeptFile(**one) for one in value.get("kept") or ()),
            links=dict(value.get("links") or {}),
            upload=UploadedResource(**upload) if upload else None,
        )
