"""Output columns as they are wanted: taken from a schema, changed without I/O, and sent as a whole."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.parsing import integer, mapping, strings, text
from airflow_socrata.client.source_models import OutputColumn


@dataclass(frozen=True, slots=True)
class OutputColumnSpec:
    """One output column as it is wanted.

    :param expr: SoQL over input columns in back-ticks, e.g. ``to_number(`id`)``.
    :param position: from 1; a list of columns is numbered in its own order when it is sent.
    :param is_primary_key: whether it identifies rows.
    :param initial_output_column_id: the column of an earlier schema that this one goes on from.
    """

    field_name: str
    display_name: str
    expr: str
    position: int | None = None
    description: str = ""
    format: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    is_primary_key: bool = False
    initial_output_column_id: int | None = None

    @classmethod
    def of(cls, column: OutputColumn) -> OutputColumnSpec:
        """Want a column as it is."""
        return cls(
            field_name=column.field_name,
            display_name=column.display_name,
            expr=column.transform.expr,
            position=column.position,
            description=column.description,
            format=column.format,
            flags=column.flags,
            is_primary_key=column.is_primary_key,
            initial_output_column_id=column.id,
        )

    @classmethod
    def of_config_column(cls, body: Mapping[str, Any]) -> OutputColumnSpec:
        """Read a column of a config."""
        field_name = text(body.get("field_name")) or ""
        return cls(
            field_name=field_name,
            display_name=text(body.get("display_name")) or field_name,
            expr=text(body.get("transform_expr")) or "",
            position=integer(body.get("position")),
            description=text(body.get("description")) or "",
            format=mapping(body.get("format")),
            flags=tuple(sorted(strings(body.get("flags")))),
            is_primary_key=body.get("is_primary_key") is True,
        )

    def to_json(self, position: int) -> dict[str, Any]:
        """The column in the request for a new output schema."""
        body = {
            "field_name": self.field_name,
            "display_name": self.display_name,
            "position": position,
            "description": self.description,
            "format": dict(self.format),
            "flags": list(self.flags),
            "is_primary_key": self.is_primary_key,
            "transform": {"transform_expr": self.expr},
        }
        if self.initial_output_column_id is not None:
            body["initial_output_column_id"] = self.initial_output_column_id
        return body

    def to_config_json(self) -> dict[str, Any]:
        """The column in a config."""
        return {
            "field_name": self.field_name,
            "display_name": self.display_name,
            "transform_expr": self.expr,
            "description": self.description,
            "format": dict(self.format),
            "flags": list(self.flags),
            "is_primary_key": self.is_primary_key,
        }


Columns = Iterable[OutputColumn | OutputColumnSpec]
Specs = tuple[OutputColumnSpec, ...]


def specs(columns: Columns) -> Specs:
    """Want columns as they are."""
    return tuple(
        column if isinstance(column, OutputColumnSpec) else OutputColumnSpec.of(column) for column in columns
    )


def with_expression(columns: Columns, field_name: str, expr: str) -> Specs:
    """Make one column by another transform.

    :raises ConfigurationError: if there is no such column.
    """
    return _changed(specs(columns), field_name, expr=expr)


def with_column(columns: Columns, column: OutputColumnSpec) -> Specs:
    """Add a column at the end.

    :raises ConfigurationError: if there is a column of this field name already.
    """
    wanted = specs(columns)
    if any(known.field_name == column.field_name for known in wanted):
        raise ConfigurationError(f"there is a column {column.field_name!r} already")
    return (*wanted, column)


def without_column(columns: Columns, field_name: str) -> Specs:
    """Leave one column out.

    :raises ConfigurationError: if there is no such column.
    """
    wanted = specs(columns)
    _find(wanted, field_name)
    return tuple(column for column in wanted if column.field_name != field_name)


def with_row_identifier(columns: Columns, field_name: str | None) -> Specs:
    """Let one column, or None, identify rows. Ask ``schemas.validate_row_identifier`` first.

    :raises ConfigurationError: if there is no such column.
    """
    wanted = specs(columns)
    if field_name is not None:
        _find(wanted, field_name)
    return tuple(replace(column, is_primary_key=column.field_name == field_name) for column in wanted)


def renamed(
    columns: Columns, field_name: str, *, to: str | None = None, display_name: str | None = None
) -> Specs:
    """Give one column another field name, display name, or both.

    :raises ConfigurationError: if there is no such column, or another one has the new field name.
    """
    wanted = specs(columns)
    if to is not None and to != field_name and any(column.field_name == to for column in wanted):
        raise ConfigurationError(f"there is a column {to!r} already")
    changes = {key: value for key, value in (("field_name", to), ("display_name", display_name)) if value}
    return _changed(wanted, field_name, **changes)


def _changed(columns: Specs, name: str, /, **changes: Any) -> Specs:
    _find(columns, name)
    return tuple(replace(column, **changes) if column.field_name == name else column for column in columns)


def _find(columns: Sequence[OutputColumnSpec], field_name: str) -> OutputColumnSpec:
    for column in columns:
        if column.field_name == field_name:
            return column
    near = difflib.get_close_matches(field_name, [column.field_name for column in columns], n=3)
    hint = f"; near it: {', '.join(map(repr, near))}" if near else ""
    raise ConfigurationError(f"there is no column {field_name!r}{hint}")
