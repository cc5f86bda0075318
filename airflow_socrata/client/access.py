"""Calls for who may see a dataset and who may change it: audience, users and teams, owner."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id, is_dataset_id
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply
from airflow_socrata.client.models import View
from airflow_socrata.client.parsing import no_error, object_of, objects, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Everybody; the members of the portal ("internal"); the owner and the users named.
Audience: TypeAlias = Literal["public", "site", "private"]
AUDIENCES: tuple[Audience, ...] = get_args(Audience)

#: How ``setPermission`` may be spelled: in the query, as a JSON string, or in the query beside the words that
#: an old client adds.
Spelling: TypeAlias = Literal["query", "body", "website"]

_ABSENT = "check the dataset id, and that every user and team of the call is known on the portal"


@dataclass(frozen=True, slots=True)
class AccessLevel:
    """What a user may do.

    :param name: ``viewer``, ``contributor``, ``owner`` (all but delete and transfer), ``current_owner``.
    :param version: ``all`` (drafts too) or ``published``.
    """

    name: str
    version: str = "all"

    def __str__(self) -> str:
        return self.name if self.version == "all" else f"{self.name}:{self.version}"

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> AccessLevel:
        """Read an access level."""
        return cls(text(body.get("name")) or "", text(body.get("version")) or "all")

    @classmethod
    def of(cls, word: str) -> AccessLevel:
        """Read what a person writes: ``viewer``, or ``viewer:published``.

        :raises ConfigurationError: it is neither.
        """
        name, colon, version = word.partition(":") if isinstance(word, str) else ("", "", "")
        if not name or (colon and not version):
            raise ConfigurationError(
                f"access level {word!r} is none: write viewer, contributor or owner, or viewer:published"
            )
        return cls(name, version or "all")


#: The level that exactly one user of a dataset has.
CURRENT_OWNER = AccessLevel("current_owner")


@dataclass(frozen=True, slots=True)
class UserAccess:
    """A user or a team that a dataset is shared with.

    :param id: 4x4; None for an address without an account.
    :param email: None for a team.
    :param type: ``interactive``, or the portal's word for a team.
    """

    level: AccessLevel
    id: str | None = None
    email: str | None = None
    display_name: str | None = None
    type: str | None = None

    @property
    def who(self) -> str:
        """The 4x4, or the e-mail address of somebody without an account."""
        return self.id or self.email or ""

    @property
    def is_owner(self) -> bool:
        """Whether this is the one owner."""
        return self.level.name == CURRENT_OWNER.name

    def answers_to(self, who: str) -> bool:
        """Whether this is the user with this 4x4 or e-mail address."""
        return who == self.id or (self.email is not None and who.casefold() == self.email.casefold())

    def to_json(self) -> dict[str, Any]:
        """Return what the portal takes. It looks at the address first, so that goes only without a 4x4."""
        named = {"id": self.id} if self.id else {"email": self.email}
        level = {"name": self.level.name, "version": self.level.version}
        return {**named, "accessLevels": [level]}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> UserAccess:
        """Read a user; of several levels the first counts, as portals take one."""
        levels = objects(body.get("accessLevels"))
        return cls(
            level=AccessLevel.from_json(levels[0] if levels else {}),
            id=text(body.get("id")),
            email=text(body.get("email")),
            display_name=text(body.get("displayName")),
            type=text(body.get("type")),
        )

    @classmethod
    def named(cls, who: str, level: AccessLevel) -> UserAccess:
        """Return a share with somebody who is named by 4x4 or e-mail address.

        :raises ConfigurationError: it is neither.
        """
        if is_dataset_id(who):
            return cls(level, id=who)
        if isinstance(who, str) and "@" in who.strip("@") and not any(sign.isspace() for sign in who):
            return cls(level, email=who)
        raise ConfigurationError(f"{str(who)[:80]!r} names no user: give a 4x4 or an e-mail address")


@dataclass(frozen=True, slots=True)
class Permissions:
    """Who may see and change a dataset.

    :param scope: the audience.
    :param levels: the access levels that this portal offers; none where it does not tell.
    """

    scope: str | None
    users: tuple[UserAccess, ...] = ()
    levels: tuple[AccessLevel, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def owner(self) -> UserAccess | None:
        """The one owner."""
        return next((user for user in self.users if user.is_owner), None)

    def find(self, who: str) -> UserAccess | None:
        """Return the user with this 4x4 or e-mail address."""
        return next((user for user in self.users if user.answers_to(who)), None)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Permissions:
        """Read a permissions object."""
        return cls(
            scope=text(body.get("scope")),
            users=tuple(UserAccess.from_json(item) for item in objects(body.get("users"))),
            levels=tuple(AccessLevel.from_json(item) for item in objects(body.get("accessLevels"))),
            raw=body,
        )


def check_audience(audience: str) -> Audience:
    """Return an audience.

    :raises ConfigurationError: it is none.
    """
    for known in AUDIENCES:
        if audience == known:
            return known
    raise ConfigurationError(f"audience {audience!r} is unknown: use {', '.join(AUDIENCES)}")


def audience_of(view: View) -> str | None:
    """Return who sees a view; of a draft who will see it once it is published. None: the portal is silent.

    Portals show a draft's audience among its pending grants; older ones among its grants.
    """
    if view.is_unpublished and any("public" in grant.flags for grant in (*view.pending_grants, *view.grants)):
        return "public"
    return view.permission_scope


def shared_with(view: View) -> dict[str, str] | None:
    """Return who may see or change a view, with the access level of each; None where the portal is silent."""
    told = view.raw.get("permissions")
    if not isinstance(told, dict) or not isinstance(told.get("users"), list):
        return None
    return {user.who: str(user.level) for user in Permissions.from_json(told).users}


def read_permissions(dataset_id: str) -> Call[Permissions]:
    """Read who may see and change a dataset; needs the right ``grant`` on some portals."""
    return Call(CallKind.READ, "GET", _path(dataset_id), _parse, f"permissions of {dataset_id}")


def put_permissions(
    dataset_id: str, *, scope: Audience | None = None, users: Iterable[UserAccess] | None = None
) -> Call[Permissions]:
    """Change the audience, the users, or both; what is not given stays.

    Going public may make a request for approval instead of a change, and a second one when it is sent twice:
    so a call that may have been carried out is not sent again before somebody has looked.

    :param users: all of them, the one owner among them; who is left out loses access.
    :raises ConfigurationError: nothing is given, the users have no owner or several, or one is there twice.
    """
    body: dict[str, Any] = {}
    if scope is not None:
        body["scope"] = check_audience(scope)
    if users is not None:
        listed = tuple(users)
        _check_users(listed)
        body["users"] = [user.to_json() for user in listed]
    if not body:
        raise ConfigurationError("give a scope or users: there is nothing to change")
    return Call(
        CallKind.PART,
        "PUT",
        _path(dataset_id),
        _parse,
        f"set permissions of {dataset_id}",
        headers=JSON_TYPE,
        body=json.dumps(body).encode(),
        if_absent=_ABSENT,
    )


def _check_users(users: tuple[UserAccess, ...]) -> None:
    owners = [user.who for user in users if user.is_owner]
    if len(owners) != 1:
        raise ConfigurationError(f"a dataset has one owner, and {len(owners)} were given")
    seen: set[str] = set()
    for user in users:
        if user.who.casefold() in seen:
            raise ConfigurationError(f"{user.who} is there twice")
        seen.add(user.who.casefold())


def set_permission(dataset_id: str, value: str, *, spelling: Spelling = "query") -> Call[None]:
    """Set the audience in the older way: ``public.read``, ``public.add``, ``private`` or ``site``.

    :param spelling: how the value goes out, for portals that know one way alone.
    """
    params: tuple[tuple[str, str], ...] = (("method", "setPermission"),)
    if spelling != "body":
        params = (*params, ("value", value))
    if spelling == "website":
        params = (*params, ("accessType", "WEBSITE"))
    return Call(
        CallKind.PART,
        "PUT",
        f"/api/views/{check_dataset_id(dataset_id)}.json",
        no_error,
        f"set permission of {dataset_id}",
        params=params,
        headers=JSON_TYPE,
        body=json.dumps(value).encode() if spelling == "body" else b"{}",
    )


def add_grant(dataset_id: str, grant: Mapping[str, Any]) -> Call[None]:
    """Add a grant, e.g. ``{"type": "contributor", "userId": "abcd-1234"}``: the older way to share."""
    return _grant_call(dataset_id, "POST", (), grant, "add a grant to")


def remove_grant(dataset_id: str, grant: Mapping[str, Any]) -> Call[None]:
    """Remove the grant that equals ``grant``."""
    return _grant_call(dataset_id, "PUT", (("method", "delete"),), grant, "remove a grant from")


def _grant_call(
    dataset_id: str, method: str, params: tuple[tuple[str, str], ...], grant: Mapping[str, Any], what: str
) -> Call[None]:
    return Call(
        CallKind.PART,
        method,
        f"/api/views/{check_dataset_id(dataset_id)}/grants",
        no_error,
        f"{what} {dataset_id}",
        params=params,
        headers=JSON_TYPE,
        body=json.dumps(dict(grant)).encode(),
    )


def change_owner(dataset_id: str, user_id: str) -> Call[View]:
    """Make a user the owner in the older way (the portal's method ``plagiarize``)."""
    return Call(
        CallKind.METADATA,
        "PUT",
        f"/api/views/{check_dataset_id(dataset_id)}.json",
        _parse_view,
        f"transfer {dataset_id} to {user_id}",
        params=(("method", "plagiarize"), ("userId", check_dataset_id(user_id))),
        headers=JSON_TYPE,
        body=b"{}",
        if_absent=_ABSENT,
    )


def change_owner_of_many(dataset_ids: Iterable[str], user_id: str) -> Call[None]:
    """Make a user the owner of many datasets in one call.

    :raises ConfigurationError: there are none.
    """
    ids = [check_dataset_id(dataset_id) for dataset_id in dataset_ids]
    if not ids:
        raise ConfigurationError("there are no datasets to transfer")
    return Call(
        CallKind.METADATA,
        "PUT",
        "/api/views.json",
        no_error,
        f"transfer {len(ids)} datasets to {user_id}",
        params=(("method", "bulkTransferOwnership"),),
        headers=JSON_TYPE,
        body=json.dumps({"userUid": check_dataset_id(user_id), "viewUids": ids}).encode(),
        if_absent=_ABSENT,
    )


def _path(dataset_id: str) -> str:
    return f"/api/views/{check_dataset_id(dataset_id)}/permissions"


def _parse(reply: Reply) -> Permissions:
    return Permissions.from_json(object_of(reply, "a permissions object"))


def _parse_view(reply: Reply) -> View:
    return View.from_json(object_of(reply, "a view"))
