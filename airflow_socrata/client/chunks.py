"""A file in chunks of equal size, for several threads: by offset where it is a real file, else in order."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from airflow_socrata.client.errors import ConfigurationError, EmptyUpload, FileChanged
from airflow_socrata.client.multipart import file_name

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What is read of a stream before anything is sent, to see that there is something.
_FIRST_BYTES = 64 * 2**10
_DEEPEST_WRAPPER = 3
#: What is often put around a file of the operating system and gives its bytes as they are, and where it is.
_WRAPPERS = {
    ("tempfile", "_TemporaryFileWrapper"): "file",
    ("fsspec.implementations.local", "LocalFileOpener"): "f",
    ("airflow.sdk.io.path", "_TrackingFileWrapper"): "_obj",
    ("airflow.io.path", "TrackingFileWrapper"): "_obj",
}


class Openable(Protocol):
    """A path: what ``pathlib`` and object stores have in common."""

    def open(self, mode: str) -> Any:
        """Open it."""
        ...


Uploadable = BinaryIO | Openable


@dataclass(frozen=True, slots=True)
class Taken:
    """One chunk that a thread has in its buffer.

    :param seq: number of the chunk, from 0.
    :param offset: of its first byte.
    """

    seq: int
    offset: int
    length: int


class Chunks:
    """What both kinds of file have in common. ``set_size`` comes before the first chunk is taken."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sent = 0
        self.last_seq = -1
        self._size = 0
        self._lock = threading.Lock()

    def set_size(self, size: int) -> None:
        """Set the bytes of a chunk."""
        self._size = size

    @property
    def buffer_size(self) -> int:
        """Bytes that a thread needs for one chunk."""
        return self._size

    @property
    def count(self) -> int | None:
        """Number of chunks, or None if it is not known."""
        return None

    @property
    def progress(self) -> str:
        """How much has arrived, in words."""
        return f"{self.sent / 2**20:.0f} MiB sent"

    def take(self, buffer: memoryview) -> Taken | None:
        """Read the next chunk into ``buffer``; None at the end."""
        raise NotImplementedError

    def landed(self, taken: Taken) -> None:
        """Count a chunk that the portal has."""
        with self._lock:
            self.sent += taken.length
            self.last_seq = max(self.last_seq, taken.seq)

    def check_unchanged(self) -> None:
        """Raise FileChanged if the file is not what it was at first."""


class FileChunks(Chunks):
    """Chunks of a real file, read by offset: no thread waits for another one's reading.

    :param descriptor: of the file.
    :param start: where the upload begins.
    """

    def __init__(self, descriptor: int, start: int, name: str) -> None:
        super().__init__(name)
        self._descriptor = descriptor
        self._start = start
        self._before = _state(descriptor)
        self._total = self._before[0] - start
        self._next = 0
        if self._total <= 0:
            raise EmptyUpload(f"{name} has no bytes to upload")

    @property
    def buffer_size(self) -> int:
        """Bytes that a thread needs for one chunk."""
        return min(self._size, self._total)

    @property
    def count(self) -> int:
        """Number of chunks."""
        return -(-self._total // self._size)

    @property
    def progress(self) -> str:
        """How much has arrived, in words."""
        return f"{self.sent / 2**20:.0f} of {self._total / 2**20:.0f} MiB sent"

    def take(self, buffer: memoryview) -> Taken | None:
        """Read the next chunk into ``buffer``; None at the end."""
        with self._lock:
            seq = self._next
            self._next += 1
        offset = seq * self._size
        length = min(self._size, self._total - offset)
        if length <= 0:
            return None
        done = 0
        while done < length:
            read = os.preadv(self._descriptor, [buffer[done:length]], self._start + offset + done)
            if not read:
                raise FileChanged(f"{self.name} became shorter while it was being uploaded")
            done += read
        return Taken(seq, offset, length)

    def check_unchanged(self) -> None:
        """Raise FileChanged if the file is not what it was at first."""
        if _state(self._descriptor) != self._before:
            raise FileChanged(f"{self.name} was written to while it was being uploaded")


class StreamChunks(Chunks):
    """Chunks of a stream, read in order by one thread at a time."""

    def __init__(self, stream: Any, name: str) -> None:
        super().__init__(name)
        self._stream = stream
        self._ended = False
        self._next = 0
        self._offset = 0
        self._reading = threading.Lock()
        self._first = self._read(_FIRST_BYTES)
        if not self._first:
            raise EmptyUpload(f"{name} has no bytes to upload")
        following = self._read(1)
        self._ended = not following
        self._first += following

    @property
    def buffer_size(self) -> int:
        """Bytes that a thread needs for one chunk."""
        return min(self._size, len(self._first)) if self._ended and not self._next else self._size

    @property
    def count(self) -> int | None:
        """Number of chunks, or None if it is not known."""
        return -(-len(self._first) // self._size) if self._ended and not self._next else None

    def take(self, buffer: memoryview) -> Taken | None:
        """Read the next chunk into ``buffer``; None at the end."""
        with self._reading:
            length = self._fill(buffer)
            if not length:
                return None
            taken = Taken(self._next, self._offset, length)
            self._next += 1
            self._offset += length
            return taken

    def _fill(self, buffer: memoryview) -> int:
        done = min(len(self._first), len(buffer))
        buffer[:done] = self._first[:done]
        self._first = self._first[done:]
        while done < len(buffer) and not self._ended:
            data = self._read(len(buffer) - done)
            self._ended = not data
            buffer[done : done + len(data)] = data
            done += len(data)
        return done

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if not isinstance(data, (bytes, bytearray, memoryview)):
            kind = "text" if isinstance(data, str) else type(data).__name__
            raise ConfigurationError(f"{self.name} gives {kind}, not bytes: open it in binary mode")
        return bytes(data)


@contextlib.contextmanager
def opened_chunks(opened: Uploadable) -> Iterator[Chunks]:
    """Open what is a path, and give its chunks.

    :raises EmptyUpload: if there are no bytes.
    :raises ConfigurationError: if it is neither a file in binary mode nor a path.
    """
    name = file_name(opened, "the stream")[:100]
    if hasattr(opened, "read"):
        yield _chunks_of(opened, name)
    elif hasattr(opened, "open"):
        with opened.open("rb") as file:
            yield _chunks_of(file, name)
    else:
        raise ConfigurationError(
            f"cannot upload a {type(opened).__name__}: give a file opened in binary mode, or a path"
        )


def _chunks_of(file: Any, name: str) -> Chunks:
    real = _real_file(file)
    return StreamChunks(file, name) if real is None else FileChunks(real.fileno(), real.tell(), name)


def _real_file(file: Any) -> Any:
    """Return the file of the operating system whose bytes ``file`` gives as they are, or None.

    Having a descriptor does not prove it: that of an open gzip file is the compressed one.
    """
    for _ in range(_DEEPEST_WRAPPER):
        wrapped = _WRAPPERS.get((type(file).__module__, type(file).__name__))
        file = getattr(file, wrapped, None) if wrapped else file
    raw = file.raw if type(file) in {io.BufferedReader, io.BufferedRandom} else file
    if type(raw) is not io.FileIO or not file.readable() or not hasattr(os, "preadv"):
        return None
    return file if stat.S_ISREG(os.fstat(raw.fileno()).st_mode) else None


def _state(descriptor: int) -> tuple[int, int]:
    seen = os.fstat(descriptor)
    return seen.st_size, seen.st_mtime_ns
