"""The client is light and stands alone."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import airflow_socrata.client", ("airflow", "httpx", "requests", "urllib3")),
        ("import airflow_socrata.client.transport", ("airflow", "httpx")),
        ("import airflow_socrata.client.async_session", ("airflow", "requests", "urllib3")),
    ],
)
def test_imports(statement: str, absent: tuple[str, ...]) -> None:
    code = f"import sys; {statement}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists() -> None:
    import airflow_socrata.client as client

    assert len(set(client.__all__)) == len(client.__all__)
    assert not [name for name in client.__all__ if not hasattr(client, name)]


def test_public_errors_are_one_tree() -> None:
    import airflow_socrata.client as client
    from airflow_socrata.client import errors

    in_tree = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.PortalError)
    }
    assert in_tree <= set(client.__all__)
