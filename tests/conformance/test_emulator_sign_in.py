"""Signing in to the emulator, as a browser, an application and a script do it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from airflow_socrata.emulator import Emulator

CALLBACK = "https://localhost:8910/callback?from=here"
APP = {"client_id": "emulator-app-token", "client_secret": "emulator-app-secret"}


def asked(portal: Emulator, **changes: Any) -> dict[str, Any]:
    asked = {"client_id": APP["client_id"], "response_type": "code", "redirect_uri": CALLBACK, "state": "s&1"}
    return {"url": portal.url + "/oauth/authorize", "params": asked | changes}


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def signed_in(portal: Emulator) -> requests.Session:
    browser = requests.Session()
    form = {"username": "publisher@example.gov", "password": "publisher-password"}
    assert browser.post(portal.url + "/authenticate", data=form).status_code == 200
    return browser


def press(portal: Emulator, browser: requests.Session, choice: str, **changes: Any) -> requests.Response:
    page = browser.get(**asked(portal, **changes)).text
    form = {name: value.replace("&amp;", "&") for name, value in hidden(page).items()}
    url = portal.url + "/oauth/authorize"
    return browser.post(url, data=form | {"choice": choice}, allow_redirects=False)


def code_for(portal: Emulator, **changes: Any) -> str:
    location = press(portal, signed_in(portal), "allow", **changes).headers["Location"]
    return parse_qs(urlsplit(location).query)["code"][0]


def token_for(portal: Emulator, code: str, in_query: bool = False, **changes: Any) -> requests.Response:
    given = {**APP, "grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code} | changes
    return requests.post(portal.url + "/oauth/access_token", **{"params" if in_query else "data": given})


def who(portal: Emulator, token: str, **headers: str) -> requests.Response:
    headers = {"Authorization": f"OAuth {token}", **headers}
    return requests.get(portal.url + "/api/users/current.json", headers=headers)


class TestTheServerFlow:
    def test_a_person_signs_in_allows_and_the_application_gets_a_token(self, portal: Emulator) -> None:
        browser = requests.Session()
        page = browser.get(**asked(portal))
        assert urlsplit(page.url).path == "/login"
        form = {"username": "publisher@example.gov", "password": "wrong", **hidden(page.text)}
        form["return_to"] = form["return_to"].replace("&amp;", "&")
        refused = browser.post(portal.url + "/authenticate", data=form)
        assert refused.status_code == 401
        assert "Invalid username or password" in refused.text
        page = browser.post(portal.url + "/authenticate", data=form | {"password": "publisher-password"})
        assert "Emulator application wants to act on this site as Publishing Job" in page.text
        back = urlsplit(press(portal, browser, "allow").headers["Location"])
        told = parse_qs(back.query)
        assert f"{back.scheme}://{back.netloc}{back.path}" == "https://localhost:8910/callback"
        assert (told["from"], told["state"]) == (["here"], ["s&1"])
        reply = token_for(portal, told["code"][0])
        assert (reply.status_code, list(reply.json())) == (200, ["access_token"])
        assert who(portal, reply.json()["access_token"]).json()["email"] == "publisher@example.gov"

    def test_deny_tells_the_application_so(self, portal: Emulator) -> None:
        back = parse_qs(urlsplit(press(portal, signed_in(portal), "deny").headers["Location"]).query)
        assert back == {"from": ["here"], "error": ["access_denied"], "state": ["s&1"]}

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"client_id": "nobody"}, "client_id"),
            ({"redirect_uri": "http://localhost:8910/callback"}, "https"),
            ({"redirect_uri": "https://elsewhere.example/callback"}, "callback prefix"),
            ({"redirect_uri": None}, "https"),
        ],
    )
    def test_nobody_is_sent_to_an_address_that_is_not_the_applications(
        self, portal: Emulator, changes: dict[str, Any], words: str
    ) -> None:
        reply = signed_in(portal).get(**asked(portal, **changes), allow_redirects=False)
        assert reply.status_code == 400
        assert words in reply.text

    @pytest.mark.parametrize(
        ("changes", "status", "error"),
        [
            ({"client_secret": "wrong"}, 401, "invalid_client"),
            ({"client_id": "nobody"}, 401, "invalid_client"),
            ({"client_secret": ""}, 400, "invalid_request"),
            ({"code": "wrong"}, 400, "invalid_grant"),
            ({"redirect_uri": "https://localhost:8910/other"}, 400, "invalid_grant"),
            ({"client_id": "other-app", "client_secret": "other-secret"}, 400, "invalid_grant"),
            ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ],
    )
    def test_what_does_not_fit_gets_no_token(
        self, portal: Emulator, changes: dict[str, str], status: int, error: str
    ) -> None:
        portal.admin.register_app("other-app", "other-secret")
        reply = token_for(portal, **{"code": code_for(portal)} | changes)
        assert (reply.status_code, reply.json()["error"]) == (status, error)

    def test_a_code_is_good_once_and_for_ten_minutes(self, portal: Emulator) -> None:
        code = code_for(portal)
        assert token_for(portal, code).status_code == 200
        assert token_for(portal, code).json()["error"] == "invalid_grant"
        late = code_for(portal)
        portal.admin.advance(600)
        assert token_for(portal, late).json()["error"] == "invalid_grant"

    @pytest.mark.parametrize(("where", "in_query"), [("query", True), ("body", False)])
    def test_where_the_parameters_stand(self, portal: Emulator, where: str, in_query: bool) -> None:
        portal.admin.settings(token_request=where)
        code = code_for(portal)
        assert token_for(portal, code, not in_query).json()["error"] == "invalid_request"
        assert token_for(portal, code, in_query).status_code == 200
        shown = str(portal.admin.requests())
        assert code not in shown
        assert APP["client_secret"] not in shown

    def test_a_form_of_somebody_else_allows_nothing(self, portal: Emulator) -> None:
        form = asked(portal)["params"] | {"choice": "allow", "authenticity_token": "guessed"}
        reply = signed_in(portal).post(portal.url + "/oauth/authorize", data=form, allow_redirects=False)
        assert (reply.status_code, "Location" in reply.headers) == (400, False)

    def test_signing_in_leads_to_this_portal_only(self, portal: Emulator) -> None:
        form = {"username": "viewer@example.gov", "password": "viewer-password"}
        for away in ("https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example"):
            reply = requests.post(portal.url + "/authenticate", data=form | {"return_to": away}, timeout=5)
            assert (reply.status_code, reply.history) == (200, [])


class TestTokens:
    def test_one_that_is_revoked_or_expired_is_refused(self, portal: Emulator) -> None:
        assert who(portal, "person-token").status_code == 200
        assert portal.admin.revoke_token("person-token")
        assert who(portal, "person-token").status_code == 401
        portal.admin.settings(access_token_seconds=3600.0)
        portal.admin.advance(3600)
        assert who(portal, "publisher-token").status_code == 401
        portal.admin.settings(bad_token="anonymous")
        assert who(portal, "publisher-token").status_code == 403

    def test_one_of_another_application_is_refused(self, portal: Emulator) -> None:
        portal.admin.register_app("other-app", "other-secret")
        assert who(portal, "person-token", **{"X-App-Token": "emulator-app-token"}).status_code == 200
        reply = who(portal, "person-token", **{"X-App-Token": "other-app"})
        assert (reply.status_code, "another application" in reply.text) == (401, True)
        portal.admin.settings(token_of_another_app="allow")
        assert who(portal, "person-token", **{"X-App-Token": "other-app"}).status_code == 200

    def test_plain_http_revokes_where_it_is_denied(self, portal: Emulator) -> None:
        portal.admin.settings(plain_http="deny")
        assert who(portal, "person-token").status_code == 403
        auth = ("publisher-key", "publisher-secret")
        assert requests.get(portal.url + "/api/users/current", auth=auth).status_code == 403
        portal.admin.settings(plain_http="allow")
        assert who(portal, "person-token").status_code == 401


class TestBrowserSessions:
    def test_a_change_needs_the_csrf_token_and_a_read_does_not(self, portal: Emulator) -> None:
        browser, body = signed_in(portal), {"name": "Made in a browser", "columns": []}
        assert browser.get(portal.url + "/api/users/current").json()["displayName"] == "Publishing Job"
        assert browser.post(portal.url + "/api/views", json=body).status_code == 403
        headers = {"X-CSRF-Token": browser.cookies["socrata-csrf-token"]}
        assert browser.post(portal.url + "/api/views", json=body, headers=headers).status_code == 200

    def test_scripts_need_none(self, portal: Emulator) -> None:
        body = {"name": "Made by a script", "columns": []}
        for how in (
            {"auth": ("publisher-key", "publisher-secret")},
            {"headers": {"Authorization": "OAuth publisher-token"}},
        ):
            assert requests.post(portal.url + "/api/views", json=body, **how).status_code == 200

    def test_cookies_are_for_https_and_not_for_scripts_on_a_page(self) -> None:
        with Emulator(tls=True) as portal:
            form = {"username": "viewer@example.gov", "password": "viewer-password"}
            reply = requests.post(portal.url + "/authenticate", data=form, verify=portal.ca_file)
        cookies = reply.headers["Set-Cookie"]
        assert cookies.count("Secure") == 3
        assert cookies.count("HttpOnly") == 2


class TestApiKeys:
    AUTH = ("publisher-key", "publisher-secret")

    def call(self, portal: Emulator, method: str, path: str = "", **more: Any) -> requests.Response:
        return requests.request(method, f"{portal.url}/api/api_keys{path}", **{"auth": self.AUTH, **more})

    def test_a_key_signs_in_until_it_is_deleted(self, portal: Emulator) -> None:
        made = self.call(portal, "POST", json={"keyName": "etl"}).json()
        auth = (made["keyId"], made["keySecret"])
        assert requests.get(portal.url + "/api/users/current", auth=auth).status_code == 200
        shown = self.call(portal, "GET", f"/{made['keyId']}").json()
        assert "keySecret" not in shown
        assert shown["lastUsedAtTimestamp"]
        assert shown["owner"]["email"] == "publisher@example.gov"
        assert self.call(portal, "DELETE", f"/{made['keyId']}").json()["deletedAtTimestamp"]
        assert requests.get(portal.url + "/api/users/current", auth=auth).status_code == 401
        assert self.call(portal, "DELETE", f"/{made['keyId']}").json()["code"] == "API_KEY.TOKEN_DELETED"
        assert len(self.call(portal, "GET").json()) == 1
        assert len(self.call(portal, "GET", params={"includeDeleted": "true"}).json()) == 2

    def test_the_list_comes_in_pages(self, portal: Emulator) -> None:
        for number in range(4):
            self.call(portal, "POST", json={"keyName": f"etl-{number}"})
        query = {"limit": 2, "sortBy": "name", "sortOrder": "desc", "nameSearch": "etl"}
        first = self.call(portal, "GET", params=query).json()
        second = self.call(portal, "GET", params=query | {"seek": first[-1]["keyId"]}).json()
        assert [key["keyName"] for key in first + second] == ["etl-3", "etl-2", "etl-1", "etl-0"]

    @pytest.mark.parametrize(
        ("method", "path", "more", "code"),
        [
            ("POST", "", {"json": {}}, "API_KEY.MISSING_FIELD"),
            ("POST", "", {"json": {"keyName": "x" * 256}}, "API_KEY.NAME_TOO_LONG"),
            ("POST", "", {"json": {"keyName": "key of publisher"}}, "API_KEY.API_KEY.NAME_TAKEN"),
            ("POST", "", {"json": {"keyName": "one more"}}, "API_KEY.TOKEN_LIMIT_REACHED"),
            (
                "POST",
                "",
                {"json": {"keyName": "v"}, "auth": ("viewer-key", "viewer-secret")},
                "API_KEY.INSUFFICIENT_RIGHTS",
            ),
            ("GET", "/person-key", {}, "API_KEY.NOT_FOUND"),
            ("DELETE", "/nothing", {}, "API_KEY.NOT_FOUND"),
            ("GET", "?limit=101", {}, "API_KEY.INVALID_PAGE_SIZE"),
            ("GET", "?sortBy=size", {}, "API_KEY.INVALID_SORT_COLUMN"),
        ],
    )
    def test_every_refusal_has_its_code(
        self, portal: Emulator, method: str, path: str, more: dict[str, Any], code: str
    ) -> None:
        portal.admin.settings(api_key_limit=1)
        reply = self.call(portal, method, path, **more)
        assert (reply.status_code, reply.json()["code"]) == (404 if "NOT_FOUND" in code else 400, code)

    def test_nobody_signed_in_sees_none(self, portal: Emulator) -> None:
        assert self.call(portal, "GET", auth=None).status_code == 403
