"""JSON files and dicts become batches of JSON: a row's text as it stands where possible."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow_socrata.records.building import BatchBuilder, BodyKind
from airflow_socrata.records.checks import RowChecks
from airflow_socrata.records.errors import RecordsError
from airflow_socrata.records.identifiers import clash
from airflow_socrata.records.json_rows import NumberText, read_array, read_lines
from airflow_socrata.records.reading import text_blocks
from airflow_socrata.records.schema import compare

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable, Iterator

    from airflow_socrata.records.batch import Batch, BatchLimits
    from airflow_socrata.records.guards import Guards
    from airflow_socrata.records.schema import DatasetSchema
    from airflow_socrata.records.source import FileSource, RowsSource

__all__ = ["file_batches", "rows_batches"]

_KIND = BodyKind("application/json", b"[", b",\n", b"]")

#: Rows may leave keys out, so a source can have many sets of keys; this many are remembered.
_SHAPES = 1024


@dataclass(frozen=True, slots=True)
class _Row:
    """A row and its place; ``text``: as it stands in the file."""

    line: int | None
    number: int
    values: Mapping[str, Any]
    text: str | None


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is to be done with rows of one set of keys.

    :param renames: key -> field, for the keys that go
    :param changed: whether any key is renamed or left out
    """

    renames: Mapping[str, str]
    changed: bool
    checks: RowChecks


def file_batches(
    source: FileSource,
    schema: DatasetSchema,
    columns: Mapping[str, str],
    limits: BatchLimits,
    guards: Guards,
    *,
    compress: bool,
) -> Generator[Batch, None, None]:
    """Read a file of JSON or JSON lines; see ``batches``."""
    read = read_lines if source.kind == "jsonl" else read_array
    marks = frozenset(source.format.null_marks)
    with closing(text_blocks(source)) as blocks:
        rows = (
            _Row(row.line, number, row.values, row.text)
            for number, row in enumerate(read(blocks, source.name), 1)
        )
        writer = _Writer(source.name, schema, columns, guards, marks)
        yield from writer.run(rows, limits, compress=compress)


def rows_batches(
    source: RowsSource,
    schema: DatasetSchema,
    columns: Mapping[str, str],
    limits: BatchLimits,
    guards: Guards,
    *,
    compress: bool,
) -> Generator[Batch, None, None]:
    """Read dicts; see ``batches``."""
    given = source.rows() if callable(source.rows) else source.rows
    if given is None or isinstance(given, str | bytes | Mapping):
        problem = f"rows are an iterable of dicts, not {type(given).__name__}"
        raise RecordsError(problem, source=source.name)
    rows = (_Row(None, number, values, None) for number, values in enumerate(given, 1))
    try:
        yield from _Writer(source.name, schema, columns, guards, frozenset()).run(
            rows, limits, compress=compress
        )
    finally:
        if hasattr(given, "close"):
            given.close()


