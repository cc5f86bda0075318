"""The oldest row calls (SODA 1, old back end) and the oldest way to empty a dataset.

For portals that still have old datasets and for reading their logs; nothing in this package needs them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.parsing import (
    mapping,
    nothing,
    object_of,
    objects,
    refuse_error_object,
    shape,
    text,
)
from airflow_socrata.client.rows import counts_of, rows_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_socrata.client.models import RowCounts


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One request of a batch.

    :param method: ``POST``, ``PUT`` or ``DELETE``.
    :param path: as on the portal, e.g. ``/views/abcd-1234/rows.json``.
    :param body: the row, or None.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """What the portal wants; the body is text within JSON."""
        made: dict[str, Any] = {"url": self.path, "requestType": self.method}
        return made if self.body is None else made | {"body": json.dumps(self.body)}


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one request of a batch.

    :param error: the portal's words if it failed, else None.
    """

    error: str | None
    response: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class PlainTable:
    """``rows.json`` of a view: every row an array, as wide as ``columns``.

    :param columns: field names, those of the system (``:sid``, ``:id`` …) included, where told.
    """

    columns: tuple[str, ...]
    data: Sequence[Sequence[Any]] = field(repr=False)


def add(dataset_id: str, row: Mapping[str, Any]) -> Call[Mapping[str, Any]]:
    """Insert a row; never sent again by itself, since a second one would stand beside the first.

    :param row: field name to value.
    :raises ConfigurationError: if ``dataset_id`` is no 4x4; so do all calls here.
    """
    path = f"{_rows(dataset_id)}.json"
    return _call(CallKind.ROWS_UNKEYED, "POST", path, f"add a row to {dataset_id}", row)


def change(dataset_id: str, row_number: int, row: Mapping[str, Any]) -> Call[Mapping[str, Any]]:
    """Change a row.

    :param row_number: the old back end's internal row id (``:sid``).
    """
    path = f"{_rows(dataset_id)}/{int(row_number)}.json"
    return _call(CallKind.ROWS_KEYED, "PUT", path, f"change row {row_number} of {dataset_id}", row)


def delete(dataset_id: str, row_number: int) -> Call[None]:
    """Delete a row."""
    return Call(
        CallKind.ROWS_KEYED,
        "DELETE",
        f"{_rows(dataset_id)}/{int(row_number)}.json",
        nothing,
        f"delete row {row_number} of {dataset_id}",
    )


def batch(items: Sequence[BatchItem]) -> Call[tuple[BatchResult, ...]]:
    """Send several row requests as one; they are carried out one after another, not all or nothing.

    :raises ConfigurationError: if there are none.
    """
    if not items:
        raise ConfigurationError("a batch needs at least one request")
    return Call(
        CallKind.ROWS_UNKEYED,
        "POST",
        "/batches",
        _parse_batch,
        f"a batch of {len(items)} requests",
        headers=JSON_TYPE,
        body=json.dumps({"requests": [item.to_json() for item in items]}).encode(),
    )


def read(dataset_id: str) -> Call[PlainTable]:
    """Read all rows as arrays, whole in memory; for much, use :func:`airflow_socrata.client.exports.view`."""
    return Call(
        CallKind.READ, "GET", f"/api{_rows(dataset_id)}.json", _parse_table, f"read all rows of {dataset_id}"
    )


def truncate(dataset_id: str) -> Call[RowCounts]:
    """Delete all rows by ``DELETE``, as the oldest client did; prefer ``rows.truncate``."""
    return Call(
        CallKind.ROWS_REPLACE, "DELETE", rows_path(dataset_id), _parse_truncated, f"truncate {dataset_id}"
    )


def _rows(dataset_id: str) -> str:
    return f"/views/{check_dataset_id(dataset_id)}/rows"


def _call(
    kind: CallKind, method: str, path: str, summary: str, row: Mapping[str, Any]
) -> Call[Mapping[str, Any]]:
    body = json.dumps(row, ensure_ascii=False).encode()
    return Call(kind, method, path, _parse_row, summary, headers=JSON_TYPE, body=body)


def _parse_row(reply: Reply) -> Mapping[str, Any]:
    return object_of(reply, "a row")


def _parse_truncated(reply: Reply) -> RowCounts:
    from airflow_socrata.client.models import RowCounts

    return counts_of(reply) if reply.body.strip() else RowCounts(0, 0, 0, 0)


def _parse_batch(reply: Reply) -> tuple[BatchResult, ...]:
    body = reply.json()
    if isinstance(body, dict):
        refuse_error_object(body)
    if not isinstance(body, list):
        raise UnreadableReply(f"expected the results of a batch, got {shape(body)}")
    return tuple(_result(item) for item in objects(body))


def _result(item: Mapping[str, Any]) -> BatchResult:
    failed = item.get("error") is True or "errorMessage" in item
    words = text(item.get("errorMessage")) or "no reason given"
    response = item.get("response")
    if isinstance(response, str):
        try:
            response = json.loads(response)
        except ValueError:
            response = {}
    return BatchResult(words if failed else None, mapping(response))


def _parse_table(reply: Reply) -> PlainTable:
    body = object_of(reply, "a table")
    data = body.get("data")
    if not isinstance(data, list) or not all(isinstance(row, list) for row in data):
        raise UnreadableReply("the table has no rows as arrays")
    view = mapping(mapping(body.get("meta")).get("view"))
    names = tuple(str(column.get("fieldName")) for column in objects(view.get("columns")))
    return PlainTable(names, data)
