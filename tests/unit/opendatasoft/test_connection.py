"""Signing in, and the answer to "does this connection work?"."""

from __future__ import annotations

import subprocess
import sys

import pytest
from unit.client.portal_servers import Answer, ScriptedPortal, unused_port
from unit.opendatasoft import samples
from unit.opendatasoft.conftest import API_KEY

from airflow_socrata.client import ConfigurationError, PortalError, PortalSession, RetryBudget
from airflow_socrata.opendatasoft.automation import AutomationV1
from airflow_socrata.opendatasoft.check import describe_connection, explain_failure
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.management import ManagementV2
from airflow_socrata.opendatasoft.portal import portal_settings

AUTO, MGMT = AutomationV1(), ManagementV2()


def test_headers() -> None:
    assert PortalKey(api_key="abc").headers() == {"Authorization": "Apikey abc"}
    assert PortalKey(user="ann", password="pw").headers() == {"Authorization": "Basic YW5uOnB3"}
    assert PortalKey(api_key="", user="").headers() == {}
    assert "abc" not in repr(PortalKey(api_key="abc"))
    assert set(PortalKey(user="ann", password="pw").secrets()) == {"pw", "YW5uOnB3"}


@pytest.mark.parametrize(
    "given",
    [
        {"api_key": "k", "user": "u", "password": "p"},
        {"user": "u"},
        {"password": "p"},
        {"user": "a:b", "password": "p"},
        {"api_key": "k\r\nX: 1"},
    ],
)
def test_credentials_that_cannot_be_used(given: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        PortalKey(**given)


def test_link() -> None:
    settings = portal_settings("data.example.gov", PortalKey(api_key=API_KEY))
    assert settings.dataset_link("air-quality") == "https://data.example.gov/explore/dataset/air-quality/"
    assert API_KEY not in repr(settings)


def test_it_works(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(samples.page(samples.DATASET, total=502), samples.mgmt_page(samples.MGMT_DATASET))
    assert describe_connection(session, AUTO) == (
        "127.0.0.1 answers through the Automation API v1.0: 502 datasets to edit"
    )
    assert describe_connection(session, MGMT).endswith("Management API v2: 1 dataset to edit")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Answer(401, ""), "check the API key"),
        (Answer(403, ""), "permission edit_dataset"),
        (Answer(404, "<html></html>"), "or set the api of the connection to automation"),
        (Answer(410, ""), "or set the api of the connection to automation"),
        (Answer(200, "<html></html>"), "does not speak the Management API v2"),
        (Answer(503, ""), "HTTP 503"),
    ],
)
def test_it_does_not(portal: ScriptedPortal, session: PortalSession, told: Answer, words: str) -> None:
    portal.default = told
    with pytest.raises(PortalError) as caught:
        describe_connection(session, MGMT)
    sentence = explain_failure(caught.value, MGMT)
    assert words in sentence
    assert sentence[0].isupper() or sentence[0].isdigit()
    assert sentence.endswith(".")


def test_no_credentials_and_no_portal() -> None:
    settings = portal_settings("127.0.0.1", PortalKey(), port=unused_port(), scheme="http")
    with PortalSession(settings) as session, pytest.raises(ConfigurationError, match="give an API key"):
        describe_connection(session, AUTO)
    settings = portal_settings("127.0.0.1", PortalKey("k"), port=unused_port(), scheme="http")
    once = RetryBudget(attempts=1)
    with PortalSession(settings, budget=once) as session, pytest.raises(PortalError) as caught:
        session.send(AUTO.list_datasets())
    assert "connection refused" in explain_failure(caught.value, AUTO)


def test_the_client_is_light_and_stands_alone() -> None:
    names = "actions, automation, check, explore, management, multipart, portal, push, status, steps"
    absent = ("airflow", "httpx", "requests", "urllib3", "airflow_socrata.client.transport")
    code = (
        f"import sys; from airflow_socrata.opendatasoft import {names};"
        f" print([name for name in {absent!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
