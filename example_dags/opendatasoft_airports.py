"""Every week, replace the airports of an Opendatasoft portal by those of a file.

The portal keeps no former records: the file that they came from is copied to a folder first. When the portal
has processed the new file, the public records are counted; if there are not as many as rows in the file, or
if anything fails before that, the dataset points at the former file again and is published again.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_socrata.operators.opendatasoft import OpendatasoftUploadOperator
from airflow_socrata.task_groups import OpendatasoftPublication

with (
    DAG(
        "opendatasoft_airports",
        description="Weekly replacement of the airports at an Opendatasoft portal",
        schedule="@weekly",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
        params={
            "dataset": Param("airports", type="string", pattern="^[a-z0-9][a-z0-9_@-]*$"),
            "source": Param(os.environ.get("AIRPORTS_NEW_FILE", "/data/airports.csv"), type="string"),
            "keep": Param(os.environ.get("AIRPORTS_KEPT_FOLDER", "/data/kept"), type="string"),
        },
        tags=["opendatasoft", "example"],
    ),
    OpendatasoftPublication(
        "publication", dataset="{{ params.dataset }}", keep="{{ params.keep }}"
    ) as publication,
):
    OpendatasoftUploadOperator(
        task_id="upload",
        restore_point=publication.restore_point,
        source="{{ params.source }}",
        title="Airports",
    )
