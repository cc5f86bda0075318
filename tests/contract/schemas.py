"""JSON schemas of what DSMAPI takes and answers, written from what the vendor and its clients say.

Objects are closed: a key that nobody has described is an error, on both sides.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

DATASET = "[a-z0-9]{4}-[a-z0-9]{4}"
ANY: Schema = {}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer", "minimum": 0}
FREE: Schema = {"type": "object"}
NOTHING: Schema = {"type": "null"}
TIME: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?$"}
ACTION_TYPE: Schema = {"enum": ["update", "replace", "delete"]}
STATUS: Schema = {
    "enum": [
        "initializing",
        "creating_columns",
        "upserting",
        "in_progress",
        "finishing",
        "successful",
        "failure",
    ]
}


def obj(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Return the schema of an object that has ``required``, perhaps ``optional``, and nothing else."""
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
        "additionalProperties": False,
    }


def array(items: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": items, "minItems": least}


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, NOTHING]}


def either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def envelope(resource: Schema) -> Schema:
    return obj({"resource": resource, "links": FREE})


EMPTY = obj({})
CREATOR = obj({"user_id": TEXT, "email": TEXT, "display_name": TEXT})

# --- revisions

ACTION = obj(
    {"type": maybe(ACTION_TYPE), "permission": maybe({"enum": ["public", "private"]})}, {"schema": ANY}
)
ACTION_SENT = obj({"type": ACTION_TYPE}, {"permission": maybe({"enum": ["public", "private"]})})
METADATA = {
    "type": "object",
    "required": [
        "name",
        "description",
        "category",
        "tags",
        "metadata",
        "privateMetadata",
        "licenseId",
        "license",
        "attribution",
        "attributionLink",
    ],
    "properties": {
        "name": TEXT,
        "description": maybe(TEXT),
        "category": maybe(TEXT),
        "tags": array(TEXT),
        "metadata": FREE,
        "privateMetadata": FREE,
        "licenseId": maybe(TEXT),
        "license": maybe(FREE),
        "attribution": maybe(TEXT),
        "attributionLink": maybe(TEXT),
        "isParent": FLAG,
    },
}
LOG_LINE = obj({"stage": TEXT, "time": TIME, "details": maybe(FREE)})
TASK_SET = obj({
    "id": NUMBER,
    "status": STATUS,
    "log": array(LOG_LINE),
    "job_uuid": TEXT,
    "request_id": maybe(TEXT),
    "output_schema_id": maybe(NUMBER),
    "created_at": TIME,
    "updated_at": TIME,
    "finished_at": maybe(TIME),
    "created_by": CREATOR,
})
ATTACHMENT = obj({"name": TEXT, "filename": TEXT, "asset_id": TEXT})
HREF = obj(
    {},
    {
        "title": maybe(TEXT),
        "description": maybe(TEXT),
        "urls": FREE,
        "data_dictionary": maybe(TEXT),
        "data_dictionary_type": maybe(TEXT),
    },
)
REVISION = obj({
    "id": NUMBER,
    "fourfour": {"type": "string", "pattern": f"^{DATASET}$"},
    "revision_seq": NUMBER,
    "is_parent": FLAG,
    "domain_id": NUMBER,
    "metadata": METADATA,
    "action": ACTION,
    "task_sets": array(TASK_SET),
    "output_schema_id": maybe(NUMBER),
    "blob_id": maybe(NUMBER),
    "href": array(HREF),
    "attachments": array(ATTACHMENT),
    "notes": maybe(TEXT),
    "creation_source": TEXT,
    "created_at": TIME,
    "updated_at": TIME,
    "created_by": CREATOR,
    "closed_at": maybe(TIME),
})
CREATE_DATASET_SENT = obj({
    "metadata": {"type": "object", "required": ["name"], "properties": {"name": TEXT}},
    "action": ACTION_SENT,
})
CREATE_REVISION_SENT = either(
    obj({"action": ACTION_SENT}, {"metadata": FREE}),
    # With a config, the action comes from there.
    obj({"config": TEXT}, {"metadata": FREE}),
)
UPDATE_SENT = obj(
    {},
    {
        "metadata": FREE,
        "action": ACTION_SENT,
        "output_schema_id": maybe(NUMBER),
        "blob_id": maybe(NUMBER),
        "href": array(HREF),
        "attachments": array(ATTACHMENT),
        "notes": maybe(TEXT),
    },
) | {"minProperties": 1}
PLAN_STEP = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {
            "enum": [
                "prepare_draft_for_import",
                "set_schema",
                "apply_metadata",
                "upsert_task",
                "set_permission",
                "set_display_type",
                "publish",
                "wait_for_replication",
            ]
        }
    },
}
PLAN = {
    "type": "object",
    "required": ["resource"],
    "properties": {"resource": array(PLAN_STEP, 1), "links": FREE},
    "additionalProperties": False,
}
APPLY_SENT = either(
    obj({}, {"output_schema_id": NUMBER}),
    obj({"resource": obj({"id": NUMBER})}),
)
# Without an envelope: that is how clients know it.
SUBMITTED_FOR_APPROVAL = {
    "type": "object",
    "required": ["key"],
    "properties": {"key": {"const": "approval_submitted"}, "resource": False},
}
ATTACHED_FILE = obj({"filename": TEXT, "file_id": TEXT})

