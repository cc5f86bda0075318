"""One request body, and how much may be in it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Batch", "BatchLimits"]


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much one request carries at most; a single row larger than that still goes, alone.

    :param rows: rows
    :param bytes: bytes before compression
    """

    rows: int = 10_000
    bytes: int = 8 * 2**20

    def __post_init__(self) -> None:
        if self.rows < 1 or self.bytes < 1:
            raise ValueError(f"a batch holds at least one row and one byte, not {self.rows} and {self.bytes}")


@dataclass(frozen=True, slots=True)
class Batch:
    """One request body, ready to send.

    :param number: the first batch is 1
    :param rows: rows in it, deletes included
    :param deletes: rows that ask for a delete
    :param data: the body as it goes over the wire
    :param content_type: ``text/csv`` or ``application/json``
    :param content_encoding: ``gzip`` or None
    :param first_row: number of its first row in the source, the first of all being 1
    :param last_row: number of its last row
    """

    number: int
    rows: int
    deletes: int
    data: bytes = field(repr=False)
    content_type: str
    content_encoding: str | None
    first_row: int
    last_row: int

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the body before compression; computed on each call."""
        import gzip
        import hashlib

        data = gzip.decompress(self.data) if self.content_encoding == "gzip" else self.data
        return hashlib.sha256(data).hexdigest()
