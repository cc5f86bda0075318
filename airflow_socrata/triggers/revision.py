"""The trigger that waits for a revision on behalf of the operators and the sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.triggers.socrata import PortalTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.publication.waits import Steps


class SocrataSourceTrigger(PortalTrigger):
    """Wait until the portal has read a file and run its transforms. GET only, so restartable at any moment.

    :param progress: how far the upload is: ``source``, ``output_schema`` and the like.
    """

    arguments = (*PortalTrigger.arguments, "progress")

    def __init__(
        self,
        socrata_conn_id: str,
        progress: Mapping[str, Any],
        deadline: float,
        poll_interval: float = 5.0,
        carried: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(socrata_conn_id, deadline, poll_interval, carried)
        self.progress = dict(progress)

    def steps(self) -> Steps[Mapping[str, Any]]:
        """Return the wait."""
        from airflow_socrata.publication.revisions.uploading import Progress, next_wait

        yield from next_wait(Progress(**self.progress), self.patience(), self.log.info)
        return {}


class SocrataApplyTrigger(PortalTrigger):
    """Wait until the apply of a revision has ended. GET only, so restartable at any moment.

    :param dataset: 4x4 of the dataset.
    :param revision: sequence number.
    :param after_job: greatest id of the task sets that had ended before, -1 without any.
    :param await_approval: go on waiting for a steward.
    """

    arguments = (*PortalTrigger.arguments, "dataset", "revision", "after_job", "await_approval")

    def __init__(
        self,
        socrata_conn_id: str,
        dataset: str,
        revision: int,
        deadline: float,
        after_job: int = -1,
        await_approval: bool = False,
        poll_interval: float = 5.0,
        carried: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(socrata_conn_id, deadline, poll_interval, carried)
        self.dataset = dataset
        self.revision = revision
        self.after_job = after_job
        self.await_approval = await_approval

    def steps(self) -> Steps[Mapping[str, Any]]:
        """Return the wait."""
        from airflow_socrata.publication.revisions import waits as revision_waits

        yield from revision_waits.applied(
            self.dataset,
            self.revision,
            self.after_job,
            self.patience(),
            self.log.info,
            await_approval=self.await_approval,
        )
        return {}
