"""The operators for Socrata portals."""

from __future__ import annotations

from airflow_socrata.operators.publish import SocrataPublishOperator, SocrataVerifyOperator
from airflow_socrata.operators.rows import SocrataReplaceOperator, SocrataUpsertOperator
from airflow_socrata.operators.working_copy import (
    SocrataCreateWorkingCopyOperator,
    SocrataDiscardStaleWorkingCopiesOperator,
    SocrataDiscardWorkingCopyOperator,
)

__all__ = [
    "SocrataCreateWorkingCopyOperator",
    "SocrataDiscardStaleWorkingCopiesOperator",
    "SocrataDiscardWorkingCopyOperator",
    "SocrataPublishOperator",
    "SocrataReplaceOperator",
    "SocrataUpsertOperator",
    "SocrataVerifyOperator",
]
