"""Columns of a view: from what a client sends to the store, and the column calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.view_json import column_json
from airflow_socrata.emulator.errors import core_error, invalid_request, soda_error
from airflow_socrata.emulator.store import database as tables
from airflow_socrata.emulator.store.model import UNPUBLISHED, Column
from airflow_socrata.emulator.types import canonical_type
from airflow_socrata.emulator.types.names import IDENTIFIERS
from airflow_socrata.emulator.types.reading import identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View

_FIELD_NAME = re.compile(r"^[a-z_][a-z0-9_]*$")


def field_name_of(name: str) -> str:
    """Return the field name that the portal derives from a display name."""
    made = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "column"
    return "_" + made if made[0].isdigit() else made


def new_column(portal: Portal, spec: Any, position: int, taken: set[str]) -> Column:
    """Return a column made of what a client sent.

    :raises PortalError: 400 when name or type are missing or wrong, or the field name is taken.
    """
    if not isinstance(spec, dict):
        raise invalid_request("A column must be an object")
    name = spec.get("name") or spec.get("fieldName")
    if not isinstance(name, str) or not name.strip():
        raise invalid_request("A column needs a name")
    field_name = spec.get("fieldName") or field_name_of(name)
    if not isinstance(field_name, str) or not _FIELD_NAME.match(field_name):
        raise invalid_request(f"Illegal field name: {field_name}")
    if field_name in taken:
        raise invalid_request(f"Duplicate field name: {field_name}")
    kind = canonical_type(str(spec.get("dataTypeName", "text")))
    if kind is None:
        raise invalid_request(f"Unknown data type: {spec.get('dataTypeName')}")
    taken.add(field_name)
    return Column(
        id=portal.store.number(),
        table_column_id=portal.store.number(),
        name=name,
        field_name=field_name,
        kind=kind,
        position=position,
        description=str(spec.get("description") or ""),
        format=dict(spec.get("format") or {}),
        width=spec.get("width"),
        flags=list(spec.get("flags") or []),
    )


def find_column(columns: Sequence[Column], wanted: Any) -> Column | None:
    """Return the column that a client names by field name or by id."""
    text = str(wanted)
    for column in columns:
        if column.field_name == text or str(column.id) == text:
            return column
    return None


def set_identifier(portal: Portal, view: View, wanted: Any) -> None:
    """Set, change or remove the row identifier. The caller holds the write lock.

    :raises PortalError: 400 when there is no such column, its type does not do or values are not unique.
    """
    copy = view.copy
    if wanted in {None, "0", 0, ""}:
        column = None
    else:
        column = find_column(copy.columns, wanted)
        if column is None:
            raise soda_error(
                404, "soda.dataset.column-not-found", f"Column not found: {wanted}", {"column": str(wanted)}
            )
        if column.kind not in IDENTIFIERS:
            raise invalid_request(f"A column of type {column.kind} cannot be the row identifier")
        if column.table_column_id == copy.row_identifier:
            return
    dataset = view.dataset
    with dataset.database.transaction() as connection:
        tables.drop_index(connection, copy)
        connection.execute(f"UPDATE {copy.table} SET rid = NULL")  # noqa: S608
        if column is not None:
            found = connection.execute(f"SELECT sid, {column.sql} FROM {copy.table}").fetchall()  # noqa: S608
            keys = identity(column.kind, [value for _, value in found])
            if None in keys:
                raise invalid_request(
                    f"Column {column.field_name} has blank values and cannot be the row identifier"
                )
            if len(set(keys)) != len(keys):
                raise soda_error(
                    400,
                    "soda.column.not-unique",
                    f"Column {column.field_name} has duplicate values",
                    {"column": column.field_name},
                )
            connection.executemany(
                f"UPDATE {copy.table} SET rid = ? WHERE sid = ?",  # noqa: S608
                zip(keys, (sid for sid, _ in found), strict=True),
            )
            copy.row_identifier = column.table_column_id
            tables.create_index(connection, copy)
        else:
            copy.row_identifier = None


def describe_columns(view: View, specs: list[Any]) -> None:
    """Change names, descriptions and formats of the columns that a list names by id or field name."""
    for spec in specs:
        if not isinstance(spec, dict):
            raise invalid_request("A column must be an object")
        column = find_column(view.copy.columns, spec.get("id", spec.get("fieldName")))
        if column is None:
            raise invalid_request(f"Cannot find column {spec.get('id', spec.get('fieldName'))}")
        column.name = str(spec.get("name", column.name))
        column.description = str(spec.get("description", column.description) or "")
        column.format = dict(spec.get("format", column.format) or {})


def _editable(portal: Portal, exchange: Exchange, right: str) -> View:
    view = portal.view(exchange.part()[0], exchange.user, right)
    if view.stage != UNPUBLISHED:
        raise invalid_request("Columns can only be changed on an unpublished dataset")
    return view


def list_columns(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/{id}/columns``."""
    view = portal.view(exchange.part()[0], exchange.user)
    return Reply.of([column_json(column) for column in view.copy.columns])


