"""Whose working copy is it? One place decides, before anything is adopted or discarded."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.publication.operation import Intent, Mark, Operation, Phase, Runs, RunState

if TYPE_CHECKING:
    from airflow_socrata.client import View

#: The portal stamps whole seconds; an intent recorded in the same second may look a little later than the
#: copy.
CLOCK_GRAIN = 1.0


class Ownership(enum.Enum):
    """Who opened a working copy, as far as it can be proved."""

    OURS = "marked by this operation"
    PROVED_OURS = "not marked yet, but proved to be this operation's by its intent"
    LEFTOVER = "left by an earlier run of this DAG that is over"
    LIVE_RUN = "that of a run that is still going"
    OTHER_DAG = "that of another DAG, or of a run that this Airflow does not know"
    PERSONS = "a person's: not marked, and no intent proves it"


@dataclass(frozen=True, slots=True)
class Finding:
    """A working copy and whose it is."""

    view: View
    ownership: Ownership
    mark: Mark | None

    def __str__(self) -> str:
        by = f" of {self.mark.operation}" if self.mark is not None else ""
        return f"working copy {self.view.id}{by} ({self.ownership.value})"


def is_ours(finding: Finding) -> bool:
    """Whether the asking operation has opened this working copy."""
    return finding.ownership in {Ownership.OURS, Ownership.PROVED_OURS}


def proves(intent: Intent, view: View) -> bool:
    """Whether an intent proves an unmarked working copy to be its own.

    It does when the copy's 4x4 was recorded, or when the intent was recorded before the copy appeared, the
    copy was not among those open then, and the portal names the acting user as its author.
    """
    if intent.is_revision:
        return False
    if intent.working_copy is not None:
        return intent.working_copy == view.id
    return (
        intent.phase is Phase.INTENDED
        and view.id not in intent.open_before
        and view.created_at is not None
        and view.created_at >= int(intent.recorded_at - CLOCK_GRAIN)
        and view.author_id is not None
        and view.author_id == intent.acting_user
    )


def whose(view: View, operation: Operation, intents: list[Intent], runs: Runs) -> Finding:
    """Tell whose an open working copy is.

    :param view: the working copy.
    :param operation: the asking operation.
    :param intents: the unfinished intents on this dataset, the operation's own included.
    :param runs: tells whether another run is live.
    """
    mark = Mark.own(view)
    if mark is None:
        for intent in intents:
            if proves(intent, view):
                mark = Mark(view.id, intent.operation)
                if intent.operation.key == operation.key:
                    return Finding(view, Ownership.PROVED_OURS, mark)
                break
    if mark is None:
        return Finding(view, Ownership.PERSONS, None)
    return Finding(view, of_mark(mark.operation, operation, runs), mark)


def of_mark(owner: Operation, asking: Operation, runs: Runs) -> Ownership:
    """Tell whose a draft is that one operation has marked, as another one sees it."""
    if owner.key == asking.key:
        return Ownership.OURS
    if owner.dag_id != asking.dag_id:
        return Ownership.OTHER_DAG
    if owner.run_id == asking.run_id:
        return Ownership.LIVE_RUN  # two publications of one dataset in one run
    state = runs.state(owner.dag_id, owner.run_id)
    if state is RunState.LIVE:
        return Ownership.LIVE_RUN
    return Ownership.LEFTOVER if state is RunState.ENDED else Ownership.OTHER_DAG


def is_deletable(view: View, dataset: str) -> bool:
    """Whether DELETE on this view discards a working copy and nothing else.

    DELETE on a published 4x4 destroys the dataset, and a first publish keeps the draft's 4x4; so the view
    must be an unpublished one that names another view as its published one.
    """
    return (
        view.is_unpublished
        and view.id != dataset
        and view.published_view_uid is not None
        and view.published_view_uid != view.id
    )
