"""Uploading a file and pointing a resource at it; the public sees nothing of it until publish."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from airflow_socrata.client.errors import (
    ConfigurationError,
    EmptyUpload,
    FileChanged,
    Interrupted,
    LocalFileFailed,
)
from airflow_socrata.opendatasoft import actions
from airflow_socrata.opendatasoft.errors import FileTooLarge
from airflow_socrata.opendatasoft.models import ResourceSpec, Source
from airflow_socrata.opendatasoft.multipart import Multipart
from airflow_socrata.publication.opendatasoft import waits
from airflow_socrata.publication.opendatasoft.counting import (
    CountedFile,
    columns_of,
    guess_separator,
    head_of,
)
from airflow_socrata.publication.opendatasoft.errors import UnfitFile
from airflow_socrata.publication.opendatasoft.evidence import check_order, entries_after
from airflow_socrata.publication.opendatasoft.handle import UploadedResource
from airflow_socrata.publication.opendatasoft.intent import ChangePhase
from airflow_socrata.publication.opendatasoft.naming import file_name
from airflow_socrata.publication.opendatasoft.publishing import recorded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from airflow_socrata.client.chunks import Openable
    from airflow_socrata.opendatasoft.dialect import Pipeline
    from airflow_socrata.opendatasoft.models import Configured, Resource, UploadedFile, Version
    from airflow_socrata.publication.opendatasoft.handle import DatasetHandle
    from airflow_socrata.publication.opendatasoft.intent import ChangeIntent
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher

#: The extractor and the content type of a file, by what its name ends with.
_KINDS = {
    "csv": ("csvfile", "text/csv"),
    "tsv": ("csvfile", "text/tab-separated-values"),
    "txt": ("csvfile", "text/csv"),
    "json": ("jsonfile", "application/json"),
    "jsonl": ("jsonlfile", "application/x-ndjson"),
    "geojson": ("geojsonfile", "application/geo+json"),
    "xlsx": ("xlsfile", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "xls": ("xlsfile", "application/vnd.ms-excel"),
}
#: Arguments of field configurations that name a field as it stands, and the one that makes a new name.
_NAMING_ARGS, _NEW_NAME = ("field", "from_name"), "to_name"


@dataclass(frozen=True, slots=True)
class ResourceSettings:
    """The resource that is to take its records from the file.

    :param title: of the resource, which is added if there is none of this title; ``None``: the only one.
    :param type: the extractor; ``None``: by the file's name, e.g. ``csvfile``.
    :param params: of the extractor; ``None``: as they are, for a new CSV the separator it looks like.
    :param fields: field configurations to add where they are not there yet.
    :param processors: processors to add where they are not there yet.
    :param allow_empty: take a file without data rows.
    :param allow_older_run: publish although a newer run of this DAG has.
    """

    title: str | None = None
    type: str | None = None
    params: Mapping[str, Any] | None = None
    fields: tuple[Configured, ...] = ()
    processors: tuple[Configured, ...] = ()
    allow_empty: bool = False
    allow_older_run: bool = False


@dataclass(frozen=True, slots=True)
class _Sent:
    """A file that is on the portal."""

    uid: str
    name: str
    size: int
    rows: int | None


def upload(
    publisher: DatasetPublisher,
    handle: DatasetHandle,
    source: Openable,
    name: str,
    settings: ResourceSettings,
    timeout: float = 3600.0,
) -> DatasetHandle:
    """Upload a file, and point a resource at it once the dataset rests.

    :param source: opens the file in binary mode.
    :param name: of the file; what it ends with tells its kind.
    :param timeout: seconds for the dataset to come to rest.
    :raises UnfitFile: it has no data rows, or lacks a column that a field configuration names.
    :raises HandleMismatch: no restore point is on record.
    :raises OlderRun: a newer run of this DAG has published.
    """
    intent = recorded(publisher, handle)
    seen = publisher.run(waits.at_rest(publisher.dialect, intent.dataset, publisher.patience(timeout)))
    known: tuple[Resource, ...] = publisher.run(publisher.dialect.resources(intent.dataset))
    if not settings.allow_older_run:
        check_order(publisher, handle.operation, intent.dataset, known)
    title = settings.title if settings.title is not None else _only_title(intent, known)
    now = next((one for one in known if one.title == title), None)
    intent = intent.at(
        ChangePhase.UPLOADING,
        resource=title,
        resource_uid=None if now is None else now.uid,
        resource_before=_before(intent, title, now),
        seen=intent.seen or seen,
        before=None,
        ordered_at=None,
    )
    publisher.intents.save(intent)
    spec, sent = _send(publisher, intent, source, name, title, now, settings)
    try:
        return _point(publisher, handle, intent, spec, sent, settings)
    except Exception as error:
        _settle(publisher, handle, error)
        raise


def _point(
    publisher: DatasetPublisher,
    handle: DatasetHandle,
    intent: ChangeIntent,
    spec: ResourceSpec,
    sent: _Sent,
    settings: ResourceSettings,
) -> DatasetHandle:
    """Point the resource at the uploaded file, and configure the dataset."""
    intent = intent.at(
        ChangePhase.CHANGING, files=(*intent.files, sent.uid), changed_at=publisher.portal_time()
    )
    publisher.intents.save(intent)
    newest = publisher.run(publisher.dialect.restore_point(intent.dataset)).version
    put = publisher.session.repeat(
        lambda: publisher.run(actions.put_resource(publisher.dialect, intent.dataset, spec))
    )
    intent = replace(intent, resource_uid=put.resource.uid)
    for kind, items in (("fields", settings.fields), ("processors", settings.processors)):
        intent = _configure(publisher, intent, cast("Pipeline", kind), items)
    author = _author(publisher, intent, newest)
    publisher.intents.save(intent.at(ChangePhase.CHANGED, author=author or intent.author))
    known: tuple[Resource, ...] = publisher.run(publisher.dialect.resources(intent.dataset))
    uploaded = UploadedResource(
        spec.title,
        put.resource.uid,
        sent.uid,
        sent.name,
        sent.size,
        sent.rows,
        is_only=all(one.uid == put.resource.uid for one in known),
    )
    publisher.log(f"{uploaded}.")
    return handle.with_upload(uploaded)


def _settle(publisher: DatasetPublisher, handle: DatasetHandle, error: Exception) -> None:
    """Record that no call is in flight, where that is known: the rollback need not wait for it then."""
    if isinstance(error, Interrupted) or getattr(error, "landing", None) == "unknown":
        return
    intent = publisher.intents.load(handle.operation.key)
    if intent is not None and intent.phase is ChangePhase.CHANGING:
        publisher.intents.save(intent.at(ChangePhase.CHANGED))


def _only_title(intent: ChangeIntent, known: tuple[Resource, ...]) -> str:
    if not known:
        return intent.dataset_id
    if len(known) > 1:
        titles = ", ".join(repr(one.title) for one in known)
        raise ConfigurationError(
            f"{intent.dataset_id} has {len(known)} resources ({titles}): pass title= to choose one"
        )
    return known[0].title


def _before(intent: ChangeIntent, title: str, now: Resource | None) -> Resource | None:
    """Return the resource as it was before this run changed it; ``None`` if the run adds it.

    :raises ConfigurationError: this run has changed another one already.
    """
    if intent.resource is not None and intent.resource != title and intent.files:
        raise ConfigurationError(
            f"this publication of {intent.dataset_id} has changed resource {intent.resource!r} already, and"
            f" can go back to one resource only: change {title!r} in a publication of its own"
        )
    if now is not None and now.source.file_uid in intent.files:
        return intent.resource_before  # what stands there is this run's own
    return now


def _send(
    publisher: DatasetPublisher,
    intent: ChangeIntent,
    source: Openable,
    name: str,
    title: str,
    now: Resource | None,
    settings: ResourceSettings,
) -> tuple[ResourceSpec, _Sent]:
    """Upload the file under a name of its own, counting its rows."""
    extension = PurePosixPath(name).suffix.lstrip(".").lower()
    known_type, content_type = _KINDS.get(extension, (None, "application/octet-stream"))
    type_ = settings.type or known_type or (None if now is None else now.type)
    if type_ is None:
        raise ConfigurationError(
            f"{name}: its name does not tell what kind of file it is; pass"
            " resource_type=, e.g. resource_type='csvfile'"
        )
    is_same_kind = now is not None and _family(now.type) == _family(type_)
    if settings.type is None and now is not None and is_same_kind:
        type_ = now.type  # as the portal calls it
    params = settings.params
    if params is None:
        params = now.params if now is not None and is_same_kind else {}
    with closing(source.open("rb")) as opened:
        head = _head(opened)
        if type_ == "csvfile" and not params and head:
            params = {"separator": guess_separator(head), "encoding": "utf-8", "headers_first_row": True}
        if type_ == "csvfile" and head:
            _check_columns(name, columns_of(head, params), settings.fields)
        counted = CountedFile(opened, type_, params)
        own = file_name(intent.operation, name, secrets.token_hex(3))
        try:
            with Multipart(cast("BinaryIO", counted), filename=own, content_type=content_type) as file:
                if counted.rows == 0 and counted.size and not settings.allow_empty:
                    raise _empty(name)
                answer: UploadedFile = publisher.run(publisher.dialect.upload_file(intent.dataset, file))
                size, rows = file.size, counted.rows
        except (EmptyUpload, FileTooLarge, FileChanged, LocalFileFailed) as error:
            # by the name that people know
            raise type(error)(error.message.replace(own, name)) from error
    if rows == 0 and not settings.allow_empty:
        raise _empty(name)
    return ResourceSpec(title, type_, Source(file_uid=answer.uid), params), _Sent(answer.uid, own, size, rows)


def _empty(name: str) -> UnfitFile:
    return UnfitFile(
        f"{name} has no data rows, and no resource was pointed at it; pass allow_empty=True to take it."
    )


def _family(type_: str) -> str:
    """Portals and clients write e.g. both ``json`` and ``jsonfile``."""
    return type_.removesuffix("file")


def _head(opened: Any) -> bytes:
    """Return the beginning of a file that can be read again; of any other nothing."""
    if not hasattr(opened, "seek") or not opened.seekable():
        return b""
    start = opened.tell()
    head = head_of(opened)
    opened.seek(start)
    return head if isinstance(head, bytes) else b""


def _check_columns(name: str, columns: tuple[str, ...] | None, fields: tuple[Configured, ...]) -> None:
    """Refuse field configurations of columns that the file does not have."""
    if columns is None:
        return
    known = {_technical(column): column for column in columns}
    for item in fields:
        for arg in _NAMING_ARGS:
            wanted = item.args.get(arg)
            if isinstance(wanted, str) and _technical(wanted) not in known:
                raise UnfitFile(
                    f"Field configuration {item.type!r} names the field {wanted!r}, and {name} has no such"
                    f" column: it has {', '.join(columns)}. Nothing was uploaded."
                )
        made = item.args.get(_NEW_NAME)
        if isinstance(made, str):
            known[_technical(made)] = made


def _technical(name: str) -> str:
    """Return the name of a column as a portal would make a field's of it, for comparing."""
    return "".join(sign if sign.isalnum() else "_" for sign in name.strip().lower())


