"""Loading rows: batch after batch, each acknowledged, counted, and never sent twice by accident."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_socrata.client import (
    Interrupted,
    PortalError,
    RowBody,
    RowCounts,
    SyncedDataset,
    View,
    rows,
    views,
)
from airflow_socrata.publication.errors import NotPublishable, RowCountMismatch, RowsRefused
from airflow_socrata.publication.handle import Load
from airflow_socrata.publication.preflight import mirrored
from airflow_socrata.records import (
    Batch,
    BatchLimits,
    DatasetColumn,
    DatasetSchema,
    Guards,
    RowSource,
    RowsSource,
    batches,
    prefetch,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from airflow_socrata.publication.publisher import Publisher

#: Starting over more often than this would hide a portal that cannot take the rows.
MOST_STARTS = 3


@dataclass(frozen=True, slots=True)
class Loading:
    """How to load.

    :param task_id: the task, for the summary.
    :param source: where the rows come from.
    :param columns: source column to field name, where they differ.
    :param limits: rows and bytes of one batch.
    :param guards: what is checked before rows are sent.
    :param max_row_errors: rows that the portal may refuse, deletes of absent rows not counted.
    :param compress: send gzip bodies.
    :param timeout: seconds for replicas to catch up before rows are counted.
    """

    task_id: str
    source: RowSource
    columns: Mapping[str, str] | None = None
    limits: BatchLimits = field(default_factory=BatchLimits)
    guards: Guards = field(default_factory=Guards)
    max_row_errors: int = 0
    compress: bool = True
    timeout: float = 3600.0


class LandingUnknown(Exception):
    """A batch without row identifiers may or may not have landed; the caller starts over."""

    def __init__(self, batch: Batch, cause: PortalError) -> None:
        super().__init__(
            f"Batch {batch.number} (rows {batch.first_row}-{batch.last_row}) may have landed: {cause}"
        )
        self.cause = cause


def schema_of(view: View) -> DatasetSchema:
    """Return the columns that rows are compared with."""
    columns = tuple(DatasetColumn(c.field_name, c.name, c.data_type_name) for c in view.columns)
    return DatasetSchema(columns, view.row_identifier)


def check_row_identifier(view: View, *, require: bool) -> None:
    """Refuse to upsert into a dataset without a row identifier unless told otherwise.

    :raises NotPublishable: the dataset has none.
    """
    if view.row_identifier is None and require:
        raise NotPublishable(
            f"{view.id} ({view.name}) has no row identifier: an upsert would append every row again instead"
            " of updating it. Set a row identifier on the dataset, use SocrataReplaceOperator, or pass"
            " require_row_identifier=False."
        )


def upsert_rows(publisher: Publisher, target: str, loading: Loading, *, baseline: int | None) -> Load:
    """Upsert rows into a working copy (or, outside the promise, into a published dataset).

    With a row identifier every batch may be sent again. Without one, a batch whose landing is not proved
    raises :class:`LandingUnknown`, and the caller starts over on a fresh working copy.

    :param target: 4x4 to write to.
    :param baseline: rows in the target before, if the result is to be counted; ``None`` on a dirty target.
    """
    view = publisher.send(views.read_view(target))
    check_row_identifier(view, require=loading.guards.require_row_identifier)
    keyed = view.row_identifier is not None
    load = _send_all(publisher, view, loading, keyed=keyed)
    return _counted(publisher, target, load, baseline, loading)


def replace_rows(publisher: Publisher, target: str, loading: Loading, *, empty: bool) -> Load:
    """Load all rows into a working copy that has none.

    A working copy that holds rows is emptied first. Without a row identifier, a batch whose landing is not
    proved means: empty the working copy and start over.

    :param target: 4x4 of the working copy.
    :param empty: whether the working copy is known to be empty.
    """
    view = publisher.send(views.read_view(target))
    keyed = view.row_identifier is not None
    for start in range(1, MOST_STARTS + 1):
        if not empty:
            truncate(publisher, target, loading.timeout)
        empty = False
        try:
            load = _send_all(publisher, view, loading, keyed=keyed)
            return _counted(publisher, target, load, 0, loading)
        except LandingUnknown as doubt:
            if start == MOST_STARTS or not can_start_over(loading.source):
                raise doubt.cause from None
            publisher.log(
                f"{doubt} Emptying working copy {target} and starting over ({start} of {MOST_STARTS - 1})."
            )
    raise AssertionError("unreachable: the last start returns or raises")


def can_start_over(source: RowSource) -> bool:
    """Whether a source can be read from its beginning again."""
    return not isinstance(source, RowsSource) or callable(source.rows)


def truncate(publisher: Publisher, working_copy: str, timeout: float) -> None:
    """Empty a working copy and look that it is empty."""
    publisher.send(rows.truncate(working_copy))
    left = publisher.count(working_copy, timeout, expected=0)
    if left:
        raise RowCountMismatch(f"Working copy {working_copy} still holds {left:,} rows after it was emptied.")


def _plus(load: Load, batch: Batch, counts: RowCounts) -> Load:
    """Add one acknowledged batch.

    The public edge counts a delete of an absent row among ``Errors``; as deletes are not refused for another
    reason, those not carried out are the absent ones.
    """
    absent = counts.absent_deletes or min(counts.errors, max(batch.deletes - counts.deleted, 0))
    return replace(
        load,
        sent=load.sent + batch.rows,
        created=load.created + counts.created,
        updated=load.updated + counts.updated,
        deleted=load.deleted + counts.deleted,
        errors=load.errors + counts.errors - absent,
        absent_deletes=load.absent_deletes + absent,
        repeated=load.repeated + (batch.rows if counts.repeated else 0),
        batches=load.batches + 1,
        sent_bytes=load.sent_bytes + len(batch.data),
    )


def _send_all(publisher: Publisher, view: View, loading: Loading, *, keyed: bool) -> Load:
    load = Load(loading.task_id)
    with closing(_batches(publisher, view, loading)) as prepared:
        for batch in prepared:
            counts = _send_batch(publisher, view, batch, keyed=keyed)
            load = _plus(load, batch, counts)
            _check_batch(view, batch, counts, load, loading)
            publisher.log(
                f"Batch {batch.number}: rows {batch.first_row:,}-{batch.last_row:,} are in {view.id}."
            )
    publisher.log(f"{load}.")
    return load


def _batches(publisher: Publisher, view: View, loading: Loading) -> Generator[Batch, None, None]:
    """Prepare batches; those of a file while the one before is being sent.

    A user's callable stays in the task's own thread: it may ask Airflow for connections and variables.
    """
    prepared = batches(
        loading.source,
        schema_of(view),
        columns=loading.columns,
        limits=loading.limits,
        guards=loading.guards,
        compress=loading.compress,
    )
    if isinstance(loading.source, RowsSource):
        return prepared
    return prefetch(prepared, stop=lambda: publisher.session.interrupted)


def _send_batch(publisher: Publisher, view: View, batch: Batch, *, keyed: bool) -> RowCounts:
    body = RowBody(batch.data, batch.content_type, batch.content_encoding, batch.rows, batch.deletes)
    try:
        counts: RowCounts = publisher.send(rows.upsert(view.id, body, keyed=keyed))
    except SyncedDataset as error:
        raise mirrored(publisher, view.id, error) from error
    except PortalError as error:
        if error.landing == "unknown" and not isinstance(error, Interrupted):
            raise LandingUnknown(batch, error) from error
        raise
    return counts


def _check_batch(view: View, batch: Batch, counts: RowCounts, load: Load, loading: Loading) -> None:
    where = f"batch {batch.number} (rows {batch.first_row:,}-{batch.last_row:,}) of {view.id}"
    if load.errors > loading.max_row_errors:
        details = "; ".join(f"row {e.index}: {e.message}" for e in counts.row_errors[:3])
        raise RowsRefused(
            f"The portal answered 200 but refused {load.errors:,} rows, the last in {where} (allowed:"
            f" max_row_errors={loading.max_row_errors})."
            f" {details or 'It does not say which; try smaller batches to find them'}."
        )
    accounted = counts.created + counts.updated + counts.deleted + counts.errors
    if accounted != batch.rows:
        raise RowsRefused(
            f"The portal accounts for {accounted:,} of the {batch.rows:,} rows of {where}: {counts.created:,}"
            f" created, {counts.updated:,} updated, {counts.deleted:,} deleted, {counts.errors:,} errors."
        )


def _counted(publisher: Publisher, target: str, load: Load, baseline: int | None, loading: Loading) -> Load:
    """Compare the rows that the portal holds with those that it acknowledged."""
    if baseline is None:
        return replace(load, rows_after=publisher.count(target, loading.timeout))
    expected = baseline + load.created - load.deleted
    found = publisher.count(target, loading.timeout, expected)
    if abs(found - expected) > load.repeated:
        raise RowCountMismatch(
            f"{target} holds {found:,} rows, but {baseline:,} + {load.created:,} created - {load.deleted:,}"
            f" deleted are {expected:,}. Somebody else writes to it, or a batch landed twice; nothing was"
            " published."
        )
    return replace(load, rows_after=found)
