"""The sockets of the blocking session: made here so that they can be shut from a signal handler.

A blocked ``recv`` in Python starts again after a signal (PEP 475), and closing a requests session does not
wake it. Shutting the socket down does, plain or under TLS, while connecting, writing or reading.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from airflow_socrata.client.exchange import RawReply
from airflow_socrata.client.failures import Loss
from airflow_socrata.client.proxies import check_ca_bundle, proxy_for

if TYPE_CHECKING:
    from airflow_socrata.client.messages import ReplySink
    from airflow_socrata.client.settings import PortalSettings
    from airflow_socrata.client.wire import Outgoing

_SLICE_SECONDS = 0.2
_BLOCK_BYTES = 256 * 2**10
#: An upsert answers when it is done, perhaps after an hour: keep the line open through firewalls.
_KEEP_ALIVE = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] + [
    (socket.IPPROTO_TCP, getattr(socket, name), 60)
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL")
    if hasattr(socket, name)
]


class Watch:
    """The open sockets of one session, and what the sending under way has reached.

    One thread sends at a time. :meth:`stop` takes no lock: it may run in a signal handler of that thread.

    :param io_timeout: seconds that one read, or one write of a whole body, may take.
    """

    def __init__(self, io_timeout: float) -> None:
        self.io_timeout = io_timeout
        self.stopped = False
        self.sent = False
        self.secret_query = ""
        self._sockets: list[socket.socket] = []

    def add(self, sock: socket.socket) -> None:
        """Watch ``sock``; it is shut at once if the session was stopped."""
        self._sockets = [known for known in self._sockets if known.fileno() != -1]
        self._sockets.append(sock)
        if self.stopped:
            self.stop()

    def check(self) -> None:
        """Raise InterruptedError if the session was stopped."""
        if self.stopped:
            raise InterruptedError("stopped")

    def stop(self) -> None:
        """Shut every socket down; whoever is blocked in one comes back with an error."""
        self.stopped = True
        for sock in list(self._sockets):
            try:
                # not SSLSocket.shutdown, which also takes the TLS layer away from under the reader
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                continue  # not connected yet, or closed already


class _WatchedConnection(HTTPConnection):
    """Makes its own socket, so that it is watched from before the connect."""

    watch: Watch

    def _new_conn(self) -> socket.socket:
        timeout = self.timeout if isinstance(self.timeout, (int, float)) else 60.0
        try:
            return self._connected_socket(timeout)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connect timed out") from error
        except OSError as error:
            raise NewConnectionError(self, "connect failed") from error

    def _connected_socket(self, timeout: float) -> socket.socket:
        last: OSError = OSError("the host name has no address")
        for family, kind, protocol, _, address in _resolve(self._dns_host, self.port, timeout, self.watch):
            self.watch.check()
            sock = socket.socket(family, kind, protocol)
            # A TLS wrapper takes the descriptor over before its handshake: a duplicate is watched until then.
            handle = sock.dup()
            try:
                for option in [*(self.socket_options or []), *_KEEP_ALIVE]:
                    sock.setsockopt(*option)
                sock.settimeout(timeout)
                self.watch.add(handle)
                sock.connect(address)
            except OSError as error:
                handle.close()
                sock.close()
                last = error
            except BaseException:
                handle.close()
                sock.close()
                raise
            else:
                self._handle = handle
                return sock
        self.watch.check()
        raise last

    _handle: socket.socket | None = None

    def connect(self) -> None:
        try:
            super().connect()
            # Between connect and the first byte nothing can fail: from here on the request counts as sent.
            self.watch.sent = True
            inner = getattr(self.sock, "socket", self.sock)  # TLS inside TLS wraps the real one
            inner.settimeout(self.watch.io_timeout)
            self.watch.add(inner)
        finally:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            self.watch.sent = True
            # urllib3 writes the body under the connect time-out, which is for the whole body: too short
            self.sock.settimeout(self.watch.io_timeout)
        if self.watch.secret_query:
            # added here, below all that logs addresses or shows them in errors
            url += ("&" if "?" in url else "?") + self.watch.secret_query
        super().putrequest(method, url, *args, **kwargs)


class _QuietHTTPSConnectionPool(HTTPSConnectionPool):
    """Checks no certificate and does not warn about it at each request: the session says so once."""

    def _validate_conn(self, conn: Any) -> None:
        if conn.sock is None:
            conn.connect()


def _pool_classes(watch: Watch, verify: bool | str) -> dict[str, type[HTTPConnectionPool]]:
    plain = type("_Plain", (_WatchedConnection,), {"watch": watch})
    secure = type("_Secure", (_WatchedConnection, HTTPSConnection), {"watch": watch})
    base = HTTPSConnectionPool if verify else _QuietHTTPSConnectionPool
    return {
        "http": type("_PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("_SecurePool", (base,), {"ConnectionCls": secure}),
    }


class _Adapter(HTTPAdapter):
    def __init__(self, watch: Watch, verify: bool | str) -> None:
        self._classes = _pool_classes(watch, verify)
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._classes

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._classes
        return manager


class Transport:
    """Sends one request at a time through requests' adapter.

    The adapter alone: no cookies, no redirects, no ``.netrc``, no retries, no environment.

    :raises ConfigurationError: if the CA bundle or the proxy cannot be used.
    """

    def __init__(self, settings: PortalSettings) -> None:
        self._settings = settings
        check_ca_bundle(settings.verify)
        self._proxy = proxy_for(settings)
        self.watch = Watch(settings.read_timeout)
        self._adapter = _Adapter(self.watch, settings.verify)

    def send(self, request: Outgoing) -> RawReply | Loss:
        """Send ``request`` and read the whole reply, or tell why there is none."""
        self.watch.sent = False
        self.watch.secret_query = request.secret_query
        prepared = requests.Request(
            request.method, request.url, headers=dict(request.headers), data=request.body
        ).prepare()
        try:
            response = self._adapter.send(
                prepared,
                stream=True,
                timeout=(self._settings.connect_timeout, self._settings.read_timeout),
                verify=self._settings.verify,
                proxies={self._settings.scheme: self._proxy} if self._proxy else {},
            )
            try:
                body = _body(response, request.into)
                if _is_cut_short(response):
                    return Loss(sent=True, cause="network", words="the reply was cut short")
                return RawReply(response.status_code, list(response.headers.items()), body)
            finally:
                response.close()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return Loss.of(error, sent=self.watch.sent)

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()


def _body(response: requests.Response, into: ReplySink | None) -> bytes:
    if into is None or not 200 <= response.status_code < 300:
        return response.content
    into.begin()
    for block in response.iter_content(_BLOCK_BYTES):
        into.write(block)
    return b""


def _is_cut_short(response: requests.Response) -> bool:
    """Tell whether fewer bytes came than were announced; urllib3 1 does not look."""
    announced = response.headers.get("Content-Length", "")
    return announced.isdigit() and response.raw.tell() < int(announced)


_Address = tuple[Any, Any, int, str, Any]


def _resolve(host: str, port: int, timeout: float, watch: Watch) -> list[_Address]:
    """Resolve ``host`` in a thread of its own: the resolver cannot be interrupted."""
    answer: queue.SimpleQueue[list[_Address] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.put(error if isinstance(error, OSError) else OSError(f"not a host name: {host!r}"))

    threading.Thread(target=ask, name="socrata-resolve", daemon=True).start()
    end = time.monotonic() + timeout
    while True:
        watch.check()
        try:
            found = answer.get(timeout=max(0.0, min(_SLICE_SECONDS, end - time.monotonic())))
        except queue.Empty:
            if time.monotonic() >= end:
                raise TimeoutError("resolving the host name timed out") from None
            continue
        if isinstance(found, OSError):
            raise found
        return found
