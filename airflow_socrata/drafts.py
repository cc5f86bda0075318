"""The tasks around a draft, for the composition: of a working copy, a revision, a dataset under change."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_socrata.operators import opendatasoft
from airflow_socrata.operators import socrata as operators
from airflow_socrata.operators.base import one_of
from airflow_socrata.sensors.socrata import SocrataPublicationSensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.publication.choices import Method


class DraftTasks(ABC):
    """Makes the tasks that open, publish, wait for and discard one kind of draft.

    :param dataset: 4x4 of the published dataset.
    :param existing_copy: what to do with a person's open working copy.
    :param waiting: arguments of every task that waits: connection, time-out, pauses, deferrable.
    :param publishing: arguments of the task that publishes.
    """

    #: What the draft is, and the argument that takes its handle.
    draft: ClassVar[str]

    def __init__(
        self, dataset: str, existing_copy: str, waiting: Mapping[str, Any], publishing: Mapping[str, Any]
    ) -> None:
        self.dataset = dataset
        self.existing_copy = existing_copy
        self.waiting = dict(waiting)
        self.publishing = dict(publishing)

    @property
    def sensing(self) -> dict[str, Any]:
        """Return the arguments of the sensor: it looks half as often."""
        poll = 2 * self.waiting["poll_interval"]
        named = {name: self.waiting[name] for name in ("timeout", "deferrable")} | self.connection
        return {"task_id": "wait", "poke_interval": poll, "mode": "reschedule", **named}

    @property
    def connection(self) -> dict[str, Any]:
        """Return the argument that names the connection."""
        return {name: value for name, value in self.waiting.items() if name.endswith("_conn_id")}

    @abstractmethod
    def create(self) -> Any:
        """Return the task that opens the draft."""

    @abstractmethod
    def fills(self, task: Any) -> bool:
        """Tell whether a task of the block puts data into the draft."""

    @abstractmethod
    def publish(self, handle: Any) -> Any:
        """Return the task that publishes the draft."""

    @abstractmethod
    def wait(self, handle: Any) -> Any:
        """Return the sensor."""

    @abstractmethod
    def discard(self, **arguments: Any) -> Any:
        """Return the rollback."""


class WorkingCopyTasks(DraftTasks):
    """The tasks around a working copy.

    :param method: ``copy`` or ``copySchema``.
    """

    draft = "working_copy"

    def __init__(
        self,
        dataset: str,
        existing_copy: str,
        waiting: Mapping[str, Any],
        publishing: Mapping[str, Any],
        method: Method,
    ) -> None:
        super().__init__(dataset, existing_copy, waiting, publishing)
        self.method = method

    @staticmethod
    def refuse(**arguments: Any) -> None:
        """Refuse arguments that only a revision has.

        :raises ValueError: one was given.
        """
        given = [name for name, value in arguments.items() if value not in {None, "update"}]
        if given:
            raise ValueError(f"{', '.join(given)}: only with method='revision'")

    def create(self) -> Any:
        """Return the task that opens the working copy."""
        return operators.SocrataCreateWorkingCopyOperator(
            task_id="create_working_copy",
            dataset=self.dataset,
            method=self.method,
            existing_copy=self.existing_copy,
            allow_older_run=self.publishing["allow_older_run"],
            **self.waiting,
        )

    def fills(self, task: Any) -> bool:
        """Tell whether a task loads rows."""
        from airflow_socrata.operators.loads import loads_rows

        return loads_rows(task)

    def publish(self, handle: Any) -> Any:
        """Return the task that publishes the working copy."""
        return operators.SocrataPublishOperator(
            task_id="publish", working_copy=handle, **self.publishing, **self.waiting
        )

    def wait(self, handle: Any) -> Any:
        """Return the sensor."""
        return SocrataPublicationSensor(working_copy=handle, **self.sensing)

    def discard(self, **arguments: Any) -> Any:
        """Return the rollback."""
        return operators.SocrataDiscardWorkingCopyOperator(
            task_id="discard_working_copy", **arguments, **self.connection
        )


class RevisionTasks(DraftTasks):
    """The tasks around a revision.

    :param opening: arguments of the task that opens it: action, config, metadata, permission.
    """

    draft = "revision"

    def __init__(
        self,
        dataset: str,
        existing_copy: str,
        waiting: Mapping[str, Any],
        publishing: Mapping[str, Any],
        opening: Mapping[str, Any],
    ) -> None:
        one_of("existing_copy (of a revision)", existing_copy, ("fail", "ignore"))
        super().__init__(dataset, existing_copy, waiting, publishing)
        self.opening = dict(opening)

    @property
    def ignores(self) -> dict[str, Any]:
        """Return the argument that lets a person's working copy be."""
        return {"ignore_open_copy": self.existing_copy == "ignore"}

    def create(self) -> Any:
        """Return the task that opens the revision."""
        opening = {name: value for name, value in self.opening.items() if value is not None}
        named = {name: self.waiting[name] for name in ("timeout", "poll_interval", "socrata_conn_id")}
        return operators.SocrataCreateRevisionOperator(
            task_id="create_revision",
            dataset=self.dataset,
            allow_older_run=self.publishing["allow_older_run"],
            **opening,
            **self.ignores,
            **named,
        )

    def fills(self, task: Any) -> bool:
        """Tell whether a task uploads a file, or shapes it."""
        from airflow_socrata.operators.upload import uploads_file

        return uploads_file(task)

    def publish(self, handle: Any) -> Any:
        """Return the task that applies the revision."""
        return operators.SocrataApplyRevisionOperator(
            task_id="apply", revision=handle, **self.ignores, **self.publishing, **self.waiting
        )

    def wait(self, handle: Any) -> Any:
        """Return the sensor."""
        from airflow_socrata.sensors.revision import SocrataRevisionSensor

        return SocrataRevisionSensor(revision=handle, **self.sensing)

    def discard(self, **arguments: Any) -> Any:
        """Return the rollback."""
        return operators.SocrataDiscardRevisionOperator(
            task_id="discard_revision", **arguments, **self.connection
        )


