"""The one kind of error that rows can cause before any of them is sent."""

from __future__ import annotations

from typing import Self

__all__ = ["RecordsError", "SchemaError"]


class RecordsError(ValueError):
    """The rows cannot be sent as they are. The message is one line: file, line, column, what, what to do.

    :param problem: what is wrong and what to do about it, in one sentence
    :param source: name of the file or callable the rows come from
    :param line: physical line on which the record starts, the first line of the file being 1
    :param row: number of the row, the first being 1, where there are no lines (dict rows)
    :param column: the column as the source names it
    """

    #: The same rows will fail again: a retry cannot help.
    permanent = True

    def __init__(
        self,
        problem: str,
        *,
        source: str | None = None,
        line: int | None = None,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        self.problem = problem
        self.source = source
        self.line = line
        self.row = row
        self.column = column
        super().__init__(_one_line(self))

    def at(self, source: str, *, line: int | None = None, row: int | None = None) -> Self:
        """Give the same error with the place of the row."""
        return type(self)(self.problem, source=source, line=line, row=row, column=self.column)

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a trip through pickle, which knows positional arguments only."""
        return _rebuild, (type(self), self.problem, self.source, self.line, self.row, self.column)


class SchemaError(RecordsError):
    """The columns of the source do not fit the dataset."""


def _one_line(error: RecordsError) -> str:
    places = [
        error.source,
        None if error.line is None else f"line {error.line}",
        None if error.row is None else f"row {error.row}",
        None if error.column is None else f"column {error.column!r}",
    ]
    place = ", ".join(part for part in places if part)
    text = f"{place}: {error.problem}" if place else error.problem
    return " ".join(text.split())


def _rebuild(
    kind: type[RecordsError],
    problem: str,
    source: str | None,
    line: int | None,
    row: int | None,
    column: str | None,
) -> RecordsError:
    return kind(problem, source=source, line=line, row=row, column=column)
