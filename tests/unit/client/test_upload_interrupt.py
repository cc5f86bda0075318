"""interrupt() from a real signal handler while an upload has several threads, at every stage of it."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from unit.client import publishing_samples as samples
from unit.client.portal_servers import Answer
from unit.client.publishing_samples import SOURCE_LINKS
from unit.client.upload_portal import OnlyRead, UploadPortal

from airflow_socrata.client import Interrupted, PortalSession
from airflow_socrata.client.clock import SystemClock
from airflow_socrata.client.links import Links
from airflow_socrata.client.revision_models import Source
from airflow_socrata.client.uploading import upload_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from unit.client.portal_servers import Certificate, Seen

    from airflow_socrata.client import PortalSettings

#: The promise is 5 s; measured are a few hundredths, and less than a second where a stream hangs.
LIMIT_SECONDS = 1.5
OWN = Source.from_json(samples.source(), Links(SOURCE_LINKS))
DATA = bytes(12_345)


@contextlib.contextmanager
def signal_at(reached: threading.Event, session: PortalSession) -> Iterator[None]:
    """Interrupt ``session`` from a handler in this thread as soon as ``reached`` is set."""
    handled: list[float] = []

    def handler(*_: object) -> None:
        handled.append(time.monotonic())
        session.interrupt()

    def kill() -> None:
        assert reached.wait(20)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, handler)
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(Interrupted):
            yield
        assert time.monotonic() - handled[0] < LIMIT_SECONDS
    finally:
        killer.join(20)
        signal.signal(signal.SIGALRM, before)


class Gate:
    """Holds what comes to it until the test is over; open to the outside once ``count`` are held."""

    def __init__(self, count: int) -> None:
        self.reached, self.over = threading.Event(), threading.Event()
        self._barrier = threading.Barrier(count, action=self.reached.set)

    def hold(self, seen: Seen | None = None) -> None:
        """Wait for the end of the test, if it is a chunk that comes."""
        if seen is None or "/chunk/" in seen.path:
            with contextlib.suppress(threading.BrokenBarrierError):
                self._barrier.wait(20)
            self.over.wait(20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "x.csv"
    file.write_bytes(DATA)
    return file


@pytest.fixture
def gates() -> Iterator[Callable[[int], Gate]]:
    made: list[Gate] = []

    def make(count: int) -> Gate:
        made.append(Gate(count))
        return made[-1]

    yield make
    for gate in made:
        gate.over.set()


def upload_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("socrata-upload")]


@pytest.mark.parametrize("threads", [4, 2, 1])
@pytest.mark.parametrize("secure", [False, True])
def test_while_the_portal_does_not_answer(
    certificate: Certificate,
    settings: PortalSettings,
    path: Path,
    gates: Callable[[int], Gate],
    threads: int,
    secure: bool,
) -> None:
    gate = gates(threads)
    server = UploadPortal(certificate if secure else None)
    server.fault = gate.hold  # type: ignore[assignment]
    verify = str(certificate.path)
    scheme = "https" if secure else "http"
    here = replace(settings, scheme=scheme, port=server.port, verify=verify, read_timeout=60.0)
    with contextlib.closing(server), PortalSession(here) as session:
        with signal_at(gate.reached, session):
            upload_file(session, OWN, path, "text/csv", parallelism=threads)
        assert not upload_threads()
        assert not server.taken.committed
        gate.over.set()


def test_while_a_stream_hangs(settings: PortalSettings, gates: Callable[[int], Gate]) -> None:
    """Reading somebody else's stream cannot be stopped: the upload ends without its thread."""
    gate = gates(1)

    class Hanging(OnlyRead):
        def read(self, size: int) -> bytes:
            data = super().read(size)
            if self.inner.tell() >= 80_000:
                gate.hold()
            return data

    server = UploadPortal()
    with contextlib.closing(server), PortalSession(replace(settings, port=server.port)) as session:
        with signal_at(gate.reached, session):
            upload_file(session, OWN, Hanging(bytes(200_000), 5000), "text/csv")  # type: ignore[arg-type]
        gate.over.set()
        for thread in upload_threads():
            thread.join(20)
        assert not upload_threads(), "it ends by itself when the stream gives something"
        assert not server.taken.committed


def test_while_waiting_to_send_a_chunk_again(settings: PortalSettings, path: Path) -> None:
    waiting = threading.Event()

    class Clock(SystemClock):
        def sleep(self, seconds: float, stop: Callable[[], bool]) -> None:
            waiting.set()
            super().sleep(seconds, stop)

    server = UploadPortal()
    busy = Answer(503, headers={"Retry-After": "60"})
    server.fault = lambda seen: busy if "/chunk/" in seen.path else None
    here = replace(settings, port=server.port)
    with contextlib.closing(server), PortalSession(here, clock=Clock()) as session:
        with signal_at(waiting, session):
            upload_file(session, OWN, path, "text/csv")
        assert not upload_threads()
