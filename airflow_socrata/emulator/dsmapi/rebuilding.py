"""The next copy of a dataset: its columns as an output schema has them, and the rows that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.defaults import fills
from airflow_socrata.emulator.errors import soda_error
from airflow_socrata.emulator.store import database as tables
from airflow_socrata.emulator.store.model import Column
from airflow_socrata.emulator.types import BadValue, canonical_type, csv_writer, from_csv
from airflow_socrata.emulator.types.reading import identity

if TYPE_CHECKING:
    import sqlite3

    from airflow_socrata.emulator.dsmapi.model import OutputColumn, OutputSchema
    from airflow_socrata.emulator.edge.portal import Portal
    from airflow_socrata.emulator.store.model import Copy


def columns_of(portal: Portal, former: Copy, schema: OutputSchema) -> tuple[list[Column], Column | None]:
    """Return the columns that an output schema makes of a copy's, and the row identifier among them.

    A column with the field name and the type of one that is there, or that was renamed, is that column.
    """
    made: list[Column] = []
    identifier = None
    for position, each in enumerate(schema.columns, 1):
        column = _column(portal, former_column(portal, former, schema, each), each, position)
        made.append(column)
        if each.is_primary_key:
            identifier = column
    return made, identifier


def former_column(portal: Portal, former: Copy, schema: OutputSchema, each: OutputColumn) -> Column | None:
    """Return the column that an output column was: by its field name, or by the one before it was renamed."""
    old = former.column(each.field_name)
    if old is not None:
        return old
    taken = {column.field_name for column in schema.columns}
    names = [portal.desk.origin(each).field_name]
    if schema.input.source.view is not None:
        names.append(read_name(each) or "")
    return next((former.column(name) for name in names if name not in taken), None)


def read_name(column: OutputColumn) -> str | None:
    """Return the input column that an output column is, unchanged."""
    expr, inputs = column.transform.expr.strip(), column.transform.compiled.inputs
    return inputs[0] if len(inputs) == 1 and expr == f"`{inputs[0]}`" else None


def _column(portal: Portal, old: Column | None, each: OutputColumn, position: int) -> Column:
    kind = canonical_type(each.transform.compiled.output_type) or "text"
    same = old is not None and fills(kind, old.kind)
    return Column(
        id=portal.store.number(),
        table_column_id=old.table_column_id if same and old is not None else portal.store.number(),
        name=each.display_name,
        field_name=each.field_name,
        kind=old.kind if same and old is not None else kind,
        position=position,
        description=each.description,
        format=dict(each.format),
        width=old.width if old is not None else None,
        flags=list(each.flags),
    )


def carry_rows(connection: sqlite3.Connection, former: Copy, target: Copy) -> None:
    """Copy the rows of a copy into the next: columns that stay, and those that only change their type."""
    known = {column.table_column_id for column in former.columns}
    shared = [column.sql for column in target.columns if column.table_column_id in known]
    names = ", ".join(["sid", "ver", "created_at", "updated_at", *shared])
    connection.execute(f"INSERT INTO {target.table} ({names}) SELECT {names} FROM {former.table}")  # noqa: S608
    for column in target.columns:
        old = former.column(column.field_name)
        if old is not None and old.table_column_id != column.table_column_id:
            _convert(connection, former, old, target, column)


def _convert(connection: sqlite3.Connection, former: Copy, old: Column, target: Copy, column: Column) -> None:
    write = csv_writer(old.kind)
    found = connection.execute(
        f"SELECT sid, {old.sql} FROM {former.table} WHERE {old.sql} IS NOT NULL"  # noqa: S608
    ).fetchall()
    changed: list[tuple[Any, int]] = []
    for sid, value in found:
        try:
            changed.append((from_csv(column.kind, [write(value)])[0], sid))
        except BadValue:
            continue
    connection.executemany(f"UPDATE {target.table} SET {column.sql} = ? WHERE sid = ?", changed)  # noqa: S608


def fill_identifier(connection: sqlite3.Connection, target: Copy, column: Column) -> None:
    """Make a column the row identifier of a copy that nobody sees yet.

    :raises PortalError: values are missing or not unique.
    """
    found = connection.execute(f"SELECT sid, {column.sql} FROM {target.table}").fetchall()  # noqa: S608
    keys = identity(column.kind, [value for _, value in found])
    if None in keys or len(set(keys)) != len(keys):
        raise soda_error(
            400,
            "soda.column.not-unique",
            f"Column {column.field_name} cannot be the row identifier:"
            f" the dataset's rows have {'blank' if None in keys else 'duplicate'} values",
        )
    connection.executemany(
        f"UPDATE {target.table} SET rid = ? WHERE sid = ?",  # noqa: S608
        zip(keys, (sid for sid, _ in found), strict=True),
    )
    target.row_identifier = column.table_column_id
    tables.create_index(connection, target)
