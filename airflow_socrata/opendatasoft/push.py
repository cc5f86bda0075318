"""Pushing records to a realtime resource: batches by bytes, and the calls that send them.

This is the one API of the vendor's whose key stands in the address. It is added below everything that logs
addresses, and shows in no error.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from airflow_socrata.client.errors import ConfigurationError, Interrupted, PortalError
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.parsing import shape, text
from airflow_socrata.opendatasoft.bodies import object_of, piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_socrata.client.session import PortalSession
    from airflow_socrata.opendatasoft.models import Resource

BASE = "/api/push/1.0"
#: What one call takes: 5 MB.
LIMIT_BYTES = 5_000_000
#: Records that are serialised together: one by one takes half as much time again.
_GROUP = 128
_ADDRESS = re.compile(r"/api/push/1\.0/([^/]+)/([^/]+)/push/?$")

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PushTarget:
    """A realtime resource.

    :param dataset_id: the dataset id, not the uid.
    :param resource: the name that the portal shows in the push address, e.g. ``realtime``.
    :param key: of the resource, not an API key.
    """

    dataset_id: str
    resource: str
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.key:
            raise ConfigurationError("the push key is missing: the portal shows it beside the push address")


def target_of(resource: Resource) -> PushTarget:
    """Read the push address, with its key, of a realtime resource.

    :raises ConfigurationError: if it shows none, or one of another form.
    """
    url = text(resource.raw.get("url")) or ""
    found = _ADDRESS.search(urlsplit(url).path)
    key = parse_qs(urlsplit(url).query).get("pushkey", [""])[0]
    if found is None or not key:
        raise ConfigurationError(
            f"resource {resource.title!r} shows no push address with a key: is it a realtime resource? The"
            " Management API shows none of any; the Automation API does"
        )
    return PushTarget(unquote(found.group(1)), unquote(found.group(2)), key)


@dataclass(frozen=True, slots=True)
class PushBatch:
    """Records for one call.

    :param first: number of its first record, from 1.
    :param body: the whole request body.
    """

    number: int
    first: int
    records: int
    body: bytes = field(repr=False)

    @property
    def last(self) -> int:
        """Number of its last record, from 1."""
        return self.first + self.records - 1


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was pushed."""

    records: int = 0
    calls: int = 0
    body_bytes: int = 0


class PushIncomplete(PortalError):
    """Some batches were pushed, one was not.

    :ivar pushed: what the portal has confirmed.
    :ivar cause: the failure of the one that was not.
    """

    default_advice = "push again from the record named; records that came before replace themselves"

    def __init__(self, problem: str = "", *, pushed: Pushed, cause: PortalError, **details: Any) -> None:
        super().__init__(problem, **details)
        self.pushed = pushed
        self.cause = cause
        self.permanent = cause.permanent


def batches(
    records: Iterable[Record], *, limit: int = LIMIT_BYTES, most_records: int | None = None
) -> Iterator[PushBatch]:
    """Serialise records, as many into one body as the limit takes.

    :param limit: bytes of a whole body.
    :param most_records: of one body; None: as many as fit.
    :raises ConfigurationError: for a record that is larger than the limit, or that cannot be JSON.
    """
    size = min(_GROUP, most_records or _GROUP)
    waiting = iter(records)
    batch = _Batch(limit, most_records)
    while group := list(islice(waiting, size)):
        for rows, data in _serialised(group, batch.seen + 1, limit):
            if not batch.fits(rows, data):
                yield batch.take()
            batch.add(rows, data)
    if batch.rows:
        yield batch.take()


class _Batch:
    """The batch that is being filled."""

    def __init__(self, limit: int, most_records: int | None) -> None:
        self._limit = limit
        self._most = most_records
        self._parts: list[bytes] = []
        self._bytes = 2
        self._number = 0
        self.rows = 0
        self.seen = 0

    def fits(self, rows: int, data: bytes) -> bool:
        if not self.rows:
            return True
        too_many = self._most is not None and self.rows + rows > self._most
        return not too_many and self._bytes + len(data) + 1 <= self._limit

    def add(self, rows: int, data: bytes) -> None:
        self._parts.append(data)
        self._bytes += len(data) + 1
        self.rows += rows
        self.seen += rows

    def take(self) -> PushBatch:
        self._number += 1
        body = b"[" + b",".join(self._parts) + b"]"
        taken = PushBatch(self._number, self.seen - self.rows + 1, self.rows, body)
        self._parts, self._bytes, self.rows = [], 2, 0
        return taken


