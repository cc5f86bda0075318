"""Paths of the publishing service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.emulator.dsmapi import (
    applying,
    archiving,
    configs,
    revisions,
    schemas,
    sources,
    uploads,
)
from airflow_socrata.emulator.dsmapi.calls import served
from airflow_socrata.emulator.dsmapi.links import BASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply

_REVISION = "/revision/{fourfour}/{sequence}"
_SOURCE = "/source/{source_id}"
_SCHEMA = _SOURCE + "/schema/{input_schema_id}"

_SERVICES: tuple[tuple[str, str, Callable[[Portal, Exchange], Reply]], ...] = (
    ("/revision", "POST", revisions.create_dataset),
    ("/revision/{fourfour}", "GET", revisions.listing),
    ("/revision/{fourfour}", "POST", revisions.create),
    (_REVISION, "GET", revisions.read),
    (_REVISION, "PUT", revisions.update),
    (_REVISION, "PATCH", revisions.update),
    (_REVISION, "DELETE", revisions.discard),
    (_REVISION + "/plan", "GET", revisions.plan),
    (_REVISION + "/apply", "PUT", applying.apply),
    (_REVISION + "/apply/{task_set_id}", "GET", applying.read),
    (_REVISION + "/restore", "POST", archiving.restore),
    (_REVISION + "/attachment", "POST", revisions.attach),
    (_REVISION + "/source", "POST", sources.create_in_revision),
    (_REVISION + "/source", "GET", sources.listing),
    (_REVISION + "/source/download", "GET", uploads.download),
    (_REVISION + "/source/download/{source_id}", "GET", uploads.download),
    ("/source", "POST", sources.create),
    (_SOURCE, "GET", sources.read),
    (_SOURCE, "POST", uploads.send),
    (_SOURCE, "PATCH", sources.add_to_revision),
    (_SOURCE + "/initiate", "POST", uploads.initiate),
    (_SOURCE + "/chunk/{seq_num}/{byte_offset}", "POST", uploads.chunk),
    (_SOURCE + "/chunk/{seq_num}/{byte_offset}/commit", "POST", uploads.commit),
    (_SOURCE + "/options", "POST", sources.change_options),
    (_SOURCE + "/load", "PUT", sources.load),
    (_SCHEMA, "GET", schemas.read_input),
    (_SCHEMA, "POST", schemas.create_output),
    (_SCHEMA + "/errors", "GET", schemas.row_errors),
    (_SCHEMA + "/errors/{output_schema_id}", "GET", schemas.errors),
    (_SCHEMA + "/rows/{output_schema_id}", "GET", schemas.rows),
    (_SCHEMA + "/output/latest", "GET", schemas.latest_output),
    (_SCHEMA + "/output/{output_schema_id}", "GET", schemas.read_output),
    (_SOURCE + "/transform/{transform_id}", "GET", schemas.read_transform),
    (_SOURCE + "/transform/{transform_id}/validate_row_identifier", "GET", schemas.validate_row_identifier),
    ("/config", "GET", configs.listing),
    ("/config", "POST", configs.create),
    ("/config/build_from/{output_schema_id}", "POST", configs.build_from),
    ("/config/{name}", "GET", configs.read),
    ("/config/{name}", "PATCH", configs.update),
    ("/config/{name}", "DELETE", configs.delete),
    ("/schedule/{fourfour}", "GET", revisions.schedule),
    ("/schedule/{fourfour}", "POST", revisions.schedule),
    ("/schedule/{fourfour}", "PUT", revisions.schedule),
    ("/schedule/{fourfour}", "DELETE", revisions.schedule),
)

# (path, method, service), as the application's own table has them.
TABLE: tuple[tuple[str, str, Callable[[Portal, Exchange], Reply]], ...] = (
    *((BASE + path, method, served(service)) for path, method, service in _SERVICES),
)
