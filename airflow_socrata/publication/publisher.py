"""What every step of a publication needs at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from airflow_socrata.client import views
from airflow_socrata.publication.waits import Patience, Steps, counted, run_steps, settled_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.client import Call
    from airflow_socrata.client.clock import Clock
    from airflow_socrata.client.session import PortalSession
    from airflow_socrata.publication.operation import Intents, Runs

T = TypeVar("T")

#: Seconds for which a wrong count is looked at again although the replicas call themselves up to date.
COUNT_GRACE = 15.0


@dataclass(frozen=True, slots=True)
class Publisher:
    """A signed-in portal, the records of what is under way, and a clock.

    :param session: the signed-in portal.
    :param intents: where intents are kept.
    :param runs: tells whether another run is live.
    :param clock: tells and waits.
    :param log: takes one line.
    :param conn_id: the Airflow connection, for whoever rolls back later.
    :param poll: longest pause between two looks, seconds.
    """

    session: PortalSession
    intents: Intents
    runs: Runs
    clock: Clock
    log: Callable[[str], None]
    conn_id: str = ""
    poll: float = 5.0

    @property
    def domain(self) -> str:
        """The portal's host name."""
        return self.session.settings.domain

    def send(self, call: Call[T]) -> T:
        """Send one call."""
        return self.session.send(call)

    def patience(self, seconds: float) -> Patience:
        """Return a patience that ends in so many seconds."""
        return Patience(self.clock.time() + seconds, self.clock.time, self.poll)

    def wait(self, steps: Steps[T]) -> T:
        """Drive a wait to its end."""
        return run_steps(self.session, steps)

    def count(self, view_id: str, timeout: float, expected: int | None = None) -> int:
        """Count the rows of a view once its replicas have caught up; an unexpected count is looked at again.

        :param timeout: seconds for the replicas.
        """
        found = self.wait(settled_count(view_id, self.patience(timeout)))
        if expected is None or found == expected:
            return found
        return self.wait(counted(view_id, expected, self.patience(min(timeout, COUNT_GRACE))))

    def portal_time(self) -> float:
        """Return the time by the portal's clock, epoch seconds; ours where the portal does not tell."""
        date = self.send(views.portal_date())
        return self.clock.time() if date is None else date

    def link(self, view_id: str) -> str:
        """Return the page of a view for people."""
        return self.session.settings.dataset_link(view_id)

    def revision_link(self, dataset: str, revision: int) -> str:
        """Return the page of a revision for people."""
        return f"{self.link(dataset)}/revisions/{revision}"
