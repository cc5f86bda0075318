"""The operators for Socrata portals."""

from __future__ import annotations

from airflow_socrata.operators.apply import SocrataApplyRevisionOperator, SocrataUpdateDatasetOperator
from airflow_socrata.operators.publish import SocrataPublishOperator, SocrataVerifyOperator
from airflow_socrata.operators.revision import (
    SocrataCreateRevisionOperator,
    SocrataDiscardRevisionOperator,
    SocrataDiscardStaleRevisionsOperator,
    SocrataRestoreRevisionOperator,
)
from airflow_socrata.operators.rows import SocrataReplaceOperator, SocrataUpsertOperator
from airflow_socrata.operators.upload import SocrataTransformOperator, SocrataUploadOperator
from airflow_socrata.operators.working_copy import (
    SocrataCreateWorkingCopyOperator,
    SocrataDiscardStaleWorkingCopiesOperator,
    SocrataDiscardWorkingCopyOperator,
)

__all__ = [
    "SocrataApplyRevisionOperator",
    "SocrataCreateRevisionOperator",
    "SocrataCreateWorkingCopyOperator",
    "SocrataDiscardRevisionOperator",
    "SocrataDiscardStaleRevisionsOperator",
    "SocrataDiscardStaleWorkingCopiesOperator",
    "SocrataDiscardWorkingCopyOperator",
    "SocrataPublishOperator",
    "SocrataReplaceOperator",
    "SocrataRestoreRevisionOperator",
    "SocrataTransformOperator",
    "SocrataUpdateDatasetOperator",
    "SocrataUploadOperator",
    "SocrataUpsertOperator",
    "SocrataVerifyOperator",
]
