"""Which files are read by offset, and that what is read is what the file gives."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import tempfile
import zipfile
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from airflow_socrata.client.chunks import FileChunks, StreamChunks, opened_chunks

if TYPE_CHECKING:
    from pathlib import Path

DATA = bytes(range(256)) * 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "x.csv"
    file.write_bytes(DATA)
    return file


def read_all(opened: Any, size: int = 1000) -> tuple[type, bytes]:
    with opened_chunks(opened) as chunks:
        chunks.set_size(size)
        parts, buffer = [], memoryview(bytearray(chunks.buffer_size))
        while (taken := chunks.take(buffer)) is not None:
            assert taken.seq == len(parts)
            assert taken.offset == sum(map(len, parts))
            parts.append(bytes(buffer[: taken.length]))
        assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
        return type(chunks), b"".join(parts)


def test_files_of_the_operating_system_are_read_by_offset(path: Path) -> None:
    with path.open("rb") as file, path.open("rb", buffering=0) as raw, path.open("r+b") as both:
        for opened in (path, file, raw, both):
            assert read_all(opened) == (FileChunks, DATA)
    with tempfile.NamedTemporaryFile() as temporary:
        temporary.write(DATA)
        temporary.seek(0)
        assert read_all(temporary) == (FileChunks, DATA)
    with fsspec.open(str(path), "rb") as local:
        assert read_all(local) == (FileChunks, DATA)


def test_object_storage_path_of_a_local_file_is_read_by_offset(path: Path) -> None:
    try:
        from airflow.sdk import ObjectStoragePath
    except ImportError:
        from airflow.io.path import ObjectStoragePath
    assert read_all(ObjectStoragePath(f"file://{path}")) == (FileChunks, DATA)


class Wrapper:
    """What looks like a wrapper of tempfile's, but gives other bytes than the file in it."""

    def __init__(self, file: Any) -> None:
        self.file = self.f = file

    def fileno(self) -> int:
        return int(self.file.fileno())

    def read(self, size: int) -> bytes:
        return bytes(byte ^ 1 for byte in self.file.read(size))


class Swapping(io.FileIO):
    """A file that reads in its own way."""

    def read(self, size: int = -1) -> bytes:
        return bytes(byte ^ 1 for byte in super().read(size) or b"")


def test_files_that_give_other_bytes_than_stand_in_them_are_read_in_order(path: Path) -> None:
    """They have a descriptor too, but that of other bytes."""
    other = bytes(byte ^ 1 for byte in DATA)
    packed = path.with_suffix(".gz")
    packed.write_bytes(gzip.compress(DATA))
    archive = path.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("x.csv", DATA)
    with gzip.open(packed) as one, fsspec.open(str(packed), "rb", compression="gzip") as two:
        assert read_all(one) == (StreamChunks, DATA)
        assert read_all(two) == (StreamChunks, DATA)
    with zipfile.ZipFile(archive) as opened, opened.open("x.csv") as three:
        assert read_all(three) == (StreamChunks, DATA)
    with path.open("rb") as inner:
        assert read_all(Wrapper(inner)) == (StreamChunks, other)
    with Swapping(path) as swapping:
        assert read_all(swapping) == (StreamChunks, other)
    assert read_all(bz2.BZ2File(io.BytesIO(bz2.compress(DATA)))) == (StreamChunks, DATA)


def test_pipe_is_read_in_order() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as into:
        into.write(DATA)
    with os.fdopen(reading, "rb") as pipe:
        assert read_all(pipe) == (StreamChunks, DATA)


@pytest.mark.parametrize("size", [1, 999, 65_535, 65_536, 65_537, 131_072, 200_000])
def test_streams_of_any_size(size: int) -> None:
    data = os.urandom(size)
    assert read_all(io.BytesIO(data), 65_536) == (StreamChunks, data)
    assert read_all(io.BytesIO(data), 300_000) == (StreamChunks, data)


def test_number_of_chunks_of_a_stream_is_known_only_if_it_is_short() -> None:
    for size, expected in ((10, 1), (60_000, 2), (200_000, None)):
        with opened_chunks(io.BytesIO(bytes(size))) as chunks:
            chunks.set_size(50_000)
            assert chunks.count == expected
