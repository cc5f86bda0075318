"""OAuth 2 against the emulator: from a person's Allow to a token, and every way in which it can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.browsers import press
from portal_harness.sessions import settings_of

from airflow_socrata.client import (
    ConfigurationError,
    Credentials,
    InvalidRequest,
    PermissionDenied,
    PortalError,
    PortalSession,
    PortalSettings,
    RetryBudget,
    SignInFailed,
    explain_failure,
    views,
)
from airflow_socrata.client.oauth import (
    AuthorizationFailed,
    OAuthApp,
    StateDiffers,
    authorize_url,
    code_from_callback,
    exchange_code,
    new_state,
    token_call,
)

if TYPE_CHECKING:
    from airflow_socrata.emulator import Emulator

CALLBACK = "https://localhost:8910/callback"
APP = OAuthApp("emulator-app-token", "emulator-app-secret", CALLBACK)


def code_of(emulator: Emulator, app: OAuthApp = APP) -> str:
    state = new_state()
    return code_from_callback(press(authorize_url(settings_of(emulator), app, state)), app, state)


def exchanged(emulator: Emulator, code: str, app: OAuthApp = APP) -> Any:
    def quick(settings: PortalSettings) -> PortalSession:
        return PortalSession(settings, budget=RetryBudget(attempts=3, base=0.0), log=lambda line: None)

    return exchange_code(settings_of(emulator), app, code, open_session=quick)


def who(emulator: Emulator, **credentials: str) -> str | None:
    settings = settings_of(emulator, Credentials(**credentials))
    with PortalSession(settings, budget=RetryBudget(attempts=1)) as session:
        return session.send(views.current_user()).email


def fails(emulator: Emulator, kind: type[PortalError], code: str, app: OAuthApp = APP) -> PortalError:
    with pytest.raises(kind) as raised:
        exchanged(emulator, code, app)
    for secret in (app.client_secret, code):
        assert secret not in str(raised.value)
    return raised.value


def test_a_code_becomes_a_token_that_signs_in(emulator: Emulator) -> None:
    token = exchanged(emulator, code_of(emulator))
    assert token.value not in repr(token)
    assert who(emulator, access_token=token.value, app_token=APP.client_id) == "publisher@example.gov"


@pytest.mark.parametrize("where", ["query", "body"])
def test_the_parameters_go_where_the_portal_looks_for_them(emulator: Emulator, where: str) -> None:
    emulator.admin.settings(token_request=where)
    assert exchanged(emulator, code_of(emulator)).value


@pytest.mark.parametrize("in_query", [True, False])
def test_the_call_shows_no_secret(in_query: bool) -> None:
    call = token_call(APP, "c0de", in_query=in_query)
    shown = repr(call) + call.summary + call.path + repr(call.params)
    assert (APP.client_secret in shown, "c0de" in shown) == (False, False)


def test_what_the_callback_prefix_allows_may_have_a_query(emulator: Emulator) -> None:
    app = OAuthApp(APP.client_id, APP.client_secret, "https://localhost:8910/back?for=me")
    assert exchanged(emulator, code_of(emulator, app), app).value


def test_a_spent_code_says_to_sign_in_again(emulator: Emulator) -> None:
    code = code_of(emulator)
    exchanged(emulator, code)
    error = fails(emulator, InvalidRequest, code)
    assert error.code == "invalid_grant"
    assert "sign in again" in str(error)


def test_a_lost_reply_is_asked_for_again_and_then_the_code_is_spent(emulator: Emulator) -> None:
    emulator.admin.add_fault("lost_reply", "POST", "/oauth/access_token")
    error = fails(emulator, InvalidRequest, code_of(emulator))
    assert "sign in again" in str(error)
    assert error.landing == "unknown"


@pytest.mark.parametrize("fault", ["throttled", "unavailable", "bad_gateway"])
def test_a_portal_in_trouble_is_asked_again(emulator: Emulator, fault: str) -> None:
    emulator.admin.add_fault(fault, "POST", "/oauth/access_token", times=2)
    assert exchanged(emulator, code_of(emulator)).value


def test_a_wrong_secret_says_what_to_check(emulator: Emulator) -> None:
    wrong = OAuthApp(APP.client_id, "wrong-secret", CALLBACK)
    error = fails(emulator, SignInFailed, code_of(emulator), wrong)
    assert "client id and client secret" in str(error)


def test_a_code_of_another_application_is_refused(emulator: Emulator) -> None:
    emulator.admin.register_app("other-app", "other-secret")
    error = fails(
        emulator, InvalidRequest, code_of(emulator), OAuthApp("other-app", "other-secret", CALLBACK)
    )
    assert error.portal_message == "The code was issued to another application"


def test_a_portal_that_repeats_the_secrets_does_not_get_them_shown(emulator: Emulator) -> None:
    code = code_of(emulator)
    words = f"bad request for {APP.client_secret} and {code}"
    emulator.admin.add_fault("error", "POST", "/oauth/", times=2, status=400, code="bad", message=words)
    assert "bad request for *** and ***" in str(fails(emulator, InvalidRequest, code))


@pytest.mark.parametrize(
    "what", ["revoked", "expired", "treated as nobody", "of another application", "sent in the clear"]
)
def test_a_token_that_is_no_good_says_to_sign_in_again(emulator: Emulator, what: str) -> None:
    token = exchanged(emulator, code_of(emulator)).value
    app_token = APP.client_id
    if what == "of another application":
        emulator.admin.register_app("other-app", "other-secret")
        app_token = "other-app"
    elif what == "expired":
        emulator.admin.settings(access_token_seconds=3600.0)
        emulator.admin.advance(3600)
    elif what == "sent in the clear":
        emulator.admin.settings(plain_http="deny")
        with pytest.raises(PermissionDenied):
            who(emulator, access_token=token, app_token=app_token)
        emulator.admin.settings(plain_http="allow")
    else:
        emulator.admin.revoke_token(token)
        emulator.admin.settings(bad_token="anonymous" if what == "treated as nobody" else "refuse")
    with pytest.raises((SignInFailed, PermissionDenied)) as raised:
        who(emulator, access_token=token, app_token=app_token)
    for words in (str(raised.value), explain_failure(raised.value)):
        assert "sign in again with python -m airflow_socrata.sign_in" in words
        assert token not in words


def test_other_credentials_are_not_told_to_sign_in_again(emulator: Emulator) -> None:
    with pytest.raises(SignInFailed) as raised:
        who(emulator, user="publisher-key", secret="wrong")
    assert "sign in again" not in str(raised.value) + explain_failure(raised.value)


def test_a_person_who_presses_deny_is_told_so(emulator: Emulator) -> None:
    back = press(authorize_url(settings_of(emulator), APP, "state-1"), "deny")
    with pytest.raises(AuthorizationFailed, match="access_denied"):
        code_from_callback(back, APP, "state-1")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (f"{CALLBACK}?code=c&state=other", StateDiffers),
        (f"{CALLBACK}?code=c", StateDiffers),
        (f"{CALLBACK}?error=access_denied&state=other", StateDiffers),
        (f"{CALLBACK}?state=mine", AuthorizationFailed),
        ("https://localhost:8910/elsewhere?code=c&state=mine", ConfigurationError),
        ("https://elsewhere.example/callback?code=c&state=mine", ConfigurationError),
        ("http://localhost:8910/callback?code=c&state=mine", ConfigurationError),
        ("https://[broken/callback?code=c&state=mine", ConfigurationError),
    ],
)
def test_what_is_not_this_sign_in_gives_no_code(address: str, kind: type[PortalError]) -> None:
    with pytest.raises(kind):
        code_from_callback(address, APP, "mine")


def test_the_port_of_https_need_not_be_named() -> None:
    app = OAuthApp("id", "secret", "https://localhost:443/callback")
    assert code_from_callback(" https://LOCALHOST/callback?code=c&state=mine\n", app, "mine") == "c"


@pytest.mark.parametrize(
    ("client_id", "secret", "redirect_uri", "words"),
    [
        ("", "secret", CALLBACK, "client id is empty"),
        ("id", "hush hush", CALLBACK, "client secret is empty or contains a blank"),
        ("id", "secret", "http://localhost:8910/callback", "absolute https address"),
        ("id", "secret", "/callback", "absolute https address"),
        ("id", "secret", "https://localhost:8910/#x", "without a fragment"),
        ("id", "secret", "https://localhost:99999/", "absolute https address"),
        ("id", "secret", "https://user@localhost/", "absolute https address"),
        ("id", "secret", "https://localhost/?state=1", "parameter state"),
    ],
)
def test_an_application_that_cannot_work_is_refused(
    client_id: str, secret: str, redirect_uri: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as raised:
        OAuthApp(client_id, secret, redirect_uri)
    assert "hush" not in str(raised.value)
    assert "secret'" not in repr(APP)
