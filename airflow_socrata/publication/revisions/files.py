"""Files as a portal takes them: what they are, by name and by their first bytes, and how they are opened."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any, cast

from airflow_socrata.records import RecordsError
from airflow_socrata.records.compression import BLOCK_BYTES, GZIP_MAGIC, gunzip
from airflow_socrata.records.source import shown_path

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from airflow_socrata.records.source import Openable

#: Content types by the end of the name (those of the vendor's own client; ``.json`` and ``.kmz`` are taken).
CONTENT_TYPES: Mapping[str, str] = {
    ".csv": "text/csv",
    ".txt": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".tab": "text/tab-separated-values",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".geojson": "application/vnd.geo+json",
    ".json": "application/json",
    ".kml": "application/vnd.google-earth.kml+xml",
    ".kmz": "application/vnd.google-earth.kmz",
    ".zip": "application/zip",
}
BLOB_TYPE = "application/octet-stream"

_ZIP, _OLE, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF"
#: First bytes, what a file with them is, and the names that such a file may have.
_SIGNATURES: tuple[tuple[bytes, str, frozenset[str]], ...] = (
    (_ZIP, "a zip archive (XLSX, KMZ or a zipped shapefile)", frozenset({".xlsx", ".kmz", ".zip"})),
    (_OLE, "an old Excel workbook", frozenset({".xls"})),
    (_PDF, "a PDF", frozenset()),
)
_ONLY = {".xlsx": _ZIP, ".kmz": _ZIP, ".zip": _ZIP, ".xls": _OLE}


@dataclass(frozen=True, slots=True)
class UploadFile:
    """A file to upload.

    :param path: a local path, or an object with ``open("rb")`` such as ``ObjectStoragePath``.
    :param filename: name for the portal; default: the path's own.
    :param content_type: default: by the name.
    :param is_blob: whether the portal shall keep it as it is, without parsing.
    """

    path: str | os.PathLike[str] | Openable
    filename: str | None = None
    content_type: str | None = None
    is_blob: bool = False

    @property
    def name(self) -> str:
        """The name that the portal sees; that of a gzipped file is without ``.gz``."""
        name = self.filename or PurePath(shown_path(self.path)).name
        return name.removesuffix(".gz") if self.filename is None and not self.is_blob else name

    @property
    def type(self) -> str:
        """The content type.

        :raises RecordsError: the name does not tell.
        """
        if self.is_blob:
            return self.content_type or BLOB_TYPE
        found = self.content_type or CONTENT_TYPES.get(self._suffix)
        if found is None:
            known = ", ".join(CONTENT_TYPES)
            raise RecordsError(
                f"the name does not tell what the file is (known: {known}); give content_type, or filename"
                " with one of these ends",
                source=str(self.path),
            )
        return found

    @property
    def _suffix(self) -> str:
        return PurePath(self.name).suffix.lower()

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open the file, unpacked if it is gzipped, after a look at its first bytes.

        :raises RecordsError: it is missing, empty, or not what its name says.
        """
        with self._raw() as file:
            head = file.read(8)
            file.seek(0)
            if not head:
                raise RecordsError("the file is empty; nothing was uploaded", source=str(self.path))
            if not self.is_blob and head.startswith(GZIP_MAGIC):
                yield cast("IO[bytes]", _Unpacked(file, str(self.path)))
                return
            self._check(head)
            yield file

    def _raw(self) -> IO[bytes]:
        path: Any = self.path
        try:
            opened: IO[bytes] = (Path(path) if isinstance(path, str) else path).open("rb")
        except OSError as error:
            raise RecordsError(
                f"the file cannot be opened ({error.strerror or error})", source=str(path)
            ) from error
        return opened

    def _check(self, head: bytes) -> None:
        if self.is_blob:
            return
        suffix = self._suffix
        for signature, kind, names in _SIGNATURES:
            if head.startswith(signature) and suffix in CONTENT_TYPES and suffix not in names:
                raise RecordsError(
                    f"the file is {kind}, not what its name {self.name!r} says", source=str(self.path)
                )
        wanted = _ONLY.get(suffix)
        if wanted is not None and not head.startswith(wanted):
            raise RecordsError(f"the file is no {suffix.removeprefix('.')} file", source=str(self.path))


class _Unpacked:
    """A gzipped file, read unpacked and in order; has no descriptor, so that nobody reads past it."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._blocks = gunzip(iter(lambda: file.read(BLOCK_BYTES), b""), name)
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes; fewer at the end of the file only."""
        parts = [self._left]
        have = len(self._left)
        while size < 0 or have < size:
            block = next(self._blocks, b"")
            if not block:
                break
            parts.append(block)
            have += len(block)
        whole = b"".join(parts)
        wanted = len(whole) if size < 0 else size
        self._left = whole[wanted:]
        return whole[:wanted]
