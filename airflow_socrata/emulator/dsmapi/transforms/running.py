"""Transforms: compiled expressions, and what runs them over the rows of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.transforms.compiling import ANYTHING, Compiler
from airflow_socrata.emulator.dsmapi.transforms.errors import CellError, CompileError
from airflow_socrata.emulator.dsmapi.transforms.functions import FUNCTIONS
from airflow_socrata.emulator.dsmapi.transforms.parsing import parse
from airflow_socrata.emulator.dsmapi.transforms.values import Value, family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from airflow_socrata.emulator.dsmapi.parsing import InputColumn

_CASTS = {
    "calendar_date": "to_floating_timestamp",
    "date": "to_fixed_timestamp",
}


@dataclass(frozen=True, slots=True)
class Transform:
    """A compiled expression.

    :param output_type: the view's name of its type.
    :param parsed: the expression as a tree that can be shown as JSON.
    :param inputs: field names of the input columns that it reads, in the order in which it names them.
    :param columns: field names of all input columns, in the order of a row's cells.
    :param evaluate_row: the value for a row (a tuple in the order of ``columns``); raises ``CellError``.
    """

    expr: str
    output_type: str
    parsed: dict[str, Any]
    inputs: tuple[str, ...]
    columns: tuple[str, ...]
    evaluate_row: Callable[[Sequence[Value]], Value]

    def evaluate(self, row: Mapping[str, Value]) -> Value:
        """Return the value for a row given by field names.

        :raises CellError: there is none.
        """
        return self.evaluate_row([row.get(name) for name in self.columns])


def compile_transform(expr: str, columns: Mapping[str, str]) -> Transform:
    """Compile an expression.

    :param columns: the types of the input columns by field name, in the order of the rows' cells.
    :raises CompileError: it does not compile; carries the position.
    """
    kinds: dict[str, str] = {}
    for name, soql_type in columns.items():
        kind = family(soql_type)
        if kind is None:
            raise CompileError(f"Column {name} has the type {soql_type!r}, which is none", expr, 0)
        kinds[name] = kind
    compiler = Compiler(expr, kinds)
    term = compiler.term(parse(expr))
    output_type = "text" if term.kind == ANYTHING else term.kind
    return Transform(expr, output_type, term.parsed, tuple(compiler.inputs), tuple(kinds), term.run)


def default_expr(column: InputColumn) -> str:
    """Return the expression that gives an input column its guessed type, or what comes nearest to it."""
    name = f"`{column.field_name}`"
    kind, given = family(column.guessed_type), family(column.soql_type)
    cast = _CASTS.get(kind or "text", f"to_{kind}")
    return name if kind == given or cast not in FUNCTIONS else f"{cast}({name})"


def evaluate_rows(
    transforms: Sequence[Transform], rows: Iterable[Sequence[Value]]
) -> Iterator[list[Value | CellError]]:
    """Return each row's values, a transform after the other; an error stands in the place of its cell."""
    functions = [transform.evaluate_row for transform in transforms]
    for row in rows:
        try:
            yield [function(row) for function in functions]
        except CellError:
            yield [_value_or_error(function, row) for function in functions]


def _value_or_error(function: Callable[[Sequence[Value]], Value], row: Sequence[Value]) -> Value | CellError:
    try:
        return function(row)
    except CellError as error:
        return error
