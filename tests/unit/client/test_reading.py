"""Reading against the emulator: queries, exports into files, SODA 3, the catalog."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from airflow_socrata.client import (
    ConfigurationError,
    InvalidRequest,
    PermissionDenied,
    PortalSession,
    catalog,
    exports,
    query,
    rows,
)
from airflow_socrata.client.multipart import FileSink

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_socrata.client import Call
    from airflow_socrata.emulator import Emulator

COLUMNS = [
    {"name": "Stop, id", "fieldName": "stop_id", "dataTypeName": "text"},
    {"name": "Riders", "fieldName": "riders", "dataTypeName": "number"},
    {"name": "Place", "fieldName": "place", "dataTypeName": "point"},
]
ROWS = [
    {"stop_id": f"s{n}", "riders": n, "place": {"type": "Point", "coordinates": [n, 64.0]}}
    for n in range(1, 8)
]


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    emulator.admin.create_dataset("stop-2222", "Stops & more", COLUMNS, "stop_id", ROWS)
    return emulator


@pytest.fixture
def download(client: PortalSession, tmp_path: Path) -> Callable[..., bytes]:
    """``download(make)`` sends the call that ``make(sink)`` builds and returns the file."""

    def run(make: Callable[[FileSink], Call[None]]) -> bytes:
        with (tmp_path / "out").open("w+b") as file:
            client.send(make(FileSink(file)))
        return (tmp_path / "out").read_bytes()

    return run


# --- SODA 2 ---


def test_queries(client: PortalSession) -> None:
    page = client.send(rows.query("stop-2222", "select stop_id where riders > 5 order by riders desc"))
    assert [row["stop_id"] for row in page.rows] == ["s7", "s6"]
    grouped = client.send(
        rows.select("stop-2222", "riders > 3 as busy, count(*)", group="busy", having="count(*) > 3")
    )
    assert grouped.rows == [{"busy": True, "count": "4"}]
    assert [row["stop_id"] for row in client.send(rows.select("stop-2222", search="s3")).rows] == ["s3"]


# --- exports ---


def test_an_export_has_display_names(download: Callable[..., bytes]) -> None:
    table = list(csv.reader(io.StringIO(download(lambda to: exports.view("stop-2222", "csv", to)).decode())))
    assert table[0] == ["Stop, id", "Riders", "Place"]
    assert len(table) == 8
    marked = download(lambda to: exports.view("stop-2222", "csv", to, bom=True, formatted=True))
    assert marked.startswith(b"\xef\xbb\xbf")
    some = download(lambda to: exports.view("stop-2222", "tsv", to, query="select riders where riders = 2"))
    assert some.decode() == '"Riders"\n"2"\n'


def test_an_export_as_json_and_xml(download: Callable[..., bytes]) -> None:
    body = json.loads(download(lambda to: exports.view("stop-2222", "json", to)))
    assert body["meta"]["view"]["name"] == "Stops & more"
    names = [column["fieldName"] for column in body["meta"]["view"]["columns"]]
    assert [dict(zip(names, row, strict=True))["stop_id"] for row in body["data"]] == [
        r["stop_id"] for r in ROWS
    ]
    tree = ElementTree.fromstring(download(lambda to: exports.view("stop-2222", "xml", to)))
    assert [each.text for each in tree.iter("riders")] == [str(row["riders"]) for row in ROWS]
    rdf = ElementTree.fromstring(download(lambda to: exports.view("stop-2222", "rdf", to)))
    assert len(rdf) == 7


def test_rows_as_files(download: Callable[..., bytes]) -> None:
    table = download(lambda to: exports.rows("stop-2222", "csv", to, query="select stop_id, riders limit 1"))
    assert table.decode().splitlines()[0] == '"stop_id","riders"'
    shapes = json.loads(download(lambda to: exports.rows("stop-2222", "geojson", to)))
    assert [f["geometry"]["coordinates"][0] for f in shapes["features"]] == list(range(1, 8))
    for form in ("xml", "rdf"):
        assert b"s7" in download(lambda to, form=form: exports.rows("stop-2222", form, to))
    with pytest.raises(ConfigurationError, match="format 'xlsx' is unknown: use one of csv, json"):
        exports.view("stop-2222", "xlsx", FileSink(io.BytesIO()))  # type: ignore[arg-type]


def test_an_export_that_breaks_begins_anew(emulator: Emulator, download: Callable[..., bytes]) -> None:
    emulator.admin.add_fault("reset_reply", path="rows.csv", after_bytes=40)
    table = download(lambda to: exports.view("stop-2222", "csv", to)).decode()
    assert table.count("Stop, id") == 1
    assert table.count("\n") == 8


class Blocks:
    """A sink that keeps the sizes of what it is given."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def begin(self) -> None:
        self.sizes = []

    def write(self, block: bytes) -> None:
        self.sizes.append(len(block))


