"""What operators that take wanted columns have in common: a list, a file, rows, or another dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from airflow_socrata.operators.base import SocrataOperator, one_of
from airflow_socrata.operators.rows import Compression, bound
from airflow_socrata.operators.upload import storage_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.schema_sources import WantedColumns
    from airflow_socrata.records import RowSource
    from airflow_socrata.records.source import FormatName


class SocrataSchemaOperator(SocrataOperator):
    """Base of the operators that take wanted columns: not used by itself.

    :param columns: the columns: ``[{"field_name": "id", "data_type": "number", "name": "Id"}]``. (templated)
    :param schema_source: instead: path or URL of a file whose columns they are; the types are guessed from
        its first rows. (templated)
    :param schema_rows: instead: a callable that returns or yields dicts, of which the same is taken; called
        with the context values that its parameters name.
    :param schema_dataset: instead: 4x4 of a dataset that has them. (templated)
    :param types: with a file or rows: column or field name to data type, where the guess shall not count.
        (templated)
    :param sample_rows: with a file or rows: how many rows to guess from; default: 10,000.
    :param source_conn_id: Airflow connection for the file's URL.
    :param file_format: ``csv``, ``tsv``, ``json`` (an array) or ``jsonl``; default: by the file's name.
    :param encoding: text encoding; a UTF-8 byte-order mark is skipped.
    :param delimiter: between cells; default: comma for csv, tab for tsv.
    :param quote: around cells; ``None``: cells are never quoted.
    :param null_marks: cells that stand for null, beside the empty one.
    :param compression: ``infer`` (by the first bytes), ``gzip`` or ``None``.
    """

    template_fields: Sequence[str] = (
        *SocrataOperator.template_fields,
        "columns",
        "schema_source",
        "schema_dataset",
        "types",
    )

    def __init__(
        self,
        *,
        columns: Any = None,
        schema_source: Any = None,
        schema_rows: Callable[..., Iterable[Mapping[str, Any]]] | None = None,
        schema_dataset: str | None = None,
        types: Mapping[str, str] | None = None,
        sample_rows: int | None = None,
        source_conn_id: str | None = None,
        file_format: FormatName | None = None,
        encoding: str = "utf-8",
        delimiter: str | None = None,
        quote: str | None = '"',
        null_marks: Sequence[str] = (),
        compression: Compression | None = "infer",
        **kwargs: Any,
    ) -> None:
        from airflow_socrata.records.source import FormatName

        super().__init__(**kwargs)
        given = [one is not None for one in (columns, schema_source, schema_rows, schema_dataset)]
        if sum(given) > 1:
            raise ValueError("give one of columns, schema_source, schema_rows and schema_dataset")
        if types is not None and schema_source is None and schema_rows is None:
            raise ValueError("types go with schema_source or schema_rows: only those are guessed")
        self.columns = columns
        self.schema_source = schema_source
        self.schema_rows = schema_rows
        self.schema_dataset = schema_dataset
        self.types = types
        self.sample_rows = sample_rows
        self.source_conn_id = source_conn_id
        self.file_format = one_of("file_format", file_format, (None, *get_args(FormatName)))
        self.encoding = encoding
        self.delimiter = delimiter
        self.quote = quote
        self.null_marks = null_marks
        self.compression = one_of("compression", compression, (None, *get_args(Compression)))

    @property
    def has_schema(self) -> bool:
        """Whether wanted columns were given at all."""
        given = (self.columns, self.schema_source, self.schema_rows, self.schema_dataset)
        return any(one is not None for one in given)

    def wanted_columns(self, publisher: Publisher, context: Context) -> WantedColumns:
        """Return the wanted columns, and log where they come from.

        :raises ConfigurationError: they cannot be those of a dataset.
        :raises RecordsError: the file or the rows cannot be read.
        """
        from airflow_socrata.publication import schema_sources
        from airflow_socrata.records.inference import MOST_ROWS

        if self.schema_dataset is not None:
            wanted = schema_sources.from_dataset(publisher, self.schema_dataset)
        elif self.columns is not None:
            wanted = schema_sources.from_list(self.columns)
        else:
            source = self._schema_source(context)
            wanted = schema_sources.from_source(source, self.types, most_rows=self.sample_rows or MOST_ROWS)
        names = ", ".join(f"{column.field_name} {column.data_type}" for column in wanted.columns)
        self.log.info("Columns from %s: %s.", wanted.origin, names)
        return wanted

    def _schema_source(self, context: Context) -> RowSource:
        from airflow_socrata.records import FileFormat, FileSource, RowsSource

        if self.schema_rows is not None:
            return RowsSource(
                bound(self.schema_rows, context), name=getattr(self.schema_rows, "__name__", "rows")
            )
        marks = tuple(self.null_marks)
        form = FileFormat(
            self.file_format, self.encoding, self.delimiter, self.quote, marks, self.compression
        )
        return FileSource(storage_path(self.schema_source, self.source_conn_id), form)
