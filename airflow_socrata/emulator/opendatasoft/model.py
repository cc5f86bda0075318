"""What a portal holds: datasets with configuration, history, records and the run under way."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Values = dict[str, Any]


@dataclass(slots=True)
class Config:
    """What the history keeps: metadata, and how the records are made.

    Everything stands here as the Automation API writes it.
    """

    metadata: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    resources: list[dict[str, Any]] = field(default_factory=list)
    fields: list[dict[str, Any]] = field(default_factory=list)
    processors: list[dict[str, Any]] = field(default_factory=list)

    def copy(self) -> Config:
        """Return a copy that shares nothing."""
        return copy.deepcopy(self)


@dataclass(frozen=True, slots=True)
class Version:
    """An entry of the history."""

    number: int
    uid: str
    at: float
    user: str
    sections: tuple[str, ...]
    before: Config
    after: Config


@dataclass(slots=True)
class Field:
    """A column of the records."""

    name: str
    label: str
    type: str = "text"
    description: str | None = None
    annotations: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Table:
    """Processed records, by record id."""

    fields: list[Field] = field(default_factory=list)
    records: dict[str, Values] = field(default_factory=dict)

    def first(self, count: int) -> Table:
        """Return a table with the first so many records."""
        chosen = list(self.records.items())[:count]
        return Table(self.fields, dict(chosen))


@dataclass(slots=True)
class Public:
    """What Explore shows."""

    table: Table
    config: Config
    is_restricted: bool
    data_processed: float
    metadata_processed: float


@dataclass(slots=True)
class State:
    """The status.

    :param internal: one of the 15.
    :param since: epoch seconds of its beginning.
    :param previous: the public name before.
    """

    internal: str = "idle"
    since: float = 0.0
    previous: str | None = None
    message: str | None = None
    raw_message: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    records_errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Phase:
    """A step of a run.

    :param seconds: how long it lasts at least.
    :param looks: how many looks at the status it lasts at least.
    :param stuck: it lasts until somebody frees it.
    """

    internal: str
    seconds: float = 0.0
    looks: int = 0
    stuck: bool = False
    begin: Callable[[float], None] | None = None


@dataclass(slots=True)
class Result:
    """What processing came to: ``idle``, ``error`` or ``limit_reached``."""

    internal: str = "idle"
    table: Table = field(default_factory=Table)
    message: str | None = None
    raw_message: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    records_errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """Work under way; ``phases[0]`` is the current one."""

    kind: str
    user: str
    job_id: str
    phases: deque[Phase]
    end: Callable[[float], None]
    script: dict[str, Any]
    config: Config | None = None
    result: Result | None = None
    hidden_looks: int = 0


@dataclass(slots=True)
class StoredFile:
    """An uploaded file."""

    uid: str
    filename: str
    mimetype: str
    path: Path
    created_at: float
    size: int


@dataclass(slots=True)
class Dataset:
    """One dataset."""

    uid: str
    dataset_id: str
    created_at: float
    updated_at: float
    created_by: str
    config: Config = field(default_factory=Config)
    is_restricted: bool = False
    default_security: dict[str, Any] = field(
        default_factory=lambda: {
            "is_data_visible": True,
            "visible_fields": None,
            "filter_query": "",
            "api_calls_quota": None,
        }
    )
    default_permissions: list[str] = field(default_factory=list)
    # "users" or "groups" -> name -> {permissions, security}
    security: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {"users": {}, "groups": {}}
    )
    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    # "attachments" or "alternative_exports" -> uid -> (what is shown, the file)
    extras: dict[str, dict[str, tuple[dict[str, Any], StoredFile]]] = field(
        default_factory=lambda: {"attachments": {}, "alternative_exports": {}}
    )
    # What readers remark on records: uid -> what is shown.
    feedbacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    state: State = field(default_factory=State)
    shown_before: State | None = None
    run: Run | None = None
    scripts: deque[dict[str, Any]] = field(default_factory=deque)
    public: Public | None = None
    public_before: Public | None = None
    # resource uid -> record id -> values; and the records kept for recovery
    pushed: dict[str, dict[str, Values]] = field(default_factory=dict)
    recoverable: dict[str, dict[str, Values]] = field(default_factory=dict)

    @property
    def is_published(self) -> bool:
        """Whether Explore shows it."""
        return self.public is not None

    @property
    def title(self) -> str:
        """The title, or else the dataset id."""
        value = self.config.metadata.get("default", {}).get("title", {}).get("value")
        return str(value) if value else self.dataset_id

    def resource(self, uid: str) -> dict[str, Any] | None:
        """Return a resource."""
        return next((each for each in self.config.resources if each["uid"] == uid), None)
