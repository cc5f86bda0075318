"""The import API by its calls: against the emulator, and what replies and translations may look like."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client import Accepted, PortalSession, View, imports, views
from airflow_socrata.client.errors import ConfigurationError, InvalidRequest, NotFound
from airflow_socrata.client.import_models import Blueprint, BlueprintColumn, Scan, ShapeScan
from airflow_socrata.client.messages import CallKind, Headers, Reply, UnreadableReply
from airflow_socrata.client.multipart import Multipart
from airflow_socrata.client.translations import (
    TranslationError,
    parse_translation,
    quoted,
    straight_translation,
)

if TYPE_CHECKING:
    from airflow_socrata.emulator import Emulator

CSV = b"Name,Count\nA,1\nB,2\n"
DOCS = Path(__file__).parents[3] / "docs" / "imports.md"


def file(body: bytes = CSV, name: str = "things.csv") -> Multipart:
    return Multipart(io.BytesIO(body), filename=name, content_type="text/csv")


def scanned(client: PortalSession, body: bytes = CSV) -> Scan:
    with file(body) as sending:
        scan = client.send(imports.scan(sending))
    assert isinstance(scan, Scan)
    return scan


# --- calls ---


def test_a_table_is_scanned_and_imported(client: PortalSession) -> None:
    scan = scanned(client)
    assert (scan.names, scan.headers, scan.sample[0]) == (("Name", "Count"), 1, ("Name", "Count"))
    assert [column.suggestion for column in scan.columns] == ["text", "number"]
    assert scan.columns[1].types["number"] == 2
    blueprint = Blueprint.of(scan, "Things")
    translation = parse_translation(["upper(col1)", "col2"])
    view = client.send(
        imports.import_table(
            scan.file_id, "things.csv", blueprint=blueprint, translation=translation, new_backend=False
        )
    )
    assert isinstance(view, View)
    assert (view.name, view.new_backend, view.is_unpublished) == ("Things", False, True)
    assert imports.warnings_of(view) == ()


def test_a_dataset_that_is_thrown_away_at_its_time(emulator: Emulator, client: PortalSession) -> None:
    scan = scanned(client)
    moment = "2100-01-01T00:00:00.000Z"
    client.send(imports.import_table(scan.file_id, "a.csv", deleted_at=moment, locale="en"))
    assert len(emulator.admin.datasets()) == 1
    emulator.admin.advance(100 * 366 * 86_400)
    assert emulator.admin.datasets() == []


def test_a_ticket_is_followed(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.settings(import_looks=2, scan_looks=2)
    with file() as sending:
        call: Any = imports.scan(sending)
        answer = client.send(call)
        while isinstance(answer, Accepted):
            look, seconds = views.follow(call, answer)
            assert (look.kind, look.method, seconds) == (CallKind.READ, "GET", 4.0)
            answer = client.send(look)
    call = imports.import_table(answer.file_id, "things.csv")
    answer = client.send(call)
    looks = 0
    while isinstance(answer, Accepted):
        answer = client.send(views.follow(call, answer)[0])
        looks += 1
    assert (answer.name, looks) == ("things.csv", 2)


def test_rows_are_appended_and_replaced(emulator: Emulator, client: PortalSession) -> None:
    columns = [["name", "text"], ["count", "number"]]
    dataset = emulator.admin.create_dataset(columns=columns, rows=[{"name": "old"}])["id"]
    copy = client.send(views.open_copy(dataset, "copy"))
    assert isinstance(copy, View)
    scan = scanned(client)
    call = imports.append_rows(copy.id, scan.file_id, "things.csv", skip=1)
    assert dict(call.params) == {"method": "append", "viewUid": copy.id}
    client.send(call)
    assert len(emulator.admin.rows(copy.id)) == 3
    straight = straight_translation([1, None])
    client.send(imports.replace_rows(copy.id, scan.file_id, "things.csv", skip=2, translation=straight))
    assert emulator.admin.rows(copy.id) == [{"name": "B"}]
    with pytest.raises(InvalidRequest, match="unpublished"):
        client.send(imports.append_rows(dataset, scan.file_id, "things.csv", skip=1))
    with pytest.raises(NotFound):
        client.send(imports.import_table("gone", "things.csv"))


def test_a_table_by_its_address(emulator: Emulator, client: PortalSession) -> None:
    with pytest.raises(InvalidRequest, match="leaves this machine never"):
        client.send(imports.scan_url("http://example.com/a.csv"))
    emulator.admin.settings(allow_local_urls=True)
    dataset = emulator.admin.create_dataset(columns=["a"], rows=[{"a": "x"}], permission="public")["id"]
    scan = client.send(imports.scan_url(f"{emulator.url}/resource/{dataset}.csv"))
    assert isinstance(scan, Scan)
    assert scan.names == ("a",)


def test_shapes_are_scanned_imported_and_replaced(emulator: Emulator, client: PortalSession) -> None:
    def shapes(name: str) -> bytes:
        geometry = {"type": "Point", "coordinates": [1, 2]}
        feature = {"type": "Feature", "properties": {"name": name}, "geometry": geometry}
        return json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()

    def scan_of(name: str) -> ShapeScan:
        with file(shapes(name), "parks.geojson") as sending:
            scan = client.send(imports.scan_shapes(sending))
        assert isinstance(scan, ShapeScan)
        return scan

    scan = scan_of("a")
    assert [(layer.name, layer.reference_system) for layer in scan.layers] == [("parks", "EPSG:4326")]
    view = client.send(imports.import_shapes(scan.file_id, "parks.geojson", scan.layers))
    assert isinstance(view, View)
    scan = scan_of("b")
    client.send(imports.replace_shapes(view.id, scan.file_id, "parks.geojson", scan.layers))
    assert [row["name"] for row in emulator.admin.rows(view.id)] == ["b"]
    with pytest.raises(ConfigurationError, match="no layers"):
        imports.import_shapes(scan.file_id, "parks.geojson", ())


def test_views_that_are_files(client: PortalSession) -> None:
    with file(b"%PDF", "a.pdf") as sending:
        view = client.send(imports.create_file_view(sending))
    with file(b"%PDF2", "b.pdf") as sending:
        view = client.send(imports.replace_file(view.id, sending))
    assert (view.raw["blobFilename"], view.raw["blobFileSize"]) == ("b.pdf", 5)
    with file(b"%PDF3", "c.pdf") as sending:
        again = client.send(imports.set_draft_file(view.id, sending))
    assert (again.id, again.raw["blobFilename"]) == (view.id, "c.pdf")


def test_what_may_be_sent_again() -> None:
    """Scans may; nothing that makes a dataset or rows."""
    with file() as sending:
        assert imports.scan(sending).kind is CallKind.FILE
        assert imports.create_file_view(sending).kind is CallKind.DATASET
    assert imports.import_table("f", "a.csv").kind is CallKind.DATASET
    assert imports.append_rows("abcd-2345", "f", "a.csv", skip=1).kind is CallKind.ROWS_UNKEYED
    assert imports.replace_rows("abcd-2345", "f", "a.csv", skip=1).kind is CallKind.ROWS_UNKEYED


# --- replies ---


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, Headers(), json.dumps(body).encode() if body is not None else b"")


def test_a_scan_of_2011_and_one_with_little_in_it() -> None:
    with file() as sending:
        parse = imports.scan(sending).parse
    column = {
        "name": "Type",
        "processed": 5001,
        "suggestion": "date",
        "types": {"date": 5000, "text": "5001"},
    }
    scan = parse(
        reply({"fileId": "p3", "summary": {"headers": 0, "columns": [column], "sample": [["a", None]]}})
    )
    assert isinstance(scan, Scan)
    assert dict(scan.columns[0].types) == {"date": 5000, "text": 5001}
    assert scan.sample == (("a", ""),)
    bare = parse(reply({"fileId": "p3", "summary": {"columns": [{}]}}))
    assert isinstance(bare, Scan)
    assert (bare.headers, bare.columns[0].suggestion) == (0, "text")
    for body in ({"fileId": "p3", "summary": {}}, {"summary": {"columns": [{}]}}, [], None):
        with pytest.raises(UnreadableReply):
            parse(reply(body))


@pytest.mark.parametrize(
    "body",
    [{"code": "accepted", "error": False, "ticket": "t"}, {"ticket": "t", "details": {"progress": 5}}],
)
@pytest.mark.parametrize("status", [200, 202])
def test_tickets(body: dict[str, Any], status: int) -> None:
    answer = imports.import_table("f", "a.csv").parse(reply(body, status))
    assert isinstance(answer, Accepted)
    assert answer.ticket == "t"


def test_an_error_under_200_is_none_of_these() -> None:
    for status in (200, 202):
        with pytest.raises(UnreadableReply, match="Too wide"):
            imports.import_table("f", "a.csv").parse(
                reply({"error": True, "message": "Too wide", "code": "accepted"}, status)
            )


def test_warnings_in_any_form() -> None:
    view = View.from_json({"id": "abcd-2345", "metadata": {"warnings": ["a\nb", 5]}})
    assert imports.warnings_of(view) == ("a b", "5")
    assert imports.warnings_of(View.from_json({"id": "abcd-2345", "metadata": {"warnings": "x"}})) == ()


# --- blueprints and translations ---


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ((), "no columns"),
        ((BlueprintColumn(" ", "text"),), "has no name"),
        ((BlueprintColumn("a", "nummer"),), r"no type 'nummer'; did you mean 'number'\?"),
    ],
)
def test_blueprints_that_cannot_be(columns: tuple[BlueprintColumn, ...], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Blueprint(columns)


@pytest.mark.parametrize(
    ("source", "outputs", "columns"),
    [
        ("[col1, col2]", ("col1", "col2"), {1, 2}),
        ("[ title( col1 ) + ', ' + col3 ]", ("title( col1 ) + ', ' + col3",), {1, 3}),
        ("[replace(col1, /[,/]+/g, '')]", ("replace(col1, /[,/]+/g, '')",), {1}),
        ('[(col1).replace(/a\\/b/gi, "c,]")]', ('(col1).replace(/a\\/b/gi, "c,]")',), {1}),
        (
            "[{latitude: col3, 'longitude': col4}, '']",
            ("{latitude: col3, 'longitude': col4}", "''"),
            {3, 4},
        ),
        ("[JSON.stringify({a:{b:col1}})]", ("JSON.stringify({a:{b:col1}})",), {1}),
        (
            "[(function(v){ return v == '}' ? 1 : v; })(col2)]",
            ("(function(v){ return v == '}' ? 1 : v; })(col2)",),
            {2},
        ),
        ("[col1 == 'x' ? -1 : !col2]", ("col1 == 'x' ? -1 : !col2",), {1, 2}),
        ("[col1[0]]", ("col1[0]",), {1}),
    ],
)
def test_translations_that_parse(source: str, outputs: tuple[str, ...], columns: set[int]) -> None:
    parsed = parse_translation(source)
    assert (parsed.source, parsed.outputs, parsed.columns) == (source, outputs, columns)


@pytest.mark.parametrize(
    ("source", "position", "problem"),
    [
        ("", 1, r"begins with \[, and it ends here"),
        ("col1", 1, "a translation is an array"),
        ("[]", 1, "the array is empty"),
        ("[col1", 6, "expected , or ], and it ends here"),
        ("[col1 col2]", 7, "expected , or ]"),
        ("[col1,]", 7, "expected a column such as col1"),
        ("[upper(col1]", 12, r"expected , or \)"),
        ("[upper(col1)] x", 15, "nothing may follow"),
        ('["a]', 2, "the text is never closed"),
        ("[{latitude col1}]", 12, "expected :"),
        ("[{+: col1}]", 3, "expected a name such as latitude"),
        ("[col1 +]", 8, "expected a column"),
        ("[col1.]", 7, "expected a name after the dot"),
        ("[col1 ? 2]", 10, "expected :"),
        ("[function(v){ return v]", 14, "the function is never closed"),
        ("[" + "(" * 150, 102, "nested too deeply"),
    ],
)
def test_translations_that_do_not(source: str, position: int, problem: str) -> None:
    with pytest.raises(TranslationError, match=problem) as caught:
        parse_translation(source)
    assert caught.value.position == position
    assert caught.value.permanent
    assert "\n" not in str(caught.value)


def test_expressions_are_texts() -> None:
    with pytest.raises(ConfigurationError, match="or a list of texts, not"):
        parse_translation(["col1", 5])  # type: ignore[list-item]


def test_a_text_becomes_a_literal() -> None:
    assert parse_translation([quoted('say "hi"\n'), "col1"]).source == '["say \\"hi\\"\\n", col1]'


def test_the_docs_run(
    emulator: Emulator, client: PortalSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block of the docs, with this portal in place of the one that it names."""
    snippet = DOCS.read_text().split("```python\n# client\n")[1].split("```")[0]
    (tmp_path / "parks.csv").write_text("Number,Park\n1,a\n2,b\n")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"session": client}
    exec(compile(snippet, str(DOCS), "exec"), names)
    assert emulator.admin.rows(names["view"].id) == [
        {"number": "1", "park": "A"},
        {"number": "2", "park": "B"},
    ]
