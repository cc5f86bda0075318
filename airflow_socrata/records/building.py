"""Growing one request body at a time, within the limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.records.batch import Batch
from airflow_socrata.records.compression import BLOCK_BYTES, compressor

if TYPE_CHECKING:
    from airflow_socrata.records.batch import BatchLimits

__all__ = ["BatchBuilder", "BodyKind"]


@dataclass(frozen=True, slots=True)
class BodyKind:
    """What stands around and between the rows of a body."""

    content_type: str
    before: bytes
    between: bytes
    after: bytes


class BatchBuilder:
    """Takes rows and gives batches; it holds one.

    :param compress: gzip the body as it grows
    """

    def __init__(self, kind: BodyKind, limits: BatchLimits, *, compress: bool) -> None:
        self._kind = kind
        self._limits = limits
        self._compress = compress
        self._number = 0
        self._sent = 0
        self._begin()

    @property
    def rows(self) -> int:
        """Rows held now."""
        return self._rows

    @property
    def full(self) -> bool:
        """Whether no further row fits."""
        return bool(self._rows) and (self.room_rows <= 0 or self.room_bytes <= 0)

    @property
    def finished(self) -> int:
        """How many batches were given."""
        return self._number

    @property
    def room_rows(self) -> int:
        """How many rows still fit."""
        return self._limits.rows - self._rows

    @property
    def room_bytes(self) -> int:
        """How many bytes of rows still fit; may be negative."""
        return self._limits.bytes - self._size - len(self._kind.after)

    def fits(self, size: int) -> bool:
        """Whether that many bytes more, or at least one row, fit."""
        return not self._rows or (self.room_rows > 0 and len(self._kind.between) + size <= self.room_bytes)

    def add(self, data: bytes, *, rows: int = 1, deletes: int = 0) -> None:
        """Take rows that fit."""
        if self._rows:
            self._write(self._kind.between)
        self._write(data)
        self._rows += rows
        self._deletes += deletes

    def finish(self) -> Batch:
        """Give the batch, and begin the next."""
        self._write(self._kind.after)
        self._flush(final=True)
        first = self._sent + 1
        self._number += 1
        self._sent += self._rows
        batch = Batch(
            number=self._number,
            rows=self._rows,
            deletes=self._deletes,
            data=b"".join(self._parts),
            content_type=self._kind.content_type,
            content_encoding="gzip" if self._compress else None,
            first_row=first,
            last_row=self._sent,
        )
        self._begin()
        return batch

    def _begin(self) -> None:
        self._rows = self._deletes = self._size = self._waiting_size = 0
        self._parts: list[bytes] = []
        self._waiting: list[bytes] = []
        self._stream = compressor() if self._compress else None
        self._write(self._kind.before)

    def _write(self, data: bytes) -> None:
        self._size += len(data)
        self._waiting.append(data)
        self._waiting_size += len(data)
        if self._waiting_size >= BLOCK_BYTES:
            self._flush()

    def _flush(self, *, final: bool = False) -> None:
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_size = 0
        if self._stream is None:
            self._parts.append(data)
            return
        self._parts.append(self._stream.compress(data))
        if final:
            self._parts.append(self._stream.flush())
