"""What the sinks share: servers that discard what is sent, the other ends of the benchmarks."""

from __future__ import annotations

import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class SinkHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body of a reply leave in one segment, so that no client waits for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def discard(self) -> int:
        """Read the body, and return how long it was, bytes."""
        length = left = int(self.headers.get("Content-Length") or 0)
        buffer = memoryview(bytearray(2**16))
        while left:
            read = self.rfile.readinto1(buffer[: min(left, len(buffer))])  # type: ignore[attr-defined]
            if not read:
                raise ConnectionError("the client hung up")
            left -= read
        return length

    def answer(self, said: dict[str, Any], status: int = 200) -> None:
        """Reply with a JSON object."""
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Sink(ThreadingHTTPServer):
    """On loopback, at a port that is free."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, handler: type[SinkHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    def serve(self) -> None:
        """Print the port, then serve until standard input closes."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        print(self.server_port, flush=True)
        sys.stdin.read()


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return the server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
