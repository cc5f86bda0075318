"""The client's calls for the archive, against the emulator."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from airflow_socrata.client import (
    ConfigurationError,
    Credentials,
    NotFound,
    PermissionDenied,
    PortalSession,
    PortalSettings,
    RowBody,
    archives,
    rows,
    views,
)
from airflow_socrata.client.multipart import FileSink
from airflow_socrata.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = "stop-2222"


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def portal(server: Emulator) -> Emulator:
    server.admin.reset()
    server.admin.create_dataset(
        ID, "Stops", ["stop_id", "name"], "stop_id", [{"stop_id": "a", "name": "Óðinn"}]
    )
    return server


def signed_in(portal: Emulator, user: str) -> PortalSession:
    credentials = Credentials(f"{user}-key", f"{user}-secret")
    return PortalSession(
        PortalSettings(domain=portal.domain, port=portal.port, scheme="http", credentials=credentials)
    )


@pytest.fixture
def session(portal: Emulator) -> Iterator[PortalSession]:
    with signed_in(portal, "publisher") as session:
        yield session


def publish(session: PortalSession, body: bytes) -> None:
    copy = session.send(views.open_copy(ID, "copy"))
    session.send(rows.upsert(copy.id, RowBody(body, "application/json"), keyed=True))
    session.send(views.publish(copy.id))


def test_each_version_of_an_enrolled_dataset_is_kept(portal: Emulator, session: PortalSession) -> None:
    assert session.send(archives.versions(ID)) == ()
    session.send(archives.enrol(ID))
    session.send(archives.enrol(ID))
    portal.admin.advance(60)
    publish(session, b'[{"stop_id": "b", "name": "Birch"}]')
    newest, oldest = session.send(archives.versions(ID))
    assert (newest.start_version, newest.visible) == (oldest.version, True)
    assert session.send(archives.versions(ID, limit=1)) == (newest,)
    assert session.send(archives.versions(ID, before=newest.created_at)) == (oldest,)


def test_the_file_of_a_version_is_made_and_downloaded(portal: Emulator, session: PortalSession) -> None:
    portal.admin.settings(archive_looks=1)
    session.send(archives.enrol(ID))
    (version,) = (one.version for one in session.send(archives.versions(ID)))
    publish(session, b'[{"stop_id": "a", "name": "Alder"}]')
    assert session.send(archives.state(ID, version)).is_wanted
    with pytest.raises(NotFound):
        session.send(archives.file(ID, version, FileSink(io.BytesIO())))
    session.send(archives.make_file(ID, version))
    session.send(archives.make_file(ID, version))
    states = [session.send(archives.state(ID, version)) for _ in range(2)]
    assert [(one.is_wanted, one.is_done) for one in states] == [(False, False), (False, True)]
    file = io.BytesIO()
    session.send(archives.file(ID, version, FileSink(file)))
    assert file.getvalue().decode().splitlines()[1].replace('"', "") == "a,Óðinn"


def test_a_version_is_hidden_and_shown(session: PortalSession) -> None:
    session.send(archives.enrol(ID))
    (version,) = (one.version for one in session.send(archives.versions(ID)))
    for visible in (False, True):
        session.send(archives.set_visible(ID, version, visible))
        assert [one.visible for one in session.send(archives.versions(ID))] == [visible]


def test_what_cannot_be(portal: Emulator, session: PortalSession) -> None:
    with pytest.raises(NotFound, match="enrolled in archiving"):
        session.send(archives.make_file(ID, 99))
    session.send(archives.enrol(ID))
    (version,) = (one.version for one in session.send(archives.versions(ID)))
    with signed_in(portal, "viewer") as viewer, pytest.raises(PermissionDenied):
        viewer.send(archives.set_visible(ID, version, False))
    for make in (
        lambda: archives.state(ID, 0),
        lambda: archives.make_file("nowhere", 1),
        lambda: archives.versions(ID, limit=0),
    ):
        with pytest.raises(ConfigurationError):
            make()


def test_the_old_back_end_leaves_snapshots(portal: Emulator, session: PortalSession) -> None:
    assert session.send(archives.snapshots(ID)) == ()
    portal.admin.reset()
    portal.admin.create_dataset(ID, "Stops", ["stop_id", "name"], "stop_id", backend="old")
    made = []
    for _ in range(2):
        portal.admin.advance(60)
        copy = session.send(views.open_copy(ID, "copy"))
        session.send(views.publish(copy.id))
        made.append(copy.id)
    assert [view.id for view in session.send(archives.snapshots(ID))] == made[::-1]
