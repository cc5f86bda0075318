"""The steps of a publication one by one: what is refused, what is asked twice, what is told."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.changes import CSV, LATER, OPERATION, File, Run, World, roll_back_and_forget

from airflow_socrata.client import ConfigurationError, NotFound
from airflow_socrata.client.errors import EmptyUpload
from airflow_socrata.opendatasoft import actions
from airflow_socrata.opendatasoft.errors import PublishRightMissing
from airflow_socrata.opendatasoft.models import CatalogEntry, Configured, ResourceSpec, Source
from airflow_socrata.opendatasoft.status import Action
from airflow_socrata.publication.errors import HandleMismatch, OlderRun, PublishFailed
from airflow_socrata.publication.opendatasoft import publishing, waits
from airflow_socrata.publication.opendatasoft.errors import ChangeInTheWay, NothingToKeep, UnfitFile
from airflow_socrata.publication.opendatasoft.handle import DatasetHandle
from airflow_socrata.publication.opendatasoft.opening import Opening, open_restore_point
from airflow_socrata.publication.opendatasoft.publishing import Ordered, Publishing
from airflow_socrata.publication.opendatasoft.uploading import ResourceSettings, upload
from airflow_socrata.publication.opendatasoft.verifying import verify
from airflow_socrata.publication.operation import Operation, RunState
from airflow_socrata.publication.verifying import VerificationFailed
from airflow_socrata.publication.waits import Patience, Pause

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_socrata.emulator.opendatasoft import OpendatasoftEmulator
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher

HOW = Publishing(timeout=300)


def publishes(world: World) -> int:
    return sum(one["path"].endswith("/publish/") for one in world.portal.admin.requests())


def where_others_are(publisher: DatasetPublisher, state: RunState) -> DatasetPublisher:
    """The same publisher where every other run is in one state."""
    return replace(publisher, runs=SimpleNamespace(state=lambda dag_id, run_id: state))


def test_an_unknown_dataset_names_the_nearest(world: World) -> None:
    with pytest.raises(NotFound, match="nearest is stops"):
        open_restore_point(world.publisher(), OPERATION, Opening("stopps"))


def test_a_key_that_may_not_publish_is_told_at_the_start(world: World) -> None:
    editor = world.publisher(api_key=world.portal.editor_key)
    with pytest.raises(PublishRightMissing, match="publish_dataset"):
        open_restore_point(editor, OPERATION, Opening("stops"))
    assert world.kept == {}


def test_another_live_run_is_named(world: World) -> None:
    Run(world).to("upload")
    publisher = where_others_are(world.publisher(), RunState.LIVE)
    with pytest.raises(ChangeInTheWay, match="dag/run/note is changing stops"):
        open_restore_point(publisher, LATER, Opening("stops"))
    assert list(world.kept) == [OPERATION.key]


def test_a_run_that_airflow_has_forgotten_stands_in_the_way_for_a_day(world: World) -> None:
    Run(world).to("upload")
    publisher = where_others_are(world.publisher(), RunState.UNKNOWN)
    publisher.clock.now = world.kept[OPERATION.key]["recorded_at"] + 3600  # type: ignore[attr-defined]
    with pytest.raises(ChangeInTheWay, match="dag/run/note may be changing stops"):
        open_restore_point(publisher, LATER, Opening("stops"))
    publisher.clock.now += 86_400  # type: ignore[attr-defined]
    open_restore_point(publisher, LATER, Opening("stops"))
    assert list(world.kept) == [LATER.key]
    assert world.source() == "stops.csv"


def test_an_older_run_does_not_replace_a_newer_one(world: World) -> None:
    Run(world).to("verify")
    roll_back_and_forget(world)
    older = Operation("dag", "run 0", "note", order="2026-01-01T00:00:00+00:00")
    with pytest.raises(OlderRun, match="allow_older_run"):
        open_restore_point(world.publisher(), older, Opening("stops"))
    other = Operation("other dag", "run 0", "note", order="2026-01-01T00:00:00+00:00")
    open_restore_point(world.publisher(), other, Opening("stops"))
    roll_back_and_forget(world, operation=other)
    open_restore_point(world.publisher(), older, Opening("stops", allow_older_run=True))


def test_the_same_run_again_goes_back_to_its_own_former_file(world: World) -> None:
    """A whole run that is cleared after its success: its own file of then is the old one now."""
    Run(world).to("verify")
    roll_back_and_forget(world)
    first = world.source()
    again = Run(world, "id,v\n9,other\n").to("publish")
    assert again.handles["upload"].upload.file != first
    assert roll_back_and_forget(world).is_clean
    assert world.records() == world.new
    assert world.source() == first


def test_publish_is_given_once(world: World) -> None:
    run = Run(world).to("upload")
    ordered = publishing.order(world.publisher(), run.handles["upload"], HOW)
    publishing.finish(world.publisher(), run.handles["upload"], ordered, HOW)
    again = publishing.order(world.publisher(), run.handles["upload"], HOW)
    assert again.before.since == ordered.before.since
    publishing.finish(world.publisher(), run.handles["upload"], again, HOW)
    assert publishes(world) == 1


def test_publish_that_failed_is_given_again(world: World) -> None:
    world.portal.admin.script("stops", "error")
    run = Run(world).to("upload")
    for number in (1, 2):
        ordered = publishing.order(world.publisher(), run.handles["upload"], HOW)
        assert publishes(world) == number
        if number == 1:
            with pytest.raises(PublishFailed):
                publishing.finish(world.publisher(), run.handles["upload"], ordered, HOW)
    publishing.finish(world.publisher(), run.handles["upload"], ordered, HOW)
    assert world.records() == world.new


def test_a_run_that_may_predate_the_upload_is_waited_for(world: World) -> None:
    run = Run(world).to("upload")
    world.portal.admin.script("stops", "slow", seconds=50)
    world.portal.admin.publish_as("stops")
    ordered = publishing.order(world.publisher(), run.handles["upload"], HOW)
    assert publishes(world) == 1
    publishing.finish(world.publisher(), run.handles["upload"], ordered, HOW)
    assert world.records() == world.new


def test_a_person_who_is_quicker_is_waited_for(world: World) -> None:
    run = Run(world).to("upload")
    world.portal.admin.add_fault("person_publishes", "GET", "/status/", skip=1)
    ordered = publishing.order(world.publisher(), run.handles["upload"], HOW)
    assert publishes(world) == 1
    publishing.finish(world.publisher(), run.handles["upload"], ordered, HOW)
    assert any("may predate" in line for line in world.log)


def test_a_file_that_is_uploaded_after_publish_is_published_too(world: World) -> None:
    run = Run(world).to("publish")
    run.text = "id,v\n9,newer\n"
    for name, task in run.tasks[1:]:
        run.handles[name] = task(world.publisher(), 2)
    assert publishes(world) == 2
    assert world.records() == [("9", "newer")]


def test_data_that_were_processed_before_the_order_are_not_ours(world: World) -> None:
    run = Run(world).to("publish")
    world.kept[OPERATION.key]["ordered_at"] += 1000
    with pytest.raises(VerificationFailed, match="processed before this run ordered it"):
        verify(world.publisher(), run.handles["upload"], timeout=5)


def test_verify_may_run_again_when_all_is_over(world: World) -> None:
    run = Run(world).to("verify")
    roll_back_and_forget(world)
    assert world.kept == {}
    assert verify(world.publisher(), run.handles["upload"]).records_after == 6

    run = Run(world, "id,v\n" + "".join(f"{n},other\n" for n in range(6))).to("publish")
    roll_back_and_forget(world)  # as many records as before: the count alone would not tell
    with pytest.raises(HandleMismatch, match="verified or rolled back"):
        verify(world.publisher(), run.handles["upload"])


def test_a_copy_that_is_not_whole_stops_everything(world: World) -> None:
    class Full:
        def __truediv__(self, name: str) -> Any:
            return self

        def open(self, mode: str) -> Any:
            return io.BytesIO()

        def exists(self) -> bool:
            return True

    with pytest.raises(NothingToKeep, match="0 bytes instead of"):
        open_restore_point(world.publisher(), OPERATION, Opening("stops", Full()))
    assert world.kept == {}


def test_of_two_that_begin_at_once_one_goes_on(world: World) -> None:
    """Each has looked before the other had recorded anything; the records then tell."""
    publisher = where_others_are(world.publisher(), RunState.LIVE)
    save = publisher.intents.save

    def save_both(intent: Any) -> None:
        save(intent)
        theirs = replace(intent, operation=LATER, recorded_at=intent.recorded_at - 1)
        world.kept[LATER.key] = theirs.to_json()

    publisher.intents.save = save_both  # type: ignore[method-assign]
    with pytest.raises(ChangeInTheWay, match="dag/run 2/note is changing"):
        open_restore_point(publisher, OPERATION, Opening("stops"))
    assert list(world.kept) == [LATER.key]


def test_a_handle_of_another_upload_is_refused(world: World) -> None:
    run = Run(world).to("upload")
    first = run.handles["upload"]
    run.handles["upload"] = run._upload(world.publisher(), 2)
    with pytest.raises(HandleMismatch, match="uploaded to stops last"):
        publishing.order(world.publisher(), first, HOW)
    with pytest.raises(HandleMismatch, match="uploaded to stops last"):
        publishing.order(world.publisher(), run.handles["note"], HOW)
    assert publishes(world) == 0


def test_nothing_on_record_is_refused(world: World) -> None:
    run = Run(world).to("upload")
    roll_back_and_forget(world)
    with pytest.raises(HandleMismatch, match="Clear the task"):
        publishing.order(world.publisher(), run.handles["upload"], HOW)


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("id,v\n", ResourceSettings(), "no data rows"),
        (
            CSV,
            ResourceSettings(fields=(Configured("", "rename", {"from_name": "iata", "to_name": "code"}),)),
            "'iata', and stops.csv has no such column: it has id, v",
        ),
    ],
)
def test_an_unfit_file_changes_nothing(
    world: World, text: str, settings: ResourceSettings, message: str
) -> None:
    run = Run(world).to("note")
    with pytest.raises(UnfitFile, match=message):
        upload(world.publisher(), run.handles["note"], File(text), "stops.csv", settings, 60)
    assert world.source() == "stops.csv"
    assert roll_back_and_forget(world).is_clean


def test_files_are_called_by_their_own_names(world: World) -> None:
    run = Run(world).to("note")
    with pytest.raises(EmptyUpload, match=r"^stops\.csv has no bytes to upload"):
        upload(world.publisher(), run.handles["note"], File(""), "stops.csv", ResourceSettings(), 60)
    settings = ResourceSettings(title="new")
    with pytest.raises(ConfigurationError, match="resource_type='csvfile'"):
        upload(world.publisher(), run.handles["note"], File(), "stops", settings, 60)


def test_fields_are_added_once_and_taken_away_again(world: World) -> None:
    run = Run(world).to("note")
    rename = Configured("", "rename", {"from_name": "v", "to_name": "value"})
    settings = ResourceSettings(fields=(rename,))
    for _ in range(2):
        upload(world.publisher(), run.handles["note"], File(), "stops.csv", settings, 60)
    assert len(world.state()["fields"]) == 1
    world.portal.admin.add_fault("person_edits", "GET", "/resources/")  # no version is restored then
    world.publisher().run(world.publisher().dialect.resources(world.dataset))
    done = roll_back_and_forget(world)
    assert "only what this run changed" in done.did
    assert world.state()["fields"] == []
    world.check_old(done)


def test_a_new_resource_is_deleted_again(world: World) -> None:
    run = Run(world).to("note")
    settings = ResourceSettings(title="more")
    handle = upload(world.publisher(), run.handles["note"], File("id;v\n77;x\n"), "more.csv", settings, 60)
    assert handle.upload is not None
    assert not handle.upload.is_only
    ordered = publishing.order(world.publisher(), handle, HOW)
    publishing.finish(world.publisher(), handle, ordered, HOW)
    assert verify(world.publisher(), handle).records_after == 5
    with pytest.raises(VerificationFailed, match="5 records; 6 were expected"):
        verify(world.publisher(), handle, 6)
    world.kept[OPERATION.key]["phase"] = "done"
    assert roll_back_and_forget(world).is_clean
    world.check_old("deleted")


def test_several_resources_want_a_title(world: World) -> None:
    run = Run(world).to("note")
    source = File("id;v\n77;x\n")
    upload(world.publisher(), run.handles["note"], source, "more.csv", ResourceSettings(title="more"), 60)
    with pytest.raises(ConfigurationError, match="pass title="):
        upload(world.publisher(), run.handles["note"], source, "more.csv", ResourceSettings(), 60)
    with pytest.raises(ConfigurationError, match="one resource only"):
        upload(world.publisher(), run.handles["note"], source, "s.csv", ResourceSettings(title="stops"), 60)


def test_rows_with_one_id_are_one_record(portal: OpendatasoftEmulator, tmp_path: Path) -> None:
    world = World(portal, tmp_path)
    run = Run(world, "id,v\n1,a\n1,a\n2,b\n")
    run.to("publish")
    with pytest.raises(VerificationFailed, match=r"2 records; 3 were expected.*one record on this portal"):
        verify(world.publisher(), run.handles["upload"], timeout=5)
    assert verify(world.publisher(), run.handles["upload"], 2).records_before == 4


def test_a_compressed_stream_is_counted(world: World) -> None:
    class Packed(File):
        def open(self, mode: str) -> Any:
            return gzip.open(io.BytesIO(gzip.compress(self.text.encode())), mode)

    run = Run(world).to("note")
    handle = upload(world.publisher(), run.handles["note"], Packed(), "stops.csv", ResourceSettings(), 60)
    assert handle.upload is not None
    assert (handle.upload.records, handle.upload.sent_bytes) == (6, len(CSV))


def test_what_has_no_file_is_exported(world: World) -> None:
    """A dataset that the portal fetches from an address: the public records are kept."""
    person = world.publisher(api_key=world.portal.person_key)
    spec = ResourceSpec("stops", "csvfile", Source(url="http://localhost:1/gone.csv"))
    person.run(actions.put_resource(person.dialect, world.dataset, spec))
    run = Run(world).to("publish")
    (kept,) = run.handles["note"].kept
    assert kept.is_export
    done = roll_back_and_forget(world)
    assert "uploaded the kept file" in done.did
    world.check_old(done)


def test_plain_data_comes_back_as_it_was(world: World) -> None:
    handle = Run(world).to("upload").handles["upload"]
    assert DatasetHandle.from_xcom(handle.to_xcom()) == handle
    publisher = world.publisher()
    intent = publisher.intents.load(OPERATION.key)
    assert intent is not None
    assert type(intent).from_json(intent.to_json()) == intent
    ordered = publishing.order(publisher, handle, HOW)
    again = Ordered.from_json(ordered.to_json())
    assert (again.action, again.before.since) == (Action.PUBLISH, ordered.before.since)


def test_actions_without_a_restore_point(world: World) -> None:
    def act(action: Action) -> Ordered:
        ordered = publishing.act(world.publisher(), world.dataset, "stops", action, HOW)
        publishing.end_of(world.publisher(), ordered, HOW)
        return ordered

    assert not act(Action.UNPUBLISH).is_over
    assert act(Action.UNPUBLISH).is_over
    assert not world.state()["published"]
    act(Action.PUBLISH)
    assert world.records() == world.old
    assert act(Action.ABORT).is_over
    world.portal.admin.script("stops", "slow", seconds=50)
    ordered = publishing.act(world.publisher(), world.dataset, "stops", Action.PUBLISH, HOW)
    world.portal.admin.advance(1)
    assert publishing.abort_ours(world.publisher(), ordered)
    with pytest.raises(PublishFailed, match="aborted"):
        publishing.end_of(world.publisher(), ordered, HOW)
    assert not publishing.abort_ours(world.publisher(), ordered)


@pytest.mark.parametrize(
    ("processed", "longest"), [(101.0, 21.0), (99.0, 120.0)], ids=["since the order", "before it"]
)
def test_a_wrong_count_is_looked_at_for_long_only_while_explore_may_lag(
    processed: float, longest: float
) -> None:
    now = 0.0

    def told(path: str) -> Any:
        return 6 if path.endswith("/records") else CatalogEntry("roads", data_processed=processed)

    steps = waits.visible("roads", waits.Wanted(7, since=100.0), Patience(120.0, lambda: now))
    found, step = None, next(steps)
    while found is None:
        try:
            if isinstance(step, Pause):
                now += step.seconds
                step = steps.send(None)
            else:
                step = steps.send(told(step.path))
        except StopIteration as end:
            found = end.value
    assert found.records == 6
    assert longest - 7 < now <= longest
