"""Which call may be sent again after which failure, and when: one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_socrata.client.messages import CallKind, epoch_of_http_date

if TYPE_CHECKING:
    from collections.abc import Mapping


class Failure(Enum):
    """How a call failed: the column of the retry table."""

    NOT_SENT = "the connection was never made"
    REPLY_LOST = "sent, no whole reply"
    THROTTLED = "429"
    LOCKED = "409, another writer or job"
    SCHEMA_OUT_OF_SYNC = "500 schema-out-of-sync"
    UNAVAILABLE = "503"
    GATEWAY = "408, 502, 504"
    INTERNAL = "500"
    MALFORMED = "2xx without the JSON it needs"
    REFUSED = "3xx, 4xx, certificate"


class Decision(Enum):
    """What follows a failure: the cell of the retry table."""

    AGAIN = "again"
    NEVER = "never"
    PROVE = "prove"


def _row(again: set[Failure]) -> dict[Failure, Decision]:
    """One row: send again after ``again``, never after a refusal, look at the portal first after the rest."""
    row = dict.fromkeys(Failure, Decision.PROVE)
    row |= dict.fromkeys(again, Decision.AGAIN)
    row[Failure.REFUSED] = Decision.NEVER
    return row


_TRANSIENT = set(Failure) - {Failure.REFUSED}
_NOT_CARRIED_OUT = {Failure.NOT_SENT, Failure.THROTTLED, Failure.LOCKED}

#: (call, failure) -> decision. ``prove``: the caller must look at the portal before the call goes out again.
#: A repeated COPY joins the copy in progress or returns the one made (portal's 202 contract). A repeated
#: PUBLISH would find its working copy gone, and a repeated DISCARD could meet another view than the one that
#: was looked at just before, so both are proved; so is what was MERGED with a
#: reading that is no longer the last one. Rows without a row identifier would be inserted twice.
#: A second revision would pile up, a second apply would run twice, a config's name is taken the second time,
#: and what a second end of an upload does is not known. A second source or output schema in an own revision
#: is harmless: the last one counts; a chunk may come again.
#: Opendatasoft: a whole file may come again, since only the last reply's uid is used. A second dataset or
#: resource would stand beside the first, a second delete finds nothing, and a second restore is not needed.
#: Pushed records are known by their id, or by all of their fields: they may come again.
#: A code is good once: sent again it either works or is refused, and then the person signs in again. The
#: secret of an API key is told once: after a lost reply the key must be looked for, and deleted.
RETRY_TABLE: Mapping[CallKind, Mapping[Failure, Decision]] = MappingProxyType({
    CallKind.READ: MappingProxyType(_row(_TRANSIENT)),
    CallKind.COPY: MappingProxyType(_row(_TRANSIENT)),
    CallKind.PUBLISH: MappingProxyType(_row(_NOT_CARRIED_OUT)),
    CallKind.DISCARD: MappingProxyType(_row(set())),
    CallKind.METADATA: MappingProxyType(_row(_TRANSIENT)),
    CallKind.MERGED: MappingProxyType(_row(set())),
    CallKind.ROWS_KEYED: MappingProxyType(_row(_TRANSIENT)),
    CallKind.ROWS_UNKEYED: MappingProxyType(_row(_NOT_CARRIED_OUT)),
    CallKind.ROWS_REPLACE: MappingProxyType(_row(_TRANSIENT)),
    CallKind.REVISION: MappingProxyType(_row(_NOT_CARRIED_OUT)),
    CallKind.SOURCE: MappingProxyType(_row(_TRANSIENT)),
    CallKind.CHUNK: MappingProxyType(_row(_TRANSIENT)),
    CallKind.COMMIT: MappingProxyType(_row(_NOT_CARRIED_OUT)),
    CallKind.SCHEMA: MappingProxyType(_row(_TRANSIENT)),
    CallKind.APPLY: MappingProxyType(_row(_NOT_CARRIED_OUT)),
    CallKind.CONFIG: MappingProxyType(_row(_NOT_CARRIED_OUT)),
    CallKind.FILE: MappingProxyType(_row(_TRANSIENT)),
    CallKind.DATASET: MappingProxyType(_row(_NOT_CARRIED_OUT)),
    CallKind.PART: MappingProxyType(_row(_NOT_CARRIED_OUT)),
    CallKind.RESTORE: MappingProxyType(_row(_NOT_CARRIED_OUT)),
    CallKind.PUSH: MappingProxyType(_row(_TRANSIENT)),
    CallKind.SIGN_IN: MappingProxyType(_row(_TRANSIENT)),
    CallKind.KEY: MappingProxyType(_row(_NOT_CARRIED_OUT)),
})

#: Failures after which the portal may nevertheless have carried the call out.
MAY_HAVE_LANDED = frozenset(_TRANSIENT - _NOT_CARRIED_OUT)


def decide(kind: CallKind, failure: Failure) -> Decision:
    """Look the decision up in :data:`RETRY_TABLE`."""
    return RETRY_TABLE[kind][failure]


def retry_table_text() -> str:
    """The retry table as Markdown, for the docs."""
    lines = ["| call | " + " | ".join(failure.value for failure in Failure) + " |"]
    lines.append("|" + "---|" * (len(Failure) + 1))
    lines.extend(
        f"| {kind.value} | " + " | ".join(row[failure].value for failure in Failure) + " |"
        for kind, row in RETRY_TABLE.items()
    )
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """How often and how long one call may be tried.

    :param attempts: sendings of one call, the first included.
    :param throttled: sendings, where some are answered 429: those tell of nothing but haste and do not count
        as attempts. None: they do.
    :param seconds: from the first failure to the start of the last sending.
    :param base: upper bound of the first wait in seconds; it doubles with each failure.
    :param longest: upper bound of any wait that the portal did not ask for, in seconds.
    """

    attempts: int = 6
    seconds: float = 300.0
    base: float = 1.0
    longest: float = 60.0
    throttled: int | None = None

    def wait(
        self, failures: int, elapsed: float, retry_after: float | None, chance: float, throttled: int = 0
    ) -> float | None:
        """Seconds until the next sending, or None if the budget is used up.

        :param failures: failures so far, at least 1.
        :param throttled: how many of them were 429.
        :param elapsed: seconds since the first failure.
        :param retry_after: seconds that the portal asked to wait.
        :param chance: a random number in [0, 1): full jitter.
        """
        if self.throttled is None:
            throttled = 0
        if failures - throttled >= self.attempts or failures >= self.most:
            return None
        backoff = min(self.longest, self.base * 2.0 ** min(failures - 1, 30)) * chance
        seconds = max(backoff, retry_after or 0.0)
        return seconds if elapsed + seconds <= self.seconds else None

    @property
    def most(self) -> int:
        """Sendings of one call at most, of whatever kind its failures are."""
        return max(self.attempts, self.throttled or 0)


def retry_after_seconds(value: str | None, reference: float | None) -> float | None:
    """Seconds that a Retry-After header asks to wait, or None if it is absent or unreadable.

    :param value: seconds or an HTTP date.
    :param reference: epoch seconds that a date is measured against: the reply's ``Date``, else this clock.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    date = epoch_of_http_date(text)
    if date is None or reference is None:
        return None
    return max(0.0, date - reference)
