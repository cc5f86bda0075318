"""Any course of orders, ends and interferences: the portal does what the table of statuses says, and what the
sensor makes of it is the truth, in both APIs at once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_socrata.client import InvalidRequest, NotFound, PortalSession, RetryBudget
from airflow_socrata.emulator import OpendatasoftEmulator
from airflow_socrata.opendatasoft import actions
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.dialect import dialect_named
from airflow_socrata.opendatasoft.errors import InvalidDatasetStatus
from airflow_socrata.opendatasoft.models import ResourceSpec, Source, Status
from airflow_socrata.opendatasoft.portal import portal_settings
from airflow_socrata.opendatasoft.push import batches, push, target_of
from airflow_socrata.opendatasoft.status import (
    SINCE_RESOLUTION_SECONDS,
    STATUS_TABLE,
    Action,
    StatusClass,
    Step,
    next_step,
)
from airflow_socrata.opendatasoft.steps import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_socrata.opendatasoft.dialect import RealtimeAction

ROWS = {row.internal: row for row in STATUS_TABLE}
DIALECTS = {name: dialect_named(name) for name in ("automation", "management")}
ORDERS = (Action.PUBLISH, Action.UNPUBLISH, Action.PUBLISH_METADATA, Action.ABORT)
ENDS = {
    "success": Step.DONE,
    "records_errors": Step.DONE,
    "error": Step.FAIL_ERROR,
    "limit": Step.FAIL_LIMIT,
}
RECORDS = [{"id": 1}, {"id": 2}, {"id": 3}]


@dataclass(frozen=True)
class Watched:
    """An order that was accepted.

    :param before: the status before it, by dialect.
    :param end: what the sensor has to say when the dataset rests again.
    """

    action: Action
    before: dict[str, Status]
    end: Step


class Walk:
    """A dataset with a file and a realtime resource; its runs go on when they are told to."""

    def __init__(self, emulator: OpendatasoftEmulator, session: PortalSession, **switches: bool) -> None:
        self.emulator, self.admin, self.session = emulator, emulator.admin, session
        self.admin.reset()
        self.admin.settings(manual=True, realtime_seconds=1.0, **switches)
        self.uid = self.admin.create_dataset("stops", "Stops", RECORDS, id_fields=["id"])["uid"]
        live = ResourceSpec("live", "realtime", Source(), {"bootstrap": RECORDS[:1], "recovery": True})
        self.resource = self.session.send(DIALECTS["automation"].create_resource(self.uid, live))
        self.watched: list[Watched] = []

    def statuses(self) -> dict[str, Status]:
        return {name: self.session.send(dialect.status(self.uid)) for name, dialect in DIALECTS.items()}

    def order(self, action: Action, name: str, outcome: str) -> None:
        truth = self.admin.state(self.uid)
        row = ROWS[truth["internal"]]
        self.admin.advance(SINCE_RESOLUTION_SECONDS)
        before = self.statuses()
        steps = actions.order(DIALECTS[name], self.uid, action, before[name])
        if action not in row.allows:
            with pytest.raises(InvalidDatasetStatus) as refused:
                run(self.session, steps)
            assert refused.value.current == row.internal
            assert set(refused.value.allowed) == {
                one.internal for one in STATUS_TABLE if action in one.allows
            }
            assert refused.value.busy == (row.status_class is StatusClass.TRANSIENT)
        elif action is Action.PUBLISH_METADATA and not truth["published"]:
            with pytest.raises(InvalidRequest):
                run(self.session, steps)
        else:
            if action is Action.PUBLISH:
                self.admin.script(self.uid, outcome)
            run(self.session, steps)
            end = ENDS[outcome] if action is Action.PUBLISH else Step.DONE
            # What is aborted has failed; what had ended before a new order is a thing of the past.
            earlier = self.watched if action is Action.ABORT else []
            self.watched = [replace(one, end=Step.FAIL_ABORTED) for one in earlier]
            self.watched.append(Watched(action, before, end))

    def go_on(self, states: int) -> None:
        """Let a run go through so many states, looking at each."""
        for _ in range(states):
            running = self.emulator.portal.datasets[self.uid].run
            if running is not None:
                following = [phase.internal for phase in running.phases][1:2]
                self.admin.run_queue(self.uid, *following)
                self.look()

    def somebody_pushes(self) -> None:
        published = self.interfere()["published"]
        (batch,) = batches([{"id": 4}])
        with nullcontext() if published else pytest.raises(NotFound):
            self.session.send(push(target_of(self.resource), batch))

    def somebody_replays(self, action: RealtimeAction) -> None:
        truth = self.interfere()
        call = DIALECTS["automation"].act_on_realtime(self.uid, self.resource, action)
        if truth["run"] is not None:
            with pytest.raises(InvalidDatasetStatus) as refused:
                self.session.send(call)
            assert refused.value.current == truth["internal"]
        elif action == "recover" and not truth["published"]:
            with pytest.raises(InvalidRequest):
                self.session.send(call)
        else:
            self.session.send(call)

    def interfere(self) -> dict[str, Any]:
        """Whoever starts something while the dataset rests makes the end before it a thing of the past."""
        truth = self.admin.state(self.uid)
        if truth["run"] is None:
            self.watched = []
        return truth

    def look(self) -> None:
        """The portal, the table and the sensor agree."""
        truth = self.admin.state(self.uid)
        row, rests = ROWS[truth["internal"]], truth["run"] is None
        assert (row.status_class is not StatusClass.TRANSIENT) == rests
        for name, status in self.statuses().items():
            assert status.name == getattr(row, name)
            assert status.is_at_rest == rests
            assert status.is_published == truth["published"]
            assert next_step(status, status) is Step.WAIT
            for one in self.watched:
                step = next_step(status, one.before[name], after=one.action)
                assert step is (one.end if rests else Step.WAIT)


Event = Callable[[Walk], None]


def ordering(*action: Action) -> st.SearchStrategy[Event]:
    """Order one of these; those named more often come more often."""
    given = st.tuples(
        st.sampled_from(action), st.sampled_from(sorted(DIALECTS)), st.sampled_from(sorted(ENDS))
    )
    return given.map(lambda order: lambda walk: walk.order(*order))


def going_on(*states: int) -> st.SearchStrategy[Event]:
    """Let the run go through so many states."""
    return st.sampled_from(states).map(lambda count: lambda walk: walk.go_on(count))


INTERFERENCE = st.sampled_from([
    Walk.somebody_pushes,
    lambda walk: walk.somebody_replays("recover"),
    lambda walk: walk.somebody_replays("delete_recover_data"),
])
PUBLISH, UNPUBLISH, METADATA, ABORT = ORDERS
#: An order, the run up to somewhere, something in its midst, and mostly its end.
EPISODE = st.tuples(
    ordering(PUBLISH, PUBLISH, UNPUBLISH, METADATA),
    going_on(1, 2, 3, 0, 4),
    ordering(ABORT, ABORT, ABORT, PUBLISH, UNPUBLISH, METADATA) | INTERFERENCE,
    going_on(4, 4, 1),
)
UNPUBLISHED = [lambda walk: walk.order(UNPUBLISH, "automation", "success"), lambda walk: walk.go_on(4)]
ABORTED = [
    lambda walk: walk.order(PUBLISH, "automation", "success"),
    lambda walk: walk.go_on(1),
    lambda walk: walk.order(ABORT, "management", "success"),
    lambda walk: walk.go_on(4),
]


@pytest.fixture(scope="module")
def emulator() -> Iterator[OpendatasoftEmulator]:
    with OpendatasoftEmulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def session(emulator: OpendatasoftEmulator) -> Iterator[PortalSession]:
    key = PortalKey(api_key=emulator.api_key)
    address = portal_settings(emulator.domain, key, port=emulator.port, scheme="http")
    with PortalSession(address, budget=RetryBudget(attempts=1, seconds=1.0)) as session:
        yield session


@settings(max_examples=40, deadline=None)
@example(episodes=[ABORTED, UNPUBLISHED, ABORTED], republish_deletes=False, save_version=False)
@given(
    episodes=st.lists(EPISODE, min_size=3, max_size=8),
    republish_deletes=st.booleans(),
    save_version=st.booleans(),
)
def test_any_course(
    emulator: OpendatasoftEmulator,
    session: PortalSession,
    episodes: list[Sequence[Event]],
    republish_deletes: bool,
    save_version: bool,
) -> None:
    walk = Walk(emulator, session, republish_deletes=republish_deletes, save_version=save_version)
    for event in chain.from_iterable(episodes):
        event(walk)
        walk.look()
