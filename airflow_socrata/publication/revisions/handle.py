"""The handle of a revision that goes from task to task: ids, counts and links."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.publication.handle import read_handle
from airflow_socrata.publication.operation import Baseline, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that one task has uploaded to a revision, parsed, transformed and checked.

    :param task_id: the task.
    :param source: id of the source.
    :param output_schema: id of the output schema; ``None`` for a file that is not parsed (a blob).
    :param filename: name under which the portal knows the file.
    :param layer: the sheet or layer, where the file has several.
    :param rows: rows of the file.
    :param error_rows: rows with cells that could not be converted, and rows with too many or too few cells.
    :param sent_bytes: bytes of the file.
    :param rejected_rows: where the rejected rows were saved.
    """

    task_id: str
    source: int
    output_schema: int | None
    filename: str
    layer: str | None = None
    rows: int | None = None
    error_rows: int = 0
    sent_bytes: int = 0
    rejected_rows: str | None = None

    def __str__(self) -> str:
        rows = "a file that is not parsed" if self.rows is None else f"{self.rows:,} rows"
        return f"{self.filename}: {rows}, {self.error_rows:,} with errors, {self.sent_bytes:,} bytes"


@dataclass(frozen=True, slots=True)
class RevisionHandle:
    """Names one open revision and the operation that opened it.

    :param dataset: 4x4 of the published dataset.
    :param revision: sequence number of the revision.
    :param action: ``update``, ``replace`` or ``delete``.
    :param operation: who opened it.
    :param baseline: the published dataset at that time.
    :param mark: the name in the mark of this revision.
    :param links: pages for people, ``{"dataset": url, "revision": url}``.
    :param upload: what the task that returned this handle has uploaded.
    """

    dataset: str
    revision: int
    action: str
    operation: Operation
    baseline: Baseline
    mark: str
    links: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None

    @property
    def draft(self) -> str:
        """What the draft is called in messages."""
        return f"revision {self.revision}"

    def with_upload(self, upload: Upload) -> RevisionHandle:
        """Return the handle that an upload task passes on."""
        links = dict(self.links)
        if upload.rejected_rows:
            links["rejected_rows"] = upload.rejected_rows
        return replace(self, upload=upload, links=links)

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_xcom(cls, value: object) -> RevisionHandle:
        """Read a handle.

        :raises HandleMismatch: the value is none, e.g. because an upstream task was cleared.
        """
        return read_handle(value, "a revision", cls._of)

    @classmethod
    def _of(cls, value: Mapping[str, Any]) -> RevisionHandle:
        upload = value.get("upload")
        return cls(
            dataset=str(value["dataset"]),
            revision=int(value["revision"]),
            action=str(value["action"]),
            operation=Operation.from_json(value["operation"]),
            baseline=Baseline(**value["baseline"]),
            mark=str(value["mark"]),
            links=dict(value.get("links") or {}),
            upload=Upload(**upload) if upload else None,
        )
