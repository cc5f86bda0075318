"""Every week, bring the airports up to date by a revision: the file goes to the portal as it is.

The portal parses it and runs the transforms: a tidy name, the place as a point, the height in metres and in
words. A row with a cell that cannot be converted fails the run before anything is published; all such rows
are saved as CSV, for whoever mends the file.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_socrata.operators.socrata import SocrataUploadOperator
from airflow_socrata.task_groups import SocrataPublication

FOUR_BY_FOUR = "^[a-z0-9]{4}-[a-z0-9]{4}$"
METRES = "to_number(`elevation`) * 0.3048"

with (
    DAG(
        "socrata_airports_revision",
        description="Weekly revision of the airports, with the portal's transforms",
        schedule="@weekly",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
        params={
            "dataset": Param("airp-orts", type="string", pattern=FOUR_BY_FOUR),
            "source": Param(os.environ.get("AIRPORTS_NEW_FILE", "/data/airports.csv"), type="string"),
            "rejected": Param(
                os.environ.get("AIRPORTS_REJECTED_FILE", "/tmp/airports-rejected.csv"),  # noqa: S108
                type="string",
            ),
        },
        tags=["socrata", "example"],
    ),
    SocrataPublication(
        "publication", dataset="{{ params.dataset }}", method="revision", action="update"
    ) as publication,
):
    SocrataUploadOperator(
        task_id="upload",
        revision=publication.revision,
        source="{{ params.source }}",
        transforms={
            "name": r"regex_replace(`name`, '\s+', ' ')",
            "location": "make_point(to_number(`lat`), to_number(`lon`))",
            "metres": METRES,
            "height": f"case({METRES} >= 2500, 'high', {METRES} >= 600, 'middle', true, 'low')",
        },
        column_names={"metres": "Elevation in metres", "height": "Height"},
        rejected_rows="{{ params.rejected }}",
    )
