"""Operators that upload a file to a revision and shape its columns."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_socrata.links.socrata import (
    SocrataDatasetLink,
    SocrataRejectedRowsLink,
    SocrataRevisionLink,
)
from airflow_socrata.operators.base import (
    SocrataOperator,
    default_deferrable,
    failing_for_good,
    revision_handles_of,
)
from airflow_socrata.operators.files import storage_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.revisions.files import UploadFile
    from airflow_socrata.publication.revisions.handle import RevisionHandle
    from airflow_socrata.publication.revisions.uploading import Progress, Uploading


class SocrataShapeOperator(SocrataOperator):
    """Base of the operators that shape and check the columns of an uploaded file: not used by itself.

    :param revision: the handle that the task which opens the revision (or uploads to it) returned.
        (templated)
    :param transforms: field name to expression over the file's columns, e.g.
        ``{"riders": "to_number(`riders`)"}``; a new field name adds a column. (templated)
    :param drop_columns: field names of columns of the file to leave out. (templated)
    :param column_names: field name to display name, for columns that are changed or added. (templated)
    :param row_identifier: field name of the column that identifies rows; the portal looks first that its
        values are whole and unique. (templated)
    :param layer: the sheet or layer, by name or place from 0, where the file has several. (templated)
    :param max_row_errors: rows with errors that are let through: their wrong cells are published empty.
    :param rejected_rows: path or URL of a CSV file for the rejected rows. (templated)
    :param rejected_rows_conn_id: Airflow connection for that URL.
    :param timeout: seconds for the portal to read, and to transform, the file, each.
    :param deferrable: wait in the triggerer.
    :return: the handle with what was uploaded.
    """

    template_fields: Sequence[str] = (
        *SocrataOperator.template_fields,
        "revision",
        "transforms",
        "drop_columns",
        "column_names",
        "row_identifier",
        "layer",
        "rejected_rows",
    )
    operator_extra_links = (SocrataDatasetLink(), SocrataRevisionLink(), SocrataRejectedRowsLink())

    def __init__(
        self,
        *,
        revision: Any = None,
        transforms: Mapping[str, str] | None = None,
        drop_columns: Sequence[str] = (),
        column_names: Mapping[str, str] | None = None,
        row_identifier: str | None = None,
        layer: str | int | None = None,
        max_row_errors: int = 0,
        rejected_rows: Any = None,
        rejected_rows_conn_id: str | None = None,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.revision = revision
        self.transforms = transforms
        self.drop_columns = drop_columns
        self.column_names = column_names
        self.row_identifier = row_identifier
        self.layer = layer
        self.max_row_errors = max_row_errors
        self.rejected_rows = rejected_rows
        self.rejected_rows_conn_id = rejected_rows_conn_id
        self.deferrable = default_deferrable() if deferrable is None else deferrable

    def how(self, file: UploadFile | None, parse_options: Mapping[str, Any] | None = None) -> Uploading:
        """Return how to upload and shape."""
        from airflow_socrata.publication.revisions.changes import ColumnChanges
        from airflow_socrata.publication.revisions.uploading import Uploading

        return Uploading(
            task_id=self.task_id,
            file=file,
            parse_options=dict(parse_options or {}),
            layer=self.layer,
            changes=ColumnChanges(
                dict(self.transforms or {}),
                tuple(self.drop_columns),
                dict(self.column_names or {}),
                self.row_identifier,
            ),
            max_row_errors=self.max_row_errors,
            rejected_rows=storage_path(self.rejected_rows, self.rejected_rows_conn_id),
        )

    def uploading(self) -> Uploading:
        """Return what this operator uploads, and how it shapes it."""
        return self.how(None)

    def execute(self, context: Context) -> dict[str, Any]:
        """Upload, wait for the portal, shape and check."""
        from airflow_socrata.publication.revisions import uploading

        handle = self.handle()
        self.push_links(context, handle.links)
        with self.publisher(context) as publisher:
            progress = uploading.begin(publisher, handle, self.uploading())
            return self.see_through(context, publisher, handle, progress).to_xcom()

    def execute_step(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on with what the portal has read or transformed meanwhile."""
        from airflow_socrata.publication.revisions.uploading import Progress
        from airflow_socrata.triggers.base import WaitEvent

        with failing_for_good():
            progress = Progress(**WaitEvent.checked(event).data["progress"])
        handle = self.handle()
        with self.publisher(context) as publisher:
            return self.see_through(context, publisher, handle, progress).to_xcom()

    def handle(self) -> RevisionHandle:
        """Return the handle of the revision."""
        from airflow_socrata.publication.revisions.applying import uploaded_handle

        with failing_for_good():
            return uploaded_handle(revision_handles_of(self.revision))

    def see_through(
        self, context: Context, publisher: Publisher, handle: RevisionHandle, progress: Progress
    ) -> RevisionHandle:
        """Wait, here or in the triggerer, until the file is checked; keep the link to rejected rows."""
        from airflow_socrata.publication.revisions import uploading
        from airflow_socrata.publication.revisions.handle import RevisionHandle
        from airflow_socrata.publication.revisions.uploading import RejectedRows

        how = self.uploading()
        while True:
            try:
                step = uploading.step_on(publisher, handle, how, progress)
            except RejectedRows as error:
                self.push_links(context, error.handle.links)
                raise
            if isinstance(step, RevisionHandle):
                self.push_links(context, step.links)
                return step
            progress = step
            if self.deferrable:
                self.defer_for(handle, progress)
            publisher.wait(uploading.next_wait(progress, publisher.patience(self.timeout), publisher.log))

    def defer_for(self, handle: RevisionHandle, progress: Progress) -> None:
        """Hand the wait over to the triggerer."""
        from airflow_socrata.triggers.revision import SocrataSourceTrigger

        self.defer(
            trigger=SocrataSourceTrigger(
                self.socrata_conn_id,
                asdict(progress),
                self.deadline(),
                self.poll_interval,
                carried=self.carried(handle, progress),
            ),
            method_name="execute_step",
            timeout=timedelta(seconds=self.timeout + 60),
        )

    def carried(self, handle: RevisionHandle, progress: Progress) -> dict[str, Any]:
        """Return what a deferral keeps; the handle is upstream's."""
        return {"progress": asdict(progress)}


