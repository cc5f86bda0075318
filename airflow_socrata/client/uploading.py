"""Uploads in chunks: several at a time over kept connections, none of the file held twice in memory."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import TYPE_CHECKING

from airflow_socrata.client import sources
from airflow_socrata.client.chunks import opened_chunks
from airflow_socrata.client.errors import ConfigurationError, Interrupted, PortalError
from airflow_socrata.client.session import info_logger

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from airflow_socrata.client.chunks import Chunks, Uploadable
    from airflow_socrata.client.revision_models import Source, UploadLimits
    from airflow_socrata.client.session import PortalSession

#: However much a portal allows, more does not make an upload faster, but takes memory: threads times chunk.
LARGEST_CHUNK = 16 * 2**20
MOST_THREADS = 16
#: Seconds between two lines of progress.
PROGRESS_SECONDS = 10.0
#: Looks at a source whose commit may have been carried out, one second apart, before it is sent again.
_LOOKS = 3
_SLICE_SECONDS = 0.25
#: How long threads that were stopped may take to end; one may hang in reading a stream of somebody else's.
_STOP_SECONDS = 0.75


def upload_file(
    session: PortalSession,
    source: Source,
    opened: Uploadable,
    content_type: str,
    *,
    parallelism: int | None = None,
    log: Callable[[str], None] | logging.Logger | None = None,
) -> Source:
    """Send a file to a source in chunks and let the portal read it. Returns the source, not yet parsed.

    A chunk that fails is sent again on its own (retry table). The first failure that stays stops the others.
    Memory: the chunk size times the threads, whatever the size of the file.

    :param opened: a file opened in binary mode, sent from where it stands to its end, or a path.
        A real file is read at many places at once and its position stays; a stream is read in order.
    :param content_type: the file's own, e.g. ``text/csv``.
    :param parallelism: threads, at most as many as the portal allows; None: as many.
    :param log: takes a line of progress every ten seconds; a logger or a function.
    :raises EmptyUpload: if there are no bytes; nothing was sent.
    :raises FileChanged: if somebody wrote to the file meanwhile.
    :raises Interrupted: after ``session.interrupt()``.
    """
    if parallelism is not None and parallelism < 1:
        raise ConfigurationError("an upload needs a parallelism of at least 1")
    with opened_chunks(opened) as chunks:
        limits = session.send(sources.initiate(source, content_type))
        chunks.set_size(min(limits.chunk_size, LARGEST_CHUNK))
        _send_chunks(session, source, chunks, _threads(limits, parallelism, chunks), log)
        chunks.check_unchanged()
        _commit(session, source, chunks.last_seq, chunks.sent)
    return session.send(sources.look(source))


def _threads(limits: UploadLimits, wanted: int | None, chunks: Chunks) -> int:
    allowed = min(limits.parallelism, MOST_THREADS, wanted or limits.parallelism)
    return allowed if chunks.count is None else min(allowed, chunks.count)


def _send_chunks(
    session: PortalSession,
    source: Source,
    chunks: Chunks,
    threads: int,
    log: Callable[[str], None] | logging.Logger | None,
) -> None:
    progress = _Progress(info_logger(log), f"upload of {chunks.name} to source {source.id}", chunks)
    if threads == 1:
        _work(session, source, chunks, progress.tell)
    else:
        _Crew(session, source, chunks, threads, progress).run()


def _work(session: PortalSession, source: Source, chunks: Chunks, tell: Callable[[], None]) -> None:
    """Send chunks until there are no more, all from one buffer.

    :param tell: called after each chunk.
    """
    buffer = memoryview(bytearray(chunks.buffer_size))
    while (taken := chunks.take(buffer)) is not None:
        session.send(sources.chunk(source, taken.seq, taken.offset, buffer[: taken.length]))
        chunks.landed(taken)
        tell()


class _Progress:
    """Says from time to time how far an upload is."""

    def __init__(self, log: Callable[[str], None], summary: str, chunks: Chunks) -> None:
        self.summary = summary
        self._log = log
        self._chunks = chunks
        self._told = time.monotonic()

    def tell(self) -> None:
        now = time.monotonic()
        if now - self._told >= PROGRESS_SECONDS:
            self._told = now
            self._log(f"{self.summary}: {self._chunks.progress}")


class _Crew:
    """The threads of one upload, each with a session of its own; the thread that uploads only waits."""

    def __init__(
        self,
        session: PortalSession,
        source: Source,
        chunks: Chunks,
        threads: int,
        progress: _Progress,
    ) -> None:
        self._session = session
        self._source = source
        self._chunks = chunks
        self._progress = progress
        self._ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._sessions = [session.beside() for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._run_one, args=(own,), name=f"socrata-upload-{number}", daemon=True)
            for number, own in enumerate(self._sessions)
        ]

    def run(self) -> None:
        """Send all chunks.

        :raises BaseException: the first error of any thread, when the others have stopped.
        """
        try:
            for thread in self._threads:
                thread.start()
            self._wait()
        finally:
            for own in self._sessions:
                own.interrupt()
            end = time.monotonic() + _STOP_SECONDS
            for thread in (thread for thread in self._threads if thread.ident is not None):
                thread.join(max(0.0, end - time.monotonic()))
            for own in self._sessions:
                own.close()

    def _run_one(self, own: PortalSession) -> None:
        try:
            _work(own, self._source, self._chunks, lambda: None)
        except BaseException as error:
            self._ended.put(error)
        else:
            self._ended.put(None)

    def _wait(self) -> None:
        running = len(self._threads)
        while running:
            with contextlib.suppress(queue.Empty):
                error = self._ended.get(timeout=_SLICE_SECONDS)
                if error is not None and not self._session.interrupted:
                    raise error
                running -= 1
            if self._session.interrupted:
                raise Interrupted("stopped by this side", summary=self._progress.summary)
            self._progress.tell()


def _commit(session: PortalSession, source: Source, last_seq: int, total: int) -> None:
    """End the upload. Where the reply is lost, the source tells whether the portal has begun to read it."""
    call = sources.commit(source, last_seq, total)
    in_doubt = False

    def once() -> None:
        nonlocal in_doubt
        try:
            session.send(call)
        except Interrupted:
            raise
        except PortalError as error:
            in_doubt = in_doubt or error.landing == "unknown"
            if not in_doubt or not _has_arrived(session, source):
                raise

    session.repeat(once)


def _has_arrived(session: PortalSession, source: Source) -> bool:
    for look in range(_LOOKS):
        if look:
            session.sleep(1.0)
        seen = session.send(sources.look(source))
        if seen.is_finished or seen.has_failed or seen.input_schemas or seen.filesize is not None:
            return True
    return False
