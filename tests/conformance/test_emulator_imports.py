"""The import API: scans, blueprints, translations, append, replace, tickets, shapes, files."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

CSV = b"Name,Count,When\nA,1,2026-01-01\nB,2,2026-01-02\nC,x,2026-01-03\n"
IMPORTS = "/api/imports2.json"


def scanned(api: Any, body: bytes = CSV, name: str = "things.csv", method: str = "scan") -> dict[str, Any]:
    reply = api.post(f"/api/imports2?method={method}", files={"file": (name, body, "text/csv")})
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def blueprint(*columns: tuple[str, str], skip: int = 1, name: str = "Things") -> str:
    described = [{"name": each, "datatype": kind} for each, kind in columns]
    return json.dumps({"columns": described, "skip": skip, "name": name})


def test_a_scan_tells_columns_types_and_a_sample(api: Any) -> None:
    summary = scanned(api)["summary"]
    assert summary["headers"] == 1
    name, count, when = summary["columns"]
    assert (name["name"], name["processed"], name["suggestion"]) == ("Name", 4, "text")
    assert count["types"] == {"number": 2, "text": 4, "calendar_date": 0, "money": 2, "percent": 2}
    assert (count["suggestion"], when["suggestion"]) == ("text", "calendar_date")
    assert summary["sample"][:2] == [["Name", "Count", "When"], ["A", "1", "2026-01-01"]]


def test_a_scan_of_a_raw_body_and_the_older_types(api: Any, admin: Any) -> None:
    admin.settings(scan_types="2011")
    body = b"Lat,Lon\n47.6,-122.3\n"
    reply = api.post("/imports2?method=scan", data=body, headers={"X-File-Name": "places.csv"})
    summary = reply.json()["summary"]
    assert summary["locations"] == [{"latitude": 0, "longitude": 1}]
    assert summary["columns"][0]["types"] == {"number": 1, "text": 2, "date": 0, "checkbox": 0}


@pytest.mark.parametrize(("body", "name"), [(b"", "a.csv"), (b"x", "a.docx")])
def test_what_is_no_table_is_refused(api: Any, body: bytes, name: str) -> None:
    reply = api.post("/api/imports2?method=scan", files={"file": (name, body, "application/msword")})
    assert (reply.status_code, reply.json()["error"]) == (400, True)


@pytest.mark.parametrize("nbe", ["true", "false"])
def test_an_import_makes_an_unpublished_dataset(api: Any, nbe: str) -> None:
    form = {
        "name": "things.csv",
        "fileId": scanned(api)["fileId"],
        "blueprint": blueprint(("Name", "text"), ("N", "number"), ("When", "calendar_date")),
        "translation": "[upper(col1) + '!', col2, col3]",
    }
    view = api.post(f"{IMPORTS}?nbe={nbe}", data=form).json()
    assert (view["name"], view["publicationStage"], view["newBackend"]) == (
        "Things",
        "unpublished",
        nbe == "true",
    )
    assert [row["name"] for row in api.rows(view["id"])] == ["A!", "B!"]
    (warning,) = view["metadata"]["warnings"]
    assert warning == 'Row 3 was left out: "x" is no number (column N)'


def test_without_a_blueprint_the_guesses_count(api: Any) -> None:
    view = api.post(IMPORTS, data={"name": "things.csv", "fileId": scanned(api)["fileId"]}).json()
    kinds = [column["dataTypeName"] for column in view["columns"]]
    assert (view["name"], kinds) == ("things.csv", ["text", "text", "calendar_date"])
    assert "warnings" not in view["metadata"]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"blueprint": blueprint(("Name", "text"))}, "The blueprint has 1 columns, the file has 3"),
        ({"blueprint": blueprint(("A", "text"), ("B", "word"), ("C", "text"))}, "Unknown data type: word"),
        ({"blueprint": "{"}, "no JSON"),
        ({"translation": "[col1", "blueprint": blueprint(("A", "text"))}, "expected , at character 6"),
        ({"translation": "[col9]", "blueprint": blueprint(("A", "text"))}, "no col9"),
        ({"name": ""}, "specify a name"),
    ],
)
def test_what_does_not_fit_is_refused_and_makes_nothing(
    api: Any, admin: Any, more: dict[str, str], problem: str
) -> None:
    form = {"name": "things.csv", "fileId": scanned(api)["fileId"]} | more
    reply = api.post(IMPORTS, data=form)
    assert reply.status_code == 400
    assert problem in reply.json()["message"]
    assert api.get("/api/views.json").json() == []


def test_an_unknown_file_id_is_not_found(api: Any) -> None:
    assert api.post(IMPORTS, data={"name": "a.csv", "fileId": "gone"}).status_code == 404


def test_append_and_replace_on_a_working_copy(api: Any, stops: str) -> None:
    before = len(api.rows(stops))
    copy = api.open_copy(stops)
    columns = [column["fieldName"] for column in api.get(f"/api/views/{copy}").json()["columns"]]
    body = b"stop\n9001\n9002\n"
    nulls = ", ".join("col1" if name == "stop_id" else '""' for name in columns)
    form = {
        "viewUid": copy,
        "fileId": scanned(api, body)["fileId"],
        "name": "more.csv",
        "skip": "1",
        "translation": f"[{nulls}]",
    }
    assert api.post(f"{IMPORTS}?method=append", data=form).status_code == 200
    assert len(api.rows(copy)) == before + 2
    # The method may stand in the form as well; the rows before are gone.
    assert api.post("/api/imports2", data=form | {"method": "replace"}).status_code == 200
    assert len(api.rows(copy)) == 2
    assert len(api.rows(stops)) == before
    refused = api.post(f"{IMPORTS}?method=append", data=form | {"viewUid": stops})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(("rule", "rows", "warnings"), [("drop", 2, 1), ("null", 3, 0)])
def test_cells_that_do_not_fit(api: Any, admin: Any, rule: str, rows: int, warnings: int) -> None:
    admin.settings(import_bad_cells=rule)
    form = {
        "name": "things.csv",
        "fileId": scanned(api)["fileId"],
        "blueprint": blueprint(("Name", "text"), ("N", "number"), ("When", "text")),
    }
    view = api.post(IMPORTS, data=form).json()
    assert len(api.rows(view["id"])) == rows
    assert len(view["metadata"].get("warnings", [])) == warnings


def test_an_import_that_fails_leaves_nothing(api: Any, admin: Any) -> None:
    admin.settings(import_bad_cells="fail", import_looks=1)
    form = {
        "name": "things.csv",
        "fileId": scanned(api)["fileId"],
        "blueprint": blueprint(("Name", "text"), ("N", "number"), ("When", "text")),
    }
    first = api.post(IMPORTS, data=form)
    assert (first.status_code, first.json()["code"]) == (202, "accepted")
    end = api.get(IMPORTS, params={"ticket": first.json()["ticket"]})
    assert end.status_code == 400
    assert 'Row 3: "x" is no number' in end.json()["message"]
    assert api.get("/api/views.json").json() == []


def test_a_ticket_tells_progress_then_the_view_and_is_spent(api: Any, admin: Any) -> None:
    admin.settings(import_looks=2)
    first = api.post(IMPORTS, data={"name": "things.csv", "fileId": scanned(api)["fileId"]})
    ticket = {"ticket": first.json()["ticket"]}
    assert first.status_code == 202
    assert "progress" in api.get(IMPORTS, params=ticket).json()["details"]
    assert api.get(IMPORTS, params=ticket).json()["publicationStage"] == "unpublished"
    assert api.get(IMPORTS, params=ticket).status_code == 404


def test_a_scan_may_take_a_ticket(api: Any, admin: Any) -> None:
    admin.settings(scan_looks=2)
    first = api.post("/api/imports2?method=scan", files={"file": ("a.csv", CSV, "text/csv")})
    ask = f"/api/imports2?method=scan&ticket={first.json()['ticket']}"
    assert [first.status_code, api.get(ask).status_code] == [202, 202]
    assert api.get(ask).json()["fileId"]
    assert api.get(ask).status_code == 404


def test_a_file_id_may_be_good_for_one_import(api: Any, admin: Any) -> None:
    admin.settings(file_id_again=False)
    form = {"name": "things.csv", "fileId": scanned(api)["fileId"]}
    assert [api.post(IMPORTS, data=form).status_code for _ in range(2)] == [200, 404]


def test_scans_by_address_stay_on_this_machine(api: Any, admin: Any) -> None:
    reply = api.post("/api/imports2?method=scanUrl", data={"url": "http://example.com/a.csv"})
    assert reply.status_code == 400
    admin.settings(allow_local_urls=True)
    reply = api.post("/api/imports2?method=scanUrl", data={"url": f"{api.url}/nowhere.csv"})
    assert reply.status_code == 400


def test_shapes_become_a_dataset_and_are_replaced(api: Any) -> None:
    def shapes(*names: str) -> bytes:
        features = [
            {
                "type": "Feature",
                "properties": {"name": name},
                "geometry": {"type": "Point", "coordinates": [1.0, n]},
            }
            for n, name in enumerate(names)
        ]
        return json.dumps({"type": "FeatureCollection", "features": features}).encode()

    scan = scanned(api, shapes("a", "b"), "parks.geojson", "scanShape")
    (layer,) = scan["summary"]["layers"]
    form = {
        "name": "parks.geojson",
        "fileId": scan["fileId"],
        "blueprint": json.dumps({"layers": [layer | {"name": "Parks"}]}),
    }
    view = api.post(f"{IMPORTS}?method=shapefile", data=form).json()
    assert view["name"] == "Parks"
    assert [column["dataTypeName"] for column in view["columns"]] == ["point", "text"]
    assert api.rows(view["id"])[1]["point"] == {"type": "Point", "coordinates": [1, 1]}
    scan = scanned(api, shapes("c"), "parks.geojson", "scanShape")
    again = {
        "name": "parks.geojson",
        "fileId": scan["fileId"],
        "viewUid": view["id"],
        "blueprint": json.dumps(scan["summary"]),
    }
    assert api.post(f"{IMPORTS}?method=replaceShapefile", data=again).status_code == 200
    assert [row["name"] for row in api.rows(view["id"])] == ["c"]


def test_files_as_views_and_as_drafts(api: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "hello")
    made = api.post("/api/imports2/?method=blob", files={"file": ("a.zip", buffer.getvalue())})
    assert made.headers["Content-Type"].startswith("text/plain")
    view = made.json()
    assert api.get(f"/api/views/{view['id']}/files/{view['blobId']}").content == buffer.getvalue()
    draft = api.post("/api/views.json", json={"name": "Draft"}).json()["id"]
    reply = api.post(
        f"/api/imports2?method=setBlobForDraft&saveUnderViewUid={draft}", files={"file": ("b.pdf", b"%PDF")}
    )
    assert (reply.json()["id"], reply.json()["blobFilename"]) == (draft, "b.pdf")
