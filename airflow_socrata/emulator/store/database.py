"""One embedded database per dataset: writers never wait for another dataset's, readers never for writers."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
from typing import TYPE_CHECKING

from airflow_socrata.emulator.soql.functions import register

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_socrata.emulator.store.model import Column, Copy


class Database:
    """The tables of one dataset. Each copy is a table; write-ahead logging gives readers a fixed picture."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._writer = self._open()
        self._writer.execute("PRAGMA journal_mode=WAL")

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=60)
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-65536")
        register(connection)
        return connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the writer; what was written is kept at the end, or nothing of it when an exception leaves.

        The caller holds the dataset's write lock.
        """
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield self._writer
        except BaseException:
            self._writer.execute("ROLLBACK")
            raise
        self._writer.execute("COMMIT")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a reader that sees what was committed when it began."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._open()
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.execute("ROLLBACK")
            self._idle.put(connection)

    def close(self) -> None:
        """Close all connections and remove the file."""
        self._writer.close()
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


SYSTEM = (
    "sid INTEGER PRIMARY KEY, ver INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, rid"
)


def create_table(connection: sqlite3.Connection, copy: Copy) -> None:
    """Make the empty table of a copy."""
    columns = "".join(f", {column.sql}" for column in copy.columns)
    connection.execute(f"CREATE TABLE {copy.table} ({SYSTEM}{columns})")
    if copy.row_identifier is not None:
        create_index(connection, copy)


def create_index(connection: sqlite3.Connection, copy: Copy) -> None:
    """Make row identifiers unique in a copy."""
    connection.execute(f"CREATE UNIQUE INDEX {copy.table}_rid ON {copy.table} (rid)")


def drop_index(connection: sqlite3.Connection, copy: Copy) -> None:
    """Let go of the uniqueness of row identifiers."""
    connection.execute(f"DROP INDEX IF EXISTS {copy.table}_rid")


def copy_rows(connection: sqlite3.Connection, source: Copy, target: Copy) -> None:
    """Copy all rows, with their ids and times."""
    names = ", ".join(["sid", "ver", "created_at", "updated_at", "rid", *(c.sql for c in target.columns)])
    connection.execute(f"INSERT INTO {target.table} ({names}) SELECT {names} FROM {source.table}")  # noqa: S608


def add_column(connection: sqlite3.Connection, copy: Copy, column: Column) -> None:
    """Add a column, null in every row."""
    connection.execute(f"ALTER TABLE {copy.table} ADD COLUMN {column.sql}")


def drop_column(connection: sqlite3.Connection, copy: Copy, column: Column) -> None:
    """Drop a column with its values."""
    connection.execute(f"ALTER TABLE {copy.table} DROP COLUMN {column.sql}")
