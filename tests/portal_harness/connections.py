"""Connections in Airflow's database, and what they sign in as; a portal that speaks TLS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client import PortalSession, describe_connection
from airflow_socrata.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "SIGNED_IN",
    "add",
    "fields_of",
    "forget",
    "says",
    "signs_in",
    "stored",
    "tls_portal",
    "tls_server",
]

SIGNED_IN = "Signed in as Publishing Job on localhost"


@pytest.fixture(scope="session")
def tls_server() -> Iterator[Emulator]:
    with Emulator(tls=True) as emulator:
        yield emulator


@pytest.fixture
def tls_portal(
    tls_server: Emulator, airflow_database: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Emulator]:
    """An empty portal, and no connection that leads to it."""
    tls_server.admin.reset()
    monkeypatch.delenv("AIRFLOW_CONN_SOCRATA_DEFAULT", raising=False)
    yield tls_server
    forget()


def forget() -> None:
    """Remove the connections that a test has written."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    with create_session() as session:
        for row in session.query(Connection).all():
            session.delete(row)


def stored(conn_id: str) -> Any:
    """The connection in Airflow's database, or None."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(Connection).filter_by(conn_id=conn_id).one_or_none()
        session.expunge_all()
        return found


def add(conn_id: str, **fields: Any) -> None:
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    extra = fields.pop("extra", None)
    with create_session() as session:
        session.add(
            Connection(conn_id=conn_id, conn_type="socrata", extra=extra and json.dumps(extra), **fields)
        )


def fields_of(portal: Any) -> dict[str, Any]:
    """The fields of a connection that leads to a portal with an API key."""
    return {name: portal.connection[name] for name in ("host", "port", "login", "password", "extra")}


def says(conn_id: str) -> tuple[bool, str]:
    """What *Test connection* says of a connection in the environment."""
    from airflow_socrata.hooks.socrata import SocrataHook

    return SocrataHook(conn_id).test_connection()


def signs_in(conn_id: str) -> str:
    """Who the connection in Airflow's database signs in."""
    from airflow_socrata.hooks.socrata import portal_settings

    with PortalSession(portal_settings(stored(conn_id))) as session:
        return describe_connection(session)
