"""The process of a row operator dies before or after every call and every record; then it is tried again.

Whatever the moment, the outcome is that of one clean run. Time is turned, not waited for.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.dying import LATER, OPERATION, Death, Killed, MortalIntents, World, immortal

from airflow_socrata.publication import single_rows
from airflow_socrata.publication.errors import RowChanged
from airflow_socrata.publication.row_inserts import Insert, InsertIntent

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator import Emulator
    from airflow_socrata.publication.operation import Operation
    from airflow_socrata.publication.publisher import Publisher


class OneRow(World):
    """A dataset whose clock turns with the waits."""

    shared_time = True

    def __init__(self, portal: Emulator, *, keyed: bool, backend: str) -> None:
        super().__init__(portal, keyed, backend)
        self.inserts: dict[str, InsertIntent] = {}

    def version(self, row_id: str) -> Any:
        publisher = self.publisher()
        row = single_rows.find_row(publisher, self.view(publisher), row_id, 60.0)
        assert row is not None
        return row[":version"]

    def view(self, publisher: Publisher) -> Any:
        return single_rows.writable(publisher, self.dataset)


@pytest.fixture(params=["new", "old"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def upsert(world: OneRow, death: Death) -> None:
    publisher = world.publisher(death)
    view = world.view(publisher)
    single_rows.write_row(publisher, view, single_rows.checked_row(view, {"id": "r1", "v": "new"}), 60.0)


def delete(world: OneRow, death: Death) -> None:
    publisher = world.publisher(death)
    single_rows.delete_row(publisher, world.view(publisher), "r1", 60.0)


def insert(world: OneRow, death: Death, operation: Operation = OPERATION) -> None:
    publisher = world.publisher(death)
    records = MortalIntents(world.inserts, death)
    view = world.view(publisher)
    row = single_rows.checked_row(view, {"id": "r1", "v": "old"})
    Insert(publisher, records, operation, view, row, 60.0).run()


def killed_everywhere(
    world: Callable[[], OneRow], act: Callable[[OneRow, Death], None], expected: list[tuple[str, str]]
) -> int:
    for number in itertools.count():
        at, after = number // 2, bool(number % 2)
        one, death = world(), Death(at, after)
        try:
            act(one, death)
        except Killed:
            act(one, immortal())
            assert one.public_rows() == expected, (at, after, death.moments)
            continue
        assert one.public_rows() == expected
        return at
    raise AssertionError


OLD = [(f"r{n}", "old") for n in range(6)]


def test_an_upsert(portal: Emulator, backend: str) -> None:
    expected = sorted([(key, "new" if key == "r1" else value) for key, value in OLD])
    moments = killed_everywhere(lambda: OneRow(portal, keyed=True, backend=backend), upsert, expected)
    assert moments >= 4


def test_a_delete(portal: Emulator, backend: str) -> None:
    expected = [row for row in OLD if row[0] != "r1"]
    moments = killed_everywhere(lambda: OneRow(portal, keyed=True, backend=backend), delete, expected)
    assert moments >= 5


def test_an_insert_that_nothing_tells_apart(portal: Emulator, backend: str) -> None:
    expected = sorted([*OLD, ("r1", "old")])
    moments = killed_everywhere(lambda: OneRow(portal, keyed=False, backend=backend), insert, expected)
    assert moments >= 6


def test_a_write_that_asks_for_a_version(portal: Emulator) -> None:
    def act(world: OneRow, death: Death) -> None:
        publisher = world.publisher(death)
        view = world.view(publisher)
        row = single_rows.checked_row(view, {"id": "r1", "v": "new", ":version": versions[world.dataset]})
        single_rows.write_row(publisher, view, row, 60.0)

    def world() -> OneRow:
        made = OneRow(portal, keyed=True, backend="new")
        versions[made.dataset] = made.version("r1")
        return made

    versions: dict[str, Any] = {}
    expected = sorted([(key, "new" if key == "r1" else value) for key, value in OLD])
    assert killed_everywhere(world, act, expected) >= 4


@pytest.mark.parametrize(
    "fault",
    [("lost_reply", {}), ("bad_gateway", {"after_commit": True}), ("reset_before", {}), ("throttled", {})],
)
def test_an_insert_whose_reply_is_lost_or_refused(portal: Emulator, fault: tuple[str, Any]) -> None:
    world = OneRow(portal, keyed=False, backend="new")
    kind, more = fault
    portal.admin.add_fault(kind, method="POST", path=f"/resource/{world.dataset}", **more)
    insert(world, immortal())
    assert world.public_rows() == sorted([*OLD, ("r1", "old")])


@pytest.mark.parametrize(
    ("kind", "more", "changed"),
    [("lost_reply", {}, False), ("reset_before", {}, True), ("internal", {"after_commit": True}, False)],
)
def test_a_versioned_write_whose_reply_is_lost(
    portal: Emulator, kind: str, more: dict[str, Any], changed: bool
) -> None:
    world = OneRow(portal, keyed=True, backend="new")
    row = {"id": "r1", "v": "new", ":version": world.version("r1")}
    portal.admin.add_fault(kind, method="POST", path=f"/resource/{world.dataset}", **more)
    publisher = world.publisher()
    outcome = single_rows.write_row(publisher, world.view(publisher), row, 60.0)
    assert outcome.changed is changed
    assert ("r1", "new") in world.public_rows()


@pytest.mark.parametrize("theirs", ["theirs", "mine"])
def test_somebody_is_quicker_between_the_look_and_the_write(portal: Emulator, theirs: str) -> None:
    """Where the values are the same, it may have been an earlier sending that came late."""
    world = OneRow(portal, keyed=True, backend="new")
    publisher = world.publisher()
    view = world.view(publisher)
    row = {"id": "r1", "v": "mine", ":version": world.version("r1")}

    class Quicker(Death):
        def around(self, what: str, act: Callable[[], Any]) -> Any:
            if what.startswith("upsert"):
                portal.admin.write_rows(world.dataset, [{"id": "r1", "v": theirs}])
            return super().around(what, act)

    publisher.session.death = Quicker(-1, after=False)  # type: ignore[attr-defined]
    if theirs == "mine":
        assert single_rows.write_row(publisher, view, row, 60.0).changed is False
    else:
        with pytest.raises(RowChanged, match="has been changed since version"):
            single_rows.write_row(publisher, view, row, 60.0)
    assert ("r1", theirs) in world.public_rows()


def test_many_rows_alike(portal: Emulator) -> None:
    world = OneRow(portal, keyed=False, backend="new")
    for number in range(12):
        insert(world, immortal(), replace(OPERATION, run_id=f"run {number}"))
    assert world.public_rows().count(("r1", "old")) == 13
    assert len(world.inserts) == 1


def test_the_next_run_inserts_again_and_forgets_the_record_of_the_last(portal: Emulator) -> None:
    world = OneRow(portal, keyed=False, backend="new")
    insert(world, immortal())
    insert(world, immortal(), LATER)
    assert world.public_rows().count(("r1", "old")) == 3
    assert [intent.operation for intent in world.inserts.values()] == [LATER]
