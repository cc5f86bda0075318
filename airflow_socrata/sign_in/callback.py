"""Receives the browser that the portal sends back, on a loopback address of this machine."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_socrata.client.errors import ConfigurationError, PortalError
from airflow_socrata.client.oauth import AuthorizationFailed, StateDiffers, code_from_callback
from airflow_socrata.client.settings import is_loopback
from airflow_socrata.sign_in.certificate import server_context

if TYPE_CHECKING:
    from types import TracebackType

    from airflow_socrata.client.oauth import OAuthApp

#: Seconds that one browser may take for its request.
_PATIENCE = 10.0
_PAGE = "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1><p>{words}"


class CallbackServer:
    """Listens at the application's redirect URI from entering the context to leaving it.

    Only a request with the right state ends the wait: one that was made up is told so and forgotten.

    :param state: of this sign-in.
    :raises ConfigurationError: the redirect URI is not on this machine, or its port is taken.
    """

    def __init__(self, app: OAuthApp, state: str) -> None:
        place = urlsplit(app.redirect_uri)
        host = place.hostname or ""
        if not is_loopback(host):
            raise ConfigurationError(
                f"{host} is not this machine: paste the address that the browser ends up at (--paste)"
            )
        self._answers: queue.SimpleQueue[str | AuthorizationFailed] = queue.SimpleQueue()
        try:
            self._server = _Server(host, place.port or 443, _handler(app, state, self._answers))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen at {app.redirect_uri}: {error.strerror or error}; choose another port that"
                " the application's callback prefix allows, or --paste"
            ) from None
        self._server.tls = server_context(host)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> CallbackServer:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def code(self, timeout: float) -> str:
        """Return the code that the browser brings.

        :param timeout: seconds to wait.
        :raises AuthorizationFailed: the person said no, or nobody came.
        """
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise AuthorizationFailed(
                f"no browser came back within {timeout:.0f} s",
                summary="sign in",
                advice="press Allow on the portal's page and let the browser proceed to this machine, or use"
                " --paste where the browser runs elsewhere",
            ) from None
        if isinstance(answer, AuthorizationFailed):
            raise answer
        return answer


class _Server(ThreadingHTTPServer):
    """Speaks TLS in the threads of the requests: a connection that says nothing holds up nobody."""

    daemon_threads = True
    block_on_close = False
    tls: Any

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host if ":" in host or host[0].isdigit() else "127.0.0.1", port), handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(_PATIENCE)
        # A browser that does not trust the certificate yet breaks off, and comes again once it is told to.
        with contextlib.suppress(OSError), self.tls.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)


def _handler(
    app: OAuthApp, state: str, answers: queue.SimpleQueue[str | AuthorizationFailed]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                code = code_from_callback(_whole(app, self.path), app, state)
            except StateDiffers:
                self._say(400, "Not this sign-in", "This address belongs to another sign-in. Start again.")
            except AuthorizationFailed as error:
                self._say(200, "Not signed in", f"{error.problem}. You may close this window.")
                answers.put(error)
            except PortalError:
                self._say(404, "Nothing here", "This is not the address that the portal sends you to.")
            else:
                self._say(200, "Allowed", "The command goes on by itself. You may close this window.")
                answers.put(code)

        def _say(self, status: int, title: str, words: str) -> None:
            page = _PAGE.format(title=escape(title), words=escape(words)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *words: Any) -> None:
            """Say nothing: the address holds the code."""

    return Handler


def _whole(app: OAuthApp, target: str) -> str:
    """Return the address that a request line names."""
    place = urlsplit(app.redirect_uri)
    return f"{place.scheme}://{place.netloc}{target}" if target.startswith("/") else target
