"""From a source's bytes, or another view's rows, to input schemas and their default output schemas."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.building import build, complete
from airflow_socrata.emulator.dsmapi.defaults import default_columns
from airflow_socrata.emulator.dsmapi.model import InputField, InputSchema, Row, Source
from airflow_socrata.emulator.dsmapi.parsing import UnparsableFile, parse_file
from airflow_socrata.emulator.types.names import GEOMETRIES, NUMBERS, OBJECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_socrata.emulator.dsmapi.parsing import Layer
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import Column, Copy, View


def ingest(portal: Portal, source: Source, exchange: Exchange) -> None:
    """Read the bytes that a source has; what cannot be read is the source's failure."""
    upload = source.upload
    if upload is None:
        return
    source.content_type = upload.content_type
    source.filesize = upload.path.stat().st_size
    source.looks = portal.switches.parse_looks
    broken = exchange.fault("parse_failure")
    if broken is not None:
        _fail(portal, source, broken.args["message"], broken.args["key"])
        return
    if not source.options.parse_source:
        source.finished_at = portal.clock.now()
        if source.revision is not None:
            source.revision.blob_id = source.id
        return
    fails = exchange.fault("transform_failure")
    source.transform_fails = fails.args["message"] if fails is not None else None
    try:
        parsed = parse_file(upload.path, source.filename, upload.content_type, source.options)
        made = [_of_layer(portal, source, layer) for layer in parsed.layers]
        _offer(portal, source, made)
    except UnparsableFile as error:
        _fail(portal, source, error.message, error.key)
    except Exception:
        # Nothing may stay at work for ever; the request says 500.
        _fail(portal, source, "Internal error", "internal_error")
        raise
    else:
        source.finished_at = portal.clock.now()


def _fail(portal: Portal, source: Source, message: str, key: str) -> None:
    source.failed_at = portal.clock.now()
    source.failure = {"message": message, "key": key}


def _of_layer(portal: Portal, source: Source, layer: Layer) -> InputSchema:
    fields = tuple(
        InputField(
            portal.desk.number(),
            each.field_name,
            each.display_name,
            each.position,
            each.soql_type,
            each.guessed_type,
        )
        for each in layer.columns
    )
    schema = _schema(portal, source, fields, layer.rows, layer.total_rows)
    schema.name = layer.name
    schema.row_errors = tuple((each.offset, each.message) for each in layer.row_errors)
    return schema


def _schema(
    portal: Portal,
    source: Source,
    fields: tuple[InputField, ...],
    rows: Callable[[], Iterator[Row]],
    total: int,
) -> InputSchema:
    return InputSchema(
        portal.desk.number(),
        source,
        None,
        fields,
        rows,
        total,
        (),
        portal.clock.now(),
        looks=portal.switches.total_rows_null_looks,
    )


def _offer(portal: Portal, source: Source, made: list[InputSchema]) -> None:
    """Make the schemas known, each with its default output schema."""
    offer_defaults(portal, source, made)
    source.schemas = [*source.schemas, *made]


def offer_defaults(portal: Portal, source: Source, schemas: list[InputSchema]) -> None:
    """Make default output schemas; that of the first layer is the revision's."""
    for schema in schemas:
        build(portal, schema, default_columns(portal, schema), [], source.user_id)
    if source.revision is not None and schemas:
        with portal.desk.lock:
            source.revision.output_schema_id = schemas[0].output_schemas[-1].id
            source.revision.updated_at = portal.clock.now()


def follow_view(portal: Portal, source: Source) -> None:
    """Give a view source the view's columns; its rows are read when they are asked for."""
    view = source.view
    if view is None:
        return
    fields = _fields(portal, view.copy.columns)
    schema = _schema(portal, source, fields, _rows_of(portal, source, view), view.copy.rows)
    _offer(portal, source, [schema])
    if source.kind.get("loaded") or portal.switches.view_source_finished:
        source.finished_at = portal.clock.now()


def _fields(portal: Portal, columns: list[Column]) -> tuple[InputField, ...]:
    return tuple(
        InputField(portal.desk.number(), each.field_name, each.name, position, each.kind, each.kind)
        for position, each in enumerate(columns, 1)
    )


def load_view(portal: Portal, source: Source) -> None:
    """Read the rows of a view source."""
    if source.view is None or source.kind.get("loaded"):
        return
    source.kind["loaded"] = True
    source.finished_at = portal.clock.now()
    for schema in source.schemas:
        schema.total_rows = source.view.copy.rows
        for output in schema.output_schemas:
            complete(portal, output)


def _rows_of(portal: Portal, source: Source, view: View) -> Callable[[], Iterator[Row]]:
    def rows() -> Iterator[Row]:
        if source.archived is not None:
            yield from _table_rows(view, source.archived)
            return
        with view.dataset.read_from(view, portal.clock.now(), truth=True) as (copy, _):
            yield from _table_rows(view, copy)

    return rows


def _table_rows(view: View, copy: Copy) -> Iterator[Row]:
    names = ", ".join(["sid", *(column.sql for column in copy.columns)])
    readers = [_reader(column.kind) for column in copy.columns]
    with view.dataset.database.reading() as connection:
        for _, *cells in connection.execute(f"SELECT {names} FROM {copy.table} ORDER BY sid"):  # noqa: S608
            yield tuple(
                None if cell is None else read(cell) for read, cell in zip(readers, cells, strict=True)
            )


def _reader(kind: str) -> Callable[[Any], Any]:
    """Return what turns a stored value into the value that expressions work on."""
    if kind in NUMBERS:
        return Decimal
    if kind == "checkbox":
        return bool
    if kind in GEOMETRIES or kind in OBJECTS:
        return json.loads
    return lambda value: value


def restore_copy(portal: Portal, source: Source, view: View, archived: Copy) -> None:
    """Give a source the rows of an archived copy, as they were."""
    source.view, source.archived = view, archived
    fields = _fields(portal, archived.columns)
    schema = _schema(portal, source, fields, _rows_of(portal, source, view), archived.rows)
    _offer(portal, source, [schema])
    source.finished_at = portal.clock.now()
