"""What a chunked upload of a 1 GiB CSV over TLS costs the machine that sends it, beside socrata-py 1.2.0.

    python benchmarks/bench_chunks.py [--size 1024] [--runs 5] [--memory-size 2048]

A sink on loopback, in a process of its own, takes chunks of 4 MiB from four connections at a time, as portals
allow, and discards them. In a second series it delays every reply and every new connection by 20 ms. Each
client is a process of its own; CPU is user and system time of that whole process, interpreter and imports
included; memory is its peak, all included. Sizes are in MiB. Writes ``latest_chunks.json`` with the medians.
"""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from data import write_csv
from measuring import cost_of, fill, middle, serving

from airflow_socrata.emulator.tls import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
US, THEM = "us", "socrata-py 1.2.0"
DELAY_MS = 20
#: Peak memory that is allowed whatever the size of the file: four chunks of 4 MiB, and 64 MiB for the rest.
BOUND_MIB = 4 * 4 + 64
BLOCK_ROWS = 200_000
TARGETS = f"""\
Targets: at most 0.9 of socrata-py's CPU; at most 0.7 of its wall time with the delays; peak memory at most
socrata-py's, and at most {BOUND_MIB} MiB whatever the size of the file."""


@dataclass(frozen=True)
class Measure:
    case: str
    who: str
    cpu_s: float
    wall_s: float
    peak_mib: float
    connections: float
    sink_cpu_s: float


class Sink:
    """The sink's own answers."""

    def __init__(self, port: int, ca_file: Path) -> None:
        self.port = port
        self.ca_file = ca_file
        self._context = ssl.create_default_context(cafile=str(ca_file))

    def delay(self, milliseconds: int) -> None:
        """Delay every reply and every new connection from now on."""
        self._get(f"/delay/{milliseconds}")

    def facts(self) -> dict[str, float]:
        """Ask for bytes, connections and CPU since the last time."""
        return self._get("/facts")

    def _get(self, path: str) -> dict[str, float]:
        connection = http.client.HTTPSConnection("localhost", self.port, context=self._context)
        connection.request("GET", path)
        answer: dict[str, float] = json.loads(connection.getresponse().read())
        connection.close()
        return answer


def main() -> None:
    options = _options()
    medians: list[Measure] = []
    with tempfile.TemporaryDirectory(prefix="bench-chunks-") as folder, sink(Path(folder)) as portal:
        path = Path(folder, "requests.csv")
        write_file(path, options.size)
        print(f"{options.size} MiB, {options.runs} runs", flush=True)
        for delay in (0, DELAY_MS):
            portal.delay(delay)
            case = f"{options.size} MiB" + (f", {delay} ms delays" if delay else "")
            # In turns, so that a disturbance of the machine meets both.
            rounds = [[measured(case, who, path, portal) for who in (US, THEM)] for _ in range(options.runs)]
            medians += [median([runs[index] for runs in rounds]) for index in (0, 1)]
        if options.memory_size:
            portal.delay(0)
            write_file(path, options.memory_size)
            medians.append(measured(f"{options.memory_size} MiB, once", US, path, portal))
    print(table(medians))
    print(TARGETS)
    (HERE / "latest_chunks.json").write_text(json.dumps([asdict(one) for one in medians], indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the file")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--memory-size", type=int, default=2048, help="MiB of the memory case; 0: leave it out"
    )
    return parser.parse_args()


@contextmanager
def sink(folder: Path) -> Iterator[Sink]:
    """Run the sink."""
    ca_file, certificate, key = make_certificates(folder, "localhost")
    command = [sys.executable, str(HERE / "chunk_sink.py"), str(certificate), str(key)]
    with serving(command) as port:
        yield Sink(port, ca_file)


def write_file(path: Path, size: int) -> None:
    """Write so many MiB of CSV: one block of rows, again and again."""
    write_csv(path, min(BLOCK_ROWS, size * 4_000))
    written = path.read_bytes()
    end = written.index(b"\n") + 1
    fill(path, written[:end], written[end:], size)


def measured(case: str, who: str, path: Path, portal: Sink) -> Measure:
    """Run one client."""
    portal.facts()
    command = [sys.executable, str(HERE / "upload_chunks.py"), who, str(path), str(portal.port)]
    cost = cost_of(who, [*command, str(portal.ca_file)])
    facts = portal.facts()
    if facts["received"] != path.stat().st_size:
        raise SystemExit(f"{who}: {facts['received']:.0f} bytes of {path.stat().st_size} arrived")
    peak = json.loads(cost.said)["peak_mib"]
    # One connection is that of the question itself.
    return Measure(case, who, cost.cpu_s, cost.wall_s, peak, facts["connections"] - 1, facts["cpu_s"])


def median(runs: list[Measure]) -> Measure:
    """Take the median of each figure."""

    def of(name: str, digits: int) -> float:
        return middle((getattr(run, name) for run in runs), digits)

    return Measure(
        runs[0].case,
        runs[0].who,
        of("cpu_s", 3),
        of("wall_s", 3),
        of("peak_mib", 1),
        of("connections", 0),
        of("sink_cpu_s", 3),
    )


def table(measures: list[Measure]) -> str:
    """Lay the figures out, those of socrata-py in the same case being the measure of CPU and wall time."""
    titles = ("case", "who", "CPU s", "ratio", "wall s", "ratio", "peak MiB", "connections", "sink CPU s")
    lines = ["{:24}{:18}{:>7}{:>7}{:>8}{:>7}{:>10}{:>13}{:>12}".format(*titles)]
    for one in measures:
        base = next((other for other in measures if other.case == one.case and other.who == THEM), None)
        cpu, wall = (f"{one.cpu_s / base.cpu_s:.2f}", f"{one.wall_s / base.wall_s:.2f}") if base else ("", "")
        speed = f"{one.cpu_s:7.2f}{cpu:>7}{one.wall_s:8.2f}{wall:>7}"
        rest = f"{one.peak_mib:10.1f}{one.connections:13.0f}{one.sink_cpu_s:12.2f}"
        lines.append(f"{one.case:24}{one.who:18}{speed}{rest}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
