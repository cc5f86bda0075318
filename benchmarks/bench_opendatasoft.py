"""What an upload of a 200 MiB file and a push of 100,000 records to an Opendatasoft portal cost this machine.

    python benchmarks/bench_opendatasoft.py [--size 200] [--records 100000] [--runs 5]

A sink on loopback, in a process of its own, takes both over TLS and discards them. The upload runs beside
requests' own ``files=``; each is a process of its own, whose CPU is user and system time, interpreter and
imports included, and whose memory is its peak over that of a process which imports the same and does nothing.
The push is measured within one process against ``json.dumps`` of the same records, which are built before.
Sizes are in MiB. Writes ``latest_opendatasoft.json`` with the medians.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

from measuring import cost_of, fill, memory_mib, middle, serving
from sinks import Sink, SinkHandler, tls_context

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
UID = "da_k3v9qz"
UPLOAD = f"/api/automation/v1.0/datasets/{UID}/resources/files/"
US, THEM, BARE = "us", "requests files=", "bare import"
PUSH = "push"
#: MiB of memory over a bare import, and CPU of a push in serialisings of its records.
MEMORY_BOUND, PUSH_BOUND = 64, 2.0


def main() -> None:
    """Play the part that the command line names; without one, run the benchmark."""
    parts = {"sink": sink_part, "client": client_part}
    if sys.argv[1:2] and sys.argv[1] in parts:
        parts[sys.argv[1]](*sys.argv[2:])
    else:
        benchmark()


def benchmark() -> None:
    """Run all cases and print the medians."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="bench-opendatasoft-") as folder, sink(Path(folder)) as place:
        path = Path(folder, "observations.csv")
        write_file(path, options.size)
        # In turns, so that a disturbance of the machine meets all.
        rounds = [
            {who: run_client(who, path, place) for who in (BARE, THEM, US)} for _ in range(options.runs)
        ]
        pushes = [run_client(PUSH, path, place, str(options.records)) for _ in range(options.runs)]
    bare = middle([one[BARE]["peak_mib"] for one in rounds])
    uploads = {
        who: {
            "cpu_s": middle([one[who]["cpu_s"] for one in rounds]),
            "wall_s": middle([one[who]["wall_s"] for one in rounds]),
            "peak_over_import_mib": round(middle([one[who]["peak_mib"] for one in rounds]) - bare, 1),
        }
        for who in (US, THEM)
    }
    push = {
        name: middle([one[name] for one in pushes]) for name in ("push_cpu_s", "serialise_cpu_s", "calls")
    }
    push["ratio"] = middle([one["push_cpu_s"] / one["serialise_cpu_s"] for one in pushes])
    report(options, bare, uploads, push)
    result = {
        "size_mib": options.size,
        "records": options.records,
        "bare_import_peak_mib": bare,
        "upload": uploads,
        "push": push,
    }
    (HERE / "latest_opendatasoft.json").write_text(json.dumps(result, indent=1) + "\n")


def report(options: argparse.Namespace, bare: float, uploads: dict[str, Any], push: dict[str, float]) -> None:
    """Print what was measured beside its target."""
    print(f"upload of {options.size} MiB over TLS, {options.runs} runs; bare import: {bare:.1f} MiB")
    for who, one in uploads.items():
        print(
            f"  {who:16} CPU {one['cpu_s']:6.2f} s  wall {one['wall_s']:6.2f} s"
            f"  peak over a bare import {one['peak_over_import_mib']:7.1f} MiB"
        )
    print(f"  target: at most {MEMORY_BOUND} MiB over a bare import, CPU at most that of {THEM}")
    print(
        f"push of {options.records:,} records in {push['calls']:.0f} calls: CPU {push['push_cpu_s']:.2f} s,"
        f" serialising alone {push['serialise_cpu_s']:.2f} s, ratio {push['ratio']:.2f}"
    )
    print(f"  target: ratio at most {PUSH_BOUND}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", type=int, default=200, help="MiB of the file")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    return parser.parse_args()


