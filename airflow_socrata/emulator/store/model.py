"""What a portal holds: columns, numbered copies, views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_socrata.emulator.store.dataset import Dataset

UNPUBLISHED = "unpublished"
PUBLISHED = "published"
SNAPSHOTTED = "snapshotted"


@dataclass(slots=True)
class Column:
    """One column of one copy. ``table_column_id`` stays from copy to copy, ``id`` does not."""

    id: int
    table_column_id: int
    name: str
    field_name: str
    kind: str
    position: int
    description: str = ""
    format: dict[str, Any] = field(default_factory=dict)
    width: int | None = None
    flags: list[str] = field(default_factory=list)
    statistics: dict[str, Any] | None = None
    computation: dict[str, Any] | None = None

    @property
    def sql(self) -> str:
        """The column's name in the store."""
        return f"c{self.table_column_id}"


@dataclass(slots=True)
class Copy:
    """One numbered copy of a dataset: a table of its own."""

    number: int
    table: str
    table_id: int
    columns: list[Column]
    row_identifier: int | None = None
    rows: int = 0
    version: int = 1
    modified_at: float = 0.0

    def column(self, field_name: str) -> Column | None:
        """Return the column with this field name."""
        return next((column for column in self.columns if column.field_name == field_name), None)

    @property
    def identifier(self) -> Column | None:
        """The row identifier's column, if the copy has one."""
        if self.row_identifier is None:
            return None
        return next((c for c in self.columns if c.table_column_id == self.row_identifier), None)


@dataclass(slots=True)
class Replica:
    """What readers still see while replication lags behind the truth."""

    copy: Copy
    fresh_at: float | None
    polls_left: int | None

    def is_stale(self, now: float) -> bool:
        """Tell whether the replica has not caught up yet."""
        if self.fresh_at is not None:
            return now < self.fresh_at
        return self.polls_left is None or self.polls_left > 0


@dataclass(slots=True)
class View:
    """One view: what ``/api/views/{id}`` shows, and the copy behind it."""

    id: str
    dataset: Dataset
    copy: Copy
    stage: str
    fields: dict[str, Any]
    metadata: dict[str, Any]
    private_metadata: dict[str, Any]
    owner: str
    author: str
    created_at: int
    modified_at: int
    rows_updated_at: int
    rows_updated_by: str
    oid: int
    publication_date: int | None = None
    scope: str = "private"
    pending_scope: str | None = None
    shares: dict[str, tuple[str, str]] = field(default_factory=dict)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    asset_type: str = "dataset"
    modifying_view_uid: str | None = None
    synced: bool = False
    replica: Replica | None = None
    deleted_at: float | None = None

    @property
    def is_working_copy(self) -> bool:
        """Whether publishing this view replaces another."""
        published = self.dataset.published
        return self.stage == UNPUBLISHED and published is not None and published.id != self.id
