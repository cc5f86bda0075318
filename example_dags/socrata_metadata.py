"""Say what the airports are, and attach their guide.

The portal checks the metadata before any of them is written, and only what differs is written; a guide that
is attached already is not sent again. What other people wrote and attached stays. It may run every day.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_socrata.operators.socrata import SocrataAttachFileOperator, SocrataSetMetadataOperator

with DAG(
    "socrata_metadata",
    description="Metadata of the airports, and their guide",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    params={
        "dataset": Param("airp-orts", type="string", pattern="^[a-z0-9]{4}-[a-z0-9]{4}$"),
        "guide": Param(os.environ.get("AIRPORTS_GUIDE_FILE", "/data/airports-guide.pdf"), type="string"),
    },
    tags=["socrata", "example"],
) as dag:
    metadata = SocrataSetMetadataOperator(
        task_id="metadata",
        dataset="{{ params.dataset }}",
        metadata={
            "description": "Every airport with an ICAO code.",
            "category": "Transportation",
            "tags": ["airports", "aviation"],
            "license": "CC_40_BY",
            "attribution": "Department of Aviation",
            "attribution_link": "https://example.gov/aviation",
            "row_label": "Airport",
            "custom_fields": {"Publication": {"Cycle": "Weekly"}},
        },
        strict=True,
    )
    guide = SocrataAttachFileOperator(
        task_id="guide",
        dataset="{{ params.dataset }}",
        source="{{ params.guide }}",
        filename="airports-guide.pdf",
        name="How to read the airports",
        content_type="application/pdf",
    )
    metadata >> guide
