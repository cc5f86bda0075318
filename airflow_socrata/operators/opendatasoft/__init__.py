"""The operators for Opendatasoft portals, each imported when first asked for: DAG files are parsed often."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_socrata.conflicts import own_version

if TYPE_CHECKING:
    from airflow_socrata.operators.opendatasoft.datasets import (
        OpendatasoftCreateDatasetOperator,
        OpendatasoftDeleteDatasetOperator,
        OpendatasoftPushOperator,
        OpendatasoftRestoreVersionOperator,
        OpendatasoftSetMetadataOperator,
    )
    from airflow_socrata.operators.opendatasoft.orders import (
        OpendatasoftAbortOperator,
        OpendatasoftPublishOperator,
        OpendatasoftUnpublishOperator,
    )
    from airflow_socrata.operators.opendatasoft.publication import (
        OpendatasoftCreateRestorePointOperator,
        OpendatasoftReportOperator,
        OpendatasoftRollbackOperator,
        OpendatasoftUploadOperator,
        OpendatasoftVerifyOperator,
    )

_MODULES = {
    "OpendatasoftAbortOperator": "orders",
    "OpendatasoftCreateDatasetOperator": "datasets",
    "OpendatasoftCreateRestorePointOperator": "publication",
    "OpendatasoftDeleteDatasetOperator": "datasets",
    "OpendatasoftPublishOperator": "orders",
    "OpendatasoftPushOperator": "datasets",
    "OpendatasoftReportOperator": "publication",
    "OpendatasoftRestoreVersionOperator": "datasets",
    "OpendatasoftRollbackOperator": "publication",
    "OpendatasoftSetMetadataOperator": "datasets",
    "OpendatasoftUnpublishOperator": "orders",
    "OpendatasoftUploadOperator": "publication",
    "OpendatasoftVerifyOperator": "publication",
}

__all__ = [
    "OpendatasoftAbortOperator",
    "OpendatasoftCreateDatasetOperator",
    "OpendatasoftCreateRestorePointOperator",
    "OpendatasoftDeleteDatasetOperator",
    "OpendatasoftPublishOperator",
    "OpendatasoftPushOperator",
    "OpendatasoftReportOperator",
    "OpendatasoftRestoreVersionOperator",
    "OpendatasoftRollbackOperator",
    "OpendatasoftSetMetadataOperator",
    "OpendatasoftUnpublishOperator",
    "OpendatasoftUploadOperator",
    "OpendatasoftVerifyOperator",
]


own_version()  # names the old plugin at once, not when the first operator is asked for


def __getattr__(name: str) -> Any:
    """Import the operator of this name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    operator = getattr(import_module(f"airflow_socrata.operators.opendatasoft.{_MODULES[name]}"), name)
    globals()[name] = operator
    return operator


def __dir__() -> list[str]:
    """Name the operators, imported or not."""
    return sorted(__all__)
