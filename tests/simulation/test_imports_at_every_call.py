"""Files that the portal imports: killed before or after every call, refused, lost, and not as they should be.

Whatever the moment: the next try ends as one clean run would have, with every row of the file once; until
then the public sees what it saw before, and in the end nothing is left behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.dying import OPERATION, Death, Killed, immortal
from portal_harness.imports import ASK, ImportWorld

from airflow_socrata.client.errors import ConfigurationError, PortalError
from airflow_socrata.client.translations import parse_translation
from airflow_socrata.publication.errors import HandleMismatch, RowsRefused
from airflow_socrata.publication.importing import load_file
from airflow_socrata.publication.rollback import roll_back
from airflow_socrata.records import RecordsError

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_socrata.emulator import Emulator
    from airflow_socrata.publication.choices import Mode

MODES = pytest.mark.parametrize("mode", ["append", "replace"])


@MODES
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_import_that_is_killed_is_done_anew(portal: Emulator, file: Path, mode: Mode, after: bool) -> None:
    world = ImportWorld(portal, file, mode, import_looks=1, scan_looks=1)
    death = immortal()
    world.load(world.open(), death=death)
    for at in range(death.count):
        world = ImportWorld(portal, file, mode, import_looks=1, scan_looks=1)
        first = world.open()
        with pytest.raises(Killed):
            world.load(first, death=Death(at, after))
        world.check_published(world.load(first, tried=2), at)


FAULTS: dict[str, dict[str, Any]] = {
    "lost_reply": {"kind": "lost_reply"},
    "reset_before": {"kind": "reset_before"},
    "502_done": {"kind": "bad_gateway", "after_commit": True},
    "500_done": {"kind": "internal", "after_commit": True},
    "empty_200": {"kind": "empty_json"},
    "429": {"kind": "throttled", "retry_after": 3},
    "no_ticket": {"kind": "accepted", "form": "status", "calls": 1},
    "location": {"kind": "accepted", "form": "location", "calls": 2},
    "details": {"kind": "accepted", "form": "details", "calls": 2},
}
#: Whether nobody can tell afterwards what became of the import.
IN_DOUBT = {"lost_reply", "reset_before", "502_done", "500_done", "empty_200", "no_ticket"}


@MODES
@pytest.mark.parametrize("fault", list(FAULTS))
def test_what_goes_wrong_with_the_import(portal: Emulator, file: Path, mode: Mode, fault: str) -> None:
    world = ImportWorld(portal, file, mode)
    handle = world.open()
    portal.admin.add_fault(method="POST", path=ASK, skip=1, **FAULTS[fault])
    handle = world.load(handle)
    again = fault in IN_DOUBT
    assert world.asked("scan") == 1
    assert world.asked("copy" if mode == "append" else "copySchema") == 1 + again
    assert world.asked(mode) == 1 + (again or fault == "429")
    world.check_published(handle, fault)


@pytest.mark.parametrize("after_end", ["spent", "kept"])
def test_the_end_of_a_ticket_told_in_a_lost_reply(portal: Emulator, file: Path, after_end: str) -> None:
    world = ImportWorld(portal, file, "append", import_looks=1, ticket_after_end=after_end)
    handle = world.open()
    portal.admin.add_fault("lost_reply", "GET", ASK)
    world.check_published(world.load(handle))


def test_the_end_of_a_scan_told_in_a_lost_reply(portal: Emulator, file: Path) -> None:
    world = ImportWorld(portal, file, "append", scan_looks=1)
    handle = world.open()
    portal.admin.add_fault("lost_reply", "GET", ASK)
    world.check_published(world.load(handle))
    assert world.asked("scan") == 2


def test_a_job_that_fails_fails_the_try(portal: Emulator, file: Path) -> None:
    world = ImportWorld(portal, file, "replace")
    handle = world.open()
    portal.admin.add_fault(
        "publish_fails", "POST", ASK, skip=1, status=400, code="no_space", message="No space"
    )
    with pytest.raises(PortalError, match="No space"):
        world.load(handle)
    world.check_published(world.load(handle, tried=2))


def test_beside_other_loads_doubt_ends_the_try(portal: Emulator, file: Path) -> None:
    world = ImportWorld(portal, file, "append")
    handle = world.open()
    portal.admin.add_fault("lost_reply", "POST", ASK, skip=1)
    with pytest.raises(PortalError, match="may have carried it out"):
        load_file(world.publisher(), handle, world.importing(), alone=False)
    roll_back(world.publisher(), OPERATION.key, patience=1.0, job_patience=1.0)
    assert (world.rows(), world.drafts()) == (world.old, [])


# --- what the portal leaves out, and what does not fit ---


def test_rows_with_an_identifier_are_replaced_and_told_apart(portal: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("id,v\nr1,new\nr9,new\n")
    world = ImportWorld(portal, path, "append", keyed=True)
    load = world.load(world.open()).load
    assert (load.sent, load.created, load.updated, load.errors, load.rows_after) == (2, 1, 1, 0, 7)


def test_in_a_replacement_rows_that_share_an_identifier_are_missed(portal: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("id,v\nr1,a\nr1,b\n")
    world = ImportWorld(portal, path, "replace", keyed=True)
    with pytest.raises(RowsRefused, match="left out 1 rows"):
        world.load(world.open())


def test_what_cannot_be_counted_is_not_imported_beside_other_loads(portal: Emulator, tmp_path: Path) -> None:
    world = ImportWorld(portal, tmp_path / "new.xlsx", "append")
    with pytest.raises(HandleMismatch, match="publication of its own"):
        load_file(world.publisher(), world.open(), world.importing(), alone=False)


@pytest.mark.parametrize(("body", "lost"), [("id,v\nr7,a\nr8\n", 1), ("id,v\nr7,a\n", 0)])
def test_rows_left_out_are_counted_and_their_warnings_not_published(
    portal: Emulator, tmp_path: Path, body: str, lost: int
) -> None:
    path = tmp_path / "new.csv"
    path.write_text(body)
    world = ImportWorld(portal, path, "replace")
    handle = world.open()
    if lost:
        with pytest.raises(RowsRefused, match=r"left out 1 rows of new\.csv .*max_row_errors=0.*Row 2"):
            world.load(handle)
    done = world.load(handle, tried=2, max_row_errors=1)
    assert (done.load.errors, done.load.rows_after) == (lost, 1)
    world.publish(done)
    assert "warnings" not in world.portal.admin.state(world.dataset).get("metadata", {})


def test_other_encodings_and_translations(portal: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "new.tsv"
    path.write_bytes("nummer\tgata\n7\tÓðinsgata\n".encode("cp1252"))
    world = ImportWorld(portal, path, "replace")
    translation = parse_translation(["'r' + col1", "upper(col2)"])
    handle = world.load(world.open(), encoding="cp1252", translation=translation)
    world.publish(handle)
    assert world.rows() == [("r7", "ÓÐINSGATA")]


FILES: dict[str, tuple[str, bytes, dict[str, Any], str]] = {
    "empty": ("a.csv", b"", {}, "the file is empty"),
    "missing": ("", b"", {}, "there is no such file"),
    "no_rows": ("a.csv", b"id,v\n", {}, "a header and no rows"),
    "other_columns": ("a.csv", b"id,colour\n1,red\n", {}, "'colour'"),
    "deletes": ("a.csv", b"id,:deleted\n1,true\n", {}, "takes no column ':deleted'"),
    "broken": ("a.csv", b'id,v\n1,"abc\n', {}, "never closed"),
    "not_utf8": ("a.csv", b"id,v\n1,\xe9\n", {}, "is not utf-8"),
    "json": ("a.json", b"[]", {}, r"reads files named \.csv"),
    "mapping": ("a.csv", b"id,v\n1,2\n", {"columns": {"no": "v"}}, "'no'"),
    "skip": ("a.csv", b"id,v\n1,2\n", {"skip": 3}, "with another skip give a translation"),
    "too_few": ("a.csv", b"id,v\n1,2\n", {"translation": "[col1]"}, "gives 1 columns, and 2 are to be"),
    "beyond": ("a.csv", b"id,v\n1,2\n", {"translation": "[col1, col3]"}, "names col3, and the file has 2"),
    "from_zero": ("a.csv", b"id,v\n1,2\n", {"translation": "[col0, col1]"}, "begin with col1"),
    "unknown_function": (
        "a.csv",
        b"id,v\n1,2\n",
        {"translation": "[col1, f(col2)]"},
        "no function f at char",
    ),
    "shapes": ("a.kml", b"<kml/>", {"translation": "[col1, col2]"}, "no translation"),
}


@pytest.mark.parametrize("case", list(FILES))
def test_what_does_not_fit_changes_nothing(portal: Emulator, tmp_path: Path, case: str) -> None:
    name, body, options, problem = FILES[case]
    path = tmp_path / (name or "gone.csv")
    if name:
        path.write_bytes(body)
    world = ImportWorld(portal, path, "replace")
    handle = world.open()
    if "translation" in options:
        options = options | {"translation": parse_translation(options["translation"])}
    with pytest.raises((RecordsError, ConfigurationError, PortalError), match=problem) as caught:
        world.load(handle, **options)
    assert caught.value.permanent
    assert world.portal.admin.rows(handle.working_copy) == []
    assert world.asked("scan") == (case == "unknown_function")
    assert world.rows() == world.old
