"""Who is publishing what: the operation, the intent it records, and the mark on its draft.

A *draft* is a working copy or a revision. The intent is recorded *before* a draft is asked for, and the mark
names the draft itself: a working copy by its 4x4, a revision by a name made for this one creation. Both are
needed: marking a copy is a second call, so a killed create would be mistaken for a person's copy without the
intent; and a later draft inherits the metadata of the published view, so a mark without a name would claim
it.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from airflow_socrata.client.access import shared_with
from airflow_socrata.client.ids import is_dataset_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client import View
    from airflow_socrata.publication.choices import DraftMethod, Method

    class Marked(Protocol):
        """What can carry a mark: a view, or a revision."""

        @property
        def private_metadata(self) -> Mapping[str, Any]:
            """Metadata that only publishers see."""


#: The key of the mark in a view's ``privateMetadata``; stored on portals, so it is never renamed.
MARK_KEY = "airflow_socrata"


@dataclass(frozen=True, slots=True)
class Operation:
    """One publication of one dataset by one task of one DAG run.

    :param dag_id: the DAG.
    :param run_id: its run.
    :param task_id: the task that opens the working copy.
    :param map_index: its map index, -1 when not mapped.
    :param order: ISO 8601 instant that orders the runs of a DAG by the age of their data.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    order: str = ""

    @property
    def key(self) -> str:
        """A short name that is the same for every try of this operation (32 hex digits)."""
        text = "\0".join((self.dag_id, self.run_id, self.task_id, str(self.map_index)))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def __str__(self) -> str:
        index = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"{self.dag_id}/{self.run_id}/{self.task_id}{index}"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Operation:
        """Read back what ``dataclasses.asdict`` wrote."""
        return cls(
            dag_id=str(data["dag_id"]),
            run_id=str(data["run_id"]),
            task_id=str(data["task_id"]),
            map_index=int(data.get("map_index", -1)),
            order=str(data.get("order", "")),
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """What a draft of ours says about itself, in its private metadata.

    :param draft: the 4x4 of the working copy that was marked, or the name of the revision (32 hex digits); on
        any other draft, and on the published view, the mark is inherited.
    :param operation: the operation that opened it.
    """

    draft: str
    operation: Operation

    def onto(self, private_metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Return the private metadata with this mark, everything else as it was."""
        kind = "working_copy" if is_dataset_id(self.draft) else "revision"
        return {**private_metadata, MARK_KEY: {kind: self.draft, **asdict(self.operation)}}

    @classmethod
    def on(cls, marked: Marked) -> Mark | None:
        """Return the mark that a view or revision carries, its own or inherited; ``None`` without one."""
        data = marked.private_metadata.get(MARK_KEY)
        if not isinstance(data, dict):
            return None
        draft = data.get("working_copy") or data.get("revision")
        try:
            return cls(draft=str(draft), operation=Operation.from_json(data)) if draft else None
        except (KeyError, TypeError, ValueError):
            return None

    @classmethod
    def own(cls, view: View) -> Mark | None:
        """Return the mark of a working copy only if it was written on this very view."""
        mark = cls.on(view)
        return mark if mark is not None and mark.draft == view.id else None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The published dataset as it was when the operation began.

    :param rows: ``count(*)``.
    :param rows_updated_at: epoch seconds, or ``None`` where the portal does not say.
    :param publication_date: epoch seconds.
    :param view_last_modified: epoch seconds.
    :param audience: ``public``, ``site``, ``private``, or ``None`` where the portal does not say.
    :param users: who else may see or change it, 4x4 or e-mail address to access level, the owner among them;
        ``None`` where the portal does not say.
    """

    rows: int
    rows_updated_at: int | None = None
    publication_date: int | None = None
    view_last_modified: int | None = None
    audience: str | None = None
    users: Mapping[str, str] | None = None

    @classmethod
    def of(cls, view: View, rows: int) -> Baseline:
        """Note a published view with its row count."""
        return cls(
            rows,
            view.rows_updated_at,
            view.publication_date,
            view.view_last_modified,
            view.permission_scope,
            shared_with(view),
        )


class Phase(enum.StrEnum):
    """How far an operation has got; each is recorded before the step that it names."""

    INTENDED = "intended"
    OPENED = "opened"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Intent:
    """What an operation is about to do, where a retry, the rollback and the DAG's callback can read it.

    :param operation: whose intent.
    :param dataset: 4x4 of the published dataset.
    :param domain: the portal.
    :param method: ``copy`` (rows and schema), ``copySchema`` (no rows) or ``revision``.
    :param acting_user: id of the portal's user that the calls are made as.
    :param recorded_at: epoch seconds by the portal's clock.
    :param open_before: 4x4s of the working copies that were open already.
    :param working_copy: 4x4 of the copy that was opened, once known.
    :param published_at: epoch seconds (portal) just before publish was sent.
    :param expected_rows: rows that the published dataset must show afterwards.
    :param replaced: 4x4s of working copies that retries of a load have traded for fresh ones.
    :param accepted: whether the portal has accepted publish as a job (202) that may still be queued, or has
        taken a revision for a steward to approve.
    :param revision: sequence number of the revision that was opened, once known.
    :param names: names under which a revision was asked for, one for each sending of the call.
    :param after_revision: the greatest sequence number before, -1 without any.
    :param inherited: what the mark of the published view named then: a new revision may inherit it.
    :param after_job: the greatest id of a task set of the revision before it was applied, -1 without any.
    :param schema_changes: what tasks have changed in the columns of the working copy, in order: their task
        ids and changes.
    :param columns: field names that the working copy was published with, if its columns were changed.
    """

    operation: Operation
    dataset: str
    domain: str
    method: DraftMethod
    acting_user: str | None
    recorded_at: float
    open_before: tuple[str, ...] = ()
    phase: Phase = Phase.INTENDED
    working_copy: str | None = None
    baseline: Baseline | None = None
    conn_id: str = ""
    published_at: float | None = None
    expected_rows: int | None = None
    accepted: bool = False
    replaced: tuple[str, ...] = ()
    revision: int | None = None
    names: tuple[str, ...] = ()
    after_revision: int = -1
    inherited: str | None = None
    after_job: int = -1
    schema_changes: tuple[Mapping[str, Any], ...] = ()
    columns: tuple[str, ...] | None = None

    @property
    def is_revision(self) -> bool:
        """Whether the draft is a revision."""
        return self.method == "revision"

    @property
    def copy_method(self) -> Method:
        """How the working copy is made.

        :raises ValueError: the draft is a revision.
        """
        if self.method == "revision":
            raise ValueError(f"{self.operation} opens a revision, not a working copy")
        return self.method

    @property
    def draft(self) -> str | None:
        """What the draft is called in messages, once it is known."""
        if self.is_revision:
            return None if self.revision is None else f"revision {self.revision}"
        return None if self.working_copy is None else f"working copy {self.working_copy}"

    def at(self, phase: Phase, **changes: Any) -> Intent:
        """Return this intent in another phase."""
        return replace(self, phase=phase, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return plain data: ids, counts, instants; never a secret."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Intent:
        """Read back what :meth:`to_json` wrote."""
        values = dict(data)
        values["operation"] = Operation.from_json(values["operation"])
        for name in ("open_before", "replaced", "names", "schema_changes"):
            values[name] = tuple(values.get(name, ()))
        if values.get("columns") is not None:
            values["columns"] = tuple(values["columns"])
        values["phase"] = Phase(values["phase"])
        if values.get("baseline") is not None:
            values["baseline"] = Baseline(**values["baseline"])
        return cls(**values)


class Recorded(Protocol):
    """What every kind of intent tells of itself."""

    @property
    def operation(self) -> Operation:
        """Whose intent."""

    @property
    def dataset(self) -> str:
        """Id of the dataset."""

    @property
    def domain(self) -> str:
        """The portal."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data; never a secret."""


I = TypeVar("I", bound=Recorded)  # noqa: E741 - the kind of intent


class IntentStore(Protocol[I]):
    """Where intents of one kind are kept: outlives tasks, tries and runs."""

    def load(self, key: str) -> I | None:
        """Return the intent of the operation with this key."""

    def save(self, intent: I) -> None:
        """Record the intent; only then may the step it names be taken."""

    def forget(self, intent: I) -> None:
        """Remove the intent of an operation that is over."""

    def unfinished(self, domain: str, dataset: str) -> tuple[str, ...]:
        """Return the keys of the operations on a dataset that were not forgotten."""


#: Those of publications by working copies and revisions.
Intents: TypeAlias = IntentStore[Intent]


class RunState(enum.Enum):
    """What is known of another DAG run."""

    LIVE = "live"
    ENDED = "ended"
    UNKNOWN = "unknown"


class Runs(Protocol):
    """Tells whether another run is still going."""

    def state(self, dag_id: str, run_id: str) -> RunState:
        """Return the state of a DAG run."""


@dataclass(slots=True)
class RememberedIntents(Generic[I]):
    """Intents in memory: for the client outside Airflow and for tests of the publication room."""

    kept: dict[str, I] = field(default_factory=dict)

    def load(self, key: str) -> I | None:
        """Return the intent of the operation with this key."""
        return self.kept.get(key)

    def save(self, intent: I) -> None:
        """Record the intent."""
        self.kept[intent.operation.key] = intent

    def forget(self, intent: I) -> None:
        """Remove the intent."""
        self.kept.pop(intent.operation.key, None)

    def unfinished(self, domain: str, dataset: str) -> tuple[str, ...]:
        """Return the keys of the operations on a dataset that were not forgotten."""
        return tuple(
            key for key, intent in self.kept.items() if (intent.domain, intent.dataset) == (domain, dataset)
        )
