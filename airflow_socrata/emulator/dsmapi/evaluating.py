"""Running transforms over the rows of a source."""

from __future__ import annotations

from decimal import Decimal
from itertools import tee
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.transforms import CellError, evaluate_rows, to_json_value
from airflow_socrata.emulator.types import BadValue, canonical_type, from_json
from airflow_socrata.emulator.types.names import IDENTIFIERS, NUMBERS
from airflow_socrata.emulator.types.reading import identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_socrata.emulator.dsmapi.model import InputSchema, OutputSchema, Row, TransformRun
    from airflow_socrata.emulator.dsmapi.transforms import Value
    from airflow_socrata.emulator.types.reading import Stored


def evaluated(
    schema: InputSchema, runs: Sequence[TransformRun]
) -> Iterator[tuple[Row, list[Value | CellError]]]:
    """Yield each row's cells as they came, and what the transforms make of them.

    A cell that fails is the ``CellError`` itself.
    """
    rows, kept = tee(schema.rows())
    return zip(kept, evaluate_rows([run.compiled for run in runs], rows), strict=True)


def count_errors(schema: OutputSchema) -> None:
    """Count the cells that fail, per transform; an expression that was counted before is not run again."""
    known = schema.input.counted
    fresh = {
        column.transform.expr: column.transform
        for column in schema.columns
        if column.transform.expr not in known and column.transform.failed_at is None
    }
    if fresh:
        counts = [0] * len(fresh)
        compiled = [run.compiled for run in fresh.values()]
        for cells in evaluate_rows(compiled, schema.input.rows()):
            for place, cell in enumerate(cells):
                if cell.__class__ is CellError:
                    counts[place] += 1
        known.update(zip(fresh, counts, strict=True))
    for column in schema.columns:
        if column.transform.failed_at is None:
            column.transform.error_count = known[column.transform.expr]


def stored_column(kind: str, values: list[Any]) -> list[Stored]:
    """Return a column's values as the store keeps them; what its type does not take is null."""
    if kind in NUMBERS:
        plain = [f"{v:f}" if isinstance(v, Decimal) else v for v in values]
    else:
        plain = [to_json_value(v, kind) if v is not None else None for v in values]
    while True:
        try:
            return from_json(kind, plain)
        except BadValue as error:
            plain[error.index] = None


def preview(schema: OutputSchema, limit: int, offset: int) -> Iterator[dict[str, Any]]:
    """Yield some rows of an output schema."""
    runs = [column.transform for column in schema.columns]
    for number, (row, cells) in enumerate(evaluated(schema.input, runs)):
        if number >= offset + limit:
            return
        if number >= offset:
            yield row_json(schema, number, row, cells)


def erroneous(
    schema: OutputSchema, column_id: int | None
) -> Iterator[tuple[int, Row, list[Value | CellError]]]:
    """Yield number, input cells and output cells of the rows in which a cell failed."""
    columns = schema.columns
    looked = [i for i, column in enumerate(columns) if column_id in {None, column.id, column.transform.id}]
    for number, (row, cells) in enumerate(evaluated(schema.input, [c.transform for c in columns])):
        if any(isinstance(cells[i], CellError) for i in looked):
            yield number, row, cells


def row_json(schema: OutputSchema, number: int, row: Row, cells: list[Value | CellError]) -> dict[str, Any]:
    """Return a row as previews show it."""
    inputs: dict[str, Any] = {
        each.field_name: {"ok": None if cell is None else to_json_value(cell, each.soql_type)}
        for each, cell in zip(schema.input.fields, row, strict=True)
    }
    shown: list[dict[str, Any]] = []
    for cell, column in zip(cells, schema.columns, strict=True):
        compiled = column.transform.compiled
        if isinstance(cell, CellError):
            read = {name: inputs[name] for name in compiled.inputs}
            shown.append({"error": {"message": cell.message, "inputs": read}})
        else:
            shown.append({"ok": None if cell is None else to_json_value(cell, compiled.output_type)})
    return {"offset": number, "row": shown}


def check_identifier(schema: OutputSchema, run: TransformRun) -> dict[str, Any]:
    """Tell whether a column's values could be row identifiers."""
    kind = canonical_type(run.compiled.output_type) or "text"
    if kind not in IDENTIFIERS:
        return {"valid": False, "reason": "bad type", "what": kind, "where": None}
    seen: set[Any] = set()
    for number, (_, cells) in enumerate(evaluated(schema.input, [run])):
        value = None if isinstance(cells[0], CellError) else cells[0]
        key = identity(kind, stored_column(kind, [value]))[0]
        if key is None:
            return {"valid": False, "reason": "null", "what": None, "where": number}
        if key in seen:
            return {"valid": False, "reason": "duplicate", "what": str(key), "where": number}
        seen.add(key)
    return {"valid": True}
