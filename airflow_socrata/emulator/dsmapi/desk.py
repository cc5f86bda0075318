"""The books of the publishing service: everything it holds, by its ids."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.model import (
        Config,
        OutputColumn,
        OutputSchema,
        Revision,
        Source,
        Upload,
    )
    from airflow_socrata.emulator.store.model import Copy


class Desk:
    """All revisions, sources, schemas and configs of a portal."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._number = 10_000
        self._folder: Path | None = None
        self.revisions: dict[str, list[Revision]] = {}
        self.sources: dict[int, Source] = {}
        self.output_schemas: dict[int, OutputSchema] = {}
        self.output_columns: dict[int, OutputColumn] = {}
        self.configs: dict[str, Config] = {}
        self.enrolled: set[int] = set()
        self.archive: dict[tuple[int, int], Copy] = {}
        self.applied: dict[int, dict[str, str]] = {}
        self.doomed: dict[str, float] = {}
        self.schedules: dict[str, dict[str, Any]] = {}

    def clear(self) -> None:
        """Forget everything, files too."""
        with self.lock:
            for held in (
                self.revisions,
                self.sources,
                self.output_schemas,
                self.output_columns,
                self.configs,
                self.archive,
                self.applied,
                self.doomed,
                self.schedules,
            ):
                held.clear()
            self.enrolled.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def number(self) -> int:
        """Return a fresh id; later ones are greater."""
        with self.lock:
            self._number += 1
            return self._number

    def new_file(self) -> Path:
        """Return the path of a new empty file."""
        with self.lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="socrata-emulator-sources-"))
            path = self._folder / str(self.number())
        path.touch()
        return path

    def drop_file(self, upload: Upload) -> None:
        """Remove a file that no source needs any more."""
        upload.path.unlink(missing_ok=True)

    def origin(self, column: OutputColumn) -> OutputColumn:
        """Return the first of the columns that a column was changed from."""
        while column.initial_id is not None and column.initial_id in self.output_columns:
            column = self.output_columns[column.initial_id]
        return column

    def of_dataset(self, view_id: str) -> list[Revision]:
        """Return the revisions of a dataset, oldest first."""
        return list(self.revisions.get(view_id, ()))

    def revision(self, view_id: str, seq: int) -> Revision | None:
        """Return one revision."""
        return next((each for each in self.of_dataset(view_id) if each.seq == seq), None)

    def all_revisions(self) -> list[Revision]:
        """Return the revisions of all datasets."""
        return [each for found in list(self.revisions.values()) for each in found]

    def forget(self, view_id: str) -> None:
        """Let go of the revisions of a dataset that is gone."""
        with self.lock:
            for revision in self.revisions.pop(view_id, []):
                for source in revision.sources:
                    self.sources.pop(source.id, None)
            self.schedules.pop(view_id, None)
            self.doomed.pop(view_id, None)
