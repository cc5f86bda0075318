"""Correct one airport by hand: read its row, change one field, write it back.

Started by a person, with the airport, the field and the new value. The row carries the version that was
read, so a change that somebody else makes in between is not overwritten: the task fails and says so. An
airport without a new value is deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_socrata.operators.socrata import (
    SocrataDeleteRowOperator,
    SocrataGetRowOperator,
    SocrataUpsertRowOperator,
)


@task.branch
def choose(value: str) -> str:
    """Go on with a correction, or with a deletion where there is no new value."""
    return "read" if value else "delete"


@task
def corrected(found: dict[str, Any], field: str, value: str) -> dict[str, Any]:
    """Return the row with the new value."""
    return {**found["row"], field: value}


with DAG(
    "socrata_row_fix",
    description="Correct or delete one airport",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    params={
        "dataset": Param("airp-orts", type="string", pattern="^[a-z0-9]{4}-[a-z0-9]{4}$"),
        "icao": Param("BIRK", type="string"),
        "field": Param("name", type="string"),
        "value": Param("", type="string"),
    },
    tags=["socrata", "example"],
) as dag:
    read = SocrataGetRowOperator(
        task_id="read", dataset="{{ params.dataset }}", row_id="{{ params.icao }}", if_absent="fail"
    )
    write = SocrataUpsertRowOperator(
        task_id="write",
        dataset="{{ params.dataset }}",
        row=corrected(read.output, "{{ params.field }}", "{{ params.value }}"),
    )
    delete = SocrataDeleteRowOperator(
        task_id="delete", dataset="{{ params.dataset }}", row_id="{{ params.icao }}"
    )
    choose("{{ params.value }}") >> [read, delete]
