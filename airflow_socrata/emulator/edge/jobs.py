"""Copies and publications that take a while: the 202 contract in its four forms."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.errors import PortalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.clock import PortalClock
    from airflow_socrata.emulator.store.model import View

COPY = "copy"
PUBLISH = "publish"
FORMS = ("ticket", "details", "status", "location")


@dataclass(slots=True)
class Job:
    """One copy or publication under way. ``view_id`` is the view that the call named."""

    kind: str
    view_id: str
    group: int
    path: str
    work: Callable[[], View]
    form: str = "ticket"
    calls: int | None = 1
    until: float | None = None
    retry_after: int | None = None
    failure: PortalError | None = None
    waits_for_approval: bool = False
    ticket: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = 0.0
    polls: int = 0
    result: View | None = None
    error: PortalError | None = None
    was_told: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_done(self) -> bool:
        """Whether it ended, well or not."""
        return self.result is not None or self.error is not None

    def accepted(self, request_id: str) -> tuple[dict[str, Any], dict[str, str]]:
        """Return body and headers of the 202."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.form == "status":
            return {
                "createdAt": int(self.started),
                "requestId": request_id,
                "status": "queued" if self.polls <= 1 else "processing",
                "uid": self.view_id,
            }, headers
        if self.form == "location":
            headers["Location"] = f"{self.path}?ticket={self.ticket}"
            headers.setdefault("Retry-After", "1")
            return {}, headers
        body: dict[str, Any] = {"code": "accepted", "error": False, "ticket": self.ticket}
        if self.form == "details":
            body["details"] = {"status": "Processing", "progress": 1000 * self.polls, "stage": self.kind}
        return body, headers


class Jobs:
    """The jobs of the portal: one of a kind per dataset."""

    def __init__(self, clock: PortalClock) -> None:
        self._clock = clock
        self._jobs: list[Job] = []
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all jobs."""
        with self._lock:
            self._jobs.clear()

    def add(self, job: Job) -> Job:
        """Note a job that begins now."""
        job.started = self._clock.now()
        with self._lock:
            self._jobs.append(job)
        return job

    def find(self, kind: str, view_id: str) -> Job | None:
        """Return the job that a repeated call joins."""
        return next(
            (j for j in list(self._jobs) if j.kind == kind and j.view_id == view_id and not j.was_told), None
        )

    def by_ticket(self, ticket: str) -> Job | None:
        """Return the job with this ticket."""
        return next((job for job in list(self._jobs) if job.ticket == ticket), None)

    def of(self, group: int) -> list[Job]:
        """Return the jobs of a dataset that have not ended."""
        return [job for job in list(self._jobs) if job.group == group and not job.is_done]

    def all(self) -> list[Job]:
        """Return all jobs that have not ended."""
        return [job for job in list(self._jobs) if not job.is_done]

    def forget(self, job: Job) -> None:
        """Drop a job whose end was told."""
        with self._lock:
            if job in self._jobs:
                self._jobs.remove(job)

    def poll(self, job: Job) -> None:
        """Count a call on a job and do its work if its time has come."""
        job.polls += 1
        if job.waits_for_approval:
            return
        enough = job.calls is not None and job.polls > job.calls
        if enough or (job.until is not None and self._clock.now() >= job.until):
            self.finish(job)

    def tick(self) -> None:
        """Do the work of jobs whose time has come."""
        for job in self.all():
            if job.until is not None and self._clock.now() >= job.until and not job.waits_for_approval:
                self.finish(job)

    def finish(self, job: Job) -> None:
        """Do a job's work now, once."""
        with job.lock:
            if job.is_done:
                return
            if job.failure is not None:
                job.error = job.failure
                return
            try:
                job.result = job.work()
            except PortalError as error:
                job.error = error
