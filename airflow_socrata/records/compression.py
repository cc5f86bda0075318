"""Gzip in both directions, by ISA-L where the extra ``fast`` is installed, else by zlib."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from airflow_socrata.records.errors import RecordsError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BLOCK_BYTES", "Compressor", "compressor", "gunzip"]

#: How much is read and looked at in one go: it fits a processor's cache, and larger blocks were no faster.
BLOCK_BYTES = 128 * 1024

GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WBITS = 31

_engine: Any = zlib
_damage: list[type[Exception]] = [zlib.error]
try:
    from isal import isal_zlib
except ImportError:
    pass
else:
    _engine = isal_zlib
    _damage.append(cast("type[Exception]", isal_zlib.error))


class Compressor(Protocol):
    """The two methods of zlib's compression objects."""

    def compress(self, data: bytes, /) -> bytes:
        """Take some more bytes."""

    def flush(self) -> bytes:
        """End the stream."""


def compressor() -> Compressor:
    """Begin a gzip stream at level 1: rows shrink five-fold, and higher levels cost more than they save."""
    made: Compressor = _engine.compressobj(1, zlib.DEFLATED, _GZIP_WBITS)
    return made


def gunzip(blocks: Iterator[bytes], source: str) -> Iterator[bytes]:
    """Inflate a gzip file, which may have several members, in bounded pieces.

    :param source: name for messages
    :raises RecordsError: the file is damaged or ends too early
    """
    stream = _engine.decompressobj(_GZIP_WBITS)
    read = 0
    for block in blocks:
        read += len(block)
        data = block
        while data:
            if stream.eof:
                data = data.lstrip(b"\0")
                if not data:
                    break
                if not GZIP_MAGIC.startswith(data[:2]):
                    problem = (
                        "something that is not gzip follows the end of the gzip data; make the file again"
                    )
                    raise RecordsError(problem, source=source)
                stream = _engine.decompressobj(_GZIP_WBITS)
            try:
                yield from _inflate(stream, data)
            except tuple(_damage) as error:
                problem = f"the gzip data is damaged before byte {read}: {error}; make the file again"
                raise RecordsError(problem, source=source) from None
            data = stream.unused_data
    if not stream.eof:
        problem = f"the gzip file ends too early, after {read} bytes: it is truncated; make or fetch it again"
        raise RecordsError(problem, source=source)


def _inflate(stream: Any, data: bytes) -> Iterator[bytes]:
    while True:
        text = stream.decompress(data, BLOCK_BYTES)
        if text:
            yield text
        data = stream.unconsumed_tail
        if stream.eof or (not data and len(text) < BLOCK_BYTES):
            return
