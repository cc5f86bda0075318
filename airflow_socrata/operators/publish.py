"""Operators that publish a working copy and check what the public sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_socrata.links.socrata import SocrataDatasetLink, SocrataWorkingCopyLink
from airflow_socrata.operators.base import (
    SocrataOperator,
    default_deferrable,
    failing_for_good,
    handles_of,
    one_of,
    revision_handles_of,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.client import Accepted
    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.publishing import Published
    from airflow_socrata.publication.revisions.handle import RevisionHandle


class SocrataPublishOperator(SocrataOperator):
    """Publish a working copy, once in effect however often it is tried.

    Refuses a working copy other than the one that was loaded, one that holds other rows than were loaded, and
    one without rows.

    :param working_copy: the handle that the load returned, or a list of them. (templated)
    :param allow_empty: publish a working copy without rows.
    :param allow_older_run: publish although a newer run of this DAG has published already.
    :param on_approval: where a steward must approve: ``wait`` until the time-out, ``submit`` (succeed as
        submitted; the sensor waits for the decision) or ``fail``.
    :param timeout: seconds for geocoding and replicas, and for the publish job, each.
    :param deferrable: wait in the triggerer.
    :return: the handle with the outcome, the rows and the publication date (epoch seconds).
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "working_copy")
    operator_extra_links = (SocrataDatasetLink(), SocrataWorkingCopyLink())
    ui_color = "#d9f0dd"

    def __init__(
        self,
        *,
        working_copy: Any,
        allow_empty: bool = False,
        allow_older_run: bool = False,
        on_approval: str = "wait",
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.working_copy = working_copy
        self.allow_empty = allow_empty
        self.allow_older_run = allow_older_run
        self.on_approval = one_of("on_approval", on_approval, ("wait", "submit", "fail"))
        self.deferrable = default_deferrable() if deferrable is None else deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Check, publish and wait."""
        from airflow_socrata.publication import publishing
        from airflow_socrata.triggers.socrata import READY

        with failing_for_good():
            handles = handles_of(self.working_copy)
            handle = publishing.loaded_handle(handles)
        self.push_links(context, handle.links)
        with self.publisher(context) as publisher:
            if self.deferrable and not self._is_ready(publisher, handle):
                self._defer(READY, handle, "execute_ready")
        return self._publish(context, handles)

    def execute_ready(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Publish, now that geocoding and replicas have caught up."""
        from airflow_socrata.triggers.base import WaitEvent

        with failing_for_good():
            WaitEvent.checked(event)
            handles = handles_of(self.working_copy)
        return self._publish(context, handles)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Prove what the portal has done meanwhile."""
        from airflow_socrata.publication import publishing
        from airflow_socrata.publication.errors import PublishFailed
        from airflow_socrata.triggers.base import WaitEvent

        with self.publisher(context) as publisher:
            handle = publishing.loaded_handle(handles_of(self.working_copy))
            try:
                WaitEvent.checked(event)
            except PublishFailed:
                publishing.refused(publisher, publishing.check_handle(publisher, handle))
                raise
            return self._end(publishing.resume(publisher, handle, self.poll_interval, await_approval=False))

    def _is_ready(self, publisher: Publisher, handle: Handle) -> bool:
        from airflow_socrata.publication import publishing, waits
        from airflow_socrata.publication.errors import PublicationError
        from airflow_socrata.publication.operation import Phase

        if publishing.check_handle(publisher, handle).phase is not Phase.OPENED:
            return True  # publish was sent by an earlier try: what became of it comes first
        try:
            publisher.wait(waits.ready(handle.working_copy, publisher.patience(self.poll_interval / 5)))
        except PublicationError:
            return False
        return True

    def _publish(self, context: Context, handles: list[Handle]) -> dict[str, Any]:
        from airflow_socrata.client import Accepted
        from airflow_socrata.publication import publishing
        from airflow_socrata.publication.proof import Outcome
        from airflow_socrata.publication.publishing import Published, Publishing
        from airflow_socrata.triggers.socrata import PUBLISH_DONE

        settings = Publishing(self.timeout, self.allow_empty, self.allow_older_run)
        handle = publishing.loaded_handle(handles)
        with self.publisher(context) as publisher:
            answer = publishing.start(publisher, handles, settings)
            if isinstance(answer, Published) and answer.outcome is Outcome.PUBLISHED:
                return self._end(answer)
            if self.on_approval != "wait" and isinstance(answer, Published):
                return self._end(answer)
            if not self.deferrable:
                return self._end(self._follow(publisher, handle, answer))
        accepted = answer if isinstance(answer, Accepted) else Accepted()
        self._defer(PUBLISH_DONE, handle, "execute_complete", accepted=asdict(accepted))
        raise AssertionError("unreachable: defer() raises")

    def _follow(self, publisher: Publisher, handle: Handle, answer: Published | Accepted) -> Published:
        from airflow_socrata.client import Accepted
        from airflow_socrata.publication import publishing

        if isinstance(answer, Accepted):
            publishing.follow(
                publisher, handle, answer, self.timeout, await_approval=self.on_approval == "wait"
            )
        return publishing.resume(publisher, handle, self.timeout, await_approval=self.on_approval == "wait")

    def _end(self, published: Published) -> dict[str, Any]:
        from airflow_socrata.publication.errors import PublicationError
        from airflow_socrata.publication.proof import Outcome

        if published.outcome is Outcome.AWAITS_APPROVAL and self.on_approval != "submit":
            with failing_for_good():
                raise PublicationError(
                    f"Working copy {published.handle.working_copy} of {published.handle.dataset} waits for a"
                    " steward's approval and is not public. Pass on_approval='submit' or 'wait'."
                )
        return published.to_xcom()

    def _defer(
        self, wait: str, handle: Handle, method_name: str, accepted: Mapping[str, Any] | None = None
    ) -> None:
        from airflow_socrata.triggers.socrata import SocrataWaitTrigger

        self.defer(
            trigger=SocrataWaitTrigger(
                self.socrata_conn_id,
                wait,
                handle.dataset,
                self.deadline(),
                working_copy=handle.working_copy,
                accepted=accepted,
                await_approval=self.on_approval == "wait",
                poll_interval=self.poll_interval,
            ),
            method_name=method_name,
            timeout=timedelta(seconds=self.timeout + 60),
        )


class SocrataVerifyOperator(SocrataOperator):
    """Check that the public sees what was published, and that the audience is who it was.

    :param working_copy: what Publish (or the sensor) returned. (templated)
    :param revision: instead: what Apply (or the sensor) returned. (templated)
    :param timeout: seconds for the replicas.
    :param deferrable: wait for the replicas in the triggerer.
    :return: the dataset's rows before and after, its audience and page.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "working_copy", "revision")
    operator_extra_links = (SocrataDatasetLink(),)
    ui_color = "#d9f0dd"

    def __init__(
        self,
        *,
        working_copy: Any = None,
        revision: Any = None,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (working_copy is None) == (revision is None):
            raise ValueError("give either working_copy or revision: what Publish, or Apply, returned")
        self.working_copy = working_copy
        self.revision = revision
        self.deferrable = default_deferrable() if deferrable is None else deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Wait for the replicas, then compare."""
        from airflow_socrata.triggers.socrata import REPLICATED, SocrataWaitTrigger

        handle = self._handle()
        self.push_links(context, handle.links)
        if self.deferrable:
            self.defer(
                trigger=SocrataWaitTrigger(
                    self.socrata_conn_id,
                    REPLICATED,
                    handle.dataset,
                    self.deadline(),
                    poll_interval=self.poll_interval,
                ),
                method_name="execute_complete",
                timeout=timedelta(seconds=self.timeout + 60),
            )
        return self._verify(context, handle)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Compare."""
        from airflow_socrata.triggers.base import WaitEvent

        with failing_for_good():
            WaitEvent.checked(event)
        return self._verify(context, self._handle())

    def _handle(self) -> Handle | RevisionHandle:
        from airflow_socrata.publication import publishing

        with failing_for_good():
            if self.revision is not None:
                from airflow_socrata.publication.revisions import applying

                return applying.uploaded_handle(revision_handles_of(self.revision))
            return publishing.loaded_handle(handles_of(self.working_copy))

    def _verify(self, context: Context, handle: Handle | RevisionHandle) -> dict[str, Any]:
        from airflow_socrata.publication.verifying import verify

        published = self.working_copy if self.revision is None else self.revision
        rows = published.get("rows") if isinstance(published, Mapping) else None
        with self.publisher(context) as publisher:
            return verify(publisher, handle, rows, self.timeout).to_xcom()
