"""What tests do to runs, and what became of these and of who stood by."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from portal_harness.publications import COLUMNS, OLD_ROWS

from kill_harness.opendatasoft_flow import OpendatasoftFlow
from kill_harness.socrata_flow import SocrataFlow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_harness.cluster import Cluster

    from kill_harness.dag_files import AnyDag
    from kill_harness.flow import Flow

FLOWS: dict[str, type[Flow]] = {"socrata": SocrataFlow, "opendatasoft": OpendatasoftFlow}


@dataclass(slots=True)
class Story:
    """What became of a run.

    :param flow: the run.
    :param state: its state.
    :param tasks: states of its tasks.
    :param clean_after: seconds from its end until nothing was left at the portal or on record.
    :param seconds: it took in all.
    :param log: what its tasks logged.
    """

    flow: Flow
    state: str
    tasks: Mapping[str, str | None]
    clean_after: float
    seconds: float
    log: list[str]

    def tell(self) -> None:
        """Print it."""
        print(f"{self.seconds:.0f} s, {self.state}, clean after {self.clean_after:.1f} s, {dict(self.tasks)}")
        print(*self.log, sep="\n")


def follow(flow: Flow, plot: Callable[[Flow], None]) -> Story:
    """Let a plot start a run and do to it what it does, then wait for the end and for what is left to go."""
    began = time.monotonic()
    flow.prepare()
    try:
        plot(flow)
        state = flow.wait_terminal()
        clean_after = flow.wait_clean()
    finally:
        flow.let_go()
    return Story(flow, state, flow.states(), clean_after, time.monotonic() - began, flow.log())


def follow_again(make: Callable[[], Flow], plot: Callable[[Flow], None], name: str, tries: int) -> Story:
    """Follow a run; another one where Airflow itself failed a deferred task, which must not harm anybody."""
    flow = make()
    try:
        story = follow(flow, plot)
        if story.state == "success" or tries == 1 or not flow.was_failed_by_airflow():
            return story
    except TimeoutError:
        if tries == 1 or not flow.was_failed_by_airflow():
            raise
        flow.wait_terminal()
        flow.wait_clean()
    flow.check(name)
    return follow_again(make, plot, name, tries - 1)


@dataclass(frozen=True, slots=True)
class Plot:
    """What a test does to a run; a scenario of a campaign.

    :param name: in the test's id.
    :param dag: the DAG that runs.
    :param act: starts the run and does to it what it does.
    """

    name: str
    dag: AnyDag
    act: Callable[[Flow], None]

    def __str__(self) -> str:
        return self.name

    @property
    def vendor(self) -> str:
        """Of the portal."""
        return self.dag.vendor

    def __call__(self, cluster: Cluster, portal: Any) -> Story:
        """Carry it out."""
        return follow(FLOWS[self.dag.vendor](cluster, portal, self.dag), self.act)


def plot(dag: AnyDag) -> Callable[[Callable[[Flow], None]], Plot]:
    """Make a function a plot."""
    return lambda act: Plot(act.__name__, dag, act)


@dataclass(frozen=True, slots=True)
class Bystander:
    """A dataset that a person is working on while runs are killed around it.

    :param dataset: its 4x4.
    :param state: the dataset and the person's working copy as they were.
    """

    portal: Any
    dataset: str
    state: Any

    @classmethod
    def open(cls, portal: Any) -> Bystander:
        """Let a person open a working copy and change a row in it."""
        dataset = portal.admin.create_dataset(
            name="Road works", columns=COLUMNS, row_identifier="event_id", rows=OLD_ROWS
        )["id"]
        copy = portal.admin.open_working_copy_as("person", dataset)["id"]
        portal.admin.write_rows(copy, [{"event_id": "e1", "lanes": 1234}])
        return cls(portal, dataset, cls._state(portal, dataset))

    def is_untouched(self) -> bool:
        """Whether the dataset and the person's copy are as they were."""
        return bool(self._state(self.portal, self.dataset) == self.state)

    @staticmethod
    def _state(portal: Any, dataset: str) -> Any:
        state = portal.admin.state(dataset)
        return state, {copy["id"]: portal.admin.rows(copy["id"]) for copy in state["copies"]}