# --- sources

PARSE_OPTIONS_KEYS: dict[str, Schema] = {
    "encoding": maybe(TEXT),
    "header_count": NUMBER,
    "column_header": NUMBER,
    "column_separator": {"type": "string", "minLength": 1, "maxLength": 1},
    "quote_char": {"type": "string", "maxLength": 1},
    "parse_source": FLAG,
    "trim_whitespace": FLAG,
    "remove_empty_rows": FLAG,
}
PARSE_OPTIONS = obj(PARSE_OPTIONS_KEYS)
PARSE_OPTIONS_SENT = obj({}, PARSE_OPTIONS_KEYS)
UPLOAD_TYPE = obj({"type": {"const": "upload"}, "filename": TEXT})
URL_TYPE = obj({"type": {"const": "url"}, "url": {"type": "string", "pattern": "^https?://"}})
VIEW_TYPE = obj({"type": {"const": "view"}, "fourfour": {"type": "string", "pattern": f"^{DATASET}$"}})
AGENT_TYPE = obj(
    {"type": {"const": "connection_agent"}, "agent_uid": TEXT, "namespace": TEXT, "path": ANY},
    {"parameters": FREE},
)
LOADED_VIEW_TYPE = obj(VIEW_TYPE["properties"] | {"loaded": FLAG})
SOURCE_SENT = obj(
    {"source_type": either(UPLOAD_TYPE, URL_TYPE, VIEW_TYPE, AGENT_TYPE)},
    {"parse_options": PARSE_OPTIONS_SENT},
)
ADD_TO_REVISION_SENT = either(
    obj({"revision": obj({"fourfour": TEXT, "revision_seq": NUMBER})}),
    obj({"fourfour": TEXT, "revision_seq": NUMBER}),
)
OPTIONS_SENT = obj({"parse_options": PARSE_OPTIONS_SENT})
INITIATE_SENT = obj({"content_type": {"type": "string", "pattern": "^[a-z]+/[a-z0-9.+-]+$"}})
LIMITS = obj({
    "preferred_upload_parallelism": {"type": "integer", "minimum": 1},
    "preferred_chunk_size": {"type": "integer", "minimum": 1},
})
CHUNK = obj({
    "resource": obj({"seq_num": NUMBER, "byte_offset": NUMBER, "end_byte_offset": NUMBER}),
    "links": FREE,
})

# --- schemas

