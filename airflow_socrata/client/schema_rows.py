"""Rows of an output schema before they are applied, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.messages import Reply, UnreadableReply
from airflow_socrata.client.parsing import (
    integer,
    mapping,
    objects,
    one_line,
    refuse_error_object,
    shape,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class CellError:
    """One cell that does not fit its column.

    :param offset: the row's place in the file, from 0, or None if not told.
    :param column: field name, or None if not told.
    :param inputs: field name of each input column that took part, and its value.
    """

    offset: int | None
    column: str | None
    message: str
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        where = [f"row {self.offset}" if self.offset is not None else "", self.column or ""]
        return one_line(f"{', '.join(part for part in where if part) or 'a cell'}: {self.message}")


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """One row of an output schema.

    :param values: field name to value; a cell with an error is None.
    :param errors: the cells that do not fit.
    """

    offset: int | None
    values: Mapping[str, Any]
    errors: tuple[CellError, ...] = ()


@dataclass(frozen=True, slots=True)
class InputRowError:
    """One row of a file with too many or too few cells."""

    offset: int | None
    message: str
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RowIdentifierCheck:
    """Whether a column can identify rows.

    :param reason: ``duplicate``, ``null`` or ``bad type``, where it cannot.
    :param what: the first value at fault.
    :param where: its row.
    """

    valid: bool
    reason: str | None = None
    what: str | None = None
    where: int | None = None

    def __str__(self) -> str:
        if self.valid:
            return "valid"
        words = self.reason or "no reason given"
        if self.what is not None:
            words += f" {self.what!r}"
        return one_line(words + (f" in row {self.where}" if self.where is not None else ""))


def parse_schema_rows(reply: Reply, known: tuple[str, ...] = ()) -> tuple[SchemaRow, ...]:
    """Read rows; the first element is a header with the columns, the cells come in the columns' order.

    :param known: field names in order, where the header does not tell them.
    """
    body = _array(reply)
    names = known
    if body and "row" not in body[0]:
        columns = objects(mapping(body[0]).get("output_columns"))
        columns = tuple(sorted(columns, key=lambda column: integer(column.get("position")) or 0))
        names = tuple(text(column.get("field_name")) or "" for column in columns) or known
        body = body[1:]
    return tuple(_row(item, names) for item in body)


def _array(reply: Reply) -> list[Mapping[str, Any]]:
    body = reply.json()
    if isinstance(body, dict):
        refuse_error_object(body)
        body = body.get("resource")
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise UnreadableReply(f"expected an array of rows, got {shape(body)}")
    return body


def _row(item: Mapping[str, Any], names: tuple[str, ...]) -> SchemaRow:
    cells, offset = item.get("row"), integer(item.get("offset"))
    if not isinstance(cells, list):
        raise UnreadableReply("a row has no cells")
    if len(cells) != len(names):
        raise UnreadableReply(f"a row has {len(cells)} cells for {len(names)} columns")
    values: dict[str, Any] = {}
    errors: list[CellError] = []
    for name, cell in zip(names, cells, strict=True):
        cell = mapping(cell)
        values[name] = cell.get("ok")
        if "error" in cell:
            errors.append(_cell_error(offset, name, cell["error"]))
    return SchemaRow(offset, values, tuple(errors))


def _cell_error(offset: int | None, column: str, error: Any) -> CellError:
    body = mapping(error)
    words = text(body.get("message")) or (error if isinstance(error, str) else "no reason given")
    inputs = {
        str(name): mapping(value).get("ok") if isinstance(value, dict) else value
        for name, value in mapping(body.get("inputs")).items()
    }
    return CellError(offset, column, words, inputs)


def parse_row_errors(reply: Reply) -> tuple[InputRowError, ...]:
    """Read the rows of a file with too many or too few cells; a header without a row is passed over."""
    errors = []
    for item in _array(reply):
        error = item.get("error")
        words = text(mapping(error).get("message")) or text(error) or text(item.get("message"))
        if words is not None or "offset" in item:
            errors.append(InputRowError(integer(item.get("offset")), words or "no reason given", item))
    return tuple(errors)


def parse_row_identifier_check(reply: Reply) -> RowIdentifierCheck:
    """Read the answer to whether a column can identify rows."""
    body = reply.json()
    body = mapping(mapping(body).get("resource")) or mapping(body)
    refuse_error_object(body)
    valid, what = body.get("valid"), body.get("what")
    if not isinstance(valid, bool):
        raise UnreadableReply("the check does not tell whether the row identifier is valid")
    return RowIdentifierCheck(
        valid,
        reason=text(body.get("reason")),
        what=None if what is None else str(what),
        where=integer(body.get("where")),
    )
