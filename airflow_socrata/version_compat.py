"""Which Airflow this is."""

from __future__ import annotations

from airflow import __version__ as airflow_version
from packaging.version import Version

_BASE = Version(Version(airflow_version).base_version)

AIRFLOW_V_3_0_PLUS = Version("3.0.0") <= _BASE
AIRFLOW_V_3_3_PLUS = Version("3.3.0") <= _BASE
