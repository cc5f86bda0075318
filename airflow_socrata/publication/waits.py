"""Every wait for the portal, written once: operators drive it with ``requests``, triggers with ``httpx``.

A wait is a generator that yields the next call, or a pause, and is sent the reply. It never starts a job,
with one exception that the portal's 202 contract demands: a copy or publish call that was accepted is
repeated (or its ticket asked for) until the portal answers with the view; the repeated call joins the job.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_socrata.client import (
    Accepted,
    Call,
    Conflict,
    Interrupted,
    InvalidRequest,
    NotFound,
    PortalError,
    RequestRefused,
    View,
    rows,
    views,
)
from airflow_socrata.publication.errors import PublishFailed, Rejected, WaitTimeout

if TYPE_CHECKING:
    from airflow_socrata.client.async_session import AsyncPortalSession
    from airflow_socrata.client.session import PortalSession

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause between two looks, in seconds."""

    seconds: float


Steps = Generator["Call[Any] | Pause", Any, T]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a wait looks.

    :param deadline: epoch seconds; absolute, so that it survives a restart of the triggerer.
    :param now: the clock, epoch seconds.
    :param poll: the longest pause between two looks, seconds; pauses start at a tenth of it and grow.
    """

    deadline: float
    now: Callable[[], float]
    poll: float = 5.0

    def pauses(self, what: str, asked: float | None = None) -> Generator[Pause, None, None]:
        """Yield growing pauses until the deadline, then raise :class:`WaitTimeout` naming ``what``."""
        pause = self.poll / 10
        while True:
            left = self.deadline - self.now()
            if left <= 0:
                raise WaitTimeout(f"{what}: the deadline passed; nothing was changed by waiting.")
            wish = asked if asked is not None else pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
            yield Pause(min(wish, left))
            pause = min(pause * 1.6, self.poll)


def run_steps(session: PortalSession, steps: Steps[T]) -> T:
    """Drive a wait with the blocking session."""
    answer: Any = None
    failure: Exception | None = None
    try:
        while True:
            step = steps.throw(failure) if failure is not None else steps.send(answer)
            answer, failure = None, None
            if isinstance(step, Pause):
                session.sleep(step.seconds)
                continue
            try:
                answer = session.send(step)
            except Exception as error:
                failure = error
    except StopIteration as stop:
        result: T = stop.value
        return result


async def run_steps_async(session: AsyncPortalSession, steps: Steps[T]) -> T:
    """Drive the same wait with the asynchronous session, for triggers."""
    answer: Any = None
    failure: Exception | None = None
    try:
        while True:
            step = steps.throw(failure) if failure is not None else steps.send(answer)
            answer, failure = None, None
            if isinstance(step, Pause):
                await session.sleep(step.seconds)
                continue
            try:
                answer = await session.send(step)
            except Exception as error:
                failure = error
    except StopIteration as stop:
        result: T = stop.value
        return result


def accepted_job(call: Call[View | Accepted], first: Accepted, patience: Patience) -> Steps[View]:
    """Follow an accepted (202) copy or publish call until the portal answers with the view.

    Source of the rule: the four polling styles of the vendor's own clients; a call that is repeated joins the
    running job and never starts a second one.
    """
    accepted = first
    while True:
        following, wait = views.follow(call, accepted)
        yield from _one_pause(patience, call.summary, wait)
        try:
            answer = yield following
        except NotFound:
            if following == call:
                raise
            # A ticket whose end was told in a lost reply is known no more; the call returns what was made.
            answer = yield from _asked_again(call)
        if isinstance(answer, View):
            return answer
        accepted = answer


def ended_job(call: Call[T | Accepted], first: Accepted, patience: Patience) -> Steps[T]:
    """Follow an accepted (202) call that must not be sent a second time, by its ticket or location alone.

    :raises PortalError: with an unknown ``landing`` where the portal gave neither, or knows the ticket no
        more, since then nobody can tell how the job ended.
    """
    accepted = first
    while True:
        if accepted.ticket is None and accepted.location is None:
            raise PortalError(
                "the portal has accepted the call and does not tell where to ask for its end",
                summary=call.summary,
                landing="unknown",
            )
        following, wait = views.follow(call, accepted)
        yield from _one_pause(patience, call.summary, wait)
        try:
            answer = yield following
        except NotFound as error:
            error.landing = "unknown"  # its end may have been told in a reply that was lost
            raise
        if not isinstance(answer, Accepted):
            return answer  # type: ignore[no-any-return]
        accepted = answer if answer.ticket or answer.location else accepted


def _asked_again(call: Call[View | Accepted]) -> Steps[View | Accepted]:
    try:
        answer: View | Accepted = yield call
    except RequestRefused as error:
        error.landing = "unknown"  # the portal had accepted the job
        raise
    return answer


def _one_pause(patience: Patience, what: str, asked: float | None) -> Steps[None]:
    pause = next(patience.pauses(what, asked))
    yield pause


def geocoding_done(dataset: str, patience: Patience) -> Steps[None]:
    """Wait until no row of a view waits for geocoding: copy and publish are refused while one does."""
    for pause in patience.pauses(f"geocoding of {dataset}"):
        pending = yield views.pending_geocoding(dataset)
        if pending.view == 0:
            return
        yield pause


def replicated(dataset: str, patience: Patience) -> Steps[None]:
    """Wait until reads show what was written, so that counting means something."""
    for pause in patience.pauses(f"read replicas of {dataset}"):
        try:
            state = yield views.replication(dataset)
        except NotFound:  # old back end: no replicas
            return
        if state.up_to_date:
            return
        yield pause


def settled_count(dataset: str, patience: Patience) -> Steps[int]:
    """Count the rows of a view once its replicas have caught up with its writes."""
    for pause in patience.pauses(f"row count of {dataset}"):
        yield from replicated(dataset, patience)
        count = yield rows.count(dataset)
        if not count.out_of_date:
            return int(count.rows)
        yield pause
    raise AssertionError("unreachable: pauses() ends by raising")


def counted(dataset: str, expected: int, patience: Patience) -> Steps[int]:
    """Return the settled row count, looking again for a while when it is not the expected one.

    A replica may call itself up to date a moment before it is; a wrong count is therefore looked at again
    until the deadline, and the last one is returned.
    """
    found = yield from settled_count(dataset, patience)
    try:
        for pause in patience.pauses(f"row count of {dataset}"):
            if found == expected:
                return found
            yield pause
            found = yield from settled_count(dataset, patience)
    except WaitTimeout:
        pass
    return found


@dataclass(frozen=True, slots=True)
class Sighting:
    """What GET shows of a publish job.

    :param draft: the working copy's view, ``None`` when it is gone.
    :param published: the dataset's view.
    """

    draft: View | None
    published: View

    @property
    def awaits_approval(self) -> bool:
        """Whether a steward has to approve the working copy first."""
        return self.draft is not None and self.draft.awaits_approval

    @property
    def was_rejected(self) -> bool:
        """Whether a steward has rejected the working copy."""
        return self.draft is not None and any(a.state == "rejected" for a in self.draft.approvals)

    @property
    def draft_is_open(self) -> bool:
        """Whether the working copy is still a draft."""
        return self.draft is not None and self.draft.is_unpublished


def look(dataset: str, working_copy: str) -> Steps[Sighting]:
    """Look at the working copy and the dataset, with GET only.

    The draft is read first: if it is gone, the dataset that is read next is at least as new as its going.
    """
    draft: View | None
    try:
        draft = yield views.read_view(working_copy)
    except NotFound:
        draft = None
    published = yield views.read_view(dataset)
    return Sighting(draft, published)


def publish_ended(
    dataset: str, working_copy: str, patience: Patience, *, await_approval: bool
) -> Steps[Sighting]:
    """Wait, with GET only, until the working copy is a draft no longer.

    :param await_approval: go on waiting while a steward has yet to approve; otherwise return at once.
    :raises Rejected: the steward has rejected it.
    """
    for pause in patience.pauses(f"publish of {working_copy} to {dataset}"):
        sighting: Sighting = yield from look(dataset, working_copy)
        if not sighting.draft_is_open:
            return sighting
        if sighting.was_rejected:
            raise Rejected(
                f"Working copy {working_copy} of {dataset} was rejected by a steward; the dataset is"
                " unchanged."
            )
        if sighting.awaits_approval and not await_approval:
            return sighting
        yield pause
    raise AssertionError("unreachable: pauses() ends by raising")


def publish_job(
    dataset: str, working_copy: str, accepted: Accepted, patience: Patience, *, await_approval: bool
) -> Steps[Sighting]:
    """Follow an accepted (202) publish call to its end, which only GET decides.

    The call is repeated, or its ticket asked for, as for every accepted job; once the working copy is gone
    the portal refuses the repeated call, and that is an end as well.

    :param await_approval: go on waiting while a steward has yet to approve; otherwise return at once.
    :raises PublishFailed: the portal's word for the job is that it failed.
    """
    call = views.publish(working_copy)
    following, wait = views.follow(call, accepted)
    while True:
        sighting: Sighting = yield from look(dataset, working_copy)
        if not sighting.draft_is_open or (sighting.awaits_approval and not await_approval):
            return sighting
        if accepted.has_failed:
            raise PublishFailed(
                f"The portal failed to publish {working_copy} to {dataset} ({accepted.status})."
            )
        yield from _one_pause(patience, call.summary, wait)
        if sighting.awaits_approval:
            continue
        try:
            answer = yield following
        except (NotFound, Conflict, InvalidRequest):
            sighting = yield from look(dataset, working_copy)
            if sighting.draft_is_open:
                raise
            return sighting
        except PortalError as error:
            if error.permanent or isinstance(error, Interrupted):
                raise
            continue  # whether the job has ended is told by the next look
        if isinstance(answer, View):
            return (yield from look(dataset, working_copy))
        accepted = answer
        following, wait = views.follow(call, accepted)


def ready(working_copy: str, patience: Patience) -> Steps[None]:
    """Wait until a working copy can be counted and published: geocoding done, replicas up to date."""
    yield from geocoding_done(working_copy, patience)
    yield from replicated(working_copy, patience)
