"""How the Management API v2 writes things as JSON, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.messages import Reply, UnreadableReply
from airflow_socrata.client.parsing import integer, mapping, objects, shape, text
from airflow_socrata.opendatasoft.automation_json import limit_of, record_error_of
from airflow_socrata.opendatasoft.bodies import needed
from airflow_socrata.opendatasoft.models import (
    REALTIME,
    Access,
    Attachment,
    Configured,
    Dataset,
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
    from collections.abc import Iterable, Mapping

    from airflow_socrata.opendatasoft.models import ResourceSpec

_UPLOADED = "odsfile://"
#: Type of a field configuration -> its arguments, by the names of the two APIs, where they differ.
_RENAMED = {"rename": {"field_label": "label"}, "type": {"type_param": "type"}}


def dataset_of(body: Mapping[str, Any]) -> Dataset:
    """Read a dataset."""
    metas = mapping(body.get("metas"))
    published = mapping(metas.get("publishing")).get("published", body.get("published"))
    visibility = text(body.get("visibility"))
    uid = needed(body, "dataset_uid", "a dataset")
    return Dataset(
        uid=uid,
        dataset_id=text(body.get("dataset_id")) or uid,
        is_published=published if isinstance(published, bool) else None,
        is_restricted=visibility == "restricted" if visibility else None,
        metadata=tuple(
            MetadataValue(template, name, value)
            for template, fields in metas.items()
            if template != "publishing"
            for name, value in mapping(fields).items()
        ),
        updated_at=epoch(body.get("last_modified")),
        raw=body,
    )


def metadata_of(items: Iterable[Mapping[str, Any]]) -> Metadata:
    """Read metadata objects; those that were never set are left out."""
    values = []
    for one in items:
        template = one.get("template", one.get("template_name"))
        name = text(mapping(template).get("name")) or text(template)
        field = text(one.get("name")) or text(one.get("metadata_name"))
        remote = one.get("remote_value")
        if name and field and (one.get("value") is not None or remote is not None):
            override = one.get("override_remote_value")
            known = override if isinstance(override, bool) else None
            values.append(MetadataValue(name, field, one.get("value"), remote, known))
    return tuple(values)


def value_json(one: MetadataValue) -> dict[str, Any]:
    """Write one value for a bulk change."""
    body = {"template_name": one.template, "metadata_name": one.name, "value": one.value}
    if one.override_remote_value is not None:
        body["override_remote_value"] = one.override_remote_value
    return body


def status_of(body: Mapping[str, Any], read_at: float | None) -> Status:
    """Read a status; its name stands under ``name``, in an older example under ``status``."""
    published, errors = body.get("published"), body.get("records_errors")
    listed = objects(errors)
    name = text(body.get("name")) or needed(body, "status", "a status")
    params = mapping(body.get("raw_params")) or mapping(body.get("params"))
    return Status(
        name=name,
        since=epoch(body.get("since")),
        read_at=read_at,
        is_published=published if isinstance(published, bool) else None,
        previous=text(body.get("previous")),
        next=text(body.get("next")),
        message=text(body.get("message")),
        params=params,
        records_errors=tuple(record_error_of(one) for one in listed),
        records_error_count=len(listed) if isinstance(errors, list) else integer(errors),
        limit=limit_of(params) if name == "limit_reached" else None,
        raw=body,
    )


def record_errors_of(reply: Reply) -> tuple[RecordError, ...]:
    """Read a list of record errors; an example of the vendor's shows one alone.

    :raises UnreadableReply: if it is neither.
    """
    body = reply.json()
    if isinstance(body, dict) and "message" in body:
        body = [body]
    if not isinstance(body, list):
        raise UnreadableReply(f"expected a list of record errors, got {shape(body)}")
    return tuple(record_error_of(one) for one in objects(body))


def file_of(body: Mapping[str, Any]) -> UploadedFile:
    """Read an uploaded file; resources name it by its address."""
    file_id, url = needed(body, "file_id", "a file"), text(body.get("url"))
    uid = url.removeprefix(_UPLOADED) if url and url.startswith(_UPLOADED) else file_id
    return UploadedFile(uid, text(body.get("filename")), url, epoch(body.get("created")), body)


def resource_of(body: Mapping[str, Any]) -> Resource:
    """Read a resource."""
    url = text(body.get("url"))
    source = Source()
    if url and url.startswith(_UPLOADED):
        source = Source(file_uid=url.removeprefix(_UPLOADED))
    elif url and url.startswith(("http://", "https://")) and not body.get("connection"):
        source = Source(url=url)
    return Resource(
        uid=needed(body, "resource_uid", "a resource"),
        title=text(body.get("title")) or "",
        type=text(body.get("type")) or "",
        params=mapping(body.get("params")),
        source=source,
        raw=body,
    )


def resource_json(spec: ResourceSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """Write a resource."""
    body = {"title": spec.title, "type": spec.type, "params": dict(params)}
    return body if spec.type == REALTIME else {**body, "url": _address(spec.source)}


def _address(source: Source) -> str:
    if source.file_uid is not None and source.url is None:
        return f"{_UPLOADED}{source.file_uid}"
    if source.url is None or source.file_uid is not None:
        raise ConfigurationError("a resource takes its records from either an uploaded file or an address")
    if not source.url.startswith(("http://", "https://")):
        raise ConfigurationError("the address of a resource must be http(s)://host/path")
    return source.url


def writable(resource: Resource) -> dict[str, Any]:
    """Write a resource as it was read, without its uid."""
    return {key: value for key, value in resource.raw.items() if key != "resource_uid"}


def configured_of(body: Mapping[str, Any]) -> Configured:
    """Read a field configuration or a processor; its arguments get the Automation API's names."""
    uid = (
        text(body.get("processor_uid")) or text(body.get("uid")) or text(body.get("fields_specification_uid"))
    )
    kind, args = text(body.get("name")) or "", body.get("args")
    theirs = {name: ours for ours, name in _RENAMED.get(kind, {}).items()}
    ours = {theirs.get(key, key): value for key, value in mapping(args).items()}
    if isinstance(args, list):
        ours = {"order": args}
    return Configured(
        uid or needed(body, "uid", "a part of the pipeline"), kind, ours, text(body.get("label"))
    )


