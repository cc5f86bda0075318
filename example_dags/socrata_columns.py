"""Add a column to the airports and fill it, both at once for the public.

The plan is printed first, and the run fails before a working copy is opened where it would lose anything. The
columns are then changed on the working copy, the load fills them, and all of it is published together or not
at all. A second run finds the columns as wanted and only loads.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_socrata.operators.socrata import (
    SocrataChangeColumnsOperator,
    SocrataPlanColumnsOperator,
    SocrataUpsertOperator,
)
from airflow_socrata.task_groups import SocrataPublication

WANTED = {
    "add": [{"field_name": "elevation", "data_type": "number", "name": "Elevation (ft)"}],
    "change": {"name": {"name": "Airport", "description": "As on the chart"}},
}

with DAG(
    "socrata_columns",
    description="A new column of the airports, and its values",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    params={
        "dataset": Param("airp-orts", type="string", pattern="^[a-z0-9]{4}-[a-z0-9]{4}$"),
        "source": Param(os.environ.get("AIRPORTS_ELEVATION_FILE", "/data/elevation.csv"), type="string"),
    },
    tags=["socrata", "example"],
):
    plan = SocrataPlanColumnsOperator(task_id="plan", dataset="{{ params.dataset }}", **WANTED)

    with SocrataPublication("publication", dataset="{{ params.dataset }}", method="copy") as publication:
        columns = SocrataChangeColumnsOperator(
            task_id="columns", working_copy=publication.working_copy, **WANTED
        )
        upsert = SocrataUpsertOperator(
            task_id="upsert", working_copy=publication.working_copy, source="{{ params.source }}"
        )
        columns >> upsert

    plan >> publication
