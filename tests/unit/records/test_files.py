"""Files: where they are, how they are packed, and in which encoding."""

from __future__ import annotations

import gzip
import sys
from typing import TYPE_CHECKING

import pytest
from unit.records.samples import SCHEMA, Memory, csv_rows, json_rows, load, small_blocks

from airflow_socrata.records import FileFormat, FileSource, Guards, RecordsError, batches

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "id,name\n" + "".join(f"k{n},caf\u00e9 {n}\n" for n in range(3000))
LOOSE = Guards(row_by_row=False)


def refused(data: bytes | str, **how: object) -> str:
    with pytest.raises(RecordsError) as caught:
        load(data, **how)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith("events.")
    assert "\n" not in message
    return message


def test_a_local_path_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("id,name\na,b\n", encoding="utf-8")
    for given in (path, str(path)):
        assert csv_rows(batches(FileSource(given), SCHEMA)) == [{"id": "a", "name": "b"}]


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=r"absent\.csv: there is no such file"):
        list(batches(FileSource(tmp_path / "absent.csv"), SCHEMA))
    with pytest.raises(RecordsError, match="cannot be opened"):
        list(batches(FileSource(tmp_path, FileFormat("csv")), SCHEMA))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"),
        ("a.CSV.GZ", "csv"),
        ("a.b.tsv", "tsv"),
        ("dir.csv/a.json", "json"),
        ("a.jsonl", "jsonl"),
        ("a.ndjson.gz", "jsonl"),
    ],
)
def test_the_name_tells_the_format(name: str, kind: str) -> None:
    assert FileSource(name).kind == kind


def test_the_name_of_an_address_keeps_no_secret() -> None:
    source = FileSource("https://me:pass@example.gov/a/events.csv.gz?X-Amz-Signature=secret#x")
    assert (source.name, source.kind) == ("https://me@example.gov/a/events.csv.gz", "csv")
    assert FileSource("s3://aws@bucket/a?b.csv").name == "s3://aws@bucket/a?b.csv"


def test_a_name_that_does_not_tell_needs_the_format() -> None:
    with pytest.raises(RecordsError, match="format='csv'"):
        batches(FileSource("events.parquet"), SCHEMA)
    assert FileSource("events.dat", FileFormat("csv")).kind == "csv"


@pytest.mark.parametrize("engine", ["isal", "zlib"])
def test_gzip_is_recognised_with_any_number_of_members(
    engine: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    _use(engine, monkeypatch)
    raw = TEXT.encode()
    members = gzip.compress(raw[:1000]) + gzip.compress(b"") + gzip.compress(raw[1000:]) + b"\0" * 512
    whole = csv_rows(load(raw))
    with small_blocks(997):
        assert csv_rows(load(members, at_most=13)) == whole
    assert csv_rows(load(members, compression="gzip")) == whole


@pytest.mark.parametrize("engine", ["isal", "zlib"])
def test_damaged_gzip_is_refused(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(engine, monkeypatch)
    packed = gzip.compress(TEXT.encode(), mtime=0)
    for cut in (len(packed) - 1, len(packed) - 9, len(packed) // 2, 12, 3):
        assert "truncated" in refused(packed[:cut])
    wrong_sum = packed[:-8] + bytes(4) + packed[-4:]
    assert "damaged" in refused(wrong_sum)
    assert "not gzip follows" in refused(packed + b"more")
    assert "damaged" in refused(TEXT, compression="gzip")


def test_gzip_is_recognised_byte_by_byte() -> None:
    assert csv_rows(load(gzip.compress(b"id,name\na,b\n"), at_most=1)) == [{"id": "a", "name": "b"}]


def test_gzip_may_be_left_alone() -> None:
    assert "0x8b at offset 1" in refused(gzip.compress(TEXT.encode()), compression=None)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32"]
)
def test_any_encoding_arrives_as_utf_8(encoding: str) -> None:
    with small_blocks(501):
        loaded = load(TEXT.encode(encoding), encoding=encoding, at_most=7)
    assert b"".join(batch.data for batch in loaded) == TEXT.encode()


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    (batch,) = load(b"\xef\xbb\xbfid,name\na,b\n", at_most=1)
    assert batch.data == b"id,name\na,b\n"
    (batch,) = load(b'\xef\xbb\xbf[{"id":"a"}]', name="events.json", at_most=1)
    assert json_rows([batch]) == [{"id": "a"}]


@pytest.mark.parametrize("guards", [Guards(), LOOSE])
@pytest.mark.parametrize("block", [5, 2**18])
def test_a_wrong_encoding_is_refused_with_line_and_byte(guards: Guards, block: int) -> None:
    data = b"id,name\na,b\nb,caf\xe9\nc,d\n"
    with small_blocks(block):
        message = refused(data, guards=guards)
    assert message.startswith("events.csv, line 3: byte 0xe9 at offset 17 is not utf-8")
    with small_blocks(block):
        message = refused(data, encoding="ascii")
    assert message.startswith("events.csv, line 3: byte 0xe9 at offset 17 is not ascii")
    with small_blocks(block):
        message = refused(b'[{"id":"a"},\n{"id":"\xe9"}]', name="events.json")
    assert message.startswith("events.json, line 2: byte 0xe9 at offset 20 is not utf-8")


def test_other_kinds_of_files_are_recognised() -> None:
    assert "encoding='utf-16'" in refused(TEXT.encode("utf-16"))
    assert "Excel" in refused(b"PK\x03\x04" + bytes(100))
    assert "no encoding 'utf-9'" in refused(TEXT, encoding="utf-9")


def test_a_file_cut_inside_a_character_is_refused() -> None:
    assert "line 2" in refused("id,name\na,caf\u00e9".encode()[:-1])
    assert "line 2" in refused("id,name\na,b".encode("utf-16-le")[:-1], encoding="utf-16-le")


def test_words_that_mean_nothing_are_refused() -> None:
    for wrong in ({"format": "xml"}, {"compression": "zip"}, {"null_marks": "NA"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            FileFormat(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="extra_columns"):
        Guards(extra_columns="drop")  # type: ignore[arg-type]


def test_a_delimiter_is_one_character() -> None:
    assert "delimiter is one ASCII character" in refused("id||name\n", delimiter="||")
    assert "both" in refused("id,name\n", delimiter='"')


def test_the_file_is_closed_when_the_load_stops_early() -> None:
    opened = []

    class Watched(Memory):
        def open(self, mode: str) -> object:  # type: ignore[override]
            opened.append(super().open(mode))
            return opened[-1]

    loaded = batches(FileSource(Watched(TEXT.encode())), SCHEMA)
    next(loaded)
    loaded.close()
    assert [file.closed for file in opened] == [True]


def _use(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_socrata.records import compression

    if engine == "isal":
        isal_zlib = pytest.importorskip("isal.isal_zlib")
        monkeypatch.setattr(compression, "_engine", isal_zlib)
    else:
        monkeypatch.setattr(compression, "_engine", sys.modules["zlib"])
