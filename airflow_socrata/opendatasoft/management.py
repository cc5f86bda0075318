"""The Management API v2, the older one: see :class:`~airflow_socrata.opendatasoft.dialect.Dialect`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply
from airflow_socrata.client.multipart import upload_headers
from airflow_socrata.opendatasoft import management_json as form
from airflow_socrata.opendatasoft.bodies import (
    check_uid,
    items_of,
    json_body,
    nothing,
    object_of,
    page_of,
    piece,
)
from airflow_socrata.opendatasoft.calls import DatasetCalls
from airflow_socrata.opendatasoft.errors import NotOffered
from airflow_socrata.opendatasoft.history import gone, restore_to
from airflow_socrata.opendatasoft.models import Metadata, MetadataValue, Page, RestorePoint

if TYPE_CHECKING:
    from collections.abc import Iterable

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

BASE = "/api/management/v2"
_api = DatasetCalls(BASE)
_PIPELINES = {"fields": "fields_specifications", "processors": "processors"}
_HOLDERS = {"users": ("user", "username"), "groups": ("group", "group_id")}


@dataclass(frozen=True, slots=True)
class ManagementV2:
    """The calls of the Management API v2."""

    name: str = "management"
    title: str = "Management API v2"

    def list_datasets(self, *, limit: int = 100, offset: int = 0) -> Call[Page[Dataset]]:
        """List the datasets that the user may edit."""
        params = (("rows", str(limit)), ("page", str(offset // max(1, limit) + 1)))
        return Call(CallKind.READ, "GET", f"{BASE}/datasets/", _datasets, "list datasets", params=params)

    def lookup(self, dataset_id: str) -> Call[tuple[Dataset, ...]]:
        """Find the datasets with exactly this dataset id."""

        def parse(reply: Reply) -> tuple[Dataset, ...]:
            return tuple(one for one in _datasets(reply).items if one.dataset_id == dataset_id)

        params = (("where", f"datasetid={json.dumps(dataset_id, ensure_ascii=False)}"), ("rows", "100"))
        return Call(
            CallKind.READ, "GET", f"{BASE}/datasets/", parse, f"find dataset {dataset_id}", params=params
        )

    def get_dataset(self, uid: str) -> Call[Dataset]:
        """Read one."""
        return _api.read(uid, "", _dataset, "read", params=(("expand", "metas"),))

    def post_dataset(
        self,
        dataset_id: str | None,
        title: str,
        *,
        metadata: Iterable[MetadataValue] = (),
        is_restricted: bool | None = None,
    ) -> Steps[Dataset]:
        """Create one, then set what this API does not take along."""
        body: dict[str, Any] = {"metas": {"default": {"title": title}}}
        if dataset_id is not None:
            body["dataset_id"] = dataset_id
        created: Dataset = yield Call(
            CallKind.DATASET,
            "POST",
            f"{BASE}/datasets/",
            _dataset,
            f"create dataset {dataset_id or title!r}",
            # strict: a dataset id that is taken is refused, not altered
            params=(("strict", "true"),) if dataset_id is not None else (),
            headers=JSON_TYPE,
            body=json_body(body),
        )
        if is_restricted is not None:
            yield from self.set_restricted(created.uid, is_restricted)
        yield from self.set_metadata(created.uid, metadata)
        return created

    def rename_dataset(self, uid: str, dataset_id: str) -> Steps[Dataset]:
        """Not offered."""
        raise NotOffered(f"the {self.title} cannot change a dataset id", summary=f"rename dataset {uid}")

    def copy_dataset(self, uid: str) -> Call[Dataset]:
        """Not offered."""
        raise NotOffered(f"the {self.title} cannot copy a dataset", summary=f"copy dataset {uid}")

    def delete_dataset(self, uid: str) -> Call[None]:
        """Delete a dataset for good."""
        return _api.call(CallKind.DISCARD, "DELETE", uid, "", nothing, "delete")

    def publish(self, uid: str) -> Call[None]:
        """Order the processing of the records."""
        return _api.action("PUT", uid, "publish", "publish")

    def unpublish(self, uid: str) -> Call[None]:
        """Take the dataset off Explore."""
        return _api.action("PUT", uid, "unpublish", "unpublish")

    def abort(self, uid: str) -> Call[None]:
        """Stop the processing."""
        return _api.action("PUT", uid, "abort_processing", "abort the processing of")

    def publish_metadata(self, uid: str) -> Call[None]:
        """Show the metadata in Explore."""
        return _api.action("PUT", uid, "publish_metadata", "publish the metadata of")

    def status(self, uid: str) -> Call[Status]:
        """Read the status."""
        return _api.read(
            uid,
            "status",
            lambda reply: form.status_of(object_of(reply, "a status"), reply.date),
            "read the status of",
        )

    def records_errors(self, uid: str) -> Call[tuple[RecordError, ...]]:
        """List the records that a processor could not deal with."""
        where = "status/records_errors"
        return _api.read(uid, where, form.record_errors_of, "read the record errors of")

    def metadata(self, uid: str) -> Call[Metadata]:
        """Read all metadata."""

        def parse(reply: Reply) -> Metadata:
            return form.metadata_of(items_of(reply, "metas", "metadata")[0])

        return _api.read(uid, "metadata", parse, "read the metadata of")

    def set_metadata(self, uid: str, values: Iterable[MetadataValue]) -> Steps[None]:
        """Set these and keep all others, with one call: this API keeps what is not named."""
        metas = [form.value_json(one) for one in values]
        if metas:
            what = f"set {len(metas)} metadata of"
            yield _api.put(uid, "metadata/", {"metas": metas}, nothing, what)

    def clear_metadata(self, uid: str, template: str, name: str) -> Call[None]:
        """Reset one field."""
        where = f"metadata/{piece(template)}/{piece(name)}"
        return _api.call(CallKind.METADATA, "DELETE", uid, where, nothing, f"reset {template}.{name} of")

    def upload_file(self, uid: str, file: Multipart) -> Call[UploadedFile]:
        """Upload a file; this API keeps files for all datasets together."""
        return Call(
            CallKind.FILE,
            "POST",
            f"{BASE}/files",
            _file,
            f"upload {file.filename} for dataset {check_uid(uid)}",
            headers=upload_headers(file),
            body=file,
        )

    def read_file(self, uid: str, file_uid: str) -> Call[UploadedFile]:
        """Ask for an uploaded file's facts."""
        return Call(
            CallKind.READ,
            "GET",
            f"{BASE}/files/{piece(file_uid)}",
            _file,
            f"look for file {file_uid} of dataset {check_uid(uid)}",
            if_absent=f"the portal does not keep the file {file_uid} any more: upload it again",
        )

    def download_file(self, uid: str, file_uid: str, into: ReplySink) -> Call[None]:
        """Get an uploaded file back."""
        return Call(
            CallKind.READ,
            "GET",
            f"{BASE}/download_file/{piece(file_uid)}",
            nothing,
            f"download file {file_uid} of dataset {check_uid(uid)}",
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
        return _api.post(uid, "resources/", body, _resource, f"add resource {spec.title!r} to")

    def replace_resource(self, uid: str, resource: Resource, spec: ResourceSpec) -> Call[Resource]:
        """Change a resource."""
        body = form.resource_json(spec, resource.params if spec.params is None else spec.params)
        where = f"resources/{piece(resource.uid)}"
        return _api.put(uid, where, body, _resource, f"change resource {resource.title!r} of")

    def put_back_resource(self, uid: str, resource: Resource) -> Call[Resource]:
        """Change a resource back to what it was."""
        where, what = f"resources/{piece(resource.uid)}", f"put back resource {resource.title!r} of"
        return _api.put(uid, where, form.writable(resource), _resource, what)

    def act_on_realtime(self, uid: str, resource: Resource, action: RealtimeAction) -> Call[Resource]:
        """Not offered."""
        raise NotOffered(
            f"the {self.title} has no actions on realtime resources", summary=f"{action} of {uid}"
        )

    def delete_resource(self, uid: str, resource_uid: str) -> Call[None]:
        """Delete a resource."""
        where = f"resources/{piece(resource_uid)}"
        return _api.delete(uid, where, f"delete resource {resource_uid} of")

    def pipeline(self, uid: str, kind: Pipeline) -> Call[tuple[Configured, ...]]:
        """List the field configurations or the processors."""
        return _api.list(uid, f"{_PIPELINES[kind]}/", form.configured_of, kind)

    def add_to_pipeline(self, uid: str, kind: Pipeline, item: Configured) -> Call[Configured]:
        """Add one at the end."""
        body = form.configured_json(item)
        return _api.post(uid, f"{_PIPELINES[kind]}/", body, _configured, f"add {item.type} to the {kind} of")

    def change_pipeline(self, uid: str, kind: Pipeline, item: Configured) -> Call[Configured]:
        """Change the one with this uid."""
        where = f"{_PIPELINES[kind]}/{piece(item.uid)}"
        what = f"change {item.type} {item.uid} of the {kind} of"
        return _api.put(uid, where, form.configured_json(item), _configured, what)

    def remove_from_pipeline(self, uid: str, kind: Pipeline, item_uid: str) -> Call[None]:
        """Delete one."""
        where = f"{_PIPELINES[kind]}/{piece(item_uid)}"
        return _api.delete(uid, where, f"delete {item_uid} of the {kind} of")

    def set_restricted(self, uid: str, restricted: bool) -> Steps[None]:
        """Choose between all who may see the portal and chosen users and groups."""
        policy = "restricted" if restricted else "domain"
        yield _api.put(uid, "security/access_policy", policy, nothing, "change the audience of")

    def default_security(self, uid: str) -> Call[Security]:
        """Read what everybody may see."""

        def parse(reply: Reply) -> Security:
            return form.security_of(object_of(reply, "a ruleset"))

        return _api.read(uid, "security/default", parse, "read the security of")

    def set_default_security(self, uid: str, security: Security) -> Steps[None]:
        """Set what everybody may see."""
        rules = form.security_json(security)
        yield _api.put(uid, "security/default", rules, nothing, "change the security of")

    def accesses(self, uid: str, kind: Sharers) -> Call[tuple[Access, ...]]:
        """List what users, or groups, may see."""
        return _api.list(uid, f"security/{kind}", form.access_of, kind)

    def set_access(self, uid: str, kind: Sharers, access: Access) -> Steps[None]:
        """Set what one user or group may see."""
        known: tuple[Access, ...] = yield self.accesses(uid, kind)
        holder, key = _HOLDERS[kind]
        body = {**form.security_json(access.security), holder: {key: access.name}}
        what = f"set what {holder} {access.name} may see of"
        if any(one.name == access.name for one in known):
            yield _api.put(uid, f"security/{kind}/{piece(access.name)}", body, nothing, what)
        else:
            yield _api.post(uid, f"security/{kind}", body, nothing, what)

    def remove_access(self, uid: str, kind: Sharers, name: str) -> Call[None]:
        """Take the rules of one user or group away."""
        where = f"security/{kind}/{piece(name)}"
        return _api.delete(uid, where, f"remove {kind[:-1]} {name} from")

    def versions(self, uid: str) -> Call[tuple[Version, ...]]:
        """The history, newest first."""
        return _api.read(uid, "changes", _versions, "read the history of")

    def restore_point(self, uid: str) -> Call[RestorePoint]:
        """Note the newest change: restoring undoes the ones after it."""

        def parse(reply: Reply) -> RestorePoint:
            versions = _versions(reply)
            return RestorePoint(uid, self.name, versions[0].uid if versions else None)

        return _api.read(uid, "changes", parse, "note the change of")

    def restore(self, point: RestorePoint) -> Steps[bool]:
        """Take the configuration back to ``point``, which is the state before the first change after it."""
        if point.version is not None and not point.version.isdecimal():
            raise ConfigurationError(
                f"{point.version!r} is no change of {point.dataset}: the {self.title} numbers its changes"
            )

        def choose(versions: tuple[Version, ...]) -> Version | None:
            if point.version is None:
                return versions[-1] if versions else None
            after = [one for one in versions if int(one.uid) > int(point.version)]
            if after and len(after) == len(versions):
                raise gone(point, "is not among the changes kept")
            return after[-1] if after else None

        def call(version: Version) -> Call[None]:
            body, what = {"change_uid": int(version.uid)}, f"undo change {version.uid} and later ones of"
            return _api.put(point.dataset, "restore_change", body, nothing, what, kind=CallKind.RESTORE)

        return (yield from restore_to(self, point, choose, call))

    def attachments(self, uid: str) -> Call[tuple[Attachment, ...]]:
        """List them."""
        return _api.list(uid, "attachments", form.attachment_of, "attachments")

    def attach(self, uid: str, file: Multipart) -> Call[Attachment]:
        """Add one."""
        return _api.call(
            CallKind.PART,
            "POST",
            uid,
            "attachments",
            lambda reply: form.attachment_of(object_of(reply, "an attachment")),
            f"attach {file.filename} to",
            headers=upload_headers(file),
            body=file,
        )

    def detach(self, uid: str, attachment_uid: str) -> Call[None]:
        """Delete one."""
        where = f"attachments/{piece(attachment_uid)}"
        return _api.delete(uid, where, f"delete attachment {attachment_uid} of")


def _dataset(reply: Reply) -> Dataset:
    return form.dataset_of(object_of(reply, "a dataset"))


def _datasets(reply: Reply) -> Page[Dataset]:
    return page_of(reply, "datasets", "datasets", form.dataset_of)


def _file(reply: Reply) -> UploadedFile:
    return form.file_of(object_of(reply, "a file"))


def _resource(reply: Reply) -> Resource:
    return form.resource_of(object_of(reply, "a resource"))


def _configured(reply: Reply) -> Configured:
    return form.configured_of(object_of(reply, "a part of the pipeline"))


def _versions(reply: Reply) -> tuple[Version, ...]:
    items, _ = items_of(reply, "changes", "changes")
    return tuple(sorted(map(form.version_of, items), key=lambda one: int(one.uid), reverse=True))
