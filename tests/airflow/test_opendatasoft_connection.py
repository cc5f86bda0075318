"""The connection to an Opendatasoft portal, and what *Test connection* says of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.opendatasoft_fixtures import APIS

from airflow_socrata.emulator import OpendatasoftEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def secure() -> Iterator[OpendatasoftEmulator]:
    """A portal that speaks HTTPS with a certificate of its own authority."""
    with OpendatasoftEmulator(tls=True) as emulator:
        yield emulator


def hook(monkeypatch: pytest.MonkeyPatch, connection: Any) -> Any:
    from airflow_socrata.hooks.opendatasoft import OpendatasoftHook

    text = connection if isinstance(connection, str) else json.dumps(connection)
    monkeypatch.setenv("AIRFLOW_CONN_TESTED", text)
    return OpendatasoftHook("tested")


def says(monkeypatch: pytest.MonkeyPatch, connection: Any) -> tuple[bool, str]:
    """What *Test connection* says of a connection in the environment."""
    ok, sentence = hook(monkeypatch, connection).test_connection()
    assert "\n" not in sentence
    return ok, sentence


def changed(portal: Any, **changes: Any) -> dict[str, Any]:
    """The portal's connection with some fields changed; ``extra`` is merged."""
    connection = portal.connection
    extra = connection["extra"] | changes.pop("extra", {})
    return connection | changes | {"extra": extra}


@pytest.mark.parametrize(
    ("api", "title"), [("automation", "Automation API v1.0"), (" Management ", "Management API v2")]
)
def test_it_says_which_api_answers(
    opendatasoft: Any, monkeypatch: pytest.MonkeyPatch, api: str, title: str
) -> None:
    opendatasoft.admin.create_dataset("stops", "Stops", [{"id": 1}])
    ok, sentence = says(monkeypatch, changed(opendatasoft, extra={"api": api}))
    assert (ok, sentence) == (True, f"127.0.0.1 answers through the {title}: 1 dataset to edit")


def test_the_automation_api_is_spoken_unless_told(opendatasoft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Automation" in says(monkeypatch, changed(opendatasoft, extra={"api": None}))[1]


@pytest.mark.parametrize("api", APIS)
def test_a_user_and_password_sign_in(opendatasoft: Any, monkeypatch: pytest.MonkeyPatch, api: str) -> None:
    connection = changed(
        opendatasoft, login=opendatasoft.username, password=opendatasoft.password, extra={"api": api}
    )
    assert says(monkeypatch, connection)[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": None}, "no API key"),
        ({"password": ""}, "no API key"),
        ({"login": "publisher", "password": None}, "password is missing"),
        ({"password": "f" * 56}, "check the API key"),
        ({"login": "publisher", "password": "wrong-secret"}, "does not accept the credentials"),
        ({"password": "two words"}, "contains a blank"),
        ({"extra": {"api": "explore"}}, "explore"),
        ({"host": "nowhere.invalid", "schema": "https"}, "does not resolve: check the domain"),
        ({"host": "data.example.gov", "schema": "http"}, "https"),
        ({"host": ""}, "no host"),
        ({"schema": "https"}, "does not speak https"),
        ({"extra": {"read_timeout": "soon"}}, "read_timeout"),
        ({"extra": {"proxy": "socks://user:hidden@proxy"}}, "proxy must be a URL"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    opendatasoft: Any, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: str
) -> None:
    ok, sentence = says(monkeypatch, changed(opendatasoft, **changes))
    assert not ok
    assert words in sentence
    assert sentence.endswith(".")
    for secret in (opendatasoft.api_key, "wrong-secret", "two words", "f" * 56, "hidden"):
        assert secret not in sentence


@pytest.mark.parametrize(("api", "other"), [APIS, APIS[::-1]])
def test_an_api_that_the_portal_does_not_answer(
    opendatasoft: Any, monkeypatch: pytest.MonkeyPatch, api: str, other: str
) -> None:
    opendatasoft.admin.settings(**{api: False})
    ok, sentence = says(monkeypatch, changed(opendatasoft, extra={"api": api}))
    assert not ok
    assert sentence.endswith(f"or set the api of the connection to {other}.")


def test_a_key_that_may_not_edit(opendatasoft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ok, sentence = says(monkeypatch, changed(opendatasoft, password=opendatasoft.reader_key))
    assert not ok
    assert "edit_dataset" in sentence


@pytest.mark.parametrize("verify", ["path", "off"])
def test_verify_as_path_and_off(
    secure: OpendatasoftEmulator, monkeypatch: pytest.MonkeyPatch, verify: str
) -> None:
    extra = {"verify": secure.ca_file if verify == "path" else verify}
    assert says(monkeypatch, changed(secure, extra=extra))[0]


def test_verify_is_on_unless_told(secure: OpendatasoftEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    ok, sentence = says(monkeypatch, changed(secure, extra={"verify": None}))
    assert not ok
    assert "certificate of the portal is not trusted" in sentence


def test_a_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "opendatasoft://:c0ffee@data.example.gov?api=management&connect_timeout=3"
    found = hook(monkeypatch, uri)
    settings = found.settings()
    assert (settings.base_url, settings.connect_timeout) == ("https://data.example.gov", 3.0)
    assert settings.credentials.api_key == "c0ffee"
    assert found.dialect().name == "management"


@pytest.mark.parametrize("empty", [None, ""])
def test_what_the_form_left_empty_is_not_set(monkeypatch: pytest.MonkeyPatch, empty: str | None) -> None:
    names = ("api", "verify", "proxy", "connect_timeout", "read_timeout")
    connection = {"conn_type": "opendatasoft", "host": "data.example.gov", "password": "c0ffee", "login": ""}
    found = hook(monkeypatch, connection | {"extra": dict.fromkeys(names, empty)})
    settings = found.settings()
    assert (settings.port, settings.verify, settings.proxy) == (443, True, None)
    assert (settings.connect_timeout, settings.read_timeout) == (5.0, 600.0)
    assert found.dialect().name == "automation"


def test_the_key_is_masked_and_in_no_address(opendatasoft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    masked: list[str] = []
    monkeypatch.setattr("airflow_socrata.hooks.opendatasoft.mask_secret", masked.append)
    found = hook(monkeypatch, opendatasoft.connection)
    settings = found.settings()
    assert set(masked) == {opendatasoft.api_key}
    assert opendatasoft.api_key not in repr(settings)
    assert found.test_connection()[0]
    for call in opendatasoft.admin.requests():
        assert opendatasoft.api_key not in f"{call['path']}{call['query']}"


def test_nothing_is_sent_when_a_session_is_made(opendatasoft: Any) -> None:
    from airflow_socrata.hooks.opendatasoft import OpendatasoftHook

    with OpendatasoftHook().get_conn():
        pass
    assert opendatasoft.admin.requests() == []


def test_a_connection_that_is_not_there(opendatasoft: Any) -> None:
    from airflow_socrata.hooks.opendatasoft import OpendatasoftHook

    ok, sentence = OpendatasoftHook("nobody_made_it").test_connection()
    assert not ok
    assert sentence.startswith("The connection could not be read")
