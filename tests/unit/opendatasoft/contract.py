"""What the Automation API is sent, call by call: method, path, body. A table in the project's own words.

A schema of a body is closed: what is not named in it is not sent.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unit.opendatasoft import samples

from airflow_socrata.client import Call
from airflow_socrata.opendatasoft.automation import AutomationV1
from airflow_socrata.opendatasoft.models import (
    Access,
    Configured,
    MetadataValue,
    Resource,
    ResourceSpec,
    RestorePoint,
    Security,
    Source,
)
from airflow_socrata.opendatasoft.multipart import FileSink, Multipart

if TYPE_CHECKING:
    from collections.abc import Callable

API = AutomationV1()
UID = samples.UID
RESOURCE = "re_p4x1aa"
HERE = "/datasets/{dataset_uid}/"
SPEC = ResourceSpec("obs", "csvfile", Source(file_uid="obs.csv"), {"separator": ";"})
BY_URL = ResourceSpec("obs", "csvfile", Source(url="https://host.example/obs.csv"))
TITLE = MetadataValue("default", "title", "Air quality")
KEYWORDS = MetadataValue("default", "keyword", ["air"])
RULES = Security(visible_fields=("a",), calls_quota=(5, "day"), permissions=("edit_dataset",))
KNOWN = Resource(RESOURCE, "obs", "csvfile", raw=samples.resource())

TEXT, BOOLEAN = {"type": "string", "minLength": 1}, {"type": "boolean"}
ANY_OBJECT = {"type": "object"}


def closed(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """An object with these keys and no others."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


VALUE = closed({"value": {}}, override_remote_value=BOOLEAN)
TEMPLATE = {"type": "object", "additionalProperties": VALUE, "minProperties": 1}
METADATA = {"type": "object", "additionalProperties": TEMPLATE, "required": ["default"]}
QUOTA = {"oneOf": [{"type": "null"}, closed({"limit": {"type": "integer"}, "unit": TEXT})]}
SECURITY = closed({
    "is_data_visible": BOOLEAN,
    "visible_fields": {"type": ["array", "null"]},
    "filter_query": {"type": "string"},
    "api_calls_quota": QUOTA,
})
UPLOADED = closed({"type": {"const": "uploaded_file"}, "file": closed({"uid": TEXT})})
CONNECTION = closed({"type": {"const": "http"}, "url": TEXT, "auth": {"type": "null"}})
HTTP = closed({
    "type": {"const": "http"},
    "connection": CONNECTION,
    "headers": {"type": "array"},
    "relative_url": TEXT,
})
RESOURCE_BODY = closed(
    {"type": TEXT, "title": TEXT, "params": ANY_OBJECT}, datasource={"oneOf": [UPLOADED, HTTP]}
)
DATASET = closed({"metadata": METADATA}, dataset_id=TEXT, is_restricted=BOOLEAN, default_security=SECURITY)
PART = {"type": "object", "properties": {"type": TEXT, "label": TEXT}, "required": ["type", "label"]}
ACCESS = {"permissions": {"type": "array"}, "security": SECURITY}


@dataclass(frozen=True)
class Contract:
    """One call.

    :param build: makes the call; of several, the last is taken, and ``told`` are the results of those before.
    :param body: schema of the JSON body; None: no body; ``file``: a form with a file.
    """

    build: Callable[[], Any]
    method: str
    path: str
    body: Any = None
    told: tuple[Any, ...] = field(default=())

    def call(self) -> Call[Any]:
        """Build it."""
        steps = self.build()
        if isinstance(steps, Call):
            return steps
        call: Call[Any] = next(steps)
        for result in self.told:
            call = steps.send(result)
        return call


def file() -> Multipart:
    """A file that is open."""
    return Multipart(io.BytesIO(b"id\n1\n"), filename="obs.csv", content_type="text/csv").__enter__()


def point(version: str) -> RestorePoint:
    """A restore point."""
    return RestorePoint(UID, "automation", version)


DATASET_NOW = API.get_dataset(UID).parse(samples.reply(samples.DATASET))
VERSIONS = API.versions(UID).parse(
    samples.reply({
        "results": [
            samples.version("ch_old001", "2025-01-01T00:00:00Z"),
            samples.version("ch_new001", "2025-01-02T00:00:00Z"),
        ]
    })
)
FIELD = Configured("pr_a1b2c3", "annotate", {"field": "a", "annotation": "id"})
STEP = Configured("pr_a1b2c3", "string_replace", {"field": "a", "old": "b", "new": "c"})
SINK = FileSink(io.BytesIO())
_RESOURCE, _FILE = HERE + "resources/{resource_uid}/", HERE + "resources/files/"

