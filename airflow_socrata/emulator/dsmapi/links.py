"""The links of every envelope: paths, some with ``{placeholders}`` that clients fill."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

BASE = "/api/publishing/v1"


def revision_links(view_id: str, seq: int) -> dict[str, Any]:
    """Return the links of a revision."""
    own = f"{BASE}/revision/{view_id}/{seq}"
    return {
        "show": own,
        "update": own,
        "metadata": own,
        "discard": own,
        "create_source": f"{own}/source",
        "list_sources": f"{own}/source",
        "apply": f"{own}/apply",
        "plan": f"{own}/plan",
        "restore": f"{own}/restore",
    }


def task_set_links(view_id: str, seq: int, task_set: int) -> dict[str, Any]:
    """Return the links of a task set."""
    return {"show": f"{BASE}/revision/{view_id}/{seq}/apply/{task_set}"}


def source_links(source: int) -> dict[str, Any]:
    """Return the links of a source."""
    own = f"{BASE}/source/{source}"
    return {
        "show": own,
        "bytes": own,
        "initiate": f"{own}/initiate",
        "chunk": f"{own}/chunk/{{seq_num}}/{{byte_offset}}",
        "commit": f"{own}/chunk/{{seq_num}}/{{byte_offset}}/commit",
        "load": f"{own}/load",
        "update": f"{own}/options",
        "add_to_revision": own,
        "show_input_schema": f"{own}/schema/{{input_schema_id}}",
        "input_schema_links": input_schema_links(source, "{input_schema_id}"),
    }


def input_schema_links(source: int, schema: int | str) -> dict[str, Any]:
    """Return the links of an input schema, or their templates."""
    own = f"{BASE}/source/{source}/schema/{schema}"
    return {
        "show": own,
        "transform": own,
        "latest_output": f"{own}/output/latest",
        "row_errors": f"{own}/errors",
        "output_schema_links": output_schema_links(source, schema, "{output_schema_id}"),
    }


def output_schema_links(source: int, input_schema: int | str, schema: int | str) -> dict[str, Any]:
    """Return the links of an output schema, or their templates."""
    own = f"{BASE}/source/{source}/schema/{input_schema}"
    return {
        "show": f"{own}/output/{schema}",
        "rows": f"{own}/rows/{schema}",
        "schema_errors": f"{own}/errors/{schema}",
        "validate_row_id": f"{BASE}/source/{source}/transform/{{transform_id}}/validate_row_identifier",
        "build_config": f"{BASE}/config/build_from/{schema}",
    }


def transform_links(source: int, transform: int) -> dict[str, Any]:
    """Return the links of one transform."""
    own = f"{BASE}/source/{source}/transform/{transform}"
    return {"show": own, "validate_row_id": f"{own}/validate_row_identifier"}


def config_links(name: str) -> dict[str, Any]:
    """Return the links of a config."""
    quoted = quote(name, safe="")
    own = f"{BASE}/config/{quoted}"
    return {
        "show": own,
        "update": own,
        "delete": own,
        "list": f"{BASE}/config",
        "create_revision": f"{BASE}/revision/{{fourfour}}?config={quoted}",
    }