def _serialised(group: Sequence[Record], first: int, limit: int) -> Iterator[tuple[int, bytes]]:
    """Serialise a group, in halves where it is too large for one body; without the brackets."""
    data = _json(group, first)
    if len(data) <= limit:
        yield len(group), data[1:-1]
    elif len(group) == 1:
        raise ConfigurationError(
            f"record {first} takes {len(data) - 2:,} bytes, and one push takes {limit:,}: make it smaller"
        )
    else:
        half = len(group) // 2
        yield from _serialised(group[:half], first, limit)
        yield from _serialised(group[half:], first + half, limit)


_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=lambda value: _plain(value)
).encode


def _json(group: Sequence[Record], first: int) -> bytes:
    try:
        for record in group:
            if not isinstance(record, Mapping):
                raise TypeError(f"a record is a mapping of field to value, not a {type(record).__name__}")
        return _encode(group).encode()
    except (TypeError, ValueError) as error:
        if len(group) == 1:
            raise ConfigurationError(f"record {first} cannot be sent as JSON: {error}") from None
    for number, record in enumerate(group, first):
        _json([record], number)  # finds the one
    raise ConfigurationError(f"records {first} to {first + len(group) - 1} cannot be sent as JSON")


def _plain(value: Any) -> Any:
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def file_value(content: bytes, content_type: str) -> dict[str, str]:
    """Make the value of a field of type file."""
    return {"content": base64.b64encode(content).decode("ascii"), "content-type": content_type}


def push(target: PushTarget, batch: PushBatch) -> Call[None]:
    """Push a batch. Records with the same id replace each other; without an id, equal records are one."""
    return _post(target, batch, "push", f"push records {batch.first} to {batch.last} to {target.dataset_id}")


def delete_values(target: PushTarget, batch: PushBatch) -> Call[None]:
    """Delete the records that have these values."""
    what = f"delete pushed records {batch.first} to {batch.last} of {target.dataset_id}"
    return _post(target, batch, "delete", what)


def delete_record(target: PushTarget, record_id: str) -> Call[None]:
    """Delete one record by its record id; the portal wants a GET for it."""
    return Call(
        CallKind.PUSH,
        "GET",
        f"{_path(target)}/{piece(record_id)}/delete/",
        _parse,
        f"delete pushed record {record_id} of {target.dataset_id}",
        secret_params=(("pushkey", target.key),),
        if_absent=_ABSENT,
    )


def push_records(
    session: PortalSession,
    target: PushTarget,
    records: Iterable[Record],
    *,
    limit: int = LIMIT_BYTES,
    most_records: int | None = None,
    delete: bool = False,
) -> Pushed:
    """Push all records, batch by batch, or delete those that have these values.

    :param delete: delete them.
    :raises PushIncomplete: if a batch after the first was not taken; the ones before it stay.
    :raises PortalError: if the first was not.
    """
    done = Pushed()
    for batch in batches(records, limit=limit, most_records=most_records):
        try:
            session.send((delete_values if delete else push)(target, batch))
        except Interrupted:
            raise
        except PortalError as error:
            if not done.calls:
                raise
            raise PushIncomplete(
                f"{done.records:,} records are on the portal, record {batch.first:,} and those after it are"
                f" not: {error.brief}",
                summary=f"push to {target.dataset_id}",
                pushed=done,
                cause=error,
                landing=error.landing,
                failure=error.failure,
            ) from error
        done = Pushed(done.records + batch.records, done.calls + 1, done.body_bytes + len(batch.body))
    return done


_ABSENT = "check the dataset id (not the uid), the name of the resource, and that the dataset is published"


def _path(target: PushTarget) -> str:
    return f"{BASE}/{piece(target.dataset_id)}/{piece(target.resource)}"


def _post(target: PushTarget, batch: PushBatch, verb: str, what: str) -> Call[None]:
    return Call(
        CallKind.PUSH,
        "POST",
        f"{_path(target)}/{verb}/",
        _parse,
        what,
        headers=JSON_TYPE,
        body=batch.body,
        secret_params=(("pushkey", target.key),),
        if_absent=_ABSENT,
    )


def _parse(reply: Reply) -> None:
    body = object_of(reply, "the answer to a push")
    if (text(body.get("status")) or "").lower() != "ok":
        raise UnreadableReply(f"the portal did not say OK to the push, but {shape(dict(body))}")
