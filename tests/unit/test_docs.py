"""The tables in the docs are those in the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_socrata.client import retry_table_text
from airflow_socrata.publication.tables import (
    dataset_rollback_table_text,
    remedies_table_text,
    rollback_table_text,
)

DOCS = Path(__file__).parents[2] / "docs"
GUARANTEES = DOCS / "guarantees.md"


@pytest.mark.parametrize("table", [retry_table_text, rollback_table_text, remedies_table_text])
def test_the_docs_print_the_table(table) -> None:
    assert table() in GUARANTEES.read_text()


def test_the_docs_print_the_table_of_opendatasoft() -> None:
    assert dataset_rollback_table_text() in (DOCS / "opendatasoft.md").read_text()
