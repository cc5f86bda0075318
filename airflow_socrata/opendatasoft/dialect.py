"""What both management APIs offer, under one set of names.

:class:`Dialect` is what hooks and operators use.
:class:`~airflow_socrata.opendatasoft.automation.AutomationV1` is the current API,
:class:`~airflow_socrata.opendatasoft.management.ManagementV2` the older one. Methods do no I/O: they return a
:class:`~airflow_socrata.client.messages.Call`, or :data:`~airflow_socrata.opendatasoft.steps.Steps` where it
takes several calls; :func:`airflow_socrata.opendatasoft.steps.run` sends both. What needs no knowledge of the
API stands in :mod:`airflow_socrata.opendatasoft.actions`.

All methods take a dataset's **uid** (``da_…``). What an API does not have raises :class:`NotOffered`; nothing
is sent. :func:`dialect_named` makes one by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from airflow_socrata.client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_socrata.client.messages import Call, ReplySink
    from airflow_socrata.opendatasoft.models import (
        Access,
        Attachment,
        Configured,
        Dataset,
        Metadata,
        MetadataValue,
        Page,
        RecordError,
        Resource,
        ResourceSpec,
        RestorePoint,
        Security,
        Status,
        UploadedFile,
        Version,
    )
    from airflow_socrata.opendatasoft.multipart import Multipart
    from airflow_socrata.opendatasoft.steps import Steps

Pipeline = Literal["fields", "processors"]
Sharers = Literal["users", "groups"]
RealtimeAction = Literal["enable", "disable", "recover", "delete_recover_data", "renew_api_key"]


class Dialect(Protocol):
    """One of the two management APIs."""

    @property
    def name(self) -> str:
        """``automation`` or ``management``."""
        ...

    @property
    def title(self) -> str:
        """For people."""
        ...

    # datasets

    def list_datasets(self, *, limit: int = 100, offset: int = 0) -> Call[Page[Dataset]]:
        """List the datasets that the user may edit.

        :param limit: at most 100, the smaller of what the two APIs give.
        :param offset: a multiple of ``limit``.
        """
        ...

    def lookup(self, dataset_id: str) -> Call[tuple[Dataset, ...]]:
        """Find the datasets with exactly this dataset id; none is an empty tuple."""
        ...

    def get_dataset(self, uid: str) -> Call[Dataset]:
        """Read one."""
        ...

    def post_dataset(
        self,
        dataset_id: str | None,
        title: str,
        *,
        metadata: Iterable[MetadataValue] = (),
        is_restricted: bool | None = None,
    ) -> Steps[Dataset]:
        """Create one, without looking whether it exists; :func:`actions.create` looks."""
        ...

    def rename_dataset(self, uid: str, dataset_id: str) -> Steps[Dataset]:
        """Change the dataset id of an unpublished dataset."""
        ...

    def copy_dataset(self, uid: str) -> Call[Dataset]:
        """Copy the configuration under a new uid."""
        ...

    def delete_dataset(self, uid: str) -> Call[None]:
        """Delete a dataset for good; :func:`actions.delete` proves it where the reply is lost."""
        ...

    # actions and status

    def publish(self, uid: str) -> Call[None]:
        """Order the processing of the records; :func:`actions.publish` proves it where the reply is lost.

        :raises InvalidDatasetStatus: when sent, if the dataset does not rest.
        """
        ...

    def unpublish(self, uid: str) -> Call[None]:
        """Take the dataset off Explore; its records are dropped, its configuration stays."""
        ...

    def abort(self, uid: str) -> Call[None]:
        """Stop the processing; what was processed so far is public."""
        ...

    def publish_metadata(self, uid: str) -> Call[None]:
        """Show the metadata in Explore, without the records being processed."""
        ...

    def status(self, uid: str) -> Call[Status]:
        """Read the status."""
        ...

    def records_errors(self, uid: str) -> Call[tuple[RecordError, ...]]:
        """List the records that a processor could not deal with."""
        ...

    # metadata

    def metadata(self, uid: str) -> Call[Metadata]:
        """Read all metadata."""
        ...

    def set_metadata(self, uid: str, values: Iterable[MetadataValue]) -> Steps[None]:
        """Set these and keep all others; the fewest changes of the history that the API allows."""
        ...

    def clear_metadata(self, uid: str, template: str, name: str) -> Call[None]:
        """Reset one field."""
        ...

    # files and resources

    def upload_file(self, uid: str, file: Multipart) -> Call[UploadedFile]:
        """Upload a file for the dataset's resources. Use the uid that comes back."""
        ...

    def read_file(self, uid: str, file_uid: str) -> Call[UploadedFile]:
        """Ask for an uploaded file's facts, e.g. whether it is still there."""
        ...

    def download_file(self, uid: str, file_uid: str, into: ReplySink) -> Call[None]:
        """Get an uploaded file back."""
        ...

    def resources(self, uid: str) -> Call[tuple[Resource, ...]]:
        """List the resources."""
        ...

    def create_resource(self, uid: str, spec: ResourceSpec) -> Call[Resource]:
        """Add a resource; :func:`actions.put_resource` makes sure that it is added once."""
        ...

    def replace_resource(self, uid: str, resource: Resource, spec: ResourceSpec) -> Call[Resource]:
        """Change a resource to ``spec``; where that names no params, those of ``resource`` stay."""
        ...

    def put_back_resource(self, uid: str, resource: Resource) -> Call[Resource]:
        """Change a resource back to what it was when ``resource`` was read."""
        ...

    def act_on_realtime(self, uid: str, resource: Resource, action: RealtimeAction) -> Call[Resource]:
        """Switch a realtime resource on or off, replay or drop what it keeps, or give it a new push key."""
        ...

    def delete_resource(self, uid: str, resource_uid: str) -> Call[None]:
        """Delete a resource."""
        ...

    # fields and processors

    def pipeline(self, uid: str, kind: Pipeline) -> Call[tuple[Configured, ...]]:
        """List the field configurations or the processors, in the order of execution."""
        ...

    def add_to_pipeline(self, uid: str, kind: Pipeline, item: Configured) -> Call[Configured]:
        """Add one at the end; its uid is not looked at."""
        ...

    def change_pipeline(self, uid: str, kind: Pipeline, item: Configured) -> Call[Configured]:
        """Change the one with this uid."""
        ...

    def remove_from_pipeline(self, uid: str, kind: Pipeline, item_uid: str) -> Call[None]:
        """Delete one."""
        ...

    # security

    def set_restricted(self, uid: str, restricted: bool) -> Steps[None]:
        """Choose between all who may see the portal and chosen users and groups."""
        ...

    def default_security(self, uid: str) -> Call[Security]:
        """Read what everybody may see."""
        ...

    def set_default_security(self, uid: str, security: Security) -> Steps[None]:
        """Set what everybody may see."""
        ...

    def accesses(self, uid: str, kind: Sharers) -> Call[tuple[Access, ...]]:
        """List what users, or groups, may see."""
        ...

    def set_access(self, uid: str, kind: Sharers, access: Access) -> Steps[None]:
        """Set what one user or group may see."""
        ...

    def remove_access(self, uid: str, kind: Sharers, name: str) -> Call[None]:
        """Take the rules of one user or group away."""
        ...

    # history

    def versions(self, uid: str) -> Call[tuple[Version, ...]]:
        """The history, newest first. The Automation API keeps 20 entries."""
        ...

    def restore_point(self, uid: str) -> Call[RestorePoint]:
        """Note the configuration as it is, before changing it."""
        ...

    def restore(self, point: RestorePoint) -> Steps[bool]:
        """Take the configuration back to ``point``; it goes live with the next publish.

        :returns: whether there was anything to take back.
        :raises RestorePointGone: if the history does not reach back, or the portal does not allow it.
        """
        ...

    # attachments

    def attachments(self, uid: str) -> Call[tuple[Attachment, ...]]:
        """List them."""
        ...

    def attach(self, uid: str, file: Multipart) -> Call[Attachment]:
        """Add one."""
        ...

    def detach(self, uid: str, attachment_uid: str) -> Call[None]:
        """Delete one."""
        ...


def dialect_named(name: str) -> Dialect:
    """Return the dialect of this name.

    :param name: ``automation`` or ``management``.
    :raises ConfigurationError: for any other.
    """
    from airflow_socrata.opendatasoft.automation import AutomationV1
    from airflow_socrata.opendatasoft.management import ManagementV2

    known: Mapping[str, Any] = {"automation": AutomationV1, "management": ManagementV2}
    if name not in known:
        raise ConfigurationError(f"api {name!r} is unknown: use automation or management")
    dialect: Dialect = known[name]()
    return dialect
