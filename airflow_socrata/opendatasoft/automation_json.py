"""How the Automation API v1.0 writes things as JSON, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.parsing import integer, mapping, objects, text
from airflow_socrata.opendatasoft.bodies import items_of, needed, object_of
from airflow_socrata.opendatasoft.models import (
    REALTIME,
    Access,
    Attachment,
    Configured,
    Dataset,
    LimitReached,
    Metadata,
    MetadataValue,
    RecordError,
    Resource,
    Security,
    Source,
    Status,
    UploadedFile,
    Version,
    epoch,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_socrata.client.messages import Reply
    from airflow_socrata.opendatasoft.models import ResourceSpec

#: What the server adds to a resource; it is not sent back.
_READ_ONLY = frozenset({"uid", "display_name", "extraction_infos", "origin", "updated_at", "url"})


def dataset_of(body: Mapping[str, Any]) -> Dataset:
    """Read a dataset."""
    published, restricted = body.get("is_published"), body.get("is_restricted")
    uid = needed(body, "uid", "a dataset")
    return Dataset(
        uid=uid,
        dataset_id=text(body.get("dataset_id")) or uid,
        is_published=published if isinstance(published, bool) else None,
        is_restricted=restricted if isinstance(restricted, bool) else None,
        metadata=metadata_of(mapping(body.get("metadata"))),
        created_at=epoch(body.get("created_at")),
        updated_at=epoch(body.get("updated_at")),
        raw=body,
    )


def metadata_of(templates: Mapping[str, Any]) -> Metadata:
    """Read metadata: template to field to value object."""
    return tuple(
        _value_of(template, name, one)
        for template, fields in templates.items()
        for name, one in mapping(fields).items()
    )


def _value_of(template: str, name: str, body: Any) -> MetadataValue:
    one = mapping(body)
    override = one.get("override_remote_value")
    return MetadataValue(
        template,
        name,
        one.get("value"),
        one.get("remote_value"),
        override if isinstance(override, bool) else None,
    )


def value_json(one: MetadataValue) -> dict[str, Any]:
    """Write one value; what the origin has is the portal's own affair."""
    body = {"value": one.value}
    if one.override_remote_value is not None:
        body["override_remote_value"] = one.override_remote_value
    return body


def metadata_json(values: Iterable[MetadataValue]) -> dict[str, dict[str, Any]]:
    """Write metadata of several templates."""
    templates: dict[str, dict[str, Any]] = {}
    for one in values:
        templates.setdefault(one.template, {})[one.name] = value_json(one)
    return templates


def status_of(body: Mapping[str, Any], read_at: float | None) -> Status:
    """Read a status."""
    published = body.get("is_published")
    errors = objects(body.get("records_errors"))
    params = mapping(body.get("params"))
    name = needed(body, "status", "a status")
    return Status(
        name=name,
        since=epoch(body.get("since")),
        read_at=read_at,
        is_published=published if isinstance(published, bool) else None,
        previous=text(body.get("previous")),
        next=text(body.get("next")),
        message=text(body.get("message")),
        params=params,
        records_errors=tuple(record_error_of(one) for one in errors),
        records_error_count=len(errors),
        limit=limit_of(params) if name == "limit_reached" else None,
        raw=body,
    )


def limit_of(params: Mapping[str, Any]) -> LimitReached:
    """Read which limit was reached."""
    found = mapping(params.get("error")) or params
    return LimitReached(
        text(found.get("limit_type")), integer(found.get("limit")), integer(found.get("value"))
    )


def record_error_of(body: Mapping[str, Any]) -> RecordError:
    """Read what went wrong with one record."""
    return RecordError(
        text(body.get("message")) or "no message",
        text(body.get("record_id")),
        text(body.get("field_uid")),
        text(body.get("processor_uid")),
    )


def file_of(body: Mapping[str, Any]) -> UploadedFile:
    """Read an uploaded file."""
    return UploadedFile(
        needed(body, "uid", "a file"), text(body.get("filename")), None, epoch(body.get("created_at")), body
    )


def resource_of(body: Mapping[str, Any]) -> Resource:
    """Read a resource."""
    url = text(body.get("url"))
    return Resource(
        uid=needed(body, "uid", "a resource"),
        title=text(body.get("title")) or "",
        type=text(body.get("type")) or "",
        params=mapping(body.get("params")),
        source=_source_of(mapping(body.get("datasource"))),
        push_url=url.split("?")[0] if url else None,
        raw=body,
    )


def _source_of(datasource: Mapping[str, Any]) -> Source:
    kind = datasource.get("type")
    if kind == "uploaded_file":
        return Source(file_uid=text(mapping(datasource.get("file")).get("uid")))
    if kind == "http":
        origin = text(mapping(datasource.get("connection")).get("url"))
        return Source(
            url=origin.rstrip("/") + (text(datasource.get("relative_url")) or "") if origin else None
        )
    return Source()


