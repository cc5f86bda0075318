"""Rows by the import API: a whole file is sent once, the portal reads it, and the result is counted.

An import is never sent a second time into the same view: whether the first one runs, or will, is not known
once its reply is lost. The caller makes a fresh working copy or draft instead, which the lost import cannot
reach.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_socrata.client import Accepted, Interrupted, PortalError, View, imports, views
from airflow_socrata.client.column_definitions import field_name_of
from airflow_socrata.client.import_models import ShapeLayer, ShapeScan
from airflow_socrata.client.translations import Translation, straight_translation
from airflow_socrata.publication.errors import HandleMismatch, NotPublishable, RowCountMismatch, RowsRefused
from airflow_socrata.publication.handle import Load
from airflow_socrata.publication.importing_files import count_file, ended, send_file
from airflow_socrata.publication.loading import MOST_STARTS, schema_of
from airflow_socrata.publication.reopening import reopen
from airflow_socrata.records import RecordsError, compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_socrata.client import Call
    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.importing_files import Importing, Sent
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.records.schema import DatasetSchema


class ImportDoubtful(Exception):
    """An import may have been carried out, or may yet be; the caller starts over with a fresh view."""

    def __init__(self, view: str, cause: PortalError) -> None:
        super().__init__(f"The import into {view} may have landed: {cause}")
        self.cause = cause


def load_file(
    publisher: Publisher, handle: Handle, importing: Importing, *, alone: bool
) -> tuple[Handle, Load]:
    """Import a file into a working copy; return the copy that holds its rows in the end, and their counts.

    :param handle: of a copy that no import of an earlier try can reach.
    :param alone: no other task loads into it, so that it may be traded for a fresh one.
    :raises HandleMismatch: sheets or shapes beside other loads.
    """
    if not alone and not importing.is_text:
        raise HandleMismatch(
            f"{importing.filename} cannot be counted here, and other tasks load into {handle.working_copy} as"
            " well: nobody could tell whose rows are missing. Give it a publication of its own."
        )
    counted = count_file(importing)
    if counted is not None:
        # Before a large file is sent for nothing.
        fitting(schema_of(publisher.send(views.read_view(handle.working_copy))), counted.names, importing)
    sent = send_file(publisher, importing, counted)
    for start in range(1, MOST_STARTS + 1):
        before = publisher.count(handle.working_copy, importing.timeout) if alone else None
        view = publisher.send(views.read_view(handle.working_copy))
        try:
            return handle, import_rows(publisher, view, sent, importing, before=before)
        except ImportDoubtful as doubt:
            if not alone or start == MOST_STARTS:
                raise doubt.cause from None
            publisher.log(f"{doubt} Starting over on a fresh working copy ({start} of {MOST_STARTS - 1}).")
            handle = reopen(publisher, handle, importing.timeout)
    raise AssertionError("unreachable: the last start returns or raises")


def import_rows(
    publisher: Publisher, view: View, sent: Sent, importing: Importing, *, before: int | None
) -> Load:
    """Import the file into an unpublished view, and count.

    :param before: rows in the view before; None: others load into it as well.
    :raises ImportDoubtful: the reply was lost; nothing is known of the view any more.
    :raises RowsRefused: the portal left more rows out than allowed.
    """
    if not view.is_unpublished:
        raise NotPublishable(
            f"{view.id} ({view.name}) is {view.publication_stage}: files are imported into working copies"
        )
    view = _without_warnings(publisher, view)
    call = _import_call(view, sent, importing)
    try:
        done = ended(publisher, call, importing.timeout)
    except PortalError as error:
        if error.landing == "unknown" and not isinstance(error, Interrupted):
            raise ImportDoubtful(view.id, error) from error
        raise
    warnings = imports.warnings_of(done)
    _without_warnings(publisher, done)
    for line in warnings[:10]:
        publisher.log(f"Warning of the portal: {line}")
    return _counted(publisher, view, sent, importing, before, warnings)


def _import_call(view: View, sent: Sent, importing: Importing) -> Call[View | Accepted]:
    scan, name = sent.scan, importing.filename
    if isinstance(scan, ShapeScan):
        return imports.replace_shapes(view.id, scan.file_id, name, [_layer(scan, importing)])
    translation = fitting(schema_of(view), sent.names, importing)
    skip = importing.skip
    if skip is None:
        skip = 1 if importing.is_text else scan.headers
    ask = imports.append_rows if importing.mode == "append" else imports.replace_rows
    return ask(view.id, scan.file_id, name, skip=skip, translation=translation)


def fitting(schema: DatasetSchema, names: Sequence[str], importing: Importing) -> Translation:
    """Return the translation that fills the columns of a dataset from a file with these columns.

    :raises SchemaError: a column of the file, or the row identifier, is not found.
    :raises ConfigurationError: the translation that was given does not fit.
    """
    if importing.translation is None:
        return matched(schema, names, importing)
    importing.translation.check(file_columns=len(names), outputs=len(_own(schema)))
    return importing.translation


def _own(schema: DatasetSchema) -> list[str]:
    """Return the field names of the columns that the platform does not compute, in their order."""
    return [column.field_name for column in schema.columns if not column.field_name.startswith(":")]


def matched(schema: DatasetSchema, names: Sequence[str], importing: Importing) -> Translation:
    """Return the translation that fills the columns of a dataset from those of the file, by their names.

    Field names count, display names, and what the portal makes field names of.

    :raises SchemaError: a column of the file, or the row identifier, is not found.
    """
    fields = {column.field_name for column in schema.columns}
    shown = {column.name: column.field_name for column in schema.columns}
    chosen = dict(importing.columns or {})
    for name in names:
        if name not in chosen and name not in fields:
            field = shown.get(name) or field_name_of(name)
            if field in fields:
                chosen[name] = field
    plan = compare(
        names,
        schema,
        chosen,
        extra_columns=importing.extra_columns,
        source=importing.source.name,
        line=1,
    )
    system = [name for name, field in zip(plan.source, plan.fields, strict=True) if (field or "")[:1] == ":"]
    if system:
        raise RecordsError(
            f"the import API takes no column {system[0]!r}: use SocrataUpsertOperator",
            source=importing.source.name,
        )
    places = {field: place for place, field in enumerate(plan.fields, 1) if field is not None}
    return straight_translation([places.get(name) for name in _own(schema)])


def _layer(scan: ShapeScan, importing: Importing) -> ShapeLayer:
    if importing.layer is None and len(scan.layers) == 1:
        return scan.layers[0]
    named = [layer for layer in scan.layers if layer.name == importing.layer]
    if len(named) != 1:
        names = ", ".join(repr(layer.name) for layer in scan.layers) or "none"
        raise RecordsError(f"say which layer; the file has {names}", source=importing.source.name)
    return named[0]


def _without_warnings(publisher: Publisher, view: View) -> View:
    """Take the warnings of an import out of a view: they are not for the public, and not of this import."""
    if not imports.warnings_of(view):
        return view
    fresh = publisher.send(views.read_view(view.id))
    return publisher.send(views.merged_update(fresh, {"metadata": {"warnings": None}}))


def _counted(
    publisher: Publisher,
    view: View,
    sent: Sent,
    importing: Importing,
    before: int | None,
    warnings: tuple[str, ...],
) -> Load:
    """Count what arrived.

    Rows that are appended by a row identifier may replace others: there the warnings tell what did not
    arrive. In a replacement rows that share an identifier count as left out.
    """
    base = 0 if importing.mode == "replace" else before
    header = 1 if importing.skip is None else importing.skip
    rows = None if sent.counted is None else max(sent.counted.rows + 1 - header, 0)
    lost = len(warnings)
    may_update = view.row_identifier is not None and importing.mode == "append"
    expected = None if base is None or rows is None or may_update else base + rows
    after = publisher.count(view.id, importing.timeout, None if expected is None else expected - lost)
    if expected is not None:
        lost = expected - after
    if lost > importing.max_row_errors:
        details = "; ".join(warnings[:3]) or "the portal does not say which"
        raise RowsRefused(
            f"The portal left out {lost:,} rows of {importing.filename} (allowed:"
            f" max_row_errors={importing.max_row_errors}): {details}."
        )
    if lost < 0:
        raise RowCountMismatch(
            f"{view.id} holds {after:,} rows after the import, but only {expected:,} can have come of"
            f" {importing.filename}: somebody else writes to it; nothing was published."
        )
    if not after:
        raise RowsRefused(f"The portal answered 200 and imported no row of {importing.filename}.")
    created = after - base if base is not None else (rows or 0) - lost
    updated = max(rows - lost - created, 0) if rows is not None and base is not None else 0
    load = Load(
        importing.task_id,
        sent=rows if rows is not None else created + lost,
        created=created,
        updated=updated,
        errors=lost,
        batches=1,
        sent_bytes=sent.size,
        rows_after=after,
    )
    publisher.log(f"{load}.")
    return load if base is not None else replace(load, repeated=load.sent if may_update else lost)
