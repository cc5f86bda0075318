"""What every call of the publishing service does first: who calls, what is named, what was sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.errors import invalid, malformed, missing, refused, translated
from airflow_socrata.emulator.errors import PortalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.dsmapi.model import InputSchema, OutputSchema, Revision, Source
    from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply
    from airflow_socrata.emulator.store.model import View


def served(service: Callable[[Portal, Exchange], Reply]) -> Callable[[Portal, Exchange], Reply]:
    """Return a service whose refusals have this service's form."""

    def serve(portal: Portal, exchange: Exchange) -> Reply:
        try:
            return service(portal, exchange)
        except PortalError as error:
            raise translated(error) from None

    return serve


def body_of(exchange: Exchange) -> dict[str, Any]:
    """Return the JSON object that was sent; an empty body is an empty object.

    :raises PortalError: 400 when it is no JSON object.
    """
    if not exchange.body.strip():
        return {}
    try:
        body = json.loads(exchange.body)
    except ValueError:
        raise malformed("The body is not JSON") from None
    if not isinstance(body, dict):
        raise malformed("The body must be a JSON object")
    return body


def object_in(body: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an object of a body, an empty one where it is missing or null.

    :raises PortalError: 422 when it is something else.
    """
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{key} must be an object", details={key: "must be an object"})
    return value


def number_in(exchange: Exchange, part: str, what: str) -> int:
    """Return a number of the path.

    :raises PortalError: 404 when it is none.
    """
    text = exchange.parts[part]
    if not text.isdigit():
        raise missing(what, text)
    return int(text)


def paging(exchange: Exchange) -> tuple[int, int]:
    """Return limit and offset.

    :raises PortalError: 400 when one is no number.
    """
    limit, offset = exchange.first("limit") or "500", exchange.first("offset") or "0"
    if not limit.isdigit() or not offset.isdigit():
        raise malformed("limit and offset must be numbers")
    return int(limit), int(offset)


def dataset_of(portal: Portal, exchange: Exchange, right: str = "update_view") -> View:
    """Return the dataset that the path names.

    :raises PortalError: 404 or 403.
    """
    return named_dataset(portal, exchange, exchange.parts["fourfour"], right)


def named_dataset(portal: Portal, exchange: Exchange, view_id: str, right: str = "update_view") -> View:
    """Return a dataset that revisions can be made of.

    :raises PortalError: 404, 403, or 422 for a working copy or derived view.
    """
    view = portal.view(view_id, exchange.user, right)
    if view.is_working_copy or view.modifying_view_uid is not None:
        raise invalid(f"Revisions are made of datasets, {view.id} is none", "not_a_dataset")
    return view


def revision_of(portal: Portal, exchange: Exchange) -> Revision:
    """Return the revision that the path names.

    :raises PortalError: 404 or 403.
    """
    view = dataset_of(portal, exchange)
    seq = number_in(exchange, "sequence", "revision")
    return named_revision(portal, view.id, seq)


def named_revision(portal: Portal, view_id: str, seq: Any) -> Revision:
    """Return one revision.

    :raises PortalError: 404.
    """
    found = portal.desk.revision(view_id, seq) if isinstance(seq, int) else None
    if found is None:
        raise missing("revision", f"{view_id}:{seq}")
    return found


def require_open(portal: Portal, revision: Revision | None) -> None:
    """Refuse to change a closed revision.

    :raises PortalError: 409, or what the switch says.
    """
    if revision is not None and not revision.is_open:
        raise refused(
            portal.switches.closed_revision_status,
            "revision_closed",
            f"Revision {revision.seq} of {revision.view_id} is closed",
            fourfour=revision.view_id,
            revision_seq=revision.seq,
        )


def source_of(portal: Portal, exchange: Exchange) -> Source:
    """Return the source that the path names.

    :raises PortalError: 404 or 403.
    """
    user = portal.publisher(exchange)
    number = number_in(exchange, "source_id", "source")
    source = portal.desk.sources.get(number)
    if source is None:
        raise missing("source", number)
    if source.revision is not None:
        named_dataset(portal, exchange, source.revision.view_id)
    elif source.user_id != user.id:
        raise missing("source", number)
    return source


def input_schema_of(portal: Portal, exchange: Exchange) -> InputSchema:
    """Return the input schema that the path names.

    :raises PortalError: 404 or 403.
    """
    source = source_of(portal, exchange)
    number = number_in(exchange, "input_schema_id", "input schema")
    found = next((each for each in source.schemas if each.id == number), None)
    if found is None or source.looks:
        raise missing("input schema", number)
    return found


def output_schema_of(portal: Portal, exchange: Exchange) -> OutputSchema:
    """Return the output schema that the path names.

    :raises PortalError: 404 or 403.
    """
    schema = input_schema_of(portal, exchange)
    number = number_in(exchange, "output_schema_id", "output schema")
    found = next((each for each in schema.output_schemas if each.id == number), None)
    if found is None:
        raise missing("output schema", number)
    return found