TRANSFORM = obj({
    "id": NUMBER,
    "transform_expr": TEXT,
    "output_soql_type": TEXT,
    "parsed_expr": maybe(FREE),
    "transform_input_columns": array(obj({"input_column_id": NUMBER})),
    "attempts": NUMBER,
    "error_count": maybe(NUMBER),
    "completed_at": maybe(TIME),
    "finished_at": maybe(TIME),
    "failed_at": maybe(TIME),
    "failure_details": maybe(obj({"message": TEXT}, {"type": TEXT})),
    "has_cell_edits": FLAG,
})
OUTPUT_COLUMN = obj({
    "id": NUMBER,
    "field_name": TEXT,
    "display_name": TEXT,
    "position": {"type": "integer", "minimum": 1},
    "description": maybe(TEXT),
    "format": FREE,
    "flags": array(TEXT),
    "is_primary_key": FLAG,
    "initial_output_column_id": maybe(NUMBER),
    "transform": TRANSFORM,
})
SORT_BY = obj({"field_name": TEXT, "ascending": FLAG})
OUTPUT_SCHEMA = obj({
    "id": NUMBER,
    "input_schema_id": NUMBER,
    "created_at": TIME,
    "created_by": CREATOR,
    "total_rows": maybe(NUMBER),
    "error_count": NUMBER,
    "completed_at": maybe(TIME),
    "finished_at": maybe(TIME),
    "sort_bys": array(SORT_BY),
    "output_columns": array(OUTPUT_COLUMN, 1),
})
INPUT_COLUMN = obj({
    "id": NUMBER,
    "input_schema_id": NUMBER,
    "field_name": TEXT,
    "display_name": TEXT,
    "position": {"type": "integer", "minimum": 1},
    "soql_type": TEXT,
    "guessed_soql_type": maybe(TEXT),
    "semantic_type": maybe(TEXT),
})
INPUT_SCHEMA = obj({
    "id": NUMBER,
    "name": maybe(TEXT),
    "total_rows": maybe(NUMBER),
    "num_row_errors": NUMBER,
    "created_at": TIME,
    "created_by": CREATOR,
    "input_columns": array(INPUT_COLUMN, 1),
    "output_schemas": array(OUTPUT_SCHEMA),
})
SOURCE = obj({
    "id": NUMBER,
    "source_type": either(UPLOAD_TYPE, URL_TYPE, LOADED_VIEW_TYPE, AGENT_TYPE),
    "content_type": maybe(TEXT),
    "schemas": array(INPUT_SCHEMA),
    "parse_options": PARSE_OPTIONS,
    "created_at": TIME,
    "finished_at": maybe(TIME),
    "failed_at": maybe(TIME),
    "failure_details": maybe(obj({"message": TEXT, "key": TEXT})),
    "filesize": maybe(NUMBER),
    "blob": maybe(TEXT),
    "export_filename": maybe(TEXT),
    "locale": maybe(TEXT),
    "created_by": CREATOR,
})
# A column sent may carry back every key of one received.
COLUMN_SENT = obj(
    {
        "field_name": TEXT,
        "display_name": TEXT,
        "position": {"type": "integer", "minimum": 1},
        "transform": {
            "type": "object",
            "required": ["transform_expr"],
            "properties": {"transform_expr": TEXT},
        },
    },
    {
        "id": NUMBER,
        "description": maybe(TEXT),
        "format": FREE,
        "flags": array(TEXT),
        "is_primary_key": FLAG,
        "initial_output_column_id": maybe(NUMBER),
    },
)
OUTPUT_SCHEMA_SENT = obj(
    {"output_columns": array(COLUMN_SENT, 1)}, {"sort_bys": array(SORT_BY), "increment_revision": FLAG}
)
OK_CELL = obj({"ok": ANY})
ERROR_CELL = obj({
    "error": obj({"message": TEXT}, {"inputs": {"type": "object", "additionalProperties": OK_CELL}})
})
ROW = obj({"offset": NUMBER, "row": array(either(OK_CELL, ERROR_CELL), 1)})
ROWS = {
    "type": "array",
    "minItems": 1,
    "prefixItems": [obj({"output_columns": array(OUTPUT_COLUMN, 1)})],
    "items": ROW,
}
# Nobody has told this form: that of schema errors, without cells.
ROW_ERRORS = {
    "type": "array",
    "minItems": 1,
    "prefixItems": [FREE],
    "items": obj({"offset": NUMBER, "error": obj({"message": TEXT})}),
}
ROW_IDENTIFIER = either(
    obj({"valid": {"const": True}}),
    obj({
        "valid": {"const": False},
        "reason": {"enum": ["duplicate", "null", "bad type"]},
        "what": ANY,
        "where": maybe(NUMBER),
    }),
)

# --- configs

CONFIG_COLUMN = obj(
    {"field_name": TEXT, "display_name": TEXT, "transform_expr": TEXT},
    {"format": FREE, "description": maybe(TEXT), "is_primary_key": maybe(FLAG), "flags": array(TEXT)},
)
CONFIG = obj({
    "name": TEXT,
    "data_action": ACTION_TYPE,
    "parse_options": PARSE_OPTIONS,
    "columns": array(CONFIG_COLUMN),
    "created_at": TIME,
    "updated_at": TIME,
})
CONFIG_SENT = obj(
    {"name": TEXT, "data_action": ACTION_TYPE},
    {"parse_options": maybe(PARSE_OPTIONS_SENT), "columns": maybe(array(CONFIG_COLUMN))},
)
CONFIG_CHANGES_SENT = obj(
    {}, {"data_action": ACTION_TYPE, "parse_options": PARSE_OPTIONS_SENT, "columns": array(CONFIG_COLUMN)}
) | {"minProperties": 1}
BUILD_CONFIG_SENT = obj({"name": TEXT, "data_action": ACTION_TYPE})

# --- errors

ERROR = {
    "type": "object",
    "required": ["message", "key", "params"],
    "properties": {
        "message": {"type": "string", "minLength": 1, "pattern": "^[^\n]+$"},
        "key": {"type": "string", "pattern": "^[a-z][a-z0-9_.]*$"},
        "params": FREE,
    },
    "additionalProperties": False,
}
