"""The output schema that the portal offers by itself.

In this order: the config's columns; the columns that the dataset has, by the expressions last applied to it;
the types guessed from the cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.building import ColumnSpec
from airflow_socrata.emulator.dsmapi.parsing import InputColumn
from airflow_socrata.emulator.dsmapi.transforms import CompileError, compile_transform, default_expr
from airflow_socrata.emulator.types import canonical_type, soda_type

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.model import InputField, InputSchema
    from airflow_socrata.emulator.edge.portal import Portal
    from airflow_socrata.emulator.store.model import Column, View

# What a type that has no cast of its own is filled from.
_FILLED_FROM = {"boolean": "checkbox", "floating_timestamp": "calendar_date", "fixed_timestamp": "date"} | {
    "double": "number",
    **dict.fromkeys(("phone", "document", "datestamp", "time"), "text"),
}
_CASTS = {
    "checkbox": "to_checkbox",
    "calendar_date": "to_floating_timestamp",
    "date": "to_fixed_timestamp",
}


def default_columns(portal: Portal, schema: InputSchema) -> list[ColumnSpec]:
    """Return the columns of the default output schema."""
    revision = schema.source.revision
    config = portal.desk.configs.get(revision.config or "") if revision is not None else None
    if config is not None and config.columns:
        return [_of_config(portal, schema, column) for column in config.columns]
    view = portal.store.find(revision.view_id) if revision is not None else None
    if schema.source.archived is not None:
        return _identities(schema, schema.source.archived.columns, schema.source.archived.row_identifier)
    if schema.source.view is not None:
        seen = schema.source.view.copy
        return _identities(schema, seen.columns, seen.row_identifier)
    if view is not None and view.copy.columns:
        return _of_dataset(portal, schema, view)
    return [_guessed(each) for each in schema.fields]


def _guessed(each: InputField) -> ColumnSpec:
    return ColumnSpec(each.field_name, each.display_name, default_expr(_input(each, each.guessed_type)))


def _input(each: InputField, kind: str) -> InputColumn:
    return InputColumn(each.field_name, each.display_name, each.position, kind, each.soql_type)


def _identities(schema: InputSchema, columns: list[Column], identifier: int | None) -> list[ColumnSpec]:
    return [
        _spec(column, f"`{column.field_name}`", column.table_column_id == identifier) for column in columns
    ]


def _spec(column: Column, expr: str, is_primary_key: bool) -> ColumnSpec:
    return ColumnSpec(
        column.field_name,
        column.name,
        expr,
        column.description,
        dict(column.format),
        tuple(column.flags),
        is_primary_key,
    )


def _of_config(portal: Portal, schema: InputSchema, column: dict[str, Any]) -> ColumnSpec:
    expr = str(column["transform_expr"])
    if not _compiles(schema, expr):
        # The file lacks what the expression reads.
        revision = schema.source.revision
        view = portal.store.find(revision.view_id) if revision is not None else None
        known = view.copy.column(column["field_name"]) if view is not None else None
        expr = null_of(known.kind if known is not None else "text")
    return ColumnSpec(
        column["field_name"],
        column["display_name"],
        expr,
        column.get("description") or "",
        dict(column.get("format") or {}),
        tuple(column.get("flags") or ()),
        bool(column.get("is_primary_key")),
    )


def _of_dataset(portal: Portal, schema: InputSchema, view: View) -> list[ColumnSpec]:
    applied = portal.desk.applied.get(view.dataset.group, {})
    return [
        _spec(
            column, _expression(schema, column, applied), column.table_column_id == view.copy.row_identifier
        )
        for column in view.copy.columns
    ]


def _expression(schema: InputSchema, column: Column, applied: dict[str, str]) -> str:
    """Return what fills a column of the dataset from this file; a column that the file lacks is null."""
    last = applied.get(column.field_name)
    if last is not None and _compiles(schema, last, column.kind):
        return last
    for each in schema.fields:
        if each.field_name == column.field_name or each.display_name == column.name:
            return default_expr(_input(each, filled_from(column.kind)))
    return null_of(column.kind)


def _compiles(schema: InputSchema, expr: str, kind: str | None = None) -> bool:
    try:
        made = compile_transform(expr, schema.types)
    except CompileError:
        return False
    return kind is None or fills(made.output_type, kind)


def filled_from(kind: str) -> str:
    """Return the type that expressions give for a column of some type."""
    plain = soda_type(kind)
    return _FILLED_FROM.get(plain, plain)


def fills(output_type: str, kind: str) -> bool:
    """Tell whether what an expression gives may go into a column of some type."""
    return kind == output_type or filled_from(canonical_type(output_type) or "text") == filled_from(kind)


def null_of(kind: str) -> str:
    """Return an expression that is null, of a type."""
    plain = filled_from(kind)
    return f"{_CASTS.get(plain, 'to_' + plain)}(null)"
