"""Row writes: one request is one transaction on one copy.

The rules are those of the store's loader: with a row identifier rows match on it, without one on ``:id``,
with neither they are inserted; rows of one request act in their order; deletes and upserts of different rows
may be regrouped, which nobody can see.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import groupby, repeat
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.types.reading import Stored, identity

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from airflow_socrata.emulator.store.dataset import Dataset
    from airflow_socrata.emulator.store.model import Column, Copy

NO_KEY = "no_primary_key"
NO_ROW_TO_DELETE = "no_such_row_to_delete"
NO_ROW_TO_UPDATE = "no_such_row_to_update"
VERSION_MISMATCH = "version_mismatch"
VERSION_ON_NEW_ROW = "version_on_new_row"


class DeleteWithoutKey(Exception):
    """A row asks to be deleted without saying which row it is."""


class FatalRow(Exception):
    """A row failed with an error that the request does not tolerate; nothing of the request is kept."""

    def __init__(self, code: str, row: Any) -> None:
        super().__init__(code)
        self.code = code
        self.row = row


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Some rows of a request, a column at a time.

    ``positions`` are the rows' places in the request; ``values`` has one list per column of ``columns``.
    """

    positions: Sequence[int]
    columns: tuple[Column, ...]
    values: list[list[Stored]]
    deleted: list[bool] | None = None
    sids: list[int | None] | None = None
    versions: list[int | None] | None = None


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a request wants its rows taken. ``tolerated`` None means that every row error is just counted."""

    truncate: bool = False
    merge: bool = True
    tolerated: frozenset[str] | None = None
    failing: frozenset[int] = frozenset()
    reports: bool = False


@dataclass(slots=True)
class Outcome:
    """What a request did."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    by_identifier: int = 0
    by_sid: int = 0
    errors: list[tuple[int, str, Any]] = field(default_factory=list)
    reports: dict[int, dict[str, Any]] = field(default_factory=dict)


