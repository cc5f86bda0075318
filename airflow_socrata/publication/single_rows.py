"""One row of a published dataset: read, written, deleted, each proved by a look at the portal.

A write of one row is one transaction, so it is all or nothing by itself; the public sees it at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_socrata.client import Count, NotFound, RowsPage, SyncedDataset, rows, single_rows, views
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.single_rows import VERSION_ERRORS
from airflow_socrata.publication import preflight
from airflow_socrata.publication.errors import (
    HandleMismatch,
    NotPublishable,
    RowChanged,
    RowCountMismatch,
    RowRefused,
)
from airflow_socrata.publication.loading import schema_of
from airflow_socrata.publication.row_values import check_identifier, check_value, equals, holds, kind_of
from airflow_socrata.records import Guards, RowsSource, batches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client import Call, RowBody, RowCounts, View
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.waits import Patience, Steps

P = TypeVar("P", RowsPage, Count)

#: What a row that was read may hold and the portal does not take back.
_READ_ONLY = frozenset({":created_at", ":updated_at"})


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row.

    :param row: the row as the portal shows it now, with its system fields; None once it is deleted.
    :param created: whether it is new; None where an earlier sending may have made it.
    :param changed: whether this time something was sent to the portal.
    """

    row: Mapping[str, Any] | None = field(repr=False)
    created: bool | None = False
    changed: bool = True


def readable(publisher: Publisher, dataset: str) -> View:
    """Read a dataset that rows are read from."""
    view: View = publisher.send(views.read_view(check_dataset_id(dataset)))
    return view


def writable(publisher: Publisher, dataset: str) -> View:
    """Read a published dataset that rows may be written to at once.

    :raises NotPublishable: it is no such dataset, or the user may not write.
    :raises HandleMismatch: a working copy is open, which the rows would go into, or be refused for.
    """
    view = preflight.read_dataset(publisher, dataset)
    preflight.check_published(view)
    copies = preflight.working_copies(publisher, view)
    if copies:
        names = ", ".join(copy.id for copy in copies)
        raise HandleMismatch(
            f"{view.id} has an open working copy ({names}); a row written to the dataset now would go into it"
            " or be refused. Publish or discard it first."
        )
    return view


def key_of(view: View) -> str:
    """Return the field that a row is known by: the row identifier, or ``:id``."""
    return view.row_identifier or ":id"


def find_row(publisher: Publisher, view: View, row_id: object, timeout: float) -> dict[str, Any] | None:
    """Read a row, with its system fields, once the replicas show the last write; None if there is none.

    :param row_id: value of the row identifier, or ``:id``.
    :param timeout: seconds for the replicas.
    :raises RowRefused: the identifier cannot be one of this dataset.
    """
    key = key_of(view)
    check_identifier(row_id, f"{'' if key == ':id' else 'row identifier '}{key!r} of {view.id}")
    where = equals(view, key, row_id, f"row identifier {key!r} of {view.id}")
    found = publisher.wait(settled(find_call(view, where), publisher.patience(timeout))).rows
    if len(found) > 1:
        raise RowRefused(f"{view.id} holds several rows with {key} {row_id!r}; one was expected.")
    return found[0] if found else None


def find_call(view: View, where: str, order: str | None = None) -> Call[RowsPage]:
    """Return the call that reads the first rows which fulfil a condition."""
    return single_rows.find(view.id, where, order=order, old_backend=view.new_backend is False)


def settled(call: Call[P], patience: Patience) -> Steps[P]:
    """Read rows, or count them, once the replicas show the last write."""
    for pause in patience.pauses(call.summary):
        page: P = yield call
        if not page.out_of_date:
            return page
        yield pause
    raise AssertionError("unreachable: pauses() ends by raising")


