"""Dataset ids: the portal's 4x4."""

from __future__ import annotations

import re
from typing import TypeGuard

from airflow_socrata.client.errors import ConfigurationError

DATASET_ID_PATTERN = "^[a-z0-9]{4}-[a-z0-9]{4}$"
_DATASET_ID = re.compile(r"[a-z0-9]{4}-[a-z0-9]{4}")


def is_dataset_id(value: object) -> TypeGuard[str]:
    """Tell whether ``value`` is a 4x4 such as ``abcd-1234``."""
    return isinstance(value, str) and _DATASET_ID.fullmatch(value) is not None


def check_dataset_id(value: str) -> str:
    """Return ``value`` if it is a 4x4.

    :raises ConfigurationError: if it is none; the message names the pattern.
    """
    if not is_dataset_id(value):
        raise ConfigurationError(
            f"{str(value)[:80]!r} is not a dataset id: it must match {DATASET_ID_PATTERN}, such as abcd-1234"
        )
    return value
