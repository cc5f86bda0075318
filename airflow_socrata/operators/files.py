"""What operators that read a file, or take rows from a callable, have in common."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_socrata.operators.base import SocrataOperator, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.records import FileFormat, FileSource, RowSource
    from airflow_socrata.records.source import FormatName

Compression: TypeAlias = Literal["gzip", "infer"]
Rows: TypeAlias = "Callable[..., Iterable[Mapping[str, Any]]]"


class OpensFile(SocrataOperator):
    """Base of the operators that open a text file: not used by itself.

    :param source_conn_id: Airflow connection for the file's URL.
    :param encoding: text encoding; a UTF-8 byte-order mark is skipped.
    :param compression: ``infer`` (by the first bytes), ``gzip`` or ``None``.
    """

    def __init__(
        self,
        *,
        source_conn_id: str | None = None,
        encoding: str = "utf-8",
        compression: Compression | None = "infer",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_conn_id = source_conn_id
        self.encoding = encoding
        self.compression: Compression | None = one_of(
            "compression", compression, (None, *get_args(Compression))
        )

    def file_source(self, path: Any) -> FileSource:
        """Return a file as a source of rows, by its path or URL; it is not opened yet."""
        from airflow_socrata.records import FileSource

        return FileSource(storage_path(path, self.source_conn_id), self._form())

    def _form(self) -> FileFormat:
        from airflow_socrata.records import FileFormat

        return FileFormat(encoding=self.encoding, compression=self.compression)


class ReadsRows(OpensFile):
    """Base of the operators that read the rows of a file, or of a callable: not used by itself.

    :param file_format: ``csv``, ``tsv``, ``json`` (an array) or ``jsonl``; default: by the file's name.
    :param delimiter: between cells; default: comma for csv, tab for tsv.
    :param quote: around cells; ``None``: cells are never quoted.
    :param null_marks: cells that stand for null, beside the empty one.
    """

    def __init__(
        self,
        *,
        file_format: FormatName | None = None,
        delimiter: str | None = None,
        quote: str | None = '"',
        null_marks: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        from airflow_socrata.records.source import FormatName

        super().__init__(**kwargs)
        self.file_format: FormatName | None = one_of(
            "file_format", file_format, (None, *get_args(FormatName))
        )
        self.delimiter = delimiter
        self.quote = quote
        self.null_marks = null_marks

    def row_source(self, path: Any, rows: Rows | None, context: Context) -> RowSource:
        """Return the source of the rows: of the callable, or, where it is None, of the file."""
        from airflow_socrata.records import RowsSource

        if rows is None:
            return self.file_source(path)
        return RowsSource(bound(rows, context), name=getattr(rows, "__name__", "rows"))

    def _form(self) -> FileFormat:
        return replace(
            super()._form(),
            format=self.file_format,
            delimiter=self.delimiter,
            quote=self.quote,
            null_marks=tuple(self.null_marks),
        )


def storage_path(path: Any, conn_id: str | None) -> Any:
    """Return what opens a path: a URL goes through ``ObjectStoragePath``, with a connection if named."""
    return ObjectStoragePath(path, conn_id=conn_id) if isinstance(path, str) and "://" in path else path


def bound(rows: Rows, context: Context) -> Callable[[], Iterable[Mapping[str, Any]]]:
    """Return the callable with the context values that its parameters name."""
    values: Mapping[str, Any] = context
    parameters = inspect.signature(rows).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return lambda: rows(**values)
    named = {p.name: values[p.name] for p in parameters if p.name in values}
    return lambda: rows(**named)
