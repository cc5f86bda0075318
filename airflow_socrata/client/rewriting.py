"""Changing a view by reading it, merging and writing it back, without losing what others wrote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_socrata.client import views
from airflow_socrata.client.errors import ChangeNotKept
from airflow_socrata.client.messages import CallKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from airflow_socrata.client.models import View
    from airflow_socrata.client.session import PortalSession

#: Seconds after which a view that was changed is looked at once more: others may have overwritten it.
SETTLE_SECONDS = 2.0
_MOST_WRITES = 10


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A view that is as wanted.

    :param writes: how often it was written; 0: it was as wanted before.
    """

    view: View
    writes: int


def rewrite(
    session: PortalSession, dataset_id: str, changes: Callable[[View], Mapping[str, Any] | None]
) -> Rewritten:
    """Read a view, merge changes into it and write it, until a reading shows that it is as wanted.

    Nothing that is sent is older than the reading just before it: after a failure the view is read anew.
    Portals offer no lock, so what somebody else writes between a reading and the writing is overwritten; of
    those who write by this function, the one who was overwritten sees it at a last look and writes once more.

    :param changes: what to change in the view that it is given, see :func:`views.merged_update`; None where
        it is as wanted. An exception that it raises ends the work.
    :raises ChangeNotKept: the portal takes the change and does not keep it.
    :raises PortalError: any other failure, once the session's budget is used up.
    """
    writes = 0
    rests = True

    def once() -> View:
        nonlocal writes, rests
        while True:
            view = session.send(views.read_view(dataset_id))
            wanted = changes(view)
            if wanted is None and rests:
                return view
            if wanted is None:
                session.sleep(SETTLE_SECONDS)
                rests = True
                continue
            if writes >= _MOST_WRITES:
                raise ChangeNotKept(
                    "the portal took the change and does not show it", summary=_summary(dataset_id)
                )
            writes += 1
            rests = False
            session.send(replace(views.merged_update(view, wanted), kind=CallKind.MERGED))

    return Rewritten(session.repeat(once), writes)


def _summary(dataset_id: str) -> str:
    return f"update view {dataset_id}"
