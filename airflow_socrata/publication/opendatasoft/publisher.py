"""What every step of a publication to an Opendatasoft portal needs at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_socrata.client.messages import Call
from airflow_socrata.publication.waits import Patience, Steps, run_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.client.clock import Clock
    from airflow_socrata.client.messages import Reply
    from airflow_socrata.client.session import PortalSession
    from airflow_socrata.opendatasoft import steps
    from airflow_socrata.opendatasoft.dialect import Dialect
    from airflow_socrata.publication.opendatasoft.intent import ChangeIntent
    from airflow_socrata.publication.operation import IntentStore, Runs

T = TypeVar("T")


class Place(Protocol):
    """A file or folder: what ``pathlib.Path`` and ``ObjectStoragePath`` have in common."""

    def __truediv__(self, name: str) -> Any:
        """Return a place in this folder."""

    def open(self, mode: str) -> Any:
        """Open the file."""

    def exists(self) -> bool:
        """Tell whether it is there."""


@dataclass(frozen=True, slots=True)
class DatasetPublisher:
    """A signed-in portal, the records of what is under way, and a clock.

    :param session: the signed-in portal.
    :param dialect: the management API that it is spoken to in.
    :param intents: where intents are kept.
    :param runs: tells whether another run is live.
    :param clock: tells and waits.
    :param log: takes one line.
    :param conn_id: the Airflow connection, for whoever rolls back later.
    :param poll: longest pause between two looks, seconds.
    :param place: finds a kept file by its path, as text.
    """

    session: PortalSession
    dialect: Dialect
    intents: IntentStore[ChangeIntent]
    runs: Runs
    clock: Clock
    log: Callable[[str], None]
    conn_id: str = ""
    poll: float = 5.0
    place: Callable[[str], Place] = Path

    @property
    def domain(self) -> str:
        """The portal's host name."""
        return self.session.settings.domain

    def run(self, action: Call[T] | Steps[T] | steps.Steps[T]) -> T:
        """Send one call, or carry out steps with their pauses."""
        return self.session.send(action) if isinstance(action, Call) else run_steps(self.session, action)

    def patience(self, seconds: float) -> Patience:
        """Return a patience that ends in so many seconds."""
        return Patience(self.clock.time() + seconds, self.clock.time, self.poll)

    def portal_time(self) -> float:
        """Return the time by the portal's clock, epoch seconds; ours where the portal does not tell."""
        page = self.dialect.list_datasets(limit=1)
        date = self.session.send(
            Call(page.kind, page.method, page.path, _date, "ask for the time", params=page.params)
        )
        return self.clock.time() if date is None else date

    def link(self, dataset_id: str) -> str:
        """Return the page of a dataset for people."""
        return self.session.settings.dataset_link(dataset_id)


def _date(reply: Reply) -> float | None:
    return reply.date
