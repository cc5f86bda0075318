"""The connections under the requests, so that a fault can break one."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Receive, Scope


class Line:
    """One connection."""

    def __init__(self, transport: asyncio.Transport | None) -> None:
        self._transport = transport

    def close(self) -> None:
        """End the connection in order; what was not sent is lost."""
        if self._transport is not None:
            self._transport.abort()

    def reset(self) -> None:
        """Break the connection: the peer gets a reset."""
        if self._transport is None:
            return
        plain = self._transport.get_extra_info("socket")
        if plain is not None:
            # Closing with lingering switched on and no time to linger sends a reset instead of an end.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    async def gone(self, receive: Receive) -> None:
        """Wait until the server has noticed that the connection is gone, so that it writes nothing more."""
        while (await receive())["type"] != "http.disconnect":
            pass


class Connections:
    """The open connections of a server, by the peer's address."""

    def __init__(self) -> None:
        self._open: dict[Any, asyncio.Transport] = {}

    def of(self, scope: Scope) -> Line:
        """Return the connection of a request."""
        client = scope.get("client")
        return Line(self._open.get(tuple(client)) if client else None)

    def tracked(self, protocol: Any) -> Any:
        """Return the server's protocol class with its connections noted here."""
        noted = self._open

        class Tracked(protocol):  # type: ignore[misc]
            def connection_made(self, transport: asyncio.Transport) -> None:
                peer = transport.get_extra_info("peername")
                # The address is kept: a transport that is closed may have forgotten it.
                self.emulator_peer = tuple(peer[:2]) if peer else None
                noted[self.emulator_peer] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                if noted.get(self.emulator_peer) is self.transport:
                    del noted[self.emulator_peer]
                super().connection_lost(exc)

            def shutdown(self) -> None:
                # An idle client need not agree that the server stops: a farewell over TLS would wait for it.
                if self.cycle is None or self.cycle.response_complete:
                    self.transport.abort()
                else:
                    super().shutdown()

        return Tracked