class _Writer:
    """One pass through the rows."""

    def __init__(
        self,
        name: str,
        schema: DatasetSchema,
        columns: Mapping[str, str],
        guards: Guards,
        marks: frozenset[str],
    ) -> None:
        self._name = name
        self._schema = schema
        self._columns = columns
        self._guards = guards
        self._marks = marks
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._encode = json.JSONEncoder(
            ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
        ).encode

    def run(self, rows: Iterator[_Row], limits: BatchLimits, *, compress: bool) -> Iterator[Batch]:
        builder = BatchBuilder(_KIND, limits, compress=compress)
        seen: dict[Hashable, tuple[_Row, bytes]] = {}
        for row in rows:
            try:
                data, delete, identity = self._taken(row)
            except RecordsError as error:
                raise self._placed(error, row) from None
            if builder.full or not builder.fits(len(data)):
                yield builder.finish()
                seen.clear()
            if identity is not None:
                self._compare(row, data, identity, seen)
            builder.add(data, deletes=int(delete))
        if builder.rows:
            yield builder.finish()
        elif not builder.finished:
            raise RecordsError("there are no rows", source=self._name)

    def _taken(self, row: _Row) -> tuple[bytes, bool, Hashable]:
        values = row.values
        if not isinstance(values, Mapping):
            raise RecordsError(f"a row is a dict, not {type(values).__name__}")
        shape = self._shape(tuple(values), row)
        nulled = self._marks and any(isinstance(v, str) and v in self._marks for v in values.values())
        if nulled:
            values = {k: None if isinstance(v, str) and v in self._marks else v for k, v in values.items()}
        if row.text is None:
            for key in shape.renames:
                _check_finite(values[key], key)
        delete = shape.checks.is_delete(values, text=False)
        identity = None
        if self._guards.row_by_row:
            shape.checks.check(values)
            if shape.checks.identifier is not None:
                identity = shape.checks.identity(values)
        if row.text is not None and not shape.changed and not nulled:
            return row.text.encode(), delete, identity
        return self._encoded(values, shape), delete, identity

    def _encoded(self, values: Mapping[str, Any], shape: _Shape) -> bytes:
        try:
            return self._encode({field: _sent(values[key]) for key, field in shape.renames.items()}).encode()
        except (TypeError, ValueError) as error:
            raise self._unsendable(values, shape, error) from None

    def _unsendable(self, values: Mapping[str, Any], shape: _Shape, error: Exception) -> RecordsError:
        for key in shape.renames:
            try:
                self._encode(values[key]).encode()
            except (TypeError, ValueError) as found:
                return RecordsError(f"the value cannot be sent: {found}", column=key)
        return RecordsError(f"the row cannot be sent: {error}")

    def _shape(self, keys: tuple[str, ...], row: _Row) -> _Shape:
        shape = self._shapes.get(keys)
        if shape is None:
            for key in keys:
                if not isinstance(key, str):
                    raise RecordsError(f"keys of a row are column names, not {key!r}")
            plan = compare(
                keys,
                self._schema,
                self._columns,
                extra_columns=self._guards.extra_columns,
                all_columns=False,
                source=self._name,
                line=row.line,
                row=None if row.line is not None else row.number,
            )
            pairs = tuple(zip(keys, plan.fields, strict=True))
            checks = RowChecks.of(((key, key, field) for key, field in pairs), self._schema)
            renames = {key: field for key, field in pairs if field is not None}
            shape = _Shape(renames, any(key != field for key, field in pairs), checks)
            if len(self._shapes) >= _SHAPES:
                self._shapes.clear()
            self._shapes[keys] = shape
        return shape

    def _compare(
        self, row: _Row, data: bytes, identity: Hashable, seen: dict[Hashable, tuple[_Row, bytes]]
    ) -> None:
        earlier, values = seen.setdefault(identity, (_Row(row.line, row.number, {}, None), data))
        if values != data and json.loads(values) != json.loads(data):
            place = f"row {earlier.number}" if earlier.line is None else f"line {earlier.line}"
            column = self._shapes[tuple(row.values)].checks.identifier_name
            error = clash(self._name, column, identity, earlier=place)
            raise self._placed(error, row)

    def _placed(self, error: RecordsError, row: _Row) -> RecordsError:
        if error.source is not None and error.line is not None:
            return error
        return error.at(self._name, line=row.line, row=None if row.line is not None else row.number)


def _check_finite(value: Any, key: str) -> None:
    if isinstance(value, Decimal):
        finite = value.is_finite()
    elif isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational):
        finite = math.isfinite(value)
    else:
        # Not a time, nor equal to itself.
        finite = not isinstance(value, datetime) or value == value
    if not finite:
        raise RecordsError(f"{value} is not a value that can be sent; give None for null", column=key)


def _sent(value: Any) -> Any:
    """Numbers kept as text inside a value, as in a point, go as numbers again: only a cell may be text."""
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items()}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _bare(value: Any) -> Any:
    return float(value) if isinstance(value, NumberText) else _sent(value)


def _plain(value: Any) -> Any:
    """What JSON does not know, in the portal's forms."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON; give text, a number, or a date")
