"""Files to publish by revision, and what is left of the revisions afterwards."""

from __future__ import annotations

import csv
import functools
import re
from typing import TYPE_CHECKING, Any

import pytest

from portal_harness.publications import (
    OLD_ROWS,
    START,
    Dataset,
    errors,
    publishing_dag,
    records,
    upload,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

FIELDS = ("event_id", "street", "lanes")
#: One row changed, one new.
CHANGED = [
    {"event_id": "e1", "street": "Óðinsgata", "lanes": "99"},
    {"event_id": "e21", "street": "Háaleitisbraut", "lanes": "2"},
]
REVISIONS = "/api/publishing/v1/revision/"
#: The tasks of the composition.
CREATE, LOAD, APPLY, WAIT, VERIFY, DISCARD = (
    f"p.{name}" for name in ("create_revision", "load", "apply", "wait", "verify", "discard_revision")
)


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]], fields: Sequence[str] = FIELDS) -> Path:
    """Write rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def changes(tmp_path: Path) -> Path:
    """``CHANGED`` as a CSV file."""
    return write_csv(tmp_path / "changes.csv", CHANGED)


@pytest.fixture
def revise(request: pytest.FixtureRequest, run_dag: Any) -> Callable[..., Any]:
    """``revise(dataset, file, load={...}, **options)``: run a DAG that publishes a file by revision, once.

    Called twice in one test it is the next run of the same DAG. ``load``: arguments of the upload.
    """
    return functools.partial(_revise, re.sub(r"\W+", "_", request.node.name), run_dag)


def _revise(
    name: str,
    run_dag: Any,
    dataset: Dataset,
    file: Any,
    *,
    load: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    uploading = file if callable(file) else upload(file, **dict(load or {}))
    return run_dag(publishing_dag(name, dataset, uploading, **({"method": "revision"} | options)))


def update_dag(name: str, dataset: Dataset, file: Any, /, *, retries: int = 0, **options: Any) -> Any:
    """A DAG whose one task ``update`` publishes a file."""
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators.socrata import SocrataUpdateDatasetOperator

    arguments = {"dataset": dataset.id, "source": str(file), "timeout": 600.0, "poll_interval": 5.0}
    with DAG(name, schedule=None, start_date=START, default_args={"retries": retries}) as dag:
        SocrataUpdateDatasetOperator(task_id="update", **(arguments | options))
    return dag


def open_revisions(dataset: Dataset) -> list[int]:
    """The numbers of the open revisions, oldest first."""
    return sorted(known["seq"] for known in dataset.portal.admin.revisions(dataset.id) if known["open"])


def jobs(dataset: Dataset) -> list[str]:
    """How each apply has ended or stands, oldest first."""
    found = [job for known in dataset.portal.admin.revisions(dataset.id) for job in known["task_sets"]]
    return [job["status"] for job in sorted(found, key=lambda job: int(job["id"]))]


def old_rows() -> list[dict[str, str]]:
    """What the public sees of ``OLD_ROWS``."""
    return [row | {"lanes": str(row["lanes"])} for row in OLD_ROWS]


def after_upsert() -> list[dict[str, str]]:
    """What the public sees once ``CHANGED`` are upserted."""
    rows = {row["event_id"]: row for row in old_rows()} | {row["event_id"]: row for row in CHANGED}
    return list(rows.values())


def assert_applied(
    run: Any, dataset: Dataset, rows: list[dict[str, Any]], *, others: Sequence[int] = (), times: int = 1
) -> None:
    """The run is green, the public sees these rows, one apply did it, and nothing is left behind."""
    assert run.state == "success", {task: errors(run, task) for task in run.states}
    assert dataset.rows() == sorted(rows, key=lambda row: (len(row["event_id"]), row["event_id"]))
    assert open_revisions(dataset) == list(others)
    assert jobs(dataset).count("successful") == times
    appended = "update" in run.tasks and not dataset.view().get("rowIdentifierColumnId")
    assert len(records()) == (2 if appended else 0)  # kept against a second append, until the next run
    last = run.task("update" if "update" in run.tasks else VERIFY).return_value
    assert last["rows_after"] == len(rows)


def assert_not_applied(
    run: Any,
    dataset: Dataset,
    rows: list[dict[str, Any]] | None = None,
    *,
    others: Sequence[int] = (),
    may_land: bool = False,
) -> None:
    """The run is red, the public sees what it saw before, and no revision of the run is left open.

    :param may_land: a record of the run stays, from which the next run tells its revision from a person's.
    """
    assert run.state == "failed", run.states
    assert dataset.rows() == (old_rows() if rows is None else rows)
    assert open_revisions(dataset) == list(others)
    assert len(records()) == (2 if may_land else 0), records()
