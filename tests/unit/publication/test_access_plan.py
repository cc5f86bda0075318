"""What is sent for the users who are wanted, and when nothing is."""

from __future__ import annotations

import pytest

from airflow_socrata.client.access import AccessLevel, Permissions
from airflow_socrata.publication.access import NotShareable, WantedAccess, plan_users

VIEWER, PUBLISHED = AccessLevel("viewer"), AccessLevel("viewer", "published")
BEFORE = Permissions.from_json({
    "scope": "private",
    "users": [
        {
            "id": "ownr-2222",
            "email": "o@x.org",
            "accessLevels": [{"name": "current_owner", "version": "all"}],
        },
        {"id": "view-2222", "email": "V@x.org", "accessLevels": [{"name": "viewer", "version": "published"}]},
        {"id": "team-2222", "accessLevels": [{"name": "owner", "version": "all"}]},
    ],
})


def levels(wanted: WantedAccess, before: Permissions = BEFORE) -> dict[str, str] | None:
    users = plan_users(before, wanted)
    return None if users is None else {user.who: str(user.level) for user in users}


def test_nothing_is_sent_where_nothing_differs() -> None:
    assert levels(WantedAccess.of("public")) is None
    assert levels(WantedAccess.of(add={"v@X.org": "viewer:published"}, remove=["nobody@x.org"])) is None
    assert levels(WantedAccess.of(exact={"team-2222": "owner", "view-2222": "viewer:published"})) is None


def test_who_is_not_named_stays() -> None:
    wanted = WantedAccess.of(add={"v@x.org": "owner", "new@x.org": "viewer"}, remove="team-2222")
    assert levels(wanted) == {"ownr-2222": "current_owner", "view-2222": "owner", "new@x.org": "viewer"}
    assert levels(WantedAccess.of(exact={})) == {"ownr-2222": "current_owner"}


def test_one_user_by_two_names_is_one_user() -> None:
    for wanted in (
        WantedAccess.of(add={"view-2222": "owner"}, remove=["v@x.org"]),
        WantedAccess.of(add={"view-2222": "owner", "v@x.org": "viewer"}),
        WantedAccess.of(exact={"New@x.org": "owner", "new@x.org": "viewer"}),
    ):
        with pytest.raises(NotShareable, match=r"is named twice|to be added and"):
            levels(wanted)


def test_a_level_without_a_version_is_the_one_that_the_portal_has() -> None:
    before = Permissions("private", BEFORE.users, (PUBLISHED, AccessLevel("owner")))
    assert levels(WantedAccess.of(add={"view-2222": "viewer"}), before) is None
    with pytest.raises(NotShareable, match="no access level contributor; it has viewer:published, owner"):
        levels(WantedAccess.of(add={"view-2222": "contributor"}), before)
    both = Permissions("private", BEFORE.users, (PUBLISHED, VIEWER))
    assert levels(WantedAccess.of(add={"view-2222": "viewer"}), both) is not None


def test_a_portal_that_names_no_owner_may_still_be_told_the_audience() -> None:
    silent = Permissions("private")
    assert levels(WantedAccess.of("public"), silent) is None
    with pytest.raises(NotShareable, match="does not tell who owns"):
        levels(WantedAccess.of(add={"view-2222": "viewer"}), silent)
