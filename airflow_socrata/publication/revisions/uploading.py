"""Uploading a file to a revision: send it, see it parsed, shape its columns, check what it became."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from airflow_socrata.client import sources
from airflow_socrata.client.uploading import upload_file
from airflow_socrata.publication.errors import DraftClosed, HandleMismatch, RowsRefused
from airflow_socrata.publication.revisions import waits
from airflow_socrata.publication.revisions.changes import (
    ColumnChanges,
    change_columns,
    choose_layer,
    set_row_identifier,
)
from airflow_socrata.publication.revisions.finding import read_or_none, recorded_revision
from airflow_socrata.publication.revisions.handle import RevisionHandle, Upload
from airflow_socrata.publication.revisions.rejected import first_errors, save_rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client.revision_models import Revision
    from airflow_socrata.client.source_models import Source
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.revisions.files import UploadFile
    from airflow_socrata.publication.revisions.waits import Transformed
    from airflow_socrata.records.source import Openable


@dataclass(frozen=True, slots=True)
class Uploading:
    """How to upload a file.

    :param task_id: the task, for the summary.
    :param file: what to upload; ``None`` to shape a file that an earlier task has uploaded.
    :param parse_options: how the portal reads it, by its own keys, e.g. ``{"header_count": 2}``.
    :param layer: sheet or layer, by name or place from 0, where the file has several.
    :param changes: to the columns.
    :param max_row_errors: rows with errors that are let through; their wrong cells become empty.
    :param rejected_rows: where to save the rejected rows as CSV.
    :param parallelism: chunks in flight; ``None``: as many as the portal asks for, its greatest.
    """

    task_id: str
    file: UploadFile | None
    parse_options: Mapping[str, Any] = field(default_factory=dict)
    layer: str | int | None = None
    changes: ColumnChanges = field(default_factory=ColumnChanges)
    max_row_errors: int = 0
    rejected_rows: str | Openable | None = None
    parallelism: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload is; plain data, so that it survives a deferral.

    :param source: id of the source.
    :param output_schema: id of the output schema, once it is chosen.
    :param is_shaped: whether the changes to the columns were made.
    :param is_keyed: whether the row identifier was set.
    """

    source: int
    output_schema: int | None = None
    is_shaped: bool = False
    is_keyed: bool = False


def begin(publisher: Publisher, handle: RevisionHandle, how: Uploading) -> Progress:
    """Send the file to a source of its own; a try that was killed has left a source that nobody uses.

    :raises DraftClosed: somebody has closed the revision.
    """
    revision = open_revision_of(publisher, handle)
    if how.file is None:
        if handle.upload is None:
            raise HandleMismatch(
                f"No task has uploaded a file to revision {handle.revision} of {handle.dataset}."
            )
        upload = handle.upload
        return Progress(upload.source, upload.output_schema)
    options = {**how.parse_options, **({"parse_source": False} if how.file.is_blob else {})}
    with how.file.opened() as opened:
        source = publisher.send(sources.upload(revision, how.file.name, options or None))
        upload_file(
            publisher.session,
            source,
            cast("BinaryIO", opened),
            how.file.type,
            parallelism=how.parallelism,
            log=publisher.log,
        )
    publisher.log(f"{how.file.name} is on the portal; it reads it now.")
    return Progress(source.id)


def open_revision_of(publisher: Publisher, handle: RevisionHandle) -> Revision:
    """Return the revision of a handle, if it is on record and open.

    :raises HandleMismatch: another one is on record.
    :raises DraftClosed: somebody has closed it.
    """
    recorded_revision(publisher, handle)
    revision = read_or_none(publisher, handle.dataset, handle.revision)
    if revision is None or not revision.is_open:
        job = None if revision is None else revision.last_task_set
        what = "is applied already" if job is not None and job.succeeded else "was closed by somebody else"
        raise DraftClosed(
            f"Revision {handle.revision} of {handle.dataset} {what} ({handle.links.get('revision', '')});"
            " nothing was uploaded. Clear the task that opens the revision, with its downstream tasks."
        )
    return revision


