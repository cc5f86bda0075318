"""Calls for the columns of an unpublished view, and for its row identifier (portal's Core API)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.models import Column
from airflow_socrata.client.parsing import nothing, object_of, refuse_error_object, shape, text
from airflow_socrata.client.views import merged_update, update_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_socrata.client.column_definitions import ColumnDefinition
    from airflow_socrata.client.models import View

#: What a change of a column may name, by the portal's own keys.
CHANGEABLE = ("name", "fieldName", "description", "format", "width", "position")
#: What stands for "no row identifier" in a view's metadata.
NO_IDENTIFIER = "0"


def _columns_path(view_id: str) -> str:
    return f"/api/views/{check_dataset_id(view_id)}/columns.json"


def _column_path(view_id: str, column: Column | str) -> str:
    """Address a column by its id, which a later column of the same field name never has."""
    name = column if isinstance(column, str) else str(column.id or column.field_name)
    if not name or not all(sign.isascii() and (sign.isalnum() or sign == "_") for sign in name):
        raise ConfigurationError(f"{name!r} is no field name and no id of a column")
    return f"/api/views/{check_dataset_id(view_id)}/columns/{name}"


def list_columns(view_id: str) -> Call[tuple[Column, ...]]:
    """List the columns of a view.

    :raises ConfigurationError: if ``view_id`` is no 4x4; so do all calls here.
    """
    return Call(CallKind.READ, "GET", _columns_path(view_id), _parse_columns, f"list columns of {view_id}")


def add_column(view_id: str, column: ColumnDefinition) -> Call[Column]:
    """Add a column to an unpublished view, empty in every row; without a position behind the others."""
    return Call(
        CallKind.PART,
        "POST",
        _columns_path(view_id),
        _parse_column,
        f"add column {column.field_name} to {view_id}",
        headers=JSON_TYPE,
        body=json.dumps(column.to_json(), allow_nan=False).encode(),
    )


def add_columns(view_id: str, columns: Sequence[ColumnDefinition]) -> Call[tuple[Column, ...]]:
    """Add several columns to an unpublished view in one call."""
    if not columns:
        raise ConfigurationError("there are no columns to add")
    names = ", ".join(column.field_name for column in columns)
    return Call(
        CallKind.PART,
        "POST",
        _columns_path(view_id),
        _parse_columns,
        f"add columns {names} to {view_id}",
        params=(("method", "multiCreate"),),
        headers=JSON_TYPE,
        body=json.dumps({"columns": [column.to_json() for column in columns]}, allow_nan=False).encode(),
    )


def change_column(view_id: str, column: Column | str, changes: Mapping[str, Any]) -> Call[Column]:
    """Change a column of an unpublished view; what ``changes`` lacks stays. A type cannot be changed.

    :param column: as the view shows it, or its field name or id.
    :param changes: by the portal's keys: name, fieldName, description, format, width, position.
    """
    unknown = [key for key in changes if key not in CHANGEABLE]
    if unknown or not changes:
        raise ConfigurationError(
            f"a change of a column names {', '.join(CHANGEABLE)}, not {', '.join(unknown) or 'nothing'}"
        )
    return Call(
        CallKind.METADATA,
        "PUT",
        _column_path(view_id, column),
        _parse_column,
        f"change column {_name(column)} of {view_id}",
        headers=JSON_TYPE,
        body=json.dumps(dict(changes), allow_nan=False).encode(),
    )


def drop_column(view_id: str, column: Column | str) -> Call[None]:
    """Drop a column of an unpublished view with its values.

    :param column: as the view shows it, or its field name or id.
    """
    return Call(
        CallKind.PART,
        "DELETE",
        _column_path(view_id, column),
        nothing,
        f"drop column {_name(column)} of {view_id}",
        if_absent="list the columns of the view: it has no such column (any more)",
    )


def order_columns(view: View, field_names: Sequence[str]) -> Call[View]:
    """Put the columns of an unpublished view into this order.

    :param view: as it is now.
    :param field_names: all of its columns.
    """
    known = {column.field_name: column for column in view.columns}
    if sorted(field_names) != sorted(known):
        raise ConfigurationError(
            f"the new order of {view.id} must name each of its columns once: {', '.join(known)}"
        )
    ordered = [
        {
            "id": known[name].id,
            "name": known[name].name,
            "fieldName": name,
            "dataTypeName": known[name].data_type_name,
            "position": place,
        }
        for place, name in enumerate(field_names, 1)
    ]
    return update_view(view.id, {"columns": ordered})


def set_row_identifier(view: View, field_name: str | None, *, by_id: bool = False) -> Call[View]:
    """Make a column the row identifier of an unpublished view, or let it have none.

    :param view: as it is now.
    :param field_name: None: no column identifies rows.
    :param by_id: name the column by its id, as the old back end does, instead of by its field name.
    :raises ConfigurationError: the view has no such column.
    """
    wanted: str | int = NO_IDENTIFIER
    if field_name is not None:
        column = next((each for each in view.columns if each.field_name == field_name), None)
        if column is None:
            raise ConfigurationError(f"{view.id} has no column {field_name!r} that could identify its rows")
        wanted = column.id if by_id and column.id is not None else field_name
    return merged_update(view, {"metadata": {"rowIdentifier": wanted}})


def _name(column: Column | str) -> str:
    return column if isinstance(column, str) else column.field_name


def _parse_column(reply: Reply) -> Column:
    return _column_of(object_of(reply, "a column"))


def _parse_columns(reply: Reply) -> tuple[Column, ...]:
    body = reply.json()
    if isinstance(body, dict):
        refuse_error_object(body)
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise UnreadableReply(f"expected an array of columns, got {shape(body)}")
    return tuple(_column_of(item) for item in body)


def _column_of(body: Mapping[str, Any]) -> Column:
    if text(body.get("fieldName")) is None:
        raise UnreadableReply("the column has no fieldName")
    return Column.from_json(body)
