"""Counting a table's rows without keeping any: what an upload of the whole file has to add up to."""

from __future__ import annotations

import io
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.records.csv_batches import dialect_of
from airflow_socrata.records.csv_columns import count_rows
from airflow_socrata.records.csv_records import lines_of, read_records
from airflow_socrata.records.csv_scanner import CsvScanner, Dialect, quotes_in_place
from airflow_socrata.records.reading import text_blocks

if TYPE_CHECKING:
    from airflow_socrata.records.csv_scanner import Chunk
    from airflow_socrata.records.source import FileSource

__all__ = ["TableCount", "count_table"]

#: One look at a table takes so much of it at once.
_CHUNK_BYTES = 8 * 2**20
_CHUNK_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class TableCount:
    """What a table holds.

    :param names: the cells of its first row
    :param rows: rows below that
    """

    names: tuple[str, ...]
    rows: int


def count_table(source: FileSource) -> TableCount:
    """Read a CSV or TSV file to its end, one chunk in memory; blank lines are no rows.

    :raises RecordsError: the file is missing, empty, damaged, not in its encoding, or no CSV
    """
    dialect = dialect_of(source)
    with closing(text_blocks(source)) as blocks:
        scanner = CsvScanner(blocks, dialect, source.name)
        header = scanner.header()
        rows = 0
        while chunk := scanner.chunk(_CHUNK_ROWS, _CHUNK_BYTES):
            if chunk.torn or not quotes_in_place(chunk, dialect):
                # From here on, counting quotes does not tell where records end.
                rest = scanner.rest(chunk)
                lines = lines_of(rest, source=source.name, line=chunk.line, offset=chunk.offset)
                rows += sum(1 for _ in read_records(lines, dialect, source=source.name, line=chunk.line))
                break
            rows += _rows_in(scanner, chunk, dialect, len(header.names), source.name)
    return TableCount(header.names, rows)


def _rows_in(scanner: CsvScanner, chunk: Chunk, dialect: Dialect, width: int, name: str) -> int:
    text = None if chunk.data.isascii() else scanner.decode(chunk)
    if dialect == Dialect() and (counted := count_rows(chunk, width)) is not None:
        return counted
    quote = (dialect.quote or "").encode()
    if chunk.plain_lines and (not quote or quote not in chunk.data):
        return chunk.line_ends
    lines = io.StringIO(chunk.data.decode() if text is None else text, newline="")
    return sum(1 for _ in read_records(lines, dialect, source=name, line=chunk.line))
