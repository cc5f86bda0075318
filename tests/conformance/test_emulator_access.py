"""Sign-in, app tokens, rights and audiences."""

from __future__ import annotations

import pytest
import requests
from conformance.conftest import Api

PATHS = ["/api/users/current.json", "/api/views/stop-2222.json", "/resource/stop-2222.json"]


@pytest.mark.parametrize("path", PATHS)
def test_wrong_secret_is_401(portal, stops, path):
    wrong = Api(portal.url, (portal.username, "wrong")).get(path)
    assert wrong.status_code == 401
    assert (wrong.json()["code"], wrong.json()["error"]) == ("authentication_required", True)
    assert (
        requests.get(portal.url + path, headers={"Authorization": "Basic %%%"}, timeout=30).status_code == 401
    )
    assert (
        requests.get(portal.url + path, headers={"Authorization": "OAuth wrong"}, timeout=30).status_code
        == 401
    )


def test_code_of_a_wrong_secret_is_switchable(portal, admin):
    admin.settings(wrong_secret_code="API_KEY.INVALID_SECRET")
    reply = Api(portal.url, (portal.username, "wrong")).get("/api/users/current")
    assert reply.json()["code"] == "API_KEY.INVALID_SECRET"


@pytest.mark.parametrize(
    ("user", "secret"),
    [("publisher-key", "publisher-secret"), ("publisher@example.gov", "publisher-password")],
)
def test_api_key_or_password(portal, user, secret):
    reply = Api(portal.url, (user, secret)).get("/api/users/current.json")
    assert reply.json()["displayName"] == "Publishing Job"
    assert reply.json()["email"] == "publisher@example.gov"


def test_oauth(portal):
    headers = {"Authorization": f"OAuth {portal.access_token}"}
    assert (
        requests.get(f"{portal.url}/api/users/current", headers=headers, timeout=30).json()["id"]
        == "pub3-user"
    )


def test_nobody_is_403(anonymous):
    reply = anonymous.get("/api/users/current")
    assert (reply.status_code, reply.json()) == (
        403,
        {"error": True, "message": "You must be logged in to access this resource"},
    )


@pytest.mark.parametrize("path", PATHS)
def test_unknown_app_token_is_worse_than_none(portal, anonymous, stops, path):
    for where in ({"headers": {"X-App-Token": "nope"}}, {"params": {"$$app_token": "nope"}}):
        reply = anonymous.get(path, **where)
        assert reply.status_code == 403
        assert reply.json()["message"] == "Invalid app_token specified"
        assert reply.json()["code"] == "permission_denied"
    assert (
        anonymous.get("/resource/stop-2222.json", headers={"X-App-Token": portal.app_token}).status_code
        == 200
    )


def test_writes_need_a_publisher(api, viewer, anonymous, stops):
    for stranger, message in ((viewer, "permission"), (anonymous, "logged in")):
        for reply in (
            stranger.upsert(stops, []),
            stranger.put(f"/resource/{stops}.json", json=[]),
            stranger.put(f"/api/views/{stops}", json={"name": "x"}),
            stranger.delete(f"/api/views/{stops}"),
            stranger.post(f"/api/views/{stops}/publication.json?method=copy"),
            stranger.post("/api/views", json={"name": "x"}),
            stranger.put(f"/api/views/{stops}?method=setPermission&value=private"),
        ):
            assert reply.status_code == 403
            assert message in reply.json()["message"]
    assert viewer.get(f"/api/views/{stops}").json()["rights"] == ["read"]
    assert "privateMetadata" not in viewer.get(f"/api/views/{stops}").json()
    assert "write" in api.get(f"/api/views/{stops}").json()["rights"]


def test_private_views(admin, api, viewer, anonymous):
    admin.create_dataset("priv-2222", "P", ["a"], permission="private")
    for path in ("/api/views/priv-2222.json", "/resource/priv-2222.json"):
        assert api.get(path).status_code == 200
        assert viewer.get(path).json()["code"] == "permission_denied"
        assert anonymous.get(path).status_code == 403
    admin.settings(private_read_status=404)
    assert viewer.get("/api/views/priv-2222.json").status_code == 404


def test_rights_set_by_a_test(admin, api, stops):
    admin.set_rights(stops, "publisher", ["read"])
    assert api.get(f"/api/views/{stops}").json()["rights"] == ["read"]
    assert api.upsert(stops, []).status_code == 403
    admin.set_rights(stops, "publisher", None)
    assert api.upsert(stops, []).status_code == 200


def test_permissions_call(admin, api, viewer, stops):
    body = {
        "scope": "private",
        "users": [
            {"id": "pub3-user", "accessLevels": [{"name": "current_owner", "version": "all"}]},
            {"id": "view-user", "accessLevels": [{"name": "contributor", "version": "all"}]},
        ],
    }
    assert api.put(f"/api/views/{stops}/permissions", json=body).json()["scope"] == "private"
    assert viewer.get(f"/api/views/{stops}").json()["rights"] == ["read", "write", "add"]
    assert viewer.upsert(stops, [{"stop_id": "n"}]).status_code == 200
    users = api.get(f"/api/views/{stops}/permissions").json()["users"]
    assert [user["id"] for user in users] == ["pub3-user", "view-user"]


def test_set_permission(admin, api, anonymous, stops):
    path = f"/api/views/{stops}.json?method=setPermission"
    assert api.put(path + "&value=private").status_code == 200
    assert anonymous.get(f"/api/views/{stops}").status_code == 403
    assert api.put(path, json="public.read").status_code == 200
    assert anonymous.get(f"/api/views/{stops}").status_code == 200
    refused = api.put(path, json="site")
    assert (refused.status_code, refused.json()) == (
        400,
        {"message": "Site scope not enabled", "error": True},
    )
    admin.settings(site_scope=True)
    assert api.put(path, json="site").status_code == 200
    assert anonymous.get(f"/api/views/{stops}").status_code == 403
    assert api.put(path, json="sideways").status_code == 400


def test_secrets_stay_out_of_the_log(portal, api, admin, stops):
    headers = {"X-App-Token": portal.app_token, "X-Other": "kept"}
    api.get(f"/resource/{stops}.json?$limit=1&$$app_token={portal.app_token}", headers=headers)
    log = admin.requests()
    assert portal.password not in str(log)
    assert portal.app_token not in str(log)
    assert (log[-1]["method"], log[-1]["path"], log[-1]["status"]) == ("GET", f"/resource/{stops}.json", 200)
    assert (log[-1]["user"], log[-1]["headers"]["x-other"]) == ("publisher", "kept")
    assert log[-1]["query"] == [["$limit", "1"]]
    assert admin.requests(after=log[-1]["seq"]) == []
