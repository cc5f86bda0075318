"""What the benchmarks share: processes whose cost is measured, servers for them, medians and files."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process printed, its CPU (user and system, interpreter and imports included) and its time."""

    said: str
    cpu_s: float
    wall_s: float


def cost_of(who: str, command: Sequence[str], started: Callable[[int], object] = lambda pid: None) -> Cost:
    """Run a client in a process of its own; ``started`` is told its process id."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    started(process.pid)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{who} ended with {process.returncode}")
    return Cost(said, usage.ru_utime + usage.ru_stime, wall)


@contextmanager
def serving(command: Sequence[str]) -> Iterator[int]:
    """Run a sink, which prints its port, until the block ends, when its standard input closes."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        assert process.stdin is not None
        process.stdin.close()


def memory_mib(field: str = "VmHWM", pid: int | str = "self") -> float:
    """Memory of a process: ``VmRSS`` now, ``VmHWM`` at its peak (``getrusage`` adds its parent's)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def middle(values: Iterable[float], digits: int = 3) -> float:
    """Take the median."""
    return round(statistics.median(values), digits)


def fill(path: Path, header: bytes, rows: bytes, size: int) -> None:
    """Write a header and the same rows again and again: so many MiB, less a part of a row."""
    with path.open("wb") as file:
        file.write(header)
        for _ in range((size * MIB - len(header)) // len(rows)):
            file.write(rows)
        rest = rows[: size * MIB - file.tell()]
        file.write(rest[: rest.rfind(b"\n") + 1])
