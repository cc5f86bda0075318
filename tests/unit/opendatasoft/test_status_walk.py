"""Any course of orders, ends and interferences: the portal does what the table of statuses says, and what the
sensor makes of it is the truth, in both APIs at once.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

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
    from collections.abc import Iterator

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


class Walk(RuleBasedStateMachine):
    """A dataset with a file and a realtime resource; its runs go on when they are told to."""

    emulator: OpendatasoftEmulator
    session: PortalSession

    def __init__(self) -> None:
        super().__init__()
        self.admin = self.emulator.admin
        self.admin.reset()
        self.admin.settings(manual=True, realtime_seconds=1.0)
        self.uid = self.admin.create_dataset("stops", "Stops", RECORDS, id_fields=["id"])["uid"]
        live = ResourceSpec("live", "realtime", Source(), {"bootstrap": RECORDS[:1], "recovery": True})
        self.resource = self.session.send(DIALECTS["automation"].create_resource(self.uid, live))
        self.watched: list[Watched] = []

    def statuses(self) -> dict[str, Status]:
        return {name: self.session.send(dialect.status(self.uid)) for name, dialect in DIALECTS.items()}

    @initialize(deletes=st.booleans(), saves=st.booleans())
    def course_of_publications(self, deletes: bool, saves: bool) -> None:
        self.admin.settings(republish_deletes=deletes, save_version=saves)

    @rule(
        action=st.sampled_from(ORDERS),
        name=st.sampled_from(sorted(DIALECTS)),
        outcome=st.sampled_from(sorted(ENDS)),
    )
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

    @rule(to=st.sampled_from([None, *(row.internal for row in STATUS_TABLE)]))
    def go_on(self, to: str | None) -> None:
        self.admin.run_queue(self.uid, to)

    @rule()
    def somebody_pushes(self) -> None:
        published = self.interfere()["published"]
        (batch,) = batches([{"id": 4}])
        with nullcontext() if published else pytest.raises(NotFound):
            self.session.send(push(target_of(self.resource), batch))

    @rule(action=st.sampled_from(["recover", "delete_recover_data"]))
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

    @invariant()
    def the_portal_and_the_table_agree(self) -> None:
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


def test_any_course(server: OpendatasoftEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    key = PortalKey(api_key=server.api_key)
    address = portal_settings(server.domain, key, port=server.port, scheme="http")
    with PortalSession(address, budget=RetryBudget(attempts=1, seconds=1.0)) as session:
        monkeypatch.setattr(Walk, "emulator", server, raising=False)
        monkeypatch.setattr(Walk, "session", session, raising=False)
        run_state_machine_as_test(
            Walk, settings=settings(max_examples=30, stateful_step_count=25, deadline=None)
        )


@pytest.fixture
def server() -> Iterator[OpendatasoftEmulator]:
    with OpendatasoftEmulator() as emulator:
        yield emulator