def resource_json(spec: ResourceSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """Write a resource."""
    body = {"type": spec.type, "title": spec.title, "params": dict(params)}
    return body if spec.type == REALTIME else {**body, "datasource": _datasource(spec.source)}


def _datasource(source: Source) -> dict[str, Any]:
    if source.file_uid is not None and source.url is None:
        return {"type": "uploaded_file", "file": {"uid": source.file_uid}}
    if source.url is None or source.file_uid is not None:
        raise ConfigurationError("a resource takes its records from either an uploaded file or an address")
    parts = urlsplit(source.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ConfigurationError("the address of a resource must be http(s)://host/path, without a password")
    return {
        "type": "http",
        "connection": {"type": "http", "url": f"{parts.scheme}://{parts.netloc}", "auth": None},
        "headers": [],
        "relative_url": (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    }


def writable(resource: Resource) -> dict[str, Any]:
    """Write a resource as it was read, without what the server adds."""
    body = {key: value for key, value in resource.raw.items() if key not in _READ_ONLY}
    datasource = mapping(body.get("datasource"))
    file_uid = mapping(datasource.get("file")).get("uid")
    if file_uid is not None:
        body["datasource"] = {**datasource, "file": {"uid": file_uid}}
    connection = mapping(datasource.get("connection"))
    if connection.get("uid"):
        body["datasource"] = {**datasource, "connection": {"uid": connection["uid"]}}
    return body


def configured_of(body: Mapping[str, Any]) -> Configured:
    """Read a field configuration or a processor."""
    args = {key: value for key, value in body.items() if key not in {"uid", "type", "label"}}
    return Configured(
        needed(body, "uid", "a part of the pipeline"),
        text(body.get("type")) or "",
        args,
        text(body.get("label")),
    )


def configured_json(item: Configured) -> dict[str, Any]:
    """Write one; this API wants a label."""
    return {**item.args, "type": item.type, "label": item.label or item.type}


def security_of(body: Mapping[str, Any], permissions: Any = None) -> Security:
    """Read what somebody may see."""
    fields = body.get("visible_fields")
    quota = mapping(body.get("api_calls_quota"))
    limit, unit = integer(quota.get("limit")), text(quota.get("unit"))
    return Security(
        is_data_visible=body.get("is_data_visible") is not False,
        visible_fields=tuple(map(str, fields)) if isinstance(fields, list) else None,
        filter_query=text(body.get("filter_query")) or "",
        calls_quota=(limit, unit) if limit is not None and unit else None,
        permissions=words(permissions),
    )


def security_json(security: Security) -> dict[str, Any]:
    """Write what somebody may see."""
    quota = security.calls_quota
    return {
        "is_data_visible": security.is_data_visible,
        "visible_fields": None if security.visible_fields is None else list(security.visible_fields),
        "filter_query": security.filter_query,
        "api_calls_quota": {"limit": quota[0], "unit": quota[1]} if quota else None,
    }


def access_of(body: Mapping[str, Any]) -> Access:
    """Read the rules of one user or group."""
    name = text(mapping(body.get("user")).get("username")) or text(mapping(body.get("group")).get("uid"))
    return Access(name or "", security_of(mapping(body.get("security")), body.get("permissions")))


def version_of(body: Mapping[str, Any]) -> Version:
    """Read one entry of the history."""
    return Version(
        needed(body, "uid", "a version"),
        epoch(body.get("created_at")),
        words(body.get("sections")),
        body.get("can_restore") is not False,
        text(mapping(body.get("created_by")).get("username")),
    )


def newest_first(versions: Sequence[Version]) -> tuple[Version, ...]:
    """Sort a history; the order in which a portal lists it is not documented.

    Entries of the same moment stay in the list's own direction, which the others tell; where none does, the
    last is taken for the newest, as a known client does.
    """
    times = [one.created_at or 0.0 for one in versions]
    descending = times == sorted(times, reverse=True) and times[:1] != times[-1:]
    ordered = list(versions) if descending else list(reversed(versions))
    return tuple(sorted(ordered, key=lambda one: one.created_at or 0.0, reverse=True))


def attachment_of(body: Mapping[str, Any]) -> Attachment:
    """Read an attachment."""
    return Attachment(
        needed(body, "uid", "an attachment"),
        text(body.get("title")),
        text(body.get("filename")),
        text(body.get("url")),
        body,
    )


def read_dataset(reply: Reply) -> Dataset:
    """Read a reply that is a dataset."""
    return dataset_of(object_of(reply, "a dataset"))


def read_resource(reply: Reply) -> Resource:
    """Read a reply that is a resource."""
    return resource_of(object_of(reply, "a resource"))


def read_configured(reply: Reply) -> Configured:
    """Read a reply that is a part of the pipeline."""
    return configured_of(object_of(reply, "a part of the pipeline"))


def read_default_security(reply: Reply) -> Security:
    """Read what everybody may see out of a dataset."""
    body = object_of(reply, "a dataset").get("default_security")
    return security_of(body if isinstance(body, dict) else {})


def read_versions(reply: Reply) -> tuple[Version, ...]:
    """Read a history, newest first."""
    items, _ = items_of(reply, "results", "versions")
    return newest_first([version_of(one) for one in items])
