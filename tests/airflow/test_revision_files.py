"""Files of every format through a revision: parsed, transformed, applied, and seen by the public."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import Dataset, errors
from portal_harness.revisions import (
    CHANGED,
    LOAD,
    after_upsert,
    assert_applied,
    changes,
    jobs,
    open_revisions,
    revise,
    update_dag,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["changes", "revise"]

BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
HEAD = ["event_id", "street", "lanes"]
TABLE = [[row[name] for name in HEAD] for row in CHANGED]
CSV = "\n".join(",".join(cells) for cells in [HEAD, *TABLE]) + "\n"


def xlsx(sheets: dict[str, list[list[Any]]]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def xls(rows: list[list[Any]]) -> bytes:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    sheet = book.add_sheet("Roads")
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            sheet.write(y, x, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def numbers(table: list[list[Any]]) -> list[list[Any]]:
    return [[event, street, int(lanes)] for event, street, lanes in table]


#: name -> (name of the file, its bytes, arguments of the upload)
FILES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "csv": ("rows.csv", CSV.encode(), {}),
    "csv_with_bom": ("rows.csv", b"\xef\xbb\xbf" + CSV.encode(), {}),
    "csv_crlf": ("rows.csv", CSV.replace("\n", "\r\n").encode(), {}),
    "csv_gz": ("rows.csv.gz", gzip.compress(CSV.encode()), {}),
    "csv_gz_without_suffix": ("rows.csv", gzip.compress(CSV.encode()), {}),
    "csv_latin1": ("rows.csv", CSV.encode("latin-1"), {"parse_options": {"encoding": "latin-1"}}),
    "semicolons": (
        "rows.csv",
        CSV.replace(",", ";").encode(),
        {"parse_options": {"column_separator": ";"}},
    ),
    "two_header_lines": (
        "rows.csv",
        ("made by hand,,\n" + CSV).encode(),
        {"parse_options": {"header_count": 2, "column_header": 2}},
    ),
    "tsv": ("rows.tsv", CSV.replace(",", "\t").encode(), {}),
    "tsv_gz": ("rows.tsv.gz", gzip.compress(CSV.replace(",", "\t").encode()), {}),
    "json": ("rows.json", json.dumps(CHANGED).encode(), {}),
    "xlsx": ("rows.xlsx", lambda: xlsx({"Roads": [HEAD, *numbers(TABLE)]}), {}),
    "xlsx_sheet_by_name": (
        "rows.xlsx",
        lambda: xlsx({"Notes": [["x"], ["y"]], "Roads": [HEAD, *numbers(TABLE)]}),
        {"layer": "Roads"},
    ),
    "xlsx_sheet_by_place": (
        "rows.xlsx",
        lambda: xlsx({"Notes": [["x"], ["y"]], "Roads": [HEAD, *numbers(TABLE)]}),
        {"layer": 1},
    ),
    "xls": ("rows.xls", lambda: xls([HEAD, *numbers(TABLE)]), {}),
    "another_name": ("export.dat", CSV.encode(), {"filename": "rows.csv"}),
    "content_type": ("export.dat", CSV.encode(), {"content_type": "text/csv"}),
    "one_thread": ("rows.csv", CSV.encode(), {"parallelism": 1}),
}


def written(tmp_path: Path, case: str) -> tuple[Path, dict[str, Any]]:
    name, data, arguments = FILES[case]
    path = tmp_path / name
    path.write_bytes(data() if callable(data) else data)
    return path, arguments


@pytest.mark.parametrize("case", FILES)
def test_a_table(dataset: Any, tmp_path: Path, revise: Any, case: str) -> None:
    path, arguments = written(tmp_path, case)
    dataset.portal.admin.settings(preferred_chunk_size=50)
    assert_applied(revise(dataset, path, load=arguments), dataset, after_upsert())


@pytest.mark.parametrize("case", ["csv", "csv_gz", "tsv", "json", "xlsx", "xlsx_sheet_by_name"])
@BOTH
def test_a_table_in_one_task_from_object_storage(
    dataset: Any, tmp_path: Path, run_dag: Any, case: str, deferrable: bool
) -> None:
    path, arguments = written(tmp_path, case)
    dag = update_dag("from_storage", dataset, f"file://{path}", deferrable=deferrable, **arguments)
    assert_applied(run_dag(dag), dataset, after_upsert())


def test_what_the_task_tells_of_its_file(dataset: Any, changes: Path, revise: Any) -> None:
    run = revise(dataset, changes)
    told = run.task(LOAD).return_value["upload"]
    assert told["task_id"] == LOAD
    assert (told["filename"], told["rows"], told["error_rows"]) == ("changes.csv", 2, 0)
    assert told["sent_bytes"] == changes.stat().st_size


# --- geometry ---

WGS84 = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
PLACES = [("a", "First", (-21.9, 64.1)), ("b", "Second", (-22.0, 64.2))]


def geojson() -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": {"place_id": key, "title": title},
            "geometry": {"type": "Point", "coordinates": list(at)},
        }
        for key, title, at in PLACES
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def kml() -> bytes:
    marks = "".join(
        f"<Placemark><ExtendedData><Data name='place_id'><value>{key}</value></Data>"
        f"<Data name='title'><value>{title}</value></Data></ExtendedData>"
        f"<Point><coordinates>{at[0]},{at[1]}</coordinates></Point></Placemark>"
        for key, title, at in PLACES
    )
    return f"<kml xmlns='http://www.opengis.net/kml/2.2'><Document>{marks}</Document></kml>".encode()


def kmz() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("doc.kml", kml())
    return buffer.getvalue()


def shapefile_zip() -> bytes:
    shapefile = pytest.importorskip("shapefile")
    parts = {end: io.BytesIO() for end in ("shp", "shx", "dbf")}
    with shapefile.Writer(**parts, shapeType=shapefile.POINT) as writer:
        writer.field("place_id", "C")
        writer.field("title", "C")
        for key, title, at in PLACES:
            writer.point(*at)
            writer.record(key, title)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for end, part in parts.items():
            archive.writestr(f"places.{end}", part.getvalue())
        archive.writestr("places.prj", WGS84)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [("p.geojson", geojson), ("p.kml", kml), ("p.kmz", kmz), ("p.zip", shapefile_zip)],
)
@BOTH
def test_a_file_of_places(
    portal: Any, tmp_path: Path, run_dag: Any, name: str, data: Any, deferrable: bool
) -> None:
    path = tmp_path / name
    path.write_bytes(data())
    view = portal.admin.create_dataset(
        name="Places", columns=[["place_id", "text"], ["title", "text"]], row_identifier="place_id"
    )
    # A file's own column for its shapes; the dataset had none until now.
    shape = "the_geom" if name == "p.zip" else "point"
    places = Dataset(portal, view["id"])
    more = {"transforms": {"place": f"`{shape}`"}, "column_names": {"place": "Place"}}
    run = run_dag(update_dag("of_places", places, path, action="replace", deferrable=deferrable, **more))
    assert run.state == "success", errors(run, "update")
    rows = sorted(portal.admin.rows(places.id), key=lambda row: row["place_id"])
    assert [(row["place_id"], row["title"]) for row in rows] == [place[:2] for place in PLACES]
    assert "Place" in {column["name"] for column in places.view()["columns"]}
    assert [row["place"]["coordinates"] for row in rows] == [pytest.approx(list(at)) for *_, at in PLACES]
    assert open_revisions(places) == []


def test_a_file_that_is_not_parsed(portal: Any, tmp_path: Path, revise: Any) -> None:
    path = tmp_path / "guide.pdf"
    path.write_bytes(b"%PDF-1.7 not really\n" * 50)
    view = portal.admin.create_dataset(name="Guide", columns=["x"])
    guide = Dataset(portal, view["id"])
    portal.admin.settings(preferred_chunk_size=400)
    run = revise(guide, path, action="replace", load={"parse": False})
    assert run.state == "success", [errors(run, task) for task in run.states]
    assert jobs(guide) == ["successful"]
    told = run.task(LOAD).return_value["upload"]
    assert (told["output_schema"], told["rows"], told["sent_bytes"]) == (None, None, 1000)
    shown = guide.view()
    assert (shown["blobFilename"], shown["blobFileSize"]) == ("guide.pdf", 1000)