def add_columns(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/views/{id}/columns``, one or with ``method=multiCreate`` several."""
    view = _editable(portal, exchange, "add_column")
    body = exchange.json()
    many = exchange.first("method") == "multiCreate"
    specs = body.get("columns") if many and isinstance(body, dict) else [body]
    if not isinstance(specs, list):
        raise invalid_request("columns must be an array")
    with view.dataset.write_lock(portal.switches.write_lock_seconds, view.id):
        taken = {column.field_name for column in view.copy.columns}
        first = len(view.copy.columns) + 1
        made = [new_column(portal, spec, first + i, taken) for i, spec in enumerate(specs)]
        with view.dataset.database.transaction() as connection:
            for column in made:
                tables.add_column(connection, view.copy, column)
        view.copy.columns = [*view.copy.columns, *made]
        view.modified_at = portal.clock.seconds()
    shown = [column_json(column) for column in made]
    return Reply.of(shown if many else shown[0])


def change_column(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/views/{id}/columns/{column}``: names, description, format; not the type."""
    view = _editable(portal, exchange, "update_column")
    column = _column(view, exchange)
    body = exchange.json() or {}
    if not isinstance(body, dict):
        raise invalid_request("A column must be an object")
    if "fieldName" in body and not _FIELD_NAME.match(str(body["fieldName"])):
        raise invalid_request(f"Illegal field name: {body['fieldName']}")
    with view.dataset.write_lock(portal.switches.write_lock_seconds, view.id):
        column.name = str(body.get("name", column.name))
        column.field_name = str(body.get("fieldName", column.field_name))
        column.description = str(body.get("description", column.description))
        column.format = dict(body.get("format", column.format))
        view.modified_at = portal.clock.seconds()
    return Reply.of(column_json(column))


def drop_column(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /api/views/{id}/columns/{column}``."""
    view = _editable(portal, exchange, "remove_column")
    column = _column(view, exchange)
    if column.table_column_id == view.copy.row_identifier:
        raise soda_error(400, "soda.column.cannot-delete-row-identifier", "Cannot delete the row identifier")
    with view.dataset.write_lock(portal.switches.write_lock_seconds, view.id):
        with view.dataset.database.transaction() as connection:
            tables.drop_column(connection, view.copy, column)
        view.copy.columns = [each for each in view.copy.columns if each is not column]
        for position, each in enumerate(view.copy.columns, 1):
            each.position = position
        view.modified_at = portal.clock.seconds()
    return Reply.of(column_json(column))


def _column(view: View, exchange: Exchange) -> Column:
    wanted = exchange.part("column")[0]
    column = find_column(view.copy.columns, wanted)
    if column is None:
        raise core_error(404, "not_found", f"Cannot find column {wanted}", {"id": wanted})
    return column
