"""The table in docs/endpoints.md is true: it is held against the emulator, the client and the operators."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.endpoint_samples import SAMPLES, functions

from airflow_socrata.emulator.app import TABLE

if TYPE_CHECKING:
    from airflow_socrata.client import Call

ROOT = Path(__file__).parents[2]
#: Calls that are no endpoint's: what they read is known from another one's row.
ELSEWHERE = {"views.portal_date"}
#: Not what portals send or take: what a browser is led to, and functions that make several calls of a row.
NO_CALLS = {
    "api_keys.all_keys",
    "api_keys.make_key",
    "api_keys.remove_key",
    "catalog.entries",
    "metadata.every",
    "oauth.authorize_url",
    "oauth.exchange_code",
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    endpoint: str
    call: str
    operator: str
    test: str

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """Method and path of each address, without suffix, query and names of the parts."""
        method, _, paths = self.endpoint.partition(" ")
        return [(method, plain(path)) for path in re.findall(r"/[^\s,?]+", paths)]

    @property
    def query(self) -> str:
        """The query that chooses this call, or what its address ends with."""
        return self.endpoint.partition("?")[2].split(" ")[0]

    @property
    def calls(self) -> list[str]:
        """``module.function`` of the client."""
        return [] if self.call.startswith("none") else re.findall(r"`([a-z_0-9]+\.[a-z_0-9]+)`", self.call)

    @property
    def tests(self) -> list[Path]:
        """The files of the tests."""
        return [ROOT / name for name in re.findall(r"`(tests/[^`]+)`", self.test)]


def plain(path: str) -> str:
    """A path whose parts have no names, which has no suffix, and begins with /api where Core answers."""
    path = "/api" + path if path.startswith("/views/") else path
    return re.sub(r"\{[^}]*\}", "{}", re.sub(r"\.(json|txt|\{suffix\})$", "", path).rstrip("/"))


def table() -> list[Row]:
    """All rows of all tables in the document."""
    lines = (ROOT / "docs" / "endpoints.md").read_text().splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")
    ]
    assert all(len(row) == 4 for row in cells), [row for row in cells if len(row) != 4]
    return [Row(endpoint.strip("`"), call, operator, test) for endpoint, call, operator, test in cells]


ROWS = table()
EACH = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.endpoint)


@cache
def text_of(path: Path) -> str:
    return path.read_text()


def test_every_route_of_the_emulator_stands_in_the_table() -> None:
    listed = {address for row in ROWS for address in row.addresses}
    served = {(method, plain(path)) for path, method, _ in TABLE}
    assert served - listed == set()
    missing = {address for row in ROWS for address in row.addresses if address not in served}
    excused = {address for row in ROWS if "not in the emulator" in row.test for address in row.addresses}
    assert missing - excused == set()


def test_every_call_of_the_client_stands_in_the_table() -> None:
    assert set(functions()) - set(SAMPLES) == set(), "give the new call a sample"
    listed = {name for row in ROWS for name in row.calls}
    assert set(SAMPLES) - listed - ELSEWHERE == set()


def test_every_operator_stands_in_the_table() -> None:
    from airflow_socrata.operators import socrata

    listed = {name for row in ROWS for name in re.findall(r"Socrata\w+", row.operator)}
    assert set(socrata.__all__) - listed == set()
    known = set(socrata.__all__) | {
        "SocrataPublicationSensor",
        "SocrataRevisionSensor",
        "SocrataApprovalSensor",
    }
    assert listed - known == set()


def test_no_endpoint_stands_there_twice() -> None:
    endpoints = [row.endpoint for row in ROWS]
    assert sorted(set(endpoints)) == sorted(endpoints)


@EACH
def test_no_cell_is_empty_without_a_reason(row: Row) -> None:
    for cell, name in ((row.call, row.calls), (row.operator, re.findall(r"`Socrata\w+`", row.operator))):
        assert name or re.fullmatch(r"none: .{8,}", cell), cell
    assert row.tests or re.match(r"none: .{8,}", row.test)


@EACH
def test_the_calls_go_to_the_endpoint(row: Row) -> None:
    for name in set(row.calls) - NO_CALLS:
        assert any(fits(call, row) for call in SAMPLES[name]), name


def fits(call: Call[Any], row: Row) -> bool:
    """Tell whether a call goes to the address of a row, with the query that the row names."""
    path, _, query = call.path.partition("?")
    params = [*call.params, *(tuple(pair.partition("=")[::2]) for pair in query.split("&") if pair)]
    key, _, value = row.query.partition("=")
    if key and not any(k == key and value in ("", v) for k, v in params):
        return False
    paths = (plain(path), plain(re.sub(r"\.\w+$", "", path)))
    return any(
        call.method == method and re.fullmatch(re.escape(wanted).replace(r"\{\}", "[^/]+"), path)
        for method, wanted in row.addresses
        for path in paths
    )


@EACH
def test_the_tests_speak_of_the_calls(row: Row) -> None:
    assert all(path.is_file() for path in row.tests), row.test
    texts = "".join(text_of(path) for path in row.tests)
    for name in row.calls:
        assert name in texts or re.search(rf"\b{name.partition('.')[2]}\(", texts), name
    if not row.calls and row.tests:
        words = [path.replace("/{}", "").rpartition("/")[2] for _, path in row.addresses]
        words = [row.query.partition("=")[2]] if "=" in row.query else words
        assert all(f"/{word}" in texts or f"={word}" in texts for word in words), words
