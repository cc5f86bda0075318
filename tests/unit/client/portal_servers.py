"""Small servers on loopback that answer as told, or do not answer."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import io
import ipaddress
import socket
import ssl
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Seen:
    """One request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Answer:
    """One answer: a reply, or what happens in its place."""

    status: int = 200
    body: bytes | str = b""
    headers: dict[str, str] = field(default_factory=dict)
    #: "reply"; "drop": close without a byte; "reset": RST; "half": less body than announced, then close;
    #: "stall": half the body, then nothing until the server stops
    how: str = "reply"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: Headers and body leave one after the other: no client waits for a delayed acknowledgement.
    disable_nagle_algorithm = True
    server: Any

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        portal: ScriptedPortal = self.server.portal
        seen = Seen(self.command, self.path, dict(self.headers.items()), body, id(self.connection))
        portal.requests.append(seen)
        answer = portal.choose(seen)
        if answer.how in {"drop", "reset"}:
            if answer.how == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.wfile = io.BytesIO()  # type: ignore[assignment]
            self.connection.close()
            return
        payload = answer.body.encode() if isinstance(answer.body, str) else answer.body
        self.send_response_only(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(payload)), **answer.headers}
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if answer.how == "reply":
            self.wfile.write(payload)
            return
        self.wfile.write(payload[: len(payload) // 2])
        self.wfile.flush()
        self.close_connection = True
        if answer.how == "stall":
            portal.stalled.set()
            portal.stopping.wait(30)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        return


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is a part of many tests."""


class _QuietServer6(_QuietServer):
    address_family = socket.AF_INET6


class ScriptedPortal:
    """An HTTP server that gives the answers of its script, then the default one, and remembers requests."""

    def __init__(self, certificate: Certificate | None = None, host: str = "127.0.0.1") -> None:
        self.answers: deque[Answer] = deque()
        self.default = Answer(404, '{"code":"not_found","error":true,"message":"Not found"}')
        self.requests: list[Seen] = []
        self.stalled = threading.Event()
        self.stopping = threading.Event()
        self._server = (_QuietServer6 if ":" in host else _QuietServer)((host, 0), _Handler)
        self._server.portal = self  # type: ignore[attr-defined]
        self._server.daemon_threads = True
        if certificate is not None:
            self._server.socket = certificate.server_context().wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def answer(self, *answers: Answer) -> None:
        """Add to the script."""
        self.answers.extend(answers)

    def choose(self, seen: Seen) -> Answer:
        """Return the answer to a request; runs in the thread of its connection."""
        return self.answers.popleft() if self.answers else self.default

    def close(self) -> None:
        """Stop."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class RawServer:
    """Accepts TCP connections and hands each to ``talk`` in a thread of its own."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self.talk = talk
        self.accepted = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            self.accepted.set()
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.talk(sock)

    def close(self) -> None:
        """Stop."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.close()
        self._thread.join(5)


@dataclass
class Certificate:
    """A self-signed certificate for localhost and 127.0.0.1."""

    path: Path

    @classmethod
    def make(cls, folder: Path) -> Certificate:
        """Make one, valid for a day."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509
            .CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([
                    x509.DNSName("localhost"),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                ]),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        path = folder / "portal.pem"
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + pem)
        return cls(path)

    def server_context(self) -> ssl.SSLContext:
        """A context for servers."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        return context


@dataclass
class FakeClock:
    """Time that passes only when somebody waits."""

    now: float = 1_780_000_000.0
    waits: list[float] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float, stop: Callable[[], bool]) -> None:
        assert not stop()
        self.waits.append(seconds)
        self.now += seconds


def zipped(text: str) -> Answer:
    """A gzip reply."""
    return Answer(200, gzip.compress(text.encode()), {"Content-Encoding": "gzip"})


def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
