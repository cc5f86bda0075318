"""Orders to an emulator over HTTP: what the portals of all vendors take."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any


class Orders:
    """Gives orders to the emulator at ``url``.

    :param url: base address of the emulator.
    :param ca_file: its authority's certificate, when it serves HTTPS.
    """

    def __init__(self, url: str, ca_file: str | None = None) -> None:
        self.url = url.rstrip("/")
        # An emulator is on this machine: no proxy in between, whatever the environment says.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if ca_file is not None:
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)))
        self._opener = urllib.request.build_opener(*handlers)

    def order(self, name: str, timeout: float = 60.0, /, **order: Any) -> Any:
        """Give one order and return its answer.

        :raises ValueError: the emulator refused it; the message says why.
        """
        request = urllib.request.Request(  # noqa: S310 (our own address)
            f"{self.url}/_emulator/{name}",
            json.dumps(order).encode(),
            {"Content-Type": "application/json"},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=timeout) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(json.load(error)["error"]) from None

    def info(self) -> dict[str, Any]:
        """Return the accounts, the switches, the portal's time and the CPU seconds used so far."""
        return dict(self.order("info"))

    def reset(self) -> None:
        """Make it a fresh portal: no datasets, no faults, real time, the switches of the start."""
        self.order("reset")

    def add_fault(
        self,
        kind: str,
        method: str | None = None,
        path: str = "",
        times: int | None = 1,
        skip: int = 0,
        every: int = 1,
        **args: Any,
    ) -> dict[str, Any]:
        """Add a fault rule and return it; the docs list the kinds with their arguments.

        :param path: regular expression searched for in the path.
        :param times: how many requests are hit (None: all); ``skip``: how many go through first; ``every``:
            only each so-manieth.
        """
        return dict(
            self.order(
                "add_fault",
                kind=kind,
                method=method,
                path=path,
                times=times,
                skip=skip,
                every=every,
                args=args,
            )
        )

    def hold(self, method: str | None = None, path: str = "", point: str = "before", **more: Any) -> str:
        """Hold matching requests at a point; return the hold's id."""
        return str(self.add_fault("hold", method, path, point=point, **more)["args"]["hold_id"])

    def wait_held(self, hold_id: str, timeout: float = 30.0) -> None:
        """Return once a request is held.

        :raises TimeoutError: none came within ``timeout`` seconds.
        """
        if not self.order("wait_held", timeout + 10, hold_id=hold_id, timeout=timeout)["held"]:
            raise TimeoutError(f"no request was held by {hold_id} within {timeout} s")

    def release(self, hold_id: str) -> None:
        """Let held requests go, and those to come."""
        self.order("release", hold_id=hold_id)

    def faults(self) -> list[dict[str, Any]]:
        """Return the fault rules with how many requests they matched and hit."""
        return list(self.order("faults"))

    def clear_faults(self) -> None:
        """Forget all fault rules."""
        self.order("clear_faults")

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the log of requests since number ``after``, without secrets."""
        return list(self.order("requests", after=after))

    def advance(self, seconds: float) -> float:
        """Turn the portal's clock forward; return the portal's time."""
        return float(self.order("advance", seconds=seconds)["time"])

    def settings(self, **switches: Any) -> dict[str, Any]:
        """Change switches; return all."""
        return dict(self.order("switches", **switches))
