"""When Airflow tries a task again: at the time the portal asked for, and not at all where it cannot help.

Airflow 3.3 asks a task's *retry policy*. Before, all tries of a task are ``retry_delay`` apart; errors that
another try would meet again fail the task at once there too, since the operators raise them as
``AirflowFailException``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_socrata.version_compat import AIRFLOW_V_3_3_PLUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Tasks that met the same pause come back spread over this part of it, and over so many seconds at most.
SPREAD, LONGEST_SPREAD = 0.1, 30.0


@dataclass(frozen=True, slots=True)
class Advice:
    """What the error of a portal says of another try.

    :param again: whether another try could help.
    :param seconds: until the portal may be asked again; None: it named no time.
    :param reason: the error, in one line.
    """

    again: bool
    seconds: float | None
    reason: str


def advice_of(error: BaseException) -> Advice | None:
    """Return what an error, or one that it was raised from, says of another try; None: nothing."""
    from airflow_socrata.client.errors import PortalError
    from airflow_socrata.client.limiter import LONGEST_PAUSE

    told = [cause for cause in _causes(error) if hasattr(cause, "permanent")]
    if not told:
        return None
    if told[0].permanent:
        return Advice(again=False, seconds=None, reason=str(told[0]))
    for cause in told:
        if isinstance(cause, PortalError) and cause.retry_after is not None:
            return Advice(True, min(cause.retry_after, LONGEST_PAUSE), str(told[0]))
    return Advice(True, None, str(told[0]))


def _causes(error: BaseException | None) -> Iterator[Any]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


if AIRFLOW_V_3_3_PLUS:
    from airflow.providers.common.compat.sdk import RetryDecision, RetryPolicy

    class PortalRetryPolicy(RetryPolicy):
        """Try again at the time the portal asked for; fail at once where another try would end alike.

        Every operator and sensor of this package has it unless it is given another one. Pass it to your own
        tasks that use the hook: ``@task(retries=3, retry_policy=PortalRetryPolicy())``. It never adds tries.

        :param chance: random numbers in [0, 1).
        """

        def __init__(self, chance: Callable[[], float] = random.random) -> None:  # noqa: S311 - no secret
            self._chance = chance

        def evaluate(
            self, exception: BaseException, try_number: int, max_tries: int, context: Any = None
        ) -> RetryDecision:
            """Decide by the portal's error; other errors are left to ``retries`` and ``retry_delay``."""
            advice = advice_of(exception)
            if advice is None or (advice.again and advice.seconds is None):
                return RetryDecision.default()
            if not advice.again:
                return RetryDecision.fail(advice.reason)
            asked = advice.seconds or 0.0
            seconds = asked + min(asked * SPREAD, LONGEST_SPREAD) * self._chance()
            return RetryDecision.retry(timedelta(seconds=seconds), advice.reason)

        def serialize(self) -> dict[str, Any]:
            """Return nothing but the name: there is nothing to set."""
            return {"__type": "PortalRetryPolicy"}

        @classmethod
        def deserialize(cls, data: dict[str, Any]) -> PortalRetryPolicy:
            """Return a policy."""
            return cls()


def use_portal_policy(task: Any) -> None:
    """Give a task the policy where Airflow has policies, unless its author or ``default_args`` gave one."""
    if AIRFLOW_V_3_3_PLUS and task.retry_policy is None:
        task.retry_policy = PortalRetryPolicy()
