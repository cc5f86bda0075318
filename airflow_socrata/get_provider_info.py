"""What Airflow is told about this package. Imports nothing but constants: every Airflow process calls it."""

from __future__ import annotations

from typing import Any

from airflow_socrata.connection_form import (
    OPENDATASOFT_BEHAVIOUR,
    OPENDATASOFT_FIELDS,
    SOCRATA_BEHAVIOUR,
    SOCRATA_FIELDS,
)


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, the only source of it."""
    return {
        "package-name": "airflow-provider-socrata",
        "name": "Socrata",
        "description": "Publish datasets to Socrata and Opendatasoft portals: all of it, or nothing changes.",
        "integrations": [
            {
                "integration-name": "Socrata",
                "external-doc-url": "https://dev.socrata.com/publishers/",
                "tags": ["service"],
            },
            {
                "integration-name": "Opendatasoft",
                "external-doc-url": "https://developer.huwise.com/apis/automation/v1.0",
                "tags": ["service"],
            },
        ],
        "connection-types": [
            {
                "connection-type": "socrata",
                "hook-class-name": "airflow_socrata.hooks.socrata.SocrataHook",
                "hook-name": "Socrata",
                "ui-field-behaviour": {key: value for key, value in SOCRATA_BEHAVIOUR.items()},
                "conn-fields": {name: dict(entry) for name, entry in SOCRATA_FIELDS.items()},
            },
            {
                "connection-type": "opendatasoft",
                "hook-class-name": "airflow_socrata.hooks.opendatasoft.OpendatasoftHook",
                "hook-name": "Opendatasoft",
                "ui-field-behaviour": {key: value for key, value in OPENDATASOFT_BEHAVIOUR.items()},
                "conn-fields": {name: dict(entry) for name, entry in OPENDATASOFT_FIELDS.items()},
            },
        ],
        "hooks": [
            {"integration-name": "Socrata", "python-modules": ["airflow_socrata.hooks.socrata"]},
            {"integration-name": "Opendatasoft", "python-modules": ["airflow_socrata.hooks.opendatasoft"]},
        ],
        "operators": [
            {
                "integration-name": "Socrata",
                "python-modules": [
                    "airflow_socrata.operators.socrata",
                    "airflow_socrata.operators.working_copy",
                    "airflow_socrata.operators.rows",
                    "airflow_socrata.operators.loads",
                    "airflow_socrata.operators.files",
                    "airflow_socrata.operators.single_rows",
                    "airflow_socrata.operators.columns",
                    "airflow_socrata.operators.publish",
                    "airflow_socrata.operators.revision",
                    "airflow_socrata.operators.upload",
                    "airflow_socrata.operators.apply",
                    "airflow_socrata.operators.imports",
                    "airflow_socrata.operators.metadata",
                    "airflow_socrata.operators.datasets",
                    "airflow_socrata.operators.schema",
                    "airflow_socrata.operators.new_dataset",
                    "airflow_socrata.operators.access",
                    "airflow_socrata.operators.snapshots",
                ],
            },
            {
                "integration-name": "Opendatasoft",
                "python-modules": [
                    "airflow_socrata.operators.opendatasoft",
                    "airflow_socrata.operators.opendatasoft.datasets",
                    "airflow_socrata.operators.opendatasoft.orders",
                    "airflow_socrata.operators.opendatasoft.publication",
                ],
            },
        ],
        "sensors": [
            {
                "integration-name": "Socrata",
                "python-modules": [
                    "airflow_socrata.sensors.socrata",
                    "airflow_socrata.sensors.revision",
                    "airflow_socrata.sensors.access",
                ],
            },
            {"integration-name": "Opendatasoft", "python-modules": ["airflow_socrata.sensors.opendatasoft"]},
        ],
        "triggers": [
            {
                "integration-name": "Socrata",
                "python-modules": [
                    "airflow_socrata.triggers.socrata",
                    "airflow_socrata.triggers.revision",
                    "airflow_socrata.triggers.access",
                ],
            },
            {"integration-name": "Opendatasoft", "python-modules": ["airflow_socrata.triggers.opendatasoft"]},
        ],
        "extra-links": [
            "airflow_socrata.links.socrata.SocrataDatasetLink",
            "airflow_socrata.links.socrata.SocrataWorkingCopyLink",
            "airflow_socrata.links.socrata.SocrataRevisionLink",
            "airflow_socrata.links.socrata.SocrataRejectedRowsLink",
            "airflow_socrata.links.opendatasoft.OpendatasoftDatasetLink",
        ],
    }
