"""Rows of a table are counted without being kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_socrata.records import FileFormat, FileSource, RecordsError
from airflow_socrata.records.counting import count_table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("body", "name", "rows"),
    [
        (b"a,b\n1,2\n3,4", "t.csv", 2),
        (b"a,b\r\n1,2\r\n\r\n3,4\r\n", "t.csv", 2),
        (b'a,b\n1,"x\ny"\n2,"say ""hi"""\n', "t.csv", 2),
        (b"a,b\n1\n2,3,4\n", "t.csv", 2),
        (b'a\tb\n1\t"x\ny"\n', "t.tsv", 1),
        (b"a\tb\n1\t2,3\n", "t.tsv", 1),
        (b"a,b\n", "t.csv", 0),
        ("a,b\n1,þ\n".encode(), "t.csv", 1),
        (b'a,b\n1,5" pipe\n2,3\n', "t.csv", 2),
        (b"a,b\n" + b"1,2\n" * 300_000, "t.csv", 300_000),
    ],
)
def test_rows(tmp_path: Path, body: bytes, name: str, rows: int) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    counted = count_table(FileSource(path))
    assert (counted.names, counted.rows) == (("a", "b"), rows)


@pytest.mark.parametrize(
    ("body", "problem"),
    [(b"", "the file is empty"), (b'a\n"1\n', "never closed"), (b"a\n\xff\n", "is not utf-8")],
)
def test_refusals(tmp_path: Path, body: bytes, problem: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(body)
    with pytest.raises(RecordsError, match=problem):
        count_table(FileSource(path))


def test_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("nafn\nÞór\n".encode("utf-16"))
    assert count_table(FileSource(path, FileFormat(encoding="utf-16"))).rows == 1
