"""Rollback: ask the portal what state the publication is in, and do what the table says.

The portal decides, not XCom: a killed task leaves no XCom, and a task may have failed after its effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.client import View
from airflow_socrata.publication import waits
from airflow_socrata.publication.choices import IN_FLIGHT, OnApproval
from airflow_socrata.publication.discarding import discard_working_copy
from airflow_socrata.publication.operation import Intent, Phase
from airflow_socrata.publication.ownership import is_deletable, is_ours, whose
from airflow_socrata.publication.preflight import read_dataset, read_or_none, working_copies
from airflow_socrata.publication.proof import Outcome, outcome
from airflow_socrata.publication.states import ROLLBACK, Action, State

if TYPE_CHECKING:
    from airflow_socrata.client.revision_models import Revision
    from airflow_socrata.publication.publisher import Publisher


@dataclass(frozen=True, slots=True)
class RolledBackTo:
    """What rollback found and did.

    :param state: the last state found.
    :param did: one line for the log.
    :param went_live: whether the data are public.
    :param is_clean: whether nothing of this operation is left open.
    """

    state: State
    did: str
    went_live: bool
    is_clean: bool


#: What an action becomes when there is no time left to wait.
_OUT_OF_PATIENCE: dict[Action, Action] = {
    Action.LOOK_AGAIN: Action.NOTHING,
    Action.WAIT: Action.DISCARD,
    Action.WAIT_LONGER: Action.REPORT,
}


def roll_back(
    publisher: Publisher,
    key: str,
    *,
    patience: float = IN_FLIGHT,
    job_patience: float = 900.0,
    on_approval: OnApproval = OnApproval.LEAVE,
) -> RolledBackTo:
    """Bring a publication to an end in which no draft of it is left open, or say what is left.

    Idempotent: may be called at any time, any number of times, by a task, a callback or a person.

    :param key: key of the operation.
    :param patience: seconds for a call that may still be in flight.
    :param job_patience: seconds for a publish job that the portal has accepted.
    :param on_approval: what to do with a draft that waits for approval.
    """
    began = publisher.clock.time()
    while True:
        intent = publisher.intents.load(key)
        state, draft = find_state(publisher, intent)
        action = ROLLBACK[state]
        if action is Action.AS_TOLD:
            action = Action.DISCARD if on_approval is OnApproval.WITHDRAW else Action.REPORT
        left = began + (job_patience if action is Action.WAIT_LONGER else patience) - publisher.clock.time()
        if action in _OUT_OF_PATIENCE and left > 0:
            # A job may take its time: the longer it has, the less often it is looked at.
            pause = max(publisher.poll, (publisher.clock.time() - began) / 20)
            publisher.session.sleep(min(pause, max(left, 0.05)))
            continue
        action = _OUT_OF_PATIENCE.get(action, action)
        return _act(publisher, action, state, intent, draft)


def find_state(publisher: Publisher, intent: Intent | None) -> tuple[State, View | Revision | None]:
    """Look at the portal and tell the state of a publication, with its open draft if there is one."""
    if intent is None or intent.phase is Phase.DISCARDED:
        return State.NOTHING, None
    if intent.phase is Phase.PUBLISHED:
        return State.PUBLISHED, None
    if intent.is_revision:
        from airflow_socrata.publication.revisions.finding import find_revision

        return find_revision(publisher, intent)
    copy = our_copy(publisher, intent)
    if copy is None and intent.working_copy is None:
        return State.MAYBE_OPENING, None
    if intent.phase is Phase.PUBLISHING:
        return _publish_state(publisher, intent), copy
    if copy is not None:
        return State.DRAFT, copy
    return (State.MAYBE_OPENING if intent.phase is Phase.INTENDED else State.NOTHING), None


def _publish_state(publisher: Publisher, intent: Intent) -> State:
    sighting = publisher.wait(waits.look(intent.dataset, intent.working_copy or intent.dataset))
    if sighting.was_rejected:
        return State.DRAFT
    return {
        Outcome.OPEN: State.PUBLISH_QUEUED if intent.accepted else State.PUBLISH_SENT,
        Outcome.AWAITS_APPROVAL: State.AWAITS_APPROVAL,
        Outcome.PUBLISHED: State.PUBLISHED,
        Outcome.UNPROVED: State.UNPROVED,
    }[outcome(publisher, intent, sighting)]


def our_copy(publisher: Publisher, intent: Intent) -> View | None:
    """Find the open working copy that this operation's record or mark proves to be its own."""
    if intent.working_copy is not None:
        recorded = read_or_none(publisher, intent.working_copy)
        if recorded is not None and is_deletable(recorded, intent.dataset):
            return recorded
    dataset = read_dataset(publisher, intent.dataset)
    for view in working_copies(publisher, dataset):
        if is_ours(whose(view, intent.operation, [intent], publisher.runs)):
            return view
    return None


def _act(
    publisher: Publisher, action: Action, state: State, intent: Intent | None, draft: View | Revision | None
) -> RolledBackTo:
    went_live = state is State.PUBLISHED
    if intent is not None and intent.is_revision:
        from airflow_socrata.publication.revisions.discarding import discard_strays

        discard_strays(publisher, intent)
    if action is Action.REPORT:
        where = f"{publisher.link(intent.dataset)}" if intent is not None else "the portal"
        name = intent.draft if intent is not None else None
        return RolledBackTo(state, f"left as it is: {state} ({name}, see {where})", went_live, is_clean=False)
    if action is Action.DISCARD and intent is not None and draft is not None:
        name = _discard(publisher, intent, draft)
        return RolledBackTo(state, f"discarded {name}", went_live, is_clean=True)
    if went_live:
        return RolledBackTo(state, "nothing to roll back: the data are live", went_live, is_clean=True)
    return RolledBackTo(state, "nothing to roll back: no draft of this run is open", went_live, is_clean=True)


def _discard(publisher: Publisher, intent: Intent, draft: View | Revision) -> str:
    if isinstance(draft, View):
        discard_working_copy(publisher, draft.id, intent.dataset)
        name = f"working copy {draft.id}"
    else:
        from airflow_socrata.publication.revisions.discarding import discard_revision

        discard_revision(publisher, draft.dataset, draft.seq)
        name = f"revision {draft.seq}"
    publisher.intents.save(intent.at(Phase.DISCARDED))
    return name


def forget_if_over(publisher: Publisher, key: str, done: RolledBackTo) -> None:
    """Remove the intent of an operation that is over.

    That of a call which may yet make a draft stays: from it the next run tells the draft from a person's.
    """
    intent = publisher.intents.load(key)
    if intent is not None and done.is_clean and done.state is not State.MAYBE_OPENING:
        publisher.intents.forget(intent)
