"""Zip archives, as shape files, KMZ and XLSX come in them."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING

from airflow_socrata.emulator.dsmapi.parsing.model import UnparsableFile

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

# What an archive may hold unpacked, for it is unpacked into memory.
LARGEST = 1 << 30

# What damaged archives make the library raise.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, KeyError)


def unpacked(path: Path, endings: Collection[str]) -> dict[str, bytes]:
    """Return an archive's files whose names end in one of some endings, by name.

    :param endings: in lower case.
    :raises UnparsableFile: it is none, is damaged, encrypted, or unpacks to more than ``LARGEST`` bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise UnparsableFile(f"The archive unpacks to more than {LARGEST >> 20} MiB")
            names = [name for name in archive.namelist() if name.lower().endswith(tuple(endings))]
            return {name: archive.read(name) for name in names}
    except DAMAGED as error:
        raise UnparsableFile(f"The file is no zip archive that can be read: {error}") from None
