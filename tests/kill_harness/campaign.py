"""Many runs at once on one Airflow: each waits most of its time, for heartbeats and time-outs."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from airflow_harness.cluster import Cluster

    from kill_harness.stories import Bystander, Story

#: Runs under way at once; the cluster has six slots, and a run that is dead holds none.
AT_ONCE = 9


class AnyScenario(Protocol):
    """What is done to one run.

    :param vendor: of the portal.
    """

    vendor: str

    def __call__(self, cluster: Cluster, portal: Any) -> Story:
        """Carry it out."""


class Campaign:
    """Carries out all scenarios, side by side, and keeps what became of each.

    :param bystanders: the portals, each with who is working there, by vendor.
    """

    def __init__(
        self, cluster: Cluster, bystanders: Mapping[str, Bystander], scenarios: Iterable[AnyScenario]
    ) -> None:
        self.bystanders = bystanders
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="run")
        self._stories: dict[Hashable, Future[Story]] = {
            scenario: self._pool.submit(scenario, cluster, bystanders[scenario.vendor].portal)
            for scenario in scenarios
        }

    def story(self, scenario: Hashable) -> Story:
        """What became of a scenario; waits for it, and raises what went wrong in it."""
        return self._stories[scenario].result()

    def look_again(self) -> None:
        """Look whether all runs left things as their stories told."""
        for name, future in self._stories.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                future.result().flow.check(str(name))

    def stop(self) -> None:
        """Start no more of them, and wait for those under way."""
        self._pool.shutdown(cancel_futures=True)
