"""Revisions, their jobs and configs (portal's Dataset Management API). Frozen, tolerant of absent keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.column_specs import OutputColumnSpec
from airflow_socrata.client.links import Links
from airflow_socrata.client.messages import UnreadableReply
from airflow_socrata.client.models import RowCounts
from airflow_socrata.client.parsing import integer, mapping, objects, one_line, text
from airflow_socrata.client.schema_rows import CellError, InputRowError, RowIdentifierCheck, SchemaRow
from airflow_socrata.client.source_models import (
    FailureDetails,
    InputColumn,
    InputSchema,
    OutputColumn,
    OutputSchema,
    Source,
    Transform,
    UploadLimits,
    number,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AttachmentFile",
    "CellError",
    "Config",
    "FailureDetails",
    "InputColumn",
    "InputRowError",
    "InputSchema",
    "Links",
    "LogLine",
    "OutputColumn",
    "OutputColumnSpec",
    "OutputSchema",
    "PlanStep",
    "Revision",
    "RowIdentifierCheck",
    "SchemaRow",
    "Source",
    "SubmittedForApproval",
    "TaskSet",
    "Transform",
    "UploadLimits",
]

_LAST_LINES = 5
_LONGEST_DETAILS = 200


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of a job's log."""

    stage: str
    time: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.details:
            return self.stage
        words = text(self.details.get("message")) or text(self.details.get("reason"))
        words = words or json.dumps(self.details, ensure_ascii=False, default=str)
        at = text(self.details.get("stage"))
        where = f" at {at}" if at and at != self.stage else ""
        return f"{self.stage}{where}: {one_line(words)[:_LONGEST_DETAILS]}"

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> LogLine:
        """Read a log entry; details that are no object stand under ``message``."""
        details = body.get("details")
        if details is not None and not isinstance(details, dict):
            details = {"message": details if isinstance(details, str) else json.dumps(details, default=str)}
        return cls(text(body.get("stage")) or "?", text(body.get("time")), details or {})


