"""The whole life of a dataset: created from a file's columns, loaded, made public, mended, deleted.

Nothing of it is seen before it is whole: the dataset is created private and empty, gets its metadata, is
loaded through a working copy, and only then becomes public. The column is added on a working copy as well.

The portal tells datasets apart by the resource name: a second run goes on with the dataset of the first.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param, chain

from airflow_socrata.operators.socrata import (
    SocrataAttachFileOperator,
    SocrataChangeColumnsOperator,
    SocrataCreateDatasetOperator,
    SocrataDeleteDatasetOperator,
    SocrataReplaceOperator,
    SocrataSetMetadataOperator,
    SocrataSetPermissionOperator,
    SocrataUpsertRowOperator,
)
from airflow_socrata.task_groups import SocrataPublication

with DAG(
    "socrata_dataset_life",
    description="The whole life of a dataset",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    params={
        "source": Param(os.environ.get("AIRPORTS_NEW_FILE", "/data/airports.csv"), type="string"),
        "notes": Param(os.environ.get("AIRPORTS_NOTES_FILE", "/data/airports-notes.txt"), type="string"),
        "resource_name": Param("airports_of_the_world", type="string"),
        "backend": Param("new", enum=["new", "old"]),
    },
    tags=["socrata", "example"],
):
    create = SocrataCreateDatasetOperator(
        task_id="create",
        name="Airports of the world",
        resource_name="{{ params.resource_name }}",
        schema_source="{{ params.source }}",
        row_identifier="icao",
        # A run that broke off may have left the dataset with the column that is added below.
        if_different="keep",
        backend="{{ params.backend }}",
    )
    dataset = create.output["dataset"]
    set_metadata = SocrataSetMetadataOperator(
        task_id="set_metadata",
        dataset=dataset,
        metadata={
            "description": "Airports with their codes, places and heights.",
            "attribution": "Aviation authority",
            "tags": ["airports", "aviation"],
            "license": "PUBLIC_DOMAIN",
        },
    )
    with SocrataPublication("publication", dataset=dataset, method="copySchema") as publication:
        SocrataReplaceOperator(
            task_id="load", working_copy=publication.working_copy, source="{{ params.source }}"
        )
    make_public = SocrataSetPermissionOperator(task_id="make_public", dataset=dataset, audience="public")
    with SocrataPublication("new_column", dataset=dataset, method="copy") as new_column:
        SocrataChangeColumnsOperator(
            task_id="add_note",
            working_copy=new_column.working_copy,
            add=[{"field_name": "note", "name": "Note", "data_type": "text"}],
        )
    mend_row = SocrataUpsertRowOperator(
        task_id="mend_row", dataset=dataset, row={"icao": "ENGM", "note": "Opened in 1998, after Fornebu."}
    )
    attach = SocrataAttachFileOperator(task_id="attach", dataset=dataset, source="{{ params.notes }}")
    delete = SocrataDeleteDatasetOperator(
        task_id="delete", dataset=dataset, resource_name="{{ params.resource_name }}"
    )

    chain(set_metadata, publication, make_public, new_column, mend_row, attach, delete)
