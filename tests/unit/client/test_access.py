"""The client's calls for access and approvals, against the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client import (
    ConfigurationError,
    Credentials,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    PortalFault,
    PortalSession,
    PortalSettings,
    ReplyLost,
    access,
    approvals,
    views,
)
from airflow_socrata.client.access import CURRENT_OWNER, AccessLevel, UserAccess
from airflow_socrata.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ID = "stop-2222"
ME, PAT, VIC, TEAM = "pub3-user", "per4-user", "view-user", "team-2345"
OWNER = UserAccess(CURRENT_OWNER, id=ME)


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def portal(server: Emulator) -> Emulator:
    server.admin.reset()
    server.admin.create_dataset(ID, "Stops", ["stop_id"], "stop_id", permission="private")
    return server


@pytest.fixture
def sign_in(portal: Emulator) -> Iterator[Callable[..., PortalSession]]:
    opened: list[PortalSession] = []

    def make(user: str | None = "publisher") -> PortalSession:
        credentials = Credentials(f"{user}-key", f"{user}-secret") if user else Credentials()
        settings = PortalSettings(
            domain=portal.domain, port=portal.port, scheme="http", credentials=credentials
        )
        opened.append(PortalSession(settings))
        return opened[-1]

    yield make
    for session in opened:
        session.close()


@pytest.fixture
def session(sign_in: Callable[..., PortalSession]) -> PortalSession:
    return sign_in()


def shares(session: PortalSession) -> dict[str, str]:
    users = session.send(access.read_permissions(ID)).users
    return {user.who: str(user.level) for user in users}


def share(who: str, level: str) -> UserAccess:
    return UserAccess.named(who, AccessLevel.of(level))


# --- audience ---


@pytest.mark.parametrize("spelling", ["query", "body", "website"])
def test_an_audience_is_set_in_each_of_the_older_ways(session: PortalSession, spelling: Any) -> None:
    session.send(access.set_permission(ID, "public.read", spelling=spelling))
    assert session.send(access.read_permissions(ID)).scope == "public"
    session.send(access.set_permission(ID, "private", spelling=spelling))
    assert session.send(access.read_permissions(ID)).scope == "private"
    with pytest.raises(InvalidRequest, match="Site scope not enabled"):
        session.send(access.set_permission(ID, "site", spelling=spelling))


def test_what_is_not_given_stays(session: PortalSession) -> None:
    session.send(access.put_permissions(ID, scope="public", users=[OWNER, share(VIC, "viewer")]))
    session.send(access.put_permissions(ID, users=[OWNER, share(PAT, "contributor")]))
    assert session.send(access.read_permissions(ID)).scope == "public"
    told = session.send(access.put_permissions(ID, scope="private"))
    assert (told.scope, shares(session)) == ("private", {ME: "current_owner", PAT: "contributor"})


def test_the_audience_of_a_draft_is_pending(portal: Emulator, session: PortalSession) -> None:
    draft = portal.admin.create_dataset(name="New", columns=["a"], published=False, permission="private")[
        "id"
    ]
    session.send(access.put_permissions(draft, scope="public"))
    view = session.send(views.read_view(draft))
    assert (view.grants, access.audience_of(view)) == ((), "public")
    session.send(views.publish(draft))
    view = session.send(views.read_view(draft))
    assert (view.pending_grants, access.audience_of(view)) == ((), "public")


# --- users ---


def test_users_teams_and_addresses(session: PortalSession, sign_in: Callable[..., PortalSession]) -> None:
    wanted = [
        OWNER,
        share("Viewer@Example.gov", "viewer"),
        share(TEAM, "owner"),
        share("new@x.org", "viewer"),
    ]
    told = session.send(access.put_permissions(ID, users=wanted))
    by_id = {user.id: user for user in told.users}
    assert (by_id[VIC].email, by_id[VIC].display_name) == ("viewer@example.gov", "Vic Viewer")
    assert (by_id[TEAM].type, by_id[TEAM].email) == ("team", None)
    assert told.find("NEW@x.org") is by_id[None]
    assert told.owner == by_id[ME]
    assert AccessLevel("contributor") in told.levels
    assert sign_in("viewer").send(views.read_view(ID)).rights == {"read"}
    # the address is understood as the account that has it
    session.send(access.put_permissions(ID, users=told.users[:2]))
    assert shares(session) == {ME: "current_owner", VIC: "viewer"}


def test_what_the_levels_let_a_user_do(portal: Emulator, session: PortalSession, sign_in: Any) -> None:
    viewer = sign_in("viewer")
    for level, rights in {"contributor": {"read", "write", "add"}, "owner": None}.items():
        session.send(access.put_permissions(ID, users=[OWNER, share(VIC, level)]))
        found = viewer.send(views.read_view(ID)).rights
        assert found == rights if rights else {"grant", "update_view"} < found
        assert "transfer_ownership" not in found
    portal.admin.settings(site_scope=True)
    with pytest.raises(InvalidRequest, match="Unknown access level"):
        session.send(access.put_permissions(ID, users=[OWNER, share(VIC, "viewer")]))
    session.send(access.put_permissions(ID, users=[OWNER, share(VIC, "viewer:published")]))
    copy = session.send(views.open_copy(ID, "copySchema"))
    assert viewer.send(views.read_view(ID)).id == ID
    with pytest.raises(PermissionDenied):
        viewer.send(views.read_view(copy.id))


def test_what_is_refused_changes_nothing(portal: Emulator, session: PortalSession, sign_in: Any) -> None:
    portal.admin.settings(email_shares=False)
    bad = {
        "abcd-2345": NotFound,
        "nobody@x.org": NotFound,
        f"{VIC}:emperor": InvalidRequest,
    }
    for word, error in bad.items():
        who, _, level = word.partition(":")
        users = [OWNER, share(PAT, "viewer"), share(who, level or "viewer")]
        with pytest.raises(error) as caught:
            session.send(access.put_permissions(ID, scope="public", users=users))
        assert caught.value.request_id
        if error is NotFound:
            assert "every user and team" in str(caught.value)
    with pytest.raises(InvalidRequest, match="Site scope"):
        session.send(access.put_permissions(ID, scope="site", users=[OWNER, share(VIC, "viewer")]))
    with pytest.raises(InvalidRequest, match="account"):
        session.send(access.put_permissions(ID, users=[UserAccess(CURRENT_OWNER, id=TEAM)]))
    with pytest.raises(PermissionDenied):
        sign_in("viewer").send(access.put_permissions(ID, scope="public"))
    told = session.send(access.read_permissions(ID))
    assert (told.scope, shares(session)) == ("private", {ME: "current_owner"})


def test_what_is_wrong_here_is_not_sent(portal: Emulator, session: PortalSession) -> None:
    before = len(portal.admin.requests())
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
    assert len(portal.admin.requests()) == before


def test_a_change_that_may_have_been_made_is_not_sent_again(portal: Emulator, session: PortalSession) -> None:
    portal.admin.add_fault("lost_reply", "PUT", "/permissions")
    with pytest.raises(ReplyLost):
        session.send(access.put_permissions(ID, scope="public"))
    portal.admin.add_fault("internal_error", "PUT", "/permissions")
    with pytest.raises(PortalFault):
        session.send(access.put_permissions(ID, scope="public"))
    assert len([one for one in portal.admin.requests() if one["method"] == "PUT"]) == 2


# --- grants ---


def test_grants_are_the_older_way(session: PortalSession) -> None:
    grant = {"type": "contributor", "userId": VIC}
    session.send(access.add_grant(ID, grant))
    session.send(access.add_grant(ID, {"type": "viewer", "userEmail": "new@x.org"}))
    assert shares(session) == {ME: "current_owner", VIC: "contributor", "new@x.org": "viewer"}
    session.send(access.remove_grant(ID, grant))
    with pytest.raises(NotFound):
        session.send(access.remove_grant(ID, grant))
    session.send(access.add_grant(ID, {"type": "viewer", "flags": ["public"]}))
    assert session.send(access.read_permissions(ID)).scope == "public"
    session.send(access.remove_grant(ID, {"type": "viewer", "flags": ["public"]}))
    assert session.send(access.read_permissions(ID)).scope == "private"


# --- owner ---


def test_an_owner_is_changed_in_each_way(portal: Emulator, session: PortalSession) -> None:
    session.send(access.put_permissions(ID, users=[UserAccess(CURRENT_OWNER, id=PAT), share(ME, "owner")]))
    assert shares(session) == {PAT: "current_owner", ME: "owner"}
    assert session.send(access.change_owner(ID, ME)).owner_id == ME
    assert shares(session) == {ME: "current_owner"}
    other = portal.admin.create_dataset(name="Other", columns=["a"])["id"]
    with pytest.raises(NotFound):
        session.send(access.change_owner_of_many([ID, other], "abcd-2345"))
    with pytest.raises(NotFound):
        session.send(access.change_owner_of_many([ID, "abcd-2345"], PAT))
    assert shares(session) == {ME: "current_owner"}
    session.send(access.change_owner_of_many([ID, other], PAT))
    assert {session.send(views.read_view(each)).owner_id for each in (ID, other)} == {PAT}


# --- approvals ---


def guidance(session: PortalSession, view_id: str = ID) -> approvals.AudienceGuidance:
    return session.send(approvals.guidance(view_id)).of("public")


def test_going_public_asks_where_somebody_approves(portal: Emulator, session: PortalSession) -> None:
    portal.admin.settings(audience_approvals="manual", audience_looks=2)
    wish = guidance(session)
    assert (wish.state, wish.asks_for_audience) == ("not_submitted", False)
    assert wish.to_change_audience is not None
    assert wish.to_change_audience.expected_state == "pending"
    told = session.send(access.put_permissions(ID, scope="public"))
    assert told.scope == "private"
    waiting = guidance(session)
    assert (waiting.state, waiting.asks_for_audience) == ("pending", True)
    assert session.send(views.read_view(ID)).awaits_approval
    session.send(approvals.review(ID, waiting.record_id or 0, "approved", "Good"))
    assert guidance(session).in_progress
    assert session.send(views.read_view(ID)).permission_scope == "private"
    done = guidance(session)
    assert (done.state, done.in_progress) == ("approved", False)
    assert session.send(views.read_view(ID)).permission_scope == "public"


def test_a_submission_is_made_withdrawn_and_rejected(portal: Emulator, session: PortalSession) -> None:
    portal.admin.settings(audience_approvals="manual", audience_request="none")
    session.send(access.set_permission(ID, "public.read"))
    wish = guidance(session).to_change_audience
    assert wish is not None
    session.send(approvals.submit(ID, wish))
    with pytest.raises(InvalidRequest):
        session.send(approvals.submit(ID, wish))
    session.send(approvals.withdraw(ID, guidance(session).submission_id or 0))
    assert guidance(session).state == "not_submitted"
    session.send(approvals.submit(ID, wish))
    session.send(approvals.review(ID, guidance(session).record_id or 0, "rejected"))
    found = guidance(session)
    assert (found.state, found.outcome, found.record_id) == ("rejected", approvals.CHANGE_AUDIENCE, None)
    assert found.submission_id
    with pytest.raises(NotFound):
        session.send(approvals.withdraw(ID, 9))


def test_automatic_approval_is_at_once(portal: Emulator, session: PortalSession) -> None:
    portal.admin.settings(audience_approvals="automatic")
    session.send(access.put_permissions(ID, scope="public"))
    view = session.send(views.read_view(ID))
    assert view.permission_scope == "public"
    assert [one.state for one in view.approvals] == ["approved"]
    assert view.raw["approvals"][0].keys().isdisjoint({"recordId", "looksLeft"})


def test_a_working_copy_is_submitted_and_reviewed(portal: Emulator, session: PortalSession) -> None:
    portal.admin.settings(approvals=True)
    copy = session.send(views.open_copy(ID, "copy"))
    told = session.send(approvals.guidance(copy.id)).raw["public"]["toPublishAndChangeAudience"]
    wish = approvals.Submission.from_json(told)
    assert wish is not None
    session.send(approvals.submit(ID, wish))
    waiting = guidance(session, copy.id)
    assert (waiting.state, waiting.asks_for_audience) == ("pending", False)
    session.send(approvals.review(copy.id, waiting.record_id or 0, "approved"))
    with pytest.raises(NotFound):
        session.send(views.read_view(copy.id))
