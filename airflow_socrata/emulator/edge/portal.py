"""The portal as a whole, and one exchange with it."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.clock import PortalClock
from airflow_socrata.emulator.dsmapi.desk import Desk
from airflow_socrata.emulator.edge.accounts import User, require, rights_on
from airflow_socrata.emulator.edge.jobs import Jobs
from airflow_socrata.emulator.edge.metadata_rules import MetadataRules
from airflow_socrata.emulator.edge.throttling import Throttle
from airflow_socrata.emulator.errors import dataset_missing, login_needed, permission_denied, view_missing
from airflow_socrata.emulator.faults import Fault, Faults, Holds
from airflow_socrata.emulator.imports.keeping import Kept
from airflow_socrata.emulator.settings import Switches
from airflow_socrata.emulator.sign_in.desk import SignInDesk
from airflow_socrata.emulator.store.portal_store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.emulator.edge.archives import Version
    from airflow_socrata.emulator.store.model import View

_SUFFIXES = (".json", ".csv", ".txt", ".xml", ".geojson", ".tsv", ".rdf")


@dataclass(slots=True)
class Reply:
    """A reply before the edge puts its own headers on."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        """Return a JSON reply."""
        return cls(status, json.dumps(value, ensure_ascii=False).encode(), headers=headers)


@dataclass(slots=True)
class Exchange:
    """One request and what is known about it."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    faults: list[Fault] = field(default_factory=list)
    user: User | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    secure: bool = False
    cookies: list[str] = field(default_factory=list)

    def first(self, name: str) -> str | None:
        """Return the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def all(self, name: str) -> list[str]:
        """Return all values of a query parameter."""
        return [value for key, value in self.query if key == name]

    def fault(self, *kinds: str) -> Fault | None:
        """Return the first fault of these kinds that hits this request."""
        return next((fault for fault in self.faults if fault.kind in kinds), None)

    def part(self, name: str = "view_id") -> tuple[str, str]:
        """Return a path segment without its suffix, and the suffix (``json`` when there is none)."""
        text = self.parts[name]
        for suffix in _SUFFIXES:
            if text.endswith(suffix):
                return text[: -len(suffix)], suffix[1:]
        return text, "json"

    def json(self) -> Any:
        """Return the body's JSON, None for an empty body or one that is no JSON."""
        try:
            return json.loads(self.body) if self.body.strip() else None
        except ValueError:
            return None


class Portal:
    """Everything that one emulated portal holds."""

    def __init__(self, switches: Switches | None = None, seed: int | None = None) -> None:
        self.initial = switches or Switches()
        self.switches = self.initial
        self.clock = PortalClock()
        self.store = Store(self.clock, seed)
        self.faults = Faults()
        self.holds = Holds()
        self.throttle = Throttle()
        self.jobs = Jobs(self.clock)
        self.desk = Desk()
        self.kept = Kept()
        self.sign_ins = SignInDesk()
        self.rights: dict[tuple[str, str], tuple[str, ...]] = {}
        # Versions of datasets that are enrolled in archiving, by publication group and number.
        self.archives: dict[int, dict[int, Version]] = {}
        self.files: dict[str, tuple[bytes, str, str]] = {}
        self.metadata_rules = MetadataRules()
        self.log: deque[dict[str, Any]] = deque(maxlen=20_000)
        self.sequence = 0
        # Changes of views (not rows) happen one at a time.
        self.books = threading.RLock()

    def reset(self) -> None:
        """Become a fresh portal: no datasets, faults, log; real time; the switches of the start."""
        self.faults.clear()
        self.holds.reset()
        self.throttle.clear()
        self.desk.clear()
        self.kept.clear()
        self.store.clear()
        self.jobs.clear()
        self.rights.clear()
        self.archives.clear()
        self.files.clear()
        self.metadata_rules = MetadataRules()
        self.log.clear()
        self.clock.reset()
        self.sign_ins.clear(self.clock.now())
        self.switches = self.initial

    def rights_of(self, view: View, user: User | None) -> tuple[str, ...]:
        """Return what a caller may do with a view."""
        return rights_on(view, user, self.rights)

    def view(self, view_id: str, user: User | None, right: str = "read") -> View:
        """Return a view that the caller has a right on.

        :raises PortalError: 404 when there is none, 403 without the right.
        """
        view = self.store.find(view_id)
        if view is None:
            raise view_missing(view_id)
        require(self.rights_of(view, user), right, user, view, self.switches)
        return view

    def rows_view(self, view_id: str, user: User | None, right: str = "read") -> View:
        """Return a view, by 4x4 or resource name, for a row call.

        :raises PortalError: 404 when there is none, 403 without the right.
        """
        view = self.store.find(view_id)
        if view is None:
            named = (v for v in self.store.views() if v.fields.get("resourceName") == view_id)
            view = next(named, None)
        if view is None:
            raise dataset_missing(view_id)
        require(self.rights_of(view, user), right, user, view, self.switches)
        return view

    def publisher(self, exchange: Exchange) -> User:
        """Return the caller, who must be a publisher.

        :raises PortalError: 403 for anybody else.
        """
        if exchange.user is None:
            raise login_needed()
        if not exchange.user.publisher:
            raise permission_denied()
        return exchange.user
