"""Reading rows: ``/resource`` with SoQL, one row, and whole exports."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import sqlite3
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.clock import http_date
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.queries import query_of
from airflow_socrata.emulator.edge.xml_rows import rdf_rows, xml_rows
from airflow_socrata.emulator.errors import core_error, soda_error
from airflow_socrata.emulator.soql.compiling import Compiled, Compiler
from airflow_socrata.emulator.soql.errors import malformed, query_error
from airflow_socrata.emulator.soql.parsing import Query
from airflow_socrata.emulator.types import csv_writer, from_csv, json_writer, soda_type
from airflow_socrata.emulator.types.names import GEOMETRIES, NUMBERS, BadValue
from airflow_socrata.emulator.types.reading import identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import Copy, View

_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
TYPES = {
    "json": "application/json;charset=utf-8",
    "csv": "text/csv;charset=utf-8",
    "tsv": "text/tab-separated-values;charset=utf-8",
    "geojson": "application/vnd.geo+json;charset=utf-8",
    "xml": "application/xml;charset=utf-8",
    "rdf": "application/rdf+xml;charset=utf-8",
}
SYSTEM_NEW = (":id", ":version", ":created_at", ":updated_at")
SYSTEM_OLD = (":id", ":created_at", ":updated_at")


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /resource/{id}``."""
    view_id, suffix = exchange.part()
    view = portal.rows_view(view_id, exchange.user)
    suffix = _wanted_format(exchange, suffix)
    if suffix not in TYPES:
        raise core_error(406, "not_acceptable", f"Cannot write rows as {suffix}")
    now = portal.clock.now()
    view.dataset.settle(view, now, poll=True)
    with view.dataset.read_from(view, now) as (copy, stale):
        system = SYSTEM_NEW if view.dataset.new_backend else SYSTEM_OLD
        compiler = Compiler(copy, view.dataset.row_ids, system)
        compiled = compiler.compile(query_of(exchange, copy, system))
        headers = _headers(view, copy, compiled, exchange, stale=stale)
        if exchange.headers.get("if-none-match") == headers["ETag"]:
            return Reply(304, b"", headers=headers)
        check_match(exchange, headers["ETag"])
        rows = run(view, compiled)
    body = written(view, compiled, rows, suffix, _plain_ids(exchange, view))
    return Reply(200, body, TYPES[suffix], headers)


def run(view: View, compiled: Compiled) -> list[tuple[Any, ...]]:
    """Return the rows of a compiled query.

    :raises PortalError: 400 when the database refuses the query.
    """
    try:
        with view.dataset.database.reading() as connection:
            return connection.execute(compiled.sql, compiled.parameters).fetchall()
    except sqlite3.OperationalError as error:
        raise malformed(str(error)) from None


def _wanted_format(exchange: Exchange, suffix: str) -> str:
    # Without a suffix in the path the Accept header chooses.
    if "." in exchange.parts["view_id"] or "accept" not in exchange.headers:
        return suffix
    accept = exchange.headers["accept"].lower()
    return next(
        (name for name in ("csv", "geojson") if name in accept.replace("vnd.geo+json", "geojson")), suffix
    )


def _plain_ids(exchange: Exchange, view: View) -> bool:
    return not view.dataset.new_backend or exchange.first("$$obfuscate_id") == "false"


def writers(
    view: View, compiled: Compiled, *, plain_ids: bool, as_csv: bool
) -> list[Callable[[Any], Any] | None]:
    """Return what turns each stored value of a row into its public form; None where it is that already."""
    made: list[Callable[[Any], Any] | None] = []
    ids = view.dataset.row_ids
    for kind in compiled.kinds:
        if kind in {"row_identifier", "row_version"}:
            prefix = "row" if kind == "row_identifier" else "rv"
            made.append(int if plain_ids else partial(ids.text, prefix=prefix))
        elif kind in NUMBERS:
            made.append(plain_number)
        else:
            made.append(csv_writer(kind) if as_csv else json_writer(kind))
    return made


