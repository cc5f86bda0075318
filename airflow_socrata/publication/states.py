"""The states of a publication, and what rollback does in each: the only place that says so."""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """The state of a publication as rollback finds it; publish is what applies a revision, too."""

    NOTHING = "no intent is on record, or it is over"
    MAYBE_OPENING = "an intent, and no draft of ours yet"
    DRAFT = "our draft is open, and publish was never sent, was refused or has failed"
    PUBLISH_SENT = "our draft is open, and a publish call may be in flight"
    PUBLISH_QUEUED = "our draft is open, and the portal has accepted its publish as a job"
    AWAITS_APPROVAL = "our draft waits for a steward's approval"
    PUBLISHED = "the portal proves that our draft went live"
    UNPROVED = "our draft is gone, and nothing proves that it went live"


class Action(enum.StrEnum):
    """What rollback does."""

    NOTHING = "nothing"
    LOOK_AGAIN = "look again until the call that makes it must have ended"
    DISCARD = "re-read, then delete the working copy or close the revision"
    WAIT = "wait for the publish call to end and decide anew; discard if it is still a draft then"
    WAIT_LONGER = "wait for the publish job to end and decide anew; fail loudly if it is still queued then"
    AS_TOLD = "leave it and report, or discard it, as on_approval says"
    REPORT = "fail loudly, with what is where"


#: What rollback does in each state.
ROLLBACK: dict[State, Action] = {
    State.NOTHING: Action.NOTHING,
    State.MAYBE_OPENING: Action.LOOK_AGAIN,
    State.DRAFT: Action.DISCARD,
    State.PUBLISH_SENT: Action.WAIT,
    State.PUBLISH_QUEUED: Action.WAIT_LONGER,
    State.AWAITS_APPROVAL: Action.AS_TOLD,
    State.PUBLISHED: Action.NOTHING,
    State.UNPROVED: Action.REPORT,
}
