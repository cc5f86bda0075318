"""Make a dataset of a file once, and let the portal read a newer file every night: the import API.

The first task makes the dataset of the file that is there on the first night; later it finds it and does
nothing. Then the portal replaces all rows by those of tonight's file, in a working copy, and translates them
as it reads: names in capitals, coordinates as numbers.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_socrata.operators.socrata import SocrataImportDatasetOperator, SocrataImportRowsOperator
from airflow_socrata.task_groups import SocrataPublication

with DAG(
    "socrata_imports",
    description="Parks of the city, read by the portal",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    params={
        "resource_name": Param("city_parks", type="string"),
        "source": Param(os.environ.get("PARKS_FILE", "/data/parks.csv"), type="string"),
    },
    tags=["socrata", "example"],
):
    make = SocrataImportDatasetOperator(
        task_id="make",
        resource_name="{{ params.resource_name }}",
        name="City parks",
        source="{{ params.source }}",
        types={"Number": "text"},
    )
    with SocrataPublication(
        "publication", dataset=make.output["dataset"], method="copySchema"
    ) as publication:
        SocrataImportRowsOperator(
            task_id="import",
            working_copy=publication.working_copy,
            source="{{ params.source }}",
            translation=["col1", "upper(col2)", "col3"],
            max_row_errors=0,
        )