def plain_number(value: Any) -> str:
    """Return a number as the text that readers get."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}".removesuffix(".0") if math.isfinite(value) else str(value)
    return str(value)


def written(
    view: View, compiled: Compiled, rows: list[tuple[Any, ...]], suffix: str, plain_ids: bool
) -> bytes:
    """Return rows as the body of a reply."""
    if suffix in {"csv", "tsv"}:
        made = writers(view, compiled, plain_ids=plain_ids, as_csv=True)
        return table_bytes(compiled.fields, rows, made, "," if suffix == "csv" else "\t")
    made = writers(view, compiled, plain_ids=plain_ids, as_csv=False)
    objects = objects_of(compiled.fields, rows, made)
    if suffix == "geojson":
        return _geojson(compiled, objects)
    if suffix in {"xml", "rdf"}:
        return xml_rows(objects) if suffix == "xml" else rdf_rows(view.id, objects)
    # Rows are parted by line break and comma, as the portal writes them.
    return ("[" + "\n,".join(map(_ENCODE, objects)) + "]\n").encode("utf-8", "surrogatepass")


def objects_of(
    fields: list[str], rows: list[tuple[Any, ...]], made: list[Callable[[Any], Any] | None]
) -> list[dict[str, Any]]:
    """Return rows as objects; null fields are left out."""
    if not any(made):
        return [{n: v for n, v in zip(fields, row, strict=True) if v is not None} for row in rows]
    plan = list(zip(fields, made, strict=True))
    return [
        {
            name: value if write is None else write(value)
            for (name, write), value in zip(plan, row, strict=True)
            if value is not None
        }
        for row in rows
    ]


def table_bytes(
    header: list[str], rows: list[tuple[Any, ...]], made: list[Callable[[Any], Any] | None], separator: str
) -> bytes:
    """Return rows as CSV or TSV: every cell quoted, null is nothing."""

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = [separator.join(quoted(name) for name in header)]
    for row in rows:
        cells = (
            "" if value is None else quoted(str(value if write is None else write(value)))
            for value, write in zip(row, made, strict=True)
        )
        lines.append(separator.join(cells))
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")


def _geojson(compiled: Compiled, objects: list[dict[str, Any]]) -> bytes:
    shape = next(
        (n for n, kind in zip(compiled.fields, compiled.kinds, strict=True) if kind in GEOMETRIES), None
    )
    features = []
    for each in objects:
        geometry = each.pop(shape, None) if shape else None
        features.append({"type": "Feature", "geometry": geometry, "properties": each})
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    return _ENCODE({"type": "FeatureCollection", "features": features, "crs": crs}).encode()


def _headers(
    view: View, copy: Copy, compiled: Compiled, exchange: Exchange, *, stale: bool
) -> dict[str, str]:
    tag = base64.urlsafe_b64encode(
        f"emulator.{view.dataset.group}_{copy.number}_{copy.version}".encode()
    ).decode()
    digest = hashlib.sha256(repr((exchange.query, exchange.headers.get("accept"))).encode()).hexdigest()[:16]
    headers = {
        "ETag": f'"{tag.rstrip("=")}---{digest}"',
        "Last-Modified": http_date(copy.modified_at),
        "X-SODA2-Data-Out-Of-Date": "true" if stale else "false",
        "X-SODA2-Truth-Last-Modified": http_date(view.copy.modified_at),
        "X-SODA2-Secondary-Last-Modified": http_date(copy.modified_at),
        "X-SODA2-Fields": json.dumps(compiled.fields),
        "X-SODA2-Types": json.dumps([soda_type(kind) for kind in compiled.kinds]),
    }
    if exchange.first("$$row_count") is not None:
        headers["X-SODA2-Row-Count"] = str(copy.rows)
    return headers


def read_row(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /resource/{id}/{row}``; the ETag is made of the row's version."""
    view = portal.rows_view(exchange.part()[0], exchange.user)
    text = exchange.parts["row"].removesuffix(".json")
    row = stored_row(portal, view, row_key(view, text))
    if row is None:
        raise no_row(text)
    tag = hashlib.sha256(f"{view.dataset.group} {text} {row.get(':updated_at')} {row}".encode()).hexdigest()
    headers = {"ETag": f'"{tag[:24]}"'}
    if exchange.headers.get("if-none-match") == headers["ETag"]:
        return Reply(304, b"", headers=headers)
    check_match(exchange, headers["ETag"])
    if not portal.switches.one_row_system_fields:
        row = {name: value for name, value in row.items() if not name.startswith(":")}
    return Reply.of(row, 200, **headers)


def check_match(exchange: Exchange, tag: str) -> None:
    """Refuse a read of what has changed since.

    :raises PortalError: 412.
    """
    if exchange.headers.get("if-match") not in {None, "*", tag}:
        raise soda_error(412, "precondition-failed", "The entity has another version")


def row_key(view: View, text: str) -> Any:
    """Return the stored form of a row's identifier, or its row id, as an address names it; None for none."""
    identifier = view.copy.identifier
    if identifier is None:
        return int(text) if text.isdigit() else view.dataset.row_ids.counter(text)
    try:
        return identity(identifier.kind, from_csv(identifier.kind, [text]))[0]
    except BadValue:
        return None


def stored_row(
    portal: Portal, view: View, wanted: Any, *, by_sid: bool = False, truth: bool = False
) -> dict[str, Any] | None:
    """Return one stored row with its system fields, None if there is none.

    :param wanted: its identifier, or its row id where the dataset has none.
    :param by_sid: it is the row id in any case.
    :param truth: past replicas that lag.
    """
    with view.dataset.read_from(view, portal.clock.now(), truth=truth) as (copy, _):
        system = SYSTEM_NEW if view.dataset.new_backend else SYSTEM_OLD
        everything = Query(select=query_of_all(system).select)
        compiled = Compiler(copy, view.dataset.row_ids, system).compile(everything)
        by_sid = by_sid or view.copy.identifier is None
        number = view.dataset.row_ids.counter(wanted) if by_sid and isinstance(wanted, str) else wanted
        sql = compiled.sql.replace(" LIMIT -1", f" WHERE {'sid' if by_sid else 'rid'} = ? LIMIT -1")
        found = run(view, Compiled(sql, [number], compiled.fields, compiled.kinds))
    made = writers(view, compiled, plain_ids=not view.dataset.new_backend, as_csv=False)
    return objects_of(compiled.fields, found, made)[0] if found else None


def query_of_all(system: tuple[str, ...]) -> Query:
    """Return the query for all columns with the system fields."""
    from sqlglot import exp

    names = tuple(exp.column(exp.to_identifier(name, quoted=True)) for name in system)
    return Query(select=(*names, exp.Star()))


def no_row(wanted: str) -> Exception:
    """Return the 404 of an absent row."""
    return soda_error(404, "soda.row.not-found", f"Row not found: {wanted}", {"value": wanted})


__all__ = ["check_match", "no_row", "query_error", "read", "read_row", "row_key", "stored_row"]
