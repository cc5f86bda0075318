"""Bytes on their way into a source: whole in one request, or in chunks with a commit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.calls import body_of, number_in, require_open, source_of
from airflow_socrata.emulator.dsmapi.envelopes import source_json
from airflow_socrata.emulator.dsmapi.errors import malformed, refused
from airflow_socrata.emulator.dsmapi.ingesting import ingest
from airflow_socrata.emulator.dsmapi.model import Source, Upload
from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply

if TYPE_CHECKING:
    from airflow_socrata.emulator.errors import PortalError


def send(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /source/{id}``: the whole file, with its own content type."""
    source = _receiving(portal, exchange)
    content_type = exchange.headers.get("content-type", "application/octet-stream")
    upload = Upload(portal.desk.new_file(), content_type, committed=True)
    with portal.desk.lock:
        if source.upload is not None and source.upload.committed:
            raise _committed(source)
        source.upload = upload
    upload.path.write_bytes(exchange.body)
    ingest(portal, source, exchange)
    return Reply.of(source_json(source))


def initiate(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /source/{id}/initiate``: how large and how many at a time chunks may be; no envelope."""
    source = _receiving(portal, exchange)
    content_type = str(body_of(exchange).get("content_type") or "application/octet-stream")
    with portal.desk.lock:
        if source.upload is not None and source.upload.committed:
            raise _committed(source)
        if source.upload is not None:
            # Begun anew: what came before does not count.
            portal.desk.drop_file(source.upload)
        source.upload = Upload(portal.desk.new_file(), content_type)
    return Reply.of({
        "preferred_upload_parallelism": portal.switches.preferred_upload_parallelism,
        "preferred_chunk_size": portal.switches.preferred_chunk_size,
    })


def chunk(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /source/{id}/chunk/{seq}/{offset}``: in any order, in parallel, again if need be."""
    source = _receiving(portal, exchange)
    seq = number_in(exchange, "seq_num", "chunk")
    offset = number_in(exchange, "byte_offset", "chunk")
    upload, size = source.upload, len(exchange.body)
    if upload is None:
        raise _bad(portal, f"Source {source.id} was not initiated", seq)
    if upload.committed:
        raise _committed(source)
    if size == 0:
        raise _bad(portal, f"Chunk {seq} is empty", seq)
    most = portal.switches.preferred_chunk_size
    if size > most:
        raise _bad(portal, f"Chunk {seq} has {size} bytes, {most} are allowed", seq)
    # Chunks come in parallel: each goes to its own place of the file.
    with upload.path.open("r+b") as file:
        os.pwrite(file.fileno(), exchange.body, offset)
    with upload.lock:
        upload.chunks[seq] = (offset, size)
    told = {"seq_num": seq, "byte_offset": offset, "end_byte_offset": offset + size}
    return Reply.of({"resource": told, "links": {}})


def commit(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /source/{id}/chunk/{last seq}/{total bytes}/commit``: all bytes are there, read them."""
    source = _receiving(portal, exchange)
    last = number_in(exchange, "seq_num", "chunk")
    total = number_in(exchange, "byte_offset", "chunk")
    upload = source.upload
    if upload is None:
        raise _bad(portal, f"Source {source.id} was not initiated", last)
    with upload.lock:
        if upload.committed:
            raise _committed(source)
        _check(portal, upload, last, total)
        upload.committed = True
    os.truncate(upload.path, total)
    ingest(portal, source, exchange)
    return Reply.of(source_json(source))


def _check(portal: Portal, upload: Upload, last: int, total: int) -> None:
    """Refuse chunks that do not make one whole file."""
    chunks = upload.chunks
    lacking = [seq for seq in range(last + 1) if seq not in chunks]
    if lacking:
        raise _bad(portal, f"Chunk {lacking[0]} of {last + 1} is missing", lacking[0])
    if len(chunks) > last + 1:
        raise _bad(portal, f"There are {len(chunks)} chunks, the commit names {last + 1}", last)
    size, end = chunks[0][1], 0
    for seq in range(last + 1):
        offset, length = chunks[seq]
        if offset != end:
            raise _bad(portal, f"Chunk {seq} begins at byte {offset}, the one before ends at {end}", seq)
        if length != size and (seq != last or length > size):
            raise _bad(portal, f"Chunk {seq} has {length} bytes, the first has {size}", seq)
        end += length
    if end != total:
        raise _bad(portal, f"The chunks have {end} bytes, the commit names {total}", last)


def _bad(portal: Portal, message: str, seq: int) -> PortalError:
    return refused(portal.switches.bad_chunk_status, "bad_chunk", message, seq_num=seq)


def _committed(source: Source) -> PortalError:
    return refused(409, "source_committed", f"Source {source.id} has its bytes already", source_id=source.id)


def _receiving(portal: Portal, exchange: Exchange) -> Source:
    source = source_of(portal, exchange)
    require_open(portal, source.revision)
    if source.kind["type"] != "upload":
        raise malformed(f"Source {source.id} is a {source.kind['type']} source and takes no bytes")
    return source


def download(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/source/download[/{source_id}]``: the bytes as they came."""
    from airflow_socrata.emulator.dsmapi.calls import revision_of
    from airflow_socrata.emulator.dsmapi.errors import missing

    revision = revision_of(portal, exchange)
    wanted: Any = exchange.parts.get("source_id")
    kept = [each for each in revision.sources if each.upload is not None and each.upload.committed]
    if wanted is not None:
        kept = [each for each in kept if str(each.id) == wanted]
    if not kept:
        raise missing("source", wanted or f"of revision {revision.view_id}:{revision.seq}")
    source = kept[-1]
    body = source.upload.path.read_bytes() if source.upload is not None else b""
    name = {"Content-Disposition": f'attachment; filename="{source.filename}"'}
    return Reply(200, body, source.content_type or "application/octet-stream", name)
