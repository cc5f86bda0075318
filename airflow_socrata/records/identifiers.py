"""One row identifier may stand once in a batch, or several times with the same values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.records.errors import RecordsError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from airflow_socrata.records.csv_scanner import Chunk

__all__ = ["Entry", "Identifiers", "clash"]

#: Identity of a row, the line it starts on, and the row as it is sent.
Entry = tuple["Hashable", int, bytes]


class Identifiers:
    """The row identifiers of one batch.

    Identities come in whole columns and cost one set; rows are compared only where one comes twice.

    :param entries: reads a chunk row by row, for that comparison
    :param column: name of the row identifier's column, for messages
    """

    def __init__(self, entries: Callable[[Chunk], Iterable[Entry]], *, source: str, column: str) -> None:
        self._entries = entries
        self._source = source
        self._column = column
        self._seen: set[Hashable] = set()
        self._count = 0
        self._log: list[Chunk | Entry | tuple[()]] = []

    def add(self, identities: Sequence[Hashable], seen: Chunk | Entry | tuple[()]) -> None:
        """Take rows, and where they can be looked at again; rows without identities are passed over."""
        if identities:
            self._seen.update(identities)
            self._count += len(identities)
            self._log.append(seen)

    def finish(self) -> None:
        """End the batch.

        :raises RecordsError: one identifier stands twice with different values
        """
        if len(self._seen) < self._count:
            self._compare()
        self._seen.clear()
        self._log.clear()
        self._count = 0

    def _compare(self) -> None:
        first: dict[Hashable, tuple[int, bytes]] = {}
        for identity, line, row in self._rows():
            earlier, values = first.setdefault(identity, (line, row))
            if values != row:
                raise clash(self._source, self._column, identity, line=line, earlier=f"line {earlier}")

    def _rows(self) -> Iterator[Entry]:
        for entry in self._log:
            if not isinstance(entry, tuple):
                yield from self._entries(entry)
            elif entry:
                yield entry


def clash(
    source: str,
    column: str,
    identity: Hashable,
    *,
    earlier: str,
    line: int | None = None,
    row: int | None = None,
) -> RecordsError:
    """Say that one identifier stands twice with different values."""
    shown = identity.decode(errors="replace") if isinstance(identity, bytes) else str(identity)
    problem = (
        f"the row identifier {shown!r} is also on {earlier}, with other values, in the same batch; "
        "keep the row that is meant"
    )
    return RecordsError(problem, source=source, line=line, row=row, column=column)
