"""Opening a file, and giving its text as blocks of UTF-8."""

from __future__ import annotations

import codecs
import itertools
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow_socrata.records.compression import BLOCK_BYTES, GZIP_MAGIC, gunzip
from airflow_socrata.records.errors import RecordsError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from airflow_socrata.records.source import FileSource

__all__ = ["decode_error", "is_packed", "is_utf8", "text_blocks"]

_OTHER_MARKS = {
    codecs.BOM_UTF16_LE: "it starts with a UTF-16 byte-order mark; say encoding='utf-16'",
    codecs.BOM_UTF16_BE: "it starts with a UTF-16 byte-order mark; say encoding='utf-16'",
    b"PK\x03\x04": "it is a zip or Excel file, not text; save it as CSV",
}


def text_blocks(source: FileSource) -> Generator[bytes, None, None]:
    """Give a file's text as blocks of UTF-8, never the whole of it.

    A file said to be UTF-8 goes through untouched, byte-order mark and all: its reader finds wrong bytes.
    Any other encoding is decoded here.

    :raises RecordsError: the file is missing, empty, cannot be opened, is damaged, or is not in its encoding
    """
    with closing(_raw_blocks(source)) as raw:
        blocks = _unpacked(raw, source)
        if not is_utf8(source):
            blocks = _transcoded(blocks, source)
        first = _at_least(4, blocks)
        for mark, hint in _OTHER_MARKS.items():
            if first.startswith(mark):
                raise RecordsError(hint, source=source.name)
        if not first.removeprefix(codecs.BOM_UTF8):
            raise RecordsError("the file is empty", source=source.name)
        yield first
        yield from blocks


def is_utf8(source: FileSource) -> bool:
    """Whether the file's bytes may go over the wire as they are.

    :raises RecordsError: there is no such encoding
    """
    try:
        return codecs.lookup(source.format.encoding).name in {"utf-8", "utf-8-sig"}
    except LookupError:
        problem = f"there is no encoding {source.format.encoding!r}; name one, such as 'cp1252'"
        raise RecordsError(problem, source=source.name) from None


def is_packed(source: FileSource) -> bool:
    """Whether the file is gzipped: as it is said to be, else by its first bytes.

    :raises RecordsError: the file is missing or cannot be opened
    """
    if source.format.compression != "infer":
        return source.format.compression == "gzip"
    with _opened(source) as file:
        return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def decode_error(
    error: UnicodeDecodeError, encoding: str, *, source: str, line: int, offset: int
) -> RecordsError:
    """Say which byte is wrong.

    :param line: physical line on which ``error.object`` starts
    :param offset: how many bytes of text came before ``error.object``
    """
    line += error.object.count(b"\n", 0, error.start)
    wrong = error.object[error.start : error.start + 1].hex()
    problem = (
        f"byte 0x{wrong} at offset {offset + error.start} is not {encoding} ({error.reason}); "
        "say which encoding the file has, such as encoding='cp1252'"
    )
    return RecordsError(problem, source=source, line=line)


def _raw_blocks(source: FileSource) -> Generator[bytes, None, None]:
    with _opened(source) as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _opened(source: FileSource) -> IO[bytes]:
    path: Any = source.path
    if not hasattr(path, "open"):
        path = Path(path)
    try:
        opened: IO[bytes] = path.open("rb")
    except FileNotFoundError:
        raise RecordsError("there is no such file", source=source.name) from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        problem = f"the file cannot be opened: {error.strerror or error}"
        raise RecordsError(problem, source=source.name) from None
    return opened


def _at_least(size: int, blocks: Iterator[bytes]) -> bytes:
    """The first bytes, which a file may give one by one."""
    first = next(blocks, b"")
    while len(first) < size and (more := next(blocks, b"")):
        first += more
    return first


def _unpacked(blocks: Iterator[bytes], source: FileSource) -> Iterator[bytes]:
    first = _at_least(len(GZIP_MAGIC), blocks)
    packed = source.format.compression == "gzip"
    if source.format.compression == "infer":
        packed = first.startswith(GZIP_MAGIC)
    whole = itertools.chain([first], blocks)
    return gunzip(whole, source.name) if packed and first else whole


def _transcoded(blocks: Iterator[bytes], source: FileSource) -> Iterator[bytes]:
    encoding = source.format.encoding
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    read = 0
    for block in itertools.chain(blocks, [b""]):
        pending = len(decoder.getstate()[0]) if read else 0
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            place = read - pending
            raise decode_error(error, encoding, source=source.name, line=line, offset=place) from None
        except UnicodeError as error:
            raise RecordsError(f"the text is not {encoding}: {error}", source=source.name) from None
        read += len(block)
        line += text.count("\n")
        if text:
            yield text.encode()
