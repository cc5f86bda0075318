"""The operators for Socrata portals, each imported when it is first asked for: DAG files are parsed often."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_socrata.conflicts import own_version

if TYPE_CHECKING:
    from airflow_socrata.operators.access import (
        SocrataSetPermissionOperator,
        SocrataTransferOwnershipOperator,
    )
    from airflow_socrata.operators.apply import SocrataApplyRevisionOperator, SocrataUpdateDatasetOperator
    from airflow_socrata.operators.columns import SocrataChangeColumnsOperator, SocrataPlanColumnsOperator
    from airflow_socrata.operators.datasets import SocrataCreateDatasetOperator, SocrataDeleteDatasetOperator
    from airflow_socrata.operators.imports import SocrataImportDatasetOperator, SocrataImportRowsOperator
    from airflow_socrata.operators.metadata import (
        SocrataAttachFileOperator,
        SocrataDetachFileOperator,
        SocrataSetMetadataOperator,
    )
    from airflow_socrata.operators.publish import SocrataPublishOperator, SocrataVerifyOperator
    from airflow_socrata.operators.revision import (
        SocrataCreateRevisionOperator,
        SocrataDiscardRevisionOperator,
        SocrataDiscardStaleRevisionsOperator,
        SocrataRestoreRevisionOperator,
    )
    from airflow_socrata.operators.rows import SocrataReplaceOperator, SocrataUpsertOperator
    from airflow_socrata.operators.single_rows import (
        SocrataDeleteRowOperator,
        SocrataGetRowOperator,
        SocrataReplaceRowOperator,
        SocrataUpsertRowOperator,
    )
    from airflow_socrata.operators.snapshots import SocrataDeleteSnapshotsOperator
    from airflow_socrata.operators.upload import SocrataTransformOperator, SocrataUploadOperator
    from airflow_socrata.operators.working_copy import (
        SocrataCreateWorkingCopyOperator,
        SocrataDiscardStaleWorkingCopiesOperator,
        SocrataDiscardWorkingCopyOperator,
    )

_MODULES = {
    "SocrataApplyRevisionOperator": "apply",
    "SocrataAttachFileOperator": "metadata",
    "SocrataChangeColumnsOperator": "columns",
    "SocrataCreateDatasetOperator": "datasets",
    "SocrataCreateRevisionOperator": "revision",
    "SocrataCreateWorkingCopyOperator": "working_copy",
    "SocrataDeleteDatasetOperator": "datasets",
    "SocrataDeleteRowOperator": "single_rows",
    "SocrataDeleteSnapshotsOperator": "snapshots",
    "SocrataDetachFileOperator": "metadata",
    "SocrataDiscardRevisionOperator": "revision",
    "SocrataDiscardStaleRevisionsOperator": "revision",
    "SocrataDiscardStaleWorkingCopiesOperator": "working_copy",
    "SocrataDiscardWorkingCopyOperator": "working_copy",
    "SocrataGetRowOperator": "single_rows",
    "SocrataImportDatasetOperator": "imports",
    "SocrataImportRowsOperator": "imports",
    "SocrataPlanColumnsOperator": "columns",
    "SocrataPublishOperator": "publish",
    "SocrataReplaceOperator": "rows",
    "SocrataReplaceRowOperator": "single_rows",
    "SocrataRestoreRevisionOperator": "revision",
    "SocrataSetMetadataOperator": "metadata",
    "SocrataSetPermissionOperator": "access",
    "SocrataTransferOwnershipOperator": "access",
    "SocrataTransformOperator": "upload",
    "SocrataUpdateDatasetOperator": "apply",
    "SocrataUploadOperator": "upload",
    "SocrataUpsertOperator": "rows",
    "SocrataUpsertRowOperator": "single_rows",
    "SocrataVerifyOperator": "publish",
}

__all__ = [
    "SocrataApplyRevisionOperator",
    "SocrataAttachFileOperator",
    "SocrataChangeColumnsOperator",
    "SocrataCreateDatasetOperator",
    "SocrataCreateRevisionOperator",
    "SocrataCreateWorkingCopyOperator",
    "SocrataDeleteDatasetOperator",
    "SocrataDeleteRowOperator",
    "SocrataDeleteSnapshotsOperator",
    "SocrataDetachFileOperator",
    "SocrataDiscardRevisionOperator",
    "SocrataDiscardStaleRevisionsOperator",
    "SocrataDiscardStaleWorkingCopiesOperator",
    "SocrataDiscardWorkingCopyOperator",
    "SocrataGetRowOperator",
    "SocrataImportDatasetOperator",
    "SocrataImportRowsOperator",
    "SocrataPlanColumnsOperator",
    "SocrataPublishOperator",
    "SocrataReplaceOperator",
    "SocrataReplaceRowOperator",
    "SocrataRestoreRevisionOperator",
    "SocrataSetMetadataOperator",
    "SocrataSetPermissionOperator",
    "SocrataTransferOwnershipOperator",
    "SocrataTransformOperator",
    "SocrataUpdateDatasetOperator",
    "SocrataUploadOperator",
    "SocrataUpsertOperator",
    "SocrataUpsertRowOperator",
    "SocrataVerifyOperator",
]


own_version()  # names the old plugin at once, not when the first operator is asked for


def __getattr__(name: str) -> Any:
    """Import the operator of this name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    operator = getattr(import_module(f"airflow_socrata.operators.{_MODULES[name]}"), name)
    globals()[name] = operator
    return operator


def __dir__() -> list[str]:
    """Name the operators, imported or not."""
    return sorted(__all__)
