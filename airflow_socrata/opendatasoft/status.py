"""The state machine of a dataset: one table, and what follows from it.

:data:`STATUS_TABLE` has a row for each of the 15 internal statuses. Portals show public names, which differ
by API and of which several statuses share one; internal names show in refusals. :func:`rows_named` finds the
rows of either. A name that no row knows is taken for a status that passes: waiting is safe, and ends at a
time-out.

The sensor's rule is :func:`next_step`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_socrata.opendatasoft.models import Status


class StatusClass(Enum):
    """Whether a dataset rests."""

    STABLE = "stable"
    TRANSIENT = "transient"
    FAILED = "failed"


class Action(Enum):
    """What may be asked of a dataset."""

    PUBLISH = "publish"
    UNPUBLISH = "unpublish"
    PUBLISH_METADATA = "publish_metadata"
    ABORT = "abort"
    CONFIGURE = "configure"
    DELETE = "delete"


class Step(Enum):
    """What the sensor does next."""

    WAIT = "wait"
    DONE = "done"
    FAIL_ERROR = "fail: error"
    FAIL_LIMIT = "fail: record limit"
    FAIL_ABORTED = "fail: somebody aborted it, the data are incomplete"
    FAIL_FLAG = "fail: it is not published, or not unpublished, as was asked for"


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One internal status.

    :param automation: the name that the Automation API v1.0 shows.
    :param management: the name that the Management API v2 shows.
    :param allows: what this client asks for in it. The portal's own refusals tell of publish and abort alone;
        for the rest, and for writing the configuration, every known client waits for rest.
    :param documented: whether the public name is the vendor's word, or only likely.
    """

    internal: str
    automation: str
    management: str
    status_class: StatusClass
    allows: frozenset[Action]
    step: Step
    meaning: str
    documented: bool = True

    @property
    def names(self) -> frozenset[str]:
        """All names that it goes by."""
        return frozenset({self.internal, self.automation, self.management})


_AT_REST = frozenset({
    Action.PUBLISH,
    Action.UNPUBLISH,
    Action.PUBLISH_METADATA,
    Action.CONFIGURE,
    Action.DELETE,
})
_ABORTABLE = frozenset({Action.ABORT})
_NOTHING: frozenset[Action] = frozenset()


def _passing(
    internal: str,
    public: str,
    meaning: str,
    allows: frozenset[Action] = _NOTHING,
    *,
    documented: bool = True,
) -> StatusRow:
    return StatusRow(internal, public, public, StatusClass.TRANSIENT, allows, Step.WAIT, meaning, documented)


def _resting(internal: str, status_class: StatusClass, step: Step, meaning: str) -> StatusRow:
    return StatusRow(internal, internal, internal, status_class, _AT_REST, step, meaning)


STATUS_TABLE: tuple[StatusRow, ...] = (
    _resting("idle", StatusClass.STABLE, Step.DONE, "nothing runs"),
    _passing("queued", "queued", "an action was accepted and waits for a worker"),
    _passing("processing_dataset", "processing", "the dataset is processed", _ABORTABLE),
    _passing(
        "processing_resource_records", "processing", "records of one resource are processed", _ABORTABLE
    ),
    _passing("processing_all_dataset_data", "processing", "all records are processed", _ABORTABLE),
    _passing("processing_realtime", "processing", "pushed records are taken in", documented=False),
    _passing("deleting_dataset", "deleting", "the dataset is taken off, or deleted", documented=False),
    _passing(
        "deleting_resource_records", "deleting", "records of one resource are deleted", documented=False
    ),
    _passing("deleting_all_dataset_data", "deleting", "all records are deleted", documented=False),
    _passing("saving_dataset_version", "saving_version", "a version is saved"),
    _resting("error", StatusClass.FAILED, Step.FAIL_ERROR, "the source or the processing failed"),
    _passing("aborting_processing", "aborting_processing", "an abort was accepted"),
    _resting(
        "limit_reached", StatusClass.FAILED, Step.FAIL_LIMIT, "the record limit stopped it: data in part"
    ),
    _passing("recovering_realtime_records", "processing", "kept pushed records come back", documented=False),
    _passing(
        "scratching_realtime_recover_data",
        "processing",
        "kept pushed records are dropped",
        documented=False,
    ),
)


