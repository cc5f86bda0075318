"""The state engine: runs and their phases."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft.errors import wrong_status
from airflow_socrata.emulator.opendatasoft.model import Dataset, Phase, Run, State
from airflow_socrata.emulator.opendatasoft.states import public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_socrata.emulator.opendatasoft.portal import Portal

# outcome -> (arguments with their defaults, what it does). The docs print this table.
OUTCOMES: dict[str, tuple[dict[str, Any], str]] = {
    "success": ({}, "Processed as the files and the configuration say."),
    "error": (
        {"message": "The source could not be read: HTTP 503", "raw_message": None, "params": {}},
        "Ends in `error` with this message.",
    ),
    "limit": (
        {"limit": 1, "limit_type": None},
        "Ends in `limit_reached`: so many records stay, the rest is dropped.",
    ),
    "stuck": (
        {"at": "queued"},
        "Stays `queued` (or in `processing`) until `run_queue()`, or for good.",
    ),
    "slow": (
        {"seconds": 60.0, "queued_seconds": None, "looks": 0},
        "Processing takes so many seconds of portal time, and at least so many looks at the status.",
    ),
    "records_errors": (
        {"records": 1, "message": "Invalid value"},
        "Ends in `idle` with so many records in error; the records stay.",
    ),
}


def state_of(dataset: Dataset) -> State:
    """Return the status that the APIs show, and count the look."""
    run = dataset.run
    if run is not None and run.hidden_looks > 0 and dataset.shown_before is not None:
        run.hidden_looks -= 1
        return dataset.shown_before
    if run is not None and run.phases[0].looks > 0:
        run.phases[0].looks -= 1
    return dataset.state


def next_of(portal: Portal, dataset: Dataset, shown: State) -> str | None:
    """Return the public name of the state that is likely to follow."""
    if shown is not dataset.state or dataset.run is None:
        return None
    name = portal.switches.realtime_status_name
    return public(dataset.run.phases[1].internal, name) if len(dataset.run.phases) > 1 else "idle"


def tick(portal: Portal) -> None:
    """Let all runs go as far as the portal's time allows."""
    for dataset in list(portal.datasets.values()):
        while dataset.run is not None and _due(portal, dataset):
            _advance(portal, dataset)


def _due(portal: Portal, dataset: Dataset) -> bool:
    if dataset.run is None:
        return False
    phase = dataset.run.phases[0]
    waits = phase.stuck or phase.looks > 0 or portal.switches.manual
    return not waits and portal.clock.now() >= dataset.state.since + phase.seconds


def _advance(portal: Portal, dataset: Dataset) -> None:
    """Leave the current phase: for the next one, or for rest."""
    run = dataset.run
    if run is None:
        return
    phase = run.phases.popleft()
    at = min(portal.clock.now(), max(dataset.state.since + phase.seconds, dataset.state.since))
    if run.phases:
        enter(portal, dataset, run.phases[0], at)
        return
    dataset.run = None
    run.end(at)


def enter(portal: Portal, dataset: Dataset, phase: Phase, at: float) -> None:
    """Enter a phase, and do what its beginning does."""
    set_state(portal, dataset, State(phase.internal, at))
    if phase.begin is not None:
        phase.begin(at)


def set_state(portal: Portal, dataset: Dataset, state: State) -> None:
    """Put a dataset into a state; the one it had becomes the previous one."""
    state.previous = public(dataset.state.internal, portal.switches.realtime_status_name)
    dataset.state = state


def run_queue(portal: Portal, dataset: Dataset | None = None, *, to: str | None = None) -> int:
    """Let runs go to their end at once, stuck or not; return how many there were.

    :param to: stop each as soon as it is in this internal state.
    """
    count = 0
    for one in [dataset] if dataset is not None else list(portal.datasets.values()):
        count += one.run is not None
        while one.run is not None and one.state.internal != to:
            _advance(portal, one)
    return count


def check(dataset: Dataset, allowed: tuple[str, ...]) -> None:
    """Let an action pass that the status allows.

    :raises Refused: 400 with the status and those that it must be one of.
    """
    if dataset.state.internal not in allowed:
        raise wrong_status(dataset.state.internal, allowed)


def start(
    portal: Portal,
    dataset: Dataset,
    kind: str,
    user: str,
    phases: Iterable[Phase],
    end: Callable[[float], None],
    script: dict[str, Any] | None = None,
) -> Run:
    """Queue a run with these phases; ``end`` does what it does in the end."""
    switches = portal.switches
    dataset.shown_before = dataset.state
    script = script or {}
    queued = script.get("queued_seconds")
    first = Phase(
        "queued",
        switches.queued_seconds if queued is None else queued,
        switches.queued_looks,
        script.get("outcome") == "stuck" and script["at"] == "queued",
    )
    run = Run(kind, user, portal.new_hex(40), deque([first, *phases]), end, script)
    run.hidden_looks = switches.hidden_looks
    dataset.run = run
    enter(portal, dataset, first, portal.clock.now())
    return run
