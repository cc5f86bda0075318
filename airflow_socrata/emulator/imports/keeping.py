"""Files that were scanned, kept under their file ids until they are imported."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_socrata.emulator.errors import core_error


@dataclass(slots=True)
class KeptFile:
    """A file that was scanned.

    :param imports: how often it was imported.
    """

    path: Path
    name: str
    content_type: str
    imports: int = 0


@dataclass(slots=True)
class ScanJob:
    """A scan whose end was not told yet."""

    result: dict[str, Any]
    looks: int


class Kept:
    """The scanned files of a portal, and scans under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._files: dict[str, KeptFile] = {}
        self.scans: dict[str, ScanJob] = {}

    def clear(self) -> None:
        """Forget all files."""
        with self._lock:
            self._files.clear()
            self.scans.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def keep(self, name: str, content_type: str, body: bytes | memoryview) -> str:
        """Keep a file and return its id."""
        file_id = secrets.token_urlsafe(32)
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="socrata-emulator-imports-"))
            path = self._folder / str(len(self._files))
            self._files[file_id] = KeptFile(path, name, content_type)
        path.write_bytes(body)
        return file_id

    def file(self, file_id: str) -> KeptFile:
        """Return a file that is kept."""
        return self._files[file_id]

    def take(self, file_id: str | None, *, again: bool) -> KeptFile:
        """Return a file that is to be imported.

        :param again: whether it may be imported more than once.
        :raises PortalError: 404 when there is none.
        """
        with self._lock:
            found = self._files.get(file_id or "")
            if found is None or (found.imports and not again):
                raise core_error(404, "not_found", f"Cannot find file {file_id}", {"fileId": file_id})
            found.imports += 1
        return found
