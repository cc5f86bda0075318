"""Uploads in chunks: every byte arrives, whatever fails on the way."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
import tempfile
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from unit.client import publishing_samples as samples
from unit.client.portal_servers import Answer, FakeClock
from unit.client.publishing_samples import SOURCE, SOURCE_LINKS, bare
from unit.client.upload_portal import OnlyRead, UploadPortal, chunk_calls

from airflow_socrata.client import (
    ConfigurationError,
    EmptyUpload,
    FileChanged,
    Interrupted,
    InvalidRequest,
    PortalFault,
    PortalSession,
    RetryBudget,
)
from airflow_socrata.client.links import Links
from airflow_socrata.client.revision_models import Source
from airflow_socrata.client.uploading import upload_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from unit.client.portal_servers import Certificate, Seen

    from airflow_socrata.client import Call, PortalSettings

T = TypeVar("T")
OWN = Source.from_json(samples.source(), Links(SOURCE_LINKS))
DATA = random.Random(4).randbytes(12_345)
#: So many chunks that no machine is slow enough to have sent them all before one refusal is seen.
LONG = DATA * 30


@pytest.fixture
def portal() -> Iterator[UploadPortal]:
    server = UploadPortal()
    yield server
    server.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "x.csv"
    file.write_bytes(DATA)
    return file


def send(session: PortalSession, opened: Any, **more: Any) -> Source:
    return upload_file(session, OWN, opened, "text/csv", **more)


def test_every_byte_of_a_file_arrives(portal: UploadPortal, session: PortalSession, path: Path) -> None:
    seen = send(session, path)
    assert portal.taken.data == DATA
    assert portal.taken.committed == [(12, len(DATA))]
    assert seen.filesize == 1, "the source as it is after the end of the upload"
    assert portal.requests[0].path == f"{SOURCE}/initiate"
    assert b"text/csv" in portal.requests[0].body
    assert {len(call.body) for call in chunk_calls(portal)} == {1000, 345}


def openings(path: Path) -> dict[str, Callable[[], Any]]:
    return {
        "file": lambda: path.open("rb"),
        "raw file": lambda: path.open("rb", buffering=0),
        "bytes": lambda: io.BytesIO(DATA),
        "slow stream": lambda: OnlyRead(DATA, 7),
        "gzip": lambda: gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(DATA))),
        "gzip file": lambda: gzip.open(path.with_suffix(".gz")),
    }


@pytest.mark.parametrize("kind", ["file", "raw file", "bytes", "slow stream", "gzip", "gzip file"])
def test_every_byte_of_anything_else_arrives(
    portal: UploadPortal, session: PortalSession, path: Path, kind: str
) -> None:
    path.with_suffix(".gz").write_bytes(gzip.compress(DATA))
    opened = openings(path)[kind]()
    send(session, opened)
    assert portal.taken.data == DATA
    if hasattr(opened, "close"):
        assert not opened.closed, "who opened it closes it"
        opened.close()


def test_temporary_file_is_a_real_file(portal: UploadPortal, session: PortalSession) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(DATA)
        file.seek(1)
        send(session, file)
        assert portal.taken.data == DATA[1:], "from where it stands"
        assert file.tell() == 1, "its position stays"


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 4000])
def test_sizes_around_a_chunk(
    portal: UploadPortal, session: PortalSession, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(DATA[:size])
    send(session, path)
    send_again = UploadPortal()
    with contextlib.closing(send_again):
        settings = replace(session.settings, port=send_again.port)
        with PortalSession(settings) as other:
            send(other, io.BytesIO(DATA[:size]))
        assert portal.taken.data == send_again.taken.data == DATA[:size]
        assert portal.taken.committed == send_again.taken.committed == [((size - 1) // 1000, size)]


def test_chunks_are_on_their_way_at_the_same_time_over_kept_connections(
    portal: UploadPortal, session: PortalSession, path: Path
) -> None:
    together = threading.Barrier(4)

    def meet(seen: Seen) -> None:
        if "/chunk/" in seen.path and int(seen.path.split("/")[-2]) < 4 and "commit" not in seen.path:
            together.wait(10)

    portal.fault = meet
    send(session, path)
    assert not together.broken
    assert len({call.connection for call in chunk_calls(portal)}) == 4


@pytest.mark.parametrize(("wanted", "expected"), [(1, 1), (2, 2), (9, 4)])
def test_parallelism_is_at_most_the_portals(
    portal: UploadPortal, session: PortalSession, path: Path, wanted: int, expected: int
) -> None:
    together, most, now = threading.Barrier(expected), 0, 0
    lock = threading.Lock()

    def count(seen: Seen) -> None:
        nonlocal most, now
        if "/chunk/" not in seen.path or "commit" in seen.path or int(seen.path.split("/")[-2]) >= 8:
            return
        with lock:
            now += 1
            most = max(most, now)
        together.wait(10)
        with lock:
            now -= 1

    portal.fault = count
    send(session, path, parallelism=wanted)
    assert most == expected
    assert portal.taken.data == DATA


def test_no_connection_more_than_there_are_chunks(
    portal: UploadPortal, session: PortalSession, tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(DATA[:500])
    send(session, path)
    assert len({seen.connection for seen in portal.requests}) == 1


@pytest.mark.parametrize("make", [lambda path: path, lambda path: io.BytesIO(b"")])
def test_nothing_is_sent_of_an_empty_file(
    portal: UploadPortal, session: PortalSession, tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    path = tmp_path / "empty.csv"
    path.touch()
    with pytest.raises(EmptyUpload, match=r"(empty.csv|the stream) has no bytes to upload"):
        send(session, make(path))
    assert not portal.requests


def test_what_is_no_file_in_binary_mode(portal: UploadPortal, session: PortalSession, path: Path) -> None:
    with path.open(encoding="latin-1") as text, pytest.raises(ConfigurationError, match="binary mode"):
        send(session, text)
    with pytest.raises(ConfigurationError, match="cannot upload a str"):
        send(session, "x.csv")
    with pytest.raises(ConfigurationError, match="cannot upload a bytes"):
        send(session, DATA)
    with pytest.raises(ConfigurationError, match="at least 1"):
        send(session, path, parallelism=0)
    assert not portal.requests


@pytest.mark.parametrize(
    "answer",
    [Answer(how="drop"), Answer(how="reset"), Answer(500), Answer(503), Answer(502, "<html>"), Answer(429)],
)
@pytest.mark.parametrize("carried_out", [False, True])
def test_chunk_that_fails_is_sent_again_alone(
    portal: UploadPortal, session: PortalSession, path: Path, answer: Answer, carried_out: bool
) -> None:
    failed: list[str] = []

    def fail_once(seen: Seen) -> Answer | None:
        if "/chunk/3/" in seen.path and not failed:
            failed.append(seen.path)
            return answer
        return None

    portal.fault, portal.carried_out = fail_once, carried_out
    send(session, path)
    assert portal.taken.data == DATA
    assert sorted(seen.path for seen in chunk_calls(portal)).count(f"{SOURCE}/chunk/3/3000") == 2
    assert len(chunk_calls(portal)) == 14


@pytest.mark.parametrize("make", [lambda path: path, lambda path: OnlyRead(LONG, 600)])
def test_first_failure_that_stays_stops_all(
    portal: UploadPortal, session: PortalSession, path: Path, make: Callable[[Path], Any]
) -> None:
    path.write_bytes(LONG)
    refusal = bare({"message": "no", "key": "bad_chunk"}, 400)
    portal.fault = lambda seen: refusal if "/chunk/2/" in seen.path else None
    with pytest.raises(InvalidRequest, match="chunk 2 at byte 2000 of source 15786: HTTP 400 bad_chunk"):
        send(session, make(path))
    assert not portal.taken.committed
    assert len(chunk_calls(portal)) < len(LONG) // 1000
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("socrata-upload")]
    assert not session.interrupted, "the session itself goes on"


def test_chunk_that_fails_for_ever_uses_up_its_budget(
    portal: UploadPortal, session: PortalSession, path: Path
) -> None:
    portal.fault = lambda seen: Answer(500) if "/chunk/2/" in seen.path else None
    with pytest.raises(PortalFault, match="chunk 2"):
        send(session, path, parallelism=2)
    assert len([seen for seen in chunk_calls(portal) if "/chunk/2/" in seen.path]) == 3


def test_stream_that_breaks_stops_all(portal: UploadPortal, session: PortalSession) -> None:
    class Breaking(OnlyRead):
        def read(self, size: int) -> bytes:
            if self.inner.tell() > 5000:
                raise OSError("the bucket is gone")
            return super().read(size)

    portal.limits["preferred_chunk_size"] = 70_000
    stream = Breaking(bytes(300_000), 1000)
    stream.most = 4000
    with pytest.raises(OSError, match="the bucket is gone"):
        send(session, stream)
    assert not portal.taken.committed


@pytest.mark.parametrize("change", ["append", "truncate", "rewrite"])
def test_file_that_is_written_to_meanwhile_is_not_committed(
    portal: UploadPortal, session: PortalSession, path: Path, change: str
) -> None:
    def write(seen: Seen) -> None:
        if "/chunk/0/" not in seen.path:
            return
        with path.open("r+b") as file:
            if change == "append":
                file.seek(0, os.SEEK_END)
                file.write(b"more")
            elif change == "truncate":
                file.truncate(10)
            else:
                file.write(b"x")
        os.utime(path, ns=(1, 1))

    portal.fault = write
    with pytest.raises(FileChanged, match=r"x\.csv (was written to|became shorter) while it was being"):
        send(session, path, parallelism=1)
    assert not portal.taken.committed


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("answer", [Answer(how="drop"), Answer(504)])
def test_end_of_the_upload_is_proved(
    portal: UploadPortal, session: PortalSession, path: Path, carried_out: bool, answer: Answer
) -> None:
    """A lost reply to the commit: sent again only if the source shows nothing of it."""
    failed: list[str] = []

    def lose_once(seen: Seen) -> Answer | None:
        if seen.path.endswith("/commit") and not failed:
            failed.append(seen.path)
            return answer
        return None

    portal.fault, portal.carried_out = lose_once, carried_out
    send(session, path)
    assert portal.taken.committed == [(12, len(DATA))]
    commits = [seen for seen in portal.requests if seen.path.endswith("/commit")]
    assert len(commits) == (1 if carried_out else 2)


@pytest.mark.parametrize(
    "seen_after",
    [
        {"finished_at": "2026-06-09T18:04:11"},
        {"failed_at": "2026-06-09T18:04:11"},
        {"schemas": [samples.input_schema()]},
    ],
)
def test_signs_of_a_commit_that_landed(
    portal: UploadPortal, session: PortalSession, path: Path, seen_after: dict[str, Any]
) -> None:
    portal.after_commit = seen_after
    portal.fault = lambda seen: Answer(how="drop") if seen.path.endswith("/commit") else None
    portal.carried_out = True
    send(session, path)
    assert len([seen for seen in portal.requests if seen.path.endswith("/commit")]) == 1


def test_commit_that_landed_unseen_and_is_refused_the_second_time(
    portal: UploadPortal, session: PortalSession, path: Path
) -> None:
    """The source shows nothing at first: the second commit is refused, and then the source shows it."""
    commits = 0
    portal.after_commit = {}

    def lose_first(seen: Seen) -> Answer | None:
        nonlocal commits
        if not seen.path.endswith("/commit"):
            return None
        commits += 1
        if commits == 2:
            portal.after_commit = {"filesize": 1}
        return Answer(how="drop") if commits == 1 else None

    portal.fault, portal.carried_out = lose_first, True
    send(session, path)
    assert commits == 2
    assert portal.taken.committed == [(12, len(DATA))]


def test_commit_that_is_refused_at_once(portal: UploadPortal, session: PortalSession, path: Path) -> None:
    portal.fault = lambda seen: bare({"message": "no"}, 400) if seen.path.endswith("/commit") else None
    with pytest.raises(InvalidRequest, match="end the upload of 12345 bytes"):
        send(session, path)


def test_interrupted_session_sends_nothing(portal: UploadPortal, session: PortalSession, path: Path) -> None:
    session.interrupt()
    with pytest.raises(Interrupted):
        send(session, path)
    assert session.beside().interrupted
    assert not portal.requests


def test_over_tls(certificate: Certificate, settings: PortalSettings, path: Path) -> None:
    server = UploadPortal(certificate)
    with contextlib.closing(server):
        secure = replace(settings, scheme="https", port=server.port, verify=str(certificate.path))
        with PortalSession(secure) as session:
            send(session, path)
        assert server.taken.data == DATA


def test_progress_is_told(
    portal: UploadPortal, session: PortalSession, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_socrata.client.uploading.PROGRESS_SECONDS", 0.0)
    lines: list[str] = []
    send(session, path, log=lines.append, parallelism=1)
    assert len(lines) == 13
    assert lines[-1] == "upload of x.csv to source 15786: 0 of 0 MiB sent"


@pytest.mark.parametrize("make", [lambda path: path, lambda path: OnlyRead(DATA, 600)])
def test_each_thread_sends_from_one_buffer(
    portal: UploadPortal, settings: PortalSettings, path: Path, make: Callable[[Path], Any]
) -> None:
    """Nothing of the file is held twice: memory is that of one chunk for each thread."""
    buffers: list[object] = []

    class Recording(PortalSession):
        def send(self, call: Call[T], *, budget: RetryBudget | None = None) -> T:
            if isinstance(call.body, memoryview) and not any(call.body.obj is known for known in buffers):
                buffers.append(call.body.obj)
            return super().send(call, budget=budget)

    with Recording(settings) as session:
        send(session, make(path), parallelism=3)
    assert portal.taken.data == DATA
    assert 1 <= len(buffers) <= 3
    assert {len(buffer) for buffer in buffers} == {1000}  # type: ignore[arg-type]


def test_waits_of_a_chunk_are_those_of_the_clock(
    portal: UploadPortal, settings: PortalSettings, path: Path
) -> None:
    clock = FakeClock()
    failed: list[str] = []

    def fail_once(seen: Seen) -> Answer | None:
        if "/chunk/3/" in seen.path and not failed:
            failed.append(seen.path)
            return Answer(503, headers={"Retry-After": "30"})
        return None

    portal.fault = fail_once
    began = time.monotonic()
    with PortalSession(settings, clock=clock, budget=RetryBudget(attempts=2)) as session:
        send(session, path)
    # The portal's pause holds for the chunks beside it too, if they come within it.
    assert 30.0 in clock.waits
    assert max(clock.waits) < 40
    assert time.monotonic() - began < 10
