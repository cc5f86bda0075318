"""The columns of a source and their types, from its first rows: never from more of it than is said."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_socrata.records.errors import RecordsError, SchemaError
from airflow_socrata.records.source import FileSource

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from airflow_socrata.records.csv_records import Record
    from airflow_socrata.records.source import RowSource, RowsSource

__all__ = [
    "MOST_BYTES",
    "MOST_ROWS",
    "InferredColumn",
    "InferredSchema",
    "columns_of_codes",
    "infer_schema",
    "other_delimiter",
]

#: How much of a source is looked at: rows, and characters of their values.
MOST_ROWS, MOST_BYTES = 10_000, 16 * 2**20
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class InferredColumn:
    """A column of a source.

    :param name: as the source has it.
    :param data_type: the type that every value seen goes into; ``text`` where there was none.
    :param values: how many values were seen; blank ones do not count.
    """

    name: str
    data_type: str
    values: int


@dataclass(frozen=True, slots=True)
class InferredSchema:
    """The columns of a source.

    :param rows: how many rows were looked at.
    :param whole: whether these are all rows that the source has.
    """

    source: str
    columns: tuple[InferredColumn, ...]
    rows: int
    whole: bool

    def __str__(self) -> str:
        seen = f"all {self.rows:,} rows" if self.whole else f"the first {self.rows:,} rows"
        return f"{len(self.columns)} columns by {seen} of {self.source}"


def infer_schema(
    source: RowSource, *, most_rows: int = MOST_ROWS, most_bytes: int = MOST_BYTES
) -> InferredSchema:
    """Guess the columns of a file, or of dicts, from a sample: its first rows.

    A type is guessed where every value seen fits it; later rows may not fit. A column of digits with leading
    zeros is text, and so is one without values. System fields such as ``:deleted`` are no columns.

    :param most_rows: rows to look at.
    :param most_bytes: characters of values to look at.
    :raises RecordsError: the source cannot be read, or has no columns.
    """
    if most_rows < 1 or most_bytes < 1:
        raise ValueError(f"a sample has at least one row and one byte, not {most_rows} and {most_bytes}")
    sample = _Sample(source.name, most_rows, most_bytes)
    if isinstance(source, FileSource):
        if source.kind in {"csv", "tsv"}:
            return sample.of_cells(source)
        return sample.of_json(source)
    return sample.of_dicts(source)


def _table(source: FileSource) -> Generator[Record]:
    """Read a CSV or TSV file: its header, then its rows."""
    from airflow_socrata.records.csv_batches import dialect_of
    from airflow_socrata.records.csv_records import Record, lines_of, read_records
    from airflow_socrata.records.csv_scanner import CsvScanner
    from airflow_socrata.records.reading import text_blocks

    dialect = dialect_of(source)
    with closing(text_blocks(source)) as blocks:
        scanner = CsvScanner(blocks, dialect, source.name)
        header = scanner.header()
        yield Record(header.line, list(header.names))
        chunk = scanner.chunk(1, 1)
        if chunk is not None:
            lines = lines_of(scanner.rest(chunk), source=source.name, line=chunk.line, offset=chunk.offset)
            yield from read_records(lines, dialect, source=source.name, line=chunk.line)


def other_delimiter(names: Sequence[str], delimiter: str) -> str | None:
    """Return the delimiter that a header of one column seems to be written with, if it is another one."""
    found = [sign for sign in _DELIMITERS if len(names) == 1 and sign in names[0] and sign != delimiter]
    return max(found, key=names[0].count, default=None)


def columns_of_codes(
    source: FileSource, *, most_rows: int = MOST_ROWS, most_bytes: int = MOST_BYTES
) -> frozenset[int]:
    """Return the places, from 0, of columns that hold digits with leading zeros, such as ``00501``.

    Those are names: as numbers they would lose the zeros.

    :param most_rows: rows to look at.
    :param most_bytes: characters of values to look at.
    :raises RecordsError: the file cannot be read.
    """
    from airflow_socrata.records.value_types import is_code

    found: set[int] = set()
    with closing(_table(source)) as records:
        for record in islice(records, 1, most_rows + 1):
            found.update(
                at for at, cell in enumerate(record.cells) if cell[:1] in {"-", "0"} and is_code(cell)
            )
            most_bytes -= sum(map(len, record.cells))
            if most_bytes <= 0:
                break
    return frozenset(found)


class _Sample:
    """What one look at a source has seen."""

    def __init__(self, name: str, most_rows: int, most_bytes: int) -> None:
        from airflow_socrata.records.value_types import TypeGuess

        self.name = name
        self.left_rows, self.left_bytes = most_rows, most_bytes
        self.rows = 0
        self.new_guess = TypeGuess
        self.guesses: dict[str, TypeGuess] = {}

    def of_cells(self, source: FileSource) -> InferredSchema:
        """Look at a CSV or TSV file."""
        from airflow_socrata.records.value_types import type_of_cell

        marks = frozenset(("", *source.format.null_marks))
        with closing(_table(source)) as records:
            header = next(records)
            names = self._checked(header.cells, header.line)
            self._check_delimiter(source, names, header.line)
            guesses = [self.guesses.setdefault(name, self.new_guess()) for name in names]
            for record in records:
                if not self._room():
                    return self._schema(whole=False)
                if len(record.cells) != len(names):
                    problem = f"the row has {len(record.cells)} cells, and the header has {len(names)}"
                    raise RecordsError(problem, source=self.name, line=record.line)
                for guess, cell in zip(guesses, record.cells, strict=True):
                    if cell not in marks:
                        guess.see("text" if guess.is_settled else type_of_cell(cell))
                self._count(sum(map(len, record.cells)))
        return self._schema(whole=True)

    def of_json(self, source: FileSource) -> InferredSchema:
        """Look at a file of JSON, or of JSON lines."""
        from airflow_socrata.records.json_rows import read_array, read_lines
        from airflow_socrata.records.reading import text_blocks

        marks = frozenset(source.format.null_marks)
        read = read_lines if source.kind == "jsonl" else read_array
        with closing(text_blocks(source)) as blocks:
            rows = ((row.values, len(row.text)) for row in read(blocks, self.name))
            return self._of_objects(rows, marks)

    def of_dicts(self, source: RowsSource) -> InferredSchema:
        """Look at dicts."""
        given = source.rows() if callable(source.rows) else source.rows
        if given is None or isinstance(given, str | bytes | Mapping):
            problem = f"rows are an iterable of dicts, not {type(given).__name__}"
            raise RecordsError(problem, source=self.name)
        try:
            return self._of_objects(self._measured(given), frozenset())
        finally:
            if hasattr(given, "close"):
                given.close()

    def _measured(self, rows: Iterable[Any]) -> Iterator[tuple[Mapping[str, Any], int]]:
        for number, row in enumerate(rows, 1):
            if not isinstance(row, Mapping):
                problem = f"a row is a dict, not {type(row).__name__}"
                raise RecordsError(problem, source=self.name, row=number)
            yield row, sum(len(value) if isinstance(value, str) else 8 for value in row.values())

    def _of_objects(
        self, rows: Iterator[tuple[Mapping[str, Any], int]], marks: frozenset[str]
    ) -> InferredSchema:
        from airflow_socrata.records.value_types import type_of_value

        for values, size in rows:
            if not self._room():
                return self._schema(whole=False)
            for name, value in values.items():
                if not isinstance(name, str) or not name.strip():
                    raise SchemaError(
                        f"a column has no name, but {name!r}", source=self.name, row=self.rows + 1
                    )
                guess = self.guesses.get(name)
                if guess is None:
                    guess = self.guesses[name] = self.new_guess()
                if value is None or value == "" or (isinstance(value, str) and value in marks):
                    continue
                guess.see("text" if guess.is_settled else type_of_value(value))
            self._count(size)
        return self._schema(whole=True)

    def _check_delimiter(self, source: FileSource, names: Sequence[str], line: int) -> None:
        other = other_delimiter(names, "\t" if source.kind == "tsv" else ",")
        if other is not None and source.format.delimiter is None:
            problem = f"the header has one column, {names[0]!r}: give delimiter={other!r}, or the one it has"
            raise SchemaError(problem, source=self.name, line=line)

    def _checked(self, names: Sequence[str], line: int) -> Sequence[str]:
        for number, name in enumerate(names, 1):
            if not name.strip():
                problem = f"column {number} of {len(names)} has no name; name it"
                raise SchemaError(problem, source=self.name, line=line)
            if name in names[: number - 1]:
                problem = "the header names this column twice; take one out"
                raise SchemaError(problem, source=self.name, line=line, column=name)
        return names

    def _room(self) -> bool:
        return self.left_rows > 0 and self.left_bytes > 0

    def _count(self, size: int) -> None:
        self.rows += 1
        self.left_rows -= 1
        self.left_bytes -= size

    def _schema(self, *, whole: bool) -> InferredSchema:
        columns = tuple(
            InferredColumn(name, guess.kind, guess.values)
            for name, guess in self.guesses.items()
            if not name.startswith(":")
        )
        if not columns:
            problem = (
                "all columns are system fields" if self.guesses else "there are no rows to take columns from"
            )
            raise SchemaError(problem, source=self.name)
        return InferredSchema(self.name, columns, self.rows, whole)
