"""The trigger that waits for a steward's decision on an audience."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow_socrata.triggers.socrata import PortalTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client.access import Audience
    from airflow_socrata.publication.waits import Steps


class SocrataAudienceTrigger(PortalTrigger):
    """Wait until a dataset has the audience that was asked for. Looks with GET only.

    :param socrata_conn_id: the Airflow connection.
    :param dataset: 4x4 of the dataset.
    :param audience: ``public``, ``site`` or ``private``.
    :param deadline: epoch seconds.
    :param poll_interval: longest pause between two looks, seconds.
    """

    arguments = (*PortalTrigger.arguments, "dataset", "audience")

    def __init__(
        self,
        socrata_conn_id: str,
        dataset: str,
        audience: str,
        deadline: float,
        poll_interval: float = 5.0,
        carried: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(socrata_conn_id, deadline, poll_interval, carried)
        self.dataset = dataset
        self.audience = audience

    def steps(self) -> Steps[Mapping[str, Any]]:
        """Return the wait."""
        from airflow_socrata.publication.approving import audience_reached

        yield from audience_reached(self.dataset, cast("Audience", self.audience), self.patience())
        return {}
