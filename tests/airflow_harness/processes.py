"""Processes of a test's own Airflow: started together, found again, and all of them stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import uuid
from typing import IO, TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_MARK = "AIRFLOW_SOCRATA_TEST_CLUSTER"


def free_port() -> int:
    """A TCP port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(what: str, ready: Callable[[], bool], timeout: float, pause: float = 0.2) -> None:
    """Ask ``ready`` again and again; raises ``TimeoutError`` naming ``what`` after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(pause)


class ProcessGroup:
    """Programs that are started each in a session of its own, with one mark in their environment.

    A process belongs to the group by its session or by the mark: killing a supervisor leaves its task without
    a parent, a child may open a session of its own, and a process that sets its title overwrites its mark.

    :param env: their whole environment.
    :param logs: directory for one ``<name>.out`` per program.
    """

    def __init__(self, env: Mapping[str, str], logs: Path) -> None:
        self._mark = uuid.uuid4().hex
        self._env = {**env, _MARK: self._mark}
        self._logs = logs
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._sessions: set[int] = set()
        self._files: list[IO[bytes]] = []
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a program; its output goes to the file :meth:`output` reads."""
        file = (self._logs / f"{name}.out").open("ab")
        self._files.append(file)
        process = subprocess.Popen(
            list(command),
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._started[name] = process
        self._sessions.add(process.pid)

    def run(self, name: str, command: Sequence[str], timeout: float = 120) -> None:
        """Run a program to its end; raises ``RuntimeError`` with its output when it fails."""
        self.start(name, command)
        if self._started.pop(name).wait(timeout) != 0:
            raise RuntimeError(f"{name} failed:\n{self.output(name)}")

    def check(self) -> None:
        """Raise ``RuntimeError`` with its output when one of the programs has ended."""
        for name, process in self._started.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{self.output(name)}")

    def pid(self, name: str) -> int:
        """Process id of a program."""
        return self._started[name].pid

    def forget(self, name: str) -> None:
        """Stop watching a program, because a test killed it; :meth:`start` may start it again."""
        self._started.pop(name).wait(30)

    def output(self, name: str, last: int = 6000) -> str:
        """The end of what a program printed."""
        path = self._logs / f"{name}.out"
        return path.read_text(errors="replace")[-last:] if path.exists() else ""

    def members(self) -> list[psutil.Process]:
        """Every living process of the group, whoever its parent is."""
        return [process for process in psutil.process_iter() if self._is_member(process)]

    def _is_member(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return os.getsid(process.pid) in self._sessions or process.environ().get(_MARK) == self._mark
        except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError, PermissionError):
            return False

    def stop(self, grace: float = 5) -> None:
        """End all of them: SIGTERM first, SIGKILL after ``grace`` seconds."""
        for process in self._started.values():
            _signal(process.pid, signal.SIGTERM)
        psutil.wait_procs(
            [process for process in self.members() if process.pid != os.getpid()], timeout=grace
        )
        for _ in range(10):
            left = self.members()
            if not left:
                break
            for process in left:
                _signal(process.pid, signal.SIGKILL)
            psutil.wait_procs(left, timeout=5)
        for process in self._started.values():
            process.wait(10)
        self._started.clear()
        for file in self._files:
            file.close()
        if left := self.members():
            raise RuntimeError(f"processes that would not end: {left}")


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
