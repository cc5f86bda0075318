"""Calls for rows: write them and read them for verification (portal's SODA API)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import (
    JSON_TYPE,
    Call,
    CallKind,
    Reply,
    UnreadableReply,
    epoch_of_http_date,
)
from airflow_socrata.client.models import Count, RowCounts, RowError, RowsPage
from airflow_socrata.client.parsing import integer, refuse_error_object, shape, text

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Keys of the two counting forms: on the public edge, and with ``$$version=2.0``.
_COUNT_KEYS = (
    ("Rows Created", "Rows Updated", "Rows Deleted", "Errors"),
    ("rows_created", "rows_updated", "rows_deleted", "errors"),
)


@dataclass(frozen=True, slots=True)
class RowBody:
    """One request body of rows, ready to send.

    :param data: the bytes as they go over the wire.
    :param content_type: ``text/csv`` or ``application/json``.
    :param content_encoding: ``gzip`` or None.
    :param rows: rows in it, deletes included.
    :param deletes: rows in it that delete.
    """

    data: bytes = field(repr=False)
    content_type: str
    content_encoding: str | None = None
    rows: int = 0
    deletes: int = 0

    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that describe the body."""
        headers = (("Content-Type", self.content_type),)
        return (*headers, ("Content-Encoding", self.content_encoding)) if self.content_encoding else headers


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How an upsert is to be taken.

    The row server of the new back end knows these; whether the public edge passes them on is not known, so
    look at what came of it.

    :param truncate: drop all rows first, in the same transaction.
    :param merge: a field that a row lacks keeps its value; else it becomes null.
    :param errors_are_fatal: the first bad row aborts everything; None: as the portal is set up.
    :param tolerated: codes of row errors that are only counted, e.g. ``no_such_row_to_delete``.
    :param expected_data_version: refuse (409) unless the dataset is at this version, see
        :func:`airflow_socrata.client.views.replication`.
    """

    truncate: bool = False
    merge: bool = True
    errors_are_fatal: bool | None = None
    tolerated: tuple[str, ...] = ()
    expected_data_version: int | None = None

    def params(self) -> tuple[tuple[str, str], ...]:
        """The query parameters; none for what is the default."""
        params = [("truncate", "true")] if self.truncate else []
        if not self.merge:
            params.append(("mergeInsteadOfReplace", "false"))
        if self.errors_are_fatal is not None:
            params.append(("errorsAreFatal", "true" if self.errors_are_fatal else "false"))
        params += [("nonFatalRowErrors[]", code) for code in self.tolerated]
        if self.expected_data_version is not None:
            params.append(("expectedDataVersion", str(self.expected_data_version)))
        return tuple(params)

    def kind(self, *, keyed: bool) -> CallKind:
        """The row of the retry table: what asks for a version finds another one the second time."""
        again = keyed and self.expected_data_version is None
        return CallKind.ROWS_KEYED if again else CallKind.ROWS_UNKEYED


#: What a portal does unless told otherwise.
PLAIN = WriteOptions()


def rows_path(dataset_id: str, suffix: str = "json") -> str:
    """The address of a dataset's rows."""
    return f"/resource/{check_dataset_id(dataset_id)}.{suffix}"


def upsert(dataset_id: str, body: RowBody, *, keyed: bool, options: WriteOptions = PLAIN) -> Call[RowCounts]:
    """Insert, update and delete rows.

    :param keyed: the dataset has a row identifier and every row carries it; else the call is never sent again
        unless the portal is proved not to have taken it.
    :raises ConfigurationError: if ``dataset_id`` is no 4x4; so do all calls here.
    """
    return Call(
        options.kind(keyed=keyed),
        "POST",
        rows_path(dataset_id),
        counts_of,
        f"upsert {dataset_id}",
        params=options.params(),
        headers=body.headers(),
        body=body.data,
    )


