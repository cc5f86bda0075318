"""Short ways to say: this text, these columns, give me the batches."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from airflow_socrata.records import (
    Batch,
    BatchLimits,
    DatasetColumn,
    DatasetSchema,
    FileFormat,
    FileSource,
    Guards,
    batches,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMA = DatasetSchema(
    (
        DatasetColumn("id", "Event id", "text"),
        DatasetColumn("name", "Name of event", "text"),
        DatasetColumn("seats", "Seats", "number"),
        DatasetColumn("starts_at", "Starts at", "calendar_date"),
        DatasetColumn("filed_at", "Filed at", "fixed_timestamp"),
        DatasetColumn(":@computed_region_ab12_cd34", "Wards", "number"),
    ),
    row_identifier="id",
)

UNKEYED = Guards(require_row_identifier=False)


@dataclass(frozen=True)
class Memory:
    """A file in memory that opens itself, as Airflow's ObjectStoragePath does; reads may be short."""

    data: bytes
    name: str = "events.csv"
    at_most: int = 2**30

    def open(self, mode: str) -> io.BufferedIOBase:
        assert mode == "rb"
        return _ShortReads(self.data, self.at_most)

    def __str__(self) -> str:
        return self.name


class _ShortReads(io.BytesIO):
    def __init__(self, data: bytes, at_most: int) -> None:
        super().__init__(data)
        self._at_most = at_most

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(self._at_most, size if size is not None and size >= 0 else self._at_most))


def text_schema(*names: str, row_identifier: str | None = None) -> DatasetSchema:
    columns = tuple(DatasetColumn(name, name.title(), "text") for name in names)
    return DatasetSchema(columns, row_identifier)


def load(
    data: bytes | str,
    schema: DatasetSchema = SCHEMA,
    *,
    name: str = "events.csv",
    at_most: int = 2**30,
    limits: BatchLimits | None = None,
    guards: Guards | None = None,
    columns: dict[str, str] | None = None,
    compress: bool = False,
    **file_format: Any,
) -> list[Batch]:
    raw = data.encode() if isinstance(data, str) else data
    source = FileSource(Memory(raw, name, at_most), FileFormat(**file_format))
    return list(batches(source, schema, columns=columns, limits=limits, guards=guards, compress=compress))


def body(batch: Batch) -> bytes:
    return gzip.decompress(batch.data) if batch.content_encoding == "gzip" else batch.data


def csv_rows(loaded: Iterable[Batch]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for batch in loaded:
        read = list(csv.DictReader(io.StringIO(body(batch).decode(), newline=""), strict=True))
        assert len(read) == batch.rows
        rows.extend(read)
    return rows


def json_rows(loaded: Iterable[Batch]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for batch in loaded:
        read = json.loads(body(batch))
        assert len(read) == batch.rows
        rows.extend(read)
    return rows


@contextlib.contextmanager
def small_blocks(size: int) -> Iterator[None]:
    """Read and cut in blocks of so many bytes, so that every cut falls everywhere."""
    with contextlib.ExitStack() as stack:
        for module in ("reading", "csv_scanner", "json_rows", "building", "compression"):
            stack.enter_context(mock.patch(f"airflow_socrata.records.{module}.BLOCK_BYTES", size))
        yield
