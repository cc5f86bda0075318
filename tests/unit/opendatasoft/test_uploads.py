"""Files on their way to a portal and back: streamed, whole, sent again from the beginning, never half."""

from __future__ import annotations

import contextlib
import email
import email.policy
import gzip
import io
import os
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from unit.client.portal_servers import Answer, Certificate, RawServer, ScriptedPortal
from unit.opendatasoft import samples
from unit.opendatasoft.conftest import API_KEY
from unit.opendatasoft.samples import UID, answer

from airflow_socrata.client import (
    ConfigurationError,
    EmptyUpload,
    FileChanged,
    Interrupted,
    LocalFileFailed,
    NotFound,
    PortalSession,
    RetryBudget,
    SignInFailed,
    multipart,
)
from airflow_socrata.client.async_session import AsyncPortalSession
from airflow_socrata.client.multipart import FileSink
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.errors import FileTooLarge
from airflow_socrata.opendatasoft.multipart import PLATFORM_LIMIT_BYTES, Multipart
from airflow_socrata.opendatasoft.portal import portal_settings

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from airflow_socrata.opendatasoft.automation import AutomationV1
    from airflow_socrata.opendatasoft.management import ManagementV2

DATA = os.urandom(700_001)
FILE = {"uid": "obs.csv", "filename": "obs.csv", "mimetype": "text/csv", "created_at": "2025-05-01T09:00:00Z"}
CREATED = answer(FILE, 201)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "obs.csv"
    file.write_bytes(DATA)
    return file


def parts(headers: dict[str, str], body: bytes) -> list[Any]:
    """Read a form with the standard library."""
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    return list(email.message_from_bytes(head + body, policy=email.policy.HTTP).iter_parts())


def test_upload(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, path: Path) -> None:
    portal.answer(CREATED)
    with Multipart(path, content_type="text/csv") as file:
        uploaded = session.send(automation.upload_file(UID, file))
    assert uploaded.uid == "obs.csv"
    (request,) = portal.requests
    assert (request.method, request.path) == (
        "POST",
        f"/api/automation/v1.0/datasets/{UID}/resources/files/",
    )
    assert int(request.headers["Content-Length"]) == len(request.body) == len(file)
    (part,) = parts(request.headers, request.body)
    assert part.get_param("name", header="Content-Disposition") == "file"
    assert part.get_filename() == "obs.csv"
    assert part.get_content_type() == "text/csv"
    assert part.get_payload(decode=True) == DATA


def test_upload_through_the_other_api(
    portal: ScriptedPortal, session: PortalSession, management: ManagementV2, path: Path
) -> None:
    portal.answer(answer({"file_id": "cheese_data.csv", "url": "odsfile://cheese_data.csv", "filename": "x"}))
    with Multipart(path, filename="Cheese Data.csv") as file:
        uploaded = session.send(management.upload_file(UID, file))
    assert (uploaded.uid, uploaded.url) == ("cheese_data.csv", "odsfile://cheese_data.csv")
    assert portal.requests[0].path == "/api/management/v2/files"


@pytest.mark.parametrize(
    "failed", [samples.LOST, Answer(503, ""), Answer(200, "<html>")], ids=["lost", "503", "html"]
)
def test_sent_again_from_the_beginning(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, path: Path, failed: Answer
) -> None:
    portal.answer(failed, CREATED)
    with path.open("rb") as opened:
        opened.seek(1000)
        with Multipart(opened) as file:
            session.send(automation.upload_file(UID, file))
    first, second = (parts(one.headers, one.body)[0].get_payload(decode=True) for one in portal.requests)
    assert first == second == DATA[1000:], "from where the file stood"


