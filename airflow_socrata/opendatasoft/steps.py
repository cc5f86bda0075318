"""Actions made of several calls, still without I/O: generators that are given each call's result.

A step sees a call's error thrown at its ``yield``, so that it can look at the portal before it gives up.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_socrata.client.errors import PortalError
from airflow_socrata.client.messages import Call

if TYPE_CHECKING:
    from airflow_socrata.client.async_session import AsyncPortalSession
    from airflow_socrata.client.session import PortalSession

T = TypeVar("T")

#: Yields calls, is sent their results, returns the result of all.
Steps = Generator[Call[Any], Any, T]


def run(session: PortalSession, action: Call[T] | Steps[T]) -> T:
    """Send one call, or run an action of several, and return its result.

    For another try after a failure that may pass: ``session.repeat(lambda: run(session, portal.create(…)))``.

    :raises PortalError: the error that the action did not deal with.
    """
    if isinstance(action, Call):
        return session.send(action)
    try:
        call = next(action)
        while True:
            try:
                result = session.send(call)
            except PortalError as error:
                call = action.throw(error)
            else:
                call = action.send(result)
    except StopIteration as end:
        found: T = end.value
        return found


async def run_async(session: AsyncPortalSession, action: Call[T] | Steps[T]) -> T:
    """Do the same as :func:`run`, in an event loop."""
    if isinstance(action, Call):
        return await session.send(action)
    try:
        call = next(action)
        while True:
            try:
                result = await session.send(call)
            except PortalError as error:
                call = action.throw(error)
            else:
                call = action.send(result)
    except StopIteration as end:
        found: T = end.value
        return found
