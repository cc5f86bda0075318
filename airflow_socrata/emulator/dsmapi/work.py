"""What applying a revision does to its dataset: a new copy is made beside the old and takes its place."""

from __future__ import annotations

import contextlib
import copy as copying
import dataclasses
import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.clock import iso_utc
from airflow_socrata.emulator.dsmapi.archiving import keep_archive
from airflow_socrata.emulator.dsmapi.evaluating import evaluated, stored_column
from airflow_socrata.emulator.dsmapi.rebuilding import carry_rows, columns_of, fill_identifier, read_name
from airflow_socrata.emulator.dsmapi.transforms import CellError
from airflow_socrata.emulator.edge.audiences import set_scope
from airflow_socrata.emulator.errors import PortalError
from airflow_socrata.emulator.store import database as tables
from airflow_socrata.emulator.store.model import PUBLISHED
from airflow_socrata.emulator.store.writing import RowBlock, RowWriter, WriteOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.emulator.dsmapi.model import OutputColumn, OutputSchema, Revision, TaskSet
    from airflow_socrata.emulator.edge.portal import Portal
    from airflow_socrata.emulator.store.model import Column, Copy, View
    from airflow_socrata.emulator.store.writing import Outcome

BLOCK_ROWS = 5_000


class ApplyFailed(Exception):
    """Applying went wrong at a stage; the dataset is as it was."""

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage
        self.message = message


@dataclass(frozen=True, slots=True)
class Counts:
    """What was done: rows read, columns made, and the summary of the upsert."""

    rows: int
    columns: int
    told: dict[str, int]


def apply_to_dataset(portal: Portal, revision: Revision, task_set: TaskSet) -> Counts | None:
    """Apply a revision; None when it has no rows.

    :raises ApplyFailed: nothing was changed.
    """
    view = portal.store.find(revision.view_id)
    if view is None:
        raise ApplyFailed("prepare_draft_for_import", f"Dataset {revision.view_id} is gone")
    schema = portal.desk.output_schemas.get(task_set.output_schema_id or -1)
    dataset = view.dataset
    try:
        with dataset.write_lock(portal.switches.write_lock_seconds, view.id):
            if portal.store.find(view.id) is not view:
                raise ApplyFailed("prepare_draft_for_import", f"Dataset {view.id} is gone")
            dataset.sweep()
            former = view.copy
            made, counts = (former, None) if schema is None else _rebuild(portal, view, revision, schema)
            with portal.books:
                # Nobody gets to see old rows that were private, nor new ones that shall be.
                opens = view.scope != "public" and revision.permission == "public"
                widens_later = opens and view.stage == PUBLISHED
                if revision.permission is not None and not widens_later:
                    set_scope(portal, view, revision.permission)
                _describe(portal, view, revision)
                portal.store.put_behind(view, made, task_set.user_id, portal.switches)
                if widens_later:
                    set_scope(portal, view, "public")
                if schema is not None:
                    _remember(portal, view, revision, schema)
            keep_archive(portal, view, revision)
    except PortalError as error:
        raise ApplyFailed("upserting", _message(error)) from None
    return counts


def _message(error: PortalError) -> str:
    with contextlib.suppress(ValueError):
        return str(json.loads(error.reply.body).get("message"))
    return f"HTTP {error.reply.status}"


def _rebuild(
    portal: Portal, view: View, revision: Revision, schema: OutputSchema
) -> tuple[Copy, Counts | None]:
    """Make the next copy of the dataset, with rows; nobody sees it yet."""
    dataset, former = view.dataset, view.copy
    deleting = revision.action == "delete"
    target = dataset.next_copy(former, portal.store.number())
    target.row_identifier = None
    if deleting:
        target.columns = [dataclasses.replace(c, id=portal.store.number()) for c in former.columns]
        identifier = former.identifier
    else:
        target.columns, identifier = columns_of(portal, former, schema)
    unloaded = schema.input.source.is_unloaded_view
    carries = unloaded or revision.action != "replace"
    with dataset.database.transaction() as connection:
        tables.create_table(connection, target)
        if carries:
            carry_rows(connection, former, target)
            target.rows = former.rows
        if identifier is not None:
            fill_identifier(connection, target, identifier)
        if unloaded:
            return target, None
        options = WriteOptions()
        writer = RowWriter(connection, dataset, target, iso_utc(portal.clock.now()), options)
        read = _write(writer, target, schema, deleting=deleting)
    outcome = writer.outcome
    target.rows += outcome.created - outcome.deleted
    return target, Counts(read, len(target.columns), _told(outcome))


