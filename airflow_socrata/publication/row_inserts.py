"""Inserting a row into a dataset without a row identifier: once, although nothing in the row tells it apart.

Before the row is sent it is recorded how many rows like it the dataset holds. Whoever finds the record, a
retry after a lost reply or after a kill, counts again: one more, and the row has landed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import rows, single_rows
from airflow_socrata.publication.choices import IN_FLIGHT
from airflow_socrata.publication.errors import RowCountMismatch, RowRefused
from airflow_socrata.publication.operation import Operation, RunState
from airflow_socrata.publication.row_values import COMPARABLE, equals
from airflow_socrata.publication.single_rows import RowOutcome, find_call, send_row, settled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client import View
    from airflow_socrata.publication.operation import IntentStore
    from airflow_socrata.publication.publisher import Publisher


@dataclass(frozen=True, slots=True)
class InsertIntent:
    """A row that is about to be inserted.

    :param operation: by whom.
    :param dataset: 4x4, with a word that keeps these records apart from those of publications.
    :param domain: the portal.
    :param digest: of the row's values.
    :param alike: rows with the same values that were there before.
    :param sent_at: epoch seconds (portal) just before it was sent.
    """

    operation: Operation
    dataset: str
    domain: str
    digest: str
    alike: int
    sent_at: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain data; no value of the row."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> InsertIntent:
        """Read back what :meth:`to_json` wrote."""
        return cls(**{**data, "operation": Operation.from_json(data["operation"])})


@dataclass(frozen=True, slots=True)
class Insert:
    """One insert into one dataset.

    :param view: the dataset, without a row identifier.
    :param row: checked, without ``:id``.
    :param timeout: seconds for the replicas.
    """

    publisher: Publisher
    records: IntentStore[InsertIntent]
    operation: Operation
    view: View
    row: Mapping[str, Any]
    timeout: float

    @property
    def place(self) -> str:
        """The name that the records of this dataset's inserts are kept under."""
        return f"{self.view.id} rows"

    def run(self) -> RowOutcome:
        """Insert the row unless it has landed before.

        The record is kept until a later insert finds that its run has ended: forgotten any earlier, a kill
        just before the end of the task would have the row inserted again.

        :raises RowRefused: nothing in the row can be compared, or the portal did not take it.
        """
        where = alike(self.view, self.row)
        self._forget_ended()
        digest = hashlib.sha256(json.dumps(self.row, sort_keys=True, default=str).encode()).hexdigest()
        intent = self.records.load(self.operation.key)
        if intent is not None and (intent.digest, intent.dataset) != (digest, self.place):
            intent = None
        if intent is None:
            before = self._count(where)
            intent = InsertIntent(self.operation, self.place, self.publisher.domain, digest, before)
        kept = intent
        return self.publisher.session.repeat(lambda: self._once(where, kept))

    def _once(self, where: str, intent: InsertIntent) -> RowOutcome:
        """Look whether the row is there, and send it if it is not."""
        intent = self._latest(intent)
        count = self._count(where)
        if count <= intent.alike and intent.sent_at:
            # what an earlier sending asked for may still be under way on the portal
            rest = intent.sent_at + IN_FLIGHT - self.publisher.portal_time()
            self.publisher.session.sleep(max(0.0, min(rest, IN_FLIGHT)))
            count = self._count(where)
        if count > intent.alike:
            return RowOutcome(self._newest(where), created=True, changed=False)
        self.records.save(replace(intent, sent_at=self.publisher.portal_time()))
        send_row(self.publisher, self.view, single_rows.row_body(self.row), keyed=False)
        if self._count(where) <= intent.alike:
            raise RowCountMismatch(f"The portal has taken a row into {self.view.id} and does not show it.")
        return RowOutcome(self._newest(where), created=True)

    def _latest(self, intent: InsertIntent) -> InsertIntent:
        """Return the record as it was kept last, by this try or an earlier one."""
        kept = self.records.load(self.operation.key)
        return intent if kept is None or kept.digest != intent.digest else kept

    def _count(self, where: str) -> int:
        patience = self.publisher.patience(self.timeout)
        return self.publisher.wait(settled(rows.count(self.view.id, where), patience)).rows

    def _newest(self, where: str) -> dict[str, Any] | None:
        call = find_call(self.view, where, order=":created_at desc, :id desc")
        found = self.publisher.wait(settled(call, self.publisher.patience(self.timeout))).rows
        return found[0] if found else None

    def _forget_ended(self) -> None:
        runs, domain = self.publisher.runs, self.publisher.domain
        for key in self.records.unfinished(domain, self.place):
            known = self.records.load(key)
            if known is None or key == self.operation.key:
                continue
            if runs.state(known.operation.dag_id, known.operation.run_id) is RunState.ENDED:
                self.records.forget(known)


def alike(view: View, row: Mapping[str, Any]) -> str:
    """Return the condition that rows with the same values fulfil.

    Shapes, places and links cannot be compared and are left out.

    :raises RowRefused: then nothing would be left.
    """
    parts, telling = [], 0
    for column in view.columns:
        name, kind = column.field_name, column.data_type_name
        if name.startswith(":") or kind not in COMPARABLE:
            continue
        value = row.get(name)
        if value is None or value == "":
            parts.append(f"`{name}` is null")
            continue
        telling += 1
        parts.append(equals(view, name, value, f"value of {name!r}"))
    if not telling:
        raise RowRefused(
            f"The row has no value that can be looked up in {view.id}, so a second insert could not be told"
            " from the first: set a row identifier on the dataset."
        )
    return " and ".join(parts)
