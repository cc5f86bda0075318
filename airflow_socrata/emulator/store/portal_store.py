"""All datasets of the portal, and the life of their views: create, copy, publish, discard, write."""

from __future__ import annotations

import contextlib
import copy as copying
import dataclasses
import random
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.clock import PortalClock, iso_utc
from airflow_socrata.emulator.ids import RowIds, new_view_id
from airflow_socrata.emulator.store import database as tables
from airflow_socrata.emulator.store.database import Database
from airflow_socrata.emulator.store.dataset import Dataset
from airflow_socrata.emulator.store.model import PUBLISHED, SNAPSHOTTED, UNPUBLISHED, Column, Copy, View
from airflow_socrata.emulator.store.writing import RowWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_socrata.emulator.settings import Switches
    from airflow_socrata.emulator.store.writing import WriteOptions


class Store:
    """The portal's datasets. View changes happen under one short lock, row writes under the dataset's own."""

    def __init__(self, clock: PortalClock, seed: int | None = None) -> None:
        self.clock = clock
        self._random = random.Random(seed)  # noqa: S311 (ids, not secrets)
        self._folder = Path(tempfile.mkdtemp(prefix="socrata-emulator-"))
        self._views: dict[str, View] = {}
        self._numbers = 1000
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close all databases and remove their files."""
        self.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def clear(self) -> None:
        """Forget every dataset."""
        with self._lock:
            datasets = {view.dataset.group: view.dataset for view in self._views.values()}
            self._views.clear()
        for dataset in datasets.values():
            dataset.database.close()

    def number(self) -> int:
        """Return a fresh number for tables, columns and objects."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def fresh_id(self) -> str:
        """Return a 4x4 that no view has."""
        with self._lock:
            while (fresh := new_view_id(self._random)) in self._views:
                pass
            return fresh

    def find(self, view_id: str) -> View | None:
        """Return the view with this 4x4."""
        self._expire()
        return self._views.get(view_id)

    def views(self) -> list[View]:
        """Return all views, oldest first."""
        self._expire()
        return list(self._views.values())

    def _expire(self) -> None:
        """Delete the datasets whose time has come."""
        with self._lock:
            for view in list(self._views.values()):
                if view.deleted_at is not None and view.deleted_at <= self.clock.now():
                    self.remove(view)

    def create(
        self,
        view_id: str | None,
        fields: dict[str, Any],
        columns: Sequence[Column],
        identifier: int | None,
        user: str,
        *,
        new_backend: bool,
    ) -> View:
        """Create a dataset: a group with one unpublished view."""
        group = self.number()
        database = Database(self._folder / f"{group}.sqlite")
        dataset = Dataset(group, database, RowIds(self._random.getrandbits(64)), new_backend=new_backend)
        first = dataset.next_copy(None, group)
        first.columns = list(columns)
        first.row_identifier = identifier
        first.modified_at = self.clock.now()
        with dataset.database.transaction() as connection:
            tables.create_table(connection, first)
        dataset.version = first.version = 1
        now = self.clock.seconds()
        view = View(
            id=view_id or self.fresh_id(),
            dataset=dataset,
            copy=first,
            stage=UNPUBLISHED,
            fields=fields,
            metadata={},
            private_metadata={},
            owner=user,
            author=user,
            created_at=now,
            modified_at=now,
            rows_updated_at=now,
            rows_updated_by=user,
            oid=self.number(),
        )
        self.add(view)
        return view

    def add(self, view: View) -> None:
        """Put a view into the portal."""
        with self._lock:
            self._views[view.id] = view
            view.dataset.views[view.id] = view

    def remove(self, view: View) -> None:
        """Take a view out of the portal; a published one takes its whole group along."""
        dataset = view.dataset
        with self._lock:
            alone = view.modifying_view_uid is None and (
                view.stage == PUBLISHED or (view.stage == UNPUBLISHED and dataset.published is None)
            )
            gone = list(dataset.views.values()) if alone else [view]
            for each in gone:
                self._views.pop(each.id, None)
                dataset.views.pop(each.id, None)
        if alone:
            dataset.database.close()
        elif view.modifying_view_uid is None:
            dataset.retire(view.copy)
            dataset.version += 1

    def copy(self, source: View, user: str, *, with_rows: bool, keep_private: bool) -> View:
        """Open a working copy of a published view. The caller holds the dataset's write lock."""
        dataset = source.dataset
        dataset.sweep()
        target = dataset.next_copy(source.copy, self.number())
        target.columns = [
            dataclasses.replace(c, id=self.number(), statistics=None) for c in source.copy.columns
        ]
        now = self.clock.now()
        with dataset.database.transaction() as connection:
            tables.create_table(connection, target)
            if with_rows:
                tables.copy_rows(connection, source.copy, target)
        target.rows = source.copy.rows if with_rows else 0
        dataset.version += 1
        target.version, target.modified_at = dataset.version, now
        view = dataclasses.replace(
            source,
            id=self.fresh_id(),
            copy=target,
            stage=UNPUBLISHED,
            fields=copying.deepcopy(source.fields),
            metadata=copying.deepcopy(source.metadata),
            author=user,
            created_at=int(now),
            modified_at=int(now),
            private_metadata=copying.deepcopy(source.private_metadata) if keep_private else {},
            oid=self.number(),
            publication_date=None,
            pending_scope=None,
            approvals=[],
            replica=None,
            shares=dict(source.shares),
        )
        self.add(view)
        return view

    def publish(self, draft: View, switches: Switches, *, keep_snapshot: bool) -> View:
        """Publish an unpublished view. The caller holds the dataset's write lock."""
        dataset = draft.dataset
        dataset.sweep()
        now = self.clock.now()
        self._fill_statistics(draft, switches.cached_contents_rows)
        with self._lock:
            published = dataset.published
            dataset.version += 1
            if published is None:
                published = draft
                if draft.pending_scope is not None:
                    draft.scope, draft.pending_scope = draft.pending_scope, None
                draft.stage = PUBLISHED
            else:
                self._take_over(published, draft, switches, keep_snapshot=keep_snapshot)
            published.publication_date = published.modified_at = int(now)
            published.copy.version = dataset.version
        return published

    def _take_over(self, published: View, draft: View, switches: Switches, *, keep_snapshot: bool) -> None:
        dataset = draft.dataset
        former = published.copy
        lagging = self._lag(switches)
        if lagging is not None:
            dataset.lag(published, former, *lagging)
        published.copy = draft.copy
        if switches.publish_takes_metadata:
            published.fields, published.metadata = draft.fields, draft.metadata
        if switches.private_metadata_survives_publish:
            published.private_metadata = draft.private_metadata
        published.rows_updated_at, published.rows_updated_by = draft.rows_updated_at, draft.rows_updated_by
        published.approvals = draft.approvals or published.approvals
        if draft.pending_scope is not None:
            published.scope = draft.pending_scope
        if keep_snapshot:
            draft.copy, draft.stage = former, SNAPSHOTTED
            return
        self._views.pop(draft.id, None)
        dataset.views.pop(draft.id, None)
        if published.replica is None:
            dataset.retire(former)

    def put_behind(self, view: View, copy: Copy, user: str, switches: Switches) -> None:
        """Publish a view with another copy behind it, or with its own. The caller holds the write lock."""
        dataset, former, now = view.dataset, view.copy, self.clock.now()
        was_draft = view.stage == UNPUBLISHED
        lagging = self._lag(switches)
        with self._lock:
            dataset.version += 1
            if copy is not former:
                if lagging is not None and not was_draft:
                    dataset.lag(view, former, *lagging)
                view.copy = copy
                view.rows_updated_at, view.rows_updated_by = int(now), user
                copy.modified_at = now
            if was_draft:
                view.stage = PUBLISHED
                if view.pending_scope is not None:
                    view.scope, view.pending_scope = view.pending_scope, None
            view.publication_date = view.modified_at = int(now)
            copy.version = dataset.version
        if copy is not former:
            self._fill_statistics(view, switches.cached_contents_rows)
            if view.replica is None or view.replica.copy is not former:
                dataset.retire(former)

    def _fill_statistics(self, view: View, most_rows: int) -> None:
        from airflow_socrata.emulator.store.statistics import column_statistics

        if view.copy.rows > most_rows:
            return
        with view.dataset.database.reading() as connection:
            for column in view.copy.columns:
                column.statistics = column_statistics(
                    connection, view.copy, column, as_text=view.dataset.new_backend
                )

    def _lag(self, switches: Switches) -> tuple[float | None, int | None] | None:
        if switches.replica_manual:
            return None, None
        if switches.replica_lag_polls:
            return None, switches.replica_lag_polls
        if switches.replica_lag_seconds:
            return self.clock.now() + switches.replica_lag_seconds, None
        return None

    @contextlib.contextmanager
    def writing(
        self,
        view: View,
        user: str,
        options: WriteOptions,
        switches: Switches,
        before_commit: Callable[[], None] = lambda: None,
    ) -> Iterator[RowWriter]:
        """Give a writer on a view's copy; all of it is kept at the end, or nothing.

        The caller holds the dataset's write lock.
        """
        dataset, target = view.dataset, view.copy
        dataset.sweep()
        lagging = self._lag(switches)
        if lagging is not None:
            dataset.lag(view, dataset.freeze(target), *lagging)
        now = self.clock.now()
        with dataset.database.transaction() as connection:
            writer = RowWriter(connection, dataset, target, iso_utc(now), options)
            if options.truncate:
                writer.truncate()
            yield writer
            before_commit()
        outcome = writer.outcome
        with self._lock:
            target.rows = (0 if options.truncate else target.rows) + outcome.created - outcome.deleted
            dataset.version += 1
            target.version, target.modified_at = dataset.version, now
            view.rows_updated_at, view.rows_updated_by = int(now), user

    def replicate(self, view: View | None = None) -> None:
        """Let the replicas of one view, or of all, catch up at once."""
        for each in [view] if view is not None else self.views():
            if each.replica is not None:
                each.replica.fresh_at, each.replica.polls_left = None, 0
                each.dataset.settle(each, self.clock.now(), poll=False)


__all__ = ["Copy", "Store"]