def checked_row(view: View, row: object) -> dict[str, Any]:
    """Check a row against the dataset and return it as it is sent.

    A row may come as JSON text. Times of the system, which a row that was read has, are left out.

    :raises RowRefused: no object, nothing in it, ``:deleted`` or the wrong identifier.
    :raises RecordsError: an unknown field, or a value that its column does not take.
    """
    if isinstance(row, str):
        try:
            row = _exactly(row)
        except ValueError as error:
            raise RowRefused(f"The row is a text that is no JSON: {error}.") from None
    if not isinstance(row, dict):
        raise RowRefused(f"A row is an object (field name to value), not {type(row).__name__}.")
    strange = [name for name in row if not isinstance(name, str)]
    if strange:
        raise RowRefused(f"The row has a field {strange[0]!r}; field names are text.")
    given = {name: value for name, value in row.items() if not _left_out(view, name)}
    if ":deleted" in given:
        raise RowRefused("The row says :deleted; use SocrataDeleteRowOperator to delete a row.")
    if not any(not name.startswith(":") for name in given):
        raise RowRefused("The row has no field of the dataset.")
    if view.row_identifier is not None:
        what = f"row identifier {view.row_identifier!r} of {view.id}"
        if given.get(view.row_identifier) in (None, ""):
            raise RowRefused(f"The row lacks a value of the {what}.")
        check_identifier(given[view.row_identifier], what)
    for name, value in given.items():
        check_value(kind_of(view, name), value, f"value of {name!r}")
    guards = Guards(row_by_row=True, require_row_identifier=False)
    (batch,) = batches(RowsSource([given], "row"), schema_of(view), guards=guards, compress=False)
    (checked,) = _exactly(batch.data)
    sent: dict[str, Any] = checked
    return sent


class _Exact(str):
    """A number that a float would not give back as it was written; a column takes it as text too."""

    __slots__ = ()


def _exact(text: str) -> float | _Exact:
    return number if repr(number := float(text)) == text else _Exact(text)


def _exactly(text: str | bytes) -> Any:
    """Read a row, or an array of rows, as JSON; numbers of a row's own fields stay as they are written."""
    body = json.loads(text, parse_float=_exact)
    for row in body if isinstance(body, list) else [body]:
        if isinstance(row, dict):
            row.update({name: _plain(value) for name, value in row.items() if not isinstance(value, str)})
    return body


