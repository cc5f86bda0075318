"""Every call of the Management API v2."""

from __future__ import annotations

from contract_opendatasoft.schemas import (
    ANY_OBJECT,
    ANYTHING,
    BOOLEAN,
    CSV_PARAMS,
    FINE,
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

BASE = "/api/management/v2"
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

_ONE_ERROR = {
    "status_code": WHOLE,
    "error_key": NAME,
    "message": NAME,
    "raw_message": NAME,
    "raw_params": ANY_OBJECT,
}
ERROR = closed(_ONE_ERROR, errors=array(closed(_ONE_ERROR)))
RECORD_ERROR = closed(
    {"record_id": NAME, "message": NAME, "raw_message": NAME, "raw_params": ANY_OBJECT},
    processor_uid=NAME,
    field_uid=NAME,
)
STATUS = closed(
    {
        "name": one_of(*NAMES),
        "since": FINE,
        "published": BOOLEAN,
        "previous": one_of(*NAMES, None),
        "next": one_of(*NAMES, None),
    },
    records_errors=either(WHOLE, array(RECORD_ERROR)),
    message=NAME,
    raw_message=NAME,
    raw_params=ANY_OBJECT,
)
DATASET = closed({
    "dataset_id": NAME,
    "dataset_uid": uid("da"),
    "metas": mapping(ANY_OBJECT) | {"required": ["publishing"]},
    "last_modified": FINE,
    "visibility": one_of("domain", "restricted"),
    "status": closed({"name": one_of(*NAMES)}),
})
# Of new datasets the title alone is sent: the other metadata follow in a call of their own.
DATASET_SENT = closed({"metas": closed({"default": closed({"title": NAME})})}, dataset_id=NAME)
JOB = closed({"job_id": {"type": "string", "pattern": "^[0-9a-f]{40}$"}})
DONE = closed({})
META = closed({
    "name": NAME,
    "template": closed({"name": NAME, "label": NAME, "purpose": one_of("general", "interop", "admin")}),
    "definition": ANY_OBJECT,
    "value": ANYTHING,
    "remote_value": ANYTHING,
    "override_remote_value": BOOLEAN,
})
VALUE = closed({"value": ANYTHING}, override_remote_value=BOOLEAN)
METAS_SENT = closed({
    "metas": array(
        closed(
            {"template_name": NAME, "metadata_name": NAME, "value": ANYTHING}, override_remote_value=BOOLEAN
        )
    )
})
FILE = closed({
    "file_id": NAME,
    "url": {"type": "string", "pattern": "^odsfile://"},
    "filename": NAME,
    "properties": closed({"mimetype": NAME}),
    "created": FINE,
})
RESOURCE_SENT = closed({"title": NAME, "type": NAME, "params": ANY_OBJECT, "url": NAME})
RESOURCE = closed({
    "resource_uid": uid("re"),
    # A realtime resource has none.
    "url": either(NAME, NOTHING),
    "title": NAME,
    "type": NAME,
    "params": ANY_OBJECT,
})
GUESSED = closed({"recommended_extractors": array(NAME), "other_extractors": array(NAME)})

FIELDS: dict[str, Schema] = {
    "rename": closed({"from_name": NAME, "to_name": NAME, "label": NAME}),
    "type": closed({"field": NAME, "type": NAME}),
    "annotate": closed({"field": NAME, "annotation": NAME}, args=array(either(TEXT, WHOLE))),
    "description": closed({"field": NAME, "description": TEXT}),
    "order": array(NAME),
    "delete": closed({"field": NAME}),
}


def _pipeline(kinds: dict[str, Schema], **more: Schema) -> Schema:
    return either(
        *(closed({**more, "name": one_of(kind), "args": args}, label=NAME) for kind, args in kinds.items())
    )


FIELD_SENT, FIELD = _pipeline(FIELDS), _pipeline(FIELDS, processor_uid=uid("pr"))
PROCESSOR_SENT = closed({"name": NAME, "args": ANY_OBJECT}, label=NAME)
PROCESSOR = closed({"processor_uid": uid("pr"), "name": NAME, "args": ANY_OBJECT}, label=NAME)

POLICY = one_of("domain", "restricted")
RULES = {
    "is_data_visible": BOOLEAN,
    "visible_fields": array(NAME),
    "filter_query": TEXT,
    "api_calls_quota": QUOTA,
    "permissions": PERMISSIONS,
}
USER, GROUP = {"user": closed({"username": NAME})}, {"group": closed({"group_id": NAME})}
CHANGE = closed({
    "change_uid": WHOLE,
    "dataset": closed({"dataset_uid": uid("da"), "domain": NAME}),
    "user": closed({"username": NAME}),
    "timestamp": FINE,
    "diff": closed({
        "metadata": array(
            closed({
                "path": array(NAME),
                "old_value": ANYTHING,
                "new_value": ANYTHING,
                "operation_type": one_of("create", "update", "delete"),
            })
        )
    }),
    "sections": array(one_of("creation", "metadata", "data")),
    "can_restore": BOOLEAN,
})


def _extra(one: str, prefix: str) -> Schema:
    return closed({
        f"{one}_uid": uid(prefix),
        "title": NAME,
        "filename": NAME,
        "mimetype": NAME,
        "url": NAME,
        "created_at": SECONDS,
    })


D = "/datasets/{dataset_uid}/"
R = D + "resources/{resource_uid}"
DELETED = (204,)

OPERATIONS = (
    Operation(
        "list datasets",
        "GET",
        "/datasets/",
        closed({"nhits": WHOLE, "datasets": array(DATASET)}),
        query=("where", "rows", "page"),
    ),
    Operation("create a dataset", "POST", "/datasets/", DATASET, DATASET_SENT, query=("strict",)),
    Operation("read a dataset", "GET", D, DATASET, query=("expand",)),
    Operation("delete a dataset", "DELETE", D, None, statuses=DELETED),
    Operation("publish", "PUT", D + "publish", JOB),
    Operation("unpublish", "PUT", D + "unpublish", JOB),
    Operation("abort", "PUT", D + "abort_processing", DONE),
    Operation("publish metadata", "PUT", D + "publish_metadata", DONE),
    Operation("save a version", "PUT", D + "save_version", JOB, client=False),
    Operation("read the status", "GET", D + "status", STATUS, query=("expand",)),
    Operation("list records in error", "GET", D + "status/records_errors", array(RECORD_ERROR)),
    Operation("read metadata", "GET", D + "metadata", array(META)),
    Operation("set metadata", "PUT", D + "metadata/", array(META), METAS_SENT),
    Operation("read a field of metadata", "GET", D + "metadata/{template}/{name}", META, client=False),
    Operation("set a field of metadata", "PUT", D + "metadata/{template}/{name}", META, VALUE, client=False),
    Operation("reset a field of metadata", "DELETE", D + "metadata/{template}/{name}", META),
    Operation("list changes", "GET", D + "changes", array(CHANGE)),
    Operation("restore a change", "PUT", D + "restore_change", DATASET, closed({"change_uid": WHOLE})),
    Operation("upload a file", "POST", "/files", FILE, "file"),
    Operation("list files", "GET", "/files", array(FILE), client=False),
    Operation("read a file", "GET", "/files/{file_id}", FILE),
    Operation("download a file", "GET", "/download_file/{file_id}", "bytes"),
    Operation("list resources", "GET", D + "resources/", array(RESOURCE)),
    Operation("add a resource", "POST", D + "resources/", RESOURCE, RESOURCE_SENT),
    Operation("read a resource", "GET", R, RESOURCE, client=False),
    Operation("change a resource", "PUT", R, RESOURCE, RESOURCE_SENT),
    Operation("delete a resource", "DELETE", R, None, statuses=DELETED),
    Operation("download a resource", "GET", R + "/download", "bytes", client=False),
    Operation("preview a resource", "GET", R + "/preview", PREVIEW, client=False),
    Operation("preview", "POST", D + "resource_preview", PREVIEW, RESOURCE_SENT, client=False),
    Operation("list extractors", "GET", "/extractors/", array(ANY_OBJECT), client=False),
    Operation("guess extractors", "POST", "/guess_extractors/", GUESSED, closed({"url": NAME}), client=False),
    Operation(
        "guess parameters",
        "POST",
        "/guess_extractor_params/",
        closed({"extractor": NAME, "params": CSV_PARAMS}),
        closed({"url": NAME, "extractor": NAME}),
        client=False,
    ),
    Operation("list known processors", "GET", "/processors/", array(NAME), client=False),
    *(
        each
        for one, path, received, sent in (
            ("field", D + "fields_specifications/", FIELD, FIELD_SENT),
            ("processor", D + "processors/", PROCESSOR, PROCESSOR_SENT),
        )
        for each in (
            Operation(f"list {one}s", "GET", path, array(received)),
            Operation(f"add a {one}", "POST", path, received, sent),
            Operation(f"read a {one}", "GET", path + "{processor_uid}", received, client=False),
            Operation(f"change a {one}", "PUT", path + "{processor_uid}", received, sent),
            Operation(f"delete a {one}", "DELETE", path + "{processor_uid}", None, statuses=DELETED),
        )
    ),
    Operation("read the audience", "GET", D + "security/access_policy", POLICY, client=False),
    Operation("set the audience", "PUT", D + "security/access_policy", POLICY, POLICY),
    Operation("read the default security", "GET", D + "security/default", closed(RULES)),
    Operation("set the default security", "PUT", D + "security/default", closed(RULES), closed(RULES)),
    Operation("reset the default security", "DELETE", D + "security/default", closed(RULES), client=False),
    *(
        each
        for one, holder in (("user", USER), ("group", GROUP))
        for path, rules in ((D + f"security/{one}s", closed({**RULES, **holder})),)
        for each in (
            Operation(f"list {one}s", "GET", path, array(rules)),
            Operation(f"add a {one}", "POST", path, rules, rules),
            Operation(f"read a {one}", "GET", path + "/{name}", rules, client=False),
            Operation(f"change a {one}", "PUT", path + "/{name}", rules, rules),
            Operation(f"remove a {one}", "DELETE", path + "/{name}", None, statuses=DELETED),
        )
    ),
    *(
        each
        for one, prefix, client in (("attachment", "at", True), ("alternative_export", "ae", False))
        for path, shown in ((D + f"{one}s", _extra(one, prefix)),)
        for each in (
            Operation(f"list {one}s", "GET", path, array(shown), client=client),
            Operation(f"add {one}", "POST", path, shown, "file", client=client),
            Operation(f"read {one}", "GET", path + "/{uid}", shown, client=False),
            Operation(f"delete {one}", "DELETE", path + "/{uid}", shown, client=client),
            Operation(f"download {one}", "GET", D + f"download_{one}/{{uid}}", "bytes", client=False),
        )
    ),
)
