"""Metadata and attachments: a process that dies, or a call that fails, at each moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.dying import Death, Killed, World

from airflow_socrata.client import attachments, views
from airflow_socrata.publication.attaching import FileToAttach, attach, detach
from airflow_socrata.publication.describing import MetadataChanges, describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_socrata.emulator import Emulator
    from airflow_socrata.publication.publisher import Publisher

    Action = Callable[[Publisher, str], Any]

WANTED = {
    "description": "Closed roads",
    "license": "CC_40_BY",
    "row_label": "Event",
    "contact_email": "roads@example.gov",
    "private_custom_fields": {"Publication": {"Steward": "Jo"}},
}
FAULTS = ["lost_reply", "bad_gateway", "empty_json", "throttled"]
MOST_CALLS = 20


def new_world(portal: Emulator) -> World:
    """A dataset with two attachments, one of them somebody else's."""
    portal.admin.reset()
    made = World(portal, keyed=True)
    portal.admin.add_file(made.dataset, "theirs.pdf", "theirs")
    portal.admin.add_file(made.dataset, "guide.pdf", "former")
    return made


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    path = tmp_path / "guide.pdf"
    path.write_bytes(b"%PDF guide" * 100)
    return path


def action(name: str, guide: Path) -> Action:
    """One of the three, on a dataset."""
    if name == "describe":
        return lambda publisher, dataset: describe(publisher, dataset, MetadataChanges.of(WANTED))
    if name == "attach":
        return lambda publisher, dataset: attach(publisher, dataset, FileToAttach(guide, name="Guide"))
    return lambda publisher, dataset: detach(publisher, dataset, "guide.pdf")


def shown(world: World) -> dict[str, Any]:
    """What the portal shows, without times and the ids of files."""
    view = world.publisher().send(views.read_view(world.dataset))
    raw = view.raw
    return {
        "description": raw.get("description"),
        "licence": raw.get("licenseId"),
        "private": view.private_metadata,
        "row label": raw["metadata"].get("rowLabel"),
        "row identifier": view.row_identifier,
        "attachments": [
            (each.filename, each.name, _bytes(world, each.asset_id)) for each in attachments.of_view(view)
        ],
    }


def _bytes(world: World, asset: str | None) -> bytes:
    class Sink:
        def begin(self) -> None:
            self.data = b""

        def write(self, block: bytes) -> None:
            self.data += block

    sink = Sink()
    line = attachments.Attachment("x", "x", asset)
    world.publisher().send(attachments.download(world.dataset, line, sink))
    return sink.data


def expected(name: str, guide: Path) -> dict[str, Any]:
    theirs = ("theirs.pdf", "theirs.pdf", b"theirs")
    former = ("guide.pdf", "guide.pdf", b"former")
    new = ("guide.pdf", "Guide", guide.read_bytes())
    described = name == "describe"
    return {
        "description": WANTED["description"] if described else None,
        "licence": "CC_40_BY" if described else None,
        "private": {"contactEmail": "roads@example.gov", "custom_fields": WANTED["private_custom_fields"]}
        if described
        else {},
        "row label": "Event" if described else None,
        "row identifier": "id",
        "attachments": {"describe": [theirs, former], "attach": [theirs, new], "detach": [theirs]}[name],
    }


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", ["describe", "attach", "detach"])
def test_a_killed_try_is_ended_by_the_next(portal: Emulator, guide: Path, name: str, after: bool) -> None:
    act, wanted = action(name, guide), expected(name, guide)
    for at in range(MOST_CALLS):
        world = new_world(portal)
        death = Death(at, after)
        try:
            act(world.publisher(death), world.dataset)
        except Killed:
            act(world.publisher(), world.dataset)
        assert shown(world) == wanted, death.moments
        if death.count <= at:
            break
    assert 4 <= at < MOST_CALLS - 1, "each call was one to die at"


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("name", ["describe", "attach", "detach"])
def test_a_call_that_fails_once_is_made_good(portal: Emulator, guide: Path, name: str, kind: str) -> None:
    act, wanted = action(name, guide), expected(name, guide)
    for skip in range(MOST_CALLS):
        world = new_world(portal)
        portal.admin.add_fault(kind, None, "/api/", skip=skip)
        act(world.publisher(), world.dataset)
        (fault,) = portal.admin.faults()
        portal.admin.clear_faults()
        assert shown(world) == wanted, skip
        if not fault["used"]:
            break
    assert 4 <= skip < MOST_CALLS - 1, "each call was one to fail"


@pytest.mark.parametrize("backend", ["new", "old"])
def test_a_draft_is_described_and_the_public_sees_nothing_of_it(
    portal: Emulator, guide: Path, backend: str
) -> None:
    portal.admin.reset()
    world = World(portal, keyed=True, backend=backend)
    public = world.publisher().send(views.read_view(world.dataset)).raw
    draft = portal.admin.open_working_copy_as("publisher", world.dataset)["id"]
    for name in ("describe", "attach"):
        action(name, guide)(world.publisher(), draft)
    view = world.publisher().send(views.read_view(draft))
    assert view.row_identifier == "id"
    assert [each.name for each in attachments.of_view(view)] == ["Guide"]
    assert view.raw["metadata"]["rowLabel"] == "Event"
    action("detach", guide)(world.publisher(), draft)
    assert attachments.of_view(world.publisher().send(views.read_view(draft))) == ()
    assert world.publisher().send(views.read_view(world.dataset)).raw == public
