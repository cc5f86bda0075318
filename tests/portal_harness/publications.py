"""Datasets, DAGs that publish to them, and what the public sees."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COLUMNS = [
    {"name": "Event id", "fieldName": "event_id", "dataTypeName": "text"},
    {"name": "Street", "fieldName": "street", "dataTypeName": "text"},
    {"name": "Lanes", "fieldName": "lanes", "dataTypeName": "number"},
]
OLD_ROWS = [{"event_id": f"e{n}", "street": "Óðinsgata", "lanes": n} for n in range(1, 21)]
#: One row changed, one new, one gone.
CHANGES = [
    {"event_id": "e1", "lanes": 99},
    {"event_id": "e21", "street": "Háaleitisbraut", "lanes": 2},
    {"event_id": "e2", ":deleted": True},
]
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Dataset:
    """A published dataset on the emulator."""

    portal: Any
    id: str

    def rows(self) -> list[dict[str, Any]]:
        """What is published, in the order of the keys; the truth, past replicas and sign-in."""
        return sorted(
            self.portal.admin.rows(self.id), key=lambda row: (len(row["event_id"]), row["event_id"])
        )

    def ids(self) -> list[str]:
        """The keys of the published rows."""
        return [row["event_id"] for row in self.rows()]

    def copies(self) -> list[dict[str, Any]]:
        """The open working copies."""
        return [copy for copy in self.portal.admin.state(self.id)["copies"] if copy["stage"] == "unpublished"]

    def view(self, dataset: str | None = None) -> dict[str, Any]:
        """A view as the publisher sees it."""
        import requests

        with requests.Session() as session:
            session.trust_env = False
            reply = session.get(
                f"{self.portal.url}/api/views/{dataset or self.id}.json",
                auth=(self.portal.username, self.portal.password),
                timeout=30,
            )
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def calls(self, method: str, path: str = "") -> list[dict[str, Any]]:
        """The requests with this method whose path (and query) hold a text, in order."""

        def address(call: dict[str, Any]) -> str:
            return f"{call['path']}?{'&'.join('='.join(pair) for pair in call['query'])}"

        log = self.portal.admin.requests()
        return [call for call in log if call["method"] == method and path in address(call)]

    def after_changes(self) -> list[dict[str, Any]]:
        """What the public sees once ``CHANGES`` are published, and nothing else has happened."""
        rows = {row["event_id"]: row | {"lanes": str(row["lanes"])} for row in OLD_ROWS}
        rows["e1"]["lanes"] = "99"
        rows["e21"] = {"event_id": "e21", "street": "Háaleitisbraut", "lanes": "2"}
        del rows["e2"]
        return list(rows.values())


def make_dataset(portal: Any, *, keyed: bool = True, rows: Sequence[Any] = OLD_ROWS, **more: Any) -> Dataset:
    """Create a published dataset with a row identifier, or without one."""
    settings: dict[str, Any] = {"name": "Road events", "permission": "public"} | more
    view = portal.admin.create_dataset(
        columns=COLUMNS, row_identifier="event_id" if keyed else None, rows=rows, **settings
    )
    return Dataset(portal, view["id"])


def upsert(rows: Any = CHANGES, **options: Any) -> Callable[[Any], Any]:
    """A load for ``publish_dag``: upsert these rows, or what the callable yields."""
    from airflow_socrata.operators.socrata import SocrataUpsertOperator

    found = _callable(rows)
    return lambda publication: SocrataUpsertOperator(
        **({"task_id": "load", "working_copy": publication.working_copy, "rows": found} | options)
    )


def upsert_file(source: Any, **options: Any) -> Callable[[Any], Any]:
    """A load for ``publish_dag``: upsert the rows of a file."""
    return upsert(rows=None, **({"source": str(source)} | options))


def replace(rows: Any = CHANGES[:2], **options: Any) -> Callable[[Any], Any]:
    """A load for ``publish_dag(method="copySchema")``: these rows instead of those that are there."""
    from airflow_socrata.operators.socrata import SocrataReplaceOperator

    found = _callable(rows)
    return lambda publication: SocrataReplaceOperator(
        **({"task_id": "load", "working_copy": publication.working_copy, "rows": found} | options)
    )


def upload(source: Any, **options: Any) -> Callable[[Any], Any]:
    """A load for ``publish_dag(method="revision")``: upload a file to the revision."""
    from airflow_socrata.operators.socrata import SocrataUploadOperator

    return lambda publication: SocrataUploadOperator(
        **({"task_id": "load", "revision": publication.revision, "source": str(source)} | options)
    )


def _callable(rows: Any) -> Any:
    return rows if rows is None or callable(rows) else lambda: rows


def publishing_dag(
    name: str,
    dataset: Dataset,
    load: Callable[[Any], Any],
    *,
    retries: int = 0,
    dag_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    """A DAG whose group ``p`` publishes what ``load(publication)`` loads."""
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.task_groups import SocrataPublication

    settings: dict[str, Any] = {"start_date": START, "default_args": {"retries": retries}}
    publication: dict[str, Any] = {"dataset": dataset.id, "timeout": 600.0, "poll_interval": 5.0}
    with (
        DAG(name, schedule=None, **(settings | dict(dag_options or {}))) as dag,
        SocrataPublication("p", **(publication | options)) as group,
    ):
        load(group)
    return dag


def records() -> dict[str, Any]:
    """The intents that this package has on record in Airflow, by the name of their Variable."""
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(select(Variable).where(Variable.key.like("airflow_socrata.%"))).all()
        return {variable.key: json.loads(variable.val) for variable in found}


def forget_records() -> None:
    """Remove them."""
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        found = delete(Variable).where(Variable.key.like("airflow_socrata.%"))
        session.execute(found.execution_options(synchronize_session=False))


def errors(run: Any, task_id: str) -> list[str]:
    """What the tries of a task raised, as text."""
    return [f"{type(error).__name__}: {error}" for error in run.task(task_id).exceptions]


def assert_published(run: Any, dataset: Dataset, rows: list[dict[str, Any]]) -> None:
    """The run is green, the public sees these rows, and nothing is left behind."""
    assert run.state == "success", {task: errors(run, task) for task in run.states}
    assert dataset.rows() == rows
    assert dataset.copies() == []
    assert records() == {}
    assert run.task("p.verify").return_value["rows_after"] == len(rows)


def assert_unchanged(
    run: Any, dataset: Dataset, rows: list[dict[str, Any]], *, copy_may_land: bool = False
) -> None:
    """The run is red, the public sees what it saw before, and no working copy is left behind.

    :param copy_may_land: a record of the run stays, from which the next run tells its copy from a person's.
    """
    assert run.state == "failed", run.states
    assert dataset.rows() == rows
    assert dataset.copies() == []
    assert len(records()) == (2 if copy_may_land else 0)
