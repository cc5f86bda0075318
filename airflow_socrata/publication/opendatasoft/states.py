"""The states of a change and what rollback does in each: the only place that says so."""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """What rollback finds."""

    NOTHING = "no intent is on record, or it is over"
    NOTED = "a restore point is noted, and nothing was changed"
    CHANGE_SENT = "a call that changes the configuration may be in flight"
    CHANGED = "the configuration is changed, or may be; publish was never ordered, nothing processed since"
    ORDER_SENT = "an unpublished dataset whose publish may be in flight"
    RUNNING = "processing that this run has ordered is under way"
    BUSY = "something that this run has not ordered is under way"
    PROCESSED = "the portal has processed the dataset since, or may have"
    DIFFERS = "restored and processed, but the records are not the former ones, or their file is gone"
    VERIFIED = "published and verified"
    LOST = "the former records cannot be brought back"


class Action(enum.StrEnum):
    """What rollback does."""

    NOTHING = "nothing"
    LOOK_AGAIN = "look again until the call must have ended"
    PUT_BACK = "restore the configuration, without publishing: the public saw nothing"
    ABORT = "abort it, where the portal lets us; wait for rest and decide anew"
    WAIT = "wait for rest and decide anew"
    REPUBLISH = "restore the configuration, publish (unpublish what was unpublished), wait, verify the count"
    UPLOAD_KEPT = "upload the kept file, point the resource at it, publish, wait, verify the count"
    REPORT = "fail loudly, with what is where; the record stays"


#: What rollback does in each state.
ROLLBACK: dict[State, Action] = {
    State.NOTHING: Action.NOTHING,
    State.NOTED: Action.NOTHING,
    State.CHANGE_SENT: Action.LOOK_AGAIN,
    State.CHANGED: Action.PUT_BACK,
    State.ORDER_SENT: Action.LOOK_AGAIN,
    State.RUNNING: Action.ABORT,
    State.BUSY: Action.WAIT,
    State.PROCESSED: Action.REPUBLISH,
    State.DIFFERS: Action.UPLOAD_KEPT,
    State.VERIFIED: Action.NOTHING,
    State.LOST: Action.REPORT,
}