class _OneWay(io.RawIOBase):
    """A stream without a length or a way back."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(buffer)


@pytest.mark.parametrize("kind", ["one way", "gzip", "temporary", "bytes"])
def test_every_kind_of_file(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(DATA))
    with contextlib.ExitStack() as files:
        if kind == "temporary":
            opened = files.enter_context(tempfile.TemporaryFile())
            opened.write(DATA)
            opened.seek(0)
        elif kind == "gzip":
            opened = files.enter_context(gzip.open(tmp_path / "x.gz"))
        else:
            opened = _OneWay(DATA) if kind == "one way" else io.BytesIO(DATA)
        portal.answer(samples.LOST, CREATED)
        file = files.enter_context(Multipart(opened, filename="obs.csv"))
        session.send(automation.upload_file(UID, file))
    request = portal.requests[1]
    assert parts(request.headers, request.body)[0].get_payload(decode=True) == DATA


@pytest.mark.parametrize("name", ['a"b.csv', "Zürich \u2013 x.csv", "a\r\nX-Evil: 1\r\n.csv", "a\\b.csv"])
def test_names_stay_in_their_header(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, path: Path, name: str
) -> None:
    portal.answer(CREATED)
    with Multipart(path, filename=name) as file:
        session.send(automation.upload_file(UID, file))
    head = portal.requests[0].body.split(b"\r\n\r\n", 1)[0].decode()
    assert len(head.split("\r\n")) == 3, head
    assert head.split("\r\n")[1].count('"') == 4, head


def test_what_is_not_sent(tmp_path: Path, portal: ScriptedPortal) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(EmptyUpload, match=r"empty\.csv"):
        Multipart(empty).__enter__()
    with pytest.raises(LocalFileFailed, match=r"absent\.csv cannot be read: No such file"):
        Multipart(tmp_path / "absent.csv").__enter__()
    with pytest.raises(ConfigurationError, match="text, not bytes"):
        Multipart(io.StringIO("a"), filename="x").__enter__()  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="binary mode, or a path"):
        Multipart("obs.csv", filename="x").__enter__()  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="in a with statement"):
        list(Multipart(empty))
    assert not portal.requests


def test_a_file_over_the_platforms_limit_is_not_sent(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(PLATFORM_LIMIT_BYTES + 1)
    with pytest.raises(FileTooLarge, match=r"large\.csv has 240 MiB"):
        Multipart(large).__enter__()
    with multipart.Multipart(large) as allowed:
        assert allowed.size == PLATFORM_LIMIT_BYTES + 1


def test_a_file_that_changes_is_never_whole_on_the_portal(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, path: Path
) -> None:
    """Neither longer nor shorter nor other bytes: the form is not ended."""
    for change in (lambda file: os.truncate(file, 1000), lambda file: file.write_bytes(DATA + b"x")):
        path.write_bytes(DATA)
        with Multipart(path) as file:
            change(path)
            with pytest.raises(FileChanged, match=r"obs\.csv"):
                session.send(automation.upload_file(UID, file))
    for request in portal.requests:
        assert not request.body.endswith(b"--\r\n")


def test_a_disk_that_fails_is_not_taken_for_the_network(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    class Broken(io.BytesIO):
        def readinto(self, buffer: Any) -> int:
            raise OSError(5, "Input/output error")

    with (
        Multipart(Broken(DATA), filename="x.csv") as file,
        pytest.raises(LocalFileFailed, match=r"x\.csv cannot be read: Input/output error"),
    ):
        session.send(automation.upload_file(UID, file))


def test_a_refusal_before_the_body_was_read(
    raw_server: Any, automation: AutomationV1, tmp_path: Path
) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as opened:
        opened.truncate(20 * 2**20)

    def talk(sock: socket.socket) -> None:
        sock.recv(65536)
        body = b'{"error_code":"unauthorized","message":"no"}'
        head = f"HTTP/1.1 401 X\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        while sock.recv(2**20):
            pass

    server: RawServer = raw_server(talk)
    settings = portal_settings(
        "127.0.0.1", PortalKey(api_key=API_KEY), port=server.port, scheme="http", read_timeout=30.0
    )
    once = RetryBudget(attempts=1)
    with (
        PortalSession(settings, budget=once) as session,
        Multipart(large) as file,
        pytest.raises(SignInFailed),
    ):
        session.send(automation.upload_file(UID, file))


@pytest.mark.parametrize("tls", [False, True])
def test_interrupt_in_the_middle(
    raw_server: Any, certificate: Certificate, automation: AutomationV1, tmp_path: Path, tls: bool
) -> None:
    """A portal that reads a little and then nothing more."""
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(100 * 2**20)
    reading, done = threading.Event(), threading.Event()

    def talk(sock: socket.socket) -> None:
        if tls:
            sock = certificate.server_context().wrap_socket(sock, server_side=True)
        sock.recv(65536)
        reading.set()
        done.wait(20)

    server: RawServer = raw_server(talk)
    settings = portal_settings(
        "localhost",
        PortalKey(api_key=API_KEY),
        port=server.port,
        scheme="https" if tls else "http",
        verify=str(certificate.path),
    )
    with PortalSession(settings) as session, Multipart(large) as file:

        def stop() -> None:
            reading.wait(10)
            session.interrupt()

        threading.Thread(target=stop).start()
        began = time.monotonic()
        with pytest.raises(Interrupted) as caught:
            session.send(automation.upload_file(UID, file))
        assert time.monotonic() - began < 5
        assert caught.value.landing == "unknown"
    done.set()


def test_upload_over_tls(certificate: Certificate, automation: AutomationV1, path: Path) -> None:
    portal = ScriptedPortal(certificate)
    try:
        portal.answer(CREATED)
        settings = portal_settings(
            "localhost", PortalKey(api_key=API_KEY), port=portal.port, verify=str(certificate.path)
        )
        with PortalSession(settings) as session, Multipart(path) as file:
            session.send(automation.upload_file(UID, file))
        (request,) = portal.requests
        assert parts(request.headers, request.body)[0].get_payload(decode=True) == DATA
    finally:
        portal.close()


def test_download(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, management: ManagementV2
) -> None:
    """The first attempt breaks off in the middle: what it left is forgotten."""
    told = Answer(200, DATA, {"Content-Type": "application/octet-stream"})
    zipped = Answer(200, gzip.compress(DATA), {"Content-Encoding": "gzip"})
    for dialect, last in ((automation, told), (management, zipped)):
        portal.answer(Answer(200, DATA[::-1], how="half"), last)
        with tempfile.TemporaryFile() as file:
            file.write(b"before")
            sink = FileSink(file)
            session.send(dialect.download_file(UID, "obs.csv", sink))
            file.seek(0)
            assert file.read() == b"before" + DATA
            assert sink.size == len(DATA)


def test_download_that_is_refused_writes_nothing(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(samples.AUTO_404)
    sink = FileSink(io.BytesIO())
    with pytest.raises(NotFound, match=r"does not keep the file gone\.csv"):
        session.send(automation.download_file(UID, "gone.csv", sink))
    assert sink.size == 0


def test_download_to_a_full_disk(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    portal.answer(Answer(200, DATA))
    with pytest.raises(LocalFileFailed, match="No space left on device"):
        session.send(automation.download_file(UID, "obs.csv", FileSink(Full())))


def test_files_do_not_go_through_the_event_loop(settings, automation: AutomationV1, path: Path) -> None:
    import asyncio

    async def go() -> None:
        async with AsyncPortalSession(settings) as session:
            with Multipart(path) as file, pytest.raises(ConfigurationError, match="blocking session"):
                await session.send(automation.upload_file(UID, file))

    asyncio.run(go())


def test_attachment(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, path: Path
) -> None:
    portal.answer(answer({"uid": "at_a1b2c3", "filename": "obs.csv"}, 201))
    with Multipart(path) as file:
        assert session.send(automation.attach(UID, file)).uid == "at_a1b2c3"
    (part,) = parts(portal.requests[0].headers, portal.requests[0].body)
    assert part.get_payload(decode=True) == DATA
