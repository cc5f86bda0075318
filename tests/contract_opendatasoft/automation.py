"""Every call of the Automation API v1.0."""

from __future__ import annotations

from contract_opendatasoft.schemas import (
    ANY_OBJECT,
    ANYTHING,
    BOOLEAN,
    CSV_PARAMS,
    NAME,
    NOTHING,
    PERMISSIONS,
    PREVIEW,
    QUOTA,
    SECONDS,
    TEXT,
    WHOLE,
    Operation,
    Schema,
    array,
    closed,
    either,
    mapping,
    one_of,
    uid,
)

BASE = "/api/automation/v1.0"
NAMES = (
    "idle",
    "error",
    "limit_reached",
    "queued",
    "aborting_processing",
    "processing",
    "deleting",
    "saving_version",
)


def page(item: Schema) -> Schema:
    """A page of a list."""
    link = either(NAME, NOTHING)
    return closed({"total_count": WHOLE, "next": link, "previous": link, "results": array(item)})


OK = closed({"detail": one_of("ok")})
ERROR = closed({"error_code": NAME, "message": NAME}, detail=mapping(array(NAME)), trace_id=NAME)
STATUS = closed({
    "status": one_of(*NAMES),
    "since": SECONDS,
    "is_published": BOOLEAN,
    "previous": one_of(*NAMES, None),
    "next": one_of(*NAMES, None),
    "message": either(NAME, NOTHING),
    "records_errors": array(closed({"record_id": NAME, "message": NAME}, field_uid=NAME, processor_uid=NAME)),
    "params": ANY_OBJECT,
})

VALUE = closed({"value": ANYTHING}, override_remote_value=BOOLEAN)
TEMPLATE = mapping(VALUE)
METADATA = mapping(TEMPLATE)
METADATA_SENT = METADATA | {"required": ["default"]}
SECURITY = closed({
    "is_data_visible": BOOLEAN,
    "visible_fields": either(array(NAME), NOTHING),
    "filter_query": TEXT,
    "api_calls_quota": QUOTA,
})
DATASET = closed({
    "uid": uid("da"),
    "dataset_id": NAME,
    "is_published": BOOLEAN,
    "is_restricted": BOOLEAN,
    "default_security": SECURITY,
    "created_at": SECONDS,
    "updated_at": SECONDS,
    "metadata": METADATA,
})
DATASET_SENT = closed(
    {"metadata": METADATA_SENT}, dataset_id=NAME, is_restricted=BOOLEAN, default_security=SECURITY
)

FILE = closed({"uid": NAME, "filename": NAME, "mimetype": NAME, "created_at": SECONDS})
LABELLED = closed({"label": NAME, "type": NAME})
CONNECTION = closed({"type": one_of("http"), "url": NAME, "auth": NOTHING})
HTTP = closed({
    "type": one_of("http"),
    "connection": CONNECTION,
    "headers": array(closed({"name": NAME, "value": TEXT})),
    "relative_url": NAME,
})
UPLOADED_SENT = closed({"type": one_of("uploaded_file"), "file": closed({"uid": NAME})})
UPLOADED = closed({"type": one_of("uploaded_file"), "file": FILE})
SOURCE_SENT = either(UPLOADED_SENT, HTTP)
RESOURCE_SENT = closed({"type": NAME, "title": NAME, "params": ANY_OBJECT}, datasource=SOURCE_SENT)
_RESOURCE = {
    "uid": uid("re"),
    "type": NAME,
    "title": NAME,
    "params": ANY_OBJECT,
    "display_name": NAME,
    "extraction_infos": LABELLED,
    "origin": LABELLED,
    "updated_at": SECONDS,
}
REALTIME = closed({**_RESOURCE, "url": NAME})
RESOURCE = either(closed({**_RESOURCE, "datasource": either(UPLOADED, HTTP)}), REALTIME)
EXTRACTOR = closed({
    "type": NAME,
    "label": NAME,
    "parameters": array(closed({"name": NAME, "type": NAME, "is_mandatory": BOOLEAN, "default": TEXT})),
})
PARAMS = closed({"extractor": NAME, "params": CSV_PARAMS})

