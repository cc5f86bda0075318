"""How much memory a file takes on its way: one block, whatever its size."""

from __future__ import annotations

import re
import tracemalloc
from typing import TYPE_CHECKING, Any

from unit.opendatasoft.conftest import API_KEY
from unit.opendatasoft.samples import UID

from airflow_socrata.client import PortalSession, RetryBudget
from airflow_socrata.client.multipart import FileSink
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.multipart import Multipart
from airflow_socrata.opendatasoft.portal import portal_settings

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from unit.client.portal_servers import RawServer

    from airflow_socrata.opendatasoft.automation import AutomationV1


def test_memory_of_an_upload_and_a_download(
    raw_server: Any, automation: AutomationV1, tmp_path: Path
) -> None:
    """One block, whatever the size: here, in the HTTP library, and in TLS-less sockets."""
    size = 64 * 2**20
    large = tmp_path / "large.bin"
    with large.open("wb") as opened:
        opened.truncate(size)
    created = b'{"uid":"large.bin"}'

    def talk(sock: socket.socket) -> None:
        buffer = memoryview(bytearray(2**20))
        for method in (b"POST", b"GET"):
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(4096)
            assert head.startswith(method)
            head, _, begun = head.partition(b"\r\n\r\n")
            announced = re.search(rb"(?i)content-length: (\d+)", head)
            left = int(announced[1]) - len(begun) if announced else 0
            while left > 0 and (got := sock.recv_into(buffer)):
                left -= got
            if method == b"POST":
                sock.sendall(b"HTTP/1.1 201 X\r\nContent-Length: %d\r\n\r\n%s" % (len(created), created))
            else:
                sock.sendall(b"HTTP/1.1 200 X\r\nContent-Length: %d\r\n\r\n" % size)
                for _ in range(size // 2**20):
                    sock.sendall(buffer)

    server: RawServer = raw_server(talk)
    settings = portal_settings(
        "127.0.0.1", PortalKey(api_key=API_KEY), port=server.port, scheme="http", read_timeout=30.0
    )
    with (
        PortalSession(settings, budget=RetryBudget(attempts=1)) as session,
        (tmp_path / "back.bin").open("w+b") as back,
        Multipart(large) as file,
    ):
        tracemalloc.start()
        try:
            assert session.send(automation.upload_file(UID, file)).uid == "large.bin"
            session.send(automation.download_file(UID, "large.bin", FileSink(back)))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert back.tell() == size
    assert peak < 8 * 2**20
