"""Where rows come from: a file that can be opened, or dicts that somebody yields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from airflow_socrata.records.errors import RecordsError

if TYPE_CHECKING:
    import os

__all__ = ["FileFormat", "FileSource", "Openable", "Row", "RowSource", "RowsSource", "shown_path"]

Row: TypeAlias = Mapping[str, Any]
FormatName: TypeAlias = Literal["csv", "tsv", "json", "jsonl"]

_BY_SUFFIX: Mapping[str, FormatName] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


_PASSWORD = re.compile(r"^(\w[\w+.-]*://)([^/@:]*):[^/@]*@")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_QUERY = re.compile(r"[?#].*", re.DOTALL)


class Openable(Protocol):
    """What opens itself for reading bytes, such as Airflow's ``ObjectStoragePath``."""

    def open(self, mode: str) -> IO[bytes]:
        """Open for reading bytes."""


def shown_path(path: object) -> str:
    """Return what messages, and portals, may call a path: an address without password and query."""
    shown = _PASSWORD.sub(r"\1\2@", str(path))
    return _QUERY.sub("", shown) if _WEB.match(shown) else shown


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How a file is written.

    :param format: ``csv``, ``tsv``, ``json`` (an array of objects) or ``jsonl`` (an object a line);
        None: by the file's name
    :param encoding: of the text; a UTF-8 byte-order mark is skipped
    :param delimiter: between cells; None: a comma for csv, a tab for tsv
    :param quote: around cells; None: cells are never quoted
    :param null_marks: cells (or JSON strings) that stand for null; an empty CSV cell is null anyhow
    :param compression: ``infer`` looks at the first bytes
    """

    format: FormatName | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None
    quote: str | None = '"'
    null_marks: tuple[str, ...] = ()
    compression: Literal["gzip", "infer"] | None = "infer"

    def __post_init__(self) -> None:
        if self.format not in {None, *_BY_SUFFIX.values()}:
            raise ValueError(f"format is csv, tsv, json or jsonl, not {self.format!r}")
        if self.compression not in {None, "gzip", "infer"}:
            raise ValueError(f"compression is 'gzip', 'infer' or None, not {self.compression!r}")
        if isinstance(self.null_marks, str):
            raise ValueError(f"null_marks are several words: give ({self.null_marks!r},)")


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file.

    :param path: a local path, or an object with ``open("rb")``
    :param format: how the file is written
    """

    path: str | os.PathLike[str] | Openable
    format: FileFormat = field(default_factory=FileFormat)

    @property
    def name(self) -> str:
        """How messages call the file; a password or a signature in its address is left out."""
        return shown_path(self.path)

    @property
    def kind(self) -> FormatName:
        """The format, given or by the file's name.

        :raises RecordsError: the name does not tell
        """
        if self.format.format is not None:
            return self.format.format
        path = PurePath(self.name)
        suffix = PurePath(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
        try:
            return _BY_SUFFIX[suffix.lower()]
        except KeyError:
            known = ", ".join(_BY_SUFFIX)
            problem = f"the name does not tell the format (known: {known}); say format='csv', for example"
            raise RecordsError(problem, source=self.name) from None


@dataclass(frozen=True, slots=True)
class RowsSource:
    """Dicts keyed by column name.

    :param rows: the dicts, or a callable that returns or yields them (called again when a load starts over)
    :param name: how messages call it
    """

    rows: Iterable[Row] | Callable[[], Iterable[Row]]
    name: str = "rows"


RowSource: TypeAlias = FileSource | RowsSource
