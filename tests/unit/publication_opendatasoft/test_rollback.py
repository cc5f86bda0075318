"""What rollback does in each state, and what it says when it cannot."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.changes import NEW, OPERATION, File, Run, World, roll_back_and_forget
from portal_harness.dying import Death, Killed

from airflow_socrata.opendatasoft import actions
from airflow_socrata.opendatasoft.models import ResourceSpec, Source
from airflow_socrata.opendatasoft.multipart import Multipart
from airflow_socrata.publication.errors import PublishFailed
from airflow_socrata.publication.opendatasoft import publishing
from airflow_socrata.publication.opendatasoft.errors import RecordLimitReached, RollbackFailed
from airflow_socrata.publication.opendatasoft.publishing import Publishing
from airflow_socrata.publication.opendatasoft.rollback import roll_back
from airflow_socrata.publication.opendatasoft.states import ROLLBACK, Action, State
from airflow_socrata.publication.tables import dataset_rollback_table_text

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_socrata.emulator.opendatasoft import OpendatasoftEmulator

WITHOUT_WORK = {Action.NOTHING, Action.PUT_BACK, Action.REPUBLISH, Action.UPLOAD_KEPT, Action.REPORT}


def calls(world: World, method: str, path: str) -> int:
    return sum(one["method"] == method and path in one["path"] for one in world.portal.admin.requests())


def forget_file(world: World, uid: str) -> None:
    """Let the portal lose a file."""
    del world.portal.portal.dataset(world.dataset).files[uid]


def arrange_nothing(world: World) -> None:
    """No run has begun."""


def arrange_noted(world: World) -> None:
    Run(world).to("note")


def arrange_changed(world: World) -> None:
    Run(world).to("upload")


def arrange_processed(world: World) -> None:
    Run(world).to("publish")


def arrange_differs(world: World) -> None:
    Run(world).to("publish")
    forget_file(world, "stops.csv")


def arrange_verified(world: World) -> None:
    Run(world).to("verify")


def arrange_lost(world: World) -> None:
    Run(world).to("publish")
    forget_file(world, "stops.csv")
    for copy in world.folder.iterdir():
        copy.unlink()


ENDS = {
    State.NOTHING: arrange_nothing,
    State.NOTED: arrange_noted,
    State.CHANGED: arrange_changed,
    State.PROCESSED: arrange_processed,
    State.DIFFERS: arrange_differs,
    State.VERIFIED: arrange_verified,
    State.LOST: arrange_lost,
}


@pytest.mark.parametrize("state", [state for state in State if ROLLBACK[state] in WITHOUT_WORK])
def test_the_table_says_what_is_done(world: World, state: State) -> None:
    """Each state that is an end: what the table says is done, and nothing besides."""
    ENDS[state](world)
    orders, changes = calls(world, "POST", "/publish/"), calls(world, "PUT", "/resources/")
    uploads = calls(world, "POST", "/resources/files/")
    done = roll_back_and_forget(world)
    assert done.state is state
    action = ROLLBACK[state]
    assert (calls(world, "POST", "/publish/") > orders) == (action in {Action.REPUBLISH, Action.UPLOAD_KEPT})
    assert (calls(world, "POST", "/resources/files/") > uploads) == (action is Action.UPLOAD_KEPT)
    if action is Action.NOTHING:
        assert calls(world, "PUT", "/resources/") == changes
    if action is Action.REPORT:
        assert not done.is_clean
        assert list(world.kept) == [OPERATION.key]
    else:
        assert world.kept == {}
        assert world.records() == (world.new if state is State.VERIFIED else world.old)


def test_the_table_has_every_state() -> None:
    assert set(ROLLBACK) == set(State)
    assert all(state.value in dataset_rollback_table_text() for state in State)


def test_what_is_lost_is_said_with_what_is_where(world: World) -> None:
    arrange_lost(world)
    did = roll_back_and_forget(world).did
    for fact in (
        "stops",
        world.dataset,
        "NOT back",
        "4 records",
        "stops.csv",
        str(world.folder),
        "/explore/",
    ):
        assert fact in did
    # a person brings the file back; the record is still there, and the next rollback does it
    (copy,) = [one["kept"][0]["path"] for one in world.kept.values()]
    pathlib.Path(copy).write_text("id,v\n" + "".join(f"{n},old\n" for n in range(4)))
    assert roll_back_and_forget(world).state is State.DIFFERS
    world.check_old("file brought back")


def test_without_a_copy_only_what_the_portal_has_comes_back(
    portal: OpendatasoftEmulator, tmp_path: Path
) -> None:
    world = World(portal, None)  # type: ignore[arg-type]
    Run(world).to("publish")
    assert any("No copy" in line for line in world.log)
    assert roll_back_and_forget(world).state is State.PROCESSED
    world.check_old("from the portal's own file")


@pytest.mark.parametrize("outcome", ["error", "limit"])
def test_a_failed_publication_is_rolled_back(world: World, outcome: str) -> None:
    world.portal.admin.script("stops", outcome)
    run = Run(world).to("upload")
    how = Publishing(timeout=300)
    ordered = publishing.order(world.publisher(), run.handles["upload"], how)
    with pytest.raises(PublishFailed) as failure:
        publishing.finish(world.publisher(), run.handles["upload"], ordered, how)
    assert isinstance(failure.value, RecordLimitReached) == (outcome == "limit")
    assert ("could not be read" if outcome == "error" else "limit reached") in str(failure.value)
    assert failure.value.permanent == (outcome == "limit")
    assert roll_back_and_forget(world).is_clean
    world.check_old(outcome)


def test_a_limit_may_be_accepted(world: World) -> None:
    world.portal.admin.script("stops", "limit", limit=3)
    run = Run(world).to("upload")
    how = Publishing(timeout=300, on_limit="accept")
    ordered = publishing.order(world.publisher(), run.handles["upload"], how)
    done = publishing.finish(world.publisher(), run.handles["upload"], ordered, how)
    assert (done.status, len(world.records())) == ("limit_reached", 3)


def test_only_what_this_run_ordered_is_aborted(world: World) -> None:
    run = Run(world).to("upload")
    world.portal.admin.script("stops", "slow", seconds=50)
    publishing.order(world.publisher(), run.handles["upload"], Publishing())
    world.portal.admin.advance(1)
    assert world.state()["status"] == "processing"
    assert roll_back_and_forget(world).is_clean
    assert calls(world, "POST", "/abort/") == 1
    world.check_old("aborted")

    Run(world).to("upload")
    world.portal.admin.script("stops", "slow", seconds=50)
    world.portal.admin.publish_as("stops")
    world.portal.admin.advance(1)
    assert roll_back_and_forget(world).state is State.PROCESSED
    assert calls(world, "POST", "/abort/") == 1
    world.check_old("a person's run was waited for")


def test_a_run_after_the_end_of_ours_is_not_aborted(world: World) -> None:
    world.portal.admin.script("stops", "error")
    with pytest.raises(PublishFailed):
        Run(world).to("publish")
    world.portal.admin.script("stops", "slow", seconds=50)
    world.portal.admin.publish_as("stops")
    world.portal.admin.advance(1)
    assert roll_back_and_forget(world).state is State.PROCESSED
    assert calls(world, "POST", "/abort/") == 0
    world.check_old("a person published after our failure")


def test_a_change_that_lands_late_is_taken_back(world: World) -> None:
    """The process died with the call on the wire: rollback looks again until it must have ended."""
    run = Run(world)
    with pytest.raises(Killed):
        run.go(world.publisher(Death(18, after=False)))
    (intent,) = world.kept.values()
    assert (intent["phase"], world.source()) == ("changing", "stops.csv")
    publisher, wire = world.publisher(), world.publisher()
    sleep = publisher.clock.sleep

    landed: list[float] = []

    def land(seconds: float, stop: Any) -> None:
        if not landed:
            landed.append(seconds)
            spec = ResourceSpec("stops", "csvfile", Source(file_uid=intent["files"][0]), {"separator": ","})
            wire.run(actions.put_resource(wire.dialect, world.dataset, spec))
        sleep(seconds, stop)

    publisher.clock.sleep = land  # type: ignore[method-assign]
    assert roll_back(publisher, OPERATION.key).state is State.CHANGED
    assert landed
    world.check_old("landed late")
    assert world.source() == "stops.csv"


def test_a_publish_that_lands_late_leaves_nothing_public(
    portal: OpendatasoftEmulator, tmp_path: Path
) -> None:
    """An unpublished dataset; the process died with the order on the wire."""
    world = World(portal, tmp_path, published=False)
    run, death = Run(world).to("upload"), Death(4, after=False)
    with pytest.raises(Killed):
        publishing.order(world.publisher(death), run.handles["upload"], Publishing())
    assert death.moments[-1] == f"publish dataset {world.dataset}"
    rolling = world.publisher()
    sleep, landed = rolling.clock.sleep, []

    def land(seconds: float, stop: Any) -> None:
        if not landed:
            landed.append(seconds)
            portal.admin.publish_as("stops", "publisher")
        sleep(seconds, stop)

    rolling.clock.sleep = land  # type: ignore[method-assign]
    assert roll_back(rolling, OPERATION.key).is_clean
    assert landed
    world.check_old("landed late")


def test_another_count_than_before_is_no_success(world: World) -> None:
    """The former file is still there under its name, with other content."""
    Run(world).to("publish")
    stored = world.portal.portal.dataset(world.dataset).files["stops.csv"]
    stored.path.write_text("id,v\n1,other\n")
    done = roll_back_and_forget(world)
    assert (done.state, done.is_clean) == (State.DIFFERS, True)
    world.check_old(done)


def test_a_damaged_copy_is_not_uploaded(world: World) -> None:
    arrange_differs(world)
    (copy,) = world.folder.iterdir()
    copy.write_text("id,v\n")
    done = roll_back_and_forget(world)
    assert done.state is State.LOST
    assert "it has 5 bytes" in done.did


def test_a_dataset_that_was_at_its_limit_comes_back_so(world: World) -> None:
    world.portal.admin.script("stops", "limit", limit=3)
    world.portal.admin.publish_as("stops")
    world.portal.admin.run_queue()
    world.portal.admin.advance(10)
    Run(world).to("publish")
    world.portal.admin.script("stops", "limit", limit=3)
    assert roll_back_and_forget(world).state is State.PROCESSED
    assert len(world.records()) == 3


def test_a_failure_that_may_pass_keeps_the_record(world: World) -> None:
    Run(world).to("publish")
    world.portal.admin.add_fault("unavailable", "GET", "/status/", times=50)
    with pytest.raises(RollbackFailed, match=r"NOT back at its former records.*503"):
        roll_back(world.publisher(), OPERATION.key)
    world.portal.admin.clear_faults()
    assert roll_back_and_forget(world).is_clean
    world.check_old("second try")


def test_published_may_be_enough(world: World) -> None:
    Run(world).to("publish")
    done = roll_back(world.publisher(), OPERATION.key, published_is_enough=True)
    assert done.went_live
    assert len(world.records()) == len(NEW)


def test_a_resource_that_a_person_has_pointed_elsewhere_is_theirs(world: World) -> None:
    Run(world).to("publish")
    person = world.publisher(api_key=world.portal.person_key)
    with Multipart(File("id,v\n1,theirs\n"), filename="theirs.csv") as file:
        uploaded = person.run(person.dialect.upload_file(world.dataset, file))
    spec = ResourceSpec("stops", "csvfile", Source(file_uid=uploaded.uid))
    person.run(actions.put_resource(person.dialect, world.dataset, spec))
    done = roll_back_and_forget(world)
    assert done.is_clean
    assert "somebody has pointed" in done.did
    assert world.source() == "theirs.csv"
