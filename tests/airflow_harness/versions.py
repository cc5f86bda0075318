"""Which Airflow is installed; asked without importing it, because that takes seconds."""

from __future__ import annotations

from importlib.metadata import version

AIRFLOW_VERSION: tuple[int, int, int] = tuple(int(part) for part in version("apache-airflow").split(".")[:3])  # type: ignore[assignment]
AIRFLOW_3: bool = AIRFLOW_VERSION >= (3, 0, 0)
AIRFLOW_3_3: bool = AIRFLOW_VERSION >= (3, 3, 0)
