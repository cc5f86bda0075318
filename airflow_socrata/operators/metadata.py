"""Operators for what a dataset says about itself, and for the files that hang on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.links.socrata import SocrataDatasetLink
from airflow_socrata.operators.base import SocrataOperator, failing_for_good
from airflow_socrata.operators.files import storage_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.publisher import Publisher


class SocrataDescribeOperator(SocrataOperator):
    """Base of the operators that change a dataset's metadata: not used by itself.

    :param dataset: 4x4 of the dataset, published or a draft. (templated)
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "dataset")
    operator_extra_links = (SocrataDatasetLink(),)

    def __init__(self, *, dataset: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset

    def show(self, context: Context, publisher: Publisher) -> None:
        """Keep the link to the dataset's page."""
        self.push_links(context, {"dataset": publisher.link(self.dataset)})


class SocrataSetMetadataOperator(SocrataDescribeOperator):
    """Bring a dataset's metadata to what is wanted: what differs is checked by the portal, then written.

    What is not named stays as it is, attachments and other custom fields too. Where nothing differs nothing
    is written; afterwards the metadata are read back.

    :param metadata: any of ``name``, ``description``, ``category``, ``tags`` (list), ``license`` (id or name,
        e.g. ``CC_40_BY``), ``attribution``, ``attribution_link``, ``external_id``, ``row_label``,
        ``contact_email``, ``custom_fields`` and ``private_custom_fields`` (fieldset to field to text); None
        empties a field, and takes a fieldset or a field of it away. (templated)
    :param strict: refuse what the portal would only warn of, such as a category that it does not have or
        required custom fields that stay empty.
    :param validate_only: ask for the portal's verdict and write nothing.
    :return: ``{dataset, changed, warnings, written, link, open_working_copies}``; the last are drafts that
        would bring the former metadata back.
    """

    template_fields: Sequence[str] = (*SocrataDescribeOperator.template_fields, "metadata")

    def __init__(
        self, *, metadata: Mapping[str, Any], strict: bool = False, validate_only: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.metadata = metadata
        self.strict = strict
        self.validate_only = validate_only

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare, validate, write and read back."""
        from airflow_socrata.publication.describing import MetadataChanges, describe

        with failing_for_good():
            changes = MetadataChanges.of(self.metadata)
        with self.publisher(context) as publisher:
            self.show(context, publisher)
            done = describe(
                publisher, self.dataset, changes, strict=self.strict, validate_only=self.validate_only
            )
            return done.to_xcom()


class SocrataAttachFileOperator(SocrataDescribeOperator):
    """Attach a file to a dataset, in the place of the attachment with its name if that is another file.

    The attachments of others stay. A file that is attached already is not sent again.

    :param source: path or URL that ``ObjectStoragePath`` opens; it is attached as it is. (templated)
    :param source_conn_id: Airflow connection for the source's URL.
    :param filename: by which the attachment is known; default: that of ``source``. (templated)
    :param name: what people see; default: the file name, or what the former attachment says. (templated)
    :param content_type: of the file.
    :param compare: download an attachment of this name first, and leave it if it is the same file; ``False``
        sends the file each time.
    :return: ``{dataset, filename, asset_id, outcome, attachments, link, open_working_copies}``; the outcome
        is ``attached``, ``replaced``, ``renamed`` or ``unchanged``.
    """

    template_fields: Sequence[str] = (
        *SocrataDescribeOperator.template_fields,
        "source",
        "filename",
        "name",
    )

    def __init__(
        self,
        *,
        source: Any,
        source_conn_id: str | None = None,
        filename: str | None = None,
        name: str | None = None,
        content_type: str = "application/octet-stream",
        compare: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.source_conn_id = source_conn_id
        self.filename = filename
        self.name = name
        self.content_type = content_type
        self.compare = compare

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare, upload, and put the file on the list."""
        from airflow_socrata.publication.attaching import FileToAttach, attach

        path = storage_path(self.source, self.source_conn_id)
        file = FileToAttach(path, self.filename, self.name, self.content_type, self.compare)
        with self.publisher(context) as publisher:
            self.show(context, publisher)
            return attach(publisher, self.dataset, file).to_xcom()


class SocrataDetachFileOperator(SocrataDescribeOperator):
    """Take the attachments with a file name from a dataset; where there is none, the task succeeds.

    :param filename: the file name of the attachment. (templated)
    :return: ``{dataset, filename, asset_id, outcome, attachments, link, open_working_copies}``; the outcome
        is ``detached`` or ``absent``.
    """

    template_fields: Sequence[str] = (*SocrataDescribeOperator.template_fields, "filename")

    def __init__(self, *, filename: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filename = filename

    def execute(self, context: Context) -> dict[str, Any]:
        """Take it from the list."""
        from airflow_socrata.publication.attaching import detach

        with self.publisher(context) as publisher:
            self.show(context, publisher)
            return detach(publisher, self.dataset, self.filename).to_xcom()