@dataclass(frozen=True, slots=True)
class TaskSet:
    """The job that applies a revision.

    :param status: ``initializing``, ``creating_columns``, ``upserting``, ``finishing``, ``in_progress``,
        ``successful`` or ``failure``.
    :param log: newest first.
    :param link: where to look at it, or None if it is not known.
    """

    id: int
    status: str
    log: tuple[LogLine, ...] = ()
    created_at: str | None = None
    finished_at: str | None = None
    output_schema_id: int | None = None
    request_id: str | None = None
    job_uuid: str | None = None
    link: str | None = field(default=None, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def succeeded(self) -> bool:
        """Whether the revision was applied."""
        return self.status == "successful"

    @property
    def has_failed(self) -> bool:
        """Whether the job ended without success."""
        return self.status == "failure" or (self.finished_at is not None and not self.succeeded)

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended, one way or the other."""
        return self.succeeded or self.has_failed

    @property
    def stage(self) -> str:
        """What the job is at: its newest log entry, or its status before there is one."""
        return self.log[0].stage if self.log else self.status

    @property
    def row_counts(self) -> RowCounts | None:
        """What happened to the rows, once the portal tells; None before, and where it does not."""
        for line in self.log:
            if line.stage == "upsert_complete" and "Rows Created" in line.details:
                return _row_counts(line.details)
        return None

    @property
    def rows_upserted(self) -> int | None:
        """Rows written so far, or None where not told."""
        counts = [
            count
            for line in self.log
            if line.stage == "rows_upserted" and (count := integer(line.details.get("count"))) is not None
        ]
        return max(counts, default=None)

    @property
    def failure_text(self) -> str:
        """The job's end and its last log lines, newest first, in one line."""
        lines = "; ".join(str(line) for line in self.log[:_LAST_LINES]) or "the job has no log"
        request = f" (request id {self.request_id})" if self.request_id else ""
        return one_line(f"job {self.id} ended as {self.status}{request}; its last log lines: {lines}")

    @classmethod
    def from_json(cls, body: Mapping[str, Any], link: str | None = None) -> TaskSet:
        """Read a task set object.

        :raises UnreadableReply: if it has no id or no status.
        """
        status = text(body.get("status"))
        if status is None:
            raise UnreadableReply("the task set has no status")
        return cls(
            id=number(body, "id", "task set"),
            status=status,
            log=tuple(LogLine.from_json(item) for item in objects(body.get("log"))),
            created_at=text(body.get("created_at")),
            finished_at=text(body.get("finished_at")),
            output_schema_id=integer(body.get("output_schema_id")),
            request_id=text(body.get("request_id")),
            job_uuid=text(body.get("job_uuid")),
            link=link,
            raw=body,
        )


def _row_counts(details: Mapping[str, Any]) -> RowCounts:
    created, updated, deleted, errors = (
        integer(details.get(key)) or 0 for key in ("Rows Created", "Rows Updated", "Rows Deleted", "Errors")
    )
    return RowCounts(
        created,
        updated,
        deleted,
        errors,
        by_row_identifier=integer(details.get("By RowIdentifier")),
        by_sid=integer(details.get("By SID")),
    )


@dataclass(frozen=True, slots=True)
class SubmittedForApproval:
    """The revision was not applied: it waits for the domain's approvers."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One thing that applying a revision would do, e.g. ``upsert_task``."""

    type: str
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class AttachmentFile:
    """A file that was sent to be attached to a dataset; ``revisions.update`` attaches it."""

    filename: str
    file_id: str

    def to_json(self, name: str | None = None) -> dict[str, str]:
        """The entry of this file in a revision's ``attachments``."""
        return {"name": name or self.filename, "filename": self.filename, "asset_id": self.file_id}


@dataclass(frozen=True, slots=True)
class Revision:
    """A change of a dataset that is being made, was applied, or was discarded.

    :param dataset: the 4x4 of the dataset.
    :param seq: number of the revision within its dataset, from 0.
    :param action: ``update`` (upsert), ``replace`` or ``delete`` (rows).
    :param permission: the permission that applying it sets, or None to keep the dataset's.
    :param output_schema_id: what applying it would write.
    :param closed_at: when it was applied or discarded, or None.
    :param private_metadata: ``metadata.privateMetadata``.
    :param task_sets: the jobs that applied it, or tried to.
    """

    dataset: str
    seq: int
    id: int | None = None
    action: str | None = None
    permission: str | None = None
    output_schema_id: int | None = None
    blob_id: int | None = None
    closed_at: str | None = None
    created_at: str | None = None
    created_by_id: str | None = None
    creation_source: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    private_metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: str | None = None
    attachments: tuple[Mapping[str, Any], ...] = ()
    task_sets: tuple[TaskSet, ...] = ()
    links: Links = field(default_factory=Links, repr=False, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_open(self) -> bool:
        """Whether it can still be changed, applied or discarded."""
        return self.closed_at is None

    @property
    def asset_id(self) -> str:
        """How approvals name the draft: ``4x4:seq``."""
        return f"{self.dataset}:{self.seq}"

    @property
    def last_task_set(self) -> TaskSet | None:
        """The newest job, which has the greatest id, or None."""
        return max(self.task_sets, key=lambda task_set: task_set.id, default=None)

    @classmethod
    def from_json(cls, body: Mapping[str, Any], links: Links) -> Revision:
        """Read a revision object.

        :raises UnreadableReply: if it has no dataset or number.
        """
        dataset = text(body.get("fourfour"))
        if dataset is None:
            raise UnreadableReply("the revision has no fourfour")
        metadata, action = mapping(body.get("metadata")), mapping(body.get("action"))
        return cls(
            dataset=dataset,
            seq=number(body, "revision_seq", "revision"),
            id=integer(body.get("id")),
            action=text(action.get("type")),
            permission=text(action.get("permission")),
            output_schema_id=integer(body.get("output_schema_id")),
            blob_id=integer(body.get("blob_id")),
            closed_at=text(body.get("closed_at")),
            created_at=text(body.get("created_at")),
            created_by_id=text(mapping(body.get("created_by")).get("user_id")),
            creation_source=text(body.get("creation_source")),
            metadata=metadata,
            private_metadata=mapping(metadata.get("privateMetadata")),
            notes=text(body.get("notes")),
            attachments=objects(body.get("attachments")),
            task_sets=tuple(_task_set(item, links) for item in objects(body.get("task_sets"))),
            links=links,
            raw=body,
        )


def _task_set(item: Mapping[str, Any], links: Links) -> TaskSet:
    """Read a job within its revision: without links of its own it stands below the link that applies."""
    own, apply_path = Links.of(item.get("links")).find("show"), links.find("apply")
    below = f"{apply_path}/{number(item, 'id', 'task set')}" if apply_path else None
    return TaskSet.from_json(item, own or below)


@dataclass(frozen=True, slots=True)
class Config:
    """A saved way to read files and to make columns of them; revisions can start from it.

    :param name: unique on the portal.
    :param data_action: ``update``, ``replace`` or ``delete``.
    """

    name: str
    data_action: str | None = None
    parse_options: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[OutputColumnSpec, ...] = ()
    links: Links = field(default_factory=Links, repr=False, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Mapping[str, Any], links: Links) -> Config:
        """Read a config object.

        :raises UnreadableReply: if it has no name.
        """
        name = text(body.get("name"))
        if name is None:
            raise UnreadableReply("the config has no name")
        return cls(
            name=name,
            data_action=text(body.get("data_action")),
            parse_options=mapping(body.get("parse_options")),
            columns=tuple(OutputColumnSpec.of_config_column(item) for item in objects(body.get("columns"))),
            links=links,
            raw=body,
        )
