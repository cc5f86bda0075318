"""Terms of a query while it is compiled, and what literals become beside a column."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.types import times
from airflow_socrata.emulator.types.names import NUMBERS, TEXTS

if TYPE_CHECKING:
    from airflow_socrata.emulator.ids import RowIds

_NOT_LITERAL = object()


@dataclass(frozen=True, slots=True)
class Term:
    """An expression: its SQL for comparing, its SQL for showing when that is another, its type."""

    sql: str
    kind: str
    parameters: list[Any] = field(default_factory=list)
    output: str | None = None
    literal: Any = _NOT_LITERAL
    aggregate: bool = False
    constant: bool = False

    @classmethod
    def joined(cls, sql: str, kind: str, *terms: Term) -> Term:
        """Return a term made of others, in the order in which they stand in ``sql``."""
        parameters = [value for term in terms for value in term.parameters]
        return cls(
            sql,
            kind,
            parameters,
            aggregate=any(term.aggregate for term in terms),
            constant=all(term.constant or term.is_literal for term in terms),
        )

    def over(self, sql: str) -> Term:
        """Return the same term in other SQL."""
        return replace(self, sql=sql)

    @property
    def is_literal(self) -> bool:
        """Whether the query spells the value out."""
        return self.literal is not _NOT_LITERAL

    @property
    def is_number(self) -> bool:
        """Whether it counts as a number."""
        return self.kind in NUMBERS or self.kind == "double"

    @property
    def family(self) -> str:
        """Types of one family can be compared."""
        return "number" if self.is_number else "text" if self.kind in TEXTS else self.kind

    @property
    def shown(self) -> str:
        """SQL of the value as readers get it."""
        return self.output or self.sql

    @property
    def shown_parameters(self) -> list[Any]:
        """Parameters of ``shown``."""
        return [] if self.output is not None else self.parameters

    @property
    def text(self) -> str:
        """SQL of the value as text."""
        return self.shown if self.parameters == self.shown_parameters else self.sql


def literal_for(kind: str, literal: Term, row_ids: RowIds | None) -> Term | None:
    """Return a literal as a value of a column's type, or None when it is none."""
    value = literal.literal
    if value is None or kind == "null":
        return literal
    if kind in NUMBERS or kind == "double":
        if literal.is_number:
            return literal
        try:
            return replace(literal, kind="number", parameters=[float(value)])
        except (TypeError, ValueError):
            return None
    if kind == "checkbox":
        return literal if literal.kind == "checkbox" else None
    if kind in {"row_identifier", "row_version"}:
        number = row_ids.counter(str(value)) if row_ids is not None else None
        if number is None and str(value).isdigit():
            number = int(value)
        # A text that is no row id of this dataset matches nothing.
        return replace(literal, kind=kind, sql="?", parameters=[-1 if number is None else number])
    if literal.kind != "text":
        return None
    convert = {
        "calendar_date": times.floating,
        "date": times.fixed,
        "datestamp": times.day,
        "time": times.time_of_day,
    }.get(kind)
    if convert is not None:
        stored = convert(str(value))
        return None if stored is None else replace(literal, kind=kind, parameters=[stored])
    return literal if kind in TEXTS else None
