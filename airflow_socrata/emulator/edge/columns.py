"""Columns of a view: from what a client sends to the store, and the column calls."""

from __future__ import annotations

import itertools
import re
from functools import partial
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
        if portal.switches.duplicate_field_name == "refuse":
            raise invalid_request(f"Duplicate field name: {field_name}")
        field_name = next(f"{field_name}_{n}" for n in itertools.count(1) if f"{field_name}_{n}" not in taken)
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
        computation=dict(spec.get("computationStrategy") or {}) or None,
    )


def find_column(columns: Sequence[Column], wanted: Any) -> Column | None:
    """Return the column that a client names by field name or by id."""
    text = str(wanted)
    for column in columns:
        if column.field_name == text or str(column.id) == text:
            return column
    return None


def set_identifier(portal: Portal, view: View, wanted: Any, *, in_creation: bool = False) -> None:
    """Set, change or remove the row identifier. The caller holds the write lock.

    :param in_creation: the column may be named in any way.
    :raises PortalError: 400 when there is no such column, its type does not do or values are not unique.
    """
    copy = view.copy
    if wanted in (None, "0", 0, ""):
        column = None
    else:
        find = find_column if in_creation else partial(_identifier_column, portal, view)
        column = find(copy.columns, wanted)
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


def _identifier_column(portal: Portal, view: View, columns: Sequence[Column], wanted: Any) -> Column | None:
    """Return the column that a client names as row identifier, in the form that this portal takes."""
    if portal.switches.row_identifier_takes == "both":
        return find_column(columns, wanted)
    if view.dataset.new_backend:
        return view.copy.column(str(wanted))
    return next((column for column in columns if str(column.id) == str(wanted)), None)


def describe_columns(portal: Portal, view: View, specs: list[Any]) -> None:
    """Change the columns that a list names by id or field name; all of them are looked at first.

    On an unpublished view the list may also put the columns in order.
    """
    changes = []
    for spec in specs:
        if not isinstance(spec, dict):
            raise invalid_request("A column must be an object")
        column = find_column(view.copy.columns, spec.get("id", spec.get("fieldName")))
        if column is None:
            raise invalid_request(f"Cannot find column {spec.get('id', spec.get('fieldName'))}")
        _check_change(portal, view, column, spec)
        changes.append((column, spec))
    for column, spec in changes:
        _describe(column, spec)
    places = {id(column): spec["position"] for column, spec in changes if "position" in spec}
    if view.stage == UNPUBLISHED and places:
        order = sorted(view.copy.columns, key=lambda each: places.get(id(each), each.position))
        _number(view, order)


def _check_change(portal: Portal, view: View, column: Column, spec: dict[str, Any]) -> None:
    """Refuse what no change of a column may do.

    :raises PortalError: 400 for a blank name, an illegal or taken field name, another type, a bad position.
    """
    if "name" in spec and not str(spec["name"] or "").strip():
        raise invalid_request("A column needs a name")
    field_name = spec.get("fieldName", column.field_name)
    if not isinstance(field_name, str) or not _FIELD_NAME.match(field_name):
        raise invalid_request(f"Illegal field name: {field_name}")
    if any(each is not column and each.field_name == field_name for each in view.copy.columns):
        raise invalid_request(f"Duplicate field name: {field_name}")
    kind = spec.get("dataTypeName", column.kind)
    if canonical_type(str(kind)) is None:
        raise invalid_request(f"Unknown data type: {kind}")
    if canonical_type(str(kind)) != column.kind and portal.switches.column_type_change == "refuse":
        raise invalid_request(f"Cannot change the type of column {column.field_name} to {kind}")
    for key in ("position", "width"):
        value = spec.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise invalid_request(f"{key} of column {column.field_name} must be a positive number")
    if not isinstance(spec.get("format") or {}, dict):
        raise invalid_request(f"format of column {column.field_name} must be an object")


