"""Whole exports of a view: ``/api/views/{id}/rows.{csv,json,rdf,tsv,xml}``."""

from __future__ import annotations

import calendar
import time
import uuid
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.queries import whole_query
from airflow_socrata.emulator.edge.reading import (
    SYSTEM_NEW,
    SYSTEM_OLD,
    TYPES,
    objects_of,
    query_of_all,
    run,
    table_bytes,
    writers,
)
from airflow_socrata.emulator.edge.view_json import view_json
from airflow_socrata.emulator.edge.xml_rows import rdf_rows, xml_rows
from airflow_socrata.emulator.errors import core_error
from airflow_socrata.emulator.soql.compiling import Compiled, Compiler
from airflow_socrata.emulator.soql.parsing import Query

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import Copy, View

#: The fields that lead every row of ``rows.json``, and their places among the columns.
META_FIELDS = (
    ":sid",
    ":id",
    ":position",
    ":created_at",
    ":created_meta",
    ":updated_at",
    ":updated_meta",
    ":meta",
)


def export(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /api/views/{id}/rows.{format}``: everything, from the truth; headers are display names."""
    view = portal.view(exchange.part()[0], exchange.user)
    suffix = exchange.parts["suffix"]
    if suffix not in TYPES or suffix == "geojson":
        raise core_error(406, "not_acceptable", f"Cannot write rows as {suffix}")
    soql = exchange.first("query")
    system = SYSTEM_NEW if view.dataset.new_backend else SYSTEM_OLD
    with view.dataset.read_from(view, portal.clock.now(), truth=True) as (copy, _):
        query = _query(soql, suffix, system)
        compiled = Compiler(copy, view.dataset.row_ids, system).compile(query)
        rows = run(view, compiled)
        names = display_names(copy, compiled)
    if suffix == "json":
        return Reply.of(_arrays(portal, exchange, view, compiled, rows, with_system=soql is None))
    if suffix in {"csv", "tsv"}:
        made = writers(view, compiled, plain_ids=False, as_csv=True)
        body = table_bytes(names, rows, made, "," if suffix == "csv" else "\t")
        if exchange.first("bom") == "true":
            body = b"\xef\xbb\xbf" + body
        return Reply(
            200, body, TYPES[suffix], {"Content-Disposition": f"attachment; filename={view.id}.{suffix}"}
        )
    made = writers(view, compiled, plain_ids=False, as_csv=False)
    objects = objects_of(compiled.fields, rows, made)
    body = xml_rows(objects) if suffix == "xml" else rdf_rows(view.id, objects)
    return Reply(200, body, TYPES[suffix])


def _query(soql: str | None, suffix: str, system: tuple[str, ...]) -> Query:
    if soql is not None:
        return whole_query(soql, default_limit=None)
    return query_of_all(system) if suffix in {"json", "xml", "rdf"} else Query()


def display_names(copy: Copy, compiled: Compiled) -> list[str]:
    """Return what people call the fields of a query."""
    columns = {column.field_name: column.name for column in copy.columns}
    return [columns.get(name, name) for name in compiled.fields]


def _arrays(
    portal: Portal,
    exchange: Exchange,
    view: View,
    compiled: Compiled,
    rows: list[tuple[Any, ...]],
    *,
    with_system: bool,
) -> dict[str, Any]:
    """Return rows as arrays behind the view; each led by the eight fields of the system."""
    made = writers(view, compiled, plain_ids=not view.dataset.new_backend, as_csv=False)
    data = [
        [None if v is None else v if w is None else w(v) for v, w in zip(row, made, strict=True)]
        for row in rows
    ]
    shown = view_json(portal, view, exchange.user)
    if with_system:
        data = [_led(dict(zip(compiled.fields, row, strict=True)), row, compiled) for row in data]
        shown["columns"] = [*(_meta_column(name) for name in META_FIELDS), *shown["columns"]]
    else:
        shown["columns"] = [{"id": -1, "name": name, "fieldName": name} for name in compiled.fields]
    return {"meta": {"view": shown}, "data": data}


def _led(named: dict[str, Any], row: list[Any], compiled: Compiled) -> list[Any]:
    system = sum(name.startswith(":") for name in compiled.fields)
    return [*meta_values(named), *row[system:]]


def meta_values(row: dict[str, Any]) -> list[Any]:
    """Return the eight fields of the system of a row that is given with ``:id`` and both times."""
    name = uuid.uuid5(uuid.NAMESPACE_OID, str(row[":id"]))
    created, updated = _epoch(row[":created_at"]), _epoch(row[":updated_at"])
    return [row[":id"], str(name).upper(), 0, created, None, updated, None, "{ }"]


def _epoch(stamp: str) -> int:
    return calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))


def _meta_column(name: str) -> dict[str, Any]:
    return {
        "id": -1,
        "name": name[1:],
        "dataTypeName": "meta_data",
        "fieldName": name,
        "position": 0,
        "renderTypeName": "meta_data",
        "format": {},
        "flags": ["hidden"],
    }


TABLE = (("/api/views/{view_id}/rows.{suffix}", "GET", export),)
