"""Once: create a dataset with the columns of a file, and fill it through a working copy.

The types are guessed from the first rows of the file. The dataset stays private, so that somebody can look at
it; the DAG can be run again, and then finds its dataset and replaces the rows.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_socrata.operators.socrata import SocrataCreateDatasetOperator, SocrataReplaceOperator
from airflow_socrata.task_groups import SocrataPublication

with DAG(
    "socrata_new_dataset",
    description="A new dataset from a file of airports",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    params={"source": Param(os.environ.get("AIRPORTS_FILE", "/data/airports.csv"), type="string")},
    tags=["socrata", "example"],
):
    create = SocrataCreateDatasetOperator(
        task_id="create",
        resource_name="airports",
        name="Airports",
        schema_source="{{ params.source }}",
        row_identifier="icao",
        license_id="CC0_10",
        tags=["aviation"],
    )
    with SocrataPublication(
        "publication", dataset=create.output["dataset"], method="copySchema"
    ) as publication:
        SocrataReplaceOperator(
            task_id="replace",
            working_copy=publication.working_copy,
            source="{{ params.source }}",
            columns=create.output["columns"],
        )
    create >> publication
