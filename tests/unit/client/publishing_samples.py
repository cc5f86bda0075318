"""Bodies of the Dataset Management API, in the shapes that portals give them."""

from __future__ import annotations

import json
from typing import Any

from unit.client.portal_servers import Answer

API = "/api/publishing/v1"
REVISION = f"{API}/revision/abcd-1234/4"
SOURCE = f"{API}/source/15786"
INPUT = f"{SOURCE}/schema/{{input_schema_id}}"

REVISION_LINKS = {
    "show": REVISION,
    "update": REVISION,
    "metadata": REVISION,
    "discard": REVISION,
    "create_source": f"{REVISION}/source",
    "list_sources": f"{REVISION}/source",
    "apply": f"{REVISION}/apply",
    "plan": f"{REVISION}/plan",
    "restore": f"{REVISION}/restore",
}
OUTPUT_LINKS = {
    "show": f"{INPUT}/output/{{output_schema_id}}",
    "rows": f"{INPUT}/rows/{{output_schema_id}}",
    "schema_errors": f"{INPUT}/errors/{{output_schema_id}}",
    "validate_row_id": f"{SOURCE}/transform/{{transform_id}}/validate_row_identifier",
    "build_config": f"{API}/config/build_from/{{output_schema_id}}",
}
SOURCE_LINKS = {
    "show": SOURCE,
    "bytes": SOURCE,
    "initiate": f"{SOURCE}/initiate",
    "chunk": f"{SOURCE}/chunk/{{seq_num}}/{{byte_offset}}",
    "commit": f"{SOURCE}/chunk/{{seq_num}}/{{byte_offset}}/commit",
    "load": f"{SOURCE}/load",
    "update": f"{SOURCE}/options",
    "add_to_revision": SOURCE,
    "input_schema_links": {
        "show": INPUT,
        "transform": INPUT,
        "latest_output": f"{INPUT}/output/latest",
        "row_errors": f"{INPUT}/errors",
        "output_schema_links": OUTPUT_LINKS,
    },
}
CONFIG_LINKS = {
    "create_revision": f"{API}/revision/{{fourfour}}/config/road%20events",
    "list": f"{API}/config",
    "show": f"{API}/config/road%20events",
    "update": f"{API}/config/road%20events",
    "delete": f"{API}/config/road%20events",
}


def reply(resource: Any, links: Any = None, status: int = 200) -> Answer:
    """A resource in its envelope."""
    return Answer(status, json.dumps({"resource": resource, "links": links or {}}))


def bare(body: Any, status: int = 200) -> Answer:
    """A body without an envelope."""
    return Answer(status, json.dumps(body))


def revision(**changes: Any) -> dict[str, Any]:
    """A revision."""
    return {
        "id": 91234,
        "fourfour": "abcd-1234",
        "revision_seq": 4,
        "is_parent": True,
        "domain_id": 7,
        "metadata": {
            "name": "Road events",
            "description": None,
            "metadata": {},
            "privateMetadata": {"owner": "etl"},
        },
        "action": {"type": "replace", "schema": None, "permission": None},
        "task_sets": [],
        "output_schema_id": None,
        "blob_id": None,
        "href": [],
        "attachments": [],
        "notes": None,
        "creation_source": "api",
        "created_at": "2026-06-09T18:02:11.001934",
        "created_by": {"user_id": "tugg-ikce", "email": "etl@example.gov", "display_name": "ETL"},
        "closed_at": None,
        **changes,
    }


def task_set(**changes: Any) -> dict[str, Any]:
    """A job."""
    return {
        "id": 55501,
        "status": "initializing",
        "log": [],
        "job_uuid": "0b6c",
        "request_id": "9f2",
        "output_schema_id": 77120,
        "created_at": "2026-06-09T18:05:11.001934",
        "finished_at": None,
        **changes,
    }


def source(**changes: Any) -> dict[str, Any]:
    """A source for an upload."""
    return {
        "id": 15786,
        "source_type": {"type": "upload", "filename": "x.csv"},
        "content_type": None,
        "schemas": [],
        "parse_options": {"encoding": "utf8", "header_count": 1, "parse_source": True},
        "created_at": "2026-06-09T18:03:11.001934",
        "finished_at": None,
        "failed_at": None,
        "failure_details": None,
        "filesize": None,
        "blob": None,
        **changes,
    }


def output_column(number: int, name: str, expr: str, **changes: Any) -> dict[str, Any]:
    """A column of an output schema."""
    return {
        "id": 18130 + number,
        "field_name": name,
        "display_name": name.upper(),
        "position": number,
        "description": "",
        "format": {},
        "flags": [],
        "is_primary_key": False,
        "initial_output_column_id": None,
        "transform": {
            "id": 20790 + number,
            "transform_expr": expr,
            "output_soql_type": "number" if "number" in expr else "text",
            "parsed_expr": {},
            "transform_input_columns": [{"input_column_id": 22270 + number}],
            "attempts": 0,
            "error_count": None,
            "completed_at": None,
            "finished_at": None,
            "failed_at": None,
            "failure_details": None,
        },
        **changes,
    }


def output_schema(**changes: Any) -> dict[str, Any]:
    """An output schema of two columns, told in the wrong order."""
    return {
        "id": 77120,
        "input_schema_id": 15398,
        "total_rows": None,
        "error_count": 0,
        "completed_at": None,
        "finished_at": None,
        "sort_bys": [],
        "output_columns": [output_column(2, "b", "`b`"), output_column(1, "a", "to_number(`a`)")],
        **changes,
    }


def input_schema(**changes: Any) -> dict[str, Any]:
    """An input schema of two columns."""
    return {
        "id": 15398,
        "name": None,
        "total_rows": 4,
        "num_row_errors": 0,
        "input_columns": [
            {
                "id": 22270 + number,
                "field_name": name,
                "display_name": name,
                "position": number,
                "soql_type": "text",
                "guessed_soql_type": guessed,
            }
            for number, name, guessed in ((2, "b", "text"), (1, "a", "number"))
        ],
        "output_schemas": [output_schema()],
        **changes,
    }


def config(**changes: Any) -> dict[str, Any]:
    """A saved config."""
    return {
        "name": "road events",
        "data_action": "replace",
        "parse_options": {"header_count": 1},
        "columns": [{"field_name": "a", "display_name": "A", "transform_expr": "to_number(`a`)"}],
        **changes,
    }
