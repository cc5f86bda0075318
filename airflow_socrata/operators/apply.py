"""Operators that apply a revision, and that do the whole of an update in one task."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_socrata.callbacks import SocrataRollbackCallback, add_failure_callback
from airflow_socrata.links.socrata import SocrataDatasetLink, SocrataRevisionLink
from airflow_socrata.operators.base import (
    SocrataOperator,
    default_deferrable,
    failing_for_good,
    one_of,
    revision_handles_of,
)
from airflow_socrata.operators.revision import PERMISSIONS, opening_of
from airflow_socrata.operators.upload import SocrataUploadOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.choices import Action, Permission
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.revisions.applying import Applied
    from airflow_socrata.publication.revisions.handle import RevisionHandle
    from airflow_socrata.publication.revisions.uploading import Progress

#: What to do where a steward must approve.
ON_APPROVAL = ("wait", "submit", "fail")


class SocrataApplyRevisionOperator(SocrataOperator):
    """Apply a revision: from then on the public sees the new rows.

    Checks first that the revision is the one that the file was uploaded to, that nobody has closed it, and
    that no newer run has published. It is applied at most once in effect: a try whose reply was lost, or
    whose process died, is found by what the revision itself shows.

    :param revision: what the upload returned (or the task that opened or restored the revision). (templated)
    :param allow_empty: apply a file without rows.
    :param allow_older_run: apply although a newer run of this DAG has published.
    :param ignore_open_copy: apply although somebody has a working copy of the dataset open.
    :param on_approval: where a steward must approve: ``wait`` until the time-out, ``submit`` (succeed as
        submitted; the sensor waits for the decision) or ``fail``.
    :param timeout: seconds for the apply, and for the replicas before it, each.
    :param deferrable: wait in the triggerer.
    :return: the handle with the outcome and the rows that the dataset must show.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "revision")
    operator_extra_links = (SocrataDatasetLink(), SocrataRevisionLink())
    ui_color = "#d9f0dd"

    def __init__(
        self,
        *,
        revision: Any,
        allow_empty: bool = False,
        allow_older_run: bool = False,
        ignore_open_copy: bool = False,
        on_approval: str = "wait",
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.revision = revision
        self.allow_empty = allow_empty
        self.allow_older_run = allow_older_run
        self.ignore_open_copy = ignore_open_copy
        self.on_approval = one_of("on_approval", on_approval, ON_APPROVAL)
        self.deferrable = default_deferrable() if deferrable is None else deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Check, apply and wait."""
        from airflow_socrata.publication.revisions import applying
        from airflow_socrata.publication.revisions.applying import Applying

        handle = self._handle()
        self.push_links(context, handle.links)
        how = Applying(self.timeout, self.allow_empty, self.allow_older_run, self.ignore_open_copy)
        with self.publisher(context) as publisher:
            applied = applying.start(publisher, handle, how)
            if not is_settled(applied, self.on_approval):
                if self.deferrable:
                    defer_until_applied(self, publisher, handle, "execute_complete")
                applied = applying.follow(
                    publisher, handle, self.timeout, await_approval=self.on_approval == "wait"
                )
            return ended(applied, self.on_approval).to_xcom()

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Prove what the portal has done meanwhile."""
        handle = self._handle()
        with self.publisher(context) as publisher:
            return ended(conclude_wait(publisher, handle, event), self.on_approval).to_xcom()

    def _handle(self) -> RevisionHandle:
        from airflow_socrata.publication.revisions import applying

        with failing_for_good():
            return applying.uploaded_handle(revision_handles_of(self.revision))


def defer_until_applied(
    operator: SocrataApplyRevisionOperator | SocrataUpdateDatasetOperator,
    publisher: Publisher,
    handle: RevisionHandle,
    method_name: str,
    carried: dict[str, Any] | None = None,
) -> None:
    """Hand the wait for an apply over to the triggerer."""
    from airflow_socrata.publication.revisions.finding import recorded_revision
    from airflow_socrata.triggers.revision import SocrataApplyTrigger

    operator.defer(
        trigger=SocrataApplyTrigger(
            operator.socrata_conn_id,
            handle.dataset,
            handle.revision,
            operator.deadline(),
            after_job=recorded_revision(publisher, handle).after_job,
            await_approval=operator.on_approval == "wait",
            poll_interval=operator.poll_interval,
            carried=carried,
        ),
        method_name=method_name,
        timeout=timedelta(seconds=operator.timeout + 60),
    )


def is_settled(applied: Applied, on_approval: str) -> bool:
    """Whether there is nothing left to wait for."""
    from airflow_socrata.publication.proof import Outcome

    if applied.outcome is Outcome.AWAITS_APPROVAL:
        return on_approval != "wait"
    return applied.outcome is Outcome.PUBLISHED


def ended(applied: Applied, on_approval: str) -> Applied:
    """Return the outcome; fail where it is an approval that nobody wanted to submit to."""
    from airflow_socrata.publication.errors import PublicationError
    from airflow_socrata.publication.proof import Outcome

    if applied.outcome is Outcome.AWAITS_APPROVAL and on_approval != "submit":
        raise PublicationError(
            f"Revision {applied.handle.revision} of {applied.handle.dataset} waits for a steward's approval"
            " and is not public. Pass on_approval='submit' or 'wait'."
        )
    return applied


def conclude_wait(publisher: Publisher, handle: RevisionHandle, event: Mapping[str, Any]) -> Applied:
    """Tell what an apply has become while the trigger waited; the portal's own words come first.

    :raises PublicationError: the apply has failed, was rejected, or has not ended.
    """
    from airflow_socrata.publication.errors import PublicationError
    from airflow_socrata.publication.proof import Outcome
    from airflow_socrata.publication.revisions import applying
    from airflow_socrata.triggers.base import WaitEvent

    found = applying.look(publisher, handle)
    WaitEvent.checked(event)
    if found is None or found.outcome is Outcome.OPEN:
        raise PublicationError(
            f"The trigger saw the apply of revision {handle.revision} of {handle.dataset} end, but the portal"
            " does not show it."
        )
    return found


class SocrataUpdateDatasetOperator(SocrataUploadOperator):
    """Update a dataset from a file, in one task: revision, upload, transforms, checks, apply, verify.

    All of it is published, or nothing changes: whatever fails, the revision of this task is discarded; what a
    killed process has left is discarded by the next try, the next run, or the DAG's callback, which this
    operator adds. Cleared by hand, it publishes again; but where it appends rows without a row identifier,
    it only verifies what its run has published: start a new run instead.

    :param dataset: 4x4 of the published dataset. (templated)
    :param source: path or URL of the file, see ``SocrataUploadOperator``. (templated)
    :param action: ``update``, ``replace`` or ``delete``.
    :param config: name of a saved import config; left out, the dataset's own transforms run again.
        (templated)
    :param metadata: metadata to change, by the portal's own keys. (templated)
    :param notes: notes of this version, for portals that archive. (templated)
    :param permission: ``public`` or ``private``; left out, the audience stays.
    :param on_approval: where a steward must approve: ``wait``, ``submit`` or ``fail``.
    :param allow_empty: apply a file without rows.
    :param allow_older_run: publish although a newer run of this DAG has published already.
    :param ignore_open_copy: go on although somebody has a working copy of the dataset open.
    :param timeout: seconds for each long wait.
    :param deferrable: wait in the triggerer.
    :return: the handle with the outcome, and the rows before and after.
    """

    template_fields: Sequence[str] = (
        *SocrataUploadOperator.template_fields,
        "dataset",
        "config",
        "metadata",
        "notes",
    )

    def __init__(
        self,
        *,
        dataset: str,
        action: Action = "update",
        config: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        notes: str | None = None,
        permission: Permission | None = None,
        on_approval: str = "wait",
        allow_empty: bool = False,
        allow_older_run: bool = False,
        ignore_open_copy: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if self.revision is not None:
            raise ValueError("SocrataUpdateDatasetOperator opens its own revision; give dataset, no revision")
        self.dataset = dataset
        self.action: Action = one_of("action", action, ("update", "replace", "delete"))
        self.config = config
        self.metadata = metadata
        self.notes = notes
        self.permission: Permission | None = one_of("permission", permission, PERMISSIONS)
        self.on_approval = one_of("on_approval", on_approval, ON_APPROVAL)
        self.allow_empty = allow_empty
        self.allow_older_run = allow_older_run
        self.ignore_open_copy = ignore_open_copy
        if self.has_dag():  # type: ignore[no-untyped-call]
            add_failure_callback(self.dag, SocrataRollbackCallback(self.task_id))

    def execute(self, context: Context) -> dict[str, Any]:
        """Open, upload, apply, verify."""
        from airflow_socrata.publication.revisions import applying, uploading
        from airflow_socrata.publication.revisions.opening import open_revision
        from airflow_socrata.runtime import operation_of

        operation = operation_of(context)
        with self.publisher(context) as publisher:
            earlier = applying.applied_before(publisher, operation)
            if earlier is not None:
                publisher.log(
                    f"An earlier try has applied revision {earlier.revision} of {earlier.dataset}; only"
                    " verifying it."
                )
                return self._go_on(context, publisher, earlier, None)
            handle = open_revision(publisher, operation, opening_of(self))
            self.push_links(context, handle.links)
            with self._all_or_nothing(publisher, handle):
                progress = uploading.begin(publisher, handle, self.uploading())
                return self._go_on(context, publisher, handle, progress)

    def execute_step(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on with what the portal has read or transformed meanwhile."""
        from airflow_socrata.publication.revisions.handle import RevisionHandle
        from airflow_socrata.publication.revisions.uploading import Progress
        from airflow_socrata.triggers.base import WaitEvent

        carried = WaitEvent.read(event).data
        handle = RevisionHandle.from_xcom(carried.get("handle"))
        with self.publisher(context) as publisher, self._all_or_nothing(publisher, handle):
            WaitEvent.checked(event)
            return self._go_on(context, publisher, handle, Progress(**carried["progress"]))

    def execute_applied(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Prove what the portal has done meanwhile, and verify it."""
        from airflow_socrata.publication.revisions.handle import RevisionHandle
        from airflow_socrata.triggers.base import WaitEvent

        handle = RevisionHandle.from_xcom(WaitEvent.read(event).data.get("handle"))
        with self.publisher(context) as publisher, self._all_or_nothing(publisher, handle):
            return self._end(publisher, conclude_wait(publisher, handle, event))

    def carried(self, handle: RevisionHandle, progress: Progress) -> dict[str, Any]:
        """Return what a deferral keeps: also the handle, which this operator has made itself."""
        return {**super().carried(handle, progress), "handle": handle.to_xcom()}

    def _go_on(
        self, context: Context, publisher: Publisher, handle: RevisionHandle, progress: Progress | None
    ) -> dict[str, Any]:
        from airflow_socrata.publication.revisions import applying
        from airflow_socrata.publication.revisions.applying import Applying

        if progress is not None:
            handle = self.see_through(context, publisher, handle, progress)
        how = Applying(self.timeout, self.allow_empty, self.allow_older_run, self.ignore_open_copy)
        applied = applying.start(publisher, handle, how)
        if not is_settled(applied, self.on_approval):
            if self.deferrable:
                defer_until_applied(self, publisher, handle, "execute_applied", {"handle": handle.to_xcom()})
            applied = applying.follow(
                publisher, handle, self.timeout, await_approval=self.on_approval == "wait"
            )
        return self._end(publisher, applied)

    def _end(self, publisher: Publisher, applied: Applied) -> dict[str, Any]:
        from airflow_socrata.publication.proof import Outcome
        from airflow_socrata.publication.revisions.discarding import discard_strays
        from airflow_socrata.publication.revisions.finding import recorded_revision
        from airflow_socrata.publication.verifying import verify

        result = ended(applied, self.on_approval).to_xcom()
        if applied.outcome is not Outcome.PUBLISHED:
            return result
        report = verify(publisher, applied.handle, applied.rows, self.timeout)
        intent = recorded_revision(publisher, applied.handle)
        discard_strays(publisher, intent)
        if not self._appends(publisher):
            publisher.intents.forget(intent)
        return {**result, "rows_before": report.rows_before, "rows_after": report.rows_after}

    def _appends(self, publisher: Publisher) -> bool:
        """Tell whether another try would add the rows again.

        Then the record outlives the task, since it may die before Airflow notes that it succeeded; and a task
        that is cleared only verifies. The next run of the DAG forgets it.
        """
        from airflow_socrata.client import views

        return (
            self.action == "update" and publisher.send(views.read_view(self.dataset)).row_identifier is None
        )

    @contextmanager
    def _all_or_nothing(self, publisher: Publisher, handle: RevisionHandle) -> Iterator[None]:
        from airflow_socrata.publication.opening import clean_up

        try:
            yield
        except Exception as error:
            intent = publisher.intents.load(handle.operation.key)
            if intent is not None:
                clean_up(publisher, intent, error)
            raise
