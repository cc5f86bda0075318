"""The client's calls for the archive, against the emulator."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from airflow_socrata.client import (
    ConfigurationError,
    NotFound,
    PermissionDenied,
    PortalSession,
    RowBody,
    archives,
    rows,
    views,
)
from airflow_socrata.client.multipart import FileSink

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator import Emulator

ID = "stop-2222"


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    emulator.admin.create_dataset(
        ID, "Stops", ["stop_id", "name"], "stop_id", [{"stop_id": "a", "name": "Óðinn"}]
    )
    return emulator


def publish(client: PortalSession, body: bytes) -> None:
    copy = client.send(views.open_copy(ID, "copy"))
    client.send(rows.upsert(copy.id, RowBody(body, "application/json"), keyed=True))
    client.send(views.publish(copy.id))


def test_each_version_of_an_enrolled_dataset_is_kept(emulator: Emulator, client: PortalSession) -> None:
    assert client.send(archives.versions(ID)) == ()
    client.send(archives.enrol(ID))
    client.send(archives.enrol(ID))
    emulator.admin.advance(60)
    publish(client, b'[{"stop_id": "b", "name": "Birch"}]')
    newest, oldest = client.send(archives.versions(ID))
    assert (newest.start_version, newest.visible) == (oldest.version, True)
    assert client.send(archives.versions(ID, limit=1)) == (newest,)
    assert client.send(archives.versions(ID, before=newest.created_at)) == (oldest,)


def test_the_file_of_a_version_is_made_and_downloaded(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.settings(archive_looks=1)
    client.send(archives.enrol(ID))
    (version,) = (one.version for one in client.send(archives.versions(ID)))
    publish(client, b'[{"stop_id": "a", "name": "Alder"}]')
    assert client.send(archives.state(ID, version)).state == "not_started"
    with pytest.raises(NotFound):
        client.send(archives.file(ID, version, FileSink(io.BytesIO())))
    client.send(archives.make_file(ID, version))
    client.send(archives.make_file(ID, version))
    states = [client.send(archives.state(ID, version)) for _ in range(2)]
    assert [(one.state, one.is_done) for one in states] == [("in_progress", False), ("done", True)]
    file = io.BytesIO()
    client.send(archives.file(ID, version, FileSink(file)))
    assert file.getvalue().decode().splitlines()[1].replace('"', "") == "a,Óðinn"


def test_a_version_is_hidden_and_shown(client: PortalSession) -> None:
    client.send(archives.enrol(ID))
    (version,) = (one.version for one in client.send(archives.versions(ID)))
    for visible in (False, True):
        client.send(archives.set_visible(ID, version, visible))
        assert [one.visible for one in client.send(archives.versions(ID))] == [visible]


def test_what_cannot_be(
    emulator: Emulator, client: PortalSession, sign_in: Callable[..., PortalSession]
) -> None:
    with pytest.raises(NotFound, match="enrolled in archiving"):
        client.send(archives.make_file(ID, 99))
    client.send(archives.enrol(ID))
    (version,) = (one.version for one in client.send(archives.versions(ID)))
    with pytest.raises(PermissionDenied):
        sign_in("viewer").send(archives.set_visible(ID, version, False))
    for make in (
        lambda: archives.state(ID, 0),
        lambda: archives.make_file("nowhere", 1),
        lambda: archives.versions(ID, limit=0),
    ):
        with pytest.raises(ConfigurationError):
            make()


def test_the_old_back_end_leaves_snapshots(emulator: Emulator, client: PortalSession) -> None:
    assert client.send(archives.snapshots(ID)) == ()
    emulator.admin.reset()
    emulator.admin.create_dataset(ID, "Stops", ["stop_id", "name"], "stop_id", backend="old")
    made = []
    for _ in range(2):
        emulator.admin.advance(60)
        copy = client.send(views.open_copy(ID, "copy"))
        client.send(views.publish(copy.id))
        made.append(copy.id)
    assert [view.id for view in client.send(archives.snapshots(ID))] == made[::-1]
