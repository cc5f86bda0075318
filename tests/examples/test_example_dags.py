"""The example DAGs run against the emulator without an edit, and import without an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from examples.example_files import AIRPORTS, EXAMPLES, load_dag, write

if TYPE_CHECKING:
    from pathlib import Path

FORMER = [("AAAA", "Gone", "1.0", "2.0"), ("BBBB", "Same", "3.0", "4.0"), ("CCCC", "Former", "5.0", "6.0")]
NEW = [("BBBB", "Same", "3.0", "4.0"), ("CCCC", "Ísafjörður", "5.0", "6.0"), ("DDDD", "New", "7.0", "8.0")]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_imports(path: Path) -> None:
    assert load_dag(path.stem).dag_id == path.stem


def test_the_airports_that_changed_are_published(portal: Any, run_dag: Any, tmp_path: Path) -> None:
    types = {"icao": "text", "name": "text", "lat": "number", "lon": "number", "location": "point"}
    portal.admin.create_dataset(
        "airp-orts",
        columns=list(types.items()),
        row_identifier="icao",
        rows=[dict(zip(AIRPORTS, row, strict=True)) for row in FORMER],
    )
    files = {
        "former": write(tmp_path / "former.csv", AIRPORTS, FORMER),
        "new": write(tmp_path / "new.csv", AIRPORTS, NEW),
        "changes": str(tmp_path / "work" / "changes.csv"),
    }
    run = run_dag(load_dag("socrata_airports_upsert"), conf=files)
    assert run.state == "success", run.states
    load = run.task("publication.upsert").return_value["load"]
    assert (load["created"], load["updated"], load["deleted"]) == (1, 1, 1)
    rows = {row["icao"]: row for row in portal.admin.rows("airp-orts")}
    assert sorted(rows) == ["BBBB", "CCCC", "DDDD"]
    assert rows["CCCC"]["name"] == "Ísafjörður"
    assert rows["DDDD"]["location"] == {"type": "Point", "coordinates": [8.0, 7.0]}


def test_a_day_without_changes_opens_no_working_copy(portal: Any, run_dag: Any, tmp_path: Path) -> None:
    portal.admin.create_dataset("airp-orts", columns=AIRPORTS, row_identifier="icao")
    same = write(tmp_path / "same.csv", AIRPORTS, NEW)
    run = run_dag(
        load_dag("socrata_airports_upsert"),
        conf={"former": same, "new": same, "changes": str(tmp_path / "changes.csv")},
    )
    assert run.state == "success", run.states
    assert set(run.states.values()) == {"skipped"}
    assert not any("publication" in request["path"] for request in portal.admin.requests())


FLIGHTS = ["year", "carrier", "dep_time", "time_hour"]


def flights_portal(portal: Any) -> None:
    types = [("year", "number"), ("carrier", "text"), ("dep_time", "number"), ("time_hour", "date")]
    portal.admin.create_dataset("flig-hts2", columns=types, rows=[{"year": 2012, "carrier": "old"}])


def test_the_flights_are_replaced(portal: Any, run_dag: Any, tmp_path: Path) -> None:
    flights_portal(portal)
    rows = [("2013", "UA", "517", "2013-01-01T10:00:00Z"), ("2013", "AA", "NA", "2013-01-01T11:00:00Z")]
    source = write(tmp_path / "flights.csv", FLIGHTS, rows)
    run = run_dag(load_dag("socrata_flights_replace"), conf={"source": source})
    assert run.state == "success", run.states
    public = portal.admin.rows("flig-hts2")
    assert [row["carrier"] for row in public] == ["UA", "AA"]
    assert "dep_time" not in public[1]


def test_a_broken_file_leaves_the_flights_alone(portal: Any, run_dag: Any, tmp_path: Path) -> None:
    flights_portal(portal)
    before = portal.admin.rows("flig-hts2")
    source = write(
        tmp_path / "flights.csv", FLIGHTS, [("2013", "UA", "517", "2013-01-01T10:00:00Z"), ("2013",)]
    )
    run = run_dag(load_dag("socrata_flights_replace"), conf={"source": source})
    assert run.state == "failed"
    assert run.task("publication.replace").tries == 1, "a broken file is not read again"
    assert "line 3" in str(run.task("publication.replace").exceptions[0])
    assert portal.admin.rows("flig-hts2") == before


#: Spaces that the portal takes out, and heights of some 10, 1,000 and 3,000 m.
RELEASE = [
    ("BBBB", "Same", "33", "3.0", "4.0"),
    ("CCCC", "Ísafjörður   flugvöllur", "3281", "5.0", "6.0"),
    ("DDDD", "New", "9843", "7.0", "8.0"),
]


def airports_of_a_revision(portal: Any) -> int:
    """The airports, with a revision that a person has open; return its number."""
    types = {"icao": "text", "name": "text", "elevation": "number", "lat": "number", "lon": "number"}
    portal.admin.create_dataset(
        "airp-orts",
        columns=[*types.items(), ("location", "point")],
        row_identifier="icao",
        rows=[dict(zip(AIRPORTS, row, strict=True)) for row in FORMER],
    )
    return int(portal.admin.open_revision_as("person", "airp-orts"))


def revise(run_dag: Any, tmp_path: Path, rows: list[tuple[str, ...]]) -> Any:
    source = write(tmp_path / "release.csv", ["icao", "name", "elevation", "lat", "lon"], rows)
    conf = {"source": source, "rejected": str(tmp_path / "rejected.csv")}
    return run_dag(load_dag("socrata_airports_revision"), conf=conf)


def open_revisions(portal: Any) -> list[int]:
    return [revision["seq"] for revision in portal.admin.revisions("airp-orts") if revision["open"]]


def test_the_airports_are_revised(portal: Any, run_dag: Any, tmp_path: Path) -> None:
    persons = airports_of_a_revision(portal)
    run = revise(run_dag, tmp_path, RELEASE)
    assert run.state == "success", run.states
    rows = {row["icao"]: row for row in portal.admin.rows("airp-orts")}
    assert {key: (row.get("metres"), row.get("height")) for key, row in rows.items()} == {
        "AAAA": (None, None),
        "BBBB": ("10.0584", "low"),
        "CCCC": ("1000.0488", "middle"),
        "DDDD": ("3000.1464", "high"),
    }
    assert rows["CCCC"]["name"] == "Ísafjörður flugvöllur"
    assert rows["CCCC"]["location"] == {"type": "Point", "coordinates": [6.0, 5.0]}
    assert open_revisions(portal) == [persons]
    assert not (tmp_path / "rejected.csv").exists()


def test_airports_that_cannot_be_converted_leave_all_as_it_was(
    portal: Any, run_dag: Any, tmp_path: Path
) -> None:
    persons = airports_of_a_revision(portal)
    before = portal.admin.rows("airp-orts")
    run = revise(run_dag, tmp_path, [*RELEASE, ("EEEE", "Wrong", "12", "63°59'N", "9.0")])
    assert run.state == "failed"
    assert portal.admin.rows("airp-orts") == before
    assert open_revisions(portal) == [persons]
    assert run.task("publication.upload").tries == 1, "the same file is not sent again"
    assert "63°59'N" in str(run.task("publication.upload").exceptions[0])
    rejected = (tmp_path / "rejected.csv").read_text(encoding="utf-8").splitlines()
    assert rejected[0] == "row,column,message,input"
    assert {line.split(",")[0] for line in rejected[1:]} == {"4"}
