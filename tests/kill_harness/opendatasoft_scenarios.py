"""Runs at an Opendatasoft portal that are killed: each point, with and without retries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from kill_harness.dag_files import DEFERRABLE
from kill_harness.opendatasoft_dags import OpendatasoftDag
from kill_harness.opendatasoft_flow import OpendatasoftFlow
from kill_harness.opendatasoft_points import OPENDATASOFT_POINTS, OpendatasoftPoint
from kill_harness.stories import follow_again

if TYPE_CHECKING:
    from airflow_harness.cluster import Cluster

    from kill_harness.flow import Flow, Victims
    from kill_harness.stories import Story


@dataclass(frozen=True, slots=True)
class OpendatasoftScenario:
    """A run that is killed at a point.

    :param point: key of ``OPENDATASOFT_POINTS``.
    :param victims: what is killed.
    :param retries: of each task.
    :param deferrable: whether the triggerer waits.
    """

    vendor: ClassVar[str] = "opendatasoft"

    point: str
    victims: Victims
    retries: int = 0
    deferrable: bool = False

    def __str__(self) -> str:
        tries = f"{self.retries} retries" if self.retries else "no retry"
        waits = " - deferrable" if self.deferrable else ""
        return f"{self.point} - {self.victims} - {tries}{waits}"

    @property
    def kill_point(self) -> OpendatasoftPoint:
        """The point."""
        return OPENDATASOFT_POINTS[self.point]

    def __call__(self, cluster: Cluster, portal: Any) -> Story:
        """Carry it out."""
        dag = OpendatasoftDag(self.retries)
        if self.deferrable:
            dag = OpendatasoftDag(self.retries, name="deferrable", group=DEFERRABLE, load=DEFERRABLE)
        padding = self.kill_point.padding
        return follow_again(
            lambda: OpendatasoftFlow(cluster, portal, dag, padding=padding),
            self._kill_at_the_point,
            str(self),
            tries=3 if self.deferrable else 1,
        )

    def _kill_at_the_point(self, flow: Flow) -> None:
        point = self.kill_point
        if point.outcome:
            flow.admin.script(flow.dataset, **point.outcome)
        for fault in point.faults:
            flow.add_fault(**fault)
        flow.start(*point.gates)
        seen = flow.last_request()
        flow.kill(point.task, self.victims)
        if point.release == "after a look":
            flow.wait_call(seen, "GET")
        flow.let_go()


def opendatasoft_scenarios() -> list[OpendatasoftScenario]:
    """Every point; without and with retries by turns, so that the three that matter most have both."""
    found = []
    for number, (name, point) in enumerate(OPENDATASOFT_POINTS.items()):
        if not number % 2 or not point.tried_again or name in BOTH:
            found.append(OpendatasoftScenario(name, "task", deferrable=number % 4 == 2 and point.deferrable))
        if (number % 2 or name in BOTH) and point.tried_again:
            victims: Victims = "task and supervisor" if number % 4 == 1 else "task"
            found.append(OpendatasoftScenario(name, victims, 2, number % 4 == 3 and point.deferrable))
    return found


#: Points at which runs are killed without and with retries.
BOTH = frozenset({"upload, within the file", "between resource and publish", "while the portal processes"})
#: What runs without ``--all-kill-points``.
FEW_OPENDATASOFT = (
    OpendatasoftScenario("upload, within the file", "task and supervisor", 2),
    OpendatasoftScenario("between resource and publish", "task"),
    OpendatasoftScenario("while the portal processes", "task"),
)