def _told(outcome: Outcome) -> dict[str, int]:
    return {
        "Rows Created": outcome.created,
        "Rows Updated": outcome.updated,
        "Rows Deleted": outcome.deleted,
        "Errors": len(outcome.errors),
        "By RowIdentifier": outcome.by_identifier,
        "By SID": outcome.by_sid,
    }


def _write(writer: RowWriter, target: Copy, schema: OutputSchema, *, deleting: bool) -> int:
    """Write the rows of a schema into a copy and return how many were read."""
    chosen = _pairs(target, schema, deleting=deleting)
    columns = tuple(column for _, column in chosen)
    done = 0
    runs = [source.transform for source, _ in chosen]
    rows = (cells for _, cells in evaluated(schema.input, runs))
    for block in _blocks(rows):
        values = [
            stored_column(column.kind, [None if c.__class__ is CellError else c for c in cells])
            for column, cells in zip(columns, zip(*block, strict=True), strict=True)
        ]
        count = len(block)
        if deleting:
            lacking = [i for i, key in enumerate(values[0]) if key is None]
            for i in lacking:
                writer.outcome.errors.append((done + i, "no_primary_key", None))
            values = [[key for key in values[0] if key is not None]]
        writer.reserve(done, count)
        kept = len(values[0]) if deleting else count
        places = range(done, done + kept)
        writer.apply(RowBlock(places, columns, values, [True] * kept if deleting else None))
        done += count
    return done


def _blocks(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while block := list(islice(rows, BLOCK_ROWS)):
        yield block


def _pairs(target: Copy, schema: OutputSchema, *, deleting: bool) -> list[tuple[OutputColumn, Column]]:
    by_name = {column.field_name: column for column in target.columns}
    identifier = target.identifier
    return [
        (each, by_name[each.field_name])
        for each in schema.columns
        if each.field_name in by_name
        and (not deleting or (identifier is not None and each.field_name == identifier.field_name))
    ]


def _describe(portal: Portal, view: View, revision: Revision) -> None:
    """Put a revision's metadata, attachments and kind onto a view."""
    sent = {key: copying.deepcopy(revision.metadata.get(key)) for key in revision.sent}
    fields = {
        key: value for key, value in sent.items() if key not in {"metadata", "privateMetadata", "isParent"}
    }
    view.fields = view.fields | fields
    if "metadata" in sent:
        hidden = {"rowIdentifier", "rdfSubject", "rdfClass"}
        view.metadata = {key: value for key, value in (sent["metadata"] or {}).items() if key not in hidden}
    if "privateMetadata" in sent:
        view.private_metadata = sent["privateMetadata"] or {}
    if revision.attachments:
        view.metadata = view.metadata | {
            "attachments": [
                {
                    "filename": each.get("filename"),
                    "assetId": each.get("asset_id"),
                    "name": each.get("name"),
                }
                for each in revision.attachments
            ]
        }
    if view.fields.get("displayType") == "draft":
        view.fields["displayType"] = "table"
    if revision.href:
        view.fields["displayType"] = "href"
        view.metadata = view.metadata | {"additionalAccessPoints": revision.href}
        view.asset_type = "href"
    if revision.blob_id is not None:
        _put_blob(portal, view, revision)


def _put_blob(portal: Portal, view: View, revision: Revision) -> None:
    from airflow_socrata.emulator.edge.files import keep

    source = portal.desk.sources.get(revision.blob_id or -1)
    if source is None or source.upload is None:
        return
    body = source.upload.path.read_bytes()
    content_type = source.content_type or "application/octet-stream"
    view.asset_type = "file"
    view.fields = view.fields | {
        "displayType": "blob",
        "blobId": keep(portal, body, content_type, source.filename),
        "blobFilename": source.filename,
        "blobFileSize": len(body),
        "blobMimeType": content_type,
    }


def _remember(portal: Portal, view: View, revision: Revision, schema: OutputSchema) -> None:
    """Keep what was applied: the next file's default output schema follows it."""
    if revision.action == "delete":
        return
    applied = portal.desk.applied
    exprs = {each.field_name: each.transform.expr for each in schema.columns}
    if schema.input.source.view is not None:
        # Made of the dataset itself: its columns go on being filled as they were, under their new names.
        before = applied.get(view.dataset.group, {})
        read = {each.field_name: read_name(each) for each in schema.columns}
        exprs = {name: before[old] for name, old in read.items() if old is not None and old in before}
    applied[view.dataset.group] = exprs
    if schema.sort_bys:
        ids = {column.field_name: column.id for column in view.copy.columns}
        view.fields["query"] = {
            "orderBys": [
                {
                    "ascending": sort["ascending"],
                    "expression": {"columnId": ids[sort["field_name"]], "type": "column"},
                }
                for sort in schema.sort_bys
            ]
        }
