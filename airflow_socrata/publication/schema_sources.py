"""Wanted columns from where they are known already: a list, a file, rows, or another dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import views
from airflow_socrata.client.column_definitions import (
    ColumnDefinition,
    check_definitions,
    guessed_columns,
)
from airflow_socrata.records.inference import MOST_ROWS, InferredSchema, infer_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.records import RowSource


@dataclass(frozen=True, slots=True)
class WantedColumns:
    """Columns that a dataset is to have.

    :param origin: where they come from, for the log.
    :param fields: column of the source to field name, for those whose names differ.
    :param rows_sampled: rows that the types were guessed from; None: nothing was guessed.
    :param row_identifier: that of the dataset that they are copied from.
    """

    columns: tuple[ColumnDefinition, ...]
    origin: str
    fields: Mapping[str, str] = field(default_factory=dict)
    rows_sampled: int | None = None
    row_identifier: str | None = None


def from_list(columns: Iterable[ColumnDefinition | Mapping[str, Any]]) -> WantedColumns:
    """Take the columns that somebody has written down.

    :raises ConfigurationError: see :func:`check_definitions`.
    """
    return WantedColumns(check_definitions(columns), "a list")


def from_source(
    source: RowSource, types: Mapping[str, str] | None = None, *, most_rows: int = MOST_ROWS
) -> WantedColumns:
    """Guess the columns of a file or of dicts, from a sample of its rows.

    :param types: column of the source, or field name, to data type, where the guess shall not count.
    :param most_rows: rows to look at.
    :raises RecordsError: the source cannot be read, or has no columns.
    :raises ConfigurationError: ``types`` names no column, or a type that does not exist.
    """
    return from_inferred(infer_schema(source, most_rows=most_rows), types)


def from_inferred(schema: InferredSchema, types: Mapping[str, str] | None = None) -> WantedColumns:
    """Make columns of what was inferred; two names that give one field name are numbered."""
    names = [column.name for column in schema.columns]
    kinds = [column.data_type for column in schema.columns]
    columns = guessed_columns(names, kinds, types, schema.source)
    fields = {
        name: column.field_name
        for name, column in zip(names, columns, strict=True)
        if name != column.field_name
    }
    return WantedColumns(columns, str(schema), fields, schema.rows)


def from_dataset(publisher: Publisher, dataset: str) -> WantedColumns:
    """Take the columns and the row identifier of another dataset; those that the platform computes stay away.

    :raises NotFound: the portal has no such dataset, or hides it.
    """
    view = publisher.send(views.read_view(dataset))
    own = [column for column in view.columns if not column.field_name.startswith(":")]
    columns = check_definitions(ColumnDefinition.of(column) for column in own)
    return WantedColumns(columns, f"dataset {view.id} ({view.name})", row_identifier=view.row_identifier)