FIELDS = {
    "rename": {"from_name": NAME, "to_name": NAME, "field_label": NAME},
    "type": {"field": NAME, "type_param": NAME},
    "annotate": {"field": NAME, "annotation": NAME, "args": array(either(TEXT, WHOLE))},
    "description": {"field": NAME, "description": TEXT},
    "order": {"order": array(NAME)},
    "delete": {"field": NAME},
}


def _field(kind: str, **more: Schema) -> Schema:
    schema = closed({"type": one_of(kind), "label": NAME, **FIELDS[kind], **more})
    schema["required"] = [name for name in schema["required"] if name != "args"]
    return schema


FIELD_SENT = either(*(_field(kind) for kind in FIELDS))
FIELD = either(*(_field(kind, uid=uid("pr")) for kind in FIELDS))
PROCESSOR_SENT = {
    "type": "object",
    "properties": {"type": NAME, "label": NAME},
    "required": ["type", "label"],
}
PROCESSOR = {
    "type": "object",
    "properties": {"uid": uid("pr"), "type": NAME, "label": NAME},
    "required": ["uid", "type", "label"],
}
USER, GROUP = {"user": closed({"username": NAME})}, {"group": closed({"uid": NAME})}
RULES = {"permissions": PERMISSIONS, "security": SECURITY}
PERSON = closed({"username": NAME})
VERSION = closed({
    "uid": uid("ch"),
    "sections": array(one_of("creation", "metadata", "data")),
    "created_by": PERSON,
    "can_restore": BOOLEAN,
    "created_at": SECONDS,
})
SCHEDULE_SENT = closed({"cron_schedule": NAME})
SCHEDULE = closed({"uid": uid("sc"), "cron_schedule": NAME})
ATTACHMENT = closed({"uid": uid("at"), "filename": NAME, "mimetype": NAME, "created_at": SECONDS})
EXPORT = closed({
    "uid": uid("ae"),
    "title": NAME,
    "description": TEXT,
    "mimetype": NAME,
    "type": one_of("uploaded_file"),
    "filename": NAME,
    "created_at": SECONDS,
    "updated_at": SECONDS,
})
EXPORT_SENT = closed({"title": NAME, "type": one_of("uploaded_file")}, description=TEXT)
FEEDBACK = closed({
    "uid": uid("fe"),
    "record_id": NAME,
    "user": PERSON,
    "comment": TEXT,
    "values": ANY_OBJECT,
    "is_archived": BOOLEAN,
    "created_at": SECONDS,
})
SAVED_CONNECTION_SENT = closed({"type": one_of("http"), "url": NAME}, auth=NOTHING, is_reusable=BOOLEAN)
SAVED_CONNECTION = closed(
    {"uid": uid("co"), "type": one_of("http"), "url": NAME}, auth=NOTHING, is_reusable=BOOLEAN
)
KEY_SENT = closed({"label": TEXT, "permissions": array(NAME)})
KEY = closed({
    "uid": uid("ak"),
    "label": TEXT,
    "key": {"type": "string", "pattern": "^[0-9a-f]{56}$"},
    "permissions": array(NAME),
    "created_at": SECONDS,
    "user": PERSON,
    "revocation_status": closed({"revoked_at": either(SECONDS, NOTHING), "revocation_reason": TEXT}),
    "is_revoked": BOOLEAN,
})

WHOLE_LIST = ("limit", "offset")
D = "/datasets/{dataset_uid}/"
R = D + "resources/{resource_uid}/"
F = D + "resources/files/"
CREATED, DELETED = (201,), (204,)


def _part(one: str, path: str, received: Schema, sent: Schema, *, listed: bool = True) -> list[Operation]:
    """The five calls of something that a dataset has many of; the client reads the list alone."""
    place = "{" + one.replace(" ", "_") + "_uid}/"
    article = f"an {one}" if one[0] in "aeiou" else f"a {one}"
    return [
        Operation(f"list {one}s", "GET", path, page(received), query=WHOLE_LIST, client=listed),
        Operation(f"add {article}", "POST", path, received, sent, CREATED, client=listed),
        Operation(f"read {article}", "GET", path + place, received, client=False),
        Operation(f"change {article}", "PUT", path + place, received, sent, client=listed),
        Operation(f"delete {article}", "DELETE", path + place, None, statuses=DELETED, client=listed),
    ]


