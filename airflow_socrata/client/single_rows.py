"""Calls for one row (portal's SODA API).

A row is known by the value of the dataset's row identifier or, where it has none, by ``:id``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.parsing import refuse_error_object, shape
from airflow_socrata.client.rows import (
    PLAIN,
    RowBody,
    WriteOptions,
    counts_of,
    page_of,
    rows_path,
    truth_version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client.models import RowCounts, RowsPage

#: Codes of row errors that say that a row's ``:version`` is not the one that was sent.
VERSION_ERRORS = ("version_mismatch", "verison_mismatch", "version_on_new_row")


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as the portal gives it; null fields are absent.

    :param etag: changes with each write of the row, where told.
    """

    values: Mapping[str, Any] = field(repr=False)
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """What became of a row that was written: the new back end gives the row, the old one counts.

    :param values: the stored row with its system fields, or None.
    :param counts: the counts, or None.
    :param repeated: an earlier sending may have been carried out.
    :param truth_version: version of the dataset after the write, where told.
    """

    values: Mapping[str, Any] | None = field(repr=False)
    counts: RowCounts | None
    repeated: bool = False
    truth_version: int | None = None


def fits_address(row_id: object) -> bool:
    """Tell whether a row can be named in an address: not empty, no slash, no control character."""
    text = identifier_text(row_id)
    return bool(text) and text.isprintable() and not any(sign in text for sign in "/\\")


def identifier_text(row_id: object) -> str:
    """A row identifier's value as text: ``true`` for True, a whole number without a point."""
    if isinstance(row_id, bool):
        return "true" if row_id else "false"
    if isinstance(row_id, float) and row_id.is_integer():
        return str(int(row_id))
    return str(row_id)


def row_body(row: Mapping[str, Any]) -> RowBody:
    """An array of one row: the form that the vendor advises for a single row.

    :raises ConfigurationError: if a value is none that JSON knows.
    """
    return RowBody(b"[" + _bytes(row) + b"]", "application/json", None, 1, int(row.get(":deleted") is True))


def get(dataset_id: str, row_id: object, *, if_match: str | None = None) -> Call[StoredRow]:
    """Read one row.

    :param row_id: value of the row identifier, or ``:id``.
    :param if_match: an ETag that was read before; another version of the row raises ``Conflict`` (412).
    :raises ConfigurationError: if ``dataset_id`` is no 4x4, or the row cannot be named in an address; so do
        all calls here.
    """
    return Call(
        CallKind.READ,
        "GET",
        _row_path(dataset_id, row_id),
        _parse_row,
        f"read row {_shown(row_id)} of {dataset_id}",
        headers=(("If-Match", if_match),) if if_match else (),
        if_absent=f"{dataset_id} has no row {_shown(row_id)}, or hides it from this connection",
    )


def find(
    dataset_id: str, where: str, *, order: str | None = None, limit: int = 2, old_backend: bool = False
) -> Call[RowsPage]:
    """Read rows that fulfil a condition, with their system fields; tells whether replicas are up to date.

    :param where: SoQL.
    :param limit: rows at most.
    :param old_backend: ask in the words of the older API, whose ``$select`` knows no ``:*``.
    """
    params = [] if old_backend else [("$select", ":*,*")]
    params += [("$where", where), *([("$order", order)] if order else []), ("$limit", str(limit))]
    params += [("$$exclude_system_fields", "false")] if old_backend else []
    return Call(
        CallKind.READ,
        "GET",
        rows_path(dataset_id),
        page_of,
        f"find rows of {dataset_id}",
        params=tuple(params),
    )


def upsert(
    dataset_id: str, row: Mapping[str, Any], *, keyed: bool, options: WriteOptions = PLAIN
) -> Call[WrittenRow]:
    """Insert or update one row, sent as one object: the new back end answers with the stored row.

    With ``:deleted`` true the row is deleted. A field that is absent keeps its value, null clears it.

    :param row: field name to value, with the row identifier, or ``:id``, or neither for a new row. A
        ``:version`` in it refuses the write if the stored row has another one.
    :param keyed: the row can be known again, so that the call may be sent twice.
    """
    return Call(
        options.kind(keyed=keyed and ":version" not in row),
        "POST",
        rows_path(dataset_id),
        _parse_written,
        f"upsert a row of {dataset_id}",
        params=options.params(),
        headers=JSON_TYPE,
        body=_bytes(row),
    )


