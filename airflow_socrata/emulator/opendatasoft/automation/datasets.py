"""Datasets, their actions and their status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft import actions, engine
from airflow_socrata.emulator.opendatasoft.automation.metadata import checked_metadata
from airflow_socrata.emulator.opendatasoft.automation.pages import dataset_json, page
from airflow_socrata.emulator.opendatasoft.changing import act, changing, dataset_of, seconds_time
from airflow_socrata.emulator.opendatasoft.errors import Reply, invalid
from airflow_socrata.emulator.opendatasoft.model import Config
from airflow_socrata.emulator.opendatasoft.states import public

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.opendatasoft.model import Dataset
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")


def listing(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/``."""
    wanted = exchange.all("dataset_id")
    found = [one for one in portal.datasets.values() if not wanted or one.dataset_id in wanted]
    return page(exchange, [dataset_json(one) for one in found])


def create(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /datasets/``."""
    body = exchange.object()
    dataset_id = body.get("dataset_id")
    check_id(portal, dataset_id)
    if "metadata" not in body:
        raise invalid({"metadata": ["This field is required."]})
    config = Config(metadata=checked_metadata(body["metadata"]))
    made = portal.new_dataset(exchange.user_name, dataset_id, config)
    _configure(made, body)
    return Reply.of(dataset_json(made), 201)


def check_id(portal: Portal, dataset_id: Any) -> None:
    """Let a dataset id pass that is proper and not taken, or None.

    :raises Refused: 400 with what is wrong.
    """
    if dataset_id is None:
        return
    if not isinstance(dataset_id, str) or not _ID.fullmatch(dataset_id):
        raise invalid({"dataset_id": ["Enter a valid dataset identifier."]})
    if portal.by_id(dataset_id) is not None:
        raise invalid({"dataset_id": [f"The dataset identifier {dataset_id} is already used."]})


def _configure(dataset: Dataset, body: dict[str, Any]) -> None:
    if "is_restricted" in body:
        dataset.is_restricted = str(body["is_restricted"]).lower() == "true"
    if isinstance(body.get("default_security"), dict):
        dataset.default_security = dataset.default_security | body["default_security"]


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/``."""
    return Reply.of(dataset_json(dataset_of(portal, exchange)))


def update(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /datasets/{uid}/``; a body of a form (``is_restricted=true``) is taken as well."""
    dataset = dataset_of(portal, exchange)
    text = exchange.body.strip()
    form = text[:1] not in {b"{", b""} and b"=" in text
    body: dict[str, Any] = dict(exchange.form_fields()) if form else exchange.object()
    wanted = body.get("dataset_id")
    if wanted is not None and wanted != dataset.dataset_id:
        if dataset.is_published:
            raise invalid({"dataset_id": ["The identifier of a published dataset cannot be changed."]})
        check_id(portal, wanted)
    with changing(portal, exchange, dataset, "metadata") as config:
        if wanted is not None:
            dataset.dataset_id = wanted
        if "metadata" in body:
            config.metadata = checked_metadata(body["metadata"])
        elif portal.switches.put_dataset == "reset":
            config.metadata = {}
        _configure(dataset, body)
    return Reply.of(dataset_json(dataset))


def delete(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /datasets/{uid}/``, in both APIs."""
    actions.delete(portal, dataset_of(portal, exchange), exchange.user_name)
    return Reply.empty()


def copy(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /datasets/{uid}/copy/``: the configuration under a new uid, unpublished."""
    source = dataset_of(portal, exchange)
    name = portal.free_id(f"{source.dataset_id}-copy")
    made = portal.new_dataset(exchange.user_name, name, source.config.copy())
    made.files = dict(source.files)
    made.is_restricted = source.is_restricted
    made.default_security = dict(source.default_security)
    return Reply.of(dataset_json(made), 201)


def action(name: str) -> Callable[[Portal, Exchange], Reply]:
    """Return the service of ``POST /datasets/{uid}/<action>/``."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        act(portal, exchange, name)
        return Reply.of({"detail": "ok"})

    return service


def status(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/status/``."""
    dataset = dataset_of(portal, exchange)
    following = engine.next_of(portal, dataset, dataset.state)
    shown = engine.state_of(dataset)
    return Reply.of({
        "status": public(shown.internal, portal.switches.realtime_status_name),
        "since": seconds_time(shown.since),
        "is_published": dataset.is_published,
        "previous": shown.previous,
        "next": following if shown is dataset.state else None,
        "message": shown.message,
        "records_errors": shown.records_errors,
        "params": shown.params,
    })
