"""The handle that goes from task to task: ids, counts and links, never rows, never secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_socrata.publication.errors import HandleMismatch
from airflow_socrata.publication.operation import Baseline, Operation

if TYPE_CHECKING:
    from airflow_socrata.publication.choices import Method

H = TypeVar("H")


@dataclass(frozen=True, slots=True)
class Load:
    """What one task loaded into a working copy.

    :param task_id: the task.
    :param sent: rows sent, deletes included.
    :param created: rows that the portal created.
    :param updated: rows that it updated.
    :param deleted: rows that it deleted.
    :param errors: rows that it refused (tolerated by ``max_row_errors``).
    :param absent_deletes: deletes of rows that were not there; the portal counts them among its errors.
    :param repeated: rows of batches that may have landed twice; what the first landing created is counted
        as updated by the second, and what it deleted as absent.
    :param batches: requests.
    :param sent_bytes: bytes of their bodies.
    :param rows_after: rows in the working copy when the load had ended.
    """

    task_id: str
    sent: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    errors: int = 0
    absent_deletes: int = 0
    repeated: int = 0
    batches: int = 0
    sent_bytes: int = 0
    rows_after: int | None = None

    def __str__(self) -> str:
        return (
            f"{self.sent:,} rows sent in {self.batches} batches: {self.created:,} created, {self.updated:,}"
            f" updated, {self.deleted:,} deleted, {self.errors:,} errors, {self.absent_deletes:,} deletes of"
            " absent rows"
        )


@dataclass(frozen=True, slots=True)
class Handle:
    """Names one open working copy and the operation that opened it.

    :param dataset: 4x4 of the published dataset.
    :param working_copy: 4x4 of the working copy.
    :param method: ``copy`` or ``copySchema``.
    :param operation: who opened it.
    :param baseline: the published dataset at that time.
    :param links: pages for people, ``{"dataset": url, "working_copy": url}``.
    :param load: what the task that returned this handle has loaded.
    :param columns: field names that the working copy was published with, if tasks of ours have changed them.
    """

    dataset: str
    working_copy: str
    method: Method
    operation: Operation
    baseline: Baseline
    links: Mapping[str, str] = field(default_factory=dict)
    load: Load | None = None
    columns: tuple[str, ...] | None = None

    def with_load(self, load: Load) -> Handle:
        """Return the handle that a load task passes on."""
        return replace(self, load=load)

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_xcom(cls, value: object) -> Handle:
        """Read a handle.

        :raises HandleMismatch: the value is none, e.g. because an upstream task was cleared.
        """
        return read_handle(value, "a working copy", cls._of)

    @classmethod
    def _of(cls, value: Mapping[str, Any]) -> Handle:
        load, columns = value.get("load"), value.get("columns")
        return cls(
            dataset=str(value["dataset"]),
            working_copy=str(value["working_copy"]),
            method=value["method"],
            operation=Operation.from_json(value["operation"]),
            baseline=Baseline(**value["baseline"]),
            links=dict(value.get("links") or {}),
            load=Load(**load) if load else None,
            columns=None if columns is None else tuple(columns),
        )

    @property
    def mark(self) -> str:
        """What the mark of this draft names."""
        return self.working_copy

    @property
    def draft(self) -> str:
        """What the draft is called in messages."""
        return f"working copy {self.working_copy}"


def read_handle(value: object, of: str, build: Callable[[Mapping[str, Any]], H]) -> H:
    """Read a handle from XCom.

    :param of: what it names, e.g. ``a working copy``.
    :raises HandleMismatch: the value is no such handle.
    """
    if not isinstance(value, Mapping):
        raise HandleMismatch(
            f"There is no handle of {of} from upstream (found {type(value).__name__}). Clear"
            " the task that opens it, with its downstream tasks."
        )
    try:
        return build(value)
    except (KeyError, TypeError) as error:
        raise HandleMismatch(f"Upstream passed something that is no handle of {of}: {error}.") from None
