"""CSV becomes batches of CSV: as it stands where possible, written anew only where it must change."""

from __future__ import annotations

import io
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.records.building import BatchBuilder, BodyKind
from airflow_socrata.records.checks import RowChecks
from airflow_socrata.records.csv_columns import count_rows, split_columns
from airflow_socrata.records.csv_records import RowWriter, lines_of, read_records
from airflow_socrata.records.csv_scanner import CsvScanner, Dialect, quotes_in_place
from airflow_socrata.records.errors import RecordsError
from airflow_socrata.records.identifiers import Identifiers
from airflow_socrata.records.reading import text_blocks
from airflow_socrata.records.schema import compare

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable, Iterable, Iterator, Mapping, Sequence

    from airflow_socrata.records.batch import Batch, BatchLimits
    from airflow_socrata.records.csv_records import Record
    from airflow_socrata.records.csv_scanner import Chunk, Header
    from airflow_socrata.records.guards import Guards
    from airflow_socrata.records.identifiers import Entry
    from airflow_socrata.records.schema import ColumnPlan, DatasetSchema
    from airflow_socrata.records.source import FileSource

__all__ = ["csv_batches", "dialect_of"]

_PLAIN = Dialect()


def csv_batches(
    source: FileSource,
    schema: DatasetSchema,
    columns: Mapping[str, str],
    limits: BatchLimits,
    guards: Guards,
    *,
    compress: bool,
) -> Generator[Batch, None, None]:
    """Read a CSV or TSV file; see ``batches``."""
    with closing(text_blocks(source)) as blocks:
        scanner = CsvScanner(blocks, dialect_of(source), source.name)
        header = scanner.header()
        plan = compare(
            header.names,
            schema,
            columns,
            extra_columns=guards.extra_columns,
            source=source.name,
            line=header.line,
        )
        checks = RowChecks.of(zip(range(len(plan.source)), plan.source, plan.fields, strict=True), schema)
        batches = _CsvBatches(source, header, plan, checks, row_by_row=guards.row_by_row)
        yield from batches.run(scanner, limits, compress=compress)


