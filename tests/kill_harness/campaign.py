"""Many killed runs at once on one Airflow: each waits most of its time, for heartbeats and time-outs."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from kill_harness.flow import Flow
from kill_harness.points import POINTS, Story

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_harness.cluster import Cluster

    from kill_harness.points import KillPoint, Scenario

#: Runs under way at once; the cluster has six slots, and a run that is dead holds none.
AT_ONCE = 9


class Campaign:
    """Carries out all scenarios, side by side, and keeps what became of each."""

    def __init__(self, cluster: Cluster, portal: Any, scenarios: Iterable[Scenario]) -> None:
        self._cluster = cluster
        self._portal = portal
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="killed-run")
        self._stories: dict[Scenario, Future[Story]] = {
            scenario: self._pool.submit(self._carry_out, scenario) for scenario in scenarios
        }

    def story(self, scenario: Scenario) -> Story:
        """What became of a scenario; waits for it, and raises what went wrong in it."""
        return self._stories[scenario].result()

    def stories(self) -> list[Story]:
        """All that came to their end."""
        return [future.result() for future in self._stories.values() if future.exception() is None]

    def stop(self) -> None:
        """Start no more of them, and wait for those under way."""
        self._pool.shutdown(cancel_futures=True)

    def _carry_out(self, scenario: Scenario) -> Story:
        began = time.monotonic()
        point = POINTS[scenario.point]
        flow = Flow(self._cluster, self._portal, scenario.way, scenario.retries)
        flow.prepare()
        try:
            first, *others = point.gates
            flow.start(first)
            for fault in point.faults:
                flow.add_fault(**fault)
            flow.reach(*others)
            seen = flow.last_request()
            flow.kill(point.task, scenario.victims)
            self._release(flow, point, seen)
            state = flow.wait_terminal()
            clean_after = flow.wait_clean()
        finally:
            flow.let_go()
        return Story(flow, state, flow.states(), clean_after, time.monotonic() - began, flow.log())

    def _release(self, flow: Flow, point: KillPoint, seen: int) -> None:
        if point.release == "after a look":
            flow.wait_call(seen, "GET")
        elif point.release == "after the discard":
            flow.wait_call(seen, "DELETE")
        flow.let_go()
        if point.faults and point.faults[0]["kind"] == "publish_queued":
            flow.admin.finish_jobs(flow.dataset)