class RestorePointTasks(DraftTasks):
    """The tasks around a dataset of an Opendatasoft portal, which has no drafts but points to go back to.

    :param noting: arguments of the task that notes the restore point: where copies are kept.
    :param verifying: arguments of the task that verifies.
    """

    draft = "restore_point"

    def __init__(
        self,
        dataset: str,
        waiting: Mapping[str, Any],
        publishing: Mapping[str, Any],
        noting: Mapping[str, Any],
        verifying: Mapping[str, Any],
    ) -> None:
        super().__init__(dataset, "fail", waiting, publishing)
        self.noting = dict(noting)
        self.verifying = dict(verifying)

    def create(self) -> Any:
        """Return the task that notes the restore point."""
        return opendatasoft.OpendatasoftCreateRestorePointOperator(
            task_id="create_restore_point", dataset=self.dataset, **self.noting, **self.waiting
        )

    def fills(self, task: Any) -> bool:
        """Tell whether a task uploads a file."""
        return isinstance(task, opendatasoft.OpendatasoftUploadOperator)

    def publish(self, handle: Any) -> Any:
        """Return the task that publishes the dataset."""
        return opendatasoft.OpendatasoftPublishOperator(
            task_id="publish", restore_point=handle, **self.publishing, **self.waiting
        )

    def wait(self, handle: Any) -> Any:
        """Return the sensor."""
        from airflow_socrata.sensors.opendatasoft import OpendatasoftStatusSensor

        return OpendatasoftStatusSensor(restore_point=handle, **self.publishing, **self.sensing)

    def verify(self, handle: Any) -> Any:
        """Return the task that counts."""
        return opendatasoft.OpendatasoftVerifyOperator(
            task_id="verify", restore_point=handle, **self.verifying, **self.connection
        )

    def report(self, verified: Any) -> Any:
        """Return the leaf."""
        return opendatasoft.OpendatasoftReportOperator(task_id="report", verified=verified, **self.connection)

    def discard(self, **arguments: Any) -> Any:
        """Return the rollback."""
        return opendatasoft.OpendatasoftRollbackOperator(
            task_id="roll_back", job_patience=self.waiting["timeout"], **arguments, **self.connection
        )