def dialect_of(source: FileSource) -> Dialect:
    """Tell how the cells of a file are told apart.

    :raises RecordsError: delimiter or quote cannot be used
    """
    delimiter = source.format.delimiter or ("\t" if source.kind == "tsv" else ",")
    quote = source.format.quote
    for name, character in (("delimiter", delimiter), ("quote", quote)):
        if character is not None and (len(character) != 1 or not character.isascii() or character in "\r\n"):
            raise RecordsError(f"the {name} is one ASCII character, not {character!r}", source=source.name)
    if delimiter == quote:
        raise RecordsError(f"delimiter and quote are both {quote!r}", source=source.name)
    return Dialect(delimiter, quote)


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows that go into a batch together.

    :param data: as they are sent
    :param identities: what the portal matches them by
    :param seen: where they can be looked at again
    """

    data: bytes
    rows: int
    deletes: int
    identities: Sequence[Hashable]
    seen: Chunk | Entry | tuple[()]


class _CsvBatches:
    """One pass through a file."""

    def __init__(
        self, source: FileSource, header: Header, plan: ColumnPlan, checks: RowChecks, *, row_by_row: bool
    ) -> None:
        self._name = source.name
        self._header = header
        self._plan = plan
        self._checks = checks
        self._row_by_row = row_by_row
        self._dialect = dialect_of(source)
        self._marks = frozenset(source.format.null_marks)
        self._mark_bytes = tuple(mark.encode() for mark in self._marks)
        self._width = len(plan.source)
        self._kept = [place for place, field in enumerate(plan.fields) if field is not None]
        self._as_it_stands = self._dialect == _PLAIN and not plan.ignored
        self._writer = RowWriter()

    def run(self, scanner: CsvScanner, limits: BatchLimits, *, compress: bool) -> Iterator[Batch]:
        fields = [field for field in self._plan.fields if field is not None]
        kind = BodyKind("text/csv", self._writer.row(fields, self._header.line_end), b"", b"")
        builder = BatchBuilder(kind, limits, compress=compress)
        identifiers = Identifiers(self._entries, source=self._name, column=self._checks.identifier_name)
        for part in self._parts(scanner, builder):
            if not builder.fits(len(part.data)):
                identifiers.finish()
                yield builder.finish()
            identifiers.add(part.identities, part.seen)
            builder.add(part.data, rows=part.rows, deletes=part.deletes)
            if builder.full:
                identifiers.finish()
                yield builder.finish()
        if builder.rows:
            identifiers.finish()
            yield builder.finish()
        elif not builder.finished:
            problem = "the file has a header and no rows"
            raise RecordsError(problem, source=self._name, line=self._header.line)

    def _parts(self, scanner: CsvScanner, builder: BatchBuilder) -> Iterator[_Part]:
        while chunk := scanner.chunk(builder.room_rows, max(1, builder.room_bytes)):
            if not (chunk.torn or chunk.data.isascii()):
                scanner.decode(chunk)
            whole = self._as_it_stands and not any(mark in chunk.data for mark in self._mark_bytes)
            part = self._quick(chunk) if whole and not chunk.torn else None
            if part is not None:
                yield part
            elif chunk.torn or not quotes_in_place(chunk, self._dialect):
                # From here on, counting quotes does not tell where records end.
                lines = lines_of(scanner.rest(chunk), source=self._name, line=chunk.line, offset=chunk.offset)
                yield from self._rewritten(self._records(lines, chunk.line))
                return
            elif whole and chunk.plain_lines:
                yield self._read(chunk)
            else:
                yield from self._rewritten(self._chunk_records(chunk))

    def _quick(self, chunk: Chunk) -> _Part | None:
        """Take a chunk as it stands, without looking at single rows; None: they must be looked at."""
        if not self._row_by_row and self._checks.deleted is None:
            rows = count_rows(chunk, self._width)
            return None if rows is None else _Part(chunk.data, rows, 0, (), chunk)
        columns = split_columns(chunk, self._width)
        if columns is None:
            return None
        deletes = self._checks.deletes(columns)
        identities = self._checks.identities(columns) if self._row_by_row else ()
        if deletes is None or identities is None:
            return None
        return _Part(chunk.data, columns.rows, deletes, identities, chunk)

    def _read(self, chunk: Chunk) -> _Part:
        """Take a chunk as it stands, after a look at each row."""
        parts = list(self._rewritten(self._chunk_records(chunk)))
        identities = [identity for part in parts for identity in part.identities]
        return _Part(chunk.data, len(parts), sum(part.deletes for part in parts), identities, chunk)

    def _rewritten(self, records: Iterable[Record]) -> Iterator[_Part]:
        """Look at each row, and write it anew."""
        for record in records:
            cells = record.cells
            if self._marks:
                cells = ["" if cell in self._marks else cell for cell in cells]
            try:
                delete, identities = self._look_at(cells)
            except RecordsError as error:
                raise error.at(self._name, line=record.line) from None
            data = self._writer.row([cells[place] for place in self._kept], self._header.line_end)
            entry = (identities[0], record.line, data) if identities else ()
            yield _Part(data, 1, int(delete), identities, entry)

    def _look_at(self, cells: list[str]) -> tuple[bool, tuple[Hashable, ...]]:
        if len(cells) != self._width:
            raise RecordsError(f"the row has {len(cells)} cells, and the header has {self._width}")
        delete = self._checks.is_delete(cells, text=True)
        if not self._row_by_row:
            return delete, ()
        self._checks.check(cells)
        if self._checks.identifier is None:
            return delete, ()
        identity = self._checks.identity(cells)
        return delete, (identity.encode() if isinstance(identity, str) else identity,)

    def _entries(self, chunk: Chunk) -> Iterator[Entry]:
        for part in self._rewritten(self._chunk_records(chunk)):
            if isinstance(part.seen, tuple) and part.seen:
                yield part.seen

    def _chunk_records(self, chunk: Chunk) -> Iterator[Record]:
        # The chunk's text was found to be UTF-8 before.
        return self._records(io.StringIO(chunk.data.decode(), newline=""), chunk.line)

    def _records(self, lines: Iterable[str], line: int) -> Iterator[Record]:
        return read_records(lines, self._dialect, source=self._name, line=line)
