"""The DAG of the tests that publishes by a revision, as a user writes it.

``kill_harness.dag_files`` fills in what is in angle brackets.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_socrata.operators.socrata import SocrataUploadOperator
from airflow_socrata.task_groups import SocrataPublication

with DAG(  # noqa: SIM117 - as the documentation writes it
    "<dag_id>",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    max_active_runs=64,
    max_active_tasks=64,
    default_args={"retries": int("<retries>"), "retry_delay": timedelta(seconds=1)},
    # <options>
):
    with SocrataPublication(
        "roads",
        dataset="{{ dag_run.conf['dataset'] }}",
        method="revision",
        action="<action>",
        poll_interval=2.0,
        # <group>
    ) as roads:
        SocrataUploadOperator(
            task_id="load",
            revision=roads.revision,
            source="{{ dag_run.conf['source'] }}",
            transforms={"street": "title_case(`street`)"},
            poll_interval=2.0,
            # <load>
        )
