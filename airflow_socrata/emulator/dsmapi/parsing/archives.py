"""Zip archives, as shape files, KMZ and XLSX come in them."""

from __future__ import annotations

import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_socrata.emulator.dsmapi.parsing.model import UnparsableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What an archive may hold unpacked, for it is unpacked into memory.
LARGEST = 1 << 30


@contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive.

    :raises UnparsableFile: it is none, is damaged, encrypted, or unpacks to more than ``LARGEST`` bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise UnparsableFile(f"The archive unpacks to more than {LARGEST >> 20} MiB")
            yield archive
    except zipfile.BadZipFile as error:
        raise UnparsableFile(f"The file is no zip archive: {error}") from None
    except (zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise UnparsableFile(f"The archive cannot be unpacked: {error}") from None