def shape(publisher: Publisher, how: Uploading, source: Source, progress: Progress) -> Progress:
    """Choose the output schema of a file, and change its columns; the same progress if it is too early."""
    if progress.output_schema is not None:
        found = waits.find_output(source, progress.output_schema)
    elif any(schema.output_schemas for schema in source.input_schemas):
        schema = choose_layer(source, how.layer)
        newest = schema.latest_output_schema
        found = None if newest is None else (schema, newest)
    else:
        found = None
    if found is None:
        return progress
    schema, output = found
    if how.changes.any:
        output = change_columns(publisher, schema, output, how.changes)
    return replace(progress, output_schema=output.id, is_shaped=True)


def finish(
    publisher: Publisher, handle: RevisionHandle, how: Uploading, done: Transformed, progress: Progress
) -> RevisionHandle | Progress:
    """Set the row identifier if asked, then check the errors.

    :return: the handle; or the progress, where the portal has to transform the file once more.
    :raises RowsRefused: more errors than allowed; the rejected rows are saved first.
    """
    schema, output = done.input_schema, done.output_schema
    wanted = how.changes.row_identifier
    if wanted is not None and not progress.is_keyed:
        keyed = set_row_identifier(publisher, schema, output, wanted)
        if keyed.id != output.id:
            return replace(progress, output_schema=keyed.id, is_keyed=True)
    errors = (output.error_count or 0) + (schema.row_errors or 0)
    saved = None
    if errors and how.rejected_rows is not None:
        saved = save_rejected(publisher, schema, output, how.rejected_rows)
    upload = Upload(
        task_id=how.task_id,
        source=progress.source,
        output_schema=output.id,
        filename=done.source.filename or str(progress.source),
        layer=schema.name,
        rows=output.total_rows if output.total_rows is not None else schema.total_rows,
        error_rows=errors,
        sent_bytes=done.source.filesize or 0,
        rejected_rows=saved,
    )
    publisher.log(f"{upload}.")
    result = handle.with_upload(upload)
    if errors > how.max_row_errors:
        where = f" All are in {saved}." if saved else " Pass rejected_rows=... to have them saved as CSV."
        raise RejectedRows(
            f"{upload.filename}: the portal could not convert {errors:,} rows (allowed:"
            f" max_row_errors={how.max_row_errors}), and nothing was published:"
            f" {first_errors(publisher, schema, output)}.{where}",
            result,
        )
    return result


class RejectedRows(RowsRefused):
    """More rows with errors than allowed.

    :param handle: with what was uploaded, for the links of the task.
    """

    def __init__(self, message: str, handle: RevisionHandle) -> None:
        super().__init__(message)
        self.handle = handle


def upload(publisher: Publisher, handle: RevisionHandle, how: Uploading, timeout: float) -> RevisionHandle:
    """Upload a file and see it through, waiting here.

    :param timeout: seconds for the portal to read and to transform the file, each.
    """
    progress = begin(publisher, handle, how)
    while True:
        step = step_on(publisher, handle, how, progress)
        if isinstance(step, RevisionHandle):
            return step
        progress = step
        publisher.wait(next_wait(progress, publisher.patience(timeout), publisher.log))


def step_on(
    publisher: Publisher, handle: RevisionHandle, how: Uploading, progress: Progress
) -> RevisionHandle | Progress:
    """Do what can be done now; return the progress where the portal has to be waited for first."""
    while True:
        source = publisher.send(sources.read(progress.source))
        waits.check_source(source)
        if how.file is not None and how.file.is_blob:
            return _blob(handle, how, source) if source.is_finished else progress
        if not progress.is_shaped:
            progress = shape(publisher, how, source, progress)
        if progress.output_schema is None:
            return progress
        done = publisher.wait(waits.look_transformed(source, progress.output_schema))
        if done is None:
            return progress
        step = finish(publisher, handle, how, done, progress)
        if isinstance(step, RevisionHandle):
            return step
        progress = step


def next_wait(progress: Progress, patience: Any, tell: waits.Tell) -> Any:
    """Return the wait that an upload stands before."""
    if progress.output_schema is None or not progress.is_shaped:
        return waits.parsed(progress.source, patience, tell)
    return waits.transformed(progress.source, progress.output_schema, patience, tell)


def _blob(handle: RevisionHandle, how: Uploading, source: Source) -> RevisionHandle:
    return handle.with_upload(
        Upload(
            task_id=how.task_id,
            source=source.id,
            output_schema=None,
            filename=source.filename or str(source.id),
            sent_bytes=source.filesize or 0,
        )
    )
