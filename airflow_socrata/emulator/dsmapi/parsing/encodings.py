"""Which encoding a text file is in."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from airflow_socrata.emulator.dsmapi.parsing.model import UnparsableFile

if TYPE_CHECKING:
    from pathlib import Path

_MARKS = (
    (codecs.BOM_UTF8, "utf8"),
    (codecs.BOM_UTF16_LE, "utf16"),
    (codecs.BOM_UTF16_BE, "utf16"),
)
_PIECE = 1 << 20


def encoding_of(path: Path, asked: str | None) -> str:
    """Return the encoding to read a text file in: the one asked for, else a guess.

    :raises UnparsableFile: there is no such encoding, or the bytes are no text in it.
    """
    with path.open("rb") as opened:
        start = opened.read(4096)
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    if marked != "utf16" and _is_binary(start, asked):
        raise UnparsableFile("The file is not text: it has zero bytes or is a binary format")
    if asked is None:
        return marked or ("utf8" if _fault(path, "utf8") is None else _western(path))
    try:
        codecs.lookup(asked)
    except LookupError:
        raise UnparsableFile(f"There is no encoding {asked!r}") from None
    fault = _fault(path, asked)
    if fault is not None:
        raise UnparsableFile(f"The file is not {asked}: {fault}")
    return asked


def codec_of(encoding: str) -> str:
    """Return the codec that also drops a byte order mark."""
    name = codecs.lookup(encoding).name
    return "utf-8-sig" if name == "utf-8" else name


def _is_binary(start: bytes, asked: str | None) -> bool:
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"%PDF-")):
        return True
    wide = asked is not None and asked.lower().replace("-", "").startswith(("utf16", "utf32"))
    return b"\x00" in start and not wide


def _western(path: Path) -> str:
    return "windows-1252" if _fault(path, "windows-1252") is None else "iso-8859-1"


def _fault(path: Path, encoding: str) -> str | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    place = 0
    with path.open("rb") as opened:
        while True:
            piece = opened.read(_PIECE)
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                return f"{error.reason} near byte {place + error.start}"
            if not piece:
                return None
            place += len(piece)
