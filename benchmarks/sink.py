"""A portal that reads rows, counts bytes, and answers that all went well: the other end of the benchmark.

``python sink.py`` prints its port, then serves until its standard input closes.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Sink(ThreadingHTTPServer):
    daemon_threads = True
    received = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Sink
    # Headers and body of a reply leave in one segment, so that no client waits for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        self.server.received += left
        while left:
            left -= len(self.rfile.read(min(left, 2**20)))
        self._reply({"Rows Created": 0, "Rows Updated": 10_000, "Rows Deleted": 0, "Errors": 0})

    do_PUT = do_POST

    def do_GET(self) -> None:
        received, self.server.received = self.server.received, 0
        self._reply({"received": received})

    def _reply(self, answer: dict[str, int]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    sink = _Sink(("127.0.0.1", 0), _Handler)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    print(sink.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
