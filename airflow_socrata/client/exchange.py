"""One call from first sending to result: retries, redirects, errors. The sessions only send and wait."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import quote

from airflow_socrata.client.errors import (
    Interrupted,
    MalformedReply,
    NobodySignedIn,
    PortalBusy,
    SignInFailed,
)
from airflow_socrata.client.failures import error_from_loss
from airflow_socrata.client.messages import CallKind, Headers, Reply, UnreadableReply
from airflow_socrata.client.parsing import one_line
from airflow_socrata.client.retry import MAY_HAVE_LANDED, Decision, Failure, decide
from airflow_socrata.client.wire import outgoing, path_on_portal, same_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from airflow_socrata.client.errors import Landing, PortalError
    from airflow_socrata.client.failures import Loss
    from airflow_socrata.client.limiter import Limiter
    from airflow_socrata.client.messages import Call
    from airflow_socrata.client.retry import RetryBudget
    from airflow_socrata.client.settings import PortalSettings
    from airflow_socrata.client.wire import Outgoing

T = TypeVar("T")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
#: Failures that are about all requests of this user, not about the one that met it.
_ASKS_TO_WAIT = frozenset({Failure.THROTTLED, Failure.UNAVAILABLE})
_LONGEST_PROBLEM = 300


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The call succeeded."""

    value: T