def write_file(path: Path, size: int) -> None:
    """Write so many MiB of CSV."""
    block = b"".join(
        b"%d;station %d;2026-01-%02d;%d.5\n" % (n, n % 97, n % 28 + 1, n % 50) for n in range(40_000)
    )
    fill(path, b"id;station;day;value\n", block, size)


def observations(count: int) -> list[dict[str, Any]]:
    """Make records as a sensor network pushes them: nine fields, some 200 bytes of JSON."""
    return [
        {
            "id": number,
            "station": f"station {number % 97}",
            "observed_at": f"2026-01-{number % 28 + 1:02}T12:{number % 60:02}:00Z",
            "value": number % 1000 / 7,
            "unit": "°C",
            "valid": number % 13 != 0,
            "remark": None,
            "position": [47.5 + number % 100 / 1000, 7.6 + number % 90 / 1000],
            "operator": "Lufthygieneamt beider Basel",
        }
        for number in range(count)
    ]


# the processes


def run_client(who: str, path: Path, place: tuple[int, Path], *more: str) -> dict[str, float]:
    """Run one client in a process of its own."""
    port, ca_file = place
    command = [sys.executable, __file__, "client", who, str(path), str(port), str(ca_file), *more]
    cost = cost_of(who, command)
    told: dict[str, float] = json.loads(cost.said)
    return {**told, "cpu_s": cost.cpu_s, "wall_s": cost.wall_s}


def client_part(who: str, path: str, port: str, ca_file: str, records: str = "0") -> None:
    """Be a client, and print the peak of this process's memory and what else was measured."""
    import requests

    from airflow_socrata.client import PortalSession
    from airflow_socrata.opendatasoft.automation import AutomationV1
    from airflow_socrata.opendatasoft.credentials import PortalKey
    from airflow_socrata.opendatasoft.multipart import Multipart
    from airflow_socrata.opendatasoft.portal import portal_settings

    told: dict[str, float] = {}
    settings = portal_settings("localhost", PortalKey("k" * 56), port=int(port), verify=ca_file)
    with PortalSession(settings) as session:
        if who == US:
            with Multipart(Path(path), content_type="text/csv") as file:
                session.send(AutomationV1().upload_file(UID, file))
        elif who == THEM:
            with Path(path).open("rb") as opened:
                files = {"file": ("observations.csv", opened, "text/csv")}
                url = f"https://localhost:{port}{UPLOAD}"
                requests.post(url, files=files, verify=ca_file, timeout=600).raise_for_status()
        elif who == PUSH:
            told = _push(session, int(records))
    print(json.dumps({**told, "peak_mib": memory_mib()}))


def _push(session: Any, count: int) -> dict[str, float]:
    from airflow_socrata.opendatasoft.push import PushTarget, push_records

    records = observations(count)
    target = PushTarget("observations", "realtime", "key")
    push_records(session, target, records[:1])  # connects and shakes hands
    began = time.process_time()
    json.dumps(records, ensure_ascii=False).encode()
    serialised = time.process_time()
    pushed = push_records(session, target, records)
    ended = time.process_time()
    return {"serialise_cpu_s": serialised - began, "push_cpu_s": ended - serialised, "calls": pushed.calls}


@contextmanager
def sink(folder: Path) -> Iterator[tuple[int, Path]]:
    """Run the sink; gives its port and the CA file."""
    from airflow_socrata.emulator.tls import make_certificates

    ca_file, certificate, key = make_certificates(folder, "localhost")
    command = [sys.executable, __file__, "sink", str(certificate), str(key)]
    with serving(command) as port:
        yield port, ca_file


class _Handler(SinkHandler):
    def do_POST(self) -> None:
        self.discard()
        self.answer({"status": "OK", "uid": "observations.csv", "filename": "observations.csv"}, 201)


def sink_part(certificate: str, key: str) -> None:
    """Be the sink: print the port, then serve until standard input closes."""
    sink = Sink(_Handler)
    context = tls_context(certificate, key)
    sink.socket = context.wrap_socket(sink.socket, server_side=True, do_handshake_on_connect=False)
    sink.serve()


if __name__ == "__main__":
    main()
