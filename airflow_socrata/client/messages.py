"""What goes to a portal and what comes back: calls and replies, without I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")

#: The header of a JSON body, and that of a form.
JSON_TYPE = (("Content-Type", "application/json"),)
FORM_TYPE = (("Content-Type", "application/x-www-form-urlencoded"),)


class CallKind(Enum):
    """What a call does on the portal: the row of the retry table."""

    READ = "read"
    COPY = "copy"
    PUBLISH = "publish"
    DISCARD = "discard"
    METADATA = "metadata"
    MERGED = "metadata merged with what was read"
    ROWS_KEYED = "rows by row identifier"
    ROWS_UNKEYED = "rows without a row identifier"
    ROWS_REPLACE = "rows replaced"
    REVISION = "create or restore a revision"
    SOURCE = "create a source"
    CHUNK = "chunk of an upload"
    COMMIT = "end of an upload"
    SCHEMA = "create an output schema"
    APPLY = "apply a revision"
    CONFIG = "create or delete a config"
    FILE = "upload a whole file"
    DATASET = "create a dataset"
    PART = "create or delete a part of a dataset"
    RESTORE = "restore a version"
    PUSH = "push records"
    SIGN_IN = "exchange a code"
    KEY = "create or delete an API key"


class StreamedBody(Protocol):
    """A request body that is never whole in memory. Each iteration begins anew, for another sending."""

    def __len__(self) -> int:
        """Bytes in all."""
        ...

    def __iter__(self) -> Iterator[bytes | memoryview]:
        """The blocks; each is good until the next one is asked for."""
        ...


Body = bytes | memoryview | StreamedBody


class ReplySink(Protocol):
    """Where the body of a success goes that is not to be whole in memory."""

    def begin(self) -> None:
        """Forget what came before: this is the first byte, perhaps of another attempt."""
        ...

    def write(self, block: bytes) -> None:
        """Take the next bytes."""
        ...


class UnreadableReply(ValueError):
    """A reply without what its call needs; the message says what is missing."""


class Headers(Mapping[str, str]):
    """Reply headers; names in any case, a repeated header keeps its first value."""

    __slots__ = ("_values",)

    def __init__(self, items: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        pairs = items.items() if isinstance(items, Mapping) else items
        self._values: dict[str, str] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), value)

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._values)})"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of a portal, read to its end and decompressed.

    :param url: the full address that was asked.
    :param sent_request_id: the request id that this side sent.
    :param repeated: an earlier sending of the same request may have been carried out.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = ""
    sent_request_id: str | None = None
    repeated: bool = False

    @property
    def request_id(self) -> str | None:
        """The request id that the portal's logs know: its own if it gave one, else ours."""
        return self.headers.get("X-Socrata-RequestId") or self.sent_request_id

    @property
    def date(self) -> float | None:
        """The portal's clock when it answered, in epoch seconds."""
        return epoch_of_http_date(self.headers.get("Date"))

    def json(self) -> Any:
        """Parse the body as JSON, whatever the content type says.

        :raises UnreadableReply: if the body is empty or no JSON.
        """
        if not self.body.strip():
            raise UnreadableReply("the body is empty")
        try:
            return json.loads(self.body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            kind = self.headers.get("Content-Type", "no content type")
            raise UnreadableReply(f"the body is no JSON ({kind}, {len(self.body)} bytes)") from None


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request to a portal and how its reply is read.

    :param path: path on the portal, without query.
    :param parse: reads a 2xx reply; raises :class:`UnreadableReply`.
    :param summary: what the call does, for logs and errors, e.g. ``copy abcd-1234``.
    :param if_absent: what to do where the portal answers 404, for the error.
    :param secret_params: parameters that end the query on the wire, and show nowhere else.
    :param into: takes the body of a success; ``parse`` then sees an empty one.
    """

    kind: CallKind
    method: str
    path: str
    parse: Callable[[Reply], T] = field(repr=False)
    summary: str
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Body | None = field(default=None, repr=False)
    if_absent: str = ""
    secret_params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    into: ReplySink | None = field(default=None, repr=False)


def epoch_of_http_date(value: str | None) -> float | None:
    """Epoch seconds of an HTTP date, or None if it is absent or no date."""
    if not value:
        return None
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
