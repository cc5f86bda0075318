"""The Automation API v1.0, the current one: see :class:`~airflow_socrata.opendatasoft.dialect.Dialect`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply
from airflow_socrata.client.multipart import upload_headers
from airflow_socrata.opendatasoft import automation_json as form
from airflow_socrata.opendatasoft.bodies import (
    json_body,
    nothing,
    object_of,
    page_of,
    piece,
)
from airflow_socrata.opendatasoft.calls import DatasetCalls
from airflow_socrata.opendatasoft.history import gone, restore_to
from airflow_socrata.opendatasoft.models import Metadata, MetadataValue, Page, RestorePoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_socrata.client.messages import ReplySink
    from airflow_socrata.opendatasoft.dialect import Pipeline, RealtimeAction, Sharers
    from airflow_socrata.opendatasoft.models import (
        Access,
        Attachment,
        Configured,
        Dataset,
        RecordError,
        Resource,
        ResourceSpec,
        Security,
        Status,
        UploadedFile,
        Version,
    )
    from airflow_socrata.opendatasoft.multipart import Multipart
    from airflow_socrata.opendatasoft.steps import Steps

T = TypeVar("T")

BASE = "/api/automation/v1.0"
_api = DatasetCalls(BASE, whole=(("limit", "1000"),))


@dataclass(frozen=True, slots=True)
class AutomationV1:
    """The calls of the Automation API v1.0."""

    name: str = "automation"
    title: str = "Automation API v1.0"

    def list_datasets(self, *, limit: int = 100, offset: int = 0) -> Call[Page[Dataset]]:
        """List the datasets that the user may edit."""
        return Call(
            CallKind.READ,
            "GET",
            f"{BASE}/datasets/",
            lambda reply: page_of(reply, "results", "datasets", form.dataset_of),
            "list datasets",
            params=(("limit", str(limit)), ("offset", str(offset))),
        )

    def lookup(self, dataset_id: str) -> Call[tuple[Dataset, ...]]:
        """Find the datasets with exactly this dataset id."""

        def parse(reply: Reply) -> tuple[Dataset, ...]:
            found = page_of(reply, "results", "datasets", form.dataset_of).items
            return tuple(one for one in found if one.dataset_id == dataset_id)

        params = (("dataset_id", dataset_id),)
        return Call(
            CallKind.READ, "GET", f"{BASE}/datasets/", parse, f"find dataset {dataset_id}", params=params
        )

    def get_dataset(self, uid: str) -> Call[Dataset]:
        """Read one."""
        return _api.read(uid, "", form.read_dataset, "read")

    def post_dataset(
        self,
        dataset_id: str | None,
        title: str,
        *,
        metadata: Iterable[MetadataValue] = (),
        is_restricted: bool | None = None,
    ) -> Steps[Dataset]:
        """Create one; this API takes the metadata along."""
        values = form.metadata_json([*metadata, MetadataValue("default", "title", title)])
        body: dict[str, Any] = {"metadata": values}
        if dataset_id is not None:
            body["dataset_id"] = dataset_id
        if is_restricted is not None:
            body["is_restricted"] = is_restricted
        created: Dataset = yield Call(
            CallKind.DATASET,
            "POST",
            f"{BASE}/datasets/",
            form.read_dataset,
            f"create dataset {dataset_id or title!r}",
            headers=JSON_TYPE,
            body=json_body(body),
        )
        return created

    def rename_dataset(self, uid: str, dataset_id: str) -> Steps[Dataset]:
        """Change the dataset id of an unpublished dataset."""
        return (yield from _change_dataset(uid, {"dataset_id": dataset_id}, "change the dataset id of"))

    def copy_dataset(self, uid: str) -> Call[Dataset]:
        """Copy the configuration under a new uid."""
        return _api.call(CallKind.DATASET, "POST", uid, "copy/", form.read_dataset, "copy")

    def delete_dataset(self, uid: str) -> Call[None]:
        """Delete a dataset for good."""
        return _api.call(CallKind.DISCARD, "DELETE", uid, "", nothing, "delete")

    def publish(self, uid: str) -> Call[None]:
        """Order the processing of the records."""
        return _api.action("POST", uid, "publish/", "publish")

    def unpublish(self, uid: str) -> Call[None]:
        """Take the dataset off Explore."""
        return _api.action("POST", uid, "unpublish/", "unpublish")

    def abort(self, uid: str) -> Call[None]:
        """Stop the processing."""
        return _api.action("POST", uid, "abort/", "abort the processing of")

    def publish_metadata(self, uid: str) -> Call[None]:
        """Show the metadata in Explore."""
        return _api.action("POST", uid, "publish_metadata/", "publish the metadata of")

    def status(self, uid: str) -> Call[Status]:
        """Read the status."""
        return _api.read(
            uid,
            "status/",
            lambda reply: form.status_of(object_of(reply, "a status"), reply.date),
            "read the status of",
        )

    def records_errors(self, uid: str) -> Call[tuple[RecordError, ...]]:
        """List the records that a processor could not deal with; they stand in the status."""
        return _api.read(
            uid,
            "status/",
            lambda reply: form.status_of(object_of(reply, "a status"), reply.date).records_errors,
            "read the record errors of",
        )

    def metadata(self, uid: str) -> Call[Metadata]:
        """Read all metadata."""
        return _api.read(
            uid,
            "metadata/",
            lambda reply: form.metadata_of(object_of(reply, "metadata")),
            "read the metadata of",
        )

    def set_metadata(self, uid: str, values: Iterable[MetadataValue]) -> Steps[None]:
        """Set these and keep all others.

        One field of a template is put alone. Of several, the template is read, changed and put as a whole,
        which makes one entry of the history and not many; an edit of that template by somebody else in
        between would be lost.
        """
        by_template: dict[str, dict[str, MetadataValue]] = {}
        for one in values:
            by_template.setdefault(one.template, {})[one.name] = one
        for template, fields in by_template.items():
            where = f"metadata/{piece(template)}/"
            if len(fields) == 1:
                (one,) = fields.values()
                what = f"set {template}.{one.name} of"
                yield _api.put(uid, f"{where}{piece(one.name)}/", form.value_json(one), nothing, what)
                continue
            known: Metadata = yield self.metadata(uid)
            kept = {one.name: one for one in known if one.template == template}
            body = form.metadata_json({**kept, **fields}.values())[template]
            yield _api.put(uid, where, body, nothing, f"set {len(fields)} fields of {template} of")

    def clear_metadata(self, uid: str, template: str, name: str) -> Call[None]:
        """Reset one field."""
        where = f"metadata/{piece(template)}/{piece(name)}/"
        return _api.call(CallKind.METADATA, "DELETE", uid, where, nothing, f"reset {template}.{name} of")

    def upload_file(self, uid: str, file: Multipart) -> Call[UploadedFile]:
        """Upload a file for the dataset's resources."""
        return _api.call(
            CallKind.FILE,
            "POST",
            uid,
            "resources/files/",
            lambda reply: form.file_of(object_of(reply, "a file")),
            f"upload {file.filename} to",
            headers=upload_headers(file),
            body=file,
        )

    def read_file(self, uid: str, file_uid: str) -> Call[UploadedFile]:
        """Ask for an uploaded file's facts."""
        return _api.read(
            uid,
            f"resources/files/{piece(file_uid)}/",
            lambda reply: form.file_of(object_of(reply, "a file")),
            f"look for file {file_uid} of",
            if_absent=f"the portal does not keep the file {file_uid} any more: upload it again",
        )

    def download_file(self, uid: str, file_uid: str, into: ReplySink) -> Call[None]:
        """Get an uploaded file back."""
        return _api.read(
            uid,
            f"resources/files/{piece(file_uid)}/download/",
            nothing,
            f"download file {file_uid} of",
            headers=(("Accept", "*/*"),),
            into=into,
            if_absent=f"the portal does not keep the file {file_uid} any more",
        )

    def resources(self, uid: str) -> Call[tuple[Resource, ...]]:
        """List the resources."""
        return _api.list(uid, "resources/", form.resource_of, "resources")

    def create_resource(self, uid: str, spec: ResourceSpec) -> Call[Resource]:
        """Add a resource."""
        body = form.resource_json(spec, spec.params or {})
        return _api.post(uid, "resources/", body, form.read_resource, f"add resource {spec.title!r} to")

    def replace_resource(self, uid: str, resource: Resource, spec: ResourceSpec) -> Call[Resource]:
        """Change a resource."""
        body = form.resource_json(spec, resource.params if spec.params is None else spec.params)
        where = f"resources/{piece(resource.uid)}/"
        return _api.put(uid, where, body, form.read_resource, f"change resource {resource.title!r} of")

    def put_back_resource(self, uid: str, resource: Resource) -> Call[Resource]:
        """Change a resource back to what it was."""
        where, what = f"resources/{piece(resource.uid)}/", f"put back resource {resource.title!r} of"
        return _api.put(uid, where, form.writable(resource), form.read_resource, what)

    def act_on_realtime(self, uid: str, resource: Resource, action: RealtimeAction) -> Call[Resource]:
        """Switch a realtime resource on or off, replay or drop what it keeps, or give it a new push key."""
        where, what = f"resources/{piece(resource.uid)}/{action}/", f"{action} {resource.title!r} of"
        return _api.post(uid, where, None, form.read_resource, what)

    def delete_resource(self, uid: str, resource_uid: str) -> Call[None]:
        """Delete a resource."""
        where = f"resources/{piece(resource_uid)}/"
        return _api.delete(uid, where, f"delete resource {resource_uid} of")

    def pipeline(self, uid: str, kind: Pipeline) -> Call[tuple[Configured, ...]]:
        """List the field configurations or the processors."""
        return _api.list(uid, f"{kind}/", form.configured_of, kind)

    def add_to_pipeline(self, uid: str, kind: Pipeline, item: Configured) -> Call[Configured]:
        """Add one at the end."""
        body = form.configured_json(item)
        return _api.post(uid, f"{kind}/", body, form.read_configured, f"add {item.type} to the {kind} of")

    def change_pipeline(self, uid: str, kind: Pipeline, item: Configured) -> Call[Configured]:
        """Change the one with this uid."""
        where, what = f"{kind}/{piece(item.uid)}/", f"change {item.type} {item.uid} of the {kind} of"
        return _api.put(uid, where, form.configured_json(item), form.read_configured, what)

    def remove_from_pipeline(self, uid: str, kind: Pipeline, item_uid: str) -> Call[None]:
        """Delete one."""
        where = f"{kind}/{piece(item_uid)}/"
        return _api.delete(uid, where, f"delete {item_uid} of the {kind} of")

    def set_restricted(self, uid: str, restricted: bool) -> Steps[None]:
        """Choose between all who may see the portal and chosen users and groups."""
        yield from _change_dataset(uid, {"is_restricted": restricted}, "change the audience of")

    def default_security(self, uid: str) -> Call[Security]:
        """Read what everybody may see."""
        return _api.read(uid, "", form.read_default_security, "read the security of")

    def set_default_security(self, uid: str, security: Security) -> Steps[None]:
        """Set what everybody may see."""
        rules = {"default_security": form.security_json(security)}
        yield from _change_dataset(uid, rules, "change the security of")

    def accesses(self, uid: str, kind: Sharers) -> Call[tuple[Access, ...]]:
        """List what users, or groups, may see."""
        return _api.list(uid, f"security/{kind}/", form.access_of, kind)

    def set_access(self, uid: str, kind: Sharers, access: Access) -> Steps[None]:
        """Set what one user or group may see."""
        known: tuple[Access, ...] = yield self.accesses(uid, kind)
        holder = {"user": {"username": access.name}} if kind == "users" else {"group": {"uid": access.name}}
        rules = form.security_json(access.security)
        body = {**holder, "permissions": list(access.security.permissions), "security": rules}
        what = f"set what {kind[:-1]} {access.name} may see of"
        if any(one.name == access.name for one in known):
            yield _api.put(uid, f"security/{kind}/{piece(access.name)}/", body, nothing, what)
        else:
            yield _api.post(uid, f"security/{kind}/", body, nothing, what)

    def remove_access(self, uid: str, kind: Sharers, name: str) -> Call[None]:
        """Take the rules of one user or group away."""
        where = f"security/{kind}/{piece(name)}/"
        return _api.delete(uid, where, f"remove {kind[:-1]} {name} from")

    def versions(self, uid: str) -> Call[tuple[Version, ...]]:
        """The history, newest first."""
        return _api.read(uid, "versions/", form.read_versions, "read the history of", params=_api.whole)

    def restore_point(self, uid: str) -> Call[RestorePoint]:
        """Note the newest version: restoring goes back to it."""

        def parse(reply: Reply) -> RestorePoint:
            versions = form.read_versions(reply)
            return RestorePoint(uid, self.name, versions[0].uid if versions else None)

        return _api.read(uid, "versions/", parse, "note the version of", params=_api.whole)

    def restore(self, point: RestorePoint) -> Steps[bool]:
        """Take the configuration back to ``point``."""

        def choose(versions: tuple[Version, ...]) -> Version | None:
            """Return the version to restore: the one noted, unless it is still the newest."""
            if not versions and point.version is None:
                return None
            found = next((one for one in versions if one.uid == point.version), None)
            if found is None:
                raise gone(point, "is not among the versions kept")
            return None if found is versions[0] else found

        def call(version: Version) -> Call[None]:
            where = f"versions/{piece(version.uid)}/restore/"
            what = f"restore version {version.uid} of"
            return _api.call(CallKind.RESTORE, "POST", point.dataset, where, nothing, what)

        return (yield from restore_to(self, point, choose, call))

    def attachments(self, uid: str) -> Call[tuple[Attachment, ...]]:
        """List them."""
        return _api.list(uid, "attachments/", form.attachment_of, "attachments")

    def attach(self, uid: str, file: Multipart) -> Call[Attachment]:
        """Add one."""
        return _api.call(
            CallKind.PART,
            "POST",
            uid,
            "attachments/",
            lambda reply: form.attachment_of(object_of(reply, "an attachment")),
            f"attach {file.filename} to",
            headers=upload_headers(file),
            body=file,
        )

    def detach(self, uid: str, attachment_uid: str) -> Call[None]:
        """Delete one."""
        where = f"attachments/{piece(attachment_uid)}/"
        return _api.delete(uid, where, f"delete attachment {attachment_uid} of")


def _change_dataset(uid: str, changes: Mapping[str, Any], what: str) -> Steps[Dataset]:
    """Put a dataset with changes. Whether a put of a part resets the rest is not known: all of it is put."""
    now: Dataset = yield _api.read(uid, "", form.read_dataset, "read")
    body: dict[str, Any] = {"dataset_id": now.dataset_id, "metadata": form.metadata_json(now.metadata)}
    if now.is_restricted is not None:
        body["is_restricted"] = now.is_restricted
    if isinstance(now.raw.get("default_security"), dict):
        body["default_security"] = now.raw["default_security"]
    changed: Dataset = yield _api.put(uid, "", {**body, **changes}, form.read_dataset, what)
    return changed
