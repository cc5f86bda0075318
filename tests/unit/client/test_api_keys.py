"""API keys against the emulator: made once, never lost, deleted with proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_socrata.client import (
    ConfigurationError,
    Conflict,
    Credentials,
    InvalidRequest,
    MalformedReply,
    NotFound,
    PortalError,
    PortalSession,
    PortalSettings,
    RetryBudget,
    SignInFailed,
    views,
)
from airflow_socrata.client import api_keys as keys
from airflow_socrata.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def portal(server: Emulator) -> Emulator:
    server.admin.reset()
    return server


@pytest.fixture
def session(portal: Emulator) -> Iterator[PortalSession]:
    with signed_in(portal, portal.username, portal.password) as session:
        yield session


def signed_in(portal: Emulator, user: str, secret: str) -> PortalSession:
    settings = PortalSettings(portal.domain, portal.port, "http", Credentials(user, secret))
    return PortalSession(settings, budget=RetryBudget(attempts=4, base=0.0), log=lambda line: None)


def names(session: PortalSession) -> list[str]:
    return [key.name for key in keys.all_keys(session)]


def test_a_key_signs_in_until_it_is_deleted(portal: Emulator, session: PortalSession) -> None:
    made = keys.make_key(session, "etl")
    assert made.secret not in repr(made)
    with signed_in(portal, made.key.id, made.secret) as other:
        assert other.send(views.current_user()).email == "publisher@example.gov"
        read = session.send(keys.read_key(made.key.id))
        assert (read.name, read.owner, read.deleted_at) == ("etl", "publisher@example.gov", None)
        assert read.created_at
        assert read.last_used_at
        keys.remove_key(session, made.key.id)
        with pytest.raises(SignInFailed):
            other.send(views.current_user())
    assert names(session) == ["key of publisher"]
    gone = list(keys.all_keys(session, include_deleted=True))[-1]
    assert (gone.id, bool(gone.deleted_at)) == (made.key.id, True)


def test_all_pages_are_read(portal: Emulator, session: PortalSession) -> None:
    portal.admin.settings(api_key_limit=300)
    for number in range(210):
        session.send(keys.create_key(f"key {number}"))
    assert len(set(names(session))) == 211
    assert [key.name for key in keys.all_keys(session, name="key 20")] == [
        "key 20",
        *(f"key 20{n}" for n in range(10)),
    ]


def test_one_call_each(portal: Emulator, session: PortalSession) -> None:
    made = session.send(keys.create_key("etl"))
    first, second = session.send(keys.keys_page())
    assert (first.id, second) == (portal.username, made.key)
    assert session.send(keys.keys_page(after=first.id)) == (made.key,)
    assert session.send(keys.keys_page(name="et")) == (made.key,)
    gone = session.send(keys.delete_key(made.key.id))
    assert (gone.id, bool(gone.deleted_at)) == (made.key.id, True)
    assert session.send(keys.read_key(made.key.id)) == gone
    assert session.send(keys.keys_page(include_deleted=True)) == (first, gone)


@pytest.mark.parametrize("fault", ["lost_reply", "reset_reply", "not_json", "internal"])
def test_a_key_whose_secret_was_lost_is_deleted_and_another_made(
    portal: Emulator, session: PortalSession, fault: str
) -> None:
    more = {"after_commit": True} if fault == "internal" else {}
    portal.admin.add_fault(fault, "POST", "/api/api_keys", times=2, **more)
    made = keys.make_key(session, "etl")
    assert names(session) == ["key of publisher", "etl"]
    with signed_in(portal, made.key.id, made.secret) as other:
        assert other.send(views.current_user()).id


def test_what_is_still_uncertain_at_the_end_is_said(portal: Emulator, session: PortalSession) -> None:
    portal.admin.add_fault("not_json", "POST", "/api/api_keys", times=None)
    with pytest.raises(MalformedReply, match="delete one named 'etl': its secret is not known"):
        keys.make_key(session, "etl")


@pytest.mark.parametrize("fault", ["throttled", "unavailable", "reset_before"])
def test_trouble_that_passes_is_waited_for(portal: Emulator, session: PortalSession, fault: str) -> None:
    portal.admin.add_fault(fault, "POST", "/api/api_keys")
    keys.make_key(session, "etl")
    assert names(session) == ["key of publisher", "etl"]


@pytest.mark.parametrize("fault", ["lost_reply", "not_json", "bad_gateway"])
def test_a_deletion_is_proved(portal: Emulator, session: PortalSession, fault: str) -> None:
    made = keys.make_key(session, "etl")
    portal.admin.add_fault(fault, "DELETE", "/api/api_keys")
    keys.remove_key(session, made.key.id)
    keys.remove_key(session, made.key.id)
    assert names(session) == ["key of publisher"]


def test_a_portal_that_forgets_deleted_keys_proves_it_too(portal: Emulator, session: PortalSession) -> None:
    made = keys.make_key(session, "etl")
    portal.admin.add_fault("lost_reply", "DELETE", "/api/api_keys")
    portal.admin.add_fault("error", "DELETE", "/api/api_keys", skip=1, status=404, code="API_KEY.NOT_FOUND")
    keys.remove_key(session, made.key.id)


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("key of publisher", Conflict, None),
        ("x" * 256, InvalidRequest, "API_KEY.NAME_TOO_LONG"),
        ("one too many", InvalidRequest, "API_KEY.TOKEN_LIMIT_REACHED"),
        ("", ConfigurationError, None),
        ("two\nlines", ConfigurationError, None),
    ],
)
def test_what_cannot_be_made_changes_nothing(
    portal: Emulator, session: PortalSession, name: str, kind: type[PortalError], code: str | None
) -> None:
    portal.admin.settings(api_key_limit=1)
    with pytest.raises(kind) as raised:
        keys.make_key(session, name)
    assert raised.value.code == code
    assert names(session) == ["key of publisher"]


def test_a_key_that_is_not_there_is_an_error(session: PortalSession) -> None:
    with pytest.raises(NotFound):
        keys.remove_key(session, "nothing")
    for call in (keys.read_key, keys.delete_key):
        with pytest.raises(ConfigurationError, match="is no API key id"):
            call("../users")
