"""Going back in a dataset's history, which the two APIs mean in opposite ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from airflow_socrata.client.errors import ConfigurationError, PortalError
from airflow_socrata.opendatasoft.errors import RestorePointGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.client.messages import Call
    from airflow_socrata.opendatasoft.models import RestorePoint, Version
    from airflow_socrata.opendatasoft.steps import Steps

    class HasHistory(Protocol):
        """What a dialect must offer here."""

        @property
        def name(self) -> str:
            """Its name."""
            ...

        def versions(self, uid: str) -> Call[tuple[Version, ...]]:
            """The history, newest first."""
            ...


def restore_to(
    dialect: HasHistory,
    point: RestorePoint,
    choose: Callable[[tuple[Version, ...]], Version | None],
    call: Callable[[Version], Call[None]],
) -> Steps[bool]:
    """Restore the entry that ``choose`` takes from the history, if any.

    A restore adds an entry to the history: where its reply is lost, a new entry proves it.
    """
    if point.api != dialect.name:
        raise ConfigurationError(
            f"the restore point of dataset {point.dataset} was noted by the {point.api} API: use that one"
        )
    before: tuple[Version, ...] = yield dialect.versions(point.dataset)
    target = choose(before)
    if target is None:
        return False
    if not target.can_restore:
        raise gone(point, "cannot be restored, says the portal")
    try:
        yield call(target)
    except PortalError as error:
        if error.landing != "unknown":
            raise
        after: tuple[Version, ...] = yield dialect.versions(point.dataset)
        if {one.uid for one in after} <= {one.uid for one in before}:
            raise
    return True


def gone(point: RestorePoint, why: str) -> RestorePointGone:
    """Build the error of a restore that is not possible."""
    noted = point.version or "(before the first entry)"
    return RestorePointGone(
        f"version {noted} {why}", summary=f"restore the configuration of dataset {point.dataset}"
    )