def _describe(column: Column, spec: dict[str, Any]) -> None:
    column.name = str(spec.get("name", column.name))
    column.description = str(spec.get("description", column.description) or "")
    column.format = dict(spec.get("format", column.format) or {})
    column.width = spec.get("width", column.width)


def _number(view: View, order: Sequence[Column]) -> None:
    view.copy.columns = list(order)
    for position, column in enumerate(view.copy.columns, 1):
        column.position = position


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
        end = len(view.copy.columns) + 1
        made = [new_column(portal, spec, end + i, taken) for i, spec in enumerate(specs)]
        _check_computed(view, made)
        with view.dataset.database.transaction() as connection:
            for column in made:
                tables.add_column(connection, view.copy, column)
        order = [*view.copy.columns, *made]
        for column, spec in zip(made, specs, strict=True):
            _put_at(order, column, spec.get("position"))
        _number(view, order)
        view.modified_at = portal.clock.seconds()
    shown = [column_json(column) for column in made]
    return Reply.of(shown if many else shown[0])


def _put_at(order: list[Column], column: Column, position: Any) -> None:
    """Put a column at a position from 1; without one it stays."""
    if isinstance(position, int) and not isinstance(position, bool) and position >= 1:
        order.remove(column)
        order.insert(position - 1, column)


def _check_computed(view: View, made: Sequence[Column]) -> None:
    known = {column.field_name for column in (*view.copy.columns, *made)}
    for column in made:
        for source in _sources(column):
            if source not in known:
                raise soda_error(
                    400,
                    "soda.dataset.column-not-found",
                    f"Column not found: {source}",
                    {"column": source, "dataset": view.id},
                )


def _sources(column: Column) -> list[str]:
    """Return the field names of the columns that a column is computed from."""
    return [str(name) for name in (column.computation or {}).get("source_columns") or []]


def change_column(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /api/views/{id}/columns/{column}``: names, description, format, width, place; not the type."""
    view = _editable(portal, exchange, "update_column")
    body = exchange.json() or {}
    if not isinstance(body, dict):
        raise invalid_request("A column must be an object")
    with view.dataset.write_lock(portal.switches.write_lock_seconds, view.id):
        column = _column(view, exchange)
        _check_change(portal, view, column, body)
        _describe(column, body)
        former, column.field_name = column.field_name, str(body.get("fieldName", column.field_name))
        for each in view.copy.columns:
            if former in _sources(each) and each.computation is not None:
                names = [column.field_name if name == former else name for name in _sources(each)]
                each.computation = each.computation | {"source_columns": names}
        order = list(view.copy.columns)
        _put_at(order, column, body.get("position"))
        _number(view, order)
        view.modified_at = portal.clock.seconds()
    return Reply.of(column_json(column))


def drop_column(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /api/views/{id}/columns/{column}``."""
    view = _editable(portal, exchange, "remove_column")
    with view.dataset.write_lock(portal.switches.write_lock_seconds, view.id):
        column = _column(view, exchange)
        if column.table_column_id == view.copy.row_identifier:
            raise soda_error(
                400, "soda.column.cannot-delete-row-identifier", "Cannot delete the row identifier"
            )
        dependent = [each.field_name for each in view.copy.columns if column.field_name in _sources(each)]
        if dependent:
            raise soda_error(
                400,
                "soda.column-with-dependencies-not-deleteable",
                f"Cannot delete column {column.field_name}: {', '.join(dependent)} is computed from it",
                {"column": column.field_name, "dependencies": dependent},
            )
        with view.dataset.database.transaction() as connection:
            tables.drop_column(connection, view.copy, column)
        _number(view, [each for each in view.copy.columns if each is not column])
        view.modified_at = portal.clock.seconds()
    return Reply.of(column_json(column))


def _column(view: View, exchange: Exchange) -> Column:
    wanted = exchange.part("column")[0]
    column = find_column(view.copy.columns, wanted)
    if column is None:
        raise core_error(404, "not_found", f"Cannot find column {wanted}", {"id": wanted})
    return column
