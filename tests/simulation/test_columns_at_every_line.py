"""The process dies after any call or record of a change of columns; then it is retried or rolled back.

After a retry the public sees the columns and rows of a clean run, after a rollback the former ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.dying import OLD, OPERATION, Death, Killed, MortalSession, Tasks, World

from airflow_socrata.client import views
from airflow_socrata.publication import changing_columns, loading, publishing, reopening
from airflow_socrata.publication.loading import Loading
from airflow_socrata.publication.opening import Opening, open_working_copy
from airflow_socrata.publication.publishing import Published, Publishing
from airflow_socrata.publication.rollback import roll_back
from airflow_socrata.publication.schema_change import SchemaChange
from airflow_socrata.publication.verifying import VerificationFailed, verify
from airflow_socrata.records import Guards, RowsSource

if TYPE_CHECKING:
    from airflow_socrata.emulator import Emulator
    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.publisher import Publisher

FIRST = SchemaChange.of(
    add=[{"field_name": "key", "data_type": "text"}],
    change={"v": {"data_type": "number", "name": "Value"}, "id": {"field_name": "old_id", "name": "Old id"}},
    allow_type_change=True,
)
#: Rows have no row identifier while they are loaded: what is loaded twice is seen.
SECOND = SchemaChange.of(drop=["key"], row_identifier="")
COLUMNS = [("old_id", "Old id", "text"), ("v", "Value", "number")]


class Run(Tasks):
    """Create, change columns twice, load, publish."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.tasks = [
            ("create", self._create),
            ("first", lambda publisher, tried: self._change(publisher, "create", "first", FIRST)),
            ("second", lambda publisher, tried: self._change(publisher, "first", "second", SECOND)),
            ("load", self._load),
            ("publish", self._publish),
            ("verify", lambda publisher, tried: verify(publisher, self.handles["publish"].handle, 7, 30)),
        ]

    def _create(self, publisher: Publisher, tried: int) -> Handle:
        return open_working_copy(publisher, OPERATION, Opening(self.world.dataset, "copy", timeout=30))

    def _change(self, publisher: Publisher, before: str, task_id: str, wanted: SchemaChange) -> Handle:
        handle, _ = changing_columns.change_working_copy(publisher, self.handles[before], task_id, wanted, 30)
        return handle

    def _load(self, publisher: Publisher, tried: int) -> Handle:
        handle: Handle = self.handles["second"]
        if tried > 1:
            handle = reopening.reopen(publisher, handle, 30)
        source = RowsSource(lambda: [{"old_id": "new", "v": 7}])
        how = Loading("load", source, guards=Guards(require_row_identifier=False), timeout=30)
        rows = publisher.count(handle.working_copy, 30)
        return handle.with_load(loading.upsert_rows(publisher, handle.working_copy, how, baseline=rows))

    def _publish(self, publisher: Publisher, tried: int) -> Published:
        done = publishing.start(publisher, [self.handles["load"]], Publishing(timeout=30))
        assert isinstance(done, Published)
        return done


def die(world: World, task: str, at: int) -> tuple[Run, bool]:
    """Go until the process dies after the so-manieth moment of a task; tell whether it did."""
    run = Run(world)
    names = [name for name, _ in run.tasks]
    for name in names[: names.index(task)]:
        run.handles[name] = dict(run.tasks)[name](world.publisher(), 1)
    try:
        run.go(world.publisher(Death(at, after=True)), first=task)
    except Killed:
        return run, True
    return run, False


def columns(world: World) -> list[tuple[str, str, str]]:
    found = world.publisher().send(views.read_view(world.dataset)).columns
    return [(column.field_name, column.name, column.data_type_name) for column in found]


def assert_as_of_a_clean_run(world: World, moment: object) -> None:
    assert columns(world) == COLUMNS, moment
    rows = sorted((row["old_id"], row.get("v")) for row in world.portal.admin.rows(world.dataset))
    assert rows == sorted([*((row["id"], None) for row in OLD), ("new", "7")]), moment
    assert world.publisher().send(views.read_view(world.dataset)).row_identifier is None, moment
    assert world.drafts() == []


def moments(world: World, task: str) -> int:
    """How many calls and records a task makes."""
    counted = Death(-1, after=True)
    run = Run(world)
    for name, act in run.tasks:
        run.handles[name] = act(world.publisher(counted if name == task else None), 1)
    return counted.count


def test_other_columns_than_were_published_are_seen(portal: Emulator) -> None:
    world = World(portal, keyed=True)
    run = Run(world)
    run.go(world.publisher())
    handle = run.handles["publish"].handle
    assert handle.columns == ("old_id", "v")
    with pytest.raises(VerificationFailed, match="other columns than were published: key, v"):
        verify(world.publisher(), replace(handle, columns=("old_id", "key")), 7, 30)


@pytest.mark.parametrize("task", ["first", "second", "load", "publish"])
@pytest.mark.parametrize("backend", ["new", "old"])
def test_a_retry_ends_as_a_clean_run(portal: Emulator, backend: str, task: str) -> None:
    portal.admin.settings(row_identifier_takes="auto")
    clean = World(portal, keyed=True, backend=backend)
    count = moments(clean, task)
    assert_as_of_a_clean_run(clean, "never died")
    for at in range(0, count, 1 if (backend, task) == ("new", "first") else 3):
        world = World(portal, keyed=True, backend=backend)
        run, died = die(world, task, at)
        assert died, at
        run.go(world.publisher(), first=task, tried=2)
        assert_as_of_a_clean_run(world, at)


def test_a_retry_of_a_load_may_die_while_columns_are_changed_again(portal: Emulator) -> None:
    count = 60
    for at in range(3, count, 6):
        world = World(portal, keyed=True)
        run, _ = die(world, "load", 1)
        try:
            run.go(world.publisher(Death(at, after=True)), first="load", tried=2)
        except Killed:
            run.go(world.publisher(), first=run.current, tried=3)
        assert_as_of_a_clean_run(world, at)


@pytest.mark.parametrize("taken", ["refuse", "number"])
def test_a_call_of_a_dead_try_lands_just_before_that_of_the_next(
    portal: Emulator, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.admin.settings(duplicate_field_name=taken)
    world = World(portal, keyed=True)
    run, send = Run(world), MortalSession.send
    late: list[str] = []

    def twice(session: MortalSession, call: Any, **more: Any) -> Any:
        if call.summary.startswith(("add column", "drop column")) and call.summary not in late:
            late.append(call.summary)
            send(session, call)
        return send(session, call, **more)

    monkeypatch.setattr(MortalSession, "send", twice)
    run.go(world.publisher())
    assert len(late) >= 4
    assert_as_of_a_clean_run(world, late)


def test_a_rollback_leaves_the_former_columns(portal: Emulator) -> None:
    former: Any = None
    for at in range(0, 14, 4):
        world = World(portal, keyed=True)
        former = former or columns(world)
        _, died = die(world, "first", at)
        assert died
        roll_back(world.publisher(), OPERATION.key, patience=1)
        assert columns(world) == former == [("id", "id", "text"), ("v", "v", "text")]
        assert world.public_rows() == world.old
        assert world.drafts() == []
