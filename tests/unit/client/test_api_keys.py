"""API keys against the emulator: made once, never lost, deleted with proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_socrata.client import (
    ConfigurationError,
    Conflict,
    InvalidRequest,
    MalformedReply,
    NotFound,
    PortalError,
    PortalSession,
    SignInFailed,
    views,
)
from airflow_socrata.client import api_keys as keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator import Emulator


def names(client: PortalSession) -> list[str]:
    return [key.name for key in keys.all_keys(client)]


def test_a_key_signs_in_until_it_is_deleted(
    sign_in: Callable[..., PortalSession], emulator: Emulator, client: PortalSession
) -> None:
    made = keys.make_key(client, "etl")
    assert made.secret not in repr(made)
    with sign_in(user=made.key.id, secret=made.secret) as other:
        assert other.send(views.current_user()).email == "publisher@example.gov"
        read = client.send(keys.read_key(made.key.id))
        assert (read.name, read.owner, read.deleted_at) == ("etl", "publisher@example.gov", None)
        assert read.created_at
        assert read.last_used_at
        keys.remove_key(client, made.key.id)
        with pytest.raises(SignInFailed):
            other.send(views.current_user())
    assert names(client) == ["key of publisher"]
    gone = list(keys.all_keys(client, include_deleted=True))[-1]
    assert (gone.id, bool(gone.deleted_at)) == (made.key.id, True)


def test_all_pages_are_read(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.settings(api_key_limit=300)
    for number in range(210):
        client.send(keys.create_key(f"key {number}"))
    assert len(set(names(client))) == 211
    assert [key.name for key in keys.all_keys(client, name="key 20")] == [
        "key 20",
        *(f"key 20{n}" for n in range(10)),
    ]


def test_one_call_each(emulator: Emulator, client: PortalSession) -> None:
    made = client.send(keys.create_key("etl"))
    first, second = client.send(keys.keys_page())
    assert (first.id, second) == (emulator.username, made.key)
    assert client.send(keys.keys_page(after=first.id)) == (made.key,)
    assert client.send(keys.keys_page(name="et")) == (made.key,)
    gone = client.send(keys.delete_key(made.key.id))
    assert (gone.id, bool(gone.deleted_at)) == (made.key.id, True)
    assert client.send(keys.read_key(made.key.id)) == gone
    assert client.send(keys.keys_page(include_deleted=True)) == (first, gone)


@pytest.mark.parametrize("fault", ["lost_reply", "reset_reply", "not_json", "internal"])
def test_a_key_whose_secret_was_lost_is_deleted_and_another_made(
    sign_in: Callable[..., PortalSession], emulator: Emulator, client: PortalSession, fault: str
) -> None:
    more = {"after_commit": True} if fault == "internal" else {}
    emulator.admin.add_fault(fault, "POST", "/api/api_keys", times=2, **more)
    made = keys.make_key(client, "etl")
    assert names(client) == ["key of publisher", "etl"]
    with sign_in(user=made.key.id, secret=made.secret) as other:
        assert other.send(views.current_user()).id


def test_what_is_still_uncertain_at_the_end_is_said(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.add_fault("not_json", "POST", "/api/api_keys", times=None)
    with pytest.raises(MalformedReply, match="delete one named 'etl': its secret is not known"):
        keys.make_key(client, "etl")


@pytest.mark.parametrize("fault", ["throttled", "unavailable", "reset_before"])
def test_trouble_that_passes_is_waited_for(emulator: Emulator, client: PortalSession, fault: str) -> None:
    emulator.admin.add_fault(fault, "POST", "/api/api_keys")
    keys.make_key(client, "etl")
    assert names(client) == ["key of publisher", "etl"]


@pytest.mark.parametrize("fault", ["lost_reply", "not_json", "bad_gateway"])
def test_a_deletion_is_proved(emulator: Emulator, client: PortalSession, fault: str) -> None:
    made = keys.make_key(client, "etl")
    emulator.admin.add_fault(fault, "DELETE", "/api/api_keys")
    keys.remove_key(client, made.key.id)
    keys.remove_key(client, made.key.id)
    assert names(client) == ["key of publisher"]


def test_a_portal_that_forgets_deleted_keys_proves_it_too(emulator: Emulator, client: PortalSession) -> None:
    made = keys.make_key(client, "etl")
    emulator.admin.add_fault("lost_reply", "DELETE", "/api/api_keys")
    emulator.admin.add_fault("error", "DELETE", "/api/api_keys", skip=1, status=404, code="API_KEY.NOT_FOUND")
    keys.remove_key(client, made.key.id)


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
    emulator: Emulator, client: PortalSession, name: str, kind: type[PortalError], code: str | None
) -> None:
    emulator.admin.settings(api_key_limit=1)
    with pytest.raises(kind) as raised:
        keys.make_key(client, name)
    assert raised.value.code == code
    assert names(client) == ["key of publisher"]


def test_a_key_that_is_not_there_is_an_error(client: PortalSession) -> None:
    with pytest.raises(NotFound):
        keys.remove_key(client, "nothing")
    for call in (keys.read_key, keys.delete_key):
        with pytest.raises(ConfigurationError, match="is no API key id"):
            call("../users")
