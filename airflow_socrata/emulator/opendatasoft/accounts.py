"""Who may sign in, with what, and what they may do."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft.errors import AUTOMATION, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.emulator.opendatasoft.settings import Switches

PERMISSIONS = (
    "create_dataset",
    "edit_dataset",
    "publish_dataset",
    "manage_dataset",
    "explore_restricted_dataset",
    "explore_monitoring",
    "create_page",
    "edit_page",
    "manage_page",
    "explore_restricted_page",
    "edit_domain",
    "edit_reuse",
    "edit_theme",
    "manage_subdomains",
)
# What an action asks for -> the permissions that it needs, all of them.
RIGHTS: dict[str, frozenset[str]] = {
    "create": frozenset({"create_dataset"}),
    "edit": frozenset({"edit_dataset"}),
    "publish": frozenset({"edit_dataset", "publish_dataset"}),
    "manage": frozenset({"edit_dataset", "manage_dataset"}),
}


@dataclass(slots=True)
class User:
    """One account."""

    name: str
    password: str
    permissions: frozenset[str]


@dataclass(slots=True)
class ApiKey:
    """A key; what it may do is what both it and its owner may do."""

    uid: str
    key: str
    label: str
    user: User
    permissions: frozenset[str]
    created_at: float = 0.0
    revoked: str | None = None
    revoked_at: float | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    name: str
    permissions: frozenset[str]
    by_key: bool = False


def key_of(name: str) -> str:
    """Return the API key of an account of the start: 56 hexadecimal characters."""
    return hashlib.sha224(f"emulator key of {name}".encode()).hexdigest()


def _users() -> dict[str, User]:
    every = frozenset(PERMISSIONS)
    rights = {
        "publisher": every,
        "person": every,
        "editor": frozenset({"edit_dataset", "explore_restricted_dataset"}),
        "reader": frozenset({"explore_restricted_dataset"}),
    }
    return {name: User(name, f"{name}-password", granted) for name, granted in rights.items()}


@dataclass(slots=True)
class Accounts:
    """The accounts and the keys."""

    users: dict[str, User] = field(default_factory=_users)
    keys: dict[str, ApiKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, user in enumerate(self.users.values()):
            uid = f"ak_start{number}"
            self.keys[uid] = ApiKey(uid, key_of(user.name), f"{user.name}'s key", user, user.permissions)

    def sign_in(
        self, path: str, headers: Mapping[str, str], query: Mapping[str, str], switches: Switches
    ) -> Caller | None:
        """Return who sent a request; None for nobody.

        :raises Refused: the credentials are not known.
        """
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "apikey":
            return self._by_key(given.strip(), switches)
        if scheme.lower() == "basic":
            if path.startswith(AUTOMATION) and not switches.automation_basic:
                raise _unknown(switches)
            return self._by_password(given.strip(), switches)
        if scheme:
            raise _unknown(switches)
        if "apikey" in query:
            return self._by_key(query["apikey"], switches)
        return None

    def _by_key(self, text: str, switches: Switches) -> Caller:
        for key in self.keys.values():
            if key.key == text and key.revoked is None:
                return Caller(key.user.name, key.permissions & key.user.permissions, by_key=True)
        raise _unknown(switches)

    def _by_password(self, text: str, switches: Switches) -> Caller:
        try:
            name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise _unknown(switches) from None
        user = self.users.get(name)
        if user is None or user.password != password:
            raise _unknown(switches)
        return Caller(user.name, user.permissions)


def _unknown(switches: Switches) -> Refused:
    return Refused(
        switches.unauthorized_status, "unauthorized", "Invalid credentials.", key="UnauthorizedException"
    )


def require(caller: Caller | None, right: str | None, switches: Switches) -> None:
    """Let a caller pass who has a right; None: who has signed in.

    :raises Refused: 401 for nobody, 403 without the right.
    """
    if caller is None:
        raise Refused(
            switches.unauthorized_status,
            "unauthorized",
            "Authentication credentials were not provided.",
            key="UnauthorizedException",
        )
    if right == "list":
        allowed = bool(caller.permissions & {"create_dataset", "edit_dataset", "publish_dataset"})
    elif right == "status":
        right = "publish" if switches.status_needs_publish else "edit"
        allowed = caller.permissions >= RIGHTS[right]
    else:
        allowed = right is None or caller.permissions >= RIGHTS[right]
    if not allowed:
        raise Refused(
            switches.forbidden_status,
            "forbidden",
            "You do not have permission to perform this action.",
            key="PermissionDeniedException",
        )


def key_json(key: ApiKey, created_at: str, revoked_at: str | None) -> dict[str, Any]:
    """Return a key as the Automation API shows it."""
    return {
        "uid": key.uid,
        "label": key.label,
        "key": key.key,
        "permissions": [name for name in PERMISSIONS if name in key.permissions],
        "created_at": created_at,
        "user": {"username": key.user.name},
        "revocation_status": {"revoked_at": revoked_at, "revocation_reason": key.revoked or ""},
        "is_revoked": key.revoked is not None,
    }
