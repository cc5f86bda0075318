"""What an import and an attachment of a 1 GiB file cost this machine.

    python benchmarks/bench_imports.py [--size 1024] [--runs 3]

A sink on loopback, in a process of its own, takes the bytes and answers as a portal does. An import reads the
file once to count its rows, sends it with a scan, and orders the portal to replace rows by it; an attachment
sends it as it is. Beside them requests' own ``files=``, which is also what sodapy sends files with. Each is a
process of its own, whose CPU is user and system time, interpreter and imports included, and whose memory is
its peak over that of a process which imports the same and does nothing. Sizes are in MiB; the peer takes its
file into memory, so it gets a smaller one (``--peer-size``). Writes ``latest_imports.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
MIB = 2**20
IMPORT, ATTACH, PEER, BARE = "import", "attachment", "requests files=", "bare import"
VIEW = "work-2222"
#: MiB of memory over a bare import.
MEMORY_BOUND = 64


def main() -> None:
    """Play the part that the command line names; without one, run the benchmark."""
    parts = {"sink": sink_part, "client": client_part}
    if sys.argv[1:2] and sys.argv[1] in parts:
        parts[sys.argv[1]](*sys.argv[2:])
    else:
        benchmark()


def benchmark() -> None:
    """Run all cases in turns, so that a disturbance of the machine meets all, and print the medians."""
    parser = argparse.ArgumentParser(description="What an import of a large file costs.")
    parser.add_argument("--size", type=int, default=1024, help="MiB of the file")
    parser.add_argument("--peer-size", type=int, default=256, help="MiB of the file of the peer")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-imports-") as folder, sink() as port:
        large, small = Path(folder, "large.csv"), Path(folder, "small.csv")
        write_file(large, options.size)
        write_file(small, options.peer_size)
        files = {BARE: large, IMPORT: large, ATTACH: large, PEER: small}
        rounds = [
            {who: run_client(who, path, port) for who, path in files.items()} for _ in range(options.runs)
        ]
    bare = middle([one[BARE]["peak_mib"] for one in rounds])
    print(f"{options.runs} runs; bare import: {bare:.1f} MiB")
    told: dict[str, Any] = {"size_mib": options.size, "peer_size_mib": options.peer_size}
    for who, path in files.items():
        if who == BARE:
            continue
        size = options.size if path is large else options.peer_size
        figures = {key: middle([one[who][key] for one in rounds]) for key in ("cpu_s", "wall_s", "peak_mib")}
        over = round(figures.pop("peak_mib") - bare, 1)
        told[who] = {**figures, "peak_over_import_mib": over}
        print(
            f"  {who:16} {size:5} MiB  CPU {figures['cpu_s']:6.2f} s  wall {figures['wall_s']:6.2f} s"
            f"  peak over a bare import {over:7.1f} MiB"
        )
    print(f"  target: {IMPORT} and {ATTACH} at most {MEMORY_BOUND} MiB over a bare import")
    (HERE / "latest_imports.json").write_text(json.dumps(told, indent=1) + "\n")
    worst = max(told[who]["peak_over_import_mib"] for who in (IMPORT, ATTACH))
    if worst > MEMORY_BOUND:
        raise SystemExit(f"{worst} MiB over a bare import: the target is {MEMORY_BOUND}")


def middle(values: list[float]) -> float:
    """Take the median."""
    return round(statistics.median(values), 3)


def write_file(path: Path, size: int) -> None:
    """Write so many MiB of CSV, some cells quoted."""
    block = b"".join(
        b'%d,"station %d, north",2026-01-%02d,%d.5\n' % (n, n % 97, n % 28 + 1, n % 50) for n in range(40_000)
    )
    with path.open("wb") as file:
        file.write(b"id,station,day,value\n")
        while file.tell() < size * MIB:
            file.write(block)


# the processes


def run_client(who: str, path: Path, port: int) -> dict[str, float]:
    """Run one client in a process of its own."""
    command = [sys.executable, __file__, "client", who, str(path), str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{who} ended with {process.returncode}")
    told: dict[str, float] = json.loads(said)
    return {**told, "cpu_s": usage.ru_utime + usage.ru_stime, "wall_s": time.perf_counter() - began}


def client_part(who: str, path: str, port: str) -> None:
    """Be a client, and print the peak of this process's memory."""
    import requests

    from airflow_socrata.client import Credentials, PortalSession, PortalSettings, attachments, imports
    from airflow_socrata.client.multipart import Multipart
    from airflow_socrata.client.translations import straight_translation
    from airflow_socrata.records import FileSource
    from airflow_socrata.records.counting import count_table

    settings = PortalSettings("127.0.0.1", int(port), "http", Credentials("key", "secret"))
    with PortalSession(settings) as session:
        if who == IMPORT:
            counted = count_table(FileSource(path))
            with Multipart(Path(path), content_type="text/csv") as file:
                scan: Any = session.send(imports.scan(file))
            straight = straight_translation(list(range(1, len(counted.names) + 1)))
            session.send(imports.replace_rows(VIEW, scan.file_id, "large.csv", skip=1, translation=straight))
        elif who == ATTACH:
            with Multipart(Path(path)) as file:
                session.send(attachments.upload(file))
        elif who == PEER:
            with Path(path).open("rb") as opened:
                url = f"http://127.0.0.1:{port}/api/imports2?method=scan"
                files = {"file": ("small.csv", opened, "text/csv")}
                requests.post(url, files=files, timeout=600).raise_for_status()
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            print(json.dumps({"peak_mib": int(line.split()[1]) / 1024}))


@contextmanager
def sink() -> Iterator[int]:
    """Run the sink; gives its port."""
    command = [sys.executable, __file__, "sink"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        assert process.stdin is not None
        process.stdin.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        buffer = memoryview(bytearray(2**18))
        while left:
            left -= self.rfile.readinto(buffer[: min(left, len(buffer))])  # type: ignore[attr-defined]
        columns = [{"name": name, "suggestion": "text"} for name in ("id", "station", "day", "value")]
        answer = {
            "id": VIEW,
            "nameForOutput": "large.csv",
            "fileId": "file",
            "summary": {"headers": 1, "columns": columns},
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


def sink_part() -> None:
    """Be the sink: print the port, then serve until standard input closes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
