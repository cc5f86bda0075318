"""Who may see a dataset and who may change it: look, change what differs, prove it by reading back.

Nothing is recorded: what is wanted is the same at each try, and each try looks at the portal first. So a call
whose reply was lost, or a task that was killed anywhere, is made good by the next look; in particular no
second request for approval is made while one waits.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import InvalidRequest, RequestRefused, View, access, approvals, views
from airflow_socrata.client.access import (
    AccessLevel,
    Audience,
    Permissions,
    UserAccess,
    audience_of,
    check_audience,
)
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.publication.approving import asked_for, look_at
from airflow_socrata.publication.errors import OutcomeUnproved, PublicationError, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_socrata.client.approvals import AudienceGuidance
    from airflow_socrata.publication.choices import OnFirstApproval
    from airflow_socrata.publication.publisher import Publisher

_WIDTH = {"private": 0, "site": 1, "public": 2}


class NotShareable(PublicationError):
    """The change is none that can be made to this dataset, or not by this user; nothing was sent."""


class ApprovalNeeded(PublicationError):
    """A steward would have to approve the audience, and that was not wanted; the audience is unchanged."""


class Outcome(enum.StrEnum):
    """What a change of access has come to."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    WITH_PUBLISHING = "takes_effect_with_publishing"
    AWAITS_APPROVAL = "awaits_approval"


@dataclass(frozen=True, slots=True)
class WantedAccess:
    """What access is to be; whatever is not named stays.

    :param audience: None: as it is.
    :param add: 4x4 or e-mail address to level, e.g. ``{"abcd-1234": "viewer"}``.
    :param remove: 4x4s or e-mail addresses.
    :param exact: instead of both: exactly these, beside the owner.
    """

    audience: Audience | None = None
    add: Mapping[str, AccessLevel] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    exact: Mapping[str, AccessLevel] | None = None

    @classmethod
    def of(
        cls,
        audience: str | None = None,
        add: Mapping[str, str] | None = None,
        remove: Iterable[str] = (),
        exact: Mapping[str, str] | None = None,
    ) -> WantedAccess:
        """Check what a person wrote.

        :raises ConfigurationError: nothing is wanted, contradictions, or words that mean nothing.
        """
        removed = (remove,) if isinstance(remove, str) else tuple(remove)
        if audience is None and not add and not removed and exact is None:
            raise ConfigurationError("give an audience or users: there is nothing to change")
        if exact is not None and (add or removed):
            raise ConfigurationError("give either users (exactly these) or add_users and remove_users")
        for who in removed:
            UserAccess.named(who, access.CURRENT_OWNER)
            if who in (add or {}):
                raise ConfigurationError(f"{who} is to be added and to be removed")
        return cls(
            None if audience is None else check_audience(audience),
            _levels(add or {}),
            removed,
            None if exact is None else _levels(exact),
        )


def _levels(shares: Mapping[str, str]) -> dict[str, AccessLevel]:
    levels = {who: AccessLevel.of(word) for who, word in shares.items()}
    for who, level in levels.items():
        if UserAccess.named(who, level).is_owner:
            raise ConfigurationError(f"{who} cannot be made the owner by sharing: transfer the ownership")
    return levels


@dataclass(frozen=True, slots=True)
class AccessReport:
    """Who may see and change a dataset now.

    :param audience: as it is, or will be once the outcome has come true.
    :param users: 4x4 or e-mail address to level; the owner has ``current_owner``.
    """

    dataset: str
    audience: str | None
    outcome: Outcome
    users: Mapping[str, str]
    link: str

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "dataset": self.dataset,
            "audience": self.audience,
            "outcome": self.outcome.value,
            "users": dict(self.users),
            "link": self.link,
        }


def plan_users(before: Permissions, wanted: WantedAccess) -> tuple[UserAccess, ...] | None:
    """Return the users to send, None where they are as wanted.

    :raises NotShareable: the owner is to be removed or given a lesser level; a level that the portal lacks;
        one user is named twice, by 4x4 and by address.
    """
    if wanted.exact is None and not wanted.add and not wanted.remove:
        return None
    owner = before.owner
    if owner is None:
        raise NotShareable("The portal does not tell who owns the dataset: its users cannot be changed.")
    for who in (*wanted.remove, *wanted.add, *(wanted.exact or {})):
        if owner.answers_to(who):
            raise NotShareable(f"{who} owns the dataset: transfer the ownership first.")
    asked = wanted.add if wanted.exact is None else wanted.exact
    users: list[UserAccess] = []
    gone: list[UserAccess] = []
    named: set[str] = set()
    if wanted.exact is None:
        gone = [user for user in before.users if any(user.answers_to(who) for who in wanted.remove)]
        users = [user for user in before.users if not user.is_owner and user not in gone]
    for who, level in asked.items():
        share = UserAccess.named(who, offered_level(level, before))
        known = before.find(who)
        if known is not None:
            users = [user for user in users if user.who != known.who]
            share = UserAccess(share.level, known.id, known.email)
        if known in gone:
            raise NotShareable(f"{who} is to be added and, under another name, to be removed.")
        if share.who.casefold() in named:
            raise NotShareable(f"{who} is named twice, by 4x4 and by address: name everybody once.")
        named.add(share.who.casefold())
        users.append(share)
    after = (owner, *users)
    return None if levels_by_user(after) == levels_by_user(before.users) else after


