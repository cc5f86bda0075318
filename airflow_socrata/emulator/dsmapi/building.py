"""Output schemas: compile the expressions, try them on all rows, count the cells that fail."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.errors import invalid
from airflow_socrata.emulator.dsmapi.evaluating import count_errors
from airflow_socrata.emulator.dsmapi.model import InputSchema, OutputColumn, OutputSchema, TransformRun
from airflow_socrata.emulator.dsmapi.transforms import CompileError, compile_transform
from airflow_socrata.emulator.types.names import IDENTIFIERS, canonical_type

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.transforms import Transform
    from airflow_socrata.emulator.edge.portal import Portal

_FIELD_NAME = re.compile(r"^[a-z_][a-z0-9_]*$")


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """An output column before it is compiled."""

    field_name: str
    display_name: str
    expr: str
    description: str = ""
    format: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    is_primary_key: bool = False
    initial_id: int | None = None


def build(
    portal: Portal,
    schema: InputSchema,
    specs: list[ColumnSpec],
    sort_bys: list[dict[str, Any]],
    user_id: str,
) -> OutputSchema:
    """Make an output schema and run it.

    :raises PortalError: 422 when a column or an expression does not do.
    """
    _check_names(specs)
    compiled = [_compile(schema, spec) for spec in specs]
    _check_identifier(specs, compiled)
    for sort in sort_bys:
        if sort.get("field_name") not in {spec.field_name for spec in specs}:
            raise invalid(f"There is no column {sort.get('field_name')} to sort by", "invalid_sort")
    number = portal.desk.number
    columns = [
        OutputColumn(
            number(),
            spec.field_name,
            spec.display_name,
            position,
            spec.description,
            spec.format,
            list(spec.flags),
            spec.is_primary_key,
            spec.initial_id,
            TransformRun(number(), spec.expr, transform),
        )
        for position, (spec, transform) in enumerate(zip(specs, compiled, strict=True), 1)
    ]
    made = OutputSchema(number(), schema, columns, sort_bys, user_id, portal.clock.now())
    made.looks = portal.switches.transform_looks
    if not schema.source.is_unloaded_view:
        complete(portal, made)
    with portal.desk.lock:
        schema.output_schemas = [*schema.output_schemas, made]
        portal.desk.output_schemas[made.id] = made
        portal.desk.output_columns |= {column.id: column for column in columns if _is_older(column)}
    return made


def _is_older(column: OutputColumn) -> bool:
    # A column cannot come from itself, or from one that is made later.
    return column.initial_id is None or column.initial_id < column.id


def _check_names(specs: list[ColumnSpec]) -> None:
    seen: set[str] = set()
    for spec in specs:
        if not _FIELD_NAME.match(spec.field_name):
            raise invalid(
                f"Illegal field name {spec.field_name}",
                "invalid_columns",
                details={spec.field_name: "is no field name"},
            )
        if spec.field_name in seen:
            raise invalid(
                f"Field name {spec.field_name} is there twice",
                "invalid_columns",
                details={spec.field_name: "is not unique"},
            )
        seen.add(spec.field_name)


def _compile(schema: InputSchema, spec: ColumnSpec) -> Transform:
    try:
        return compile_transform(spec.expr, schema.types)
    except CompileError as error:
        raise invalid(
            error.message,
            "compile_error",
            **{"field_name": spec.field_name, "expr": spec.expr} | error.params,
        ) from None


def _check_identifier(specs: list[ColumnSpec], compiled: list[Transform]) -> None:
    chosen = [
        (spec, transform) for spec, transform in zip(specs, compiled, strict=True) if spec.is_primary_key
    ]
    if len(chosen) > 1:
        raise invalid("Only one column can be the row identifier", "invalid_row_identifier")
    for spec, transform in chosen:
        if canonical_type(transform.output_type) not in IDENTIFIERS:
            raise invalid(
                f"A column of type {transform.output_type} cannot be the row identifier",
                "invalid_row_identifier",
                details={spec.field_name: "has the wrong type"},
            )


def complete(portal: Portal, schema: OutputSchema) -> None:
    """Run the transforms of an output schema that was not run yet."""
    if schema.completed_at is not None:
        return
    failing = schema.input.source.transform_fails
    if failing is not None:
        # An error inside the portal, not in the data; the next schema is tried anew.
        schema.input.source.transform_fails = None
        run = schema.columns[0].transform
        run.failed_at, run.failure = portal.clock.now(), {"message": failing, "type": "internal_error"}
    count_errors(schema)
    schema.completed_at = portal.clock.now()
