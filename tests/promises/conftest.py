"""A portal with one published dataset, and a DAG that publishes to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pytest

pytest_plugins = ["pp"]

COLUMNS = [
    {"name": "Event id", "fieldName": "event_id", "dataTypeName": "text"},
    {"name": "Street", "fieldName": "street", "dataTypeName": "text"},
    {"name": "Lanes", "fieldName": "lanes", "dataTypeName": "number"},
]
OLD_ROWS = [{"event_id": f"e{n}", "street": "Óðinsgata", "lanes": n} for n in range(1, 21)]


@dataclass(frozen=True)
class Dataset:
    """A published dataset on the emulator."""

    portal: Any
    id: str

    def rows(self) -> list[Mapping[str, Any]]:
        """What the public sees, in the order of the keys."""
        return sorted(self.portal.admin.rows(self.id), key=lambda row: row.get("event_id", ""))

    def copies(self) -> list[Mapping[str, Any]]:
        """The open working copies."""
        return [copy for copy in self.portal.admin.state(self.id)["copies"] if copy["stage"] == "unpublished"]


@pytest.fixture
def portal(socrata_emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AIRFLOW_CONN_SOCRATA_DEFAULT", json.dumps(socrata_emulator.connection))
    yield socrata_emulator


@pytest.fixture
def dataset(portal: Any) -> Dataset:
    view = portal.admin.create_dataset(
        name="Road events", columns=COLUMNS, row_identifier="event_id", rows=OLD_ROWS, permission="public"
    )
    return Dataset(portal, view["id"])


@pytest.fixture
def unkeyed(portal: Any) -> Dataset:
    view = portal.admin.create_dataset(name="Counts", columns=COLUMNS, rows=OLD_ROWS, permission="public")
    return Dataset(portal, view["id"])


@pytest.fixture
def publish_dag(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """``publish_dag(dataset, load, **options)``: a DAG whose group publishes what ``load(publication)`` loads."""
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.task_groups import SocrataPublication

    def build(dataset: Dataset, load: Callable[[Any], Any], *, retries: int = 0, **options: Any) -> Any:
        name = request.node.name.translate(str.maketrans("[]-", "___"))
        with DAG(
            name, schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), default_args={"retries": retries}
        ) as dag, SocrataPublication(
            "publication", dataset=dataset.id, **{"timeout": 20, **options}
        ) as publication:
            load(publication)
        return dag

    return build
