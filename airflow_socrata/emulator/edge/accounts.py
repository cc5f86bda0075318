"""Who may sign in, with what, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.errors import login_needed, permission_denied, view_missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.emulator.settings import Switches
    from airflow_socrata.emulator.store.model import View

ALL_RIGHTS = (
    "read",
    "write",
    "add",
    "delete",
    "grant",
    "add_column",
    "remove_column",
    "update_column",
    "update_view",
    "delete_view",
    "transfer_ownership",
)
APP_TOKEN = "emulator-app-token"  # noqa: S105 (made up, for loopback only)


@dataclass(frozen=True, slots=True)
class User:
    """One account."""

    id: str
    name: str
    display_name: str
    email: str
    password: str
    key_id: str
    key_secret: str
    access_token: str
    publisher: bool

    def short(self) -> dict[str, Any]:
        """Return the account as views show it."""
        return {
            "id": self.id,
            "displayName": self.display_name,
            "screenName": self.display_name,
            "type": "interactive",
            "flags": ["acceptedEula", "mayBeStoriesCoOwner"],
        }

    def full(self) -> dict[str, Any]:
        """Return the account as it sees itself."""
        rights = (
            ["create_datasets", "edit_others_datasets", "view_domain"] if self.publisher else ["view_domain"]
        )
        return self.short() | {
            "email": self.email,
            "roleName": "publisher" if self.publisher else "viewer",
            "rights": rights,
        }


def _user(user_id: str, name: str, display_name: str, *, publisher: bool) -> User:
    return User(
        user_id,
        name,
        display_name,
        f"{name}@example.gov",
        f"{name}-password",
        f"{name}-key",
        f"{name}-secret",
        f"{name}-token",
        publisher,
    )


USERS = {
    user.name: user
    for user in (
        _user("pub3-user", "publisher", "Publishing Job", publisher=True),
        _user("per4-user", "person", "Pat Person", publisher=True),
        _user("view-user", "viewer", "Vic Viewer", publisher=False),
    )
}
_BY_ID = {user.id: user for user in USERS.values()}

#: Teams that views can be shared with: 4x4 and name.
TEAMS = {"team-2345": "Data Crew"}


def user_by_id(user_id: str) -> User:
    """Return the account with this 4x4."""
    return _BY_ID[user_id]


def rights_on(
    view: View, user: User | None, given: Mapping[tuple[str, str], tuple[str, ...]]
) -> tuple[str, ...]:
    """Return what a caller may do with a view; ``given`` holds rights that a test set by view and account."""
    if user is not None:
        published = view.dataset.published
        for view_id in (view.id, published.id if published else view.id):
            if (view_id, user.name) in given:
                return given[view_id, user.name]
        if user.publisher:
            return ALL_RIGHTS
        if user.id == view.owner:
            return ALL_RIGHTS
        name, version = view.shares.get(user.id, ("", ""))
        if name == "owner":
            return tuple(each for each in ALL_RIGHTS if each not in {"delete_view", "transfer_ownership"})
        if name == "contributor":
            return ("read", "write", "add")
        if name and (version == "all" or view.stage == "published"):
            return ("read",)
    if view.scope == "public" or (view.scope == "site" and user is not None):
        return ("read",) if view.stage != "unpublished" else ()
    return ()


def require(rights: tuple[str, ...], wanted: str, user: User | None, view: View, switches: Switches) -> None:
    """Refuse a caller who lacks a right.

    :raises PortalError: 403, or 404 where the portal hides the view.
    """
    if wanted in rights:
        return
    if user is None:
        raise login_needed()
    if wanted == "read" and switches.private_read_status == 404:
        raise view_missing(view.id)
    raise permission_denied()
