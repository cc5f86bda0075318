"""The DAG of the tests that publishes to an Opendatasoft portal, as a user writes it.

``kill_harness.opendatasoft_dags`` fills in what is in angle brackets.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_socrata.operators.opendatasoft import OpendatasoftUploadOperator
from airflow_socrata.task_groups import OpendatasoftPublication

with DAG(  # noqa: SIM117 - as the documentation writes it
    "<dag_id>",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    max_active_runs=64,
    max_active_tasks=64,
    default_args={"retries": int("<retries>"), "retry_delay": timedelta(seconds=1)},
):
    with OpendatasoftPublication(
        "roads",
        dataset="{{ dag_run.conf['dataset'] }}",
        keep="{{ dag_run.conf['keep'] }}",
        poll_interval=2.0,
        # <group>
    ) as roads:
        OpendatasoftUploadOperator(
            task_id="load",
            restore_point=roads.restore_point,
            source="{{ dag_run.conf['source'] }}",
            title="Road events",
            poll_interval=2.0,
            # <load>
        )
