"""What the publishing service holds: revisions, task sets, sources, schemas, configs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_socrata.emulator.dsmapi.parsing import ParseOptions
    from airflow_socrata.emulator.dsmapi.transforms import Transform
    from airflow_socrata.emulator.store.model import Copy, View

Row = tuple[Any, ...]

INITIALIZING = "initializing"
RUNNING = ("creating_columns", "upserting", "finishing")
SUCCESSFUL = "successful"
FAILURE = "failure"


@dataclass(slots=True)
class TaskSet:
    """One application of a revision. ``looks`` are those it still passes before it ends."""

    id: int
    job_uuid: str
    request_id: str
    output_schema_id: int | None
    user_id: str
    created_at: float
    updated_at: float
    looks: int
    passed: int = 0
    until: float | None = None
    status: str = INITIALIZING
    stuck: bool = False
    is_claimed: bool = False
    failure: tuple[str, str] | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    finished_at: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether it ended, well or not."""
        return self.finished_at is not None


@dataclass(slots=True)
class Submission:
    """A revision in the queue of approvals. ``state``: pending, approved, rejected, withdrawn."""

    id: int
    record_id: int
    state: str
    user_id: str
    output_schema_id: int | None
    request_id: str
    notes: str | None = None


@dataclass(slots=True)
class Revision:
    """One change to a dataset. ``sent`` are the metadata keys that somebody really sent."""

    id: int
    view_id: str
    seq: int
    metadata: dict[str, Any]
    sent: set[str]
    action: str
    permission: str | None
    user_id: str
    created_at: float
    updated_at: float
    config: str | None = None
    task_sets: list[TaskSet] = field(default_factory=list)
    output_schema_id: int | None = None
    blob_id: int | None = None
    href: list[Any] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    notes: str | None = None
    closed_at: float | None = None
    sources: list[Source] = field(default_factory=list)
    submission: Submission | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still be changed and applied."""
        return self.closed_at is None

    @property
    def running(self) -> TaskSet | None:
        """The task set that has not ended."""
        return next((each for each in self.task_sets if not each.is_done), None)


@dataclass(slots=True)
class Upload:
    """The bytes of a source on their way in: a file, and which chunks it has."""

    path: Path
    content_type: str
    chunks: dict[int, tuple[int, int]] = field(default_factory=dict)
    committed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(slots=True)
class Source:
    """Where rows come from: a file that was sent, an address, another view, or a revision's archive."""

    id: int
    kind: dict[str, Any]
    options: ParseOptions
    user_id: str
    created_at: float
    revision: Revision | None = None
    upload: Upload | None = None
    content_type: str | None = None
    filesize: int | None = None
    finished_at: float | None = None
    failed_at: float | None = None
    failure: dict[str, Any] | None = None
    schemas: list[InputSchema] = field(default_factory=list)
    looks: int = 0
    view: View | None = None
    archived: Copy | None = None
    transform_fails: str | None = None

    @property
    def filename(self) -> str:
        """The name that guides the parser."""
        return str(self.kind.get("filename") or self.kind.get("url", "").rpartition("/")[2] or "file")

    @property
    def has_ended(self) -> bool:
        """Whether its bytes were read, well or not."""
        return self.finished_at is not None or self.failed_at is not None

    @property
    def is_unloaded_view(self) -> bool:
        """Whether its rows are another view's that nobody asked for yet."""
        return self.kind["type"] == "view" and not self.kind.get("loaded")


@dataclass(frozen=True, slots=True)
class InputField:
    """One column of a file, as it was read."""

    id: int
    field_name: str
    display_name: str
    position: int
    soql_type: str
    guessed_type: str


@dataclass(slots=True)
class InputSchema:
    """The columns of one layer of a source, and its rows."""

    id: int
    source: Source
    name: str | None
    fields: tuple[InputField, ...]
    rows: Callable[[], Iterator[Row]]
    total_rows: int
    row_errors: tuple[tuple[int, str], ...]
    created_at: float
    looks: int = 0
    output_schemas: list[OutputSchema] = field(default_factory=list)
    # Errors per expression: a transform is tried on all rows once.
    counted: dict[str, int] = field(default_factory=dict)

    @property
    def types(self) -> dict[str, str]:
        """Field names and their types, as expressions see them."""
        return {each.field_name: each.soql_type for each in self.fields}


@dataclass(slots=True)
class TransformRun:
    """An expression in an output schema, and how it went."""

    id: int
    expr: str
    compiled: Transform
    error_count: int | None = None
    failed_at: float | None = None
    failure: dict[str, Any] | None = None


@dataclass(slots=True)
class OutputColumn:
    """One column of an output schema."""

    id: int
    field_name: str
    display_name: str
    position: int
    description: str
    format: dict[str, Any]
    flags: list[str]
    is_primary_key: bool
    initial_id: int | None
    transform: TransformRun


@dataclass(slots=True)
class OutputSchema:
    """What a file's rows become. ``looks`` are those for which it is still at work."""

    id: int
    input: InputSchema
    columns: list[OutputColumn]
    sort_bys: list[dict[str, Any]]
    user_id: str
    created_at: float
    looks: int = 0
    completed_at: float | None = None

    @property
    def error_count(self) -> int:
        """How many cells could not be converted."""
        return sum(column.transform.error_count or 0 for column in self.columns)


@dataclass(slots=True)
class Config:
    """A saved way to import."""

    name: str
    data_action: str
    options: ParseOptions
    columns: list[dict[str, Any]]
    created_at: float
    updated_at: float
