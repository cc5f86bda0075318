"""What operators that take wanted columns have in common: a list, a file, rows, or another dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.operators.files import ReadsRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.operators.files import Rows
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.schema_sources import WantedColumns


class SocrataSchemaOperator(ReadsRows):
    """Base of the operators that take wanted columns: not used by itself. The file is read as ReadsRows says.

    :param columns: the columns: ``[{"field_name": "id", "data_type": "number", "name": "Id"}]``. (templated)
    :param schema_source: instead: path or URL of a file whose columns they are; the types are guessed from
        its first rows. (templated)
    :param schema_rows: instead: a callable that returns or yields dicts, of which the same is taken; called
        with the context values that its parameters name.
    :param schema_dataset: instead: 4x4 of a dataset that has them. (templated)
    :param types: with a file or rows: column or field name to data type, where the guess shall not count.
        (templated)
    :param sample_rows: with a file or rows: how many rows to guess from; default: 10,000.
    """

    template_fields: Sequence[str] = (
        *ReadsRows.template_fields,
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
        schema_rows: Rows | None = None,
        schema_dataset: str | None = None,
        types: Mapping[str, str] | None = None,
        sample_rows: int | None = None,
        **kwargs: Any,
    ) -> None:
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
            source = self.row_source(self.schema_source, self.schema_rows, context)
            wanted = schema_sources.from_source(source, self.types, most_rows=self.sample_rows or MOST_ROWS)
        names = ", ".join(f"{column.field_name} {column.data_type}" for column in wanted.columns)
        self.log.info("Columns from %s: %s.", wanted.origin, names)
        return wanted
