"""'Test connection': who you are, or one sentence on what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from unit.client.conftest import APP_TOKEN, SECRET
from unit.client.portal_servers import Answer, FakeClock, unused_port

from airflow_socrata.client import (
    Credentials,
    PortalError,
    PortalSession,
    describe_connection,
    explain_failure,
)

if TYPE_CHECKING:
    from unit.client.portal_servers import ScriptedPortal

    from airflow_socrata.client import PortalSettings


def explained(settings: PortalSettings) -> str:
    with (
        PortalSession(settings, clock=FakeClock()) as session,
        pytest.raises(PortalError) as failed,
    ):
        describe_connection(session)
    sentence = explain_failure(failed.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert SECRET not in sentence
    assert APP_TOKEN not in sentence
    return sentence


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ('{"id":"pe6p-uu2n","displayName":"Ann Example"}', "Signed in as Ann Example on 127.0.0.1"),
        ('{"id":"pe6p-uu2n","email":"ann@example.gov"}', "Signed in as ann@example.gov on 127.0.0.1"),
        ('{"id":"pe6p-uu2n"}', "Signed in as pe6p-uu2n on 127.0.0.1"),
    ],
)
def test_signed_in(portal: ScriptedPortal, session: PortalSession, user: str, expected: str) -> None:
    portal.answer(Answer(200, user))
    assert describe_connection(session) == expected
    assert portal.requests[0].path == "/api/users/current.json"


def test_no_credentials(portal: ScriptedPortal, settings: PortalSettings) -> None:
    anonymous = replace(settings, credentials=Credentials(app_token=APP_TOKEN))
    assert explained(anonymous).startswith("The connection has no credentials: give an API key id and secret")
    assert portal.requests == []


@pytest.mark.parametrize(
    ("answer", "start"),
    [
        (Answer(401), "The portal does not accept the credentials"),
        (
            Answer(403, '{"code":"permission_denied","error":true,"message":"Invalid app_token specified"}'),
            "The portal does not know the app token",
        ),
        (Answer(403, '{"error":true,"message":"You must be logged in"}'), "The portal sees nobody signed in"),
        (
            Answer(404, "<html><title>Not found</title></html>"),
            "What answers at this domain is not a Socrata",
        ),
        (Answer(200, "<html>welcome</html>"), "What answers at this domain is not a Socrata portal"),
        (
            Answer(503, "<html><title>Maintenance</title></html>"),
            "Sign in: HTTP 503: an HTML page, 'Maintenance'",
        ),
        (
            Answer(301, "", {"Location": "https://www.example.gov/"}),
            "Sign in: HTTP 301: the portal redirects to https://www.example.gov",
        ),
    ],
)
def test_sentences(portal: ScriptedPortal, settings: PortalSettings, answer: Answer, start: str) -> None:
    portal.default = answer
    assert explained(settings).startswith(start)
    assert len(portal.requests) <= 2, "somebody waits for the answer"


def test_not_https(portal: ScriptedPortal, settings: PortalSettings) -> None:
    assert "does not speak https" in explained(replace(settings, scheme="https"))


def test_untrusted_certificate(tls_portal: ScriptedPortal, settings: PortalSettings) -> None:
    secure = replace(settings, scheme="https", port=tls_portal.port)
    assert explained(secure).startswith("The certificate of the portal is not trusted")


def test_nobody_there(settings: PortalSettings) -> None:
    sentence = explained(replace(settings, port=unused_port()))
    assert "connection refused" in sentence
    assert "check the domain, the port" in sentence


def test_wrong_host(settings: PortalSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    sentence = explained(replace(settings, domain="portal.localhost"))
    assert sentence == "The host name does not resolve: check the domain of the connection."
