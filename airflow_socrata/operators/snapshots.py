"""The operator that deletes snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.links.socrata import SocrataDatasetLink
from airflow_socrata.operators.base import SocrataOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context


class SocrataDeleteSnapshotsOperator(SocrataOperator):
    """Delete the old snapshots of a dataset: the versions that the old back end keeps with each publish.

    On the new back end there are none, and nothing happens.

    :param dataset: 4x4 of the published dataset. (templated)
    :param keep: how many of the newest stay.
    :return: the 4x4s of those kept and of those deleted.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "dataset")
    operator_extra_links = (SocrataDatasetLink(),)

    def __init__(self, *, dataset: str, keep: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.keep = keep

    def execute(self, context: Context) -> dict[str, Any]:
        """List them, and delete the old ones, each looked at just before."""
        from airflow_socrata.publication.snapshots import delete_snapshots

        with self.publisher(context) as publisher:
            report = delete_snapshots(publisher, self.dataset, self.keep)
            self.push_links(context, {"dataset": report.link})
            return report.to_xcom()
