"""The Dataset Management API as far as a chunked upload needs it, over TLS; it discards the bytes.

``python chunk_sink.py CERTIFICATE KEY`` prints its port, then serves until its standard input closes. Every
request and answer of ``/delay/MILLISECONDS`` and ``/facts`` is left out of the figures that ``/facts`` tells:
bytes of chunks, new connections and this process's own CPU seconds since the last time.
"""

from __future__ import annotations

import re
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from sinks import Sink, SinkHandler, tls_context

CHUNK_SIZE, PARALLELISM = 4 * 2**20, 4  # what portals answer
SOURCE = "/api/publishing/v1/source"
CHUNK = re.compile(rf"{SOURCE}/\d+/chunk/(\d+)/(\d+)(/commit)?")


class ChunkSink(Sink):
    def __init__(self, certificate: str, key: str) -> None:
        super().__init__(Handler)
        self.context = tls_context(certificate, key)
        self.lock = threading.Lock()
        self.delay = 0.0
        self.received = 0
        self.connections = 0
        self.cpu = 0.0

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread."""
        with self.lock:
            self.connections += 1
        time.sleep(self.delay)
        with self.context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)


class Handler(SinkHandler):
    server: ChunkSink
    rbufsize = 2**16

    def do_POST(self) -> None:
        length = self.discard()
        chunk = CHUNK.fullmatch(self.path)
        if chunk is not None and not chunk.group(3):
            with self.server.lock:
                self.server.received += length
        if self.path.endswith("/initiate"):
            self._reply({"preferred_upload_parallelism": PARALLELISM, "preferred_chunk_size": CHUNK_SIZE})
        elif chunk is not None and not chunk.group(3):
            seq, offset = int(chunk.group(1)), int(chunk.group(2))
            taken = {"seq_num": seq, "byte_offset": offset, "end_byte_offset": offset + length}
            self._reply({"resource": taken, "links": {}})
        else:
            self._reply(source())

    def do_GET(self) -> None:
        if self.path.startswith("/delay/"):
            self.server.delay = int(self.path.rpartition("/")[2]) / 1000
            self._reply({}, delay=0.0)
        elif self.path == "/facts":
            self._reply(self._facts(), delay=0.0)
        else:
            self._reply(source())

    def _facts(self) -> dict[str, float]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = usage.ru_utime + usage.ru_stime
        server = self.server
        facts = {"received": server.received, "connections": server.connections, "cpu_s": cpu - server.cpu}
        server.received, server.connections, server.cpu = 0, 0, cpu
        return facts

    def _reply(self, answer: dict[str, Any], delay: float | None = None) -> None:
        time.sleep(self.server.delay if delay is None else delay)
        self.answer(answer)


def source() -> dict[str, Any]:
    """Return a source that is always done."""
    own = f"{SOURCE}/1"
    resource = {
        "id": 1,
        "source_type": {"type": "upload", "filename": "requests.csv"},
        "parse_options": {"parse_source": True},
        "schemas": [],
        "finished_at": "2026-01-01T00:00:00.000000",
    }
    return {
        "resource": resource,
        "links": {
            "show": own,
            "initiate": f"{own}/initiate",
            "chunk": f"{own}/chunk/{{seq_num}}/{{byte_offset}}",
            "commit": f"{own}/chunk/{{seq_num}}/{{byte_offset}}/commit",
            "input_schema_links": {},
        },
    }


if __name__ == "__main__":
    ChunkSink(*sys.argv[1:]).serve()
