"""The routes of the Management API v2: method, path, service, and the right that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.emulator.opendatasoft.automation import datasets as automation_datasets
from airflow_socrata.emulator.opendatasoft.automation import extras as automation_extras
from airflow_socrata.emulator.opendatasoft.automation import parts as automation_parts
from airflow_socrata.emulator.opendatasoft.automation import resources as automation_resources
from airflow_socrata.emulator.opendatasoft.errors import MANAGEMENT
from airflow_socrata.emulator.opendatasoft.management import datasets, parts

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft.automation.routes import Route

D = "/datasets/{uid}"
R = D + "/resources"
M = D + "/metadata/{template}/{field}"

_ROUTES: tuple[Route, ...] = (
    ("GET", "/datasets", datasets.listing, "list"),
    ("POST", "/datasets", datasets.create, "create"),
    ("GET", D, datasets.read, "list"),
    ("DELETE", D, automation_datasets.delete, "edit"),
    ("PUT", D + "/publish", datasets.action("publish"), "publish"),
    ("PUT", D + "/unpublish", datasets.action("unpublish"), "publish"),
    ("PUT", D + "/abort_processing", datasets.action("abort"), "publish"),
    ("PUT", D + "/publish_metadata", datasets.action("publish_metadata"), "publish"),
    ("PUT", D + "/save_version", datasets.action("save_version"), "publish"),
    ("GET", D + "/status", datasets.status, "publish"),
    ("GET", D + "/status/records_errors", datasets.records_errors, "publish"),
    ("GET", D + "/metadata", datasets.metadata, "edit"),
    ("PUT", D + "/metadata", datasets.put_metadata, "edit"),
    *((method, M, datasets.meta, "edit") for method in ("GET", "PUT", "DELETE")),
    ("GET", D + "/changes", datasets.changes, "edit"),
    ("PUT", D + "/restore_change", datasets.restore_change, "edit"),
    ("GET", "/jobs/{job}", datasets.job, None),
    ("POST", "/files", parts.upload, "edit"),
    ("GET", "/files", parts.files, "edit"),
    ("GET", "/files/{file}", parts.read_file, "edit"),
    ("GET", "/download_file/{file}", parts.download, "edit"),
    ("GET", R, parts.listing, "edit"),
    ("POST", R, parts.create, "edit"),
    ("GET", R + "/{part}", parts.read, "edit"),
    ("PUT", R + "/{part}", parts.update, "edit"),
    ("DELETE", R + "/{part}", automation_resources.delete, "edit"),
    ("GET", R + "/{part}/download", parts.download_resource, "edit"),
    ("GET", R + "/{part}/preview", parts.preview, "edit"),
    ("POST", D + "/resource_preview", parts.preview, "edit"),
    ("GET", "/extractors", parts.extractors, "edit"),
    ("POST", "/guess_extractors", parts.guess_extractors, "edit"),
    ("POST", "/guess_extractor_params", parts.guess_params, "edit"),
    ("GET", "/processors", parts.processors, "edit"),
    *(
        route
        for kind, name in (("fields", "fields_specifications"), ("processors", "processors"))
        for route in (
            ("GET", f"{D}/{name}", parts.pipeline(kind), "edit"),
            ("POST", f"{D}/{name}", parts.pipeline(kind), "edit"),
            ("GET", f"{D}/{name}/{{part}}", parts.pipeline_part(kind), "edit"),
            ("PUT", f"{D}/{name}/{{part}}", parts.pipeline_part(kind), "edit"),
            ("DELETE", f"{D}/{name}/{{part}}", automation_parts.delete(kind), "edit"),
        )
    ),
    *((method, D + "/security/access_policy", parts.access_policy, "manage") for method in ("GET", "PUT")),
    *(
        (method, D + "/security/default", parts.default_security, "manage")
        for method in ("GET", "PUT", "DELETE")
    ),
    *(
        route
        for kind in ("users", "groups")
        for route in (
            ("GET", f"{D}/security/{kind}", parts.accesses(kind), "manage"),
            ("POST", f"{D}/security/{kind}", parts.accesses(kind), "manage"),
            *(
                (method, f"{D}/security/{kind}/{{name}}", parts.access(kind), "manage")
                for method in ("GET", "PUT", "DELETE")
            ),
        )
    ),
    *(
        route
        for kind, prefix in (("attachments", "at"), ("alternative_exports", "ae"))
        for route in (
            ("GET", f"{D}/{kind}", parts.extras(kind, prefix), "edit"),
            ("POST", f"{D}/{kind}", parts.extras(kind, prefix), "edit"),
            ("GET", f"{D}/{kind}/{{part}}", parts.one_extra(kind), "edit"),
            ("DELETE", f"{D}/{kind}/{{part}}", parts.one_extra(kind), "edit"),
            ("GET", f"{D}/download_{kind[:-1]}/{{part}}", automation_extras.download(kind), "edit"),
        )
    ),
)
ROUTES: tuple[Route, ...] = tuple(
    (method, MANAGEMENT + path, service, right) for method, path, service, right in _ROUTES
)
