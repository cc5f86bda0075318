"""Every day, publish what has changed between two releases of the airports: new, changed and closed ones.

A task computes the change file from the former and the new release; the upsert matches airports by the row
identifier ``icao``, and rows whose ``:deleted`` is true are deleted. The working copy is opened only when the
change file is there, so that it stands in nobody's way for longer than the load takes.
"""

from __future__ import annotations

import csv
import io
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, ObjectStoragePath, Param, task

from airflow_socrata.operators.socrata import SocrataUpsertOperator
from airflow_socrata.task_groups import SocrataPublication

if TYPE_CHECKING:
    from collections.abc import Iterator

FOUR_BY_FOUR = "^[a-z0-9]{4}-[a-z0-9]{4}$"
KEY = "icao"


def releases(path: str) -> Iterator[dict[str, str]]:
    """Yield the airports of a release, with their place as a point (longitude first); none without a path."""
    if not path:
        return
    with ObjectStoragePath(path).open("rb") as file:
        for row in csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline="")):
            yield {**row, "location": f"POINT ({row['lon']} {row['lat']})"}


@task
def compute_changes(former: str, new: str, changes: str) -> str:
    """Write the airports that are new, changed or gone to a CSV file; return its path.

    Skips when nothing has changed: no working copy is opened then, and the run is green.
    """
    written = 0
    known = {row[KEY]: row for row in releases(former)}
    target = ObjectStoragePath(changes)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = None
        for row in releases(new):
            if writer is None:
                writer = csv.DictWriter(file, [*row, ":deleted"], restval="")
                writer.writeheader()
            if known.pop(row[KEY], None) != row:
                writer.writerow(row)
                written += 1
        if writer is not None:
            writer.writerows({KEY: key, ":deleted": "true"} for key in known)
    if not written and not known:
        raise AirflowSkipException("No airport has changed.")
    return changes


with DAG(
    "socrata_airports_upsert",
    description="Daily upsert of the airports that have changed",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    params={
        "dataset": Param("airp-orts", type="string", pattern=FOUR_BY_FOUR),
        "former": Param(os.environ.get("AIRPORTS_FORMER_FILE", "/data/airports-former.csv"), type="string"),
        "new": Param(os.environ.get("AIRPORTS_NEW_FILE", "/data/airports.csv"), type="string"),
        "changes": Param(os.environ.get("AIRPORTS_CHANGES_FILE", "/tmp/airports-changes.csv"), type="string"),  # noqa: S108
    },
    tags=["socrata", "example"],
):
    change_file = compute_changes("{{ params.former }}", "{{ params.new }}", "{{ params.changes }}")

    with SocrataPublication("publication", dataset="{{ params.dataset }}", method="copy") as publication:
        SocrataUpsertOperator(task_id="upsert", working_copy=publication.working_copy, source=change_file)

    change_file >> publication
