"""The process that creates a dataset dies before or after every call and record; then it is tried again.

Whatever the moment: afterwards there is one dataset of the resource name, published, empty, with the wanted
columns and audience, and nothing is left on record. The same where the portal fails, or a reply is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.dying import (
    LATER,
    OPERATION,
    Death,
    EndedRuns,
    Killed,
    MortalIntents,
    MortalSession,
    TurnedClock,
    immortal,
)
from portal_harness.sessions import settings_of

from airflow_socrata.client import RetryBudget, views
from airflow_socrata.client.column_definitions import ColumnDefinition
from airflow_socrata.client.datasets import NewDataset
from airflow_socrata.publication.creating import CreateIntent, Creating, create
from airflow_socrata.publication.deleting import delete_dataset
from airflow_socrata.publication.operation import RememberedIntents
from airflow_socrata.publication.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator import Emulator
NEW = NewDataset(
    "stops",
    "Stops",
    (ColumnDefinition("id", "text"), ColumnDefinition("riders", "number")),
    row_identifier="id",
)


class World:
    """A portal without datasets, and the records."""

    def __init__(self, portal: Emulator, **switches: Any) -> None:
        portal.admin.reset()
        portal.admin.settings(**switches)
        self.portal, self.kept = portal, dict[str, CreateIntent]()
        self.log: list[str] = []

    def publisher(self, death: Death) -> Publisher:
        clock = TurnedClock(self.portal)
        session = MortalSession(
            settings_of(self.portal), clock=clock, budget=RetryBudget(attempts=4, base=0.01)
        )
        session.death = death
        # The records of publications are not used here.
        return Publisher(session, RememberedIntents(), EndedRuns(), clock, self.log.append, poll=5.0)

    def create(self, death: Death | None = None, operation: Any = OPERATION, **more: Any) -> Any:
        death = death or immortal()
        creating = Creating(NEW, **({"audience": "public", "timeout": 30.0} | more))
        records = MortalIntents(self.kept, death)
        return create(self.publisher(death), records, operation, creating)

    def delete(self, dataset: str, death: Death | None = None) -> bool:
        return delete_dataset(self.publisher(death or immortal()), dataset, resource_name="stops")

    def check_one(self, made: Any, where: object, *, on_record: int = 0) -> None:
        (only,) = self.portal.admin.datasets()
        assert (only["id"], only["stage"], only["rows"]) == (made.view.id, "published", 0), where
        view = self.publisher(immortal()).send(views.read_view(only["id"]))
        assert [column.field_name for column in view.columns] == ["id", "riders"], where
        assert (view.row_identifier, view.permission_scope) == ("id", "public"), where
        assert len(self.kept) == on_record, where


def dies(death: Death, act: Callable[..., object], *arguments: Any) -> bool:
    """Whether the process died; it outlives a moment "after" a call that the portal refused."""
    try:
        act(*arguments, death)
    except Killed:
        return True
    assert death.after
    return False


def moments(world: World) -> int:
    death = immortal()
    world.create(death)
    return death.count


@pytest.mark.parametrize(
    ("switches", "after"),
    [
        ({}, False),
        ({}, True),
        ({"backend": "old"}, True),
        ({"by_resource_name": "none"}, False),
        ({"by_resource_name": "published"}, True),
    ],
    ids=["before", "after", "old back end", "no search by resource name", "drafts are not found"],
)
def test_a_killed_creation_is_finished_and_not_doubled(
    portal: Emulator, switches: dict[str, Any], after: bool
) -> None:
    died = 0
    for at in range(moments(World(portal, **switches))):
        world, death = World(portal, **switches), Death(at, after)
        died += dies(death, world.create)
        where = (at, death.moments[-1])
        made = world.create()
        # Once the record is gone the run was over.
        assert made.created, where
        world.check_one(made, where)
        assert world.create().view.id == made.view.id, where
        assert not world.create(operation=LATER).created, where
        world.check_one(made, where)
    assert died >= 10


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_another_run_finishes_what_a_killed_one_has_left(portal: Emulator, after: bool) -> None:
    for at in range(moments(World(portal))):
        world, death = World(portal), Death(at, after)
        dies(death, world.create)
        world.check_one(world.create(operation=LATER), (at, death.moments[-1]))


class Rival(Death):
    """Not a death: another run creates the dataset at the very moment before this one does."""

    def __init__(self, world: World) -> None:
        super().__init__(-1, after=False)
        self.world, self.other = world, None

    def around(self, what: str, act: Callable[[], Any]) -> Any:
        if what.startswith("create dataset") and self.other is None:
            self.other = self.world.create(operation=LATER)
        return act()


def test_two_runs_that_create_at_once_make_one_dataset(portal: Emulator) -> None:
    world = World(portal)
    rival = Rival(world)
    made = world.create(rival)
    assert (made.created, rival.other.created) == (False, True)
    world.check_one(made, "rivals")


CALLS = [
    ("GET", "/api/views.json"),
    ("POST", "/api/views.json"),
    ("POST", "/publication"),
    ("PUT", "/permissions"),
    ("GET", "/api/views/.*-"),
]


@pytest.mark.parametrize(("method", "path"), CALLS, ids=[" ".join(call) for call in CALLS])
@pytest.mark.parametrize("fault", ["lost_reply", "reset_before", "bad_gateway", "throttled", "empty_json"])
def test_a_call_that_fails_once(portal: Emulator, fault: str, method: str, path: str) -> None:
    world = World(portal)
    portal.admin.add_fault(fault, method, path)
    made = world.create()
    assert made.created
    world.check_one(made, (fault, method, path))


@pytest.mark.parametrize(("fault", "times", "looks"), [("throttled", 4, False), ("bad_gateway", 1, True)])
def test_only_a_creation_that_may_be_in_flight_is_looked_for(
    portal: Emulator, fault: str, times: int, looks: bool
) -> None:
    world = World(portal)
    portal.admin.add_fault(fault, "POST", "/api/views.json", times=times)
    world.check_one(world.create(), fault)
    assert any("looking whether it comes" in line for line in world.log) == looks


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_killed_deletion_is_finished(portal: Emulator, after: bool) -> None:
    death = immortal()
    world = World(portal)
    assert world.delete(world.create().view.id, death)
    for at in range(death.count):
        world = World(portal)
        dataset = world.create().view.id
        death = Death(at, after)
        dies(death, world.delete, dataset)
        world.delete(dataset)
        assert portal.admin.datasets() == [], at


@pytest.mark.parametrize("fault", ["lost_reply", "bad_gateway", "throttled"])
def test_a_deletion_that_fails_once(portal: Emulator, fault: str) -> None:
    world = World(portal)
    dataset = world.create().view.id
    portal.admin.add_fault(fault, "DELETE", "/api/views/")
    assert world.delete(dataset)
    assert portal.admin.datasets() == []
