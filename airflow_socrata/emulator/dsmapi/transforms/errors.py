"""What is wrong with an expression, and what is wrong with a cell."""

from __future__ import annotations

from typing import Any


class CompileError(Exception):
    """An expression that does not compile.

    :param problem: what is wrong, without the place.
    :param expr: the whole expression.
    :param offset: where in it, in characters from 0.
    :param details: more for ``params``.
    """

    key = "compile_error"

    def __init__(self, problem: str, expr: str, offset: int, **details: Any) -> None:
        before = expr[:offset]
        row = before.count("\n") + 1
        column = offset - (before.rfind("\n") + 1) + 1
        self.message = f"{problem} (row {row}, column {column})"
        super().__init__(self.message)
        self.problem = problem
        self.position = {"row": row, "column": column}
        self.params: dict[str, Any] = {"position": self.position, "expr": expr} | details


class CellError(Exception):
    """A cell for which an expression has no value.

    :param message: one line.
    :param kind: the portal's word for this kind of error.
    """

    def __init__(self, message: str, kind: str = "error", **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.data = data


def unconvertible(value: Any, source: str, target: str) -> CellError:
    """Return the error of a value that does not fit a type."""
    return CellError(
        f'Unable to convert "{value}" from {source} to {target}',
        "type_conversion_failed",
        value=value,
        source_type=source,
        target_type=target,
    )
