"""The DAG of the tests, as a user writes it: pages of a source are published whole, or nothing changes.

``kill_harness.dag_files`` fills in what is in angle brackets.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import requests
from airflow.providers.common.compat.sdk import DAG

from airflow_socrata.operators.socrata import SocrataReplaceOperator, SocrataUpsertOperator
from airflow_socrata.task_groups import SocrataPublication

PAGE = 4


def source_rows(dag_run):
    """Read the source page by page; an event that is over is left out, or deleted."""
    url, offset = dag_run.conf["source"], 0
    while True:
        page = requests.get(
            url, params={"$order": "event_id", "$limit": PAGE, "$offset": offset}, timeout=600
        ).json()
        for row in page:
            if "over" not in row:
                yield row
            elif "<method>" == "copy":
                yield {"event_id": row["event_id"], ":deleted": True}
        if len(page) < PAGE:
            return
        offset += PAGE


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
        method="<method>",
        poll_interval=2.0,
        # <group>
    ) as roads:
        load = SocrataUpsertOperator if "<method>" == "copy" else SocrataReplaceOperator
        load(
            task_id="load",
            working_copy=roads.working_copy,
            rows=source_rows,
            batch_rows=PAGE,
            # <load>
        )
