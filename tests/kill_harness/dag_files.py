"""The DAG files of the tests: one text, filled in for each way of publishing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Way = Literal["upsert", "replace"]

GROUP = "roads"
METHODS: dict[Way, str] = {"upsert": "copy", "replace": "copySchema"}


def dag_id_of(way: Way, retries: int) -> str:
    """The DAG that publishes in this way with so many retries."""
    return f"road_events_{way}_{retries}"


def dag_file(way: Way, retries: int) -> str:
    """Its file."""
    text = Path(__file__).with_name("road_events.py").read_text()
    filled = {"dag_id": dag_id_of(way, retries), "retries": str(retries), "method": METHODS[way]}
    for name, value in filled.items():
        text = text.replace(f"<{name}>", value)
    return text
