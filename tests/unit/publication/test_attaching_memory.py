"""How much memory an attachment takes on its way: one block, whatever its size."""

from __future__ import annotations

import json
import re
import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.dying import EndedRuns, TurnedClock

from airflow_socrata.client import ConfigurationError, PortalSession, PortalSettings
from airflow_socrata.publication.attaching import FileToAttach, attach
from airflow_socrata.publication.operation import RememberedIntents
from airflow_socrata.publication.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = 48 * 2**20
BLOCK = bytes(2**20)
DATASET = "stop-2222"


class Portal(ThreadingHTTPServer):
    """One dataset with one attachment, all zeros; what is uploaded is counted and forgotten."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.metadata: dict[str, Any] = {
            "attachments": [{"filename": "large.bin", "assetId": "old", "name": "large.bin"}]
        }
        self.uploaded = 0


class _Handler(BaseHTTPRequestHandler):
    server: Portal
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def answer(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def view(self) -> None:
        self.answer({"id": DATASET, "name": "Stops", "metadata": self.server.metadata})

    def do_GET(self) -> None:
        if "/files/" not in self.path:
            self.view()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        for _ in range(SIZE // len(BLOCK)):
            self.wfile.write(BLOCK)

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        self.server.uploaded += left
        buffer = memoryview(bytearray(2**20))
        while left > 0:
            left -= self.rfile.readinto(buffer[: min(left, len(buffer))])
        self.answer({"id": "new", "nameForOutput": "large.bin"})

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.metadata = json.loads(body)["metadata"]
        self.view()


@pytest.fixture
def portal() -> Iterator[Portal]:
    with Portal() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_large_file_is_compared_and_uploaded_block_by_block(portal: Portal, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(SIZE - 1)
        file.seek(0, 2)
        file.write(b"!")
    settings = PortalSettings("127.0.0.1", portal.server_address[1], "http", read_timeout=30.0)
    with PortalSession(settings, clock=TurnedClock()) as session:
        publisher = Publisher(session, RememberedIntents(), EndedRuns(), TurnedClock(), lambda line: None)
        tracemalloc.start()
        try:
            done = attach(publisher, DATASET, FileToAttach(str(large)))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (done.outcome, done.asset_id) == ("replaced", "new")
    assert portal.uploaded > SIZE
    assert peak < 8 * 2**20


def test_the_name_of_the_file_is_what_the_portal_is_told() -> None:
    assert FileToAttach("/data/a b.pdf").known_by == "a b.pdf"
    assert FileToAttach("s3://bucket/x/guide.pdf").known_by == "guide.pdf"
    assert FileToAttach("https://h.gov/x/guide.pdf?signature=secret").known_by == "guide.pdf"
    assert FileToAttach("/data/a.pdf", filename="b.pdf").known_by == "b.pdf"
    assert re.search(r'filename="b.pdf"', FileToAttach("/data/a.pdf", "b.pdf").body()._prefix.decode())


@pytest.mark.parametrize("name", [" ", "a\nb.pdf", "a\x00.pdf"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is no file name for an attachment"):
        FileToAttach("/data/a.pdf", name).check()
