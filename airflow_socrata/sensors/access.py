"""The sensor for a steward's decision on an audience."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, PokeReturnValue

from airflow_socrata.links.socrata import SocrataDatasetLink
from airflow_socrata.operators.base import LINKS_KEY
from airflow_socrata.sensors.socrata import PortalSensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.triggers.socrata import PortalTrigger


class SocrataApprovalSensor(PortalSensor):
    """Wait until a dataset has the audience that was asked for. Looks with GET only; asks for nothing.

    Fails at once when a steward has rejected the request; keeps waiting while there is none yet.

    :param dataset: 4x4 of the dataset. (templated)
    :param audience: ``public``, ``site`` or ``private``. (templated)
    :return: the dataset and its audience.
    """

    template_fields: Sequence[str] = (*PortalSensor.template_fields, "dataset", "audience")
    operator_extra_links = (SocrataDatasetLink(),)

    def __init__(self, *, dataset: str, audience: str = "public", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.audience = audience

    def trigger(self, deadline: float) -> PortalTrigger:
        """Return the trigger that waits instead of this sensor."""
        from airflow_socrata.triggers.access import SocrataAudienceTrigger

        return SocrataAudienceTrigger(
            self.socrata_conn_id, self.dataset, self.audience, deadline, float(self.poke_interval)
        )

    def look(self, context: Context, publisher: Publisher) -> bool | PokeReturnValue:
        """Look at the dataset, and at the approvers' queue."""
        from airflow_socrata.client.access import check_audience
        from airflow_socrata.publication.approving import asked_for, look_at

        audience = check_audience(self.audience)
        context["ti"].xcom_push(key=LINKS_KEY, value={"dataset": publisher.link(self.dataset)})
        sighting = publisher.wait(look_at(self.dataset, audience))
        if sighting.was_rejected:
            raise AirflowFailException(asked_for(self.dataset, audience, "was rejected by a steward"))
        self.log.info(
            "%s %s the audience %s.", self.dataset, "has" if sighting.is_reached else "lacks", audience
        )
        if not sighting.is_reached:
            return False
        return PokeReturnValue(is_done=True, xcom_value={"dataset": self.dataset, "audience": audience})
