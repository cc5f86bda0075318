"""Giving a dataset to another owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import PortalError, RequestRefused, access, views
from airflow_socrata.client.access import AccessLevel, UserAccess
from airflow_socrata.publication.access import AccessReport, Outcome, levels_by_user, offered_level
from airflow_socrata.publication.errors import OutcomeUnproved

if TYPE_CHECKING:
    from airflow_socrata.client.access import Permissions
    from airflow_socrata.publication.publisher import Publisher


def transfer_ownership(
    publisher: Publisher, dataset: str, owner: str, keep: str | None = None
) -> AccessReport:
    """Make somebody the owner and prove it.

    :param owner: 4x4, or e-mail address of an account.
    :param keep: level that the former owner keeps, e.g. ``owner`` (co-owner); None: none.
    :raises OutcomeUnproved: the portal does not tell afterwards, or tells another owner.
    """
    new = UserAccess.named(owner, access.CURRENT_OWNER)
    level = None if keep is None else AccessLevel.of(keep)
    sent = False

    def look_then_transfer() -> Permissions | None:
        nonlocal sent
        try:
            before = publisher.send(access.read_permissions(dataset))
        except RequestRefused:
            # after a transfer its former owner may have lost the right to look
            if publisher.send(views.read_view(dataset)).owner_id == owner:
                return None
            raise
        if before.owner is not None and before.owner.answers_to(owner):
            return before
        users = [user for user in before.users if not user.is_owner and not user.answers_to(owner)]
        if level is not None and before.owner is not None:
            kept = before.owner
            users.append(UserAccess(offered_level(level, before), kept.id, kept.email))
        known = before.find(owner)
        named = new if known is None else UserAccess(new.level, known.id, known.email)
        sent = True
        publisher.log(f"Transferring {dataset} to {owner}.")
        told = publisher.send(access.put_permissions(dataset, users=(named, *users)))
        return _proof(publisher, dataset, told)

    after = publisher.session.repeat(look_then_transfer)
    if after is not None and (after.owner is None or not after.owner.answers_to(owner)):
        raise OutcomeUnproved(
            f"{dataset} belongs to {after.owner.who if after.owner else 'nobody'} after it was transferred to"
            f" {owner}: {publisher.link(dataset)}"
        )
    users_now = {owner: str(new.level)} if after is None else levels_by_user(after.users)
    scope = None if after is None else after.scope
    outcome = Outcome.CHANGED if sent else Outcome.UNCHANGED
    publisher.log(f"{dataset} belongs to {owner} ({outcome.value}).")
    return AccessReport(dataset, scope, outcome, users_now, publisher.link(dataset))


def _proof(publisher: Publisher, dataset: str, told: Permissions) -> Permissions:
    """Read back; who has just given a dataset away may not be let in, and then the reply itself tells."""
    try:
        return publisher.send(access.read_permissions(dataset))
    except PortalError as error:
        if not error.permanent:
            raise
        return told
