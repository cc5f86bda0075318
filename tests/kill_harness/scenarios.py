"""Runs that are killed: each point, by each way of publishing, with and without retries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from kill_harness.dag_files import DEFERRABLE, Dag
from kill_harness.flow import Gate
from kill_harness.points import POINTS, QUEUED, KillPoint
from kill_harness.revision_points import REVISION_POINTS, STUCK
from kill_harness.socrata_flow import SocrataFlow
from kill_harness.stories import follow_again

if TYPE_CHECKING:
    from airflow_harness.cluster import Cluster

    from kill_harness.dag_files import Way
    from kill_harness.flow import Flow, Victims
    from kill_harness.stories import Story


@dataclass(frozen=True, slots=True)
class Scenario:
    """A run that is killed at a point.

    :param point: key of ``POINTS`` or ``REVISION_POINTS``.
    :param way: how the run publishes.
    :param victims: what is killed.
    :param retries: of each task.
    :param deferrable: whether the triggerer waits.
    """

    vendor: ClassVar[str] = "socrata"

    point: str
    way: Way
    victims: Victims
    retries: int = 0
    deferrable: bool = False

    def __str__(self) -> str:
        tries = f"{self.retries} retries" if self.retries else "no retry"
        waits = " - deferrable" if self.deferrable else ""
        return f"{self.point} - {self.way} - {self.victims} - {tries}{waits}"

    @property
    def kill_point(self) -> KillPoint:
        """The point."""
        return (POINTS | REVISION_POINTS)[self.point]

    def __call__(self, cluster: Cluster, portal: Any) -> Story:
        """Carry it out."""
        dag = Dag(self.way, self.retries)
        if self.deferrable:
            dag = Dag(self.way, self.retries, name="deferrable", group=DEFERRABLE, load=DEFERRABLE)
        return follow_again(
            lambda: SocrataFlow(cluster, portal, dag),
            self._kill_at_the_point,
            str(self),
            tries=3 if self.deferrable else 1,
        )

    def _kill_at_the_point(self, flow: Flow) -> None:
        point = self.kill_point
        first, *others = point.gates
        flow.start(first)
        for fault in point.faults:
            flow.add_fault(**fault)
        flow.reach(*others)
        seen = flow.last_request()
        flow.kill(point.task, self.victims)
        if point.release == "after a look":
            flow.wait_call(seen, "GET")
        elif point.release == "after the end":
            flow.wait_call(seen, "DELETE", or_end=True)
        if isinstance(point.release, Gate):
            flow.land_at(point.release)
        flow.let_go()
        if QUEUED in point.faults:
            flow.admin.finish_jobs(flow.dataset)
        if STUCK in point.faults:
            flow.admin.finish_apply(flow.dataset, flow.revision)


def scenarios() -> list[Scenario]:
    """Every point without and with retries; both ways and both kinds of death at each, by turns."""
    found = []
    for number, point in enumerate(POINTS):
        way, other = ("upsert", "replace") if number % 2 else ("replace", "upsert")
        if not POINTS[point].needs_retry:
            found += [Scenario(point, way, "task"), Scenario(point, other, "task and supervisor")]
        found.append(Scenario(point, other if number % 4 < 2 else way, "task", retries=2))
        if number % 3 == 0:
            found.append(Scenario(point, way, "task and supervisor", retries=2))
    return [*found, *revision_scenarios()]


def revision_scenarios() -> list[Scenario]:
    """Every point of a revision without and with retries; the task and the triggerer wait by turns."""
    ways: list[Way] = ["appending revision", "updating revision", "replacing revision"]
    found = []
    for number, point in enumerate(REVISION_POINTS):
        way, other, third = (ways[(number + turn) % 3] for turn in range(3))
        told = REVISION_POINTS[point].deferrable
        defers, turned = (bool(number % 2), not number % 2) if told is None else (told, told)
        if not REVISION_POINTS[point].needs_retry:
            found.append(Scenario(point, way, "task", deferrable=defers))
            if number % 3 == 0:
                found.append(Scenario(point, third, "task and supervisor", deferrable=turned))
        found.append(Scenario(point, other, "task", 2, turned))
        if number % 3 == 1:
            found.append(Scenario(point, way, "task and supervisor", 2, defers))
    return found


#: What runs without ``--all-kill-points``.
FEW = (
    Scenario("copied, not recorded and not marked", "upsert", "task and supervisor"),
    Scenario("batch, after its commit", "replace", "task", retries=2),
    Scenario("publish, before the portal acts", "replace", "task"),
    Scenario("create call, before its reply", "appending revision", "task", deferrable=True),
    Scenario("chunk, before the portal acts", "updating revision", "task", retries=2, deferrable=True),
    Scenario("apply, before its reply", "replacing revision", "task", retries=2),
)
