"""The REST API of a running Airflow 3, as far as the tests of this package need it."""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping


class RestError(Exception):
    """Airflow answered with an error."""


class Rest:
    """Calls one Airflow; signs in by itself (every visitor is an administrator there).

    :param url: address of the API server, ``http://127.0.0.1:8080``.
    """

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self._signed_in = False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def health(self) -> dict[str, str | None] | None:
        """Component name to ``healthy``/``unhealthy``/``None``; ``None`` while the server does not answer."""
        try:
            reply = self._client.get("/api/v2/monitor/health", timeout=5)
        except httpx.TransportError:
            return None
        if reply.status_code != 200:
            return None
        return {name: part["status"] for name, part in reply.json().items()}

    def call(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Call ``/api/v2`` + ``path``; raises :class:`RestError` for anything but a 2xx."""
        if not self._signed_in:
            self._sign_in()
        # With sqlite Airflow answers 500 to who comes second; a read or a mark may be asked for again.
        for _ in range(5 if method in {"GET", "PATCH"} else 1):
            reply = self._client.request(method, f"/api/v2{path}", json=body, params=dict(params or {}))
            if reply.status_code != 500:
                break
        if not reply.is_success:
            raise RestError(f"{method} {path}: HTTP {reply.status_code}: {reply.text[:500]}")
        return reply.json() if reply.content else {}

    def find(self, path: str) -> dict[str, Any] | None:
        """GET, with ``None`` for a 404."""
        try:
            return self.call("GET", path)
        except RestError as error:
            if "HTTP 404" in str(error):
                return None
            raise

    def _sign_in(self) -> None:
        reply = self._client.get("/auth/token")
        if not reply.is_success:
            raise RestError(f"sign-in: HTTP {reply.status_code}: {reply.text[:500]}")
        self._client.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"
        self._signed_in = True


def quoted(part: str) -> str:
    """One segment of a path."""
    return urllib.parse.quote(part, safe="")
