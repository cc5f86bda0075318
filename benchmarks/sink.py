"""A portal that reads rows, counts bytes, and answers that all went well: the other end of the benchmark.

``python sink.py`` prints its port, then serves until its standard input closes.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from sinks import Sink, SinkHandler


class _Sink(Sink):
    received = 0


class _Handler(SinkHandler):
    server: _Sink

    def do_POST(self) -> None:
        self.server.received += self.discard()
        self.answer({"Rows Created": 0, "Rows Updated": 10_000, "Rows Deleted": 0, "Errors": 0})

    do_PUT = do_POST

    def do_GET(self) -> None:
        received, self.server.received = self.server.received, 0
        self.answer({"received": received})


if __name__ == "__main__":
    _Sink(_Handler).serve()
