"""What a portal tells: views, jobs, counts, users. Frozen, and tolerant of absent keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.messages import UnreadableReply
from airflow_socrata.client.parsing import integer, mapping, objects, strings, text

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Flags of a view that is computed from another one.
_DERIVED_FLAGS = frozenset({"calculatedView", "soqlBasedView"})
_FAILED_STATES = frozenset({"failed", "failure", "error"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a view. ``id`` changes from copy to copy, ``field_name`` does not."""

    id: int | None
    name: str
    field_name: str
    data_type_name: str
    position: int | None
    description: str = ""
    format: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Column:
        """Read a column object; a column without a name takes its field name."""
        field_name = text(body.get("fieldName")) or ""
        return cls(
            id=integer(body.get("id")),
            name=text(body.get("name")) or field_name,
            field_name=field_name,
            data_type_name=text(body.get("dataTypeName")) or "",
            position=integer(body.get("position")),
            description=text(body.get("description")) or "",
            format=mapping(body.get("format")),
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """One line of a view's sharing list."""

    type: str | None
    flags: frozenset[str]
    inherited: bool
    user_id: str | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Grant:
        """Read a grant object."""
        return cls(
            type=text(body.get("type")),
            flags=strings(body.get("flags")),
            inherited=body.get("inherited") is True,
            user_id=text(body.get("userId")),
        )


@dataclass(frozen=True, slots=True)
class Approval:
    """One submission of a view to the domain's approvers."""

    state: str | None
    outcome: str | None
    submission_id: int | None
    submitted_at: int | None
    reviewed_at: int | None
    submission_object: str | None

    @property
    def is_pending(self) -> bool:
        """Whether nobody has decided yet."""
        return self.state == "pending"

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Approval:
        """Read an approval object."""
        return cls(
            state=text(body.get("state")),
            outcome=text(body.get("submissionOutcome")),
            submission_id=integer(body.get("submissionId")),
            submitted_at=integer(body.get("submittedAt")),
            reviewed_at=integer(body.get("reviewedAt")),
            submission_object=text(body.get("submissionObject")),
        )


@dataclass(frozen=True, slots=True)
class View:
    """A view: a dataset, its working copy, or something derived from it. Times are epoch seconds.

    :param row_identifier: field name of the row identifier's column, or None.
    :param unresolved_row_identifier: what the portal names as row identifier where no column answers to it.
    :param permission_scope: ``public``, ``private``, ``site``, or None where the portal does not tell.
    :param rights: what the signed-in user may do.
    :param raw: the whole view as it came.
    """

    id: str
    name: str
    asset_type: str | None = None
    view_type: str | None = None
    display_type: str | None = None
    publication_stage: str | None = None
    publication_group: int | None = None
    publication_date: int | None = None
    published_view_uid: str | None = None
    modifying_view_uid: str | None = None
    created_at: int | None = None
    rows_updated_at: int | None = None
    view_last_modified: int | None = None
    new_backend: bool | None = None
    columns: tuple[Column, ...] = ()
    row_identifier: str | None = None
    unresolved_row_identifier: str | None = None
    rights: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    grants: tuple[Grant, ...] = ()
    pending_grants: tuple[Grant, ...] = ()
    permission_scope: str | None = None
    private_metadata: Mapping[str, Any] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    owner_id: str | None = None
    author_id: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_published(self) -> bool:
        """Whether this is what the public sees."""
        return self.publication_stage == "published"

    @property
    def is_unpublished(self) -> bool:
        """Whether this is a draft: a working copy or a dataset that was never published."""
        return self.publication_stage == "unpublished" and "unsaved" not in self.flags

    @property
    def is_working_copy(self) -> bool:
        """Whether this is the draft of another, published view."""
        return (
            self.is_unpublished and self.published_view_uid is not None and self.published_view_uid != self.id
        )

    @property
    def is_filter_or_derived(self) -> bool:
        """Whether rows cannot be written here: a filter, map, chart, story, file, link, not a dataset."""
        return (
            self.modifying_view_uid is not None
            or self.asset_type not in {None, "dataset"}
            or self.view_type not in {None, "tabular"}
            or bool(self.flags & _DERIVED_FLAGS)
        )

    @property
    def awaits_approval(self) -> bool:
        """Whether a submission of this view still waits for a decision."""
        return any(approval.is_pending for approval in self.approvals)

    def can(self, right: str) -> bool:
        """Whether the signed-in user has ``right``, e.g. ``write``; False where none are told."""
        return right in self.rights

    @classmethod
    def from_json(cls, body: Any) -> View:
        """Read a view object.

        :raises UnreadableReply: if it is no object with an id.
        """
        if not isinstance(body, dict) or text(body.get("id")) is None:
            raise UnreadableReply("the view has no id")
        columns = tuple(Column.from_json(item) for item in objects(body.get("columns")))
        row_identifier, unresolved = _row_identifier(body, columns)
        grants = tuple(Grant.from_json(item) for item in objects(body.get("grants")))
        return cls(
            id=body["id"],
            name=text(body.get("name")) or "",
            asset_type=text(body.get("assetType")),
            view_type=text(body.get("viewType")),
            display_type=text(body.get("displayType")),
            publication_stage=text(body.get("publicationStage")),
            publication_group=integer(body.get("publicationGroup")),
            publication_date=integer(body.get("publicationDate")),
            published_view_uid=text(body.get("publishedViewUid")),
            modifying_view_uid=text(body.get("modifyingViewUid")),
            created_at=integer(body.get("createdAt")),
            rows_updated_at=integer(body.get("rowsUpdatedAt")),
            view_last_modified=integer(body.get("viewLastModified")),
            new_backend=body["newBackend"] if isinstance(body.get("newBackend"), bool) else None,
            columns=columns,
            row_identifier=row_identifier,
            unresolved_row_identifier=unresolved,
            rights=strings(body.get("rights")),
            flags=strings(body.get("flags")),
            grants=grants,
            pending_grants=tuple(Grant.from_json(item) for item in objects(body.get("pendingGrants"))),
            permission_scope=_permission_scope(body, grants),
            private_metadata=mapping(body.get("privateMetadata")),
            approvals=tuple(Approval.from_json(item) for item in objects(body.get("approvals"))),
            owner_id=text(mapping(body.get("owner")).get("id")),
            author_id=text(mapping(body.get("tableAuthor")).get("id")),
            raw=body,
        )


def _row_identifier(body: Mapping[str, Any], columns: tuple[Column, ...]) -> tuple[str | None, str | None]:
    """Return the row identifier's field name, and the portal's word for it where no column answers to that.

    A field name or a column id (a number, sometimes as text) is seen at the top level and in ``metadata``, on
    both back ends; "0" means none.
    """
    unresolved: str | None = None
    for value in (body.get("rowIdentifierColumnId"), mapping(body.get("metadata")).get("rowIdentifier")):
        word = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if word in {"", "0"}:
            continue
        for matches in (
            [column for column in columns if column.id is not None and str(column.id) == word],
            [column for column in columns if column.field_name == word],
            [column for column in columns if column.name == word],
        ):
            if matches:
                return matches[0].field_name, None
        unresolved = unresolved or word
    return None, unresolved


def _permission_scope(body: Mapping[str, Any], grants: tuple[Grant, ...]) -> str | None:
    scope = text(mapping(body.get("permissions")).get("scope"))
    if scope is not None:
        return scope
    if any("public" in grant.flags for grant in grants):
        return "public"
    return "private" if isinstance(body.get("grants"), list) else None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The portal has begun a job and is not done: any form of its 202 contract.

    :param location: where to look, as a path on this portal; another host's address is not kept.
    :param retry_after: seconds that the portal asks to wait.
    :param status: the portal's word for the state of the job.
    """

    ticket: str | None = None
    status: str | None = None
    location: str | None = None
    retry_after: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None

    @property
    def has_failed(self) -> bool:
        """Whether the portal's word for the state says that the job will not get done."""
        return (self.status or "").lower() in _FAILED_STATES


@dataclass(frozen=True, slots=True)
class RowError:
    """One row that the portal did not take.

    :param index: position in the request, from 0, or None if not told.
    :param message: the portal's words or code, e.g. ``no_such_row_to_delete``.
    :param row_id: the row identifier's value, as text.
    """

    index: int | None
    message: str
    row_id: str | None

    @property
    def is_absent_delete(self) -> bool:
        """Whether a delete met no row, which leaves the data as wanted."""
        return self.message == "no_such_row_to_delete" or "no record is found" in self.message.lower()


@dataclass(frozen=True, slots=True)
class RowCounts:
    """What an upsert or a replace did.

    :param by_row_identifier: matches by the dataset's row identifier, where told.
    :param by_sid: matches by the internal row id, where told.
    :param row_errors: the rows not taken, where told; ``errors`` counts them all.
    :param repeated: an earlier sending of the same rows may have been carried out, so what was created
        then is counted as updated now, and what was deleted then as an error.
    :param truth_version: version of the dataset after the write, where told.
    """

    created: int
    updated: int
    deleted: int
    errors: int
    by_row_identifier: int | None = None
    by_sid: int | None = None
    row_errors: tuple[RowError, ...] = ()
    repeated: bool = False
    truth_version: int | None = None

    @property
    def rows(self) -> int:
        """All rows that the portal counted."""
        return self.created + self.updated + self.deleted + self.errors

    @property
    def absent_deletes(self) -> int:
        """Errors that are known to be deletes of absent rows."""
        return sum(error.is_absent_delete for error in self.row_errors)


@dataclass(frozen=True, slots=True)
class PendingGeocoding:
    """Rows that wait for geocoding; ``view`` above 0 blocks copy and publish."""

    total: int
    view: int


@dataclass(frozen=True, slots=True)
class Replication:
    """How far the stores that answer reads have followed the one that takes writes.

    :param up_to_date: reads show the last write.
    :param computed_up_to_date: computed columns are done, or None if not told.
    """

    up_to_date: bool
    truth_version: int | None
    secondary_versions: Mapping[str, int] = field(default_factory=dict)
    computed_up_to_date: bool | None = None


@dataclass(frozen=True, slots=True)
class Twin:
    """The two ids of a dataset that lives on both back ends; the old one takes writes."""

    old_backend_id: str | None
    new_backend_id: str | None


@dataclass(frozen=True, slots=True)
class User:
    """A portal user."""

    id: str
    display_name: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class RowsPage:
    """One page of rows; null fields are absent from a row.

    :param out_of_date: the portal says that newer data than this exists.
    :param truth_last_modified: epoch seconds of the last write.
    :param secondary_last_modified: epoch seconds of the last write that is shown.
    :param fields: field name to type, in order, where told.
    """

    rows: list[dict[str, Any]]
    out_of_date: bool
    truth_last_modified: float | None = None
    secondary_last_modified: float | None = None
    etag: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Count:
    """A counted number of rows; see :class:`RowsPage` for the rest."""

    rows: int
    out_of_date: bool
    truth_last_modified: float | None = None
