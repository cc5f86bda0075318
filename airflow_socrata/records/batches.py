"""Rows become batches of bytes, each a whole request body."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from airflow_socrata.records.schema import DatasetSchema
from airflow_socrata.records.source import RowSource

__all__ = ["Batch", "BatchLimits", "Guards", "batches"]


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much one request carries at most; a single row larger than that still goes, alone.

    :param rows: rows
    :param bytes: bytes before compression
    """

    rows: int = 10_000
    bytes: int = 8 * 2**20

    def __post_init__(self) -> None:
        if self.rows < 1 or self.bytes < 1:
            raise ValueError(f"a batch holds at least one row and one byte, not {self.rows} and {self.bytes}")


@dataclass(frozen=True, slots=True)
class Guards:
    """What is checked before a row is sent.

    :param row_by_row: look into every row: cell count, row identifier, dates, numbers
    :param require_row_identifier: refuse a dataset that has no row identifier
    :param extra_columns: columns that the dataset lacks are an error, or left out
    """

    row_by_row: bool = True
    require_row_identifier: bool = True
    extra_columns: Literal["error", "ignore"] = "error"


@dataclass(frozen=True, slots=True)
class Batch:
    """One request body, ready to send.

    :param number: the first batch is 1
    :param rows: rows in it, deletes included
    :param deletes: rows that ask for a delete
    :param data: the body as it goes over the wire
    :param content_type: ``text/csv`` or ``application/json``
    :param content_encoding: ``gzip`` or None
    :param first_row: number of its first row in the source, the first of all being 1
    :param last_row: number of its last row
    """

    number: int
    rows: int
    deletes: int
    data: bytes = field(repr=False)
    content_type: str
    content_encoding: str | None
    first_row: int
    last_row: int

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the body before compression (computed on each call)."""
        data = gzip.decompress(self.data) if self.content_encoding == "gzip" else self.data
        return hashlib.sha256(data).hexdigest()


def batches(
    source: RowSource,
    schema: DatasetSchema,
    *,
    columns: Mapping[str, str] | None = None,
    limits: BatchLimits | None = None,
    guards: Guards | None = None,
    compress: bool = True,
) -> Iterator[Batch]:
    """Turn a source into request bodies, one after another, holding one at a time.

    :param source: where the rows come from
    :param schema: the dataset's columns
    :param columns: source column -> field name, for columns whose name is not the field's
    :param limits: how much one batch carries
    :param guards: what is checked
    :param compress: gzip the bodies
    :raises RecordsError: at the first row, or file, that cannot be sent
    """
    raise NotImplementedError
