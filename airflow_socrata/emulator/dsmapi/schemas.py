"""Schemas: what a file has, what becomes of it, its rows and errors."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi import links
from airflow_socrata.emulator.dsmapi.building import ColumnSpec, build
from airflow_socrata.emulator.dsmapi.calls import (
    body_of,
    input_schema_of,
    number_in,
    output_schema_of,
    paging,
    require_open,
    source_of,
)
from airflow_socrata.emulator.dsmapi.envelopes import (
    enveloped,
    input_schema_json,
    output_column_json,
    output_schema_json,
    transform_resource,
)
from airflow_socrata.emulator.dsmapi.errors import invalid, malformed, missing
from airflow_socrata.emulator.dsmapi.evaluating import check_identifier, erroneous, preview, row_json
from airflow_socrata.emulator.dsmapi.ingesting import load_view
from airflow_socrata.emulator.dsmapi.transforms import CellError
from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.model import InputSchema, OutputColumn, OutputSchema


def read_input(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /source/{id}/schema/{id}``."""
    return Reply.of(input_schema_json(input_schema_of(portal, exchange), look=True))


def create_output(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /source/{id}/schema/{id}``: a new output schema, which the revision then points at."""
    schema = input_schema_of(portal, exchange)
    source = schema.source
    require_open(portal, source.revision)
    body = body_of(exchange)
    columns = body.get("output_columns")
    if not isinstance(columns, list) or not columns:
        raise invalid(
            "output_columns can't be blank", "invalid_columns", details={"output_columns": "is blank"}
        )
    specs = [_spec(portal, each) for each in _in_order(columns)]
    fails = exchange.fault("transform_failure")
    if fails is not None:
        source.transform_fails = fails.args["message"]
    sort_bys = body.get("sort_bys") or []
    if not isinstance(sort_bys, list) or not all(isinstance(each, dict) for each in sort_bys):
        raise invalid("sort_bys must be an array of objects", "invalid_sort")
    sort_bys = [
        {"field_name": each.get("field_name"), "ascending": each.get("ascending") is not False}
        for each in sort_bys
    ]
    made = build(portal, schema, specs, sort_bys, portal.publisher(exchange).id)
    if source.is_unloaded_view and any(spec.expr.strip("`") not in schema.types for spec in specs):
        # Something is computed: that needs the rows.
        load_view(portal, source)
    with portal.desk.lock:
        if source.revision is not None and body.get("increment_revision") is not False:
            source.revision.output_schema_id = made.id
            source.revision.updated_at = portal.clock.now()
    return Reply.of(output_schema_json(made), 201)


def _in_order(columns: list[Any]) -> list[dict[str, Any]]:
    if not all(isinstance(each, dict) for each in columns):
        raise invalid("A column must be an object", "invalid_columns")
    # Counted from 0 or from 1, with gaps or doubles: only the order counts.
    return sorted(columns, key=lambda each: each["position"] if _is_number(each.get("position")) else 1 << 30)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _spec(portal: Portal, column: dict[str, Any]) -> ColumnSpec:
    field_name = column.get("field_name")
    transform = column.get("transform")
    expr = transform.get("transform_expr") if isinstance(transform, dict) else None
    details = {}
    if not isinstance(field_name, str) or not field_name:
        details["field_name"] = "can't be blank"
    if not isinstance(expr, str) or not expr.strip():
        details["transform_expr"] = "can't be blank"
    first = column.get("initial_output_column_id")
    if first is not None and not _is_number(first):
        details["initial_output_column_id"] = "is invalid"
    if details or not isinstance(field_name, str) or not isinstance(expr, str):
        key, words = next(iter(details.items()))
        raise invalid(f"{key} {words}", "invalid_columns", details=details)
    return ColumnSpec(
        field_name,
        str(column.get("display_name") or field_name),
        expr,
        str(column.get("description") or ""),
        dict(column.get("format") or {}),
        tuple(column.get("flags") or ()),
        column.get("is_primary_key") is True,
        first,
    )


def read_output(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/output/{id}``."""
    return Reply.of(output_schema_json(output_schema_of(portal, exchange), look=True))


def latest_output(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/output/latest``: the one with the greatest id."""
    schema = input_schema_of(portal, exchange)
    if not schema.output_schemas:
        raise missing("output schema", "latest")
    return Reply.of(output_schema_json(schema.output_schemas[-1], look=True))


def read_transform(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /source/{id}/transform/{id}``."""
    schema, column = _transform_of(portal, exchange)
    shown = transform_resource(schema, column, at_work=schema.completed_at is None)
    return Reply.of(enveloped(shown, links.transform_links(schema.input.source.id, column.transform.id)))


def _transform_of(portal: Portal, exchange: Exchange) -> tuple[OutputSchema, OutputColumn]:
    source = source_of(portal, exchange)
    number = number_in(exchange, "transform_id", "transform")
    for schema in (made for each in source.schemas for made in each.output_schemas):
        for column in schema.columns:
            if column.transform.id == number:
                return schema, column
    raise missing("transform", number)


def validate_row_identifier(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/transform/{id}/validate_row_identifier``: whether its values are unique."""
    schema, column = _transform_of(portal, exchange)
    return Reply.of(check_identifier(schema, column.transform))


def rows(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/rows/{id}``: a header, then rows."""
    schema = output_schema_of(portal, exchange)
    limit, offset = paging(exchange)
    return Reply.of([_header(schema), *preview(schema, limit, offset)])


def _header(schema: OutputSchema) -> dict[str, Any]:
    return {"output_columns": [output_column_json(schema, each, at_work=False) for each in schema.columns]}


def errors(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/errors/{id}``: a header, then the rows in which a cell failed; as CSV if asked."""
    schema = output_schema_of(portal, exchange)
    asked = exchange.first("column_id")
    if asked is not None and not asked.isdigit():
        raise malformed("column_id must be a number")
    found = erroneous(schema, int(asked) if asked is not None else None)
    if _wants_csv(exchange):
        return _csv(
            [each.display_name for each in schema.input.fields] + ["error"],
            (
                [*row, "; ".join(cell.message for cell in cells if isinstance(cell, CellError))]
                for _, row, cells in found
            ),
        )
    limit, offset = paging(exchange)
    shown = [_header(schema)]
    for place, (number, row, cells) in enumerate(found):
        if place >= offset + limit:
            break
        if place >= offset:
            shown.append(row_json(schema, number, row, cells))
    return Reply.of(shown)


def row_errors(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /source/{id}/schema/{id}/errors``: rows with too many or too few cells."""
    schema: InputSchema = input_schema_of(portal, exchange)
    if _wants_csv(exchange):
        return _csv(["row", "error"], ([number, message] for number, message in schema.row_errors))
    limit, offset = paging(exchange)
    chosen = schema.row_errors[offset : offset + limit]
    header = {"input_columns": [each.field_name for each in schema.fields]}
    return Reply.of([
        header,
        *({"offset": number, "error": {"message": message}} for number, message in chosen),
    ])


def _wants_csv(exchange: Exchange) -> bool:
    return "text/csv" in exchange.headers.get("accept", "")


def _csv(header: list[str], lines: Any) -> Reply:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(header)
    writer.writerows(lines)
    return Reply(200, written.getvalue().encode(), "text/csv; charset=utf-8")