def replace(dataset_id: str, body: RowBody, *, expected_data_version: int | None = None) -> Call[RowCounts]:
    """Replace all rows by those of ``body``, in one transaction.

    :param expected_data_version: as of :class:`WriteOptions`; such a call is never sent again by itself.
    """
    return Call(
        CallKind.ROWS_REPLACE if expected_data_version is None else CallKind.ROWS_UNKEYED,
        "PUT",
        rows_path(dataset_id),
        counts_of,
        f"replace rows of {dataset_id}",
        params=WriteOptions(expected_data_version=expected_data_version).params(),
        headers=body.headers(),
        body=body.data,
    )


def truncate(dataset_id: str) -> Call[RowCounts]:
    """Delete all rows."""
    return Call(
        CallKind.ROWS_REPLACE,
        "PUT",
        rows_path(dataset_id),
        counts_of,
        f"truncate {dataset_id}",
        headers=JSON_TYPE,
        body=b"[]",
    )


def count(dataset_id: str, where: str | None = None) -> Call[Count]:
    """Count the rows, or those that fulfil ``where`` (SoQL)."""
    params = [("$select", "count(*)")]
    if where:
        params.append(("$where", where))
    return Call(
        CallKind.READ,
        "GET",
        rows_path(dataset_id),
        _parse_count,
        f"count rows of {dataset_id}",
        params=tuple(params),
    )


def select(
    dataset_id: str,
    select: str | None = None,
    where: str | None = None,
    order: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
    system_fields: bool = False,
    group: str | None = None,
    having: str | None = None,
    search: str | None = None,
) -> Call[RowsPage]:
    """Read one page of rows.

    :param select: SoQL; None: all columns.
    :param order: SoQL; None: by ``:id`` where all columns are read, since pages without an order may overlap.
    :param limit: rows in the page; None: the portal's default, 1,000.
    :param system_fields: add ``:id``, ``:created_at``, ``:updated_at``; with ``select``, name them there.
    :param group: SoQL; with ``having``, a condition on the groups.
    :param search: words that any text column holds.
    """
    if system_fields and select:
        raise ConfigurationError(
            "system_fields cannot be combined with select: name :id and the like in select"
        )
    if select is None:
        select = ":*,*" if system_fields else None
        order = order or ":id"
    values = {
        "$select": select,
        "$where": where,
        "$group": group,
        "$having": having,
        "$q": search,
        "$order": order,
        "$limit": None if limit is None else str(limit),
        "$offset": None if offset is None else str(offset),
    }
    params = tuple((name, value) for name, value in values.items() if value is not None)
    return Call(
        CallKind.READ, "GET", rows_path(dataset_id), page_of, f"read rows of {dataset_id}", params=params
    )


def query(dataset_id: str, soql: str) -> Call[RowsPage]:
    """Read what one whole SoQL query selects; a query without LIMIT gives at most 1,000 rows."""
    return Call(
        CallKind.READ,
        "GET",
        rows_path(dataset_id),
        page_of,
        f"query {dataset_id}",
        params=(("$query", soql),),
    )


def counts_of(reply: Reply) -> RowCounts:
    """Read the counts of a write, in any of a portal's forms."""
    if reply.status == 202:
        raise UnreadableReply("a write of rows was answered with 202, so nothing tells what became of it")
    body = reply.json()
    if isinstance(body, list):
        return _counts_of_report(body, reply)
    if isinstance(body, dict):
        refuse_error_object(body)
        for keys in _COUNT_KEYS:
            if any(key in body for key in keys):
                return _counts_of_summary(body, keys, reply)
    raise UnreadableReply(f"expected counts of rows, got {shape(body)}")