def offered_level(level: AccessLevel, before: Permissions) -> AccessLevel:
    """Return the level as this portal has it: one that is named without a version is of the one there is."""
    if not before.levels or level in before.levels:
        return level
    same = [each for each in before.levels if each.name == level.name]
    if len(same) == 1 and level.version == "all":
        return same[0]
    offered = ", ".join(str(each) for each in before.levels)
    raise NotShareable(f"This portal has no access level {level}; it has {offered}.")


def levels_by_user(users: Iterable[UserAccess]) -> dict[str, str]:
    """Return who may do what, in words."""
    return {user.who: str(user.level) for user in users}


def _widens(wanted: str, now: str | None) -> bool:
    return _WIDTH[wanted] > _WIDTH.get(now or "private", 0)


@dataclass(slots=True)
class _Change:
    """One change, which may have to be tried several times; each time it looks first."""

    publisher: Publisher
    dataset: str
    wanted: WantedAccess
    on_approval: OnFirstApproval
    ask_again: bool
    sent: bool = False
    before: str | None = None

    def __call__(self) -> None:
        view = read_shareable(self.publisher, self.dataset)
        permissions = self.publisher.send(access.read_permissions(self.dataset))
        users = plan_users(permissions, self.wanted)
        now = current_audience(view, permissions)
        self.before = self.before or now
        scope = None if self.wanted.audience in {None, now} else self.wanted.audience
        if scope is not None and view.is_published and _widens(scope, now):
            scope = self._to_ask(scope)
        if scope is None and users is None:
            return
        self.sent = True
        self.publisher.log(
            f"Changing {'users' if scope is None else f'the audience to {scope}'} of {view.id}."
        )
        self._put(scope, users)
        if scope is not None and view.is_published and _widens(scope, now):
            self._submit(scope)

    def _put(self, scope: Audience | None, users: tuple[UserAccess, ...] | None) -> None:
        try:
            self.publisher.send(access.put_permissions(self.dataset, scope=scope, users=users))
        except InvalidRequest as error:
            if scope == "site" and "scope" in (error.portal_message or "").lower():
                error.advice = "this portal has no audience of its members: use public or private"
            raise

    def _guidance(self, audience: Audience) -> AudienceGuidance | None:
        try:
            return self.publisher.send(approvals.guidance(self.dataset)).of(audience)
        except RequestRefused:
            return None  # a portal without approvals

    def _to_ask(self, audience: Audience) -> Audience | None:
        """Return the audience if it is to be asked for, None while an earlier request for it stands."""
        found = self._guidance(audience)
        if found is None:
            return audience
        if found.asks_for_audience and (found.state == "pending" or found.in_progress):
            self._refuse_approval(audience)
            self.publisher.log(f"{self.dataset} was submitted for the audience {audience} before.")
            return None
        if found.asks_for_audience and found.state == "rejected":
            self._take_back(audience, found)
        elif found.to_change_audience and found.to_change_audience.expected_state == "pending":
            self._refuse_approval(audience)
        return audience

    def _take_back(self, audience: Audience, found: AudienceGuidance) -> None:
        if not self.ask_again or found.submission_id is None:
            raise Rejected(
                f"A steward has rejected the audience {audience} for {self.dataset}. Withdraw that request at"
                f" {self.publisher.link(self.dataset)}, or pass ask_again=True, and run this again."
            )
        self.publisher.log(f"Withdrawing the request for {audience} that a steward has rejected.")
        self.publisher.send(approvals.withdraw(self.dataset, found.submission_id))

    def _submit(self, audience: Audience) -> None:
        """Submit where the portal has neither changed the audience nor made a request by itself."""
        view = self.publisher.send(views.read_view(self.dataset))
        if audience_of(view) == audience:
            return
        found = self._guidance(audience)
        if found is None:
            return
        if found.state == "pending" and self.on_approval == "fail" and found.submission_id is not None:
            self.publisher.send(approvals.withdraw(self.dataset, found.submission_id))
            self._refuse_approval(audience)
        if found.state == "not_submitted" and found.to_change_audience is not None:
            self.publisher.send(approvals.submit(self.dataset, found.to_change_audience))

    def _refuse_approval(self, audience: str) -> None:
        if self.on_approval == "fail":
            raise ApprovalNeeded(
                f"{_waits(self.dataset, audience)}, which is as it was. Pass on_approval='wait' or 'submit'."
            )