def post(dataset_id: str, row_id: object, row: Mapping[str, Any], *, key: str = ":id") -> Call[WrittenRow]:
    """Upsert one row at its own address. The portal looks at the row alone, so the id is put in there too.

    :param key: field name of the row identifier; ``:id`` where the dataset has none.
    """
    return Call(
        CallKind.ROWS_KEYED,
        "POST",
        _row_path(dataset_id, row_id),
        _parse_written,
        f"upsert row {_shown(row_id)} of {dataset_id}",
        headers=JSON_TYPE,
        body=_bytes({**row, key: row_id}),
    )


def put(dataset_id: str, row_id: object, row: Mapping[str, Any]) -> Call[WrittenRow]:
    """Replace one row: fields that are absent become null. Old back end alone; the new one answers 405."""
    return Call(
        CallKind.ROWS_KEYED,
        "PUT",
        _row_path(dataset_id, row_id),
        _parse_written,
        f"replace row {_shown(row_id)} of {dataset_id}",
        headers=JSON_TYPE,
        body=_bytes(row),
    )


def replace(
    dataset_id: str,
    row: Mapping[str, Any],
    fields: tuple[str, ...],
    *,
    keyed: bool,
    options: WriteOptions = PLAIN,
) -> Call[WrittenRow]:
    """Replace one row on any back end: each of ``fields`` that the row lacks is sent as null.

    :param fields: field names of all columns that a person fills.
    """
    whole = {**dict.fromkeys(fields), **row}
    call = upsert(dataset_id, whole, keyed=keyed, options=options)
    return Call(
        call.kind,
        call.method,
        call.path,
        call.parse,
        f"replace a row of {dataset_id}",
        params=call.params,
        headers=call.headers,
        body=call.body,
    )


def delete(dataset_id: str, row_id: object) -> Call[RowCounts]:
    """Delete one row; an absent one raises ``NotFound``, also when an earlier sending has deleted it."""
    return Call(
        CallKind.ROWS_KEYED,
        "DELETE",
        _row_path(dataset_id, row_id),
        counts_of,
        f"delete row {_shown(row_id)} of {dataset_id}",
        if_absent=f"{dataset_id} has no row {_shown(row_id)}: it may be deleted already",
    )


def deletion(row_id: object, *, key: str = ":id") -> RowBody:
    """A body for :func:`airflow_socrata.client.rows.upsert` that deletes one row.

    The portal counts an absent row as an error of that row.
    """
    return row_body({key: row_id, ":deleted": True})


def _row_path(dataset_id: str, row_id: object) -> str:
    if not fits_address(row_id):
        raise ConfigurationError(
            f"row {_shown(row_id)} of {check_dataset_id(dataset_id)} cannot be named in an address: read it"
            " with rows.select, write it with rows.upsert"
        )
    return f"/resource/{check_dataset_id(dataset_id)}/{quote(identifier_text(row_id), safe='')}.json"


def _shown(row_id: object) -> str:
    return repr(identifier_text(row_id)[:80])


def _bytes(row: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"a row holds a value that JSON does not know: {error}") from None


def _parse_row(reply: Reply) -> StoredRow:
    body = reply.json()
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict):
        raise UnreadableReply(f"expected a row, got {shape(body)}")
    refuse_error_object(body)
    return StoredRow(body, reply.headers.get("ETag"))


def _parse_written(reply: Reply) -> WrittenRow:
    body = reply.json() if reply.status != 202 else []
    is_counts = isinstance(body, list) or (
        isinstance(body, dict) and any(key in body for key in ("Rows Created", "rows_created", "Errors"))
    )
    if not is_counts:
        return WrittenRow(_parse_row(reply).values, None, reply.repeated, truth_version(reply))
    counts = counts_of(reply)
    return WrittenRow(None, counts, reply.repeated, counts.truth_version)
