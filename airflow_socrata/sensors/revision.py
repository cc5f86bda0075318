"""The sensor for the apply of a revision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue

from airflow_socrata.links.socrata import SocrataDatasetLink, SocrataRevisionLink
from airflow_socrata.operators.base import LINKS_KEY, one_of, revision_handles_of
from airflow_socrata.sensors.socrata import PortalSensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.triggers.socrata import PortalTrigger


class SocrataRevisionSensor(PortalSensor):
    """Wait until a revision is live. Looks with GET only; never applies.

    Succeeds when the revision shows a task set that was successful. Fails at once when its task set has
    failed, when somebody has closed it, or when a steward has rejected it.

    :param revision: what Apply (or the upload) returned. (templated)
    :param on_approval: while a steward has yet to approve: ``wait``, or ``submit`` (succeed as submitted).
    :return: the handle with the outcome, and the rows that the dataset must show.
    """

    template_fields: Sequence[str] = (*PortalSensor.template_fields, "revision")
    operator_extra_links = (SocrataDatasetLink(), SocrataRevisionLink())

    def __init__(self, *, revision: Any, on_approval: str = "wait", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.revision = revision
        self.on_approval = one_of("on_approval", on_approval, ("wait", "submit"))

    def trigger(self, deadline: float) -> PortalTrigger:
        """Return the trigger that waits instead of this sensor."""
        from airflow_socrata.publication.revisions import applying
        from airflow_socrata.triggers.revision import SocrataApplyTrigger

        handle = applying.uploaded_handle(revision_handles_of(self.revision))
        return SocrataApplyTrigger(
            self.socrata_conn_id,
            handle.dataset,
            handle.revision,
            deadline,
            await_approval=self.on_approval == "wait",
            poll_interval=float(self.poke_interval),
        )

    def look(self, context: Context, publisher: Publisher) -> bool | PokeReturnValue:
        """Look at the revision."""
        from airflow_socrata.publication.proof import Outcome
        from airflow_socrata.publication.revisions import applying

        handle = applying.uploaded_handle(revision_handles_of(self.revision))
        context["ti"].xcom_push(key=LINKS_KEY, value=dict(handle.links))
        seen = applying.look(publisher, handle)
        if seen is None:
            self.log.info("Revision %s of %s is open, and not applied.", handle.revision, handle.dataset)
            return False
        self.log.info("Revision %s of %s: %s.", handle.revision, handle.dataset, seen.outcome.value)
        submitted = seen.outcome is Outcome.AWAITS_APPROVAL and self.on_approval == "submit"
        if seen.outcome is not Outcome.PUBLISHED and not submitted:
            return False
        return PokeReturnValue(is_done=True, xcom_value=seen.to_xcom())
