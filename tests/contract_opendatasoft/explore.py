"""The calls of the Explore API v2.1 that verification takes, and those of realtime push."""

from __future__ import annotations

from contract_opendatasoft.schemas import (
    ANY_OBJECT,
    BOOLEAN,
    FINE,
    NAME,
    NOTHING,
    TEXT,
    WHOLE,
    Operation,
    array,
    closed,
    either,
    mapping,
    one_of,
    uid,
)

BASE = "/api/explore/v2.1"
PUSH = "/api/push/1.0"

ERROR = closed({"message": NAME, "error_code": NAME})
FIELD = closed({
    "name": NAME,
    "label": TEXT,
    "type": NAME,
    "description": either(TEXT, NOTHING),
    "annotations": ANY_OBJECT,
})
DEFAULT = {
    "type": "object",
    "properties": {
        "title": TEXT,
        "modified": FINE,
        "records_count": WHOLE,
        "data_processed": FINE,
        "metadata_processed": FINE,
    },
    "required": ["title", "modified", "records_count", "data_processed", "metadata_processed"],
}
ENTRY = closed({
    "visibility": one_of("domain", "restricted"),
    "dataset_id": NAME,
    "dataset_uid": uid("da"),
    "has_records": BOOLEAN,
    "features": array(NAME),
    "attachments": array(ANY_OBJECT),
    "alternative_exports": array(ANY_OBJECT),
    "data_visible": BOOLEAN,
    "fields": array(FIELD),
    "metas": mapping(ANY_OBJECT) | {"properties": {"default": DEFAULT}, "required": ["default"]},
})
PAGE = closed({"total_count": WHOLE, "results": array(ANY_OBJECT)})

_D = "/catalog/datasets/{dataset_id}"
OPERATIONS = (
    Operation("list published datasets", "GET", "/catalog/datasets", PAGE, query=("select", "limit")),
    Operation("read a published dataset", "GET", _D, ENTRY),
    Operation(
        "read records",
        "GET",
        _D + "/records",
        PAGE,
        query=("limit", "offset", "where", "select", "order_by", "group_by"),
    ),
    Operation(
        "export records",
        "GET",
        _D + "/exports/{format}",
        "bytes",
        query=("limit", "use_labels", "where", "select", "delimiter"),
    ),
)

OK = closed({"status": {"type": "string", "pattern": "^(?i:ok)$"}})
RECORDS = array(ANY_OBJECT)
_R = "/{dataset_id}/{resource}/"
PUSH_OPERATIONS = (
    Operation("push records", "POST", _R + "push/", OK, RECORDS, query=("pushkey",)),
    Operation("delete pushed records", "POST", _R + "delete/", OK, RECORDS, query=("pushkey",)),
    Operation("delete a pushed record", "GET", _R + "{record_id}/delete/", OK, query=("pushkey",)),
)
