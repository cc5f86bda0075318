"""A server in a thread: what the emulators of all vendors have in common."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from airflow_socrata.emulator.connections import Connections

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from airflow_socrata.emulator.faults import Holds


class PortalServer:
    """Serves an ASGI application on a port of this machine.

    A subclass makes its portal, calls ``_listen_for`` with the application, and has ``holds`` and ``_clear``.

    :param host: address to listen on.
    :param port: port, 0 for a free one.
    """

    def __init__(self, host: str, port: int) -> None:
        self._folder: Path | None = None
        self.ca_file: str | None = None
        self._host = host
        self._connections = Connections()
        self._socket = _listen(host, port)
        self.port = int(self._socket.getsockname()[1])
        self._thread: threading.Thread | None = None

    @property
    def holds(self) -> Holds:
        """The requests that tests hold."""
        raise NotImplementedError

    def _clear(self) -> None:
        """Remove what the portal has written."""
        raise NotImplementedError

    def _listen_for(self, application: Any, *, tls: bool) -> None:
        files: dict[str, Any] = {}
        if tls:
            files = self._certificates()
        self._config = uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="off",
            loop="asyncio",
            timeout_graceful_shutdown=2,
            timeout_keep_alive=75,
            ws="none",
            **files,
        )
        self.server = uvicorn.Server(self._config)

    def _certificates(self) -> dict[str, Any]:
        from airflow_socrata.emulator.tls import make_certificates

        self._folder = Path(tempfile.mkdtemp(prefix="portal-emulator-tls-"))
        authority, certificate, key = make_certificates(self._folder, self._host)
        self.ca_file = str(authority)
        return {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}

    @property
    def domain(self) -> str:
        """The host name to reach it by; ``localhost`` with TLS."""
        if self._host in {"0.0.0.0", "::", "127.0.0.1"}:  # noqa: S104 (compared, not bound)
            return "localhost" if self.ca_file else "127.0.0.1"
        return self._host

    @property
    def url(self) -> str:
        """The portal's base address."""
        host = f"[{self.domain}]" if ":" in self.domain else self.domain
        return f"{'https' if self.ca_file else 'http'}://{host}:{self.port}"

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    def start(self) -> None:
        """Serve in a thread; requests may be sent at once."""
        self._thread = threading.Thread(target=self.run, name="portal-emulator", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Serve in this thread until told to stop."""
        self._config.load()
        self._config.http_protocol_class = self._connections.tracked(self._config.http_protocol_class)
        self.server.run(sockets=[self._socket])

    def wait(self) -> None:
        """Return when the server has stopped; signals are taken meanwhile."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=0.5)

    def stop(self) -> None:
        """Stop serving and remove all that was written."""
        self.holds.release_all()
        self.server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)
        self.close()

    def close(self) -> None:
        """Remove all that was written."""
        self._socket.close()
        self._clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on and every reply of two parts waits 40 ms.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    made.listen(128)
    return made
