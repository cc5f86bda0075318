"""Rows from files to batches of bytes: sources, the comparison of columns, and guards."""

from __future__ import annotations

from airflow_socrata.records.batches import Batch, BatchLimits, Guards, batches
from airflow_socrata.records.errors import RecordsError, SchemaError
from airflow_socrata.records.prefetch import prefetch
from airflow_socrata.records.schema import ColumnPlan, DatasetColumn, DatasetSchema, compare
from airflow_socrata.records.source import FileFormat, FileSource, Row, RowSource, RowsSource

__all__ = [
    "Batch",
    "BatchLimits",
    "ColumnPlan",
    "DatasetColumn",
    "DatasetSchema",
    "FileFormat",
    "FileSource",
    "Guards",
    "RecordsError",
    "Row",
    "RowSource",
    "RowsSource",
    "SchemaError",
    "batches",
    "compare",
    "prefetch",
]
