"""Every night, replace all flights by those of a file, through a working copy.

The dataset has no row identifier, so nothing else than a whole replacement would be right. ``NA`` in the file
stands for a missing value. Retries are on: a try that is killed half-way changes nothing that the
public sees.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_socrata.operators.socrata import SocrataReplaceOperator
from airflow_socrata.task_groups import SocrataPublication

FOUR_BY_FOUR = "^[a-z0-9]{4}-[a-z0-9]{4}$"

with (
    DAG(
        "socrata_flights_replace",
        description="Nightly replacement of the flights of 2013 from New York City",
        schedule="@daily",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
        params={
            "dataset": Param("flig-hts2", type="string", pattern=FOUR_BY_FOUR),
            "source": Param(os.environ.get("FLIGHTS_FILE", "/data/flights.csv"), type="string"),
        },
        tags=["socrata", "example"],
    ),
    SocrataPublication("publication", dataset="{{ params.dataset }}", method="copySchema") as publication,
):
    SocrataReplaceOperator(
        task_id="replace",
        working_copy=publication.working_copy,
        source="{{ params.source }}",
        null_marks=["NA"],
    )
