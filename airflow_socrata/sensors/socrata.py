"""The sensor for a publish job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, PokeReturnValue

from airflow_socrata.connection_form import SOCRATA_DEFAULT
from airflow_socrata.links.socrata import SocrataDatasetLink, SocrataWorkingCopyLink
from airflow_socrata.operators.base import LINKS_KEY, failing_for_good, handles_of
from airflow_socrata.sensors.base import WaitSensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.triggers.socrata import PortalTrigger


class PortalSensor(WaitSensor):
    """Base of the sensors for Socrata portals: not used by itself.

    :param socrata_conn_id: the Airflow connection. (templated)
    """

    template_fields: Sequence[str] = ("socrata_conn_id",)

    def __init__(self, *, socrata_conn_id: str = SOCRATA_DEFAULT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.socrata_conn_id = socrata_conn_id

    def look(self, context: Context, publisher: Publisher) -> bool | PokeReturnValue:
        """Look once at the portal."""
        raise NotImplementedError

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Look at the portal."""
        from airflow_socrata.hooks.socrata import SocrataHook
        from airflow_socrata.runtime import publisher_for_task

        with failing_for_good():
            session = SocrataHook(self.socrata_conn_id).get_conn()
        with self.signed_in(session):
            publisher = publisher_for_task(
                session, context, self.socrata_conn_id, self.log.info, float(self.poke_interval)
            )
            return self.look(context, publisher)


class SocrataPublicationSensor(PortalSensor):
    """Wait until a working copy is live. Looks with GET only; never starts a publish.

    Succeeds when the published dataset proves that the working copy became it. Fails at once when the copy is
    gone without proof, or was rejected by a steward; keeps waiting while one has yet to approve.

    :param working_copy: what Publish (or the load) returned. (templated)
    :return: the handle with the outcome.
    """

    template_fields: Sequence[str] = (*PortalSensor.template_fields, "working_copy")
    operator_extra_links = (SocrataDatasetLink(), SocrataWorkingCopyLink())

    def __init__(self, *, working_copy: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.working_copy = working_copy

    def trigger(self, deadline: float) -> PortalTrigger:
        """Return the trigger that waits instead of this sensor."""
        from airflow_socrata.publication import publishing
        from airflow_socrata.triggers.socrata import PUBLISHED, SocrataWaitTrigger

        handle = publishing.loaded_handle(handles_of(self.working_copy))
        return SocrataWaitTrigger(
            self.socrata_conn_id,
            PUBLISHED,
            handle.dataset,
            deadline,
            working_copy=handle.working_copy,
            await_approval=True,
            poll_interval=float(self.poke_interval),
        )

    def look(self, context: Context, publisher: Publisher) -> bool | PokeReturnValue:
        """Look at the working copy and the dataset."""
        from airflow_socrata.publication import publishing, waits
        from airflow_socrata.publication.errors import OutcomeUnproved
        from airflow_socrata.publication.proof import Outcome, outcome

        handle = publishing.loaded_handle(handles_of(self.working_copy))
        context["ti"].xcom_push(key=LINKS_KEY, value=dict(handle.links))
        intent = publishing.intent_of(publisher, handle)
        sighting = publisher.wait(waits.look(handle.dataset, handle.working_copy))
        seen = outcome(publisher, intent, sighting)
        self.log.info("%s of %s: %s.", handle.working_copy, handle.dataset, seen.value)
        if sighting.was_rejected:
            raise AirflowFailException(f"Working copy {handle.working_copy} was rejected by a steward.")
        if seen is Outcome.UNPROVED:
            raise OutcomeUnproved(publishing.unproved(handle, intent))
        if seen is not Outcome.PUBLISHED:
            return False
        publishing.note_published(publisher, handle.operation.key)
        rows = intent.expected_rows
        if rows is None and isinstance(self.working_copy, Mapping):
            rows = self.working_copy.get("rows")
        done = publishing.Published(handle, seen, rows, sighting.published.publication_date)
        return PokeReturnValue(is_done=True, xcom_value=done.to_xcom())
