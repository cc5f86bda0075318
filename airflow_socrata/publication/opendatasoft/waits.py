"""Every wait for an Opendatasoft portal: operators drive it with ``requests``, triggers with ``httpx``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.client.errors import NotFound
from airflow_socrata.opendatasoft import explore
from airflow_socrata.opendatasoft.status import Step, next_step, settling_seconds
from airflow_socrata.publication.errors import WaitTimeout
from airflow_socrata.publication.waits import Pause

if TYPE_CHECKING:
    from airflow_socrata.opendatasoft.dialect import Dialect
    from airflow_socrata.opendatasoft.models import CatalogEntry, Status
    from airflow_socrata.opendatasoft.status import Action
    from airflow_socrata.publication.waits import Patience, Steps

#: Seconds by which the clocks of what answers and of what processes may differ, whole seconds included.
CLOCK_SKEW = 5.0

#: Seconds for which a wrong count is looked at again although Explore shows the new processing.
SETTLED_GRACE = 15.0


def at_rest(dialect: Dialect, uid: str, patience: Patience) -> Steps[Status]:
    """Wait until nothing runs on a dataset, and return its status then."""
    for pause in patience.pauses(f"rest of dataset {uid}"):
        status: Status = yield dialect.status(uid)
        if status.is_at_rest:
            return status
        yield pause
    raise AssertionError("unreachable: pauses() ends by raising")


def settled(dialect: Dialect, uid: str, patience: Patience) -> Steps[Status]:
    """Wait for rest, and until the status is old enough for any later one to be told from it."""
    while True:
        status: Status = yield from at_rest(dialect, uid, patience)
        left = settling_seconds(status)
        if left <= 0:
            return status
        if patience.deadline - patience.now() < left:
            raise WaitTimeout(f"rest of dataset {uid}: the deadline passed; nothing was changed by waiting.")
        yield Pause(left)


def processed(
    dialect: Dialect, uid: str, before: Status, action: Action, patience: Patience
) -> Steps[Status]:
    """Wait for the end of an action: rest in a status that was entered after ``before`` was read."""
    for pause in patience.pauses(f"{action.value} of dataset {uid}"):
        status: Status = yield dialect.status(uid)
        if next_step(status, before, after=action) is not Step.WAIT:
            return status
        yield pause
    raise AssertionError("unreachable: pauses() ends by raising")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the public is to see.

    :param records: so many; ``None``: any number.
    :param at_least: more will do as well.
    :param since: processed no earlier, epoch seconds by the portal's clock; ``None``: at any time.
    """

    records: int | None = None
    at_least: bool = False
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the public sees of a dataset.

    :param records: as many as Explore counts; ``None`` if it does not show the dataset.
    :param data_processed: epoch seconds, where Explore tells.
    """

    records: int | None
    data_processed: float | None = None

    def is_new(self, wanted: Wanted) -> bool:
        """Whether the data were processed late enough, as far as Explore tells."""
        if wanted.since is None or self.data_processed is None:
            return True
        return self.data_processed >= wanted.since - CLOCK_SKEW

    def is_settled(self, wanted: Wanted) -> bool:
        """Whether Explore tells that the data were processed since."""
        if wanted.since is None or self.data_processed is None:
            return False
        return self.data_processed >= wanted.since

    def has_count(self, wanted: Wanted) -> bool:
        """Whether there are as many records as wanted."""
        if wanted.records is None or self.records is None:
            return self.records is not None
        return self.records == wanted.records or (wanted.at_least and self.records > wanted.records)


def look(dataset_id: str) -> Steps[Sighting]:
    """Look at a dataset in Explore, once."""
    try:
        entry: CatalogEntry = yield explore.catalog_entry(dataset_id)
        records: int = yield explore.count(dataset_id)
    except NotFound:
        return Sighting(None)
    return Sighting(records, entry.data_processed)


def visible(dataset_id: str, wanted: Wanted, patience: Patience) -> Steps[Sighting]:
    """Look until Explore shows what is wanted, or the patience ends; return the last sighting.

    Explore's index may lag behind the end of the processing. Where it shows the new processing, and other
    records than wanted, it is looked at for ``SETTLED_GRACE`` more.
    """
    found: Sighting = yield from look(dataset_id)
    settled_since: float | None = None
    try:
        for pause in patience.pauses(f"records of {dataset_id} in Explore"):
            if found.is_new(wanted) and found.has_count(wanted):
                return found
            if found.is_settled(wanted):
                settled_since = patience.now() if settled_since is None else settled_since
                if patience.now() - settled_since >= SETTLED_GRACE:
                    return found
            yield pause
            found = yield from look(dataset_id)
    except WaitTimeout:
        pass
    return found