def _waits(dataset: str, audience: str | None) -> str:
    return f"A steward has to approve the audience {audience} for {dataset}"


def read_shareable(publisher: Publisher, dataset: str) -> View:
    """Read a dataset whose access is to be changed.

    :raises NotShareable: a working copy; a view that this user may not share.
    """
    view: View = publisher.send(views.read_view(check_dataset_id(dataset)))
    if view.is_working_copy:
        raise NotShareable(
            f"{view.id} is a working copy: its dataset, {view.published_view_uid}, is what people see."
        )
    if view.rights and not view.can("grant"):
        raise NotShareable(
            f"The connection's user may not share {view.id} ({view.name}); its rights are"
            f" {', '.join(sorted(view.rights))}. Ask the dataset's owner."
        )
    return view


def current_audience(view: View, permissions: Permissions) -> str | None:
    """Return who sees a dataset; of a draft, who will."""
    told = audience_of(view)
    if view.is_unpublished:
        return told if told == "public" else permissions.scope or told
    return permissions.scope or told


def set_access(
    publisher: Publisher,
    dataset: str,
    wanted: WantedAccess,
    *,
    on_approval: OnFirstApproval = "wait",
    ask_again: bool = False,
) -> AccessReport:
    """Make access as wanted and prove it; the audience may be left waiting for a steward.

    The audience is never sent unless one is asked for, and must be what it was in that case.

    :param on_approval: ``fail``: refuse before anything is sent where a steward would have to approve.
    :param ask_again: withdraw a request that was rejected, and make another.
    :raises Rejected: a steward has rejected an earlier request for this audience.
    :raises ApprovalNeeded: one would be needed.
    :raises NotShareable: see :func:`plan_users`, :func:`read_shareable`.
    :raises OutcomeUnproved: the portal took the change and does not show it.
    """
    change = _Change(publisher, dataset, wanted, on_approval, ask_again)
    publisher.session.repeat(change)
    view: View = publisher.send(views.read_view(dataset))
    after = publisher.send(access.read_permissions(dataset))
    if plan_users(after, wanted) is not None:
        raise OutcomeUnproved(
            f"{dataset} is shared with {_listed(after)} after the change, which is not what was asked for:"
            f" {publisher.link(dataset)}"
        )
    now = current_audience(view, after)
    outcome = Outcome.CHANGED if change.sent else Outcome.UNCHANGED
    if now != (wanted.audience or change.before):
        outcome = _unreached(publisher, dataset, wanted.audience, now)
        if outcome is Outcome.AWAITS_APPROVAL and on_approval == "fail":
            raise ApprovalNeeded(f"{_waits(dataset, wanted.audience)}; a request for it was made.")
    elif view.is_unpublished and wanted.audience is not None:
        outcome = Outcome.WITH_PUBLISHING
    publisher.log(f"{dataset}: audience {wanted.audience or now}, {outcome.value.replace('_', ' ')}.")
    return AccessReport(
        dataset, wanted.audience or now, outcome, levels_by_user(after.users), publisher.link(dataset)
    )


def _unreached(publisher: Publisher, dataset: str, audience: Audience | None, now: str | None) -> Outcome:
    if audience is None:
        raise OutcomeUnproved(
            f"The audience of {dataset} has become {now}, which was not asked for: {publisher.link(dataset)}"
        )
    sighting = publisher.wait(look_at(dataset, audience))
    if sighting.was_rejected:
        raise Rejected(asked_for(dataset, audience, "was rejected by a steward"))
    if sighting.waits or sighting.is_reached:
        return Outcome.CHANGED if sighting.is_reached else Outcome.AWAITS_APPROVAL
    raise OutcomeUnproved(
        f"The portal took the audience {audience} for {dataset} and shows {now}: {publisher.link(dataset)}"
    )


def _listed(permissions: Permissions) -> str:
    return ", ".join(f"{who} ({level})" for who, level in levels_by_user(permissions.users).items())
