"""Calls for sources: where the rows of a revision come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.client import links
from airflow_socrata.client.envelopes import json_body, resource_of, resources_of
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.parsing import integer, mapping, nothing, object_of
from airflow_socrata.client.revision_models import Revision, Source, UploadLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

OCTETS = (("Content-Type", "application/octet-stream"),)


def upload(revision: Revision, filename: str, parse_options: Mapping[str, Any] | None = None) -> Call[Source]:
    """Make a source for a file that is sent next; :func:`~airflow_socrata.client.uploading.upload_file` does.

    :param filename: its extension guides how the file is read.
    :param parse_options: those of a portal's source, e.g. ``{"header_count": 2}``; the rest is the portal's.
    """
    return _create(revision, _upload_type(filename), parse_options, f"source {filename!r}")


def from_url(revision: Revision, url: str, parse_options: Mapping[str, Any] | None = None) -> Call[Source]:
    """Make a source of a file that the portal downloads itself; it refuses local addresses."""
    return _create(revision, {"type": "url", "url": url}, parse_options, "source from a URL")


def from_view(revision: Revision, dataset_id: str) -> Call[Source]:
    """Make a source of a dataset on the portal: its columns at once, its rows when they are needed."""
    kind = {"type": "view", "fourfour": check_dataset_id(dataset_id)}
    return _create(revision, kind, None, f"source from view {dataset_id}")


def unattached(filename: str, parse_options: Mapping[str, Any] | None = None) -> Call[Source]:
    """Make a source for a file outside of any revision; :func:`add_to_revision` puts it into one."""
    return _created(
        links.sources_path(), _upload_type(filename), parse_options, f"create source {filename!r}"
    )


def add_to_revision(source: Source, revision: Revision) -> Call[Source]:
    """Put a source that belongs to no revision into one."""
    return Call(
        CallKind.METADATA,
        "PATCH",
        source.links.path("add_to_revision"),
        _parse_source,
        f"add source {source.id} to revision {revision.seq} of {revision.dataset}",
        headers=JSON_TYPE,
        body=json_body({"revision": {"fourfour": revision.dataset, "revision_seq": revision.seq}}),
    )


def listing(revision: Revision) -> Call[tuple[Source, ...]]:
    """List the sources of a revision."""
    return Call(
        CallKind.READ,
        "GET",
        revision.links.path("list_sources"),
        _parse_sources,
        f"list sources of revision {revision.seq} of {revision.dataset}",
    )


def look(source: Source) -> Call[Source]:
    """Read a source again."""
    return Call(CallKind.READ, "GET", source.links.path("show"), _parse_source, f"look at source {source.id}")


def read(source_id: int) -> Call[Source]:
    """Read a source by its number."""
    return Call(CallKind.READ, "GET", links.source_path(source_id), _parse_source, f"read source {source_id}")


def send_bytes(source: Source, data: bytes, content_type: str) -> Call[Source]:
    """Send a small file whole.

    :param content_type: the file's own, e.g. ``text/csv``.
    """
    return Call(
        CallKind.COMMIT,
        "POST",
        source.links.path("bytes"),
        _parse_source,
        f"send {len(data)} bytes to source {source.id}",
        headers=(("Content-Type", content_type),),
        body=data,
    )


def initiate(source: Source, content_type: str) -> Call[UploadLimits]:
    """Begin an upload in chunks and ask for its limits.

    :param content_type: the file's own, e.g. ``text/csv``.
    """
    return Call(
        CallKind.METADATA,
        "POST",
        source.links.path("initiate"),
        _parse_limits,
        f"begin the upload to source {source.id}",
        headers=JSON_TYPE,
        body=json_body({"content_type": content_type}),
    )


def chunk(source: Source, seq: int, offset: int, data: bytes | memoryview) -> Call[None]:
    """Send one chunk; all but the last are of the same size, in any order.

    :param seq: from 0.
    :param offset: place of its first byte in the file.
    """
    return Call(
        CallKind.CHUNK,
        "POST",
        source.links.path("chunk", seq_num=seq, byte_offset=offset),
        lambda reply: _check_chunk(reply, seq, offset, offset + len(data)),
        f"chunk {seq} at byte {offset} of source {source.id}",
        headers=OCTETS,
        body=data,
    )


def commit(source: Source, last_seq: int, total: int) -> Call[None]:
    """End an upload in chunks; the portal then reads the file.

    :param last_seq: number of the last chunk.
    :param total: bytes of the file.
    """
    return Call(
        CallKind.COMMIT,
        "POST",
        source.links.path("commit", seq_num=last_seq, byte_offset=total),
        nothing,
        f"end the upload of {total} bytes to source {source.id}",
        headers=JSON_TYPE,
    )


def change_options(source: Source, options: Mapping[str, Any]) -> Call[Source]:
    """Read the file by other parse options. Returns a new source with an id of its own; the old one stays.

    :param options: what changes; the rest is sent as the source has it.
    """
    return Call(
        CallKind.SOURCE,
        "POST",
        source.links.path("update"),
        _parse_source,
        f"parse options of source {source.id}",
        headers=JSON_TYPE,
        body=json_body({"parse_options": {**source.parse_options, **options}}),
    )


def load(source: Source) -> Call[Source]:
    """Let the portal read the rows of a source that is a view."""
    return Call(
        CallKind.SOURCE,
        "PUT",
        source.links.path("load"),
        _parse_source,
        f"load source {source.id}",
        headers=JSON_TYPE,
        body=b"{}",
    )


def download(revision: Revision, source_id: int | None = None) -> Call[bytes]:
    """Read a file back as it was uploaded, whole in memory.

    :param source_id: None: that of the revision's latest source.
    """
    below = "" if source_id is None else f"/{links.check_number(source_id, 'source')}"
    return Call(
        CallKind.READ,
        "GET",
        f"{revision.links.path('list_sources')}/download{below}",
        lambda reply: reply.body,
        f"download {'the source' if source_id is None else f'source {source_id}'} of revision {revision.seq}"
        f" of {revision.dataset}",
        headers=(("Accept", "*/*"),),
    )


def _create(
    revision: Revision, kind: Mapping[str, Any], parse_options: Mapping[str, Any] | None, what: str
) -> Call[Source]:
    summary = f"create {what} in revision {revision.seq} of {revision.dataset}"
    return _created(revision.links.path("create_source"), kind, parse_options, summary)


def _created(
    path: str, kind: Mapping[str, Any], parse_options: Mapping[str, Any] | None, summary: str
) -> Call[Source]:
    body: dict[str, Any] = {"source_type": dict(kind)}
    if parse_options is not None:
        body["parse_options"] = dict(parse_options)
    return Call(
        CallKind.SOURCE, "POST", path, _parse_source, summary, headers=JSON_TYPE, body=json_body(body)
    )


def _upload_type(filename: str) -> dict[str, str]:
    if not filename:
        raise ConfigurationError("the file to upload has no name")
    return {"type": "upload", "filename": filename}


def _parse_source(reply: Reply) -> Source:
    return Source.from_json(*resource_of(reply, "a source"))


def _parse_sources(reply: Reply) -> tuple[Source, ...]:
    return tuple(Source.from_json(*item) for item in resources_of(reply, "sources"))


def _parse_limits(reply: Reply) -> UploadLimits:
    body = object_of(reply, "the limits of an upload")
    body = dict(mapping(body.get("resource")) or body)
    size, threads = (integer(body.get(f"preferred_{k}")) for k in ("chunk_size", "upload_parallelism"))
    if size is None or size < 1:
        raise UnreadableReply("the limits of the upload lack a chunk size")
    return UploadLimits(chunk_size=size, parallelism=max(1, threads or 1))


def _check_chunk(reply: Reply, seq: int, offset: int, end: int) -> None:
    """Compare what the portal says it took, where it says so."""
    if not reply.body.strip():
        return
    resource = mapping(mapping(reply.json()).get("resource"))
    for key, wanted in (("seq_num", seq), ("byte_offset", offset), ("end_byte_offset", end)):
        taken = integer(resource.get(key))
        if taken is not None and taken != wanted:
            raise UnreadableReply(f"the portal took the chunk with {key} {taken} where {wanted} was sent")
