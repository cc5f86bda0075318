"""Files as request bodies: one part of a form, streamed from disk, as often as it takes."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_socrata.client.errors import ConfigurationError, EmptyUpload, FileChanged, LocalFileFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from airflow_socrata.client.chunks import Uploadable

_BLOCK_BYTES = 256 * 2**10
_LONGEST_NAME = 200


class Multipart:
    """A file on its way to a portal; a context manager that opens what is a path, and closes it.

    Memory: one block, whatever the size. What cannot seek, such as a compressed stream, is first copied to a
    temporary file, since the portal must be told the length and a second sending must begin anew.

    :param source: a path (anything with ``open``), or a file opened in binary mode, from where it stands.
    :param filename: what the portal is told; the last part of the path if it is not given.
    :param content_type: the file's own, e.g. ``text/csv``.
    :param field: the name of the part in the form.
    :raises EmptyUpload: on entering, if there are no bytes.
    :raises LocalFileFailed: on entering or while sending, if the file cannot be read.
    :raises FileChanged: while sending, if somebody writes to the file: the upload is not completed.
    """

    def __init__(
        self,
        source: Uploadable,
        *,
        filename: str | None = None,
        content_type: str = "application/octet-stream",
        field: str = "file",
    ) -> None:
        self.filename = _clean(filename or file_name(source, "file"))
        self.content_type = content_type
        self._source = source
        self._boundary = f"----{secrets.token_hex(16)}"
        name = self.filename.replace("\\", "%5C").replace('"', "%22")
        self._prefix = (
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        ).encode()
        self._suffix = f"\r\n--{self._boundary}--\r\n".encode()
        self._opened = contextlib.ExitStack()
        self._file: Any = None
        self._start = 0
        self._state: tuple[int, ...] | None = None
        self.size = 0

    def __enter__(self) -> Self:
        try:
            self._open()
        except OSError as error:
            self._opened.close()
            raise LocalFileFailed(f"{self.filename} cannot be read: {error.strerror or error}") from error
        except BaseException:
            self._opened.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()
        self._file = None

    def __len__(self) -> int:
        return len(self._prefix) + self.size + len(self._suffix)

    def __iter__(self) -> Iterator[bytes | memoryview]:
        """Give the form, from its beginning."""
        if self._file is None:
            raise ConfigurationError(f"{self.filename} is not open: use it in a with statement")
        yield self._prefix
        yield from self._blocks()
        yield self._suffix

    @property
    def form_type(self) -> str:
        """The content type of the form."""
        return f"multipart/form-data; boundary={self._boundary}"

    def _blocks(self) -> Iterator[memoryview]:
        buffer = memoryview(bytearray(min(_BLOCK_BYTES, self.size)))
        left = self.size
        try:
            self._file.seek(self._start)
            while left:
                read = _read_into(self._file, buffer[: min(left, len(buffer))])
                if not read:
                    raise FileChanged(f"{self.filename} became shorter while it was being uploaded")
                left -= read
                yield buffer[:read]
            changed = self._state != _state_of(self._file)
        except OSError as error:
            raise LocalFileFailed(f"{self.filename} cannot be read: {error.strerror or error}") from error
        if changed:
            # before the end of the form, so that the portal never has it whole
            raise FileChanged(f"{self.filename} was written to while it was being uploaded")

    def _open(self) -> None:
        file: Any = self._source
        if not hasattr(file, "read"):
            if not hasattr(file, "open"):
                raise ConfigurationError(
                    f"cannot upload a {type(file).__name__}: give a file opened in binary mode, or a path"
                )
            file = self._opened.enter_context(file.open("rb"))
        if isinstance(file.read(0), str):
            raise ConfigurationError(f"{self.filename} gives text, not bytes: open it in binary mode")
        if not _seeks(file):
            file = self._copied(file)
        self._start = file.tell()
        self._state = _state_of(file)
        self.size = file.seek(0, os.SEEK_END) - self._start
        file.seek(self._start)
        self._file = file
        if self.size <= 0:
            raise EmptyUpload(f"{self.filename} has no bytes to upload")
        self.check_size()

    def check_size(self) -> None:
        """Refuse a file that the portal would not take; called on entering, when the size is known."""

    def _copied(self, stream: Any) -> BinaryIO:
        copy: BinaryIO = self._opened.enter_context(
            tempfile.TemporaryFile(prefix="socrata-upload-")  # noqa: SIM115 - the stack closes it
        )
        shutil.copyfileobj(stream, copy, _BLOCK_BYTES)
        copy.seek(0)
        return copy


def upload_headers(file: Multipart) -> tuple[tuple[str, str], ...]:
    """The headers of a call that sends ``file``."""
    return (("Content-Type", file.form_type),)


class FileSink:
    """Where a download goes: a file open for reading and writing, e.g. a temporary one, from where it stands.

    :raises LocalFileFailed: while downloading, if it cannot be written.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell()
        self.size = 0

    def begin(self) -> None:
        """Forget what came before."""
        self.size = 0
        try:
            self._file.seek(self._start)
            self._file.truncate()
        except OSError as error:
            raise LocalFileFailed(f"the file of a download cannot be written: {error.strerror}") from error

    def write(self, block: bytes) -> None:
        """Take the next bytes."""
        try:
            self._file.write(block)
        except OSError as error:
            raise LocalFileFailed(f"the file of a download cannot be written: {error.strerror}") from error
        self.size += len(block)


def _read_into(file: Any, buffer: memoryview) -> int:
    if hasattr(file, "readinto"):
        return int(file.readinto(buffer) or 0)
    data: bytes = file.read(len(buffer))
    buffer[: len(data)] = data
    return len(data)


def _seeks(file: Any) -> bool:
    """Tell whether a file can be read again from its beginning without reading it all to find its length.

    An open gzip file says that it can seek; it finds its end by unpacking everything, and each second sending
    would unpack it again.
    """
    if type(file).__module__ in {"gzip", "bz2", "lzma"} or not hasattr(file, "seek"):
        return False
    return bool(file.seekable()) if hasattr(file, "seekable") else True


def _state_of(file: Any) -> tuple[int, ...] | None:
    """Size and time of a file of the operating system; None for anything else."""
    try:
        seen = os.fstat(file.fileno())
    except (AttributeError, OSError, ValueError):
        return None
    return seen.st_size, seen.st_mtime_ns


def file_name(source: Any, default: str) -> str:
    """Return the name, without its folders, of a path or of an open file."""
    for candidate in (getattr(source, "name", None), source if hasattr(source, "open") else None):
        words = str(candidate) if candidate is not None and not isinstance(candidate, int) else ""
        if words:
            return words.rstrip("/").rsplit("/", 1)[-1]
    return default


def _clean(name: str) -> str:
    """A file name for a header: on one line."""
    cleaned = "".join(sign for sign in name if sign.isprintable())[:_LONGEST_NAME]
    if not cleaned:
        raise ConfigurationError("the name of the file to upload is empty")
    return cleaned
