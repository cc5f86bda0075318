"""Calls for schemas: how the columns of a file become those of the dataset."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.column_specs import (
    OutputColumnSpec,
    renamed,
    specs,
    with_column,
    with_expression,
    with_row_identifier,
    without_column,
)
from airflow_socrata.client.envelopes import json_body, resource_of
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply
from airflow_socrata.client.revision_models import (
    InputRowError,
    InputSchema,
    OutputSchema,
    RowIdentifierCheck,
    SchemaRow,
    Transform,
)
from airflow_socrata.client.schema_rows import (
    parse_row_errors,
    parse_row_identifier_check,
    parse_schema_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "create_output",
    "errors",
    "errors_csv",
    "latest_output",
    "look_at_input",
    "look_at_output",
    "renamed",
    "row_errors",
    "rows",
    "specs",
    "transform",
    "validate_row_identifier",
    "with_column",
    "with_expression",
    "with_row_identifier",
    "without_column",
]


def look_at_input(schema: InputSchema) -> Call[InputSchema]:
    """Read an input schema again."""

    def parse(reply: Reply) -> InputSchema:
        resource, own = resource_of(reply, "an input schema")
        return InputSchema.from_json(resource, own.over(schema.links))

    return Call(CallKind.READ, "GET", schema.links.path("show"), parse, f"look at input schema {schema.id}")


def create_output(
    schema: InputSchema,
    columns: Sequence[OutputColumnSpec],
    sort_bys: Sequence[Mapping[str, Any]] = (),
    increment_revision: bool = True,
) -> Call[OutputSchema]:
    """Make a new output schema of all columns that are wanted, in their order.

    :param columns: build them with :func:`specs`, :func:`with_expression` and their like.
    :param sort_bys: e.g. ``{"field_name": "a", "ascending": True}``.
    :param increment_revision: let the revision apply this schema from now on.
    :raises ConfigurationError: if there are no columns, two of one field name, or two that identify rows.
    """
    twice = [name for name, count in Counter(column.field_name for column in columns).items() if count > 1]
    if twice:
        raise ConfigurationError(f"two columns have the field name {twice[0]!r}")
    if not columns:
        raise ConfigurationError("an output schema needs at least one column")
    identifiers = [column.field_name for column in columns if column.is_primary_key]
    if len(identifiers) > 1:
        raise ConfigurationError(
            f"only one column can identify rows, not {' and '.join(map(repr, identifiers))}"
        )
    body = {
        "output_columns": [column.to_json(number) for number, column in enumerate(columns, start=1)],
        "sort_bys": [dict(sort) for sort in sort_bys],
        "increment_revision": increment_revision,
    }
    return Call(
        CallKind.SCHEMA,
        "POST",
        schema.links.path("transform"),
        _output_parser(schema),
        f"create an output schema of input schema {schema.id}",
        headers=JSON_TYPE,
        body=json_body(body),
    )


def latest_output(schema: InputSchema) -> Call[OutputSchema]:
    """Read the newest output schema of an input schema; at first the portal's own guess."""
    path = schema.links.path("latest_output")
    return Call(
        CallKind.READ,
        "GET",
        path,
        _output_parser(schema),
        f"latest output schema of input schema {schema.id}",
    )


def look_at_output(schema: OutputSchema) -> Call[OutputSchema]:
    """Read an output schema again."""

    def parse(reply: Reply) -> OutputSchema:
        resource, own = resource_of(reply, "an output schema")
        return OutputSchema.from_json(resource, own.over(schema.links))

    return Call(CallKind.READ, "GET", schema.links.path("show"), parse, f"look at output schema {schema.id}")


def transform(schema: OutputSchema, transform_id: int) -> Call[Transform]:
    """Read one transform again. Its address stands below that of the check of row identifiers."""
    check = schema.links.path("validate_row_id", transform_id=transform_id)

    def parse(reply: Reply) -> Transform:
        return Transform.from_json(resource_of(reply, "a transform")[0])

    path = check.removesuffix("/validate_row_identifier")
    return Call(CallKind.READ, "GET", path, parse, f"look at transform {transform_id}")


def validate_row_identifier(schema: OutputSchema, transform_id: int) -> Call[RowIdentifierCheck]:
    """Ask whether the values of a column can identify rows: none twice, none null.

    :param transform_id: id of the column's transform.
    """
    return Call(
        CallKind.READ,
        "GET",
        schema.links.path("validate_row_id", transform_id=transform_id),
        parse_row_identifier_check,
        f"check transform {transform_id} as row identifier",
    )


def rows(schema: OutputSchema, limit: int = 500, offset: int = 0) -> Call[tuple[SchemaRow, ...]]:
    """Read rows of an output schema."""
    return _page(schema, "rows", limit, offset, None, f"rows of output schema {schema.id}")


def errors(
    schema: OutputSchema, limit: int = 500, offset: int = 0, column_id: int | None = None
) -> Call[tuple[SchemaRow, ...]]:
    """Read the rows that have a cell which does not fit.

    :param column_id: only cells of this output column.
    """
    return _page(schema, "schema_errors", limit, offset, column_id, f"errors of output schema {schema.id}")


def errors_csv(schema: OutputSchema) -> Call[bytes]:
    """Read the rows that have a cell which does not fit, as the portal's CSV, whole in memory."""
    return Call(
        CallKind.READ,
        "GET",
        schema.links.path("schema_errors"),
        lambda reply: reply.body,
        f"errors of output schema {schema.id} as CSV",
        headers=(("Accept", "text/csv"), ("Content-Type", "text/csv")),
    )


def row_errors(schema: InputSchema, limit: int = 500, offset: int = 0) -> Call[tuple[InputRowError, ...]]:
    """Read the rows of a file that have too many or too few cells."""
    return Call(
        CallKind.READ,
        "GET",
        schema.links.path("row_errors"),
        parse_row_errors,
        f"row errors of input schema {schema.id}",
        params=(("limit", str(limit)), ("offset", str(offset))),
    )


def _page(
    schema: OutputSchema, link: str, limit: int, offset: int, column_id: int | None, summary: str
) -> Call[tuple[SchemaRow, ...]]:
    params = [("limit", str(limit)), ("offset", str(offset))]
    if column_id is not None:
        params.append(("column_id", str(column_id)))
    known = tuple(column.field_name for column in schema.columns)
    return Call(
        CallKind.READ,
        "GET",
        schema.links.path(link),
        lambda reply: parse_schema_rows(reply, known),
        summary,
        params=tuple(params),
    )


def _output_parser(schema: InputSchema) -> Callable[[Reply], OutputSchema]:
    def parse(reply: Reply) -> OutputSchema:
        resource, own = resource_of(reply, "an output schema")
        read = OutputSchema.from_json(resource, own)
        return OutputSchema.from_json(resource, own.over(schema.output_links(read.id)))

    return parse