def configured_json(item: Configured) -> dict[str, Any]:
    """Write one; the arguments of an order are a bare list here."""
    names = _RENAMED.get(item.type, {})
    args: Any = {names.get(key, key): value for key, value in item.args.items()}
    if item.type == "order" and "order" in item.args:
        args = list(item.args["order"])
    body = {"name": item.type, "args": args}
    return {**body, "label": item.label} if item.label else body


def security_of(body: Mapping[str, Any]) -> Security:
    """Read a ruleset; ``["*"]`` stands for all fields here."""
    fields = body.get("visible_fields")
    quota = mapping(body.get("api_calls_quota"))
    limit, unit = integer(quota.get("limit")), text(quota.get("unit"))
    permissions = body.get("permissions")
    return Security(
        is_data_visible=body.get("is_data_visible") is not False,
        visible_fields=tuple(map(str, fields)) if isinstance(fields, list) and "*" not in fields else None,
        filter_query=text(body.get("filter_query")) or "",
        calls_quota=(limit, unit) if limit is not None and unit else None,
        permissions=words(permissions),
    )


def security_json(security: Security) -> dict[str, Any]:
    """Write a ruleset."""
    quota = security.calls_quota
    return {
        "is_data_visible": security.is_data_visible,
        "visible_fields": ["*"] if security.visible_fields is None else list(security.visible_fields),
        "filter_query": security.filter_query,
        "api_calls_quota": {"limit": quota[0], "unit": quota[1]} if quota else None,
        "permissions": list(security.permissions),
    }


def access_of(body: Mapping[str, Any]) -> Access:
    """Read the rules of one user or group."""
    name = text(mapping(body.get("user")).get("username")) or text(mapping(body.get("group")).get("group_id"))
    return Access(name or "", security_of(body))


def version_of(body: Mapping[str, Any]) -> Version:
    """Read a change.

    :raises UnreadableReply: if it has no number.
    """
    number = integer(body.get("change_uid"))
    if number is None:
        raise UnreadableReply("a change lacks change_uid")
    return Version(
        str(number),
        epoch(body.get("timestamp")),
        words(body.get("sections")),
        body.get("can_restore") is not False,
        text(mapping(body.get("user")).get("username")),
    )


def attachment_of(body: Mapping[str, Any]) -> Attachment:
    """Read an attachment."""
    uid = text(body.get("attachment_uid")) or text(body.get("uid"))
    return Attachment(
        uid or needed(body, "attachment_uid", "an attachment"),
        text(body.get("title")),
        text(body.get("filename")),
        text(body.get("url")),
        body,
    )