def rows_named(name: str | None) -> tuple[StatusRow, ...]:
    """Find the rows that go by ``name``, internal or public; none for a name that is not known."""
    return tuple(row for row in STATUS_TABLE if name in row.names)


def class_of(name: str | None) -> StatusClass:
    """Tell the class of a status; a name that is not known passes."""
    rows = rows_named(name)
    return rows[0].status_class if rows else StatusClass.TRANSIENT


def is_at_rest(name: str | None) -> bool:
    """Tell whether nothing runs in this status: idle, error and limit_reached."""
    return class_of(name) is not StatusClass.TRANSIENT


def may(action: Action, name: str | None) -> bool:
    """Tell whether ``action`` may be asked for in a status, as far as its name tells."""
    return any(action in row.allows for row in rows_named(name))


def step_of(name: str | None) -> Step:
    """Tell what the sensor does in a status, whoever brought it about."""
    rows = rows_named(name)
    return rows[0].step if rows else Step.WAIT


def next_step(status: Status, before: Status | None = None, *, after: Action | None = Action.PUBLISH) -> Step:
    """Tell what the sensor does, now that it has seen ``status``.

    Idle alone is no success: an aborted run ends in idle too, and so does an unpublish by somebody else.
    Where the portal tells of neither, idle is taken for one.

    :param before: the status that was read before the action. A portal may still show it for a moment after
        it accepted the action, and the whole run may pass between two looks: so the end counts only once
        ``since`` has moved. None: whatever rests is the end.
    :param after: the action whose end is waited for; None: whichever brought the dataset to rest.
    """
    step = step_of(status.name)
    if step is Step.WAIT or not (before is None or has_moved(status, before)):
        return Step.WAIT
    if step is not Step.DONE or after is None:
        return step
    if status.previous == "aborting_processing" and after is not Action.ABORT:
        return Step.FAIL_ABORTED
    wanted = _FLAG_AFTER.get(after)
    if None in {wanted, status.is_published} or wanted == status.is_published:
        return Step.DONE
    return Step.FAIL_FLAG


_FLAG_AFTER = {Action.PUBLISH: True, Action.PUBLISH_METADATA: True, Action.UNPUBLISH: False}


def has_moved(status: Status, before: Status) -> bool:
    """Tell whether a dataset has entered another status since ``before`` was read."""
    if status.since is None or before.since is None:
        return status.name != before.name
    return status.since > before.since or (status.since == before.since and status.name != before.name)


#: The Automation API shows whole seconds: a status that lasted less looks like the one after it.
SINCE_RESOLUTION_SECONDS = 2.0


def settling_seconds(before: Status) -> float:
    """Seconds to wait before an action, so that ``since`` moves however fast it ends.

    Measured on the portal's clock; 0 where it does not tell the time.
    """
    if before.since is None or before.read_at is None:
        return 0.0
    age = before.read_at - before.since
    return min(SINCE_RESOLUTION_SECONDS, max(0.0, SINCE_RESOLUTION_SECONDS - age))


def status_table_text() -> str:
    """The table as Markdown, for the docs; ``*``: the public name is not documented, only likely."""
    lines = [
        "| internal status | Automation v1.0 | Management v2 | class | may be asked | sensor | meaning |",
        "|" + "---|" * 7,
    ]
    for row in STATUS_TABLE:
        mark = "" if row.documented else " *"
        asked = ", ".join(action.value for action in Action if action in row.allows) or "nothing"
        cells = (
            f"`{row.internal}`",
            f"`{row.automation}`{mark}",
            f"`{row.management}`{mark}",
            row.status_class.value,
            asked,
            row.step.value,
            row.meaning,
        )
        lines.append("| " + " | ".join(cells) + " |")
    lines.append("| any other | | | transient | nothing | wait | not known to this client |")
    return "\n".join(lines)
