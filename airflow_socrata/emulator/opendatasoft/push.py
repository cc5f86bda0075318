"""Pushing records to a realtime resource; the key stands in the query."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft import actions
from airflow_socrata.emulator.opendatasoft.errors import PUSH, Refused, Reply, bad_request, not_found
from airflow_socrata.emulator.opendatasoft.processing import id_fields, realtime_fields, record_id
from airflow_socrata.emulator.opendatasoft.values import convert

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft.automation.routes import Route
    from airflow_socrata.emulator.opendatasoft.model import Dataset, Public
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

Values = dict[str, Any]
_OK = {"status": "OK"}


def _target(portal: Portal, exchange: Exchange) -> tuple[Dataset, dict[str, Any], Public]:
    """Return dataset, resource and public records that a push is for.

    :raises Refused: there is none, the key is wrong, or it takes nothing now.
    """
    switches = portal.switches
    dataset = portal.by_id(exchange.parts["dataset_id"])
    if dataset is None:
        raise not_found(f"The requested dataset {exchange.parts['dataset_id']} does not exist.")
    resource = next(
        (
            one
            for one in dataset.config.resources
            if one.get("push", {}).get("name") == exchange.parts["resource"]
        ),
        None,
    )
    if resource is None:
        raise not_found(f"The dataset has no realtime resource {exchange.parts['resource']}.")
    if (exchange.first("pushkey") or exchange.first("apikey")) != resource["push"]["key"]:
        raise Refused(switches.push_wrong_key_status, "forbidden", "Invalid push key.")
    if not resource["push"]["enabled"]:
        raise Refused(switches.push_refused_status, "bad_request", "The resource is disabled.")
    if dataset.public is None:
        raise Refused(switches.push_unpublished_status, "not_found", "The dataset is not published.")
    return dataset, resource, dataset.public


def _records(portal: Portal, exchange: Exchange) -> list[Values]:
    if len(exchange.body) > portal.switches.push_limit_bytes:
        raise Refused(portal.switches.push_oversize_status, "bad_request", "The push is too large.")
    try:
        body = json.loads(exchange.body)
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    rows = body if isinstance(body, list) else [body]
    if not all(isinstance(row, dict) for row in rows):
        raise bad_request("the body must be an object or an array of objects")
    return rows


def _shaped(public: Public, resource: dict[str, Any], rows: list[Values]) -> dict[str, Values]:
    """Return the records by their ids, with values of the fields' types."""
    if not public.table.fields:
        public.table.fields = realtime_fields(resource, dict(enumerate_rows(rows)))
    fields, names = public.table.fields, id_fields(public.table.fields)
    shaped = {}
    for row in rows:
        record = {}
        for field in fields:
            try:
                record[field.name] = convert(row.get(field.name), field.type)
            except ValueError:
                raise bad_request(f"invalid value for field {field.name} of type {field.type}") from None
        shaped[record_id(record, names)] = record
    return shaped


def enumerate_rows(rows: list[Values]) -> list[tuple[str, Values]]:
    """Return rows with their numbers."""
    return [(str(number), row) for number, row in enumerate(rows)]


def push(portal: Portal, exchange: Exchange) -> Reply:
    """``POST …/push/``: records with the same id replace each other."""
    dataset, resource, public = _target(portal, exchange)
    shaped = _shaped(public, resource, _records(portal, exchange))
    dataset.pushed.setdefault(resource["uid"], {}).update(shaped)
    if (resource.get("params") or {}).get("recovery"):
        dataset.recoverable.setdefault(resource["uid"], {}).update(shaped)
    public.table.records.update(shaped)
    public.data_processed = portal.clock.now()
    actions.take_in(portal, dataset, "push")
    return Reply.of(_OK)


def _drop(
    portal: Portal, dataset: Dataset, resource: dict[str, Any], public: Public, found: set[str]
) -> Reply:
    for held in (
        dataset.pushed.get(resource["uid"], {}),
        dataset.recoverable.get(resource["uid"], {}),
        public.table.records,
    ):
        for each in found:
            held.pop(each, None)
    public.data_processed = portal.clock.now()
    return Reply.of(_OK)


def delete_values(portal: Portal, exchange: Exchange) -> Reply:
    """``POST …/delete/``: the records with the same id go."""
    dataset, resource, public = _target(portal, exchange)
    found = set(_shaped(public, resource, _records(portal, exchange)))
    return _drop(portal, dataset, resource, public, found)


def delete_record(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/{record_id}/delete/``."""
    dataset, resource, public = _target(portal, exchange)
    if exchange.parts["record"] not in public.table.records:
        raise not_found("The requested record does not exist.")
    return _drop(portal, dataset, resource, public, {exchange.parts["record"]})


_R = PUSH + "/{dataset_id}/{resource}"
ROUTES: tuple[Route, ...] = (
    ("POST", _R + "/push", push, "push"),
    ("POST", _R + "/delete", delete_values, "push"),
    ("GET", _R + "/{record}/delete", delete_record, "push"),
)