def _configure(
    publisher: DatasetPublisher, intent: ChangeIntent, kind: Pipeline, items: tuple[Configured, ...]
) -> ChangeIntent:
    """Add to a pipeline what is not there yet, and record the uids of what was added."""
    if not items:
        return intent
    before: tuple[Configured, ...] = publisher.run(publisher.dialect.pipeline(intent.dataset, kind))
    publisher.session.repeat(
        lambda: publisher.run(actions.configure(publisher.dialect, intent.dataset, kind, items))
    )
    after: tuple[Configured, ...] = publisher.run(publisher.dialect.pipeline(intent.dataset, kind))
    known = {one.uid for one in before}
    wanted = [(item.type, dict(item.args)) for item in items]
    new = [one.uid for one in after if one.uid not in known and (one.type, dict(one.args)) in wanted]
    intent = replace(intent, added=(*intent.added, *((kind, uid) for uid in new)))
    publisher.intents.save(intent)
    return intent


def _author(publisher: DatasetPublisher, intent: ChangeIntent, newest: str | None) -> str | None:
    """Return what the history calls this run's user, from the entries of its own changes.

    :param newest: uid of the newest entry before these; ``None`` without any.
    """
    versions: tuple[Version, ...] = publisher.run(publisher.dialect.versions(intent.dataset))
    new = entries_after(versions, newest)
    authors = {one.created_by for one in new or ()}
    return authors.pop() if len(authors) == 1 else None
