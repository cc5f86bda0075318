"""One dataset: its chain of copies, its write lock, its versions and its row id counter."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from typing import TYPE_CHECKING

from airflow_socrata.emulator.errors import locked
from airflow_socrata.emulator.store import database as tables
from airflow_socrata.emulator.store.model import PUBLISHED, SNAPSHOTTED, UNPUBLISHED, Copy, Replica, View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.emulator.ids import RowIds
    from airflow_socrata.emulator.store.database import Database


class Dataset:
    """A publication group: at most one published view and one unpublished, any number of snapshots."""

    def __init__(self, group: int, database: Database, row_ids: RowIds, *, new_backend: bool) -> None:
        self.group = group
        self.database = database
        self.row_ids = row_ids
        self.new_backend = new_backend
        self.views: dict[str, View] = {}
        self.version = 0
        self.counter = 1
        self.copies_made = 0
        self.pending_geocoding = {"total": 0, "view": 0}
        self.pending_step = 0
        self._retired: list[Copy] = []
        self._readers: dict[str, int] = {}
        self._writing = threading.Lock()
        self._books = threading.Lock()

    @property
    def published(self) -> View | None:
        """The published view, if there is one."""
        return self._in_stage(PUBLISHED)

    @property
    def unpublished(self) -> View | None:
        """The open working copy, or the draft of a dataset that was never published."""
        return self._in_stage(UNPUBLISHED)

    def _in_stage(self, stage: str) -> View | None:
        return next(
            (v for v in list(self.views.values()) if v.stage == stage and v.modifying_view_uid is None), None
        )

    @contextlib.contextmanager
    def write_lock(self, wait_seconds: float, view_id: str) -> Iterator[None]:
        """Hold the dataset's one write lock.

        :raises PortalError: 409 when another writer did not let go in time.
        """
        if not self._writing.acquire(timeout=wait_seconds):
            raise locked(view_id)
        try:
            yield
        finally:
            self._writing.release()

    def take_numbers(self, count: int) -> int:
        """Take so many values of the counter that row ids and row versions share; return the first."""
        with self._books:
            first = self.counter
            self.counter += count
            return first

    def next_copy(self, source: Copy | None, table_id: int) -> Copy:
        """Return the description of the next copy in the chain (no table yet)."""
        self.copies_made += 1
        number = self.copies_made
        if source is None:
            return Copy(number, f"copy_{number}", table_id, [])
        return dataclasses.replace(
            source, number=number, table=f"copy_{number}", table_id=table_id, columns=[], rows=0
        )

    @contextlib.contextmanager
    def read_from(self, view: View, now: float, *, truth: bool = False) -> Iterator[tuple[Copy, bool]]:
        """Give the copy that a reader sees, and whether it is stale; it is not dropped meanwhile."""
        with self._books:
            stale = not truth and view.replica is not None and view.replica.is_stale(now)
            copy = view.replica.copy if stale and view.replica is not None else view.copy
            self._readers[copy.table] = self._readers.get(copy.table, 0) + 1
        try:
            yield copy, stale
        finally:
            with self._books:
                self._readers[copy.table] -= 1

    def settle(self, view: View, now: float, *, poll: bool) -> None:
        """Let replication move: by time, or by one poll; a replica that caught up is let go."""
        replica = view.replica
        if replica is None:
            return
        if not replica.is_stale(now):
            view.replica = None
            if replica.copy is not view.copy:
                self.retire(replica.copy)
        elif poll and replica.polls_left is not None:
            replica.polls_left -= 1

    def lag(self, view: View, frozen: Copy, fresh_at: float | None, polls: int | None) -> None:
        """Make readers of a view see ``frozen`` until replication has caught up."""
        if view.replica is not None:
            frozen, spare = view.replica.copy, frozen
            if spare is not frozen:
                self.retire(spare)
        view.replica = Replica(frozen, fresh_at, polls)

    def retire(self, copy: Copy) -> None:
        """Note a copy whose table may go once nobody reads it."""
        with self._books:
            if all(copy.table != known.table for known in self._retired):
                self._retired.append(copy)

    def sweep(self) -> None:
        """Drop the tables of retired copies that nobody reads. The caller holds the write lock."""
        with self._books:
            used = {view.copy.table for view in self.views.values()}
            used |= {view.replica.copy.table for view in self.views.values() if view.replica is not None}
            gone = [c for c in self._retired if not self._readers.get(c.table) and c.table not in used]
            self._retired = [c for c in self._retired if c not in gone]
        if gone:
            with self.database.transaction() as connection:
                for copy in gone:
                    connection.execute(f"DROP TABLE IF EXISTS {copy.table}")

    def freeze(self, copy: Copy) -> Copy:
        """Return a copy of a copy that later writes do not touch. The caller holds the write lock."""
        frozen = dataclasses.replace(
            copy, table=f"replica_{self.take_numbers(1)}", columns=list(copy.columns)
        )
        frozen.row_identifier = None
        with self.database.transaction() as connection:
            tables.create_table(connection, frozen)
            tables.copy_rows(connection, copy, frozen)
        frozen.row_identifier = copy.row_identifier
        return frozen


__all__ = ["PUBLISHED", "SNAPSHOTTED", "UNPUBLISHED", "Dataset"]