OPERATIONS = (
    Operation("list datasets", "GET", "/datasets/", page(DATASET), query=(*WHOLE_LIST, "dataset_id")),
    Operation("create a dataset", "POST", "/datasets/", DATASET, DATASET_SENT, CREATED),
    Operation("read a dataset", "GET", D, DATASET),
    Operation("change a dataset", "PUT", D, DATASET, DATASET_SENT),
    Operation("delete a dataset", "DELETE", D, None, statuses=DELETED),
    Operation("copy a dataset", "POST", D + "copy/", DATASET, statuses=CREATED),
    Operation("publish", "POST", D + "publish/", OK),
    Operation("unpublish", "POST", D + "unpublish/", OK),
    Operation("abort", "POST", D + "abort/", OK),
    Operation("publish metadata", "POST", D + "publish_metadata/", OK),
    Operation("read the status", "GET", D + "status/", STATUS),
    Operation("read metadata", "GET", D + "metadata/", METADATA),
    Operation("set metadata", "PUT", D + "metadata/", METADATA, METADATA_SENT, client=False),
    Operation("read a template", "GET", D + "metadata/{template_name}/", TEMPLATE, client=False),
    Operation("set a template", "PUT", D + "metadata/{template_name}/", TEMPLATE, TEMPLATE),
    Operation(
        "read a field of metadata",
        "GET",
        D + "metadata/{template_name}/{template_field_name}/",
        VALUE,
        client=False,
    ),
    Operation(
        "set a field of metadata", "PUT", D + "metadata/{template_name}/{template_field_name}/", VALUE, VALUE
    ),
    Operation(
        "reset a field of metadata",
        "DELETE",
        D + "metadata/{template_name}/{template_field_name}/",
        None,
        statuses=DELETED,
    ),
    Operation("upload a file", "POST", F, FILE, "file", CREATED),
    Operation("read a file", "GET", F + "{file_uid}/", FILE),
    Operation("download a file", "GET", F + "{file_uid}/download/", "bytes"),
    Operation("list resources", "GET", D + "resources/", page(RESOURCE), query=WHOLE_LIST),
    Operation("add a resource", "POST", D + "resources/", RESOURCE, RESOURCE_SENT, CREATED),
    Operation("read a resource", "GET", R, RESOURCE, client=False),
    Operation("change a resource", "PUT", R, RESOURCE, RESOURCE_SENT),
    Operation("delete a resource", "DELETE", R, None, statuses=DELETED),
    *(
        Operation(f"{order} of a realtime resource", "POST", f"{R}{order}/", REALTIME)
        for order in ("enable", "disable", "recover", "delete_recover_data", "renew_api_key")
    ),
    Operation("clean the cache", "POST", R + "clean_cache/", None, statuses=DELETED, client=False),
    Operation(
        "guess extractors",
        "POST",
        D + "resources/guess_extractors/",
        array(EXTRACTOR),
        closed({"datasource": SOURCE_SENT}),
        client=False,
    ),
    Operation(
        "guess parameters",
        "POST",
        D + "resources/guess_extractor_params/",
        PARAMS,
        closed({"type": NAME, "datasource": SOURCE_SENT}),
        client=False,
    ),
    Operation(
        "preview",
        "POST",
        D + "resources/preview/",
        PREVIEW,
        closed({"type": NAME, "datasource": SOURCE_SENT}, params=CSV_PARAMS),
        client=False,
    ),
    Operation(
        "guess extractors of a resource", "GET", R + "guess_extractors/", array(EXTRACTOR), client=False
    ),
    Operation("guess parameters of a resource", "GET", R + "guess_extractors_params/", PARAMS, client=False),
    Operation("preview a resource", "GET", R + "preview/", PREVIEW, client=False),
    Operation("list extractors", "GET", "/extractors/", array(EXTRACTOR), client=False),
    *_part("field", D + "fields/", FIELD, FIELD_SENT),
    *_part("processor", D + "processors/", PROCESSOR, PROCESSOR_SENT),
    Operation("list known processors", "GET", "/processors/", array(LABELLED), client=False),
    *(
        each
        for one, path, place, rules in (
            ("user", D + "security/users/", "{username}/", closed({**USER, **RULES})),
            ("group", D + "security/groups/", "{group_uid}/", closed({**GROUP, **RULES})),
        )
        for each in (
            Operation(f"list {one}s", "GET", path, page(rules), query=WHOLE_LIST),
            Operation(f"add a {one}", "POST", path, rules, rules, CREATED),
            Operation(f"read a {one}", "GET", path + place, rules, client=False),
            Operation(f"change a {one}", "PUT", path + place, rules, rules),
            Operation(f"remove a {one}", "DELETE", path + place, None, statuses=DELETED),
        )
    ),
    Operation("list versions", "GET", D + "versions/", page(VERSION), query=WHOLE_LIST),
    Operation("read a version", "GET", D + "versions/{version_uid}/", VERSION, client=False),
    Operation("restore a version", "POST", D + "versions/{version_uid}/restore/", DATASET),
    *_part("schedule", D + "schedules/", SCHEDULE, SCHEDULE_SENT, listed=False),
    Operation("list attachments", "GET", D + "attachments/", page(ATTACHMENT), query=WHOLE_LIST),
    Operation("attach a file", "POST", D + "attachments/", ATTACHMENT, "file", CREATED),
    Operation("read an attachment", "GET", D + "attachments/{attachment_uid}/", ATTACHMENT, client=False),
    Operation("delete an attachment", "DELETE", D + "attachments/{attachment_uid}/", None, statuses=DELETED),
    Operation(
        "download an attachment", "GET", D + "attachments/{attachment_uid}/download/", "bytes", client=False
    ),
    Operation(
        "list alternative exports",
        "GET",
        D + "alternative_exports/",
        page(EXPORT),
        query=WHOLE_LIST,
        client=False,
    ),
    Operation(
        "add an alternative export", "POST", D + "alternative_exports/", EXPORT, "file", CREATED, client=False
    ),
    Operation(
        "read an alternative export", "GET", D + "alternative_exports/{export_uid}/", EXPORT, client=False
    ),
    Operation(
        "change an alternative export",
        "PUT",
        D + "alternative_exports/{export_uid}/",
        EXPORT,
        EXPORT_SENT,
        client=False,
    ),
    Operation(
        "delete an alternative export",
        "DELETE",
        D + "alternative_exports/{export_uid}/",
        None,
        statuses=DELETED,
        client=False,
    ),
    Operation(
        "download an alternative export",
        "GET",
        D + "alternative_exports/{export_uid}/download/",
        "bytes",
        client=False,
    ),
    Operation(
        "list feedbacks",
        "GET",
        D + "feedbacks/",
        page(FEEDBACK),
        query=("record_id", "is_archived"),
        client=False,
    ),
    Operation("read a feedback", "GET", D + "feedbacks/{feedback_uid}/", FEEDBACK, client=False),
    Operation("archive a feedback", "POST", D + "feedbacks/{feedback_uid}/archive/", FEEDBACK, client=False),
    *_part("connection", "/datasource_connections/", SAVED_CONNECTION, SAVED_CONNECTION_SENT, listed=False),
    Operation("list keys", "GET", "/apikeys/", page(KEY), query=WHOLE_LIST, client=False),
    Operation("make a key", "POST", "/apikeys/", KEY, KEY_SENT, CREATED, client=False),
    Operation("read a key", "GET", "/apikeys/{apikey_uid}/", KEY, client=False),
    Operation("change a key", "PUT", "/apikeys/{apikey_uid}/", KEY, KEY_SENT, client=False),
    Operation(
        "revoke a key", "POST", "/apikeys/{apikey_uid}/revoke/", KEY, closed({"reason": NAME}), client=False
    ),
    Operation(
        "find a key",
        "POST",
        "/apikeys/search_key/",
        closed({"found": BOOLEAN, "result": either(KEY, NOTHING)}),
        closed({"key": NAME}),
        client=False,
    ),
)
