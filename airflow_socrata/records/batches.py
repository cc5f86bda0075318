"""Rows become batches of bytes, each a whole request body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.records.batch import Batch, BatchLimits
from airflow_socrata.records.guards import Guards, require_row_identifier
from airflow_socrata.records.source import FileSource

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from airflow_socrata.records.schema import DatasetSchema
    from airflow_socrata.records.source import RowSource

__all__ = ["Batch", "BatchLimits", "Guards", "batches"]


def batches(
    source: RowSource,
    schema: DatasetSchema,
    *,
    columns: Mapping[str, str] | None = None,
    limits: BatchLimits | None = None,
    guards: Guards | None = None,
    compress: bool = True,
) -> Generator[Batch, None, None]:
    """Turn a source into request bodies, one after another; one is held at a time.

    A CSV file in UTF-8 goes through as it stands but for its header, which becomes field names. Another
    encoding, delimiter or quote, a null mark in sight, or a column left out has rows written anew, as CSV.
    Blank lines are no rows. JSON and dicts become JSON; there, a key that is absent leaves the field as it
    is, and null clears it, where an empty cell of CSV clears it.

    :param source: where the rows come from
    :param schema: the dataset's columns
    :param columns: source column -> field name, for columns whose name is not the field's
    :param limits: how much one batch carries
    :param guards: what is checked
    :param compress: gzip the bodies
    :raises RecordsError: at once for what the dataset lacks; while iterating for what is wrong with the rows
    """
    limits = limits or BatchLimits()
    guards = guards or Guards()
    columns = columns or {}
    require_row_identifier(schema, guards)
    # What reads is imported when it is needed: a DAG file names sources and reads none.
    if isinstance(source, FileSource) and source.kind in {"csv", "tsv"}:
        from airflow_socrata.records.csv_batches import csv_batches

        return csv_batches(source, schema, columns, limits, guards, compress=compress)
    from airflow_socrata.records.json_batches import file_batches, rows_batches

    if isinstance(source, FileSource):
        return file_batches(source, schema, columns, limits, guards, compress=compress)
    return rows_batches(source, schema, columns, limits, guards, compress=compress)
