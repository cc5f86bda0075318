"""The tables that decide, as Markdown for the docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.publication.opendatasoft.states import ROLLBACK as DATASET_ROLLBACK
from airflow_socrata.publication.opening import REMEDIES
from airflow_socrata.publication.states import ROLLBACK

if TYPE_CHECKING:
    from collections.abc import Iterable


def rollback_table_text() -> str:
    """What rollback does in each state."""
    return _table(
        ("state", "rollback does"), ((state.value, action.value) for state, action in ROLLBACK.items())
    )


def dataset_rollback_table_text() -> str:
    """What rollback does in each state of a change of an Opendatasoft dataset."""
    rows = ((state.value, action.value) for state, action in DATASET_ROLLBACK.items())
    return _table(("state", "rollback does"), rows)


def remedies_table_text() -> str:
    """What Create does with a working copy that it finds open."""
    return _table(
        ("the open working copy is", "Create does"),
        ((ownership.value, remedy.value) for ownership, remedy in REMEDIES.items()),
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