def test_an_export_comes_in_blocks(client: PortalSession, emulator: Emulator) -> None:
    many = [{"stop_id": f"{n:06} " + "x" * 4000} for n in range(500)]
    emulator.admin.create_dataset("many-2222", "Many", ["stop_id"], rows=many)
    calls: list[Callable[[Any], Call[None]]] = [
        lambda to: exports.view("many-2222", "csv", to),
        lambda to: exports.rows("many-2222", "csv", to),
        lambda to: query.export("many-2222", "csv", to),
    ]
    for make in calls:
        sink = Blocks()
        client.send(make(sink))
        assert sum(sink.sizes) > 2_000_000
        assert max(sink.sizes) <= 256 * 2**10


# --- SODA 3 ---


def test_soda3_pages(client: PortalSession) -> None:
    soql = "SELECT stop_id WHERE riders > 1 ORDER BY riders LIMIT 5"
    got = [
        [row["stop_id"] for row in client.send(query.query("stop-2222", soql, page=n, page_size=2))]
        for n in (1, 2, 3, 4)
    ]
    assert got == [["s2", "s3"], ["s4", "s5"], ["s6"], []]
    assert len(client.send(query.query("stop-2222"))) == 7
    by_address = client.send(query.query_by_address("stop-2222", page=2, page_size=4))
    assert [row["stop_id"] for row in by_address] == ["s5", "s6", "s7"]
    assert by_address[0][":id"].startswith("row-")
    for page, size in ((0, 1), (1, 0)):
        with pytest.raises(ConfigurationError, match="pages are counted from 1"):
            query.query("stop-2222", page=page, page_size=size)


def test_soda3_options(client: PortalSession, emulator: Emulator) -> None:
    row = client.send(query.query("stop-2222", "SELECT * LIMIT 1", include_system=True))[0]
    assert {":id", ":version", ":created_at", ":updated_at"} <= set(row)
    options = query.QueryOptions({"least": 3}, timeout=60, ordering="discard")
    found = client.send(query.query("stop-2222", "SELECT * ORDER BY riders DESC", options=options))
    assert [each["stop_id"] for each in found] == [each["stop_id"] for each in ROWS]
    with pytest.raises(ConfigurationError, match="one of total, no_preserve, discard"):
        query.QueryOptions(ordering="none")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match=r"query\.soql\.no-such-column"):
        client.send(query.query("stop-2222", "SELECT nothing"))


def test_soda3_exports(client: PortalSession, download: Callable[..., bytes]) -> None:
    table = download(lambda to: query.export("stop-2222", "csv", to, soql="SELECT riders LIMIT 2"))
    assert table.decode() == '"riders"\n"1"\n"2"\n'
    found = json.loads(
        download(lambda to: query.export("stop-2222", "json", to, serialization={"nulls": "omit"}))
    )
    assert len(found) == 7
    assert ":id" not in found[0]


def test_soda3_wants_a_name(emulator: Emulator, sign_in: Callable[..., PortalSession]) -> None:
    nobody = sign_in(None)
    with pytest.raises(PermissionDenied, match="saw no credentials"):
        nobody.send(query.query("stop-2222"))
    emulator.admin.settings(soda3_anonymous=True)
    assert len(nobody.send(query.query("stop-2222"))) == 7
    emulator.admin.settings(soda3_anonymous=False)
    assert len(sign_in(app_token=emulator.app_token).send(query.query("stop-2222"))) == 7


# --- catalog ---


def test_the_catalog_is_read_page_by_page(client: PortalSession, emulator: Emulator) -> None:
    for n in range(5):
        emulator.admin.create_dataset(f"cat{n + 2}-2222", f"Cat {n}", ["a"])
    found = list(catalog.entries(client.send, catalog.Search(only="dataset"), limit=2))
    assert [entry.name for entry in found] == [*(f"Cat {n}" for n in range(5)), "Stops & more"]
    [entry] = client.send(catalog.page(catalog.Search(ids=("stop-2222",)))).entries
    assert entry.columns == {"stop_id": "text", "riders": "number", "place": "point"}
    assert (entry.kind, entry.link) == ("dataset", f"https://{entry.domain}/d/stop-2222")
    assert client.send(catalog.page(catalog.Search(words="stops"))).total == 1
    assert client.send(catalog.page(catalog.Search(only="map"))).total == 0
    assert client.send(catalog.page(catalog.Search(domains=("other.example.gov",)))).total == 0
    here = catalog.Search(domains=(emulator.domain,), context=emulator.domain)
    assert client.send(catalog.page(here, offset=4)).total == 6
    with pytest.raises(ConfigurationError):
        catalog.Search(ids=("no id",))
    with pytest.raises(ConfigurationError):
        catalog.page(here, limit=0)


def test_the_catalog_lags_and_hides_what_is_private(
    client: PortalSession, emulator: Emulator, sign_in: Callable[..., PortalSession]
) -> None:
    emulator.admin.settings(catalog_lag_seconds=600.0)
    assert client.send(catalog.page(catalog.Search())).total == 0
    emulator.admin.advance(601)
    assert client.send(catalog.page(catalog.Search())).total == 1
    emulator.admin.create_dataset("priv-2222", "Private", ["a"], permission="private")
    emulator.admin.advance(601)
    assert [e.id for e in catalog.entries(sign_in(None).send, catalog.Search())] == ["stop-2222"]