def _counts_of_summary(body: Mapping[str, Any], keys: tuple[str, str, str, str], reply: Reply) -> RowCounts:
    """Read a summary; a key that is absent counts 0."""
    created, updated, deleted = (_counted(body, key) for key in keys[:3])
    listed = body.get(keys[3])
    row_errors: tuple[RowError, ...] = ()
    if isinstance(listed, list):
        row_errors = tuple(_row_error(item, "input_index", "error", "primary_key") for item in listed)
        errors = len(row_errors)
    else:
        errors = _counted(body, keys[3])
    return RowCounts(
        created=created,
        updated=updated,
        deleted=deleted,
        errors=errors,
        by_row_identifier=integer(body.get("By RowIdentifier")),
        by_sid=integer(body.get("By SID")),
        row_errors=row_errors,
        repeated=reply.repeated,
        truth_version=truth_version(reply),
    )


def _counts_of_report(body: list[Any], reply: Reply) -> RowCounts:
    """Read the row server's own report: one entry a row, in order; old servers wrap it once more."""
    entries: list[Any] = []
    for item in body:
        entries.extend(item if isinstance(item, list) else [item])
    seen = {"insert": 0, "update": 0, "delete": 0}
    row_errors: list[RowError] = []
    for index, entry in enumerate(entries):
        kind = text(entry.get("typ")) if isinstance(entry, dict) else None
        if kind == "error":
            row_errors.append(_row_error({"index": index, **entry}, "index", "err", "id"))
        elif kind in seen:
            seen[kind] += 1
        else:
            raise UnreadableReply(f"entry {index} of the row report is {shape(entry)}")
    return RowCounts(
        created=seen["insert"],
        updated=seen["update"],
        deleted=seen["delete"],
        errors=len(row_errors),
        row_errors=tuple(row_errors),
        repeated=reply.repeated,
        truth_version=truth_version(reply),
    )


def truth_version(reply: Reply) -> int | None:
    """The dataset's version after a write, where the portal tells it."""
    return integer(reply.headers.get("X-SODA2-Truth-Version"))


def _row_error(item: Any, index: str, message: str, row_id: str) -> RowError:
    if not isinstance(item, dict):
        return RowError(index=None, message=str(item)[:200], row_id=None)
    value = item.get(row_id)
    return RowError(
        index=integer(item.get(index)),
        message=str(item.get(message) or "no reason given")[:200],
        row_id=None if value is None else str(value),
    )


def _counted(body: Mapping[str, Any], key: str) -> int:
    if body.get(key) is None:
        return 0
    number = integer(body[key])
    if number is None or number < 0:
        raise UnreadableReply(f"{key!r} is no count of rows")
    return number


def _parse_count(reply: Reply) -> Count:
    page = page_of(reply)
    row = page.rows[0] if len(page.rows) == 1 else {}
    value = row.get("count", next(iter(row.values()), None) if len(row) == 1 else None)
    number = integer(value)
    if number is None or number < 0:
        raise UnreadableReply("expected one row with a count")
    return Count(rows=number, out_of_date=page.out_of_date, truth_last_modified=page.truth_last_modified)


def page_of(reply: Reply) -> RowsPage:
    """Read one page of rows and what its headers tell."""
    body = reply.json()
    if isinstance(body, dict):
        refuse_error_object(body)
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise UnreadableReply(f"expected an array of rows, got {shape(body)}")
    headers = reply.headers
    return RowsPage(
        rows=body,
        out_of_date=(headers.get("X-SODA2-Data-Out-Of-Date") or "").strip().lower() == "true",
        truth_last_modified=epoch_of_http_date(headers.get("X-SODA2-Truth-Last-Modified")),
        secondary_last_modified=epoch_of_http_date(headers.get("X-SODA2-Secondary-Last-Modified")),
        etag=headers.get("ETag"),
        fields=_fields(headers),
    )


def _fields(headers: Mapping[str, str]) -> dict[str, str]:
    """Field names and types of a page; both headers are left out when they would be too long."""
    try:
        names = json.loads(headers.get("X-SODA2-Fields") or "[]")
        types = json.loads(headers.get("X-SODA2-Types") or "[]")
    except ValueError:
        return {}
    if not (isinstance(names, list) and isinstance(types, list)) or len(names) != len(types):
        return {}
    return {str(name): str(kind) for name, kind in zip(names, types, strict=True)}