CONTRACT: dict[str, Contract] = {
    "list datasets": Contract(API.list_datasets, "GET", "/datasets/"),
    "find a dataset": Contract(lambda: API.lookup("air-quality"), "GET", "/datasets/"),
    "create a dataset": Contract(
        lambda: API.post_dataset("air-quality", "Air", metadata=[TITLE]), "POST", "/datasets/", DATASET
    ),
    "read a dataset": Contract(lambda: API.get_dataset(UID), "GET", HERE),
    "rename a dataset": Contract(
        lambda: API.rename_dataset(UID, "new-id"), "PUT", HERE, DATASET, (DATASET_NOW,)
    ),
    "set the audience": Contract(lambda: API.set_restricted(UID, True), "PUT", HERE, DATASET, (DATASET_NOW,)),
    "set the default security": Contract(
        lambda: API.set_default_security(UID, RULES), "PUT", HERE, DATASET, (DATASET_NOW,)
    ),
    "copy a dataset": Contract(lambda: API.copy_dataset(UID), "POST", HERE + "copy/"),
    "delete a dataset": Contract(lambda: API.delete_dataset(UID), "DELETE", HERE),
    "publish": Contract(lambda: API.publish(UID), "POST", HERE + "publish/"),
    "unpublish": Contract(lambda: API.unpublish(UID), "POST", HERE + "unpublish/"),
    "abort": Contract(lambda: API.abort(UID), "POST", HERE + "abort/"),
    "publish metadata": Contract(lambda: API.publish_metadata(UID), "POST", HERE + "publish_metadata/"),
    "read the status": Contract(lambda: API.status(UID), "GET", HERE + "status/"),
    "read metadata": Contract(lambda: API.metadata(UID), "GET", HERE + "metadata/"),
    "set a field of metadata": Contract(
        lambda: API.set_metadata(UID, [TITLE]),
        "PUT",
        HERE + "metadata/{template_name}/{template_field_name}/",
        VALUE,
    ),
    "set a template of metadata": Contract(
        lambda: API.set_metadata(UID, [TITLE, KEYWORDS]),
        "PUT",
        HERE + "metadata/{template_name}/",
        TEMPLATE,
        ((),),
    ),
    "reset a field of metadata": Contract(
        lambda: API.clear_metadata(UID, "default", "title"),
        "DELETE",
        HERE + "metadata/{template_name}/{template_field_name}/",
    ),
    "upload a file": Contract(lambda: API.upload_file(UID, file()), "POST", _FILE, "file"),
    "read a file": Contract(lambda: API.read_file(UID, "obs.csv"), "GET", _FILE + "{file_uid}/"),
    "download a file": Contract(
        lambda: API.download_file(UID, "obs.csv", SINK), "GET", _FILE + "{file_uid}/download/"
    ),
    "list resources": Contract(lambda: API.resources(UID), "GET", HERE + "resources/"),
    "add a resource": Contract(
        lambda: API.create_resource(UID, SPEC), "POST", HERE + "resources/", RESOURCE_BODY
    ),
    "add a realtime resource": Contract(
        lambda: API.create_resource(UID, ResourceSpec("live", "realtime", Source())),
        "POST",
        HERE + "resources/",
        RESOURCE_BODY,
    ),
    "change a resource": Contract(
        lambda: API.replace_resource(UID, KNOWN, BY_URL), "PUT", _RESOURCE, RESOURCE_BODY
    ),
    "put a resource back": Contract(
        lambda: API.put_back_resource(UID, KNOWN), "PUT", _RESOURCE, RESOURCE_BODY
    ),
    **{
        f"{action} of a realtime resource": Contract(
            lambda action=action: API.act_on_realtime(UID, KNOWN, action), "POST", f"{_RESOURCE}{action}/"
        )
        for action in ("enable", "disable", "recover", "delete_recover_data", "renew_api_key")
    },
    "delete a resource": Contract(lambda: API.delete_resource(UID, RESOURCE), "DELETE", _RESOURCE),
    "list fields": Contract(lambda: API.pipeline(UID, "fields"), "GET", HERE + "fields/"),
    "add a field": Contract(
        lambda: API.add_to_pipeline(UID, "fields", FIELD), "POST", HERE + "fields/", PART
    ),
    "change a field": Contract(
        lambda: API.change_pipeline(UID, "fields", FIELD), "PUT", HERE + "fields/{field_uid}/", PART
    ),
    "delete a field": Contract(
        lambda: API.remove_from_pipeline(UID, "fields", "pr_a1b2c3"), "DELETE", HERE + "fields/{field_uid}/"
    ),
    "list processors": Contract(lambda: API.pipeline(UID, "processors"), "GET", HERE + "processors/"),
    "add a processor": Contract(
        lambda: API.add_to_pipeline(UID, "processors", STEP), "POST", HERE + "processors/", PART
    ),
    "change a processor": Contract(
        lambda: API.change_pipeline(UID, "processors", STEP),
        "PUT",
        HERE + "processors/{processor_uid}/",
        PART,
    ),
    "delete a processor": Contract(
        lambda: API.remove_from_pipeline(UID, "processors", "pr_a1b2c3"),
        "DELETE",
        HERE + "processors/{processor_uid}/",
    ),
    "list users": Contract(lambda: API.accesses(UID, "users"), "GET", HERE + "security/users/"),
    "add a user": Contract(
        lambda: API.set_access(UID, "users", Access("ann", RULES)),
        "POST",
        HERE + "security/users/",
        closed({"user": closed({"username": TEXT}), **ACCESS}),
        ((),),
    ),
    "change a group": Contract(
        lambda: API.set_access(UID, "groups", Access("editors", RULES)),
        "PUT",
        HERE + "security/groups/{group_uid}/",
        closed({"group": closed({"uid": TEXT}), **ACCESS}),
        ((Access("editors", RULES),),),
    ),
    "remove a user": Contract(
        lambda: API.remove_access(UID, "users", "ann"), "DELETE", HERE + "security/users/{username}/"
    ),
    "list versions": Contract(lambda: API.versions(UID), "GET", HERE + "versions/"),
    "restore a version": Contract(
        lambda: API.restore(point("ch_old001")),
        "POST",
        HERE + "versions/{version_uid}/restore/",
        told=(VERSIONS,),
    ),
    "list attachments": Contract(lambda: API.attachments(UID), "GET", HERE + "attachments/"),
    "attach a file": Contract(lambda: API.attach(UID, file()), "POST", HERE + "attachments/", "file"),
    "delete an attachment": Contract(
        lambda: API.detach(UID, "at_a1b2c3"), "DELETE", HERE + "attachments/{attachment_uid}/"
    ),
}
