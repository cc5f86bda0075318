"""Resources as the publishing service shows them: ``{resource, links}``.

Showing something is a look at it: what a switch keeps at work for some looks moves on with each.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi import links
from airflow_socrata.emulator.edge.accounts import user_by_id

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.model import (
        Config,
        InputSchema,
        OutputColumn,
        OutputSchema,
        Revision,
        Source,
        TaskSet,
    )


def moment(epoch: float | None) -> str | None:
    """Return a time as this service writes it: UTC without a zone, microseconds."""
    if epoch is None:
        return None
    return datetime.fromtimestamp(epoch, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def creator(user_id: str) -> dict[str, Any]:
    """Return who made something."""
    user = user_by_id(user_id)
    return {"user_id": user.id, "email": user.email, "display_name": user.display_name}


def enveloped(resource: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Return a resource with its links."""
    return {"resource": resource, "links": made}


def revision_json(revision: Revision) -> dict[str, Any]:
    """Return a revision."""
    resource = {
        "id": revision.id,
        "fourfour": revision.view_id,
        "revision_seq": revision.seq,
        "is_parent": True,
        "domain_id": 1,
        "metadata": revision.metadata,
        "action": {"type": revision.action, "schema": None, "permission": revision.permission},
        "task_sets": [task_set_json(each) for each in reversed(revision.task_sets)],
        "output_schema_id": revision.output_schema_id,
        "blob_id": revision.blob_id,
        "href": revision.href,
        "attachments": revision.attachments,
        "notes": revision.notes,
        "creation_source": "api",
        "created_at": moment(revision.created_at),
        "updated_at": moment(revision.updated_at),
        "created_by": creator(revision.user_id),
        "closed_at": moment(revision.closed_at),
    }
    return enveloped(resource, links.revision_links(revision.view_id, revision.seq))


def task_set_json(task_set: TaskSet) -> dict[str, Any]:
    """Return a task set, without links."""
    return {
        "id": task_set.id,
        "status": task_set.status,
        "log": list(task_set.log),
        "job_uuid": task_set.job_uuid,
        "request_id": task_set.request_id,
        "output_schema_id": task_set.output_schema_id,
        "created_at": moment(task_set.created_at),
        "updated_at": moment(task_set.updated_at),
        "finished_at": moment(task_set.finished_at),
        "created_by": creator(task_set.user_id),
    }


def source_json(source: Source, *, look: bool = False) -> dict[str, Any]:
    """Return a source with its schemas; with ``look`` this counts as a look at all of them."""
    at_work = source.looks > 0
    schemas = [] if at_work else [input_schema_resource(each, look=look) for each in source.schemas]
    if look and at_work:
        source.looks -= 1
    counting = any(schema["total_rows"] is None for schema in schemas)
    resource = {
        "id": source.id,
        "source_type": source.kind,
        "content_type": source.content_type,
        "schemas": schemas,
        "parse_options": source.options.to_json(),
        "created_at": moment(source.created_at),
        "finished_at": None if at_work or counting else moment(source.finished_at),
        "failed_at": None if at_work else moment(source.failed_at),
        "failure_details": None if at_work else source.failure,
        "filesize": source.filesize,
        "blob": None if source.options.parse_source or source.upload is None else str(source.id),
        "export_filename": None,
        "locale": None,
        "created_by": creator(source.user_id),
    }
    return enveloped(resource, links.source_links(source.id))


def input_schema_resource(schema: InputSchema, *, look: bool = False) -> dict[str, Any]:
    """Return an input schema, without links."""
    counting = schema.looks > 0
    if look and counting:
        schema.looks -= 1
    return {
        "id": schema.id,
        "name": schema.name,
        "total_rows": None if counting else schema.total_rows,
        "num_row_errors": 0 if counting else len(schema.row_errors),
        "created_at": moment(schema.created_at),
        "created_by": creator(schema.source.user_id),
        "input_columns": [
            {
                "id": each.id,
                "input_schema_id": schema.id,
                "field_name": each.field_name,
                "display_name": each.display_name,
                "position": each.position,
                "soql_type": each.soql_type,
                "guessed_soql_type": each.guessed_type,
                "semantic_type": None,
            }
            for each in schema.fields
        ],
        "output_schemas": [output_schema_resource(each, look=look) for each in schema.output_schemas],
    }


def input_schema_json(schema: InputSchema, *, look: bool = False) -> dict[str, Any]:
    """Return an input schema."""
    made = links.input_schema_links(schema.source.id, schema.id)
    return enveloped(input_schema_resource(schema, look=look), made)


def output_schema_resource(schema: OutputSchema, *, look: bool = False) -> dict[str, Any]:
    """Return an output schema, without links."""
    at_work = schema.looks > 0 or schema.completed_at is None
    if look and schema.looks > 0:
        schema.looks -= 1
    done = None if at_work else moment(schema.completed_at)
    return {
        "id": schema.id,
        "input_schema_id": schema.input.id,
        "created_at": moment(schema.created_at),
        "created_by": creator(schema.user_id),
        "total_rows": None if at_work else schema.input.total_rows,
        "error_count": 0 if at_work else schema.error_count,
        "completed_at": done,
        "finished_at": done,
        "sort_bys": schema.sort_bys,
        "output_columns": [output_column_json(schema, each, at_work=at_work) for each in schema.columns],
    }


def output_column_json(schema: OutputSchema, column: OutputColumn, *, at_work: bool) -> dict[str, Any]:
    """Return a column of an output schema with its transform."""
    return {
        "id": column.id,
        "field_name": column.field_name,
        "display_name": column.display_name,
        "position": column.position,
        "description": column.description,
        "format": column.format,
        "flags": column.flags,
        "is_primary_key": column.is_primary_key,
        "initial_output_column_id": column.initial_id,
        "transform": transform_resource(schema, column, at_work=at_work),
    }


def transform_resource(schema: OutputSchema, column: OutputColumn, *, at_work: bool) -> dict[str, Any]:
    """Return a transform, without links."""
    run = column.transform
    ids = {each.field_name: each.id for each in schema.input.fields}
    failed = run.failed_at is not None and not at_work
    done = None if at_work or failed else moment(schema.completed_at)
    return {
        "id": run.id,
        "transform_expr": run.expr,
        "output_soql_type": run.compiled.output_type,
        "parsed_expr": run.compiled.parsed,
        "transform_input_columns": [
            {"input_column_id": ids[name]} for name in run.compiled.inputs if name in ids
        ],
        "attempts": 0 if at_work else 1,
        "error_count": None if at_work or failed else run.error_count,
        "completed_at": done,
        "finished_at": done,
        "failed_at": moment(run.failed_at) if failed else None,
        "failure_details": run.failure if failed else None,
        "has_cell_edits": False,
    }


def output_schema_json(schema: OutputSchema, *, look: bool = False) -> dict[str, Any]:
    """Return an output schema."""
    made = links.output_schema_links(schema.input.source.id, schema.input.id, schema.id)
    return enveloped(output_schema_resource(schema, look=look), made)


def config_json(config: Config) -> dict[str, Any]:
    """Return a config."""
    resource = {
        "name": config.name,
        "data_action": config.data_action,
        "parse_options": config.options.to_json(),
        "columns": config.columns,
        "created_at": moment(config.created_at),
        "updated_at": moment(config.updated_at),
    }
    return enveloped(resource, links.config_links(config.name))
