"""The steps of a schema plan, and how people see them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.publication.errors import PublicationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client import Column
    from airflow_socrata.client.column_definitions import ColumnDefinition


class SchemaRefused(PublicationError):
    """The columns are not changed: the plan would lose data that nobody has given up, or cannot be done."""


class Action(enum.StrEnum):
    """One kind of step, in the order in which steps are taken."""

    RELEASE = "let go of row identifier"
    DROP = "drop column"
    CHANGE = "change column"
    ADD = "add column"
    IDENTIFY = "set row identifier"
    ORDER = "put in order"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: one call to the portal.

    :param column: field name, empty where the step is about all columns.
    :param now: what is there, in words.
    :param wanted: what will be there, in words.
    :param standing: the column as it stands.
    :param definition: the column to add.
    :param changes: by the portal's own keys.
    :param order: field names in their new order.
    """

    action: Action
    column: str = ""
    now: str = ""
    wanted: str = ""
    standing: Column | None = None
    definition: ColumnDefinition | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    order: tuple[str, ...] = ()

    def to_json(self) -> dict[str, str]:
        """Return plain data for people."""
        return {"step": self.action.value, "column": self.column, "now": self.now, "wanted": self.wanted}


@dataclass(frozen=True, slots=True)
class SchemaPlan:
    """All steps from a view's columns to the wanted ones.

    :param view_id: 4x4 of the view that was compared.
    :param columns: field names when all is done.
    :param row_identifier: field name of the row identifier when all is done, or None.
    """

    view_id: str
    steps: tuple[Step, ...]
    columns: tuple[str, ...] = ()
    row_identifier: str | None = None

    @property
    def loses(self) -> tuple[str, ...]:
        """The columns whose values would be lost."""
        return tuple(step.column for step in self.steps if step.action is Action.DROP)

    @property
    def empty_identifier(self) -> str | None:
        """The column that would be the row identifier although it is new, and so empty in every row."""
        added = {step.column for step in self.steps if step.action is Action.ADD}
        named = (step.column for step in self.steps if step.action is Action.IDENTIFY)
        return next((column for column in named if column in added), None)

    def table(self) -> str:
        """Return the plan as a table of text."""
        if not self.steps:
            return f"The columns of {self.view_id} are as wanted."
        lines: list[tuple[str, ...]] = [("step", "column", "now", "wanted")]
        lines += [(s.action.value, s.column, s.now, s.wanted) for s in self.steps]
        widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
        lines.insert(1, tuple("-" * width for width in widths))
        body = (
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
        )
        return "\n".join(line.rstrip() for line in body)

    def to_json(self) -> list[dict[str, str]]:
        """Return plain data for people."""
        return [step.to_json() for step in self.steps]
