"""The routes of the Automation API v1.0: method, path, service, and the right that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.emulator.opendatasoft.automation import datasets, extras, metadata, parts, resources
from airflow_socrata.emulator.opendatasoft.errors import AUTOMATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.opendatasoft.errors import Reply
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

    Route = tuple[str, str, Callable[[Portal, Exchange], Reply], str | None]

D = "/datasets/{uid}"
R = D + "/resources"

_ROUTES: tuple[Route, ...] = (
    ("GET", "/datasets", datasets.listing, "list"),
    ("POST", "/datasets", datasets.create, "create"),
    ("GET", D, datasets.read, "list"),
    ("PUT", D, datasets.update, "edit"),
    ("DELETE", D, datasets.delete, "edit"),
    ("POST", D + "/copy", datasets.copy, "create"),
    ("POST", D + "/publish", datasets.action("publish"), "publish"),
    ("POST", D + "/unpublish", datasets.action("unpublish"), "publish"),
    ("POST", D + "/abort", datasets.action("abort"), "publish"),
    ("POST", D + "/publish_metadata", datasets.action("publish_metadata"), "publish"),
    ("GET", D + "/status", datasets.status, "status"),
    ("GET", D + "/metadata", metadata.read_all, "list"),
    ("PUT", D + "/metadata", metadata.put_all, "edit"),
    ("GET", D + "/metadata/{template}", metadata.read_template, "list"),
    ("PUT", D + "/metadata/{template}", metadata.put_template, "edit"),
    ("GET", D + "/metadata/{template}/{field}", metadata.read_field, "list"),
    ("PUT", D + "/metadata/{template}/{field}", metadata.put_field, "edit"),
    ("DELETE", D + "/metadata/{template}/{field}", metadata.delete_field, "edit"),
    ("POST", R + "/files", resources.upload, "edit"),
    ("GET", R + "/files/{file}", resources.read_file, "edit"),
    ("GET", R + "/files/{file}/download", resources.download, "edit"),
    ("POST", R + "/guess_extractors", resources.guess_extractors, "edit"),
    ("POST", R + "/guess_extractor_params", resources.guess_params, "edit"),
    ("POST", R + "/preview", resources.preview, "edit"),
    ("GET", R, resources.listing, "edit"),
    ("POST", R, resources.create, "edit"),
    ("GET", R + "/{part}", resources.read, "edit"),
    ("PUT", R + "/{part}", resources.update, "edit"),
    ("DELETE", R + "/{part}", resources.delete, "edit"),
    ("GET", R + "/{part}/guess_extractors", resources.guess_extractors, "edit"),
    ("GET", R + "/{part}/guess_extractors_params", resources.guess_params, "edit"),
    ("GET", R + "/{part}/preview", resources.preview, "edit"),
    ("POST", R + "/{part}/clean_cache", resources.clean_cache, "edit"),
    *(
        ("POST", R + "/{part}/" + order, resources.realtime(order), "publish")
        for order in ("recover", "delete_recover_data", "enable", "disable", "renew_api_key")
    ),
    *(
        route
        for kind in ("fields", "processors")
        for route in (
            ("GET", f"{D}/{kind}", parts.listing(kind), "edit"),
            ("POST", f"{D}/{kind}", parts.create(kind), "edit"),
            ("GET", f"{D}/{kind}/{{part}}", parts.read(kind), "edit"),
            ("PUT", f"{D}/{kind}/{{part}}", parts.update(kind), "edit"),
            ("DELETE", f"{D}/{kind}/{{part}}", parts.delete(kind), "edit"),
        )
    ),
    *(
        route
        for kind in ("users", "groups")
        for route in (
            ("GET", f"{D}/security/{kind}", parts.accesses(kind), "manage"),
            ("POST", f"{D}/security/{kind}", parts.grant(kind), "manage"),
            *(
                (method, f"{D}/security/{kind}/{{name}}", parts.access(kind), "manage")
                for method in ("GET", "PUT", "DELETE")
            ),
        )
    ),
    ("GET", D + "/versions", parts.versions, "edit"),
    ("GET", D + "/versions/{part}", parts.read_version, "edit"),
    ("POST", D + "/versions/{part}/restore", parts.restore_version, "edit"),
    *((method, D + "/schedules", parts.schedules, "edit") for method in ("GET", "POST")),
    *((method, D + "/schedules/{part}", parts.schedule, "edit") for method in ("GET", "PUT", "DELETE")),
    ("POST", D + "/attachments", extras.add_attachment, "edit"),
    ("POST", D + "/alternative_exports", extras.add_export, "edit"),
    ("PUT", D + "/alternative_exports/{part}", extras.change_export, "edit"),
    *(
        route
        for kind in ("attachments", "alternative_exports")
        for route in (
            ("GET", f"{D}/{kind}", extras.listing(kind), "edit"),
            ("GET", f"{D}/{kind}/{{part}}", extras.read(kind), "edit"),
            ("DELETE", f"{D}/{kind}/{{part}}", extras.delete(kind), "edit"),
            ("GET", f"{D}/{kind}/{{part}}/download", extras.download(kind), "edit"),
        )
    ),
    ("GET", D + "/feedbacks", extras.feedbacks, "edit"),
    ("GET", D + "/feedbacks/{part}", extras.feedback, "edit"),
    ("POST", D + "/feedbacks/{part}/archive", extras.feedback, "edit"),
    ("GET", "/extractors", resources.extractors, "edit"),
    ("GET", "/processors", parts.processors, "edit"),
    *((method, "/datasource_connections", parts.connections, "edit") for method in ("GET", "POST")),
    *(
        (method, "/datasource_connections/{part}", parts.connection, "edit")
        for method in ("GET", "PUT", "DELETE")
    ),
    *((method, "/apikeys", parts.keys, None) for method in ("GET", "POST")),
    ("POST", "/apikeys/search_key", parts.search_key, None),
    *((method, "/apikeys/{part}", parts.key, None) for method in ("GET", "PUT")),
    ("POST", "/apikeys/{part}/revoke", parts.key, None),
)
ROUTES: tuple[Route, ...] = tuple(
    (method, AUTOMATION + path, service, right) for method, path, service, right in _ROUTES
)