class RowWriter:
    """Applies blocks of rows to one copy inside a transaction."""

    def __init__(
        self, connection: sqlite3.Connection, dataset: Dataset, copy: Copy, now: str, options: WriteOptions
    ) -> None:
        self._connection = connection
        self._dataset = dataset
        self._copy = copy
        self._now = now
        self._options = options
        self._first = 0
        self._base = 0
        self.outcome = Outcome()

    def truncate(self) -> None:
        """Drop all rows of the copy."""
        self._connection.execute(f"DELETE FROM {self._copy.table}")  # noqa: S608

    def reserve(self, first_position: int, count: int) -> None:
        """Take row ids and versions for rows from ``first_position`` on."""
        self._first = first_position
        self._base = self._dataset.take_numbers(2 * count)

    def apply(self, block: RowBlock) -> None:
        """Write one block.

        :raises DeleteWithoutKey: a delete names no row.
        :raises FatalRow: a row failed and the request tolerates no such failure.
        """
        identifier = self._copy.identifier
        if identifier is None:
            self._apply(block, block.sids or [None] * len(block.positions), keyed=False)
            return
        if identifier in block.columns:
            keys = identity(identifier.kind, block.values[block.columns.index(identifier)])
        else:
            keys = [None] * len(block.positions)
        self._apply(block, keys, keyed=True)

    def _apply(self, block: RowBlock, keys: Sequence[Stored], *, keyed: bool) -> None:
        everything = range(len(keys))
        chosen: Sequence[int] = everything
        if block.deleted and any(gone and key is None for gone, key in zip(block.deleted, keys, strict=True)):
            raise DeleteWithoutKey
        if self._options.failing:
            chosen = [i for i in chosen if not self._fails(block, i)]
        if keyed and None in keys:
            for i in chosen:
                if keys[i] is None:
                    self._error(block, i, NO_KEY, None)
            chosen = [i for i in chosen if keys[i] is not None]
        if not block.deleted or not any(block.deleted):
            self._upsert(block, chosen, keys, keyed=keyed)
            return
        deleted = block.deleted
        if len({keys[i] for i in chosen}) == len(chosen):
            self._delete(block, [i for i in chosen if deleted[i]], keys)
            self._upsert(block, [i for i in chosen if not deleted[i]], keys, keyed=keyed)
            return
        for gone, run in groupby(chosen, key=lambda i: deleted[i]):
            if gone:
                self._delete(block, list(run), keys)
            else:
                self._upsert(block, list(run), keys, keyed=keyed)

    def _fails(self, block: RowBlock, index: int) -> bool:
        if block.positions[index] not in self._options.failing:
            return False
        self._error(block, index, "invalid_row", None)
        return True

    def _error(self, block: RowBlock, index: int, code: str, row: Any) -> None:
        tolerated = self._options.tolerated
        if tolerated is not None and code not in tolerated:
            raise FatalRow(code, row)
        position = block.positions[index]
        self.outcome.errors.append((position, code, row))
        if self._options.reports:
            report = {"typ": "error", "err": code}
            self.outcome.reports[position] = report if row is None else report | {"id": row}

    def _known(self, keys: Iterable[Stored], *, keyed: bool) -> dict[Any, int]:
        name = "rid" if keyed else "sid"
        found = self._connection.execute(
            f"SELECT {name}, ver FROM {self._copy.table} WHERE {name} IN (SELECT value FROM json_each(?))",  # noqa: S608
            (json.dumps(list(keys)),),
        )
        return dict(found.fetchall())

    def _delete(self, block: RowBlock, chosen: list[int], keys: Sequence[Stored]) -> None:
        keyed = self._copy.row_identifier is not None
        known = self._known((keys[i] for i in chosen), keyed=keyed)
        gone = []
        for i in chosen:
            key = keys[i]
            shown = key if keyed or not isinstance(key, int) else self._dataset.row_ids.text(key)
            if known.pop(key, None) is None:
                self._error(block, i, NO_ROW_TO_DELETE, shown)
                continue
            gone.append((key,))
            if self._options.reports:
                self.outcome.reports[block.positions[i]] = {"typ": "delete", "id": shown}
        name = "rid" if keyed else "sid"
        self._connection.executemany(f"DELETE FROM {self._copy.table} WHERE {name} = ?", gone)  # noqa: S608
        self.outcome.deleted += len(gone)
        self._matched(len(gone), keyed=keyed)

    def _matched(self, count: int, *, keyed: bool) -> None:
        if keyed:
            self.outcome.by_identifier += count
        else:
            self.outcome.by_sid += count

    def _upsert(self, block: RowBlock, chosen: Sequence[int], keys: Sequence[Stored], *, keyed: bool) -> None:
        if not keyed:
            self._by_sid(block, chosen, keys)
            return
        if block.versions is not None:
            chosen = self._with_right_version(block, chosen, keys, keyed=True)
        if not chosen:
            return
        wanted = [keys[i] for i in chosen] if len(chosen) != len(keys) else keys
        distinct = set(wanted)
        known = self._known(distinct, keyed=True)
        created = len(distinct) - len(known)
        self._connection.executemany(self._upsert_sql(block.columns), self._rows(block, chosen, wanted))
        self.outcome.created += created
        self.outcome.updated += len(wanted) - created
        self._matched(len(wanted) - created, keyed=True)
        if self._options.reports:
            self._report(block, chosen, wanted, known)

    def _with_right_version(
        self, block: RowBlock, chosen: Sequence[int], keys: Sequence[Stored], *, keyed: bool
    ) -> Sequence[int]:
        versions = block.versions or []
        known = self._known((keys[i] for i in chosen), keyed=keyed)
        good = []
        for i in chosen:
            actual, sent = known.get(keys[i]), versions[i]
            if actual is None and sent is not None and keyed:
                self._error(block, i, VERSION_ON_NEW_ROW, None)
            elif actual is not None and sent is not None and sent != actual:
                self._error(block, i, VERSION_MISMATCH, keys[i])
            else:
                good.append(i)
        return good

    def _report(
        self, block: RowBlock, chosen: Sequence[int], wanted: Sequence[Stored], known: dict[Any, int]
    ) -> None:
        seen = set(known)
        for i, key in zip(chosen, wanted, strict=True):
            position = block.positions[i]
            kind = "update" if key in seen else "insert"
            seen.add(key)
            version = self._dataset.row_ids.text(self._base + 2 * (position - self._first) + 1, "rv")
            self.outcome.reports[position] = {"typ": kind, "id": key, "ver": version}

    def _rows(
        self, block: RowBlock, chosen: Sequence[int], keys: Iterable[Stored]
    ) -> Iterable[tuple[Any, ...]]:
        positions = block.positions
        values: Sequence[Sequence[Stored]] = block.values
        sids: Sequence[int]
        if len(chosen) != len(positions):
            values = [[column[i] for i in chosen] for column in values]
            positions = [positions[i] for i in chosen]
        if isinstance(positions, range) and positions.step == 1:
            start = self._base + 2 * (positions.start - self._first)
            sids = range(start, start + 2 * len(positions), 2)
            versions: Iterable[int] = range(start + 1, start + 1 + 2 * len(positions), 2)
        else:
            sids = [self._base + 2 * (position - self._first) for position in positions]
            versions = [sid + 1 for sid in sids]
        now = self._now
        return zip(sids, versions, repeat(now), repeat(now), keys, *values)

    def _upsert_sql(self, columns: Sequence[Column]) -> str:
        names = [column.sql for column in columns]
        if not self._options.merge:
            blank = [column.sql for column in self._copy.columns if column.sql not in names]
        else:
            blank = []
        sets = ["ver=excluded.ver", "updated_at=excluded.updated_at"]
        sets += [f"{name}=excluded.{name}" for name in names] + [f"{name}=NULL" for name in blank]
        return f"{self._insert_sql(names)} ON CONFLICT(rid) DO UPDATE SET {', '.join(sets)}"

    def _insert_sql(self, names: Sequence[str]) -> str:
        into = ", ".join(["sid", "ver", "created_at", "updated_at", "rid", *names])
        marks = ",".join("?" * (5 + len(names)))
        return f"INSERT INTO {self._copy.table} ({into}) VALUES ({marks})"  # noqa: S608

    def _by_sid(self, block: RowBlock, chosen: Sequence[int], sids: Sequence[Stored]) -> None:
        if block.sids is None:
            fresh, old = chosen, []
        else:
            fresh = [i for i in chosen if sids[i] is None]
            old = [i for i in chosen if sids[i] is not None]
        rows = self._rows(block, fresh, repeat(None))
        self._connection.executemany(self._insert_sql([column.sql for column in block.columns]), rows)
        self.outcome.created += len(fresh)
        if self._options.reports:
            for i in fresh:
                number = self._base + 2 * (block.positions[i] - self._first)
                self._sid_report(block, i, "insert", number)
        if block.versions is not None:
            old = list(self._with_right_version(block, old, sids, keyed=False))
        if old:
            self._update_by_sid(block, old, sids)

    def _update_by_sid(self, block: RowBlock, old: Sequence[int], sids: Sequence[Stored]) -> None:
        known = self._known((sids[i] for i in old), keyed=False)
        found = []
        for i in old:
            sid = sids[i]
            if sid in known and isinstance(sid, int):
                found.append(i)
                if self._options.reports:
                    self._sid_report(block, i, "update", sid)
            else:
                shown = self._dataset.row_ids.text(sid) if isinstance(sid, int) else sid
                self._error(block, i, NO_ROW_TO_UPDATE, shown)
        names = [column.sql for column in block.columns]
        sets = ["ver=?", "updated_at=?", *(f"{name}=?" for name in names)]
        if not self._options.merge:
            sets += [f"{column.sql}=NULL" for column in self._copy.columns if column.sql not in names]
        version = self._base + 1
        rows = (
            (
                version + 2 * (block.positions[i] - self._first),
                self._now,
                *(c[i] for c in block.values),
                sids[i],
            )
            for i in found
        )
        self._connection.executemany(f"UPDATE {self._copy.table} SET {', '.join(sets)} WHERE sid=?", rows)  # noqa: S608
        self.outcome.updated += len(found)
        self._matched(len(found), keyed=False)

    def _sid_report(self, block: RowBlock, index: int, kind: str, sid: int) -> None:
        ids = self._dataset.row_ids
        position = block.positions[index]
        version = ids.text(self._base + 2 * (position - self._first) + 1, "rv")
        self.outcome.reports[position] = {"typ": kind, "id": ids.text(sid), "ver": version}
