"""What Airflow is told about this package. Imports nothing but constants: every Airflow process calls it."""

from __future__ import annotations

from typing import Any

from airflow_socrata.connection_form import SOCRATA_BEHAVIOUR, SOCRATA_FIELDS


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, the only source of it."""
    return {
        "package-name": "airflow-provider-socrata",
        "name": "Socrata",
        "description": "Publish datasets to Socrata portals: all of it, or nothing changes.",
        "integrations": [
            {
                "integration-name": "Socrata",
                "external-doc-url": "https://dev.socrata.com/publishers/",
                "tags": ["service"],
            }
        ],
        "connection-types": [
            {
                "connection-type": "socrata",
                "hook-class-name": "airflow_socrata.hooks.socrata.SocrataHook",
                "hook-name": "Socrata",
                "ui-field-behaviour": {key: value for key, value in SOCRATA_BEHAVIOUR.items()},
                "conn-fields": {name: dict(entry) for name, entry in SOCRATA_FIELDS.items()},
            }
        ],
        "hooks": [{"integration-name": "Socrata", "python-modules": ["airflow_socrata.hooks.socrata"]}],
        "operators": [
            {
                "integration-name": "Socrata",
                "python-modules": [
                    "airflow_socrata.operators.socrata",
                    "airflow_socrata.operators.working_copy",
                    "airflow_socrata.operators.rows",
                    "airflow_socrata.operators.publish",
                    "airflow_socrata.operators.revision",
                    "airflow_socrata.operators.upload",
                    "airflow_socrata.operators.apply",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": "Socrata",
                "python-modules": ["airflow_socrata.sensors.socrata", "airflow_socrata.sensors.revision"],
            }
        ],
        "triggers": [
            {
                "integration-name": "Socrata",
                "python-modules": ["airflow_socrata.triggers.socrata", "airflow_socrata.triggers.revision"],
            }
        ],
        "extra-links": [
            "airflow_socrata.links.socrata.SocrataDatasetLink",
            "airflow_socrata.links.socrata.SocrataWorkingCopyLink",
            "airflow_socrata.links.socrata.SocrataRevisionLink",
            "airflow_socrata.links.socrata.SocrataRejectedRowsLink",
        ],
    }
