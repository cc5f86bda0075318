"""The actions: which status each asks for, which phases it has, what it does in the end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft.engine import check, enter, set_state, start
from airflow_socrata.emulator.opendatasoft.errors import Refused
from airflow_socrata.emulator.opendatasoft.model import Dataset, Phase, Public, Result, Run, State, Table
from airflow_socrata.emulator.opendatasoft.processing import process
from airflow_socrata.emulator.opendatasoft.states import ABORTABLE, AT_REST

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft.model import Config
    from airflow_socrata.emulator.opendatasoft.portal import Portal


def publish(portal: Portal, dataset: Dataset, user: str) -> Run:
    """Order the processing of the records.

    :raises Refused: the status does not allow it, or the dataset is a draft.
    """
    check(dataset, AT_REST)
    if dataset.config.metadata.get("internal", {}).get("draft", {}).get("value") is True:
        raise Refused(400, portal.switches.draft_publish_code, "A draft dataset cannot be published.")
    switches = portal.switches
    script: dict[str, Any] = {}
    if dataset.scripts or portal.scripts:
        script = (dataset.scripts or portal.scripts).popleft()

    def begin(at: float) -> None:
        if run.config is None:
            run.config = dataset.config.copy()
        run.result = process(portal, dataset, run.config, script)
        if switches.processing_shows == "half" and dataset.public is not None:
            half = run.result.table.first(len(run.result.table.records) // 2)
            _show(portal, dataset, run.config, half, at)

    def end(at: float) -> None:
        _publish_ends(portal, dataset, run, at)

    phases = _publish_phases(portal, dataset, script)
    phases[-1].begin = begin
    run = start(portal, dataset, "publish", user, phases, end, script)
    if switches.read_configuration == "queued":
        run.config = dataset.config.copy()
    return run


def _publish_phases(portal: Portal, dataset: Dataset, script: dict[str, Any]) -> list[Phase]:
    switches = portal.switches
    before = {one["uid"]: one for one in dataset.public.config.resources} if dataset.public else {}
    now = {one["uid"]: one for one in dataset.config.resources}
    phases = []
    if switches.save_version:
        phases += [
            Phase("saving_dataset_version", switches.saving_seconds),
            Phase("queued", switches.queued_seconds),
        ]
    if dataset.public is not None and switches.republish_deletes:
        phases.append(Phase("deleting_all_dataset_data", switches.deleting_seconds))
    elif set(before) - set(now):
        phases.append(Phase("deleting_resource_records", switches.deleting_seconds))
    changed = [uid for uid, one in now.items() if before.get(uid) != one]
    one_of_many = len(now) > 1 and len(changed) == 1 and bool(before)
    internal = "processing_resource_records" if one_of_many else "processing_all_dataset_data"
    slow = script.get("outcome") == "slow"
    phases.append(
        Phase(
            internal,
            script["seconds"] if slow else switches.processing_seconds,
            max(switches.processing_looks, script["looks"] if slow else 0),
            script.get("outcome") == "stuck" and script["at"] != "queued",
        )
    )
    return phases


def _publish_ends(portal: Portal, dataset: Dataset, run: Run, at: float) -> None:
    result, config = run.result, run.config
    if result is None or config is None:
        raise RuntimeError(f"the run on {dataset.uid} ended before it began")
    state = State(
        result.internal,
        at,
        message=result.message,
        raw_message=result.raw_message or result.message,
        params=result.params,
        records_errors=result.records_errors,
    )
    set_state(portal, dataset, state)
    if result.internal != "error":
        _show(portal, dataset, config, result.table, at)
    elif not portal.switches.failed_publish_keeps_flag and dataset.public is None:
        _show(portal, dataset, config, Table(), at)


def _show(portal: Portal, dataset: Dataset, config: Config, table: Table, at: float) -> None:
    dataset.public_before = dataset.public
    for uid in list(dataset.pushed):
        if not any(one["uid"] == uid for one in config.resources):
            del dataset.pushed[uid]
    pushed = {key: values for records in dataset.pushed.values() for key, values in records.items()}
    shown = Table(table.fields, {**table.records, **pushed})
    dataset.public = Public(shown, config, dataset.is_restricted, at, at)


def unpublish(portal: Portal, dataset: Dataset, user: str) -> Run:
    """Order that the dataset is taken off Explore; its records are dropped.

    :raises Refused: the status does not allow it.
    """
    check(dataset, AT_REST)
    if dataset.public is None and portal.switches.unpublish_unpublished == "refuse":
        raise Refused(400, "bad_request", "Bad request: the dataset is not published.")

    def end(at: float) -> None:
        dataset.public = dataset.public_before = None
        dataset.pushed.clear()
        set_state(portal, dataset, State("idle", at))

    phase = Phase("deleting_all_dataset_data", portal.switches.deleting_seconds)
    return start(portal, dataset, "unpublish", user, [phase], end)


def abort(portal: Portal, dataset: Dataset, user: str) -> None:
    """Stop the processing; records processed so far stay.

    :raises Refused: nothing is processed that could be stopped.
    """
    check(dataset, ABORTABLE)
    stopped = dataset.run

    def end(at: float) -> None:
        result = stopped.result if stopped is not None else None
        if result is not None and dataset.public is not None and stopped is not None and stopped.config:
            kept = int(len(result.table.records) * portal.switches.abort_keeps)
            _show(portal, dataset, stopped.config, result.table.first(kept), at)
        set_state(portal, dataset, State("idle", at))

    phase = Phase("aborting_processing", portal.switches.aborting_seconds)
    dataset.run = Run("abort", user, portal.new_hex(40), deque([phase]), end, {})
    enter(portal, dataset, phase, portal.clock.now())


def publish_metadata(portal: Portal, dataset: Dataset, user: str) -> Run:
    """Order that Explore shows the metadata as they are.

    :raises Refused: the status does not allow it, or the dataset is not published.
    """
    check(dataset, AT_REST)
    if dataset.public is None:
        raise Refused(
            portal.switches.publish_metadata_unpublished_status,
            "bad_request",
            "Metadata of an unpublished dataset cannot be published alone.",
            key="PublishingMetadataOnlyUnpublishedDatasetException",
        )

    def end(at: float) -> None:
        if dataset.public is not None:
            dataset.public.config.metadata = dataset.config.copy().metadata
            dataset.public.is_restricted = dataset.is_restricted
            dataset.public.metadata_processed = at
        set_state(portal, dataset, State("idle", at))

    phase = Phase("processing_dataset", portal.switches.processing_seconds, portal.switches.processing_looks)
    return start(portal, dataset, "publish_metadata", user, [phase], end)


def save_version(portal: Portal, dataset: Dataset, user: str) -> Run:
    """Order that a version is saved, as in the Management API's draft.

    :raises Refused: the status does not allow it.
    """
    check(dataset, AT_REST)

    def end(at: float) -> None:
        portal.note(dataset, user, ("version",), dataset.config.copy())
        set_state(portal, dataset, State("idle", at))

    phase = Phase("saving_dataset_version", portal.switches.saving_seconds)
    return start(portal, dataset, "save_version", user, [phase], end)


def delete(portal: Portal, dataset: Dataset, user: str) -> None:
    """Delete a dataset, at once or as a run.

    :raises Refused: a run is under way, and the switches say that it may not.
    """
    if portal.switches.delete_while_busy == "refuse":
        check(dataset, AT_REST)

    def end(at: float) -> None:
        del at
        portal.datasets.pop(dataset.uid, None)

    if portal.switches.delete_is_queued:
        start(
            portal,
            dataset,
            "delete",
            user,
            [Phase("deleting_dataset", portal.switches.deleting_seconds)],
            end,
        )
    else:
        end(0.0)


def recover(portal: Portal, dataset: Dataset, user: str, resource_uid: str) -> None:
    """Order that the kept pushed records come back.

    :raises Refused: the status does not allow it, or the dataset is not published.
    """
    check(dataset, AT_REST)
    if dataset.public is None:
        raise Refused(400, "bad_request", "Bad request: the dataset is not published.")

    def end(at: float) -> None:
        kept = dataset.recoverable.get(resource_uid, {})
        dataset.pushed.setdefault(resource_uid, {}).update(kept)
        if dataset.public is not None:
            dataset.public.table.records.update(kept)
            dataset.public.data_processed = at
        set_state(portal, dataset, State("idle", at))

    phase = Phase("recovering_realtime_records", portal.switches.processing_seconds)
    start(portal, dataset, "recover", user, [phase], end)


def scratch(portal: Portal, dataset: Dataset, user: str, resource_uid: str) -> None:
    """Order that the kept pushed records are dropped.

    :raises Refused: the status does not allow it.
    """
    check(dataset, AT_REST)

    def end(at: float) -> None:
        dataset.recoverable.pop(resource_uid, None)
        set_state(portal, dataset, State("idle", at))

    phase = Phase("scratching_realtime_recover_data", portal.switches.deleting_seconds)
    start(portal, dataset, "scratch", user, [phase], end)


def take_in(portal: Portal, dataset: Dataset, user: str) -> None:
    """Show that pushed records are processed, where that takes time."""
    seconds = portal.switches.realtime_seconds
    if seconds <= 0 or dataset.run is not None:
        return
    internal = dataset.state.internal

    def end(at: float) -> None:
        set_state(portal, dataset, State(internal, at))

    phase = Phase("processing_realtime", seconds)
    dataset.run = Run("push", user, portal.new_hex(40), deque([phase]), end, {})
    enter(portal, dataset, phase, portal.clock.now())


def put_into(portal: Portal, dataset: Dataset, state: State) -> None:
    """Put a dataset into a state, whatever it was in; it stays there until told otherwise."""

    def end(at: float) -> None:
        set_state(portal, dataset, State("idle", at))

    dataset.run = None
    set_state(portal, dataset, state)
    if state.internal not in AT_REST:
        phase = Phase(state.internal, stuck=True)
        dataset.run = Run("order", "emulator", portal.new_hex(40), deque([phase]), end, {}, result=Result())
        dataset.run.config = dataset.config.copy()
