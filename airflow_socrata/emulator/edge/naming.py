"""Names of datasets, of which resource names are unique, and datasets that delete themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.errors import core_error, invalid_request
from airflow_socrata.emulator.store.model import PUBLISHED

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.store.model import View


def check_names_free(portal: Portal, body: dict[str, Any], view: View | None = None) -> None:
    """Refuse names that another dataset has.

    :param view: the view that is to have them; None: a new one.
    :raises PortalError: the resource name is taken, or the name where that must be unique as well.
    """
    others = [other for other in portal.store.views() if view is None or other.dataset is not view.dataset]
    wanted = body.get("resourceName")
    if wanted and any(other.fields.get("resourceName") == wanted for other in others):
        status = portal.switches.resource_name_taken_status
        words = f"This resource name is taken; {wanted}_2 may be free"
        raise core_error(status, "invalid_request", words, {"name": wanted})
    name = body.get("name") if portal.switches.dataset_names == "unique" else None
    if name and any(other.fields.get("name") == name for other in others):
        raise invalid_request(f"There is a dataset named {name} already")


def find_named(portal: Portal, exchange: Exchange) -> View:
    """Return the view with a resource name: the published one before its drafts.

    :raises PortalError: 404 where there is none that the caller may see, 400 where the method is unknown.
    """
    how = portal.switches.by_resource_name
    if how == "none":
        raise invalid_request("Unknown method: getByResourceName")
    name = exchange.first("name")
    found = [
        view
        for view in portal.store.views()
        if name and view.fields.get("resourceName") == name
        if how == "drafts" or view.stage == PUBLISHED
        if "read" in portal.rights_of(view, exchange.user)
    ]
    if not found:
        raise core_error(404, "not_found", f"Cannot find view with resource name {name}", {"name": name})
    return min(found, key=lambda view: view.stage != PUBLISHED)


def page_of(exchange: Exchange, views: list[Any]) -> list[Any]:
    """Return the page that ``limit`` and ``page`` (from 1) ask for; all views without them."""
    limit, page = exchange.first("limit"), exchange.first("page")
    if limit is None and page is None:
        return views
    try:
        size, number = int(limit or 200), int(page or 1)
    except ValueError:
        raise invalid_request("limit and page are numbers") from None
    return views[(number - 1) * size : number * size] if size > 0 and number > 0 else []


def expiry(asked: str | None) -> float | None:
    """Return when a dataset deletes itself, epoch seconds, from ``deleted_at``.

    :raises PortalError: 400 when it is no moment.
    """
    if asked is None:
        return None
    try:
        moment = datetime.fromisoformat(asked)
    except ValueError:
        raise invalid_request(f"deleted_at is no moment: {asked}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
