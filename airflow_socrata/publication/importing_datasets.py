"""A new dataset of a file, once: a private draft is created, filled by the import API, counted, published.

The portal's own way makes a dataset of a file in one call; were its reply lost, nobody could tell the
dataset from another of the same name. So the draft is created by its resource name first, which is unique,
and the file replaces the rows of the draft. A draft of which more is not known is deleted and made anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_socrata.client import Interrupted, PortalError
from airflow_socrata.client.column_definitions import ColumnDefinition, check_definitions
from airflow_socrata.publication import importing as rows
from airflow_socrata.publication.creating import Created, Creating, create, find_dataset
from airflow_socrata.publication.deleting import delete_dataset
from airflow_socrata.publication.errors import DatasetInTheWay, PublicationError
from airflow_socrata.publication.first_version import publish_first, set_audience
from airflow_socrata.publication.importing_columns import by_name, check_before_sending, columns_of
from airflow_socrata.publication.importing_files import count_file, send_file
from airflow_socrata.publication.loading import MOST_STARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_socrata.client import View
    from airflow_socrata.publication.creating import CreateIntent
    from airflow_socrata.publication.handle import Load
    from airflow_socrata.publication.importing_files import Importing, Sent
    from airflow_socrata.publication.operation import IntentStore, Operation
    from airflow_socrata.publication.publisher import Publisher


@dataclass(frozen=True, slots=True)
class ImportingDataset:
    """What to make of a file.

    :param creating: everything about the dataset but its columns and its row identifier; not yet published.
    :param publish: publish it when it is loaded.
    :param columns: None: those of the file, with the types that the portal suggests.
    :param types: column of the file, or field name, to data type, where the suggestion shall not count.
    """

    creating: Callable[[tuple[ColumnDefinition, ...], str | None], Creating]
    importing: Importing
    columns: Sequence[ColumnDefinition | Mapping[str, object]] | None = None
    types: Mapping[str, str] | None = None
    row_identifier: str | None = None
    publish: bool = True


@dataclass(frozen=True, slots=True)
class Imported:
    """The dataset as it stands, and what was loaded into it in this try: None, it was there already."""

    created: Created
    load: Load | None


def import_dataset(
    publisher: Publisher,
    records: IntentStore[CreateIntent],
    operation: Operation,
    resource_name: str,
    wanted: ImportingDataset,
) -> Imported:
    """Create a dataset, import the file into it, publish it; or find the one that is there.

    :raises DatasetInTheWay: the resource name is that of another dataset.
    :raises RowsRefused: the portal left rows out; the draft is deleted.
    """
    wanted.importing.check()
    there = find_dataset(publisher, resource_name)
    if there is not None and there.is_published:
        return Imported(_as_it_is(publisher, records, operation, there, wanted), None)
    counted = count_file(wanted.importing)
    check_before_sending(wanted, counted)
    sent = send_file(publisher, wanted.importing, counted)
    columns = columns_of(sent, wanted)
    creating = wanted.creating(columns, wanted.row_identifier)
    for start in range(1, MOST_STARTS + 1):
        created = _fresh_draft(publisher, records, operation, creating, resource_name)
        try:
            load = _fill(publisher, created, sent, wanted, columns)
            break
        except rows.ImportDoubtful as doubt:
            if start == MOST_STARTS:
                _clean_up(publisher, created, doubt)
                raise doubt.cause from None
            publisher.log(f"{doubt} Starting over with a new draft ({start} of {MOST_STARTS - 1}).")
        except BaseException as error:
            _clean_up(publisher, created, error)
            raise
    if not wanted.publish:
        return Imported(created, load)
    view = publish_first(publisher, created.view.id, creating.timeout, on_approval=creating.on_approval)
    if view.is_published and creating.audience is not None:
        # What was set on the draft has taken effect now: proved, and set where it has not.
        view = set_audience(publisher, view.id, creating.audience)
    return Imported(replace(created, view=view), load)


def _as_it_is(
    publisher: Publisher,
    records: IntentStore[CreateIntent],
    operation: Operation,
    there: View,
    wanted: ImportingDataset,
) -> Created:
    """Take the published dataset, if it may be taken, and has the columns that were written down."""
    if wanted.columns is not None:
        columns, identifier = check_definitions(wanted.columns), wanted.row_identifier
    else:
        seen = [column for column in there.columns if not column.field_name.startswith(":")]
        columns, identifier = tuple(ColumnDefinition.of(column) for column in seen), there.row_identifier
    created = create(publisher, records, operation, wanted.creating(columns, identifier))
    if wanted.row_identifier not in {None, there.row_identifier}:
        raise DatasetInTheWay(
            f"{there.id} ({there.name}) has the row identifier {there.row_identifier or 'none'}, not"
            f" {wanted.row_identifier}. Give the one that it has, or another resource name."
        )
    return created


def _fresh_draft(
    publisher: Publisher,
    records: IntentStore[CreateIntent],
    operation: Operation,
    creating: Creating,
    resource_name: str,
) -> Created:
    """Return a draft into which no earlier try can be importing."""
    before = find_dataset(publisher, resource_name)
    created = create(publisher, records, operation, creating)
    if before is None or created.view.is_published:
        return created
    publisher.log(f"{created.view.id} was left by a try that did not end; a new draft takes its place.")
    delete_dataset(publisher, created.view.id, resource_name=resource_name, only_draft=True)
    return create(publisher, records, operation, creating)


def _fill(
    publisher: Publisher,
    created: Created,
    sent: Sent,
    wanted: ImportingDataset,
    columns: tuple[ColumnDefinition, ...],
) -> Load:
    view = created.view
    if view.is_published:
        raise PublicationError(
            f"{view.id} ({view.name}) was published while its file was being sent, by somebody else; nothing"
            " was imported."
        )
    return rows.import_rows(publisher, view, sent, by_name(wanted, sent.names, columns), before=0)


def _clean_up(publisher: Publisher, created: Created, error: BaseException) -> None:
    """Delete the draft of a try that fails, unless this side is being stopped."""
    if isinstance(error, Interrupted) or not isinstance(error, Exception) or not created.view.is_unpublished:
        return
    try:
        delete_dataset(publisher, created.view.id, only_draft=True)
    except (PortalError, PublicationError) as failure:
        publisher.log(f"The draft {created.view.id} stays until the next try: {failure}")
