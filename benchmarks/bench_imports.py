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
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from measuring import cost_of, fill, memory_mib, middle, serving
from sinks import Sink, SinkHandler

HERE = Path(__file__).parent
IMPORT, ATTACH, PEER, BARE = "import", "attachment", "requests files=", "bare import"
VIEW = "work-2222"
#: MiB of memory over a bare import.
MEMORY_BOUND = 64


def main() -> None:
    """Play the part that the command line names; without one, run the benchmark."""
    parts = {"sink": lambda: Sink(_Handler).serve(), "client": client_part}
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
    command = [sys.executable, __file__, "sink"]
    with tempfile.TemporaryDirectory(prefix="bench-imports-") as folder, serving(command) as port:
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


def write_file(path: Path, size: int) -> None:
    """Write so many MiB of CSV, some cells quoted."""
    block = b"".join(
        b'%d,"station %d, north",2026-01-%02d,%d.5\n' % (n, n % 97, n % 28 + 1, n % 50) for n in range(40_000)
    )
    fill(path, b"id,station,day,value\n", block, size)


# the processes


def run_client(who: str, path: Path, port: int) -> dict[str, float]:
    """Run one client in a process of its own."""
    command = [sys.executable, __file__, "client", who, str(path), str(port)]
    cost = cost_of(who, command)
    told: dict[str, float] = json.loads(cost.said)
    return {**told, "cpu_s": cost.cpu_s, "wall_s": cost.wall_s}


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
    print(json.dumps({"peak_mib": memory_mib()}))


class _Handler(SinkHandler):
    def do_POST(self) -> None:
        self.discard()
        columns = [{"name": name, "suggestion": "text"} for name in ("id", "station", "day", "value")]
        self.answer({
            "id": VIEW,
            "nameForOutput": "large.csv",
            "fileId": "file",
            "summary": {"headers": 1, "columns": columns},
        })


if __name__ == "__main__":
    main()
