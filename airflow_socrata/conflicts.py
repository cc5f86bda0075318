"""The dead distribution that installs the same import name."""

from __future__ import annotations

from importlib import metadata

OLD_PLUGIN = "airflow-socrata-plugin"


def check_for_old_plugin() -> None:
    """Refuse to work beside ``airflow-socrata-plugin`` (2019), which installs into the same package folder.

    :raises RuntimeError: it is installed.
    """
    try:
        version = metadata.version(OLD_PLUGIN)
    except metadata.PackageNotFoundError:
        return
    raise RuntimeError(
        f"{OLD_PLUGIN} {version} is installed and overwrites files of airflow-provider-socrata (both install "
        f"airflow_socrata): run 'pip uninstall {OLD_PLUGIN}', then 'pip install --force-reinstall --no-deps "
        "airflow-provider-socrata'."
    )