def _plain(value: Any) -> Any:
    """Return a value within which, e.g. in a shape, numbers are numbers."""
    if isinstance(value, _Exact):
        return float(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def _left_out(view: View, name: str) -> bool:
    return name in _READ_ONLY or name.startswith(":@") or (name == ":id" and view.row_identifier is not None)


def with_nulls(view: View, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in which each column that it lacks is null: it then replaces the stored one."""
    fields = [column.field_name for column in view.columns if not column.field_name.startswith(":")]
    return {**dict.fromkeys(fields), **row}


def write_row(publisher: Publisher, view: View, row: dict[str, Any], timeout: float) -> RowOutcome:
    """Upsert a row that has an identifier; sending it twice is sending it once.

    A ``:version`` in the row refuses the write if the stored row has another one.

    :param row: checked, see :func:`checked_row`.
    :raises RowChanged: somebody has changed the row since its ``:version`` was read.
    :raises NotFound: a row given by ``:id`` is not there.
    :raises RowRefused: the portal answered 200 and refused the row.
    """
    row_id = row[key_of(view)]
    if row.get(":version") is not None:
        return publisher.session.repeat(lambda: _write_version(publisher, view, row, timeout))
    if ":id" in row:
        _stored(publisher, view, row_id, timeout)
    fields = {name: value for name, value in row.items() if name != ":version"}
    counts = send_row(publisher, view, single_rows.row_body(fields), keyed=True)
    shown = _shown(publisher, view, row_id, timeout)
    return RowOutcome(shown, None if counts.repeated else counts.created == 1)


def _write_version(publisher: Publisher, view: View, row: dict[str, Any], timeout: float) -> RowOutcome:
    """Look, then write if the stored row has the version; what an earlier sending did is recognised."""
    stored = _stored(publisher, view, row[key_of(view)], timeout)
    version = stored.get(":version")
    if version is None:
        raise NotPublishable(f"{view.id} does not tell versions of rows: leave :version out of the row.")
    if version != row[":version"]:
        return _done_earlier(view, row, stored)
    options = rows.WriteOptions(tolerated=VERSION_ERRORS)
    body = single_rows.row_body(row)
    if _sent(publisher, view, rows.upsert(view.id, body, keyed=False, options=options)).errors:
        # somebody was quicker: it may be an earlier sending that was still on its way at the look
        return _done_earlier(view, row, _stored(publisher, view, row[key_of(view)], timeout))
    return RowOutcome(_shown(publisher, view, row[key_of(view)], timeout), created=False)


def _done_earlier(view: View, row: Mapping[str, Any], stored: dict[str, Any]) -> RowOutcome:
    """Recognise what an earlier sending did in a row of another version.

    :raises RowChanged: it is not what was sent.
    """
    if holds(stored, row, view):
        return RowOutcome(stored, created=False, changed=False)
    raise RowChanged(
        f"The row {row[key_of(view)]!r} of {view.id} has been changed since version {row[':version']} was"
        " read: read it again and decide anew. Nothing was written."
    )


def _stored(publisher: Publisher, view: View, row_id: object, timeout: float) -> dict[str, Any]:
    found = find_row(publisher, view, row_id, timeout)
    if found is None:
        raise absent(view, row_id)
    return found


def absent(view: View, row_id: object) -> NotFound:
    """Return the error of a row that is not there."""
    return NotFound(
        f"{view.id} has no row with {key_of(view)} {str(row_id)[:80]!r}",
        advice="check the identifier, and that the row was not deleted",
    )


def _shown(publisher: Publisher, view: View, row_id: object, timeout: float) -> dict[str, Any]:
    found = find_row(publisher, view, row_id, timeout)
    if found is None:
        raise RowCountMismatch(
            f"The portal has taken row {row_id!r} of {view.id} and does not show it: somebody may have"
            " deleted it at once."
        )
    return found


def send_row(publisher: Publisher, view: View, body: RowBody, *, keyed: bool) -> RowCounts:
    """Send one row, and look that the portal took it.

    :raises RowRefused: it answered 200 and did not.
    """
    counts = _sent(publisher, view, rows.upsert(view.id, body, keyed=keyed))
    if counts.errors or counts.rows != 1:
        reasons = "; ".join(error.message for error in counts.row_errors) or "it does not say why"
        raise RowRefused(
            f"The portal answered 200 and did not take the row of {view.id}: {counts.created} created,"
            f" {counts.updated} updated, {counts.errors} refused ({reasons})."
        )
    return counts


def _sent(publisher: Publisher, view: View, call: Call[RowCounts]) -> RowCounts:
    try:
        return publisher.send(call)
    except SyncedDataset as error:
        raise preflight.mirrored(publisher, view.id, error) from error


def delete_row(publisher: Publisher, view: View, row_id: object, timeout: float) -> bool:
    """Delete a row; return whether it was there.

    The row is gone afterwards whoever deleted it: an absent row, and the 404 of a call that is sent again
    after a lost reply, are no errors.
    """
    if find_row(publisher, view, row_id, timeout) is None:
        return False
    if single_rows.fits_address(row_id):
        call = single_rows.delete(view.id, row_id)
    else:
        call = rows.upsert(view.id, single_rows.deletion(row_id, key=key_of(view)), keyed=True)
    try:
        _sent(publisher, view, call)
    except NotFound:
        publisher.log(f"Row {row_id!r} of {view.id} is gone already.")
    if find_row(publisher, view, row_id, timeout) is not None:
        raise RowCountMismatch(f"Row {row_id!r} of {view.id} was deleted, and the portal shows it.")
    return True