class SocrataUploadOperator(SocrataShapeOperator):
    """Upload a file to a revision, in chunks; the portal parses it and runs its transforms.

    Without ``transforms`` those that the dataset had last are run again. A try that was killed has left a
    source that nobody uses; the next try begins a new one.

    :param source: path or URL that ``ObjectStoragePath`` opens: CSV, TSV, XLS, XLSX, GeoJSON, JSON, KML, KMZ,
        zipped shapefile, or any file with ``parse=False``; a gzipped one is unpacked on the way. (templated)
    :param source_conn_id: Airflow connection for the source's URL.
    :param filename: name for the portal, whose end tells the format; default: that of ``source``. (templated)
    :param content_type: of the file; default: by the name.
    :param parse: ``False`` keeps the file as it is (a blob dataset).
    :param parse_options: how the portal reads it, by its own keys: ``header_count``, ``column_header``,
        ``encoding``, ``column_separator``, ``quote_char``, ``trim_whitespace``, ``remove_empty_rows``.
    :param parallelism: chunks in flight; default: as many as the portal allows.
    """

    template_fields: Sequence[str] = (*SocrataShapeOperator.template_fields, "source", "filename")

    def __init__(
        self,
        *,
        source: Any,
        source_conn_id: str | None = None,
        filename: str | None = None,
        content_type: str | None = None,
        parse: bool = True,
        parse_options: Mapping[str, Any] | None = None,
        parallelism: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.source_conn_id = source_conn_id
        self.filename = filename
        self.content_type = content_type
        self.parse = parse
        self.parse_options = parse_options
        self.parallelism = parallelism

    def uploading(self) -> Uploading:
        """Return what to upload, and how to shape it."""
        from airflow_socrata.publication.revisions.files import UploadFile

        file = UploadFile(
            storage_path(self.source, self.source_conn_id), self.filename, self.content_type, not self.parse
        )
        return self.how(file, self.parse_options)


class SocrataTransformOperator(SocrataShapeOperator):
    """Change or check the columns of a file that an earlier task has uploaded to a revision.

    An expression that does not compile fails at once, with the column and the place; cells that it cannot
    convert are counted, and saved where ``rejected_rows`` says.
    """


def uploads_file(task: Any) -> bool:
    """Whether a task, mapped or not, uploads a file to a revision or shapes it."""
    kind = getattr(task, "operator_class", type(task))
    return isinstance(kind, type) and issubclass(kind, SocrataShapeOperator)
