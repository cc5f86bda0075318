"""What an Opendatasoft portal tells, the same for both of its APIs. Frozen, and tolerant of absent keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_socrata.client.parsing import one_line
from airflow_socrata.opendatasoft.status import StatusClass, class_of, is_at_rest, rows_named

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

#: Type of a resource that records are pushed to.
REALTIME = "realtime"
_LONGEST_MESSAGE = 300


def epoch(value: Any) -> float | None:
    """Epoch seconds of an ISO time, UTC where it names no zone; None if it is none."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def words(value: Any) -> tuple[str, ...]:
    """The strings of a JSON array, in its order; anything else becomes none."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of the things of a list.

    :param total: how many there are in all, or None where the portal does not tell.
    """

    items: tuple[T, ...]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class MetadataValue:
    """One field of a metadata template.

    :param remote_value: what a federated or harvested dataset has at its origin.
    """

    template: str
    name: str
    value: Any
    remote_value: Any = None
    override_remote_value: bool | None = None


Metadata = tuple[MetadataValue, ...]


def value_in(metadata: Metadata, template: str, name: str) -> Any:
    """Return a value of the metadata; None for one that was never set."""
    return next((one.value for one in metadata if (one.template, one.name) == (template, name)), None)


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset.

    :param uid: ``da_…``, fixed for life; calls take it.
    :param dataset_id: the name in addresses and in Explore.
    :param is_published: None where the reply does not tell.
    :param is_restricted: for chosen users and groups only; None where the reply does not tell.
    """

    uid: str
    dataset_id: str
    is_published: bool | None = None
    is_restricted: bool | None = None
    metadata: Metadata = ()
    created_at: float | None = None
    updated_at: float | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def title(self) -> str | None:
        """Its title."""
        title = value_in(self.metadata, "default", "title")
        return title if isinstance(title, str) else None


@dataclass(frozen=True, slots=True)
class LimitReached:
    """Which limit stopped the processing; None for what the portal does not tell."""

    limit_type: str | None = None
    limit: int | None = None
    value: int | None = None

    def __str__(self) -> str:
        kind = self.limit_type or "record limit"
        if self.limit is None:
            return kind
        return (
            f"{kind}: {self.value:,} of {self.limit:,}"
            if self.value is not None
            else f"{kind}: {self.limit:,}"
        )


@dataclass(frozen=True, slots=True)
class RecordError:
    """A record that a processor could not deal with; it does not make the status an error."""

    message: str
    record_id: str | None = None
    field_uid: str | None = None
    processor_uid: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What a dataset is at.

    :param name: as the portal shows it.
    :param since: when it entered this status, in epoch seconds.
    :param read_at: the portal's clock when it told, in epoch seconds.
    :param is_published: whether Explore shows it.
    :param message: what went wrong, with ``params``.
    :param records_error_count: records that a processor could not deal with.
    """

    name: str
    since: float | None = None
    read_at: float | None = None
    is_published: bool | None = None
    previous: str | None = None
    next: str | None = None
    message: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    records_errors: tuple[RecordError, ...] = ()
    records_error_count: int | None = None
    limit: LimitReached | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def status_class(self) -> StatusClass:
        """Its class in the table of statuses."""
        return class_of(self.name)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing runs."""
        return is_at_rest(self.name)

    @property
    def is_known(self) -> bool:
        """Whether the table of statuses has its name."""
        return bool(rows_named(self.name))

    @property
    def failure_text(self) -> str:
        """Why it failed, in one line; empty if it did not."""
        if self.status_class is not StatusClass.FAILED:
            return ""
        words = one_line(self.message or "")[:_LONGEST_MESSAGE]
        if self.limit is not None:
            return "; ".join(part for part in (f"limit reached ({self.limit})", words) if part)
        shown = ", ".join(
            f"{key} {one_line(str(value))[:80]}" for key, value in list(self.params.items())[:8]
        )
        if not words:
            return f"{self.name}{f' ({shown})' if shown else ''}"
        return (
            f"{words} ({shown})"
            if shown and not all(str(v) in words for v in self.params.values())
            else words
        )


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that the portal keeps for resources.

    :param uid: what resources name it by. Always this one: the portal may have changed the name.
    :param url: ``odsfile://…``, in the Management API.
    """

    uid: str
    filename: str | None = None
    url: str | None = None
    created_at: float | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a resource takes its records from: exactly one of an uploaded file and an address.

    Nothing at all for realtime resources, and for kinds of source that this client does not know.

    :param file_uid: of an uploaded file.
    :param url: http or https.
    """

    file_uid: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """One source of a dataset's records.

    :param type: the extractor, e.g. ``csvfile``, ``jsonfile``, ``geojsonfile``, ``realtime``.
    :param params: of the extractor.
    :param push_url: of a realtime resource, where the portal tells; without its key.
    """

    uid: str
    title: str
    type: str
    params: Mapping[str, Any] = field(default_factory=dict)
    source: Source = field(default_factory=Source)
    push_url: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """A resource as it shall be.

    :param source: nothing for a realtime resource.
    :param title: it should be unique in the dataset: a resource is found again by it.
    :param params: of the extractor. None: those that the resource has, or none for a new one.
    """

    title: str
    type: str
    source: Source
    params: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Configured:
    """One field configuration or one processor; the order of the list is that of execution.

    :param type: e.g. ``rename``, ``type``, ``annotate``, ``description``, ``order``, ``delete``.
    :param args: its arguments, by the names of the Automation API.
    """

    uid: str
    type: str
    args: Mapping[str, Any]
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Security:
    """What a user, a group, or everybody may see.

    :param visible_fields: None: all.
    :param calls_quota: ``(limit, unit)``.
    """

    is_data_visible: bool = True
    visible_fields: tuple[str, ...] | None = None
    filter_query: str = ""
    calls_quota: tuple[int, str] | None = None
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """What one user or one group may see."""

    name: str
    security: Security


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of a dataset's history, of its configuration alone; it holds no data.

    In the Automation API it is a state that one may go back to, in the Management API a change that one may
    go back before. :meth:`Dialect.restore` hides the difference.
    """

    uid: str
    created_at: float | None = None
    sections: tuple[str, ...] = ()
    can_restore: bool = True
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """A dataset's configuration as it was when this was noted.

    :param api: the API that noted it; the other one numbers differently.
    :param version: uid of the newest entry of the history then; None if there was none.
    """

    dataset: str
    api: str
    version: str | None

    def to_json(self) -> dict[str, str | None]:
        """For keeping."""
        return {"dataset": self.dataset, "api": self.api, "version": self.version}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> RestorePoint:
        """Read what was kept."""
        return cls(str(body["dataset"]), str(body["api"]), body.get("version"))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file beside the data."""

    uid: str
    title: str | None = None
    filename: str | None = None
    url: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of the published records."""

    name: str
    type: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A published dataset as Explore shows it.

    :param records_count: None where the entry does not tell.
    :param data_processed: when its data were last processed, in epoch seconds.
    """

    dataset_id: str
    uid: str | None = None
    records_count: int | None = None
    data_processed: float | None = None
    metadata_processed: float | None = None
    modified: float | None = None
    has_records: bool | None = None
    fields: tuple[FieldInfo, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RecordsPage:
    """Some records, and how many there are in all."""

    total: int
    records: tuple[Mapping[str, Any], ...] = ()
