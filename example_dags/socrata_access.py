"""Open the airports to the public, share them with the people who mind them, and wait for the steward.

Where the portal has stewards who approve what goes public, the first task ends as soon as the request is
made, and the sensor waits for the decision; where it has none, both are green at once. It may run every day:
what is as wanted is not sent, and no second request is made while one waits.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_socrata.operators.socrata import SocrataSetPermissionOperator
from airflow_socrata.sensors.access import SocrataApprovalSensor

with DAG(
    "socrata_access",
    description="Who may see the airports, and who may change them",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    params={
        "dataset": Param("airp-orts", type="string", pattern="^[a-z0-9]{4}-[a-z0-9]{4}$"),
    },
    tags=["socrata", "example"],
) as dag:
    share = SocrataSetPermissionOperator(
        task_id="share",
        dataset="{{ params.dataset }}",
        audience="public",
        add_users={os.environ.get("AIRPORTS_EDITOR", "editor@example.gov"): "contributor"},
        on_approval="submit",
    )
    approval = SocrataApprovalSensor(
        task_id="approval",
        dataset="{{ params.dataset }}",
        audience="public",
        deferrable=True,
        timeout=timedelta(days=3).total_seconds(),
    )
    share >> approval