@dataclass(frozen=True, slots=True)
class Wait:
    """Send again after ``seconds``; ``why`` is one line for the log, empty for a redirect."""

    seconds: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class RawReply:
    """A reply as it came over the wire, decompressed."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)


class Backoff:
    """How the failures of one call, or of one action made of several, use up a budget."""

    def __init__(self, budget: RetryBudget, chance: Callable[[], float]) -> None:
        self._budget = budget
        self._chance = chance
        self._failures = 0
        self._throttled = 0
        self._first_failure: float | None = None

    def after(self, error: PortalError, now: float) -> Wait:
        """Return the wait that follows ``error``, or raise it if the budget is used up."""
        self._failures += 1
        self._throttled += error.failure is Failure.THROTTLED
        if self._first_failure is None:
            self._first_failure = now
        elapsed = now - self._first_failure
        seconds = self._budget.wait(
            self._failures, elapsed, error.retry_after, self._chance(), self._throttled
        )
        if seconds is None:
            raise error
        most = self._budget.most if self._throttled else self._budget.attempts
        attempt = f"attempt {self._failures + 1} of {most}"
        return Wait(seconds, f"{error.brief}; again in {seconds:.1f} s ({attempt})")


class Exchange(Generic[T]):
    """The life of one call.

    :param chance: random numbers in [0, 1).
    :param heard: takes the seconds for which the portal asks to send nothing, and the time now.
    """

    def __init__(
        self,
        call: Call[T],
        settings: PortalSettings,
        budget: RetryBudget,
        *,
        chance: Callable[[], float],
        heard: Callable[[float, float], None] = lambda seconds, now: None,
        new_request_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._call = call
        self._settings = settings
        self._backoff = Backoff(budget, chance)
        self._heard = heard
        self._new_request_id = new_request_id
        self._redirects = 0
        self._outgoing: Outgoing | None = None
        self._may_have_landed = False

    def outgoing(self) -> Outgoing:
        """Build the next request."""
        self._outgoing = outgoing(self._call, self._settings, self._new_request_id())
        return self._outgoing

    def reply(self, raw: RawReply, now: float) -> Done[T] | Wait:
        """Take a whole reply.

        :param now: epoch seconds on this side's clock.
        :raises PortalError: if the call has failed for good, or must be proved before it goes out again.
        """
        sent = self._sent()
        reply = Reply(
            status=raw.status,
            headers=Headers(raw.headers),
            body=raw.body,
            url=sent.url,
            sent_request_id=sent.request_id,
            repeated=self._may_have_landed,
        )
        if self._redirected(reply):
            return Wait(0.0)
        if not 200 <= reply.status < 300:
            error = self._settings.vendor.read_error(self._call, reply, now=now, redact=self._redact)
            if isinstance(error, (SignInFailed, NobodySignedIn)):
                error.advice = self._settings.credentials.if_refused or error.advice
            return self._failed(error, now)
        try:
            return Done(self._call.parse(reply))
        except UnreadableReply as unreadable:
            problem = self._redact(one_line(str(unreadable)))[:_LONGEST_PROBLEM]
        # outside of the except clause: a traceback must not show the portal's words unredacted
        return self._failed(self._malformed(reply, problem), now)

    def lost(self, loss: Loss, now: float) -> Wait:
        """Take the news that no reply came.

        :raises PortalError: as :meth:`reply`.
        """
        return self._failed(error_from_loss(self._call, loss, self._settings, self._sent().request_id), now)

    def interrupted(self, *, sent: bool) -> Interrupted:
        """Build the error of a call that this side stopped.

        :param sent: whether the sending that was stopped may have reached the portal.
        """
        self._may_have_landed |= sent and self._call.kind is not CallKind.READ
        return Interrupted("stopped by this side", summary=self._call.summary, landing=self._landing())

    def turns(
        self, limiter: Limiter, patience: float, now: Callable[[], float]
    ) -> Generator[float, None, int]:
        """Yield the seconds to wait until the next request may go; return the pause that was kept last.

        :param patience: seconds that the call waits, in all, because the portal asks for it.
        :raises PortalBusy: the portal asks for more.
        """
        while True:
            turn = limiter.turn(now(), patience)
            if turn.seconds <= 0:
                return turn.pause
            if turn.asked:
                if turn.seconds > patience:
                    raise self._held_back(turn.seconds)
                patience -= turn.seconds
            yield turn.seconds
            if limiter.pause == turn.pause:
                return turn.pause

    def _held_back(self, seconds: float) -> PortalBusy:
        """Build the error of a call that is not sent: the portal asked for more patience than it has."""
        return PortalBusy(
            f"the portal has asked to send nothing for another {seconds:.0f} s",
            summary=self._call.summary,
            retry_after=seconds,
            landing=self._landing(),
            failure=Failure.THROTTLED,
        )

    def _sent(self) -> Outgoing:
        if self._outgoing is None:
            raise RuntimeError("outgoing() comes first")
        return self._outgoing

    def _landing(self) -> Landing:
        return "unknown" if self._may_have_landed else "none"

    def _failed(self, error: PortalError, now: float) -> Wait:
        failure = error.failure or Failure.REFUSED
        if failure in MAY_HAVE_LANDED and self._call.kind is not CallKind.READ:
            self._may_have_landed = True
        error.landing = self._landing()
        if failure in _ASKS_TO_WAIT and error.retry_after:
            self._heard(error.retry_after, now)
        if decide(self._call.kind, failure) is not Decision.AGAIN:
            raise error
        wait = self._backoff.after(error, now)
        if failure is Failure.THROTTLED and error.retry_after is None:
            self._heard(wait.seconds, now)
        return wait

    def _malformed(self, reply: Reply, problem: str) -> MalformedReply:
        return MalformedReply(
            problem,
            summary=self._call.summary,
            status=reply.status,
            request_id=reply.request_id,
            failure=Failure.MALFORMED,
            advice=f"check that the domain is a {self._settings.vendor.name} portal and that no proxy answers"
            " in its place",
        )

    def _redact(self, words: str) -> str:
        for _, secret in self._call.secret_params:
            if secret:
                words = words.replace(secret, "***").replace(quote(secret, safe=""), "***")
        return self._settings.redact(words)

    def _redirected(self, reply: Reply) -> bool:
        """Follow a redirect of a GET within the portal's own address; any other becomes an error."""
        location = reply.headers.get("Location")
        if reply.status not in _REDIRECTS or self._call.method != "GET" or not location:
            return False
        path = path_on_portal(location, reply.url)
        if path is None or not same_origin(location, reply.url) or self._redirects >= _MOST_REDIRECTS:
            return False
        if self._call.secret_params:
            return False  # the target would hold them where addresses are logged
        self._redirects += 1
        self._call = replace(self._call, path=path, params=())
        return True
