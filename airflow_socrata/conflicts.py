"""The dead distribution that installs the same import name, and what it leaves of this one."""

from __future__ import annotations

from pathlib import Path

import airflow_socrata

OLD_PLUGIN = "airflow-socrata-plugin"
_REINSTALL = "'pip install --force-reinstall --no-deps airflow-provider-socrata'"


def own_version() -> str:
    """Return the version of this package, proved to be whole.

    ``airflow-socrata-plugin`` (2019) installs into the same folder: its ``__init__.py`` replaces ours when it
    is installed last, and uninstalling it removes ours. Asked by a module that every hook, operator, sensor
    and trigger imports; looks at files alone: asking for metadata takes longer than the whole import.

    :raises RuntimeError: the old plugin is there, or has taken files along.
    """
    if (Path(__file__).parent / "socrata_plugin.py").exists():
        raise RuntimeError(
            f"{OLD_PLUGIN} is installed and overwrites files of airflow-provider-socrata (both install "
            f"airflow_socrata): run 'pip uninstall {OLD_PLUGIN}', then {_REINSTALL}."
        )
    # A folder without __init__.py is still a package for Python, and empty.
    version: str | None = getattr(airflow_socrata, "__version__", None)
    if version is None:
        raise RuntimeError(
            "airflow-provider-socrata lacks its airflow_socrata/__init__.py, as after 'pip uninstall "
            f"{OLD_PLUGIN}': run {_REINSTALL}."
        )
    return version
