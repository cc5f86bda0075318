"""The client's calls for access and approvals, against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client import (
    ConfigurationError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    PortalFault,
    PortalSession,
    ReplyLost,
    access,
    approvals,
    views,
)
from airflow_socrata.client.access import CURRENT_OWNER, AccessLevel, UserAccess

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator import Emulator

ID = "stop-2222"
ME, PAT, VIC, TEAM = "pub3-user", "per4-user", "view-user", "team-2345"
OWNER = UserAccess(CURRENT_OWNER, id=ME)


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    emulator.admin.create_dataset(ID, "Stops", ["stop_id"], "stop_id", permission="private")
    return emulator


def shares(client: PortalSession) -> dict[str, str]:
    users = client.send(access.read_permissions(ID)).users
    return {user.who: str(user.level) for user in users}


def share(who: str, level: str) -> UserAccess:
    return UserAccess.named(who, AccessLevel.of(level))


# --- audience ---


@pytest.mark.parametrize("spelling", ["query", "body", "website"])
def test_an_audience_is_set_in_each_of_the_older_ways(client: PortalSession, spelling: Any) -> None:
    client.send(access.set_permission(ID, "public.read", spelling=spelling))
    assert client.send(access.read_permissions(ID)).scope == "public"
    client.send(access.set_permission(ID, "private", spelling=spelling))
    assert client.send(access.read_permissions(ID)).scope == "private"
    with pytest.raises(InvalidRequest, match="Site scope not enabled"):
        client.send(access.set_permission(ID, "site", spelling=spelling))


def test_what_is_not_given_stays(client: PortalSession) -> None:
    client.send(access.put_permissions(ID, scope="public", users=[OWNER, share(VIC, "viewer")]))
    client.send(access.put_permissions(ID, users=[OWNER, share(PAT, "contributor")]))
    assert client.send(access.read_permissions(ID)).scope == "public"
    told = client.send(access.put_permissions(ID, scope="private"))
    assert (told.scope, shares(client)) == ("private", {ME: "current_owner", PAT: "contributor"})


def test_the_audience_of_a_draft_is_pending(emulator: Emulator, client: PortalSession) -> None:
    draft = emulator.admin.create_dataset(name="New", columns=["a"], published=False, permission="private")[
        "id"
    ]
    client.send(access.put_permissions(draft, scope="public"))
    view = client.send(views.read_view(draft))
    assert (view.grants, access.audience_of(view)) == ((), "public")
    client.send(views.publish(draft))
    view = client.send(views.read_view(draft))
    assert (view.pending_grants, access.audience_of(view)) == ((), "public")


# --- users ---


def test_users_teams_and_addresses(client: PortalSession, sign_in: Callable[..., PortalSession]) -> None:
    wanted = [
        OWNER,
        share("Viewer@Example.gov", "viewer"),
        share(TEAM, "owner"),
        share("new@x.org", "viewer"),
    ]
    told = client.send(access.put_permissions(ID, users=wanted))
    by_id = {user.id: user for user in told.users}
    assert (by_id[VIC].email, by_id[VIC].display_name) == ("viewer@example.gov", "Vic Viewer")
    assert (by_id[TEAM].type, by_id[TEAM].email) == ("team", None)
    assert told.find("NEW@x.org") is by_id[None]
    assert told.owner == by_id[ME]
    assert AccessLevel("contributor") in told.levels
    assert sign_in("viewer").send(views.read_view(ID)).rights == {"read"}
    # the address is understood as the account that has it
    client.send(access.put_permissions(ID, users=told.users[:2]))
    assert shares(client) == {ME: "current_owner", VIC: "viewer"}


def test_what_the_levels_let_a_user_do(emulator: Emulator, client: PortalSession, sign_in: Any) -> None:
    viewer = sign_in("viewer")
    for level, rights in {"contributor": {"read", "write", "add"}, "owner": None}.items():
        client.send(access.put_permissions(ID, users=[OWNER, share(VIC, level)]))
        found = viewer.send(views.read_view(ID)).rights
        assert found == rights if rights else {"grant", "update_view"} < found
        assert "transfer_ownership" not in found
    emulator.admin.settings(site_scope=True)
    with pytest.raises(InvalidRequest, match="Unknown access level"):
        client.send(access.put_permissions(ID, users=[OWNER, share(VIC, "viewer")]))
    client.send(access.put_permissions(ID, users=[OWNER, share(VIC, "viewer:published")]))
    copy = client.send(views.open_copy(ID, "copySchema"))
    assert viewer.send(views.read_view(ID)).id == ID
    with pytest.raises(PermissionDenied):
        viewer.send(views.read_view(copy.id))


def test_what_is_refused_changes_nothing(emulator: Emulator, client: PortalSession, sign_in: Any) -> None:
    emulator.admin.settings(email_shares=False)
    bad = {
        "abcd-2345": NotFound,
        "nobody@x.org": NotFound,
        f"{VIC}:emperor": InvalidRequest,
    }
    for word, error in bad.items():
        who, _, level = word.partition(":")
        users = [OWNER, share(PAT, "viewer"), share(who, level or "viewer")]
        with pytest.raises(error) as caught:
            client.send(access.put_permissions(ID, scope="public", users=users))
        assert caught.value.request_id
        if error is NotFound:
            assert "every user and team" in str(caught.value)
    with pytest.raises(InvalidRequest, match="Site scope"):
        client.send(access.put_permissions(ID, scope="site", users=[OWNER, share(VIC, "viewer")]))
    with pytest.raises(InvalidRequest, match="account"):
        client.send(access.put_permissions(ID, users=[UserAccess(CURRENT_OWNER, id=TEAM)]))
    with pytest.raises(PermissionDenied):
        sign_in("viewer").send(access.put_permissions(ID, scope="public"))
    told = client.send(access.read_permissions(ID))
    assert (told.scope, shares(client)) == ("private", {ME: "current_owner"})


def test_what_is_wrong_here_is_not_sent(emulator: Emulator, client: PortalSession) -> None:
    before = len(emulator.admin.requests())
    for make in (
        lambda: access.put_permissions(ID),
        lambda: access.put_permissions(ID, scope="everybody"),  # type: ignore[arg-type]
        lambda: access.put_permissions(ID, users=[share(VIC, "viewer")]),
        lambda: access.put_permissions(ID, users=[OWNER, OWNER]),
        lambda: access.put_permissions(ID, users=[OWNER, share(VIC, "viewer"), share(VIC, "owner")]),
        lambda: access.put_permissions("nowhere", scope="public"),
        lambda: share("Vic", "viewer"),
        lambda: share("@", "viewer"),
        lambda: AccessLevel.of("viewer:"),
        lambda: access.change_owner(ID, "me"),
        lambda: access.change_owner_of_many([], ME),
        lambda: approvals.review(ID, 1, "maybe"),  # type: ignore[arg-type]
    ):
        with pytest.raises(ConfigurationError):
            make()
    assert len(emulator.admin.requests()) == before


def test_a_change_that_may_have_been_made_is_not_sent_again(
    emulator: Emulator, client: PortalSession
) -> None:
    emulator.admin.add_fault("lost_reply", "PUT", "/permissions")
    with pytest.raises(ReplyLost):
        client.send(access.put_permissions(ID, scope="public"))
    emulator.admin.add_fault("internal_error", "PUT", "/permissions")
    with pytest.raises(PortalFault):
        client.send(access.put_permissions(ID, scope="public"))
    assert len([one for one in emulator.admin.requests() if one["method"] == "PUT"]) == 2


# --- grants ---


def test_grants_are_the_older_way(client: PortalSession) -> None:
    grant = {"type": "contributor", "userId": VIC}
    client.send(access.add_grant(ID, grant))
    client.send(access.add_grant(ID, {"type": "viewer", "userEmail": "new@x.org"}))
    assert shares(client) == {ME: "current_owner", VIC: "contributor", "new@x.org": "viewer"}
    client.send(access.remove_grant(ID, grant))
    with pytest.raises(NotFound):
        client.send(access.remove_grant(ID, grant))
    client.send(access.add_grant(ID, {"type": "viewer", "flags": ["public"]}))
    assert client.send(access.read_permissions(ID)).scope == "public"
    client.send(access.remove_grant(ID, {"type": "viewer", "flags": ["public"]}))
    assert client.send(access.read_permissions(ID)).scope == "private"


# --- owner ---


def test_an_owner_is_changed_in_each_way(emulator: Emulator, client: PortalSession) -> None:
    client.send(access.put_permissions(ID, users=[UserAccess(CURRENT_OWNER, id=PAT), share(ME, "owner")]))
    assert shares(client) == {PAT: "current_owner", ME: "owner"}
    assert client.send(access.change_owner(ID, ME)).owner_id == ME
    assert shares(client) == {ME: "current_owner"}
    other = emulator.admin.create_dataset(name="Other", columns=["a"])["id"]
    with pytest.raises(NotFound):
        client.send(access.change_owner_of_many([ID, other], "abcd-2345"))
    with pytest.raises(NotFound):
        client.send(access.change_owner_of_many([ID, "abcd-2345"], PAT))
    assert shares(client) == {ME: "current_owner"}
    client.send(access.change_owner_of_many([ID, other], PAT))
    assert {client.send(views.read_view(each)).owner_id for each in (ID, other)} == {PAT}


# --- approvals ---


def guidance(client: PortalSession, view_id: str = ID) -> approvals.AudienceGuidance:
    return client.send(approvals.guidance(view_id)).of("public")


def test_going_public_asks_where_somebody_approves(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.settings(audience_approvals="manual", audience_looks=2)
    wish = guidance(client)
    assert (wish.state, wish.asks_for_audience) == ("not_submitted", False)
    assert wish.to_change_audience is not None
    assert wish.to_change_audience.expected_state == "pending"
    told = client.send(access.put_permissions(ID, scope="public"))
    assert told.scope == "private"
    waiting = guidance(client)
    assert (waiting.state, waiting.asks_for_audience) == ("pending", True)
    assert client.send(views.read_view(ID)).awaits_approval
    client.send(approvals.review(ID, waiting.record_id or 0, "approved", "Good"))
    assert guidance(client).in_progress
    assert client.send(views.read_view(ID)).permission_scope == "private"
    done = guidance(client)
    assert (done.state, done.in_progress) == ("approved", False)
    assert client.send(views.read_view(ID)).permission_scope == "public"


def test_a_submission_is_made_withdrawn_and_rejected(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.settings(audience_approvals="manual", audience_request="none")
    client.send(access.set_permission(ID, "public.read"))
    wish = guidance(client).to_change_audience
    assert wish is not None
    client.send(approvals.submit(ID, wish))
    with pytest.raises(InvalidRequest):
        client.send(approvals.submit(ID, wish))
    client.send(approvals.withdraw(ID, guidance(client).submission_id or 0))
    assert guidance(client).state == "not_submitted"
    client.send(approvals.submit(ID, wish))
    client.send(approvals.review(ID, guidance(client).record_id or 0, "rejected"))
    found = guidance(client)
    assert (found.state, found.outcome, found.record_id) == ("rejected", approvals.CHANGE_AUDIENCE, None)
    assert found.submission_id
    with pytest.raises(NotFound):
        client.send(approvals.withdraw(ID, 9))


def test_automatic_approval_is_at_once(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.settings(audience_approvals="automatic")
    client.send(access.put_permissions(ID, scope="public"))
    view = client.send(views.read_view(ID))
    assert view.permission_scope == "public"
    assert [one.state for one in view.approvals] == ["approved"]
    assert view.raw["approvals"][0].keys().isdisjoint({"recordId", "looksLeft"})


def test_a_working_copy_is_submitted_and_reviewed(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.settings(approvals=True)
    copy = client.send(views.open_copy(ID, "copy"))
    told = client.send(approvals.guidance(copy.id)).raw["public"]["toPublishAndChangeAudience"]
    wish = approvals.Submission.from_json(told)
    assert wish is not None
    client.send(approvals.submit(ID, wish))
    waiting = guidance(client, copy.id)
    assert (waiting.state, waiting.asks_for_audience) == ("pending", False)
    client.send(approvals.review(copy.id, waiting.record_id or 0, "approved"))
    with pytest.raises(NotFound):
        client.send(views.read_view(copy.id))
