"""The example DAGs, and the files that they read."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "example_dags"
AIRPORTS = ["icao", "name", "lat", "lon"]


def load_dag(name: str) -> Any:
    """The one DAG of an example."""
    from airflow.providers.common.compat.sdk import DAG

    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    values = vars(module).values()
    found = [value if isinstance(value, DAG) else getattr(value, "dag", None) for value in values]
    return next(dag for dag in found if isinstance(dag, DAG))


def write(path: Path, header: list[str], rows: list[tuple[str, ...]]) -> str:
    path.write_text("\n".join(",".join(cells) for cells in [header, *rows]) + "\n", encoding="utf-8")
    return str(path)
