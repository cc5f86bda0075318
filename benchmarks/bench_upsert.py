"""What an upsert of 500,000 rows costs the machine that sends it, beside sodapy and curl.

    python benchmarks/bench_upsert.py [--rows 500000] [--runs 5] [--large 5000000]

A sink on loopback, in a process of its own, reads and discards the bodies. Each client is a process of its
own; CPU is user and system time of that whole process, interpreter and imports included; memory is its peak
over having imported the client; bytes are those of the bodies. Writes ``latest.json`` with the medians.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from data import write_csv
from measuring import cost_of, memory_mib, middle, serving

HERE = Path(__file__).parent
SINK = [sys.executable, str(HERE / "sink.py")]
OURS = ("us", "us, row guards off", "us, base install")
TARGETS = """\
Targets, with the extra fast: a third of sodapy's CPU, a seventh with the row guards off; an eighth of its
bytes; a peak of 64 MiB over importing the client, at 5,000,000 rows too."""


@dataclass(frozen=True)
class Measure:
    case: str
    who: str
    cpu_s: float
    wall_s: float
    peak_mib: float
    sent_bytes: int


def main() -> None:
    options = _options()
    medians: list[Measure] = []
    with tempfile.TemporaryDirectory(prefix="bench-upsert-") as folder, serving(SINK) as port:
        path = Path(folder, "requests.csv")
        write_csv(path, options.rows)
        print(f"{options.rows:,} rows, {path.stat().st_size / 1e6:.0f} MB, {options.runs} runs")
        case = f"upsert of {options.rows:,} rows"
        clients = [*OURS, "sodapy", *(["curl"] if shutil.which("curl") and shutil.which("gzip") else [])]
        # In turns, so that a disturbance of the machine meets all of them.
        rounds = [
            [measured(case, who, path, port, options.rows) for who in clients] for _ in range(options.runs)
        ]
        medians += [median([runs[index] for runs in rounds]) for index in range(len(clients))]
        if options.large:
            path.unlink()
            write_csv(path, options.large)
            case = f"upsert of {options.large:,} rows"
            medians.append(measured(case, "us", path, port, options.large))
    print(table(medians))
    print(TARGETS)
    (HERE / "latest.json").write_text(json.dumps([asdict(one) for one in medians], indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--large", type=int, default=5_000_000, help="rows of the memory case; 0: leave it out"
    )
    return parser.parse_args()


def received(port: int) -> int:
    """Ask the sink how many bytes of bodies it has read since the last time."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")
    answer: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return answer["received"]


def measured(case: str, who: str, path: Path, port: int, rows: int) -> Measure:
    """Run one client."""
    received(port)
    if who == "curl":
        packed = path.with_suffix(".csv.gz")
        send = "curl -sS -f -X POST -H Expect: -H Content-Encoding:gzip"
        script = f'gzip -1 -c "$1" > "$2" && exec {send} -T "$2" "$3"'
        url = f"http://127.0.0.1:{port}/resource/abcd-1234.json"
        command = ["sh", "-c", script, "sh", str(path), str(packed), url]
    else:
        command = [sys.executable, str(HERE / "upload.py"), who, str(path), str(port), str(rows)]
    watch = _PeakWatch()
    cost = cost_of(who, command, watch.begin)
    peak = watch.stop() if who == "curl" else json.loads(cost.said)["peak_mib"]
    return Measure(case, who, cost.cpu_s, cost.wall_s, peak, received(port))


class _PeakWatch:
    """Looks at the peak memory of a process that cannot tell it itself."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._peak = 0.0

    def begin(self, pid: int) -> None:
        """Look until :meth:`stop`, or until the process is gone."""
        self._thread = threading.Thread(target=self._look, args=(pid,))
        self._thread.start()

    def stop(self) -> float:
        """Return the peak, MiB."""
        self._stopped.set()
        self._thread.join()
        return self._peak

    def _look(self, pid: int) -> None:
        with suppress(OSError, LookupError):  # gone, or ended and not yet waited for
            while not self._stopped.wait(0.005):
                self._peak = memory_mib(pid=pid)


def median(runs: list[Measure]) -> Measure:
    """Take the median of each figure."""
    return Measure(
        runs[0].case,
        runs[0].who,
        middle(run.cpu_s for run in runs),
        middle(run.wall_s for run in runs),
        middle((run.peak_mib for run in runs), 1),
        int(middle(run.sent_bytes for run in runs)),
    )


def table(measures: list[Measure]) -> str:
    """Lay the figures out, those of sodapy being the measure of CPU and bytes."""
    base = next(one for one in measures if one.who == "sodapy")
    titles = ("case", "who", "CPU s", "of sodapy", "wall s", "peak MiB", "MB sent", "of sodapy")
    lines = ["{:27}{:20}{:>8}{:>11}{:>8}{:>10}{:>9}{:>11}".format(*titles)]
    for one in measures:
        same = one.case == base.case
        cpu = f"1/{base.cpu_s / one.cpu_s:.1f}" if same else ""
        sent = f"1/{base.sent_bytes / one.sent_bytes:.1f}" if same else ""
        speed = f"{one.cpu_s:8.2f}{cpu:>11}{one.wall_s:8.2f}"
        size = f"{one.peak_mib:10.1f}{one.sent_bytes / 1e6:9.1f}{sent:>11}"
        lines.append(f"{one.case:27}{one.who:20}{speed}{size}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
