"""A dataset into which the portal imports a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.publication import publishing
from airflow_socrata.publication.importing import load_file
from airflow_socrata.publication.importing_files import Importing
from airflow_socrata.publication.opening import Opening, open_working_copy
from airflow_socrata.publication.publishing import Publishing
from airflow_socrata.publication.reopening import reopen
from airflow_socrata.records import FileFormat, FileSource
from portal_harness.dying import OPERATION, Death, World

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_socrata.emulator import Emulator
    from airflow_socrata.publication.choices import Mode

CSV = "id,V\nr7,new\nr8,new\nr9,\n"
FILE_ROWS = [("r7", "new"), ("r8", "new"), ("r9", None)]
#: The import API, as faults name it.
ASK = r"/api/imports2\.json$"


class ImportWorld(World):
    """A dataset of rows without an identifier, unless told otherwise."""

    shared_time = True

    def __init__(
        self, portal: Emulator, file: Path, mode: Mode, *, keyed: bool = False, **switches: Any
    ) -> None:
        portal.admin.reset()
        portal.admin.settings(**switches)
        super().__init__(portal, keyed)
        self.file, self.mode = file, mode

    def importing(self, **more: Any) -> Importing:
        source = FileSource(more.pop("file", self.file), FileFormat(encoding=more.pop("encoding", "utf-8")))
        return Importing("load", source, self.mode, **({"timeout": 60.0} | more))

    def open(self) -> Any:
        method: Any = "copy" if self.mode == "append" else "copySchema"
        return open_working_copy(self.publisher(), OPERATION, Opening(self.dataset, method, timeout=60.0))

    def load(self, handle: Any, tried: int = 1, death: Death | None = None, **more: Any) -> Any:
        publisher = self.publisher(death)
        if tried > 1:
            handle = reopen(publisher, handle, 60.0)
        handle, load = load_file(publisher, handle, self.importing(**more), alone=True)
        return handle.with_load(load)

    def publish(self, handle: Any) -> None:
        done = publishing.start(self.publisher(), [handle], Publishing(timeout=60.0))
        assert isinstance(done, publishing.Published)

    def rows(self) -> list[Any]:
        found = self.portal.admin.rows(self.dataset)
        return sorted(((row["id"], row.get("v")) for row in found), key=str)

    @property
    def expected(self) -> list[Any]:
        return sorted([*(self.old if self.mode == "append" else []), *FILE_ROWS], key=str)

    def check_published(self, handle: Any, where: object = "") -> None:
        assert self.rows() == self.old, where
        assert len(self.drafts()) == 1, where
        self.publish(handle)
        assert self.rows() == self.expected, where
        assert self.drafts() == [], where

    def asked(self, word: str) -> int:
        return sum(
            word in str(call["query"]) for call in self.portal.admin.requests() if call["method"] == "POST"
        )
