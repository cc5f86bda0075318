"""Fixtures for tests that run operators against the Opendatasoft emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.emulator.pytest_plugin import opendatasoft_emulator, opendatasoft_emulator_server
from portal_harness.clock import TurnedClock
from portal_harness.publications import forget_records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["opendatasoft", "opendatasoft_emulator", "opendatasoft_emulator_server", "use"]

CONNECTION = "AIRFLOW_CONN_OPENDATASOFT_DEFAULT"
APIS = ("automation", "management")
IN_BOTH_APIS = pytest.mark.parametrize("opendatasoft", APIS, indirect=True)
IN_BOTH_WAYS = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])


@pytest.fixture
def use(opendatasoft_emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``use(api="management", key=...)``: the default connection from now on."""

    def change(*, api: str = "automation", key: str | None = None) -> None:
        connection = dict(opendatasoft_emulator.connection)
        connection["extra"] = connection["extra"] | {"api": api}
        connection["password"] = key or connection["password"]
        monkeypatch.setenv(CONNECTION, json.dumps(connection))

    return change


@pytest.fixture
def opendatasoft(
    request: pytest.FixtureRequest,
    opendatasoft_emulator: Any,
    airflow_database: Path,
    monkeypatch: pytest.MonkeyPatch,
    use: Callable[..., None],
) -> Any:
    """An empty portal that the default connection leads to; pauses take no time.

    Parametrised indirectly, the API that the connection names.
    """
    use(api=getattr(request, "param", "automation"))
    forget_records()
    TurnedClock(opendatasoft_emulator).install(monkeypatch)
    return opendatasoft_emulator
