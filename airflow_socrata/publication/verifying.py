"""The check after publish: the public sees the rows that were loaded, and nothing else has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.access import shared_with
from airflow_socrata.publication.errors import OutcomeUnproved, PublicationError
from airflow_socrata.publication.preflight import read_dataset, rows_of
from airflow_socrata.publication.proof import carries_our_mark
from airflow_socrata.publication.revisions.handle import RevisionHandle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.publisher import Publisher


class VerificationFailed(PublicationError):
    """The published dataset is not what was published."""


@dataclass(frozen=True, slots=True)
class Report:
    """Before and after.

    :param rows_before: rows of the dataset when the run began.
    :param rows_after: rows that the portal shows now, replicas up to date.
    :param audience: who can see it, as before.
    """

    dataset: str
    rows_before: int
    rows_after: int
    audience: str | None
    link: str

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "dataset": self.dataset,
            "rows_before": self.rows_before,
            "rows_after": self.rows_after,
            "audience": self.audience,
            "link": self.link,
        }


def verify(
    publisher: Publisher, handle: Handle | RevisionHandle, expected: int | None, timeout: float
) -> Report:
    """Compare the published dataset with what was to be published.

    :param expected: rows; ``None`` where no load of this package counted them.
    :param timeout: seconds for the replicas.
    :raises VerificationFailed: other rows or columns, another audience or users, or not published; says
        before and after.
    """
    view = read_dataset(publisher, handle.dataset, may_be_file=isinstance(handle, RevisionHandle))
    before = handle.baseline
    if not view.is_published:
        raise VerificationFailed(
            f"{view.id} is {view.publication_stage}, not published: {publisher.link(view.id)}"
        )
    if not carries_our_mark(view, handle.mark):
        moved = (view.publication_date, view.view_last_modified) != (
            before.publication_date,
            before.view_last_modified,
        )
        if not moved:
            raise OutcomeUnproved(
                f"{view.id} has neither this run's mark nor a later date than before the run; {handle.draft}"
                f" did not go live: {publisher.link(view.id)}"
            )
        publisher.log(
            f"{view.id} does not carry this run's mark: the portal does not keep private metadata over a"
            " publish, so older runs cannot be told from newer ones (allow_older_run has no effect)."
        )
    rows = rows_of(publisher, view, timeout, expected)
    report = Report(view.id, before.rows, rows, view.permission_scope, publisher.link(view.id))
    if expected is not None and rows != expected:
        raise VerificationFailed(
            f"{view.id} shows {rows:,} rows after publish; {expected:,} were published, and {before.rows:,}"
            f" were there before: {report.link}"
        )
    columns = None if isinstance(handle, RevisionHandle) else handle.columns
    shown = {column.field_name for column in view.columns}
    if columns is not None and shown != {*columns}:
        raise VerificationFailed(
            f"{view.id} shows other columns than were published: {', '.join(sorted(shown ^ {*columns}))}:"
            f" {report.link}"
        )
    if before.audience is not None and view.permission_scope != before.audience:
        raise VerificationFailed(
            f"{view.id} was {before.audience} before this run and is {view.permission_scope} now:"
            f" {report.link}"
        )
    _check_users(before.users, shared_with(view), report)
    publisher.log(
        f"{view.id} shows {rows:,} rows (before: {before.rows:,}) to its {view.permission_scope or 'former'}"
        " audience."
    )
    return report


def _check_users(before: Mapping[str, str] | None, now: Mapping[str, str] | None, report: Report) -> None:
    """Compare whom a dataset is shared with, where the portal has told it both times."""
    if before is None or now is None or before == now:
        return
    changes = [
        f"{who} was {before.get(who, 'not among them')} and is {now.get(who, 'not among them')}"
        for who in sorted({*before, *now})
        if before.get(who) != now.get(who)
    ]
    raise VerificationFailed(
        f"The users of {report.dataset} are others than before this run: {'; '.join(changes)}: {report.link}"
    )
